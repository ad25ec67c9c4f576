package wire_test

import (
	"testing"

	"github.com/roost-dev/roost/wire"
)

func TestNegotiate(t *testing.T) {
	tests := []struct {
		vsn  string
		want wire.Version // 0: refused
	}{
		{"1.0.0", wire.V1},
		{"1.0.9", wire.V1},
		{"2.0.0", wire.V2},
		{"2.0.5", wire.V2},
		{"2.0.12345678901234567890123", wire.V2},
		{"2.0.0+build", wire.V2},
		{"2.0.0+build.01-x", wire.V2},
		{"2.0.1-rc.1", wire.V2},
		{"2.0.1-rc-1.0.x+b", wire.V2},
		{"", 0},
		{"abc", 0},
		{"2", 0},
		{"2.0", 0},
		{"2.0.", 0},
		{"2.0.0.0", 0},
		{"2.0.x", 0},
		{"2.0.01", 0},
		{"02.0.0", 0},
		{" 2.0.0", 0},
		{"2.0.0 ", 0},
		{"2.0.-1", 0},
		{"2.0.0-rc.1", 0},
		{"2.0.1-", 0},
		{"2.0.1-rc..1", 0},
		{"2.0.1-01", 0},
		{"2.0.0+", 0},
		{"2.0.0+a+b", 0},
		{"2.0.0+é", 0},
		{"1.1.0", 0},
		{"2.1.0", 0},
		{"3.0.0", 0},
		{"0.0.0", 0},
	}
	for _, test := range tests {
		got, err := wire.Negotiate(test.vsn)
		if got != test.want || (err == nil) != (test.want != 0) {
			t.Errorf("Negotiate(%q) = %v, %v, want %v", test.vsn, got, err, test.want)
		}
	}
}

func TestNegotiateNamesWhatItRefuses(t *testing.T) {
	_, err := wire.Negotiate("3.0.0")
	wantError(t, err, `vsn "3.0.0" is not supported, 1.0.x and 2.0.x are`)
}

func TestVersionIsNegotiatedByItsOwnName(t *testing.T) {
	for _, v := range []wire.Version{wire.V1, wire.V2} {
		if got, err := wire.Negotiate(v.String()); got != v || err != nil {
			t.Errorf("Negotiate(%q) = %v, %v", v.String(), got, err)
		}
	}
	if got := wire.Version(7).String(); got != "Version(7)" {
		t.Errorf("String of an unknown version = %q", got)
	}
}
