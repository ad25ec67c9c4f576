package cluster_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roost-dev/roost/pubsub/pubsubtest"
)

// history is a cluster to which bad things happen.
type history struct {
	bus    pubsubtest.Bus
	random *rand.Rand
	made   int
	alive  []*node
	log    []string
}

func (h *history) pick() (int, *node) {
	i := h.random.IntN(len(h.alive))
	return i, h.alive[i]
}

func (h *history) join(t *testing.T) {
	h.made++
	h.alive = append(h.alive, join(t, &h.bus, fmt.Sprintf("node %02d", h.made)))
}

// step does one thing to the cluster, by chance.
func (h *history) step(t *testing.T) {
	i, n := h.pick()
	what := h.random.IntN(9)
	h.log = append(h.log, fmt.Sprintf("%d to %s", what, n.Self().Name))
	switch what {
	case 0:
		h.join(t)
	case 1:
		n.crash(t)
		h.alive = slices.Delete(h.alive, i, i+1)
	case 2:
		n.engine.Resume() // a stopped process says nothing
		if h.random.IntN(2) == 0 {
			_ = n.Leave(t.Context(), time.Duration(h.random.Int64N(int64(lease))))
		}
		_ = n.Close(t.Context())
		n.crash(t)
		h.alive = slices.Delete(h.alive, i, i+1)
	case 3:
		n.engine.Pause()
	case 4:
		n.engine.Resume()
	case 5:
		_, other := h.pick()
		h.bus.Partition([]*pubsubtest.Node{n.engine, other.engine})
	case 6:
		h.bus.EngineAway(n.engine)
	case 7:
		h.bus.EngineBack(n.engine)
	case 8:
		h.bus.SetLinks(pubsubtest.Link{Loss: h.random.Float64() / 2, Repeat: 0.2, Jitter: period, Reorder: true})
	}
	for len(h.alive) < 2 {
		h.join(t)
	}
}

// check wants all nodes that live, and nobody else, to know each other, and
// watchers to have been told in turn who came and went.
func (h *history) check(t *testing.T) {
	synctest.Wait()
	for _, n := range h.alive {
		told := make(map[string]bool)
		for _, e := range n.events {
			what, name, _ := strings.Cut(e, " ")
			if what == "recovered" || what == "leaving" {
				continue
			}
			if told[name] == (what == "up") {
				t.Errorf("%s was told %q twice in a row", n.Self().Name, e)
			}
			told[name] = what == "up"
		}
		var want, members []string
		for _, other := range h.alive {
			if other != n {
				want = append(want, other.Self().Name)
			}
		}
		for _, m := range n.Members() {
			members = append(members, m.Name)
		}
		slices.Sort(want)
		if !slices.Equal(members, want) {
			t.Errorf("%s knows %q, alive are %q", n.Self().Name, members, want)
		}
		for name, there := range told {
			if there != slices.Contains(want, name) {
				t.Errorf("%s was told last that %s is there: %v", n.Self().Name, name, there)
			}
		}
	}
}

func TestAfterAnyHistoryAllKnowWhoLives(t *testing.T) {
	histories := uint64(40)
	if os.Getenv("ROOST_SOAK") == "1" {
		histories = 5000
	}
	for seed := range histories {
		synctest.Test(t, func(t *testing.T) {
			h := &history{bus: pubsubtest.Bus{Seed: seed, Lag: period / 100}, random: rand.New(rand.NewPCG(seed, 0))}
			for range 3 {
				h.join(t)
			}
			for range 30 {
				h.step(t)
				time.Sleep(time.Duration(h.random.Int64N(int64(lease))))
			}
			h.bus.SetLinks(pubsubtest.Link{})
			h.bus.Heal()
			h.bus.EngineBack()
			for _, n := range h.alive {
				n.engine.Resume()
			}
			time.Sleep(3 * lease) // a lease and the longest grace, and what was late
			h.check(t)
			if t.Failed() {
				t.Fatalf("seed %d: %v", seed, h.log)
			}
		})
		if t.Failed() {
			return
		}
	}
}
