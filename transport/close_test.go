package transport_test

import (
	"testing"
	"time"

	"github.com/roost-dev/roost/transport"
)

func TestTheReasonOfACloseTellsWhenToComeBack(t *testing.T) {
	for wait, want := range map[time.Duration]string{
		0:                       "restart",
		-time.Second:            "restart",
		time.Microsecond:        "restart; retry_after_ms=1",
		2500 * time.Millisecond: "restart; retry_after_ms=2500",
	} {
		if got := transport.WithRetryAfter("restart", wait); got != want {
			t.Errorf("%v: reason %q, want %q", wait, got, want)
		}
	}
	for reason, want := range map[string]time.Duration{
		"":                                      0,
		"restart":                               0,
		"restart; retry_after_ms=2500":          2500 * time.Millisecond,
		"restart; retry_after_ms=-1":            0,
		"restart; retry_after_ms=":              0,
		"restart; retry_after_ms=1e3":           0,
		"restart; retry_after_ms=1234567890":    0,
		"a; retry_after_ms=1; retry_after_ms=2": 2 * time.Millisecond,
	} {
		if got := transport.RetryAfter(reason); got != want {
			t.Errorf("%q: %v, want %v", reason, got, want)
		}
	}
}
