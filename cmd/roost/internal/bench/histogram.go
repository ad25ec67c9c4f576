//go:build linux

package bench

import (
	"math/bits"
	"time"
)

// A histogram counts durations in 32 buckets for each power of two, so that a percentile is at most 1/32 too high.
type histogram struct {
	counts [64 * subBuckets]uint64
	total  uint64
}

const (
	subBits    = 5
	subBuckets = 1 << subBits
)

func (h *histogram) add(d time.Duration) {
	h.counts[bucketOf(uint64(max(0, d)))]++
	h.total++
}

// percentile returns the duration that a share of all does not exceed, 0 < share <= 1; 0 if there is none.
func (h *histogram) percentile(share float64) time.Duration {
	if h.total == 0 {
		return 0
	}
	rank := uint64(share*float64(h.total-1)) + 1
	for i, n := range h.counts {
		if n >= rank {
			return time.Duration(lastOf(i))
		}
		rank -= n
	}
	panic("bench: a histogram counted less than its total")
}

// bucketOf returns the bucket of n: itself if small, else its first bits with the power of two.
func bucketOf(n uint64) int {
	power := max(0, bits.Len64(n)-subBits-1)
	return power<<subBits + int(n>>power)
}

// lastOf returns the largest number of a bucket.
func lastOf(bucket int) uint64 {
	if bucket < 2*subBuckets {
		return uint64(bucket)
	}
	power := bucket>>subBits - 1
	return uint64(bucket-power<<subBits+1)<<power - 1
}
