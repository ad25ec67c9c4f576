package presence_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roost-dev/roost/pubsub/pubsubtest"
)

// While a deployment restarts one node after another, and clients come back on
// any of the others or on the new ones, no client ever holds a list without
// somebody who only was on the way: no diff says so, and no list that a client
// gets when it is back.
func TestARollingRestartShowsNobodyLeave(t *testing.T) {
	seeds := uint64(20)
	if os.Getenv("ROOST_SOAK") != "" {
		seeds = 1000
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDeployment(t, seed)
				for i := range d.nodes {
					d.restart(i)
					time.Sleep(time.Second)
				}
				time.Sleep(grace + soon)
				d.check()
			})
		})
	}
}

// grace is that of planned stops in a deployment, which are over sooner than
// it: several are on at a time.
const grace = 5 * time.Second

// deployment is three nodes behind a load balancer, and their clients.
type deployment struct {
	t     *testing.T
	bus   *pubsubtest.Bus
	pages []*page

	mu    sync.Mutex // guards what follows
	rand  *rand.Rand
	nodes []*node // nil: stopped
}

// page is a client, which is always in the room or on the way back to it.
type page struct {
	user   string
	at     int // which node
	n      int // of its meta
	visits []*conversation
}

func newDeployment(t *testing.T, seed uint64) *deployment {
	t.Helper()
	d := &deployment{
		t: t, rand: rand.New(rand.NewPCG(seed, 9)),
		bus: &pubsubtest.Bus{Seed: seed, Lag: 5 * time.Millisecond},
	}
	d.bus.SetLinks(pubsubtest.Link{Delay: time.Millisecond, Jitter: 10 * time.Millisecond})
	for i := range 3 {
		d.nodes = append(d.nodes, startNode(t, d.bus, fmt.Sprint("r", i), nil))
	}
	time.Sleep(time.Second)
	for i := range 24 { // so many that no node but a new one is ever without any
		p := &page{user: fmt.Sprint("user ", i)}
		d.pages = append(d.pages, p)
		d.visit(p)
		time.Sleep(20 * time.Millisecond)
	}
	time.Sleep(time.Second)
	return d
}

// visit brings a page to some node that is up.
func (d *deployment) visit(p *page) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for p.at = d.rand.IntN(len(d.nodes)); d.nodes[p.at] == nil; p.at = d.rand.IntN(len(d.nodes)) {
	}
	p.n++
	p.visits = append(p.visits, d.nodes[p.at].enter("room", p.user, meta{N: p.n}))
}

// restart stops a node and starts it again, as an orchestrator does. Its pages
// come back some moments after they were cut off.
func (d *deployment) restart(i int) {
	d.mu.Lock()
	n := d.nodes[i]
	d.nodes[i] = nil
	d.mu.Unlock()
	must(d.t, n.ps.Leave(d.t.Context(), grace))
	var wait sync.WaitGroup
	for _, p := range d.pages {
		if p.at != i {
			continue
		}
		time.Sleep(d.upTo(3 * time.Millisecond))
		p.visits[len(p.visits)-1].end()
		away := d.upTo(500 * time.Millisecond)
		wait.Go(func() {
			time.Sleep(away)
			d.visit(p)
		})
	}
	n.stop()
	time.Sleep(d.upTo(400 * time.Millisecond))
	again := startNode(d.t, d.bus, n.name, nil)
	time.Sleep(d.upTo(20 * time.Millisecond)) // it is ready now, but may know nobody yet
	d.mu.Lock()
	d.nodes[i] = again
	d.mu.Unlock()
	wait.Wait()
}

func (d *deployment) upTo(most time.Duration) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	return time.Duration(d.rand.Int64N(int64(most)))
}

func (d *deployment) check() {
	var want []string
	for _, p := range d.pages {
		want = append(want, fmt.Sprintf("%s[%d]", p.user, p.n))
	}
	slices.Sort(want)
	for _, p := range d.pages {
		expect("at last", strings.Join(want, " "), d.nodes[p.at])
	}
	for _, p := range d.pages {
		cl := client{t: d.t}
		complete := false
		for _, c := range p.visits {
			cl.synced = false
			for _, m := range c.received() {
				cl.take(m)
				complete = complete || len(cl.state) == len(d.pages)
				if !complete || len(cl.state) == len(d.pages) {
					continue
				}
				var missing []string
				for _, other := range d.pages {
					if cl.state[other.user] == nil {
						missing = append(missing, other.user)
					}
				}
				d.t.Errorf("%s was told by %s that others went, who were only on their way: %q", p.user, m.event, missing)
			}
		}
		if !complete {
			d.t.Errorf("%s never had the whole list", p.user)
		}
	}
}
