package pubsub

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
)

// All nodes must have an id in the same bucket, also those of other releases.
func TestIDsStayInTheirBuckets(t *testing.T) {
	for id, want := range map[string]string{"": "i:453", "room": "i:634", "user:7": "i:61", "user:8": "i:160", "räksmörgås": "i:654"} {
		if got := idSubject(id); got != want {
			t.Errorf("%q is in %s, was in %s", id, got, want)
		}
	}
}

func TestIDsSpreadOverTheBuckets(t *testing.T) {
	counts := make(map[string]int)
	for i := range 100 * idBuckets {
		counts[idSubject(fmt.Sprint("user:", i))]++
	}
	for subject, n := range counts {
		if n > 200 {
			t.Errorf("%s has %d ids, the mean is 100", subject, n)
		}
	}
	if len(counts) != idBuckets {
		t.Errorf("%d of %d buckets are used", len(counts), idBuckets)
	}
}

// Ids that share a bucket come and go at the same time: the adapter hears of
// the first and of the last of them, and in turn.
func TestABucketIsWantedAsLongAsOneOfItsIDs(t *testing.T) {
	var mu sync.Mutex
	wanted := make(map[string]bool)
	told := 0
	b := buckets{interest: func(subject string, w bool) {
		mu.Lock()
		defer mu.Unlock()
		told++
		if wanted[subject] == w {
			t.Errorf("told twice that %s is wanted: %v", subject, w)
		}
		wanted[subject] = w
	}}
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(g), 0))
			var mine []string
			for range 2000 {
				if len(mine) == 0 || r.IntN(2) == 0 {
					mine = append(mine, fmt.Sprint("user:", r.IntN(4*idBuckets)))
					b.want(mine[len(mine)-1], true)
					continue
				}
				b.want(mine[0], false)
				mine = mine[1:]
			}
			for _, id := range mine {
				b.want(id, false)
			}
		})
	}
	wg.Wait()
	for subject, w := range wanted {
		if w {
			t.Errorf("%s is still wanted", subject)
		}
	}
	if len(b.counts) != 0 || told == 0 {
		t.Errorf("%d counts are left, the adapter was told %d times", len(b.counts), told)
	}
}
