package pubsub_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roost-dev/roost/pubsub"
	"github.com/roost-dev/roost/pubsub/pubsubtest"
)

// inCluster runs f in a bubble with nodes of these names.
func inCluster(t *testing.T, names []string, f func(t *testing.T, bus *pubsubtest.Bus, adapters []*pubsubtest.Node, nodes []*pubsub.PubSub)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		bus := &pubsubtest.Bus{Lag: 10 * time.Millisecond}
		adapters := make([]*pubsubtest.Node, len(names))
		nodes := make([]*pubsub.PubSub, len(names))
		for i, name := range names {
			adapters[i] = bus.Node()
			ps, err := pubsub.New(&pubsub.Options{Adapter: adapters[i], Node: name, Logger: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = ps.Close(context.Background()) }) // again, where the test did
			nodes[i] = ps
		}
		time.Sleep(time.Second)
		f(t, bus, adapters, nodes)
	})
}

func TestSettleWaitsUntilOtherNodesAreHeard(t *testing.T) {
	inCluster(t, []string{"a", "b"}, func(t *testing.T, _ *pubsubtest.Bus, _ []*pubsubtest.Node, nodes []*pubsub.PubSub) {
		var e ear
		sub := nodes[1].Subscribe("room", &e)
		broadcast(t, nodes[0], &pubsub.Message{Topic: "room", Event: "too early"})
		began := time.Now()
		if err := sub.Settle(t.Context()); err != nil || time.Since(began) != 10*time.Millisecond {
			t.Errorf("settled after %v: %v", time.Since(began), err)
		}
		broadcast(t, nodes[0], &pubsub.Message{Topic: "room", Event: "in time"})
		synctest.Wait()
		expect(t, "the subscriber", &e, "in time")
	})
}

func TestWhatOtherNodesSayIsCounted(t *testing.T) {
	inCluster(t, []string{"a", "b", "c"}, func(t *testing.T, _ *pubsubtest.Bus, _ []*pubsubtest.Node, nodes []*pubsub.PubSub) {
		var e ear
		nodes[1].Subscribe("room", &e)
		time.Sleep(100 * time.Millisecond)
		before := make([]uint64, len(nodes))
		for i, ps := range nodes {
			before[i] = ps.Info().Received
		}
		for range 3 {
			broadcast(t, nodes[0], &pubsub.Message{Topic: "room", Event: "said"})
		}
		synctest.Wait()
		for i, want := range []uint64{0, 3, 0} { // nobody listens on c
			if got := nodes[i].Info().Received - before[i]; got != want {
				t.Errorf("node %d received %d messages, want %d", i, got, want)
			}
		}
	})
}

func TestSettleAsksForTheFirstSubscriptionOfATopicOnly(t *testing.T) {
	var w wire
	ps := on(t, &w, nil)
	settled := func() int {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.settled
	}
	before := settled()
	for range 2 { // the second time the topic was left by all
		first := ps.Subscribe("room", &ear{})
		trouble := errors.New("no engine")
		w.fail(trouble)
		if err := first.Settle(t.Context()); !errors.Is(err, trouble) {
			t.Errorf("Settle without an engine: %v", err)
		}
		w.fail(nil)
		second := ps.Subscribe("room", &ear{})
		for _, s := range []*pubsub.Subscription{first, second, first} {
			if err := s.Settle(t.Context()); err != nil {
				t.Error(err)
			}
		}
		first.Unsubscribe()
		second.Unsubscribe()
	}
	if got := settled() - before; got < 4 || got > 5 { // one may be the node's own, at its start
		t.Errorf("the adapter was asked %d times, want twice for each time that the topic is new", got)
	}
	if err := pubsub.Local().Subscribe("room", &ear{}).Settle(t.Context()); err != nil {
		t.Errorf("without an adapter: %v", err)
	}
}

// deafAdapter never settles.
type deafAdapter struct{ wire }

