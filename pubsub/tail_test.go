package pubsub_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roost-dev/roost/history"
	"github.com/roost-dev/roost/pubsub"
	"github.com/roost-dev/roost/pubsub/pubsubtest"
)

// keepingNodes starts nodes whose engine keeps all topics. They end with the
// test.
func keepingNodes(t *testing.T, bus *pubsubtest.Bus, n int, keep history.Keep) ([]*pubsub.PubSub, []*pubsubtest.Node) {
	t.Helper()
	keep.Topics = []string{"*"}
	nodes, engines := make([]*pubsub.PubSub, n), make([]*pubsubtest.Node, n)
	for i := range nodes {
		engines[i] = bus.Node()
		ps, err := pubsub.New(&pubsub.Options{Adapter: engines[i], Node: fmt.Sprint(i), History: []history.Keep{keep}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := ps.Close(context.Background()); err != nil {
				t.Error(err)
			}
		})
		nodes[i] = ps
	}
	return nodes, engines
}

// follow subscribes c to the topic of these tests, from its end on.
func follow(t *testing.T, ps *pubsub.PubSub, c *chain) {
	t.Helper()
	sub := ps.Subscribe("log", c)
	if err := sub.Settle(t.Context()); err != nil {
		t.Error(err)
	}
	last, err := ps.Log().Last(t.Context(), "log")
	if err != nil {
		t.Error(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last.Epoch == "" {
		c.last = last
	}
}

func TestNodesHearTheLogInOneOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const publishers, each = 4, 50
		nodes, _ := keepingNodes(t, &pubsubtest.Bus{}, 3, history.Keep{})
		chains := make([]chain, len(nodes))
		for i, ps := range nodes {
			follow(t, ps, &chains[i])
		}
		var publishing sync.WaitGroup
		for _, ps := range nodes {
			for p := range publishers {
				publishing.Go(func() {
					for n := range each {
						say(t, ps, "log", fmt.Sprintf("%d.%d", p, n))
					}
				})
			}
		}
		publishing.Wait()
		time.Sleep(time.Second)
		for i := range chains {
			chains[i].check(t, len(nodes)*publishers*each)
		}
	})
}

func TestWhatANodeSaysIsHeardThereWhenBroadcastReturns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes, _ := keepingNodes(t, &pubsubtest.Bus{}, 2, history.Keep{})
		var c chain
		follow(t, nodes[0], &c)
		for i := range 10 {
			say(t, nodes[1], "log", "other")
			say(t, nodes[0], "log", "own")
			c.mu.Lock()
			if len(c.names) != 2*i+2 || c.names[2*i+1] != "own" {
				t.Errorf("in round %d got %q", i, c.names)
			}
			c.mu.Unlock()
		}
	})
}

// The last message has none behind it that would betray its loss.
func TestALostLastMessageIsFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var bus pubsubtest.Bus
		nodes, engines := keepingNodes(t, &bus, 2, history.Keep{})
		var c chain
		follow(t, nodes[1], &c)
		say(t, nodes[0], "log", "one")
		synctest.Wait()
		bus.SetLink(engines[0], engines[1], pubsubtest.Link{Loss: 1})
		say(t, nodes[0], "log", "lost")
		bus.SetLink(engines[0], engines[1], pubsubtest.Link{})
		synctest.Wait()
		c.check(t, 1)
		time.Sleep(5 * time.Second)
		c.check(t, 2)
	})
}

func TestWithoutTheEngineNothingIsDelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var bus pubsubtest.Bus
		nodes, _ := keepingNodes(t, &bus, 2, history.Keep{})
		var c chain
		follow(t, nodes[0], &c)
		bus.EngineAway()
		if err := nodes[0].Broadcast(t.Context(), &pubsub.Message{Topic: "log", Event: "e", Payload: []byte(`{}`)}); err == nil {
			t.Error("a broadcast that nobody keeps gives no error")
		}
		c.check(t, 0)
		bus.EngineBack()
		synctest.Wait()
		say(t, nodes[1], "log", "back")
		time.Sleep(time.Second)
		c.check(t, 1)
	})
}

// gapped is told of gaps.
type gapped struct {
	chain

	gaps int
}

func (g *gapped) Gap() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.gaps++
	g.last = history.Position{}
}

func TestSubscribersAreToldWhatTheLogDoesNotHaveAnyMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var bus pubsubtest.Bus
		nodes, engines := keepingNodes(t, &bus, 2, history.Keep{Count: 2})
		var g gapped
		follow(t, nodes[1], &g.chain)
		nodes[1].Subscribe("log", &g)
		bus.SetLink(engines[0], engines[1], pubsubtest.Link{Loss: 1})
		for range 5 {
			say(t, nodes[0], "log", "lost")
		}
		bus.SetLink(engines[0], engines[1], pubsubtest.Link{})
		time.Sleep(5 * time.Second)
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.gaps != 1 {
			t.Errorf("told of %d gaps, want 1", g.gaps)
		}
	})
}

