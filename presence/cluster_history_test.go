package presence_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roost-dev/roost/presence"
	"github.com/roost-dev/roost/pubsub/pubsubtest"
)

// Whatever happens to the nodes and the network between them: soon after it is
// over each node's list is the truth, and each client that applied what it was
// told, of which nothing was known before or ended what it did not know, has
// that list too.
//
// Each seed is another history. ROOST_SEED plays one again.
func TestAfterFaultsAllListsAreTheTruth(t *testing.T) {
	histories, first := uint64(200), rand.Uint64()
	if os.Getenv("ROOST_SOAK") != "" {
		histories = 5_000
	}
	if s := os.Getenv("ROOST_SEED"); s != "" {
		seed, err := strconv.ParseUint(s, 10, 64)
		must(t, err)
		histories, first = 1, seed
	}
	for seed := first; seed != first+histories && !t.Failed(); seed++ {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, seed)
				w.run()
				w.check()
			})
		})
	}
}

// world is a cluster, its users, and what befalls them.
type world struct {
	t     *testing.T
	rand  *rand.Rand
	bus   *pubsubtest.Bus
	nodes []*place
	users []*user
	last  int           // the last n of a meta
	right time.Time     // by when all is right
	grace time.Duration // the longest of a planned stop
}

// place is where a node runs, one after another.
type place struct {
	*node

	paused, away bool
}

// user is a client that may be on one topic of one node.
type user struct {
	place  *place
	topic  string
	c      *conversation
	client client
	read   int
	key    string // empty: not tracked
	n      int
}

var topics = []string{"room", "hall", "room:1"}

func newWorld(t *testing.T, seed uint64) *world {
	r := rand.New(rand.NewPCG(seed, 1))
	lags := []time.Duration{0, 0, 5 * time.Millisecond, 50 * time.Millisecond}
	w := &world{t: t, rand: r, bus: &pubsubtest.Bus{Seed: seed, Lag: lags[r.IntN(len(lags))]}}
	for i := range 2 + r.IntN(3) {
		w.nodes = append(w.nodes, &place{node: w.start(string(rune('a' + i)))})
	}
	for range 4 + r.IntN(12) {
		w.users = append(w.users, &user{place: w.nodes[r.IntN(len(w.nodes))], topic: topics[r.IntN(len(topics))]})
	}
	return w
}

func (w *world) start(name string) *node {
	var opts presence.Options[meta]
	opts.Logger = new(journal).logger()
	if w.rand.IntN(4) == 0 {
		opts.Window = -1
	}
	return startNode(w.t, w.bus, name, &opts)
}

func (w *world) run() {
	for range 40 + w.rand.IntN(60) {
		if w.rand.IntN(2) == 0 {
			time.Sleep(time.Duration(w.rand.IntN(500)) * time.Millisecond)
		}
		if w.rand.IntN(6) > 0 {
			w.act(w.users[w.rand.IntN(len(w.users))])
		} else {
			w.harm(w.nodes[w.rand.IntN(len(w.nodes))])
		}
	}
	w.bus.SetLinks(pubsubtest.Link{})
	w.bus.Heal()
	w.bus.EngineBack()
	for _, p := range w.nodes {
		p.adapter.Resume()
	}
	// A node whose goodbye was lost is taken for dead after its grace, which
	// begins anew when it could not have been heard.
	w.rightBy(time.Now().Add(w.grace))
}

// rightBy says that all may be wrong until soon after a moment.
func (w *world) rightBy(wrong time.Time) {
	if by := wrong.Add(soon); by.After(w.right) {
		w.right = by
	}
}

// act lets a user do something.
func (w *world) act(u *user) {
	ctx := context.Background()
	switch {
	case u.c == nil:
		u.join(w)
	case w.rand.IntN(4) == 0:
		u.end()
		if w.rand.IntN(2) == 0 {
			u.place = w.nodes[w.rand.IntN(len(w.nodes))]
			u.join(w)
		}
	case u.key == "":
		w.track(u)
	case w.rand.IntN(5) == 0:
		must(w.t, u.place.p.Untrack(ctx, u.c, u.key))
		u.key = ""
	default:
		w.last++
		u.n = w.last
		must(w.t, u.place.p.Update(ctx, u.c, u.key, set(meta{N: u.n})))
	}
}

func (w *world) track(u *user) {
	w.last++
	u.key, u.n = string(rune('A'+w.rand.IntN(4))), w.last
	must(w.t, u.place.p.Track(context.Background(), u.c, u.key, meta{N: u.n}))
}

func (u *user) join(w *world) {
	u.c, u.read, u.client = knock(u.place.ps, u.topic), 0, client{t: w.t}
	if w.rand.IntN(3) > 0 {
		w.track(u)
	}
	must(w.t, u.place.p.PushState(context.Background(), u.c))
	if w.rand.IntN(10) > 0 {
		u.c.accept()
		return
	}
	u.end() // refused
}

func (u *user) end() {
	if u.c != nil {
		u.c.end()
		u.catchUp()
	}
	u.c, u.key = nil, ""
}

// catchUp takes what the user was told.
func (u *user) catchUp() {
	for _, m := range u.c.received()[u.read:] {
		u.read++
		if m.event == presence.EventDiff && u.client.synced {
			u.client.checkDiff(m.payload)
		}
		u.client.take(m)
	}
}

