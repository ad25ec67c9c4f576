//go:build linux

package bench

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestAPercentileIsAtMostAThirtySecondTooHigh(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var h histogram
	var all []time.Duration
	for range 10_000 {
		d := time.Duration(random.Uint64N(1 << random.Uint64N(40)))
		all = append(all, d)
		h.add(d)
	}
	slices.Sort(all)
	for _, share := range []float64{0.0001, 0.01, 0.5, 0.9, 0.99, 0.999, 1} {
		exact := all[int(share*float64(len(all)-1))]
		if got := h.percentile(share); got < exact || got > exact+exact/32 {
			t.Errorf("%g: %d, and it is %d", share, got, exact)
		}
	}
}

func TestAHistogramTakesAnyDuration(t *testing.T) {
	var h histogram
	if got := h.percentile(0.5); got != 0 {
		t.Errorf("of nothing: %v", got)
	}
	for _, d := range []time.Duration{-1, 0, 1<<63 - 1} {
		h.add(d)
	}
	if got := h.percentile(1); got != 1<<63-1 {
		t.Errorf("the longest is %v", got)
	}
	if got := h.percentile(0.5); got != 0 {
		t.Errorf("the median is %v", got)
	}
}