func (*deafAdapter) Settle(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestSettleDoesNotWaitForever(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ps, err := pubsub.New(&pubsub.Options{Adapter: &deafAdapter{}})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if err := ps.Subscribe("room", &ear{}).Settle(t.Context()); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		if err := ps.Ping(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Ping: %v", err)
		}
		if err := ps.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestInfoTellsOfThisNodeAndTheOthers(t *testing.T) {
	names := []string{"a", "b", "twin", "twin"}
	inCluster(t, names, func(t *testing.T, bus *pubsubtest.Bus, _ []*pubsubtest.Node, nodes []*pubsub.PubSub) {
		time.Sleep(4 * time.Second) // a conflict shows after half a lease
		nodes[0].Subscribe("room", &ear{})
		nodes[0].Subscribe("room", &ear{})
		gone := nodes[0].Subscribe("hall", &ear{})
		nodes[0].Subscribe("yard", &ear{})
		gone.Unsubscribe()
		if err := nodes[1].Leave(t.Context(), time.Minute); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		info := nodes[0].Info()
		if info.Node != "a" || info.ID == "" || info.Topics != 2 || info.Subscriptions != 3 {
			t.Errorf("a says of itself %+v", info)
		}
		if info.Engine.State != pubsub.StateUp || info.Engine.Engine != "memory" {
			t.Errorf("a says of its engine %+v", info.Engine)
		}
		if !slices.Equal(info.Conflicts, []string{"twin"}) {
			t.Errorf("a finds the conflicts %q", info.Conflicts)
		}
		for i, m := range info.Members {
			if want := names[i+1]; m.Name != want || m.Leaving != (want == "b") || m.Since.IsZero() || m.ID == info.ID {
				t.Errorf("a knows %+v, want %s", m, want)
			}
		}
		if other := nodes[1].Info(); info.Members[0].ID != other.ID || len(info.Members) != 3 {
			t.Errorf("a knows %+v, and b is %s", info.Members, other.ID)
		}
		bus.EngineAway()
		if got := nodes[0].Info().Engine; got.State != pubsub.StateDegraded || got.Detail == "" {
			t.Errorf("without an engine a says of it %+v", got)
		}
	})
}

func TestANodeWithoutAnAdapterIsAlone(t *testing.T) {
	ps := pubsub.Local()
	ps.Subscribe("room", &ear{})
	info := ps.Info()
	if info.Node != "" || info.Members != nil || info.Topics != 1 || info.Subscriptions != 1 || info.Engine.State != pubsub.StateConnecting {
		t.Errorf("Info is %+v", info)
	}
	if err := errors.Join(ps.Leave(t.Context(), time.Minute), ps.Ping(t.Context())); err != nil || ps.Cluster() != nil {
		t.Errorf("Leave and Ping: %v", err)
	}
}

func TestWithoutAnEngineLocalDeliveryGoesOnUntilAndAfterTheBufferIsFull(t *testing.T) {
	inCluster(t, []string{"a", "b"}, func(t *testing.T, bus *pubsubtest.Bus, _ []*pubsubtest.Node, nodes []*pubsub.PubSub) {
		var near, far ear
		var o orders
		nodes[0].Subscribe("room", &near)
		nodes[0].Register("user:7", &o)
		if err := nodes[1].Subscribe("room", &far).Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		bus.EngineAway()
		payload := make([]byte, 400<<10)
		for _, want := range []error{nil, nil, pubsub.ErrUnavailable, pubsub.ErrUnavailable} {
			err := nodes[0].Broadcast(t.Context(), &pubsub.Message{Topic: "room", Event: "e", Payload: payload, Binary: true})
			if !errors.Is(err, want) {
				t.Errorf("Broadcast: %v, want %v", err, want)
			}
		}
		expect(t, "who is near", &near, "e", "e", "e", "e")
		if err := nodes[0].Disconnect(t.Context(), "user:7"); err != nil || len(o.got) != 1 { // it fits in
			t.Errorf("Disconnect: %v, the socket got %+v", err, o.got)
		}
		if err := nodes[1].Subscribe("yard", &ear{}).Settle(t.Context()); !errors.Is(err, pubsub.ErrUnavailable) {
			t.Errorf("Settle: %v", err)
		}
		if err := nodes[1].Ping(t.Context()); !errors.Is(err, pubsub.ErrUnavailable) {
			t.Errorf("Ping: %v", err)
		}
		synctest.Wait()
		expect(t, "who is far", &far)
		bus.EngineBack()
		synctest.Wait()
		expect(t, "who is far, later,", &far, "e", "e")
		if lost := nodes[0].Info().Engine.Lost; lost != 2 {
			t.Errorf("%d are counted as lost, want 2", lost)
		}
	})
}

func TestCloseSaysGoodbye(t *testing.T) {
	inCluster(t, []string{"a", "b", "c"}, func(t *testing.T, _ *pubsubtest.Bus, adapters []*pubsubtest.Node, nodes []*pubsub.PubSub) {
		if err := nodes[2].Close(t.Context()); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if m := nodes[0].Info().Members; len(m) != 1 || m[0].Name != "b" {
			t.Errorf("a knows %+v", m)
		}
		if s := nodes[2].Info().Engine.State; s != pubsub.StateClosed {
			t.Errorf("the engine of the closed node is %v", s)
		}
		if err := adapters[1].Close(t.Context()); err != nil { // a crash
			t.Error(err)
		}
		time.Sleep(2 * time.Second)
		if m := nodes[0].Info().Members; len(m) != 1 {
			t.Errorf("before a lease a knows %+v", m)
		}
		time.Sleep(3 * time.Second)
		if m := nodes[0].Info().Members; len(m) != 0 {
			t.Errorf("after a lease a knows %+v", m)
		}
	})
}

func TestStatesHaveNames(t *testing.T) {
	for s, want := range map[pubsub.State]string{
		pubsub.StateConnecting: "connecting", pubsub.StateUp: "up", pubsub.StateDegraded: "degraded", pubsub.StateClosed: "closed", 99: "unknown",
	} {
		if got := s.String(); got != want {
			t.Errorf("state %d is %q, want %q", s, got, want)
		}
	}
}
