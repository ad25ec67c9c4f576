package transport_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/roost-dev/roost/transport"
)

func TestOriginPolicy(t *testing.T) {
	strict := transport.Origins("https://example.com", "//*.allowed.test", "http://local.test:4101", "app://page")
	isNull := transport.OriginFunc(func(_ *http.Request, origin *url.URL) bool {
		return origin.Host == "" && origin.Opaque == "null"
	})
	tests := []struct {
		name    string
		policy  transport.OriginPolicy
		origin  string
		allowed bool
	}{
		{"own host", transport.OriginPolicy{}, "http://here.test", true},
		{"own host by another scheme and port", transport.OriginPolicy{}, "https://here.test:9", true},
		{"own host in capitals", transport.OriginPolicy{}, "http://HERE.test", false},
		{"another host", transport.OriginPolicy{}, "http://there.test", false},
		{"a host that ends in ours", transport.OriginPolicy{}, "http://nothere.test", false},
		{"a sub-domain of ours", transport.OriginPolicy{}, "http://sub.here.test", false},
		{"null", transport.OriginPolicy{}, "null", false},
		{"empty", transport.OriginPolicy{}, "", false},
		{"a page in a file", transport.OriginPolicy{}, "file://", false},
		{"not a URL", transport.OriginPolicy{}, "http://[::bad", false},
		{"a port without a host", transport.OriginPolicy{}, "http://:80", false},

		{"listed", strict, "https://example.com", true},
		{"listed, its default port said", strict, "https://example.com:443", true},
		{"listed by another scheme", strict, "http://example.com", false},
		{"listed by another port", strict, "https://example.com:8443", false},
		{"listed in capitals", strict, "https://EXAMPLE.com", false},
		{"apex of a wildcard", strict, "https://allowed.test", true},
		{"sub-domain of a wildcard", strict, "http://sub.allowed.test", true},
		{"deep sub-domain of a wildcard, any port", strict, "https://a.b.allowed.test:9", true},
		{"a host that ends in a wildcard's", strict, "https://notallowed.test", false},
		{"listed with its port", strict, "http://local.test:4101", true},
		{"listed with a port, without it", strict, "http://local.test", false},
		{"a scheme without a default port", strict, "app://page", true},
		{"own host, not listed", strict, "http://here.test", false},

		{"function accepts", isNull, "null", true},
		{"function refuses", isNull, "http://here.test", false},
		{"off", transport.AnyOrigin(), "garbage", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "http://here.test:4000/socket/websocket", nil)
			r.Header.Set("Origin", tt.origin)
			err := tt.policy.Check(r)
			if (err == nil) != tt.allowed {
				t.Errorf("Check(Origin: %q) = %v, want allowed: %t", tt.origin, err, tt.allowed)
			}
		})
	}
}

func TestOriginPolicyAllowsClientsThatAreNoPages(t *testing.T) {
	never := transport.OriginFunc(func(*http.Request, *url.URL) bool { return false })
	for _, policy := range []transport.OriginPolicy{{}, transport.Origins("//x"), never, transport.AnyOrigin()} {
		if err := policy.Check(httptest.NewRequest("GET", "/socket/websocket", nil)); err != nil {
			t.Errorf("no Origin header: %v", err)
		}
	}
}

func TestOriginPolicyComparesAddresses(t *testing.T) {
	r := httptest.NewRequest("GET", "/socket/websocket", nil)
	r.Host = "[::1]:4000"
	r.Header.Set("Origin", "http://[::1]:5173")
	if err := (transport.OriginPolicy{}).Check(r); err != nil {
		t.Error(err)
	}
}

func TestOriginRefusalNamesBothHostsAndTheRemedy(t *testing.T) {
	r := httptest.NewRequest("GET", "http://internal:4000/socket/websocket", nil)
	r.Header.Set("Origin", "https://public.test:8443")
	for _, policy := range []transport.OriginPolicy{{}, transport.Origins("//other.test")} {
		err := policy.Check(r)
		if err == nil {
			t.Fatal("allowed")
		}
		for _, want := range []string{"public.test", "internal:4000", `"//public.test:8443"`} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q does not say %s", err, want)
			}
		}
	}
	if err := (transport.OriginPolicy{}).Check(r); !strings.Contains(err.Error(), "proxy") {
		t.Errorf("%q does not speak of proxies", err)
	}
}

func TestBadOriginPatternPanicsNamingIt(t *testing.T) {
	for _, pattern := range []string{
		"", "example.com", "*", "//", "//*", "//*.", "//a.*.b", "//*a.b", "https://example.com/", "https://user@example.com",
		"//host:port", "https://example.com?x", "localhost:4000",
	} {
		t.Run(pattern, func(t *testing.T) {
			defer func() {
				said, _ := recover().(string)
				if !strings.Contains(said, "origin pattern \""+pattern+"\"") {
					t.Errorf("panic %q does not name the pattern", said)
				}
			}()
			transport.Origins(pattern)
		})
	}
}

func ExampleOrigins() {
	policy := transport.Origins("https://rumbl.test", "//*.partners.test")
	for _, origin := range []string{"https://rumbl.test", "http://rumbl.test", "https://a.partners.test:8443"} {
		r := httptest.NewRequest("GET", "https://sockets.rumbl.test/socket/websocket", nil)
		r.Header.Set("Origin", origin)
		fmt.Println(origin, policy.Check(r) == nil)
	}
	// Output:
	// https://rumbl.test true
	// http://rumbl.test false
	// https://a.partners.test:8443 true
}
