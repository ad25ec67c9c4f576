package redis

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/roost-dev/roost/history"
	"github.com/roost-dev/roost/pubsub"
)

// hearer is a subscriber that writes down what it hears.
type hearer struct {
	mu    sync.Mutex        // guards heard
	heard []*pubsub.Message // nil is a gap
}

// Deliver implements [pubsub.Subscriber].
func (h *hearer) Deliver(m *pubsub.Message) { h.write(m) }

// Gap implements [pubsub.GapSubscriber].
func (h *hearer) Gap() { h.write(nil) }

func (h *hearer) write(m *pubsub.Message) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.heard = append(h.heard, m)
}

func (h *hearer) all() []*pubsub.Message {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.heard)
}

// isAt reports whether the end of the log was heard, or skipped by a gap.
func (h *hearer) isAt(end history.Position) bool {
	heard := h.all()
	if len(heard) == 0 {
		return false
	}
	last := heard[len(heard)-1]
	return last == nil || last.Position == end
}

// crowd is nodes that share a topic that is kept.
type crowd struct {
	t       *testing.T
	nodes   []*pubsub.PubSub
	hearers []*hearer

	mu        sync.Mutex // guards what follows
	said      map[string]history.Position
	uncertain int
	refused   int
}

func startCrowd(t *testing.T, url string, nodes int) *crowd {
	t.Helper()
	c := &crowd{t: t, said: make(map[string]history.Position)}
	for range nodes {
		a, err := New(url, nil)
		if err != nil {
			t.Fatal(err)
		}
		ps, err := pubsub.New(&pubsub.Options{Adapter: a, History: []history.Keep{all}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { closePubSub(t, ps) })
		h := &hearer{}
		sub := ps.Subscribe("room", h)
		eventually(t, "the subscription is known", func() bool { return sub.Settle(t.Context()) == nil })
		c.nodes, c.hearers = append(c.nodes, ps), append(c.hearers, h)
	}
	return c
}

// talk has two publishers of each node say something until it is stopped.
func (c *crowd) talk() (stop func()) {
	ended := make(chan struct{})
	var wg sync.WaitGroup
	for i := range 2 * len(c.nodes) {
		wg.Go(func() {
			for k := 0; ; k++ {
				select {
				case <-ended:
					return
				default:
					c.say(i%len(c.nodes), fmt.Sprintf("%d %d", i, k))
				}
			}
		})
	}
	stop = sync.OnceFunc(func() {
		close(ended)
		wg.Wait()
	})
	c.t.Cleanup(stop)
	return stop
}

func (c *crowd) say(node int, event string) {
	m := &pubsub.Message{Topic: "room", Event: event, Payload: []byte(`{}`)}
	err := c.nodes[node].Broadcast(c.t.Context(), m)
	c.mu.Lock()
	switch {
	case err == nil:
		c.said[event] = m.Position
	case errors.Is(err, history.ErrUncertain):
		c.uncertain++
	case errors.Is(err, pubsub.ErrUnavailable):
		c.refused++
	default:
		c.t.Errorf("Broadcast: %v", err)
	}
	c.mu.Unlock()
	if err != nil {
		time.Sleep(5 * time.Millisecond) // the engine is away: this is not to keep a core busy
	}
}

func (c *crowd) saidSoFar() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.said)
}

// check waits until each node has heard the end of the log, and fails unless
// each has heard all that was said, in the log's order, or was told of a gap. It
// returns how many gaps there were.
func (c *crowd) check() (gaps int) {
	t := c.t
	t.Helper()
	last, err := c.nodes[0].Log().Last(t.Context(), "room")
	if err != nil {
		t.Fatal(err)
	}
	at, ends := make(map[history.Position]string), make(map[string]uint64)
	for event, p := range c.said {
		at[p], ends[p.Epoch] = event, max(ends[p.Epoch], p.Seq)
	}
	for i, h := range c.hearers {
		eventually(t, "the end of the log is heard by node "+strconv.Itoa(i), func() bool { return h.isAt(last) })
		heard := h.all()
		before, told := history.Position{Epoch: heard[0].Position.Epoch}, false
		for _, m := range heard {
			if m == nil {
				told = true
				gaps++
				continue
			}
			if m.Position.Epoch != before.Epoch {
				if !told && before.Seq < ends[before.Epoch] {
					t.Errorf("node %d heard nothing between %v and %v, the end was at %d, and was told nothing", i, before, m.Position, ends[before.Epoch])
				}
				before = history.Position{Epoch: m.Position.Epoch}
			}
			if m.Previous != before.Seq && !told || m.Position.Seq <= before.Seq {
				t.Errorf("node %d heard %v, which is behind %d, after %v; told of a gap: %v", i, m.Position, m.Previous, before, told)
			}
			if other, ok := at[m.Position]; ok && other != m.Event {
				t.Errorf("node %d heard %q at %v, where there is %q", i, m.Event, m.Position, other)
			}
			before, told, at[m.Position] = m.Position, false, m.Event
		}
		t.Logf("node %d heard %d messages, and of %d gaps so far", i, len(heard), gaps)
	}
	t.Logf("%d messages were said, in %d epochs; %d are uncertain, %d were refused", len(c.said), len(ends), c.uncertain, c.refused)
	return gaps
}

func (c *crowd) awaitMore(n int) {
	c.t.Helper()
	before := c.saidSoFar()
	eventually(c.t, "more is said", func() bool { return c.saidSoFar() > before+n })
}

func TestNodesHearOneOrderWhileTheirConnectionsBreak(t *testing.T) {
	t.Parallel()
	e := startEngine(t, theRedis)
	c := startCrowd(t, e.url(), 3)
	stop := c.talk()
	for _, kind := range []string{"pubsub", "normal", "pubsub", "normal"} {
		c.awaitMore(300)
		e.do("CLIENT", "KILL", "TYPE", kind)
	}
	c.awaitMore(300)
	stop()
	if gaps := c.check(); gaps > 0 {
		t.Errorf("nodes were told of %d gaps, in a log that has all", gaps)
	}
}

func TestNodesHearOneOrderWhileTheServerIsKilled(t *testing.T) {
	t.Parallel()
	e := startEngine(t, theRedis, "--appendonly", "yes")
	c := startCrowd(t, e.url(), 3)
	stop := c.talk()
	for range rounds(2, 20) {
		c.awaitMore(300)
		e.kill()
		eventually(t, "the server is missed", func() bool {
			c.mu.Lock()
			defer c.mu.Unlock()
			return c.refused > 0
		})
		e.start()
		c.awaitMore(300)
	}
	stop()
	c.check()
}

func TestNodesHearOneOrderWhileAPrimaryIsReplaced(t *testing.T) {
	t.Parallel()
	cluster := startCluster(t, theRedis, 3, 1)
	owner := slotOf(defaultPrefix+pubsub.TopicSubject("room")) * 3 / slotCount
	c := startCrowd(t, cluster.url(), 3)
	stop := c.talk()
	c.awaitMore(300)
	cluster[owner].kill()
	c.awaitMore(600)
	stop()
	c.check()
}
