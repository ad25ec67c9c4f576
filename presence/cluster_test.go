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

const (
	lease = 4 * time.Second // of the nodes in these tests
	soon  = 5 * time.Second // by when all is right after a fault
)

// node is one node of a cluster.
type node struct {
	t       *testing.T
	name    string
	adapter *counter
	ps      *pubsub.PubSub
	p       *presence.Presence[meta]
}

// counter counts what comes to a node.
type counter struct {
	*pubsubtest.Node

	receiver pubsub.Receiver
	mu       sync.Mutex     // guards received
	received map[string]int // envelopes, by the kind of subject
}

func (c *counter) Start(r pubsub.Receiver) error {
	c.receiver = r
	return c.Node.Start(c)
}

func (c *counter) Recovered() { c.receiver.Recovered() }

func (c *counter) Receive(e *pubsub.Envelope) {
	kind, _, _ := strings.Cut(e.Subject, ":")
	c.mu.Lock()
	c.received[kind]++
	c.mu.Unlock()
	c.receiver.Receive(e)
}

// topical returns how many envelopes came that are about a topic's presences.
func (c *counter) topical() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.received["p"] + c.received["o"]
}

func startNode(t *testing.T, bus *pubsubtest.Bus, name string, opts *presence.Options[meta]) *node {
	t.Helper()
	n := &node{t: t, name: name, adapter: &counter{Node: bus.Node(), received: make(map[string]int)}}
	ps, err := pubsub.New(&pubsub.Options{Adapter: n.adapter, Node: name, Lease: lease, Logger: new(journal).logger()})
	must(t, err)
	if opts == nil {
		opts = &presence.Options[meta]{Logger: new(journal).logger()}
	}
	n.ps, n.p = ps, presence.New(ps, opts)
	t.Cleanup(n.stop)
	return n
}

// startNodes starts nodes a, b, c..., which know each other when it returns,
// and that there are no others.
func startNodes(t *testing.T, count int) (*pubsubtest.Bus, []*node) {
	t.Helper()
	bus := new(pubsubtest.Bus)
	nodes := make([]*node, count)
	for i := range nodes {
		nodes[i] = startNode(t, bus, string(rune('a'+i)), nil)
	}
	time.Sleep(lease / 4)
	return bus, nodes
}

// stop is a planned stop.
func (n *node) stop() {
	if err := n.p.Close(context.Background()); err != nil {
		n.t.Errorf("node %s: %v", n.name, err)
	}
	_ = n.ps.Close(context.Background()) // fails if the node has crashed
}

// crash takes the node off the network without a word.
func (n *node) crash() {
	must(n.t, n.adapter.Close(context.Background()))
}

// enter lets somebody join a topic, be tracked there and ask for the list.
func (n *node) enter(topic, key string, m meta) *conversation {
	n.t.Helper()
	c := knock(n.ps, topic)
	must(n.t, n.p.Track(context.Background(), c, key, m))
	must(n.t, n.p.PushState(context.Background(), c))
	c.accept()
	return c
}

// watch lets somebody join topic room who only looks on.
func (n *node) watch() *conversation {
	n.t.Helper()
	c := join(n.ps, "room")
	must(n.t, n.p.PushState(context.Background(), c))
	return c
}

// written writes a list as "ann[1 2] bob[3]".
func written(t *testing.T, list map[string]presence.Entry[meta]) string {
	parts := make([]string, 0, len(list))
	for key, e := range list {
		parts = append(parts, key+strings.ReplaceAll(encode(t, values(e)), ",", " "))
	}
	slices.Sort(parts)
	return strings.Join(parts, " ")
}

// expect checks what nodes list of topic room.
func expect(when, want string, nodes ...*node) {
	synctest.Wait()
	for _, n := range nodes {
		n.t.Helper()
		if got := written(n.t, n.p.List("room")); got != want {
			n.t.Errorf("%s: node %s lists %q, want %q", when, n.name, got, want)
		}
	}
}

// told returns what a client was told of by diffs since it was last asked.
func (c *conversation) told(t *testing.T) []string {
	t.Helper()
	return shapes(t, c.payloads(presence.EventDiff))
}

func TestWhatIsTrackedOnOneNodeIsListedOnOthersAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, nodes := startNodes(t, 3)
		a, b, c := nodes[0], nodes[1], nodes[2]
		watcher := a.watch()
		c.watch()
		time.Sleep(time.Second)
		start := time.Now()
		ann := b.enter("room", "ann", meta{N: 1})
		expect("joined", "ann[1]", nodes...)
		if got := watcher.told(t); !slices.Equal(got, []string{"joins 1 leaves "}) {
			t.Errorf("a client of another node was told %q at once", got)
		}
		a.enter("room", "ann", meta{N: 2})
		expect("joined twice", "ann[1 2]", nodes...)
		must(t, b.p.Update(t.Context(), ann, "ann", set(meta{N: 3})))
		expect("updated", "ann[3 2]", nodes...)
		c.enter("room", "bob", meta{N: 4})
		expect("another joined", "ann[3 2] bob[4]", nodes...)
		ann.end()
		expect("one left", "ann[2] bob[4]", nodes...)
		if took := time.Since(start); took != 0 {
			t.Errorf("all that took %v", took)
		}
	})
}

