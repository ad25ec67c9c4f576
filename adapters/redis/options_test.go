package redis

import (
	"crypto/tls"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestURLs(t *testing.T) {
	type parsed struct {
		Addresses          []string
		Username, Password string
		TLS                bool
	}
	for text, want := range map[string]parsed{
		"redis://localhost":                               {Addresses: []string{"localhost:6379"}},
		"redis://localhost:7000":                          {Addresses: []string{"localhost:7000"}},
		"valkey://10.0.0.1:7000/":                         {Addresses: []string{"10.0.0.1:7000"}},
		"redis://[::1]":                                   {Addresses: []string{"[::1]:6379"}},
		"redis://[::1]:7000/3":                            {Addresses: []string{"[::1]:7000"}},
		"redis://:secret@host":                            {Addresses: []string{"host:6379"}, Password: "secret"},
		"rediss://user:p%40ss%2Fword@host:1":              {Addresses: []string{"host:1"}, Username: "user", Password: "p@ss/word", TLS: true},
		"valkeys://host":                                  {Addresses: []string{"host:6379"}, TLS: true},
		"redis://a:1?addr=b:2&addr=c":                     {Addresses: []string{"a:1", "b:2", "c:6379"}},
		"redis://a?addr=%5B::1%5D:2&addr=" + "b.c.d:1234": {Addresses: []string{"a:6379", "[::1]:2", "b.c.d:1234"}},
	} {
		c, err := newConfig(text, nil)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got := parsed{c.addresses, c.username, c.password, c.tls != nil}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
}

func TestMisconfigurationIsAnError(t *testing.T) {
	const good = "redis://localhost"
	for _, test := range []struct {
		url  string
		opts *Options
		want string // in the error
	}{
		{"", nil, "scheme"},
		{"localhost:6379", nil, "URL"},
		{"http://localhost", nil, `"http"`},
		{"redis://", nil, "no host"},
		{"redis://host:0", nil, "port"},
		{"redis://host:65536", nil, "port"},
		{"redis://host/name", nil, "database"},
		{"redis://user@host", nil, "without a password"},
		{"redis://host?protocol=2", nil, `"protocol"`},
		{"redis://host?addr=", nil, "no host"},
		{"redis://host?addr=%zz", nil, "query"},
		{good, &Options{TLS: &tls.Config{}}, "rediss"},
		{good, &Options{Prefix: "a{b}"}, "braces"},
		{good, &Options{Buffer: -1}, "-1"},
		{good, &Options{Patience: -time.Second}, "-1s"},
	} {
		a, err := New(test.url, test.opts)
		if err == nil || a != nil {
			t.Errorf("%q with %+v gives no error", test.url, test.opts)
			continue
		}
		if !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q with %+v gives %q, which does not say %q", test.url, test.opts, err, test.want)
		}
	}
}

// Whatever is wrong with a URL, its password is nowhere to be read, escaped or
// not.
func FuzzURLErrorsHoldNoPassword(f *testing.F) {
	for _, seed := range []string{"pa/ss-word", "pa#ss-word", "pa@ss-word", "pa?ss-word", "pa%ss-word", "pa ss-word", "pass-word", "1?", "99999#", "1@2?", "1/@", "1@"} {
		f.Add(seed, "host:6379")
		f.Add(seed, "host:x")
		f.Add(seed, "")
		f.Add(seed, "host?addr=:")
	}
	f.Fuzz(func(t *testing.T, password, rest string) {
		const marker = "s3cr3t"
		for _, p := range []string{password + marker, marker + password, url.QueryEscape(password) + marker} {
			_, err := New("redis://user:"+p+"@"+rest, nil)
			if err != nil && strings.Contains(err.Error(), marker) && !strings.Contains(rest, marker) {
				t.Errorf("the error for the password %q is %q", p, err)
			}
		}
	})
}
