package pubsubtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roost-dev/roost/pubsub"
)

// Restartable is an engine that a test can take away from its nodes and give
// back to them.
type Restartable struct {
	// Connect makes a network as for [Run]. It is called once for each check,
	// while the engine is there.
	Connect Connect

	// Stop takes the engine of the network made last away from all of its
	// nodes, without a warning: no node reaches another once it has returned.
	Stop func(t *testing.T)

	// Start brings the engine back at its old place, with nothing in it. It
	// returns when the engine takes connections.
	Start func(t *testing.T)

	// Buffer is how many bytes an adapter made by Connect keeps while the
	// engine is away. It is worth setting it low: the suite fills it.
	Buffer int
}

// recovery is how long nodes may take to be one cluster again after their
// engine is back.
const recovery = 5 * time.Second

// promptly is how long may take what must not wait for the engine, on a busy
// machine.
const promptly = 2 * time.Second

// RunRestart checks that adapters keep what [pubsub.Adapter] says of engines
// that go away and come back.
func RunRestart(t *testing.T, r Restartable) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, r Restartable)
	}{
		{"local delivery goes on, and other nodes are back soon after the engine", localDeliveryGoesOn},
		{"health is degraded while the engine is away, and up again after", healthFollowsTheEngine},
		{"interests that change while the engine is away hold when it is back", interestsOutliveTheEngine},
		{"a full buffer is an error, an engine that is away is none", fullBufferIsAnError},
		{"settling fails at once while the engine is away", settlingFailsAtOnce},
		{"steady senders are never stuck and keep their order", steadySendersGoOn},
		{"a node starts without an engine and joins when there is one", nodesStartWithoutEngine},
		{"a node closes without an engine", nodesCloseWithoutEngine},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, r) })
	}
}

// stop takes the engine away until the end of the test or until start, and
// waits until all adapters have noticed.
func (r Restartable) stop(t *testing.T, adapters []pubsub.Adapter) (start func()) {
	t.Helper()
	r.Stop(t)
	var once sync.Once
	start = func() { once.Do(func() { r.Start(t) }) }
	t.Cleanup(start)
	for i, a := range adapters {
		eventually(t, patience, fmt.Sprintf("node %d notices that the engine is away", i), func() bool {
			return a.Health().State == pubsub.StateDegraded
		})
	}
	return start
}

// eventually polls until a condition holds.
func eventually(t *testing.T, limit time.Duration, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", limit, what)
		}
	}
}

// within calls f and checks that it does not take longer than what must not
// wait for the engine.
func within(t *testing.T, what string, f func(ctx context.Context)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	began := time.Now()
	f(ctx)
	if took := time.Since(began); took > promptly {
		t.Errorf("%s took %v", what, took)
	}
}

// rejoin waits until what from says in the room is heard by l, for no longer
// than nodes may take to recover.
func rejoin(t *testing.T, from *pubsub.PubSub, l *listener, since time.Time) {
	t.Helper()
	for {
		ctx, cancel := context.WithTimeout(context.Background(), recovery)
		_ = from.Broadcast(ctx, &pubsub.Message{Topic: "room", Event: probe, Payload: []byte(`{}`)})
		cancel()
		if _, heard := l.probes.poll(10 * time.Millisecond); heard {
			return
		}
		if time.Since(since) > recovery {
			t.Fatalf("%v after the engine is back a node is not heard", recovery)
		}
	}
}

func localDeliveryGoesOn(t *testing.T, r Restartable) {
	adapters := r.Connect(t, 3)
	nodes := begin(t, adapters)
	acquaint(t, nodes)
	var listeners []*listener
	for _, ps := range nodes {
		l, sub := listen(ps, "room")
		settle(t, sub)
		listeners = append(listeners, l)
	}
	back := r.stop(t, adapters)
	for i, ps := range nodes {
		for k := range 20 {
			within(t, "a broadcast while the engine is away", func(ctx context.Context) {
				_ = ps.Broadcast(ctx, event("room", fmt.Sprintf("%d alone %d", i, k)))
			})
			listeners[i].expect(t, fmt.Sprintf("%d alone %d", i, k))
		}
	}
	back()
	since := time.Now()
	for i, ps := range nodes {
		for k, l := range listeners {
			if i != k {
				rejoin(t, ps, l, since)
			}
		}
	}
	for i, ps := range nodes {
		eventually(t, recovery, "all members are there again", func() bool { return len(ps.Info().Members) == len(nodes)-1 })
		say(t, ps, event("room", fmt.Sprint("together ", i)))
		for _, l := range listeners { // what was buffered may come first
			for m := l.next(t); m.Event != fmt.Sprint("together ", i); m = l.next(t) {
			}
		}
	}
}

