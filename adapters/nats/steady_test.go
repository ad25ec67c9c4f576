package nats

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/roost-dev/roost/pubsub"
)

// heard keeps what one subscriber got, by sender.
type heard struct {
	mu   sync.Mutex // guards what follows
	last map[string]int
	got  map[string]int
	late bool // something came out of order or twice
}

func (h *heard) Deliver(m *pubsub.Message) {
	var number int
	_, _ = fmt.Sscan(string(m.Payload), &number)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.got == nil {
		h.got, h.last = make(map[string]int), make(map[string]int)
	}
	h.late = h.late || number <= h.last[m.Event]
	h.last[m.Event] = number
	h.got[m.Event]++
}

func (h *heard) from(sender string) (got, last int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.got[sender], h.last[sender]
}

// Two nodes say something twenty times a second while their server crashes
// and comes back. ROOST_SOAK=1 makes it a minute.
func TestSteadyBroadcastsOverARestart(t *testing.T) {
	span, away := 5*time.Second, time.Second
	if os.Getenv("ROOST_SOAK") != "" {
		span, away = time.Minute, 8*time.Second
	}
	goroutines := runtime.NumGoroutine()
	e := startEngine(t)
	senders := []string{"a", "b"}
	adapters, nodes, listeners := make([]*Adapter, 2), make([]*pubsub.PubSub, 2), make([]heard, 2)
	for i, name := range senders {
		adapters[i] = New(e.url(), nil)
		ps, err := pubsub.New(&pubsub.Options{Adapter: adapters[i], Node: name})
		if err != nil {
			t.Fatal(err)
		}
		nodes[i] = ps
		await(t, "the node is up", func() bool { return adapters[i].Health().State == pubsub.StateUp })
		if err := ps.Subscribe("room", &listeners[i]).Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	begin, said, refused := time.Now(), 0, 0
	var back time.Time
	recovered := time.Duration(0)
	ticker := time.NewTicker(time.Second / 20)
	defer ticker.Stop()
	for ; time.Since(begin) < span; <-ticker.C {
		switch since := time.Since(begin); {
		case back.IsZero() && since > span/3+away:
			e.start(t)
			back = time.Now()
		case e.process != nil && back.IsZero() && since > span/3:
			e.kill()
		}
		said++
		for i, ps := range nodes {
			m := &pubsub.Message{Topic: "room", Event: senders[i], Payload: fmt.Append(nil, said)}
			if err := ps.Broadcast(t.Context(), m); err != nil {
				refused++
			}
			if got, _ := listeners[i].from(senders[i]); got != said {
				t.Fatalf("node %s has heard %d of its own %d messages", senders[i], got, said)
			}
		}
		_, a := listeners[0].from("b")
		_, b := listeners[1].from("a")
		if !back.IsZero() && recovered == 0 && min(a, b) >= said-1 {
			recovered = time.Since(back)
		}
	}
	if recovered == 0 || recovered > 5*time.Second {
		t.Errorf("after the server was back it took %v until nodes heard each other", recovered)
	}
	for i := range listeners {
		other := senders[1-i]
		await(t, "the last message comes", func() bool { _, last := listeners[i].from(other); return last == said })
		got, _ := listeners[i].from(other)
		lost := adapters[1-i].Health().Lost
		t.Logf("of %d messages of node %s the other heard %d; it counts %d as lost", said, other, got, lost)
		if listeners[i].late {
			t.Errorf("what node %s said came out of order or twice", other)
		}
		await(t, "what is sent is taken", func() bool { return adapters[i].Health().Pending == 0 }) // also the nodes' own
		if h := adapters[i].Health(); h.Reconnects != 1 || h.State != pubsub.StateUp {
			t.Errorf("node %s ends as %+v", senders[i], h)
		}
	}
	t.Logf("%d broadcasts refused; nodes heard each other %v after the server was back", refused, recovered)
	for _, ps := range nodes {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		if err := ps.Close(ctx); err != nil {
			t.Error(err)
		}
		cancel()
	}
	await(t, "no goroutine is left", func() bool { return runtime.NumGoroutine() <= goroutines })
}

// A receiver that takes nothing loses what does not fit, and that is counted.
func TestWhatASlowNodeLosesIsCounted(t *testing.T) {
	e := startEngine(t)
	from, to := New(e.url(), nil), New(e.url(), nil)
	release := make(chan struct{})
	var got events
	run(t, from, nil)
	run(t, to, func(env *pubsub.Envelope) {
		<-release
		got.add(env)
	})
	to.Interest("t:room", true)
	await(t, "it is heard", func() bool { return to.Settle(t.Context()) == nil })
	await(t, "the other is there", func() bool { return from.Health().State == pubsub.StateUp })
	const more = 1000
	for i := range laneSize + more {
		if err := from.Publish(t.Context(), message1(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	await(t, "losses are counted", func() bool { return to.Health().Lost >= more-1 })
	close(release)
	lost := int(to.Health().Lost)
	await(t, "all others came", func() bool { return got.len() == laneSize+more-lost })
	to.Interest("t:room", false)
	if err := to.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if after := int(to.Health().Lost); after != lost {
		t.Errorf("%d messages count as lost after the subscription's end, %d before", after, lost)
	}
}
