package roost

import (
	"testing"
	"time"
)

func TestBucketAllowsABurstThenTheRate(t *testing.T) {
	r := newRate(10, 5)
	var b bucket
	now := time.Hour
	for i := range 5 {
		if !b.take(r, now) {
			t.Fatalf("token %d of a burst of 5 refused", i+1)
		}
	}
	if b.take(r, now) {
		t.Fatal("the sixth token of a burst of 5 was given")
	}
	now += 100 * time.Millisecond
	if !b.take(r, now) {
		t.Fatal("no token after the tenth of a second that one takes to come")
	}
	if b.take(r, now) {
		t.Fatal("two tokens after the time of one")
	}
	now += time.Hour
	taken := 0
	for b.take(r, now) {
		taken++
	}
	if taken != 5 {
		t.Fatalf("%d tokens after a long rest, want the burst of 5", taken)
	}
}

func TestRateOffAllowsEverything(t *testing.T) {
	var b bucket
	for range 10_000 {
		if !b.take(newRate(-1, 5), 0) {
			t.Fatal("refused without a bound")
		}
	}
}