func healthFollowsTheEngine(t *testing.T, r Restartable) {
	adapters := r.Connect(t, 2)
	recovered := make([]atomic.Int64, len(adapters))
	for i, a := range adapters {
		run(t, a, hooks{recovered: func() { recovered[i].Add(1) }})
		awaitUp(t, a)
		if n := recovered[i].Load(); n != 0 {
			t.Errorf("node %d was told %d times that the engine is back before it was ever away", i, n)
		}
	}
	for round := range int64(2) {
		back := r.stop(t, adapters)
		for i, a := range adapters {
			if h := a.Health(); h.Detail == "" {
				t.Errorf("the degraded node %d does not say why", i)
			}
			if n := recovered[i].Load(); n > round {
				t.Errorf("node %d was told that the engine is back while it is away", i)
			}
		}
		back()
		for i, a := range adapters {
			eventually(t, recovery, "the node is up again, has counted it, and was told", func() bool {
				h := a.Health()
				return h.State == pubsub.StateUp && h.Reconnects > uint64(round) && recovered[i].Load() > round
			})
		}
	}
}

func interestsOutliveTheEngine(t *testing.T, r Restartable) {
	adapters := r.Connect(t, 2)
	received := newRecorder[*pubsub.Envelope]()
	from, to := adapters[0], adapters[1]
	run(t, from, hooks{})
	run(t, to, hooks{receive: received.add})
	for _, s := range []string{"t:kept", "t:dropped"} {
		to.Interest(s, true)
	}
	settleAdapter(t, to)
	connected(t, from, to, received)
	back := r.stop(t, adapters)
	within(t, "saying interests while the engine is away", func(context.Context) {
		to.Interest("t:dropped", false)
		to.Interest("t:added", true)
	})
	back()
	settleAdapter(t, to)
	connected(t, from, to, received)
	for _, s := range []string{"t:dropped", "t:added", "t:kept"} {
		publish(t, from, s)
	}
	for want := map[string]bool{"t:added": true, "t:kept": true}; len(want) > 0; {
		switch e := received.next(t); {
		case want[e.Subject]:
			delete(want, e.Subject)
		case e.Subject != probe:
			t.Errorf("%q came", e.Subject)
		}
	}
}

func fullBufferIsAnError(t *testing.T, r Restartable) {
	adapters := r.Connect(t, 2)
	for _, a := range adapters {
		run(t, a, hooks{})
		awaitUp(t, a)
	}
	a := adapters[0]
	back := r.stop(t, adapters)
	e := &pubsub.Envelope{Subject: "t:room", Kind: pubsub.KindMessage, Topic: "room", Payload: bytes.Repeat([]byte("x"), 4<<10)}
	before := a.Health()
	taken, refused := 0, uint64(0)
	within(t, "filling the buffer", func(ctx context.Context) {
		for refused < 3 && taken <= r.Buffer {
			err := a.Publish(ctx, e)
			switch {
			case err == nil:
				taken += len(e.Payload)
			case errors.Is(err, pubsub.ErrUnavailable):
				refused++
			default:
				t.Fatalf("a full buffer is the error %v", err)
			}
		}
	})
	if taken > r.Buffer || taken < r.Buffer/2 {
		t.Errorf("a buffer of %d bytes took %d bytes of payload in envelopes of %d", r.Buffer, taken, len(e.Payload))
	}
	h := a.Health()
	if lost := h.Lost - before.Lost; lost < refused {
		t.Errorf("%d envelopes were refused, %d are counted as lost", refused, lost)
	}
	if h.Pending == 0 {
		t.Error("nothing is counted as waiting")
	}
	back()
	eventually(t, recovery, "the buffer is empty and publishing works again", func() bool {
		ctx, cancel := context.WithTimeout(context.Background(), recovery)
		defer cancel()
		return a.Health().Pending == 0 && a.Publish(ctx, e) == nil
	})
}

func settlingFailsAtOnce(t *testing.T, r Restartable) {
	adapters := r.Connect(t, 2)
	nodes := begin(t, adapters)
	acquaint(t, nodes)
	back := r.stop(t, adapters)
	l, sub := listen(nodes[1], "room")
	within(t, "settling while the engine is away", func(ctx context.Context) {
		if adapters[1].Settle(ctx) == nil {
			t.Error("an adapter without an engine settles")
		}
		if sub.Settle(ctx) == nil {
			t.Error("a subscription without an engine settles")
		}
	})
	back()
	eventually(t, recovery, "the subscription settles", func() bool {
		ctx, cancel := context.WithTimeout(context.Background(), recovery)
		defer cancel()
		return sub.Settle(ctx) == nil && adapters[0].Health().State == pubsub.StateUp
	})
	rejoin(t, nodes[0], l, time.Now())
}