// checkDiff checks that a diff tells news.
func (c *client) checkDiff(payload string) {
	var d object
	c.decode(payload, &d)
	for key, p := range d["joins"].(object) {
		known := refsOf(c.state[key])
		for ref := range refsOf(p.(object)) {
			if known[ref] {
				c.t.Errorf("a client was told of a join that it knew: %s", payload)
			}
		}
	}
	for key, p := range d["leaves"].(object) {
		known := refsOf(c.state[key])
		for ref := range refsOf(p.(object)) {
			if !known[ref] {
				c.t.Errorf("a client was told of the end of what it did not know: %s", payload)
			}
		}
	}
}

// harm does something to a node or to the network, or ends that.
func (w *world) harm(p *place) {
	switch w.rand.IntN(9) {
	case 0, 1:
		w.bus.SetLinks(w.link())
	case 2:
		w.bus.SetLink(p.adapter.Node, w.nodes[w.rand.IntN(len(w.nodes))].adapter.Node, w.link())
	case 3:
		w.bus.Partition([]*pubsubtest.Node{p.adapter.Node})
	case 4:
		w.bus.Heal()
		w.bus.SetLinks(pubsubtest.Link{})
	case 5:
		w.pause(p)
	case 6:
		w.engine(p)
	case 7:
		w.crash(p)
	case 8:
		w.stop(p)
	}
}

func (w *world) link() pubsubtest.Link {
	return pubsubtest.Link{
		Loss:    w.rand.Float64() * w.rand.Float64(),
		Repeat:  w.rand.Float64() / 4,
		Delay:   time.Duration(w.rand.IntN(20)) * time.Millisecond,
		Jitter:  time.Duration(w.rand.IntN(400)) * time.Millisecond,
		Reorder: w.rand.IntN(2) == 0,
	}
}

func (w *world) pause(p *place) {
	p.paused = !p.paused
	if p.paused {
		p.adapter.Pause()
		time.Sleep(time.Duration(w.rand.IntN(6)) * time.Second)
	} else {
		p.adapter.Resume()
	}
}

func (w *world) engine(p *place) {
	p.away = !p.away
	if p.away {
		w.bus.EngineAway(p.adapter.Node)
	} else {
		w.bus.EngineBack(p.adapter.Node)
	}
}

func (w *world) crash(p *place) {
	p.crash()
	for _, u := range w.users {
		if u.place == p {
			u.end()
		}
	}
	p.node.stop()
	*p = place{node: w.start(p.name)}
	w.rightBy(time.Now())
}

// stop is a planned stop, with a grace or without, and a start.
func (w *world) stop(p *place) {
	p.adapter.Resume()
	ctx, grace := context.Background(), time.Duration(0)
	if w.rand.IntN(3) > 0 {
		grace = time.Duration(w.rand.IntN(4)) * time.Second
		_ = p.ps.Leave(ctx, grace) // an engine that is away does not hear it
		time.Sleep(time.Duration(w.rand.IntN(200)) * time.Millisecond)
	}
	for _, u := range w.users {
		if u.place == p {
			u.end()
		}
	}
	p.node.stop()
	w.grace = max(w.grace, grace)
	*p = place{node: w.start(p.name)}
}

// check compares what nodes list and hold, and clients know, with who is there.
func (w *world) check() {
	time.Sleep(time.Until(w.right))
	truth, wanted := w.truth()
	for _, p := range w.nodes {
		for topic := range wanted[p] {
			list := make(map[string][]int)
			for key, e := range p.p.List(topic) {
				list[key] = values(e)
			}
			if got, want := inOrder(list), inOrder(truth[topic]); got != want {
				w.t.Errorf("node %s lists %q on %s, there are %q", p.name, got, topic, want)
			}
		}
	}
	time.Sleep(100 * time.Millisecond) // the window
	for _, u := range w.users {
		if u.c == nil {
			continue
		}
		u.catchUp()
		if got, want := u.client.metas(), listed(w.t, u.place.p.List(u.topic)); !maps.Equal(got, want) {
			w.t.Errorf("a client of node %s knows %v on %s, listed is %v", u.place.name, got, u.topic, want)
		}
	}
	time.Sleep(3 * soon) // topics without sessions are given up
	for _, p := range w.nodes {
		want := 0
		for _, u := range w.users {
			if u.c != nil && u.place != p && u.key != "" && wanted[p][u.topic] {
				want++
			}
		}
		if s := p.p.Stats(); s.RemoteTopics != len(wanted[p]) || s.RemotePresences != want {
			w.t.Errorf("node %s holds %+v, its sessions want %d topics and %d presences", p.name, s, len(wanted[p]), want)
		}
	}
}

// truth returns who is there, by topic and key, and the topics of each node's
// sessions.
func (w *world) truth() (there map[string]map[string][]int, wanted map[*place]map[string]bool) {
	there, wanted = make(map[string]map[string][]int), make(map[*place]map[string]bool)
	for _, u := range w.users {
		if u.c == nil {
			continue
		}
		if wanted[u.place] == nil {
			wanted[u.place] = make(map[string]bool)
		}
		wanted[u.place][u.topic] = true
		if there[u.topic] == nil {
			there[u.topic] = make(map[string][]int)
		}
		if u.key != "" {
			there[u.topic][u.key] = append(there[u.topic][u.key], u.n)
		}
	}
	return there, wanted
}

func inOrder(list map[string][]int) string {
	parts := make([]string, 0, len(list))
	for _, key := range slices.Sorted(maps.Keys(list)) {
		parts = append(parts, fmt.Sprint(key, slices.Sorted(slices.Values(list[key]))))
	}
	return strings.Join(parts, " ")
}
