package redis

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"
)

func TestSettledSubjectsAreHeard(t *testing.T) {
	t.Parallel()
	check := func(t *testing.T, url string) {
		t.Helper()
		from, to := pair(t, url, nil)
		const subjects = 300
		var callers sync.WaitGroup
		for i := range subjects {
			callers.Go(func() {
				subject := fmt.Sprintf("t:%d", i)
				to.Interest(subject, true)
				if err := to.Settle(t.Context()); err != nil {
					t.Errorf("Settle: %v", err)
				}
				if err := from.say(subject, "once"); err != nil {
					t.Errorf("Publish: %v", err)
				}
			})
		}
		callers.Wait()
		for i := range subjects {
			subject := fmt.Sprintf("t:%d", i)
			eventually(t, "what is published after Settle arrives", func() bool { return len(to.heard(subject)) > 0 })
		}
	}
	t.Run("one server", func(t *testing.T) { check(t, startEngine(t, theRedis).url()) })
	t.Run("a cluster", func(t *testing.T) { check(t, startCluster(t, theRedis, 3, 0).url()) })
}

// However interests change, and connections break meanwhile, the server ends
// up with what was said last.
func TestServerKnowsWhatWasSaidLast(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	e := startEngine(t, theRedis)
	n := startNode(t, e.url(), nil)
	const speakers, subjects, rounds = 4, 25, 2000
	wanted := make([]map[string]bool, speakers)
	var wg sync.WaitGroup
	for i := range wanted {
		wanted[i] = make(map[string]bool)
		random := rand.New(rand.NewPCG(seed, uint64(i)))
		wg.Go(func() {
			for range rounds {
				subject := fmt.Sprintf("t:%d of %d", random.IntN(subjects), i)
				wanted[i][subject] = !wanted[i][subject]
				n.Interest(subject, wanted[i][subject])
				if random.IntN(20) == 0 {
					_ = n.Settle(t.Context())
				}
			}
		})
	}
	for range 5 {
		e.do("CLIENT", "KILL", "TYPE", "pubsub")
	}
	wg.Wait()
	var want []string
	for _, some := range wanted {
		for subject, is := range some {
			if is {
				want = append(want, defaultPrefix+subject)
			}
		}
	}
	slices.Sort(want)
	var got []string
	eventually(t, "the server knows what is wanted", func() bool {
		if n.Settle(t.Context()) != nil {
			return false
		}
		var err error
		if got, err = e.do("PUBSUB", "CHANNELS").AsStrSlice(); err != nil {
			t.Fatal(err)
		}
		slices.Sort(got)
		return slices.Equal(got, want)
	})
}
