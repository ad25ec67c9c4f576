package web

import (
	"net/http"
	"testing"
)

func TestAnAddressIsWhatOneVisitorCannotChoose(t *testing.T) {
	for remote, want := range map[string]string{
		"192.0.2.1:4711":                   "192.0.2.1",
		"[::ffff:192.0.2.1]:4711":          "192.0.2.1",
		"[2001:db8:1:2:3:4:5:6]:4711":      "2001:db8:1:2::",
		"[2001:db8:1:2:ffff:ffff::1]:4712": "2001:db8:1:2::",
		"[fe80::1%eth0]:4711":              "fe80::",
		"@":                                "@", // a Unix socket
	} {
		if got := address(&http.Request{RemoteAddr: remote}); got != want {
			t.Errorf("address of %s: %s, want %s", remote, got, want)
		}
	}
}
