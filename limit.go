package roost

import "time"

// rate is a token bucket in the form of GCRA: one time stamp, no timer.
type rate struct {
	interval time.Duration // between two tokens; 0 is without limit
	burst    time.Duration // how far ahead the stamp may run
}

func newRate(perSecond float64, burst int) rate {
	if perSecond <= 0 || burst <= 0 {
		return rate{}
	}
	interval := time.Duration(float64(time.Second) / perSecond)
	return rate{interval: interval, burst: interval * time.Duration(burst)}
}

// bucket is one socket's use of a rate: the time, since the server's start,
// at which it would be full again.
type bucket time.Duration

// take takes a token at the time now, and reports whether there was one.
func (b *bucket) take(r rate, now time.Duration) bool {
	if r.interval == 0 {
		return true
	}
	full := max(time.Duration(*b), now) + r.interval
	if full-now > r.burst {
		return false
	}
	*b = bucket(full)
	return true
}

// wait is how long it takes, at the time now, until there is a token again.
func (b bucket) wait(r rate, now time.Duration) time.Duration {
	return max(time.Duration(b), now) + r.interval - now - r.burst
}
