package redis

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roost-dev/roost/pubsub"
)

// node is an adapter on its own, and what it brought.
type node struct {
	*Adapter
	t         testing.TB
	recovered atomic.Int64

	mu  sync.Mutex // guards what follows
	got map[string][]string
	on  func(e *pubsub.Envelope) // called for each envelope, before it is kept
}

func startNode(t testing.TB, url string, opts *Options) *node {
	t.Helper()
	a, err := New(url, opts)
	if err != nil {
		t.Fatal(err)
	}
	n := &node{Adapter: a, t: t, got: make(map[string][]string)}
	if err := a.Start(n); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.shut)
	return n
}

func (n *node) shut() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := n.Close(ctx); err != nil {
		n.t.Errorf("Close: %v", err)
	}
}

// Receive implements [pubsub.Receiver].
func (n *node) Receive(e *pubsub.Envelope) {
	n.mu.Lock()
	on := n.on
	n.mu.Unlock()
	if on != nil {
		on(e)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.got[e.Subject] = append(n.got[e.Subject], e.Event)
}

// Recovered implements [pubsub.Receiver].
func (n *node) Recovered() { n.recovered.Add(1) }

func (n *node) heard(subject string) []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]string(nil), n.got[subject]...)
}

func (n *node) awaitState(state pubsub.State) {
	n.t.Helper()
	eventually(n.t, "the state is "+state.String(), func() bool { return n.Health().State == state })
}

func (n *node) say(subject, event string) error {
	return n.sayBytes(subject, event, nil)
}

func (n *node) sayBytes(subject, event string, payload []byte) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return n.Publish(ctx, &pubsub.Envelope{Subject: subject, Kind: pubsub.KindMessage, Event: event, Payload: payload})
}

// settle says an interest and waits until the engine knows of it.
func (n *node) settle(subjects ...string) {
	n.t.Helper()
	for _, s := range subjects {
		n.Interest(s, true)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := n.Settle(ctx); err != nil {
		n.t.Fatalf("Settle: %v", err)
	}
}

// pair returns two nodes that are connected.
func pair(t testing.TB, url string, opts *Options) (from, to *node) {
	t.Helper()
	from, to = startNode(t, url, opts), startNode(t, url, opts)
	from.awaitState(pubsub.StateUp)
	to.awaitState(pubsub.StateUp)
	return from, to
}

// reach publishes until to hears it.
func reach(from, to *node, subject string) {
	from.t.Helper()
	round := 0
	var want string
	eventually(from.t, "what is published on "+subject+" arrives", func() bool {
		if round++; round%10 == 1 {
			want = fmt.Sprintf("reach %d", time.Now().UnixNano())
			_ = from.say(subject, want)
		}
		heard := to.heard(subject)
		return len(heard) > 0 && heard[len(heard)-1] == want
	})
}

// logs is a logger's output, for tests to search.
type logs struct {
	mu   sync.Mutex // guards text
	text []byte
}

func (l *logs) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, b...)
	return len(b), nil
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.text)
}

func (l *logs) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }
