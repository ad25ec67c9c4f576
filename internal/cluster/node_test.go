package cluster_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roost-dev/roost/internal/cluster"
	"github.com/roost-dev/roost/pubsub"
	"github.com/roost-dev/roost/pubsub/pubsubtest"
)

// lease is that of all nodes here. They speak four times in it.
const (
	lease  = 4 * time.Second
	period = lease / 4
)

// node is a member of a cluster on an in-memory network, and what its watcher
// was told: "up name", "leaving name", "down name", "recovered".
type node struct {
	*cluster.Cluster

	engine *pubsubtest.Node

	mu     sync.Mutex // guards events
	events []string
}

// Receive implements [pubsub.Receiver].
func (n *node) Receive(e *pubsub.Envelope) { n.Cluster.Receive(e.Payload) }

// busOf is an adapter as its cluster sees it.
type busOf struct{ *pubsubtest.Node }

func (b busOf) Publish(ctx context.Context, subject string, payload []byte) error {
	if len(payload) > 1<<20 {
		return pubsub.ErrTooLarge
	}
	return b.Node.Publish(ctx, &pubsub.Envelope{Subject: subject, Kind: pubsub.KindNode, Payload: payload})
}

func (n *node) watch(e cluster.Event) {
	what := "recovered"
	switch e.Kind {
	case cluster.Up:
		what = "up " + e.Member.Name
	case cluster.Leaving:
		what = "leaving " + e.Member.Name
	case cluster.Down:
		what = "down " + e.Member.Name
	case cluster.Recovered:
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.events = append(n.events, what)
}

// join starts a node. It is closed at the end of the test.
func join(t *testing.T, bus *pubsubtest.Bus, name string) *node {
	t.Helper()
	engine := bus.Node()
	opts := &cluster.Options{Name: name, Lease: lease, Logger: slog.New(slog.DiscardHandler)}
	n := &node{Cluster: cluster.New(busOf{engine}, opts), engine: engine}
	n.Watch(n.watch)
	if err := engine.Start(n); err != nil {
		t.Fatal(err)
	}
	n.Start()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		_ = n.Close(ctx) // it may be closed, or have lost its engine
		if err := engine.Close(ctx); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	})
	return n
}

// crash takes a node out without a goodbye.
func (n *node) crash(t *testing.T) {
	t.Helper()
	if err := n.engine.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// knows checks whom a node takes for alive.
func (n *node) knows(t *testing.T, when string, names ...string) {
	t.Helper()
	synctest.Wait()
	var got []string
	for _, m := range n.Members() {
		got = append(got, m.Name)
	}
	if !slices.Equal(got, names) {
		t.Errorf("%s: %s knows %q, want %q", when, n.Self().Name, got, names)
	}
}

// saw checks what the watcher of a node was told since it was asked last.
func (n *node) saw(t *testing.T, when string, events ...string) {
	t.Helper()
	if got := n.seen(); !slices.Equal(got, events) {
		t.Errorf("%s: %s saw %q, want %q", when, n.Self().Name, got, events)
	}
}

// seen returns what the watcher was told since it was asked last.
func (n *node) seen() []string {
	synctest.Wait()
	n.mu.Lock()
	defer n.mu.Unlock()
	events := n.events
	n.events = nil
	return events
}

// inCluster runs f in a bubble with a cluster of n nodes named a, b, and so
// on, half a period after their last heartbeat.
func inCluster(t *testing.T, n int, f func(t *testing.T, bus *pubsubtest.Bus, nodes []*node)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var bus pubsubtest.Bus
		nodes := make([]*node, n)
		for i := range nodes {
			nodes[i] = join(t, &bus, fmt.Sprintf("%c", 'a'+i))
		}
		time.Sleep(10*lease + period/2)
		synctest.Wait()
		for _, n := range nodes {
			n.mu.Lock()
			n.events = nil
			n.mu.Unlock()
		}
		f(t, &bus, nodes)
	})
}