// steadySendersGoOn has nodes say something all the time, through the engine's
// absence and until after it.
func steadySendersGoOn(t *testing.T, r Restartable) {
	adapters := r.Connect(t, 3)
	nodes := begin(t, adapters)
	acquaint(t, nodes)
	listeners := make([]*listener, len(nodes))
	for i, ps := range nodes {
		var sub *pubsub.Subscription
		listeners[i], sub = listen(ps, "room")
		settle(t, sub)
	}
	stop, said, slowest := make(chan struct{}), make([]atomic.Int64, len(nodes)), make([]time.Duration, len(nodes))
	var senders sync.WaitGroup
	for i, ps := range nodes {
		senders.Go(func() {
			for tick := time.NewTicker(5 * time.Millisecond); ; <-tick.C {
				select {
				case <-stop:
					return
				default:
				}
				ctx, cancel := context.WithTimeout(context.Background(), patience)
				began := time.Now()
				_ = ps.Broadcast(ctx, &pubsub.Message{Topic: "room", Event: fmt.Sprint(i), Payload: fmt.Append(nil, said[i].Load())})
				slowest[i] = max(slowest[i], time.Since(began))
				cancel()
				said[i].Add(1)
			}
		})
	}
	more := func() {
		t.Helper()
		least := make([]int64, len(said))
		for i := range said {
			least[i] = said[i].Load() + 50
		}
		for i := range said {
			eventually(t, patience, "nodes go on to speak", func() bool { return said[i].Load() >= least[i] })
		}
	}
	more()
	back := r.stop(t, adapters)
	more()
	back()
	since := time.Now()
	for i, ps := range nodes {
		for k, l := range listeners {
			if i != k {
				rejoin(t, ps, l, since)
			}
		}
	}
	more()
	close(stop)
	senders.Wait()
	for i, took := range slowest {
		if took > promptly {
			t.Errorf("a broadcast of node %d took %v", i, took)
		}
	}
	for _, ps := range nodes {
		say(t, ps, event("room", "end"))
	}
	for i, l := range listeners {
		checkSteady(t, i, l, said, adapters[i].Health())
	}
}

// checkSteady checks what one node heard of all until each said that it is
// the end: all of its own, and nothing twice or out of order.
func checkSteady(t *testing.T, node int, l *listener, said []atomic.Int64, h pubsub.Health) {
	t.Helper()
	heard, last := make([]int, len(said)), make([]int, len(said))
	for ends := 0; ends < len(said); {
		m := l.next(t)
		if m.Event == "end" {
			ends++
			continue
		}
		var from, number int
		if _, err := fmt.Sscan(m.Event+" "+string(m.Payload), &from, &number); err != nil {
			t.Fatal(err)
		}
		if heard[from] > 0 && number <= last[from] {
			t.Errorf("node %d heard message %d of node %d after %d", node, number, from, last[from])
		}
		heard[from]++
		last[from] = number
	}
	if own := said[node].Load(); int64(heard[node]) != own {
		t.Errorf("node %d heard %d of the %d messages that it said itself", node, heard[node], own)
	}
	for from := range said {
		t.Logf("node %d heard %d of %d messages of node %d", node, heard[from], said[from].Load(), from)
	}
	t.Logf("node %d counts %d envelopes as lost", node, h.Lost)
}

func nodesStartWithoutEngine(t *testing.T, r Restartable) {
	adapters := r.Connect(t, 2)
	back := r.stop(t, nil)
	var nodes []*pubsub.PubSub
	within(t, "starting without an engine", func(context.Context) { nodes = begin(t, adapters) })
	for i, a := range adapters {
		if s := a.Health().State; s != pubsub.StateConnecting {
			t.Errorf("node %d without an engine is %v", i, s)
		}
	}
	l, sub := listen(nodes[1], "room")
	within(t, "settling without an engine", func(ctx context.Context) { _ = sub.Settle(ctx) })
	back()
	since := time.Now()
	rejoin(t, nodes[0], l, since)
	for _, a := range adapters {
		eventually(t, recovery, "the node is up", func() bool { return a.Health().State == pubsub.StateUp })
	}
}

func nodesCloseWithoutEngine(t *testing.T, r Restartable) {
	adapters := r.Connect(t, 2)
	nodes := begin(t, adapters)
	acquaint(t, nodes)
	r.stop(t, adapters)
	for _, ps := range nodes {
		within(t, "closing without an engine", func(context.Context) {
			ctx, cancel := context.WithTimeout(context.Background(), promptly/2)
			defer cancel()
			_ = ps.Close(ctx) // an error may say that the others were not told
		})
	}
	for i, a := range adapters {
		if s := a.Health().State; s != pubsub.StateClosed {
			t.Errorf("the closed node %d is %v", i, s)
		}
	}
}