// An engine that has lost its log begins another: its numbers start anew.
func TestALogThatWasLostIsFollowedByAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var bus pubsubtest.Bus
		nodes, engines := keepingNodes(t, &bus, 2, history.Keep{})
		var c chain
		var g gapped
		follow(t, nodes[1], &c)
		nodes[1].Subscribe("log", &g)
		for range 3 {
			say(t, nodes[0], "log", "before")
		}
		synctest.Wait()
		before := c.last
		bus.ForgetLog()
		bus.SetLink(engines[0], engines[1], pubsubtest.Link{Loss: 1})
		say(t, nodes[0], "log", "first, and lost")
		bus.SetLink(engines[0], engines[1], pubsubtest.Link{})
		say(t, nodes[0], "log", "second")
		time.Sleep(time.Second)
		c.check(t, 5)
		g.mu.Lock()
		if g.gaps != 1 {
			t.Errorf("told of %d gaps, want 1: nobody knows where the first log ended", g.gaps)
		}
		g.mu.Unlock()
		if _, err := nodes[1].Missed(t.Context(), "log", before, 10); !errors.Is(err, history.ErrGone) {
			t.Errorf("a position of the lost log gives %v", err)
		}
	})
}

func TestWhoComesBackIsServedWithoutTheEngine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var bus pubsubtest.Bus
		nodes, _ := keepingNodes(t, &bus, 1, history.Keep{})
		start, err := nodes[0].Log().Last(t.Context(), "log")
		if err != nil {
			t.Fatal(err)
		}
		say(t, nodes[0], "log", "before anybody was there")
		var c chain
		follow(t, nodes[0], &c)
		say(t, nodes[0], "log", "one")
		say(t, nodes[0], "log", "two")
		if _, err := nodes[0].Missed(t.Context(), "log", start, 10); err != nil {
			t.Fatal(err)
		}
		bus.EngineAway()
		for limit, want := range map[int]int{1: 1, 2: 2, 10: 3} {
			missed, err := nodes[0].Missed(t.Context(), "log", start, limit)
			if err != nil || len(missed.Messages) != want || missed.Messages[0].Event != "before anybody was there" {
				t.Errorf("at most %d: got %d messages (%v), want %d", limit, len(missed.Messages), err, want)
			}
		}
		if _, err := nodes[0].Missed(t.Context(), "log", history.Position{Epoch: start.Epoch, Seq: 9}, 10); err == nil {
			t.Error("a position from the future gives no error")
		}
	})
}

// Whatever the links lose, repeat, delay and reorder, and whenever the engine is
// away: every subscriber gets all that was appended, once and in order.
func TestTailsAreWholeAfterAnyFaults(t *testing.T) {
	for seed := range uint64(150) {
		synctest.Test(t, func(t *testing.T) { faultyHistory(t, seed) })
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func faultyHistory(t *testing.T, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 7))
	bus := pubsubtest.Bus{Seed: seed}
	nodes, engines := keepingNodes(t, &bus, 2+random.IntN(2), history.Keep{Count: 100_000})
	chains := make([]chain, len(nodes))
	for i, ps := range nodes {
		follow(t, ps, &chains[i])
	}
	appended := 0
	for range 20 + random.IntN(60) {
		switch random.IntN(8) {
		case 0:
			bus.SetLinks(pubsubtest.Link{
				Loss: random.Float64() / 2, Repeat: random.Float64() / 2,
				Jitter: time.Duration(random.IntN(300)) * time.Millisecond, Reorder: random.IntN(2) == 0,
			})
		case 1:
			bus.EngineAway(engines[random.IntN(len(engines))])
		case 2:
			bus.EngineBack()
		case 3:
			time.Sleep(time.Duration(random.IntN(3000)) * time.Millisecond)
		default:
			for range 1 + random.IntN(10) {
				ps := nodes[random.IntN(len(nodes))]
				if ps.Broadcast(t.Context(), &pubsub.Message{Topic: "log", Event: fmt.Sprint(appended), Payload: []byte(`{}`)}) == nil {
					appended++
				}
			}
		}
	}
	bus.SetLinks(pubsubtest.Link{})
	bus.EngineBack()
	time.Sleep(5 * time.Second)
	for i := range chains {
		chains[i].check(t, appended)
	}
}
