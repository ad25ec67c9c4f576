package pubsubtest_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roost-dev/roost/pubsub"
	"github.com/roost-dev/roost/pubsub/pubsubtest"
)

func connect(_ *testing.T, nodes int) []pubsub.Adapter { return adapters(&pubsubtest.Bus{}, nodes) }

func adapters(bus *pubsubtest.Bus, nodes int) []pubsub.Adapter {
	all := make([]pubsub.Adapter, nodes)
	for i := range all {
		all[i] = bus.Node()
	}
	return all
}

func TestBus(t *testing.T) { pubsubtest.Run(t, connect) }

// The suite waits for interests to be known, however long they take.
func TestBusThatLearnsOfInterestsLate(t *testing.T) {
	pubsubtest.Run(t, func(_ *testing.T, nodes int) []pubsub.Adapter {
		bus := &pubsubtest.Bus{Lag: 5 * time.Millisecond}
		bus.SetLinks(pubsubtest.Link{Delay: time.Millisecond, Jitter: time.Millisecond})
		return adapters(bus, nodes)
	})
}

func TestBusWhoseEngineGoesAwayAndComesBack(t *testing.T) {
	var bus *pubsubtest.Bus
	pubsubtest.RunRestart(t, pubsubtest.Restartable{
		Connect: func(_ *testing.T, nodes int) []pubsub.Adapter {
			bus = &pubsubtest.Bus{}
			return adapters(bus, nodes)
		},
		Stop:   func(*testing.T) { bus.EngineAway() },
		Start:  func(*testing.T) { bus.EngineBack() },
		Buffer: 1 << 20,
	})
}

func TestBusLivesAsLongAsItsNodes(t *testing.T) {
	var bus pubsubtest.Bus
	n := bus.Node()
	e := &pubsub.Envelope{Subject: "s"}
	if err := n.Publish(t.Context(), e); !errors.Is(err, pubsubtest.ErrNotRunning) {
		t.Errorf("Publish before Start: %v", err)
	}
	if err := n.Start(receive(func(*pubsub.Envelope) {})); err != nil {
		t.Fatal(err)
	}
	if err := n.Start(receive(func(*pubsub.Envelope) {})); err == nil {
		t.Error("a node starts twice")
	}
	for range 2 {
		if err := n.Close(t.Context()); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	if err := n.Publish(t.Context(), e); !errors.Is(err, pubsubtest.ErrNotRunning) {
		t.Errorf("Publish after Close: %v", err)
	}
	if err := bus.Node().Close(t.Context()); err != nil {
		t.Errorf("Close of a node never started: %v", err)
	}
}

// A node that does not take what it gets holds up publishers, but not beyond
// their context, and not once it is closed.
func TestAFullNodeHoldsUpPublishersForAsLongAsTheyWish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var bus pubsubtest.Bus
		from, to := bus.Node(), bus.Node()
		release := make(chan struct{})
		start := func(n *pubsubtest.Node, r receive) {
			if err := n.Start(r); err != nil {
				t.Fatal(err)
			}
		}
		start(from, func(*pubsub.Envelope) {})
		start(to, func(*pubsub.Envelope) { <-release })
		to.Interest("s", true)
		ctx, cancel := context.WithCancel(t.Context())
		full := make(chan error)
		go func() {
			for {
				if err := from.Publish(ctx, &pubsub.Envelope{Subject: "s"}); err != nil {
					full <- err
					return
				}
			}
		}()
		synctest.Wait() // it waits for room now
		cancel()
		if err := <-full; !errors.Is(err, context.Canceled) {
			t.Errorf("a publisher given up got %v", err)
		}
		go func() { full <- from.Publish(t.Context(), &pubsub.Envelope{Subject: "s"}) }()
		synctest.Wait()
		closed := make(chan error)
		go func() { closed <- to.Close(t.Context()) }()
		if err := <-full; err != nil {
			t.Errorf("a publisher to a node that ended got %v", err)
		}
		close(release)
		if err := <-closed; err != nil {
			t.Error(err)
		}
		if err := from.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// receive is a receiver that does not care for recoveries.
type receive func(*pubsub.Envelope)

func (r receive) Receive(e *pubsub.Envelope) { r(e) }

func (receive) Recovered() {}
