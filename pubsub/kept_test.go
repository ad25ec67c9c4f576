package pubsub_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/roost-dev/roost/history"
	"github.com/roost-dev/roost/pubsub"
	"github.com/roost-dev/roost/pubsub/pubsubtest"
)

func keeping(t *testing.T, keeps ...history.Keep) *pubsub.PubSub {
	t.Helper()
	ps, err := pubsub.New(&pubsub.Options{History: keeps})
	if err != nil {
		t.Fatal(err)
	}
	return ps
}

// chain checks that it gets each message of a topic once, in the log's order.
type chain struct {
	mu    sync.Mutex // guards what follows
	last  history.Position
	names []string
	wrong []string
}

func (c *chain) Deliver(m *pubsub.Message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last.Epoch == m.Position.Epoch && m.Previous != c.last.Seq || m.Position.Seq <= m.Previous {
		c.wrong = append(c.wrong, fmt.Sprintf("%d behind %d came after %d", m.Position.Seq, m.Previous, c.last.Seq))
	}
	c.last = m.Position
	c.names = append(c.names, m.Event)
}

func (c *chain) check(t *testing.T, messages int) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.wrong) > 0 || len(c.names) != messages {
		t.Errorf("got %d messages, want %d; out of order: %v", len(c.names), messages, c.wrong)
	}
}

func TestKeptMessagesReachAllInTheLogsOrder(t *testing.T) {
	for _, subscribers := range []int{3, 100} { // a publisher serves the few itself, the topic's sender the many
		t.Run(fmt.Sprint(subscribers), func(t *testing.T) {
			const publishers, each = 8, 200
			ps := keeping(t, history.Keep{Topics: []string{"log:*"}, Count: publishers * each})
			chains := make([]chain, subscribers)
			for i := range chains {
				ps.Subscribe("log:1", &chains[i])
			}
			var publishing sync.WaitGroup
			for p := range publishers {
				publishing.Go(func() {
					for n := range each {
						say(t, ps, "log:1", fmt.Sprintf("%d.%d", p, n))
					}
				})
			}
			publishing.Wait()
			ps.Flush("log:1")
			for i := range chains {
				chains[i].check(t, publishers*each)
			}
			missed, err := ps.Missed(t.Context(), "log:1", history.Position{}, publishers*each)
			if err != nil {
				t.Fatal(err)
			}
			last, err := ps.Log().Last(t.Context(), "log:1")
			if err != nil {
				t.Fatal(err)
			}
			if last != chains[0].last || missed.Messages[0].Event != chains[0].names[0] {
				t.Errorf("the log ends at %v and begins with %q; delivered were up to %v, from %q", last, missed.Messages[0].Event, chains[0].last, chains[0].names[0])
			}
		})
	}
}

func say(t *testing.T, ps *pubsub.PubSub, topic, event string) {
	t.Helper()
	if err := ps.Broadcast(t.Context(), &pubsub.Message{Topic: topic, Event: event, Payload: []byte(`{}`)}); err != nil {
		t.Error(err)
	}
}

func TestSubscribersOfAKeptTopicBeginAtItsEnd(t *testing.T) {
	ps := keeping(t, history.Keep{Topics: []string{"log:*"}, Events: []string{"kept"}})
	say(t, ps, "log:1", "kept")
	var c chain
	sub := ps.Subscribe("log:1", &c)
	c.last, _ = ps.Log().Last(t.Context(), "log:1")
	say(t, ps, "log:1", "kept")
	say(t, ps, "log:1", "not kept")
	sub.Unsubscribe()
	say(t, ps, "log:1", "kept")
	ps.Subscribe("log:1", &c)
	say(t, ps, "log:1", "kept")
	if want := []string{"kept", "not kept", "kept"}; !slices.Equal(c.names, want) {
		t.Errorf("got %q, want %q", c.names, want)
	}
	missed, err := ps.Missed(t.Context(), "log:1", history.Position{}, 10)
	if err != nil || len(missed.Messages) != 4 {
		t.Errorf("%d messages are kept (%v), want 4", len(missed.Messages), err)
	}
	say(t, ps, "other", "kept")
	if ps.Keeps("other") {
		t.Error("a topic without a rule is kept")
	}
}

func TestHistoryThatCannotBeKeptIsRefused(t *testing.T) {
	var network pubsubtest.Bus
	for name, opts := range map[string]*pubsub.Options{
		"a rule without topics": {History: []history.Keep{{}}},
		"memory among nodes":    {History: []history.Keep{{Topics: []string{"*"}}}, Adapter: struct{ pubsub.Adapter }{network.Node()}},
	} {
		if _, err := pubsub.New(opts); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