func TestClientsAreToldOfOtherNodesAsOfTheirOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, nodes := startNodes(t, 2)
		a, b := nodes[0], nodes[1]
		watcher := a.watch()
		b.watch()
		time.Sleep(time.Second)
		ann := b.enter("room", "ann", meta{N: 1})
		synctest.Wait()
		must(t, b.p.Update(t.Context(), ann, "ann", set(meta{N: 2})))
		b.enter("room", "bob", meta{N: 3})
		time.Sleep(19 * time.Millisecond)
		if got, want := watcher.told(t), []string{"joins 1 leaves "}; !slices.Equal(got, want) {
			t.Errorf("within the window told %q, want %q", got, want)
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		if got, want := watcher.told(t), []string{"joins 2,3 leaves 1"}; !slices.Equal(got, want) {
			t.Errorf("at its end told %q, want %q", got, want)
		}
		mine, _ := a.p.Get("room", "ann")
		theirs, _ := b.p.Get("room", "ann")
		if mine.Metas[0] != theirs.Metas[0] {
			t.Errorf("one node has %v, the other %v", mine, theirs)
		}
	})
}

// The first client of a topic on a node must not see the room empty.
func TestTheFirstListOfATopicWaitsForOtherNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus, nodes := startNodes(t, 2)
		a, b := nodes[0], nodes[1]
		a.enter("room", "ann", meta{N: 1})
		time.Sleep(time.Second)
		bus.SetLinks(pubsubtest.Link{Delay: 10 * time.Millisecond})
		bob := b.enter("room", "bob", meta{N: 2})
		time.Sleep(99 * time.Millisecond)
		if got := bob.received(); len(got) != 0 {
			t.Errorf("told %v before the others may have answered", got)
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		cl := client{t: t}
		for _, m := range bob.received() {
			cl.take(m)
		}
		if !cl.synced || len(cl.state) != 2 {
			t.Errorf("the first list is %v, want ann and bob", cl.state)
		}
		bus.SetLinks(pubsubtest.Link{})
		time.Sleep(time.Second)
		eve := b.watch()
		synctest.Wait()
		if got := eve.payloads(presence.EventState); len(got) != 1 || strings.Count(got[0], "phx_ref") != 2 {
			t.Errorf("the second client got %v, want the list at once", got)
		}
	})
}

func TestANodeWithoutOthersLetsNobodyWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		alone := startNode(t, new(pubsubtest.Bus), "a", nil)
		ann := alone.enter("room", "ann", meta{N: 1})
		time.Sleep(lease/4 - time.Millisecond)
		if got := ann.received(); len(got) != 0 {
			t.Errorf("told %v before the node knows that there are no others", got)
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		if got := ann.payloads(presence.EventState); len(got) != 1 {
			t.Errorf("got %v, want the list as soon as it knows", got)
		}
		bob := alone.enter("hall", "bob", meta{N: 2})
		synctest.Wait()
		if got := bob.payloads(presence.EventState); len(got) != 1 {
			t.Errorf("got %v, want the list at once", got)
		}
	})
}

func TestANodeHoldsAndGetsOnlyWhatItsSessionsWant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, nodes := startNodes(t, 3)
		a, b, c := nodes[0], nodes[1], nodes[2]
		viewer := b.watch()
		expectNothing := func(when string, n *node) {
			t.Helper()
			synctest.Wait()
			if s := n.p.Stats(); s != (presence.Stats{}) {
				t.Errorf("%s node %s holds %+v", when, n.name, s)
			}
		}
		for i := range 50 {
			a.enter("room", "ann", meta{N: i})
			synctest.Wait()
		}
		time.Sleep(time.Minute)
		expectNothing("without sessions", c)
		if got := c.adapter.topical(); got != 0 {
			t.Errorf("a node without sessions got %d envelopes about a topic", got)
		}
		if s := b.p.Stats(); s.RemotePresences != 50 || s.RemoteTopics != 1 || s.RemoteBytes == 0 || s.Presences != 0 {
			t.Errorf("a node with a viewer holds %+v", s)
		}
		if s := a.p.Stats(); s.Presences != 50 || s.Topics != 1 || s.RemotePresences != 0 {
			t.Errorf("the node where all are holds %+v", s)
		}

		viewer.end()
		time.Sleep(4 * time.Second)
		got := b.adapter.topical()
		viewer = b.watch()
		synctest.Wait()
		if lists := viewer.payloads(presence.EventState); len(lists) != 1 || strings.Count(lists[0], "phx_ref") != 50 {
			t.Errorf("who reloads a page got %d lists at once", len(lists))
		}
		time.Sleep(10 * time.Second)
		if more := b.adapter.topical() - got; more != 0 {
			t.Errorf("for a page that is reloaded %d envelopes came", more)
		}

		viewer.end()
		time.Sleep(10 * time.Second)
		expectNothing("after its last session left", b)
		got = b.adapter.topical()
		a.enter("room", "late", meta{N: 99})
		time.Sleep(time.Minute)
		if more := b.adapter.topical() - got; more != 0 {
			t.Errorf("after its last session left a node got %d envelopes about the topic", more)
		}
		expect("after its last session left", "", b)
	})
}
