package pubsubtest

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/roost-dev/roost/pubsub"
)

// nodesGetWhatTheyWant looks at the adapters themselves, since a PubSub does
// not show what came to it in vain.
func nodesGetWhatTheyWant(t *testing.T, connect Connect) {
	adapters := connect(t, 2)
	received := newRecorder[*pubsub.Envelope]()
	from, to := adapters[0], adapters[1]
	run(t, from, hooks{})
	run(t, to, hooks{receive: received.add})
	until := func(what string, subjects []string, done func(subjects []string) bool) {
		t.Helper()
		for deadline := time.Now().Add(patience); ; {
			for _, s := range subjects {
				publish(t, from, s)
			}
			var got []string
			for e, ok := received.poll(10 * time.Millisecond); ok; e, ok = received.poll(10 * time.Millisecond) {
				got = append(got, e.Subject)
			}
			if done(got) {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s: with %q published, %q came", what, subjects, got)
			}
		}
	}
	only := func(want string) func([]string) bool {
		return func(got []string) bool { return len(slices.Compact(got)) == 1 && got[0] == want }
	}
	has := func(want string) func([]string) bool {
		return func(got []string) bool { return slices.Contains(got, want) }
	}

	to.Interest("t:a", true)
	until("one wanted", []string{"t:b", "t:a"}, only("t:a"))
	to.Interest("t:b", true)
	until("both wanted", []string{"t:b"}, has("t:b"))
	to.Interest("t:a", false)
	until("one no longer wanted", []string{"t:a", "t:b"}, only("t:b"))
	to.Interest("t:a", true)
	to.Interest("t:a", false)
	to.Interest("t:a", true)
	until("wanted again", []string{"t:a"}, has("t:a"))
}

func publish(t *testing.T, a pubsub.Adapter, subject string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	e := &pubsub.Envelope{Subject: subject, Kind: pubsub.KindMessage, Topic: subject, Event: "e", Payload: []byte(`{}`)}
	if err := a.Publish(ctx, e); err != nil {
		t.Errorf("Publish: %v", err)
	}
}

func closeAdapter(t *testing.T, a pubsub.Adapter) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := a.Close(ctx); err != nil {
		t.Errorf("Close: %v", err)
	}
}

func closedNodeIsOut(t *testing.T, connect Connect) {
	adapters := connect(t, 3)
	nodes := make([]*pubsub.PubSub, len(adapters))
	listeners := make([]*listener, len(adapters))
	for i, a := range adapters {
		ps, err := pubsub.New(&pubsub.Options{Adapter: a})
		if err != nil {
			t.Fatal(err)
		}
		nodes[i] = ps
		listeners[i], _ = listen(ps, "room")
	}
	for i, ps := range nodes {
		for j, l := range listeners {
			if i != j {
				link(t, ps, "room", l)
			}
		}
	}
	shut(t, nodes[0])

	say(t, nodes[1], event("room", "without you"))
	listeners[1].expect(t, "without you")
	listeners[2].expect(t, "without you")
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := nodes[0].Broadcast(ctx, event("room", "alone")); err == nil {
		t.Error("Broadcast on a closed node gives no error")
	}
	listeners[0].expect(t, "alone")
	say(t, nodes[2], event("room", "end"))
	listeners[1].expect(t, "end")
	listeners[2].expect(t, "end")

	shut(t, nodes[1])
	shut(t, nodes[2])
	if m, ok := listeners[0].pop(); ok {
		t.Errorf("a closed node heard %q", m.Event)
	}
}

// hooks is a [pubsub.Receiver]. What is nil is not called.
type hooks struct {
	receive   func(e *pubsub.Envelope)
	recovered func()
}

func (h hooks) Receive(e *pubsub.Envelope) {
	if h.receive != nil {
		h.receive(e)
	}
}

func (h hooks) Recovered() {
	if h.recovered != nil {
		h.recovered()
	}
}

// run starts an adapter on its own, and closes it at the end of the test.
func run(t *testing.T, a pubsub.Adapter, h hooks) {
	t.Helper()
	if err := a.Start(h); err != nil {
		t.Fatalf("Start: %v", err)
	}
	t.Cleanup(func() { closeAdapter(t, a) })
}

func awaitUp(t *testing.T, a pubsub.Adapter) {
	t.Helper()
	eventually(t, patience, "the adapter is up", func() bool { return a.Health().State == pubsub.StateUp })
}

// settleAdapter waits until the engine, which is there, knows what a wants.
func settleAdapter(t *testing.T, a pubsub.Adapter) {
	t.Helper()
	awaitUp(t, a)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := a.Settle(ctx); err != nil {
		t.Fatalf("Settle: %v", err)
	}
}

// connected waits until what from publishes reaches to, whose envelopes
// received has. Further probes may come later.
func connected(t *testing.T, from, to pubsub.Adapter, received *recorder[*pubsub.Envelope]) {
	t.Helper()
	to.Interest(probe, true)
	eventually(t, patience, "nodes are connected", func() bool {
		publish(t, from, probe)
		e, ok := received.poll(10 * time.Millisecond)
		return ok && e.Subject == probe
	})
}
