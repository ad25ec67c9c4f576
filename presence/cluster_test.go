package presence_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roost-dev/roost/presence"
	"github.com/roost-dev/roost/pubsub"
	"github.com/roost-dev/roost/pubsub/pubsubtest"
)

// lease is the one of the nodes in these tests.
const lease = 4 * time.Second

// node is one node of a cluster.
type node struct {
	t    *testing.T
	wire *wire
	ps   *pubsub.PubSub
	p    *presence.Presence[meta]
}

// wire is a node's adapter. It can be cut, and counts what comes through.
type wire struct {
	pubsub.Adapter

	mu       sync.Mutex // guards the rest
	receiver pubsub.Receiver
	cut      bool
	received map[string]int // envelopes, by subject
}

func (w *wire) Start(r pubsub.Receiver) error {
	w.receiver = r
	return w.Adapter.Start(w)
}

func (w *wire) Publish(ctx context.Context, e *pubsub.Envelope) error {
	if w.isCut() {
		return nil // nobody knows yet
	}
	return w.Adapter.Publish(ctx, e)
}

func (w *wire) Receive(e *pubsub.Envelope) {
	w.mu.Lock()
	cut := w.cut
	if !cut {
		w.received[e.Subject]++
	}
	w.mu.Unlock()
	if !cut {
		w.receiver.Receive(e)
	}
}

func (w *wire) Recovered() { w.receiver.Recovered() }

func (w *wire) isCut() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.cut
}

func (w *wire) set(cut bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = cut
}

// presenceEnvelopes returns how many envelopes came about presences of topics.
func (w *wire) presenceEnvelopes() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for subject, count := range w.received {
		if strings.HasPrefix(subject, "p:") || strings.HasPrefix(subject, "o:") {
			n += count
		}
	}
	return n
}

func startNode(t *testing.T, bus *pubsubtest.Bus, name string, opts *presence.Options[meta]) *node {
	t.Helper()
	n := &node{t: t, wire: &wire{Adapter: bus.Node(), received: make(map[string]int)}}
	ps, err := pubsub.New(&pubsub.Options{Adapter: n.wire, Node: name, Lease: lease})
	must(t, err)
	n.ps, n.p = ps, presence.New(ps, opts)
	t.Cleanup(n.stop)
	return n
}

// startNodes starts nodes a, b, c..., which know each other when it returns.
func startNodes(t *testing.T, count int) []*node {
	t.Helper()
	var bus pubsubtest.Bus
	nodes := make([]*node, count)
	for i := range nodes {
		nodes[i] = startNode(t, &bus, string(rune('a'+i)), nil)
	}
	synctest.Wait()
	return nodes
}

// stop is a planned stop.
func (n *node) stop() {
	if err := n.p.Close(context.Background()); err != nil {
		n.t.Error(err)
	}
	_ = n.ps.Close(context.Background()) // fails if the node has crashed
}

// crash takes the node off the network without a word.
func (n *node) crash() {
	must(n.t, n.wire.Close(context.Background()))
}

// enter lets somebody join a topic, be tracked there and ask for the list.
func (n *node) enter(topic, key string, m meta) *conversation {
	n.t.Helper()
	c := knock(n.ps, topic)
	must(n.t, n.p.Track(n.t.Context(), c, key, m))
	must(n.t, n.p.PushState(n.t.Context(), c))
	c.accept()
	return c
}

// watch lets somebody join a topic who only looks on.
func (n *node) watch(topic string) *conversation {
	n.t.Helper()
	c := join(n.ps, topic)
	must(n.t, n.p.PushState(n.t.Context(), c))
	return c
}

// expect checks who is listed on topic room, as "ann[1 2] bob[3]".
func (n *node) expect(when, want string) {
	n.t.Helper()
	list := n.p.List("room")
	var parts []string
	for key, e := range list {
		parts = append(parts, key+strings.ReplaceAll(encode(n.t, values(e)), ",", " "))
	}
	slices.Sort(parts)
	if got := strings.Join(parts, " "); got != want {
		n.t.Errorf("%s: listed is %q, want %q", when, got, want)
	}
}

func TestWhatIsTrackedOnOneNodeIsListedOnOthersAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := startNodes(t, 3)
		a, b, c := nodes[0], nodes[1], nodes[2]
		a.watch("room")
		c.watch("room")
		ann := b.enter("room", "ann", meta{N: 1})
		start := time.Now()
		everywhere := func(when, want string) {
			t.Helper()
			synctest.Wait()
			for _, n := range nodes {
				n.expect(when, want)
			}
		}
		everywhere("joined", "ann[1]")
		a.enter("room", "ann", meta{N: 2})
		everywhere("joined twice", "ann[1 2]")
		must(t, b.p.Update(t.Context(), ann, "ann", set(meta{N: 3})))
		everywhere("updated", "ann[3 2]")
		c.enter("room", "bob", meta{N: 4})
		everywhere("another joined", "ann[3 2] bob[4]")
		ann.end()
		everywhere("one left", "ann[2] bob[4]")
		if took := time.Since(start); took != 0 {
			t.Errorf("all that took %v", took)
		}
	})
}
