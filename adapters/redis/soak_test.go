package redis

import (
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/roost-dev/roost/pubsub"
)

// counter is a subscriber that checks what it hears.
type counter struct {
	t *testing.T

	mu    sync.Mutex // guards what follows
	heard map[string]int
	last  map[string]int
}

// Deliver implements [pubsub.Subscriber].
func (c *counter) Deliver(m *pubsub.Message) {
	n, err := strconv.Atoi(string(m.Payload))
	if err != nil {
		c.t.Errorf("heard %q", m.Payload)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.heard[m.Event] > 0 && n <= c.last[m.Event] {
		c.t.Errorf("message %d of %s came after %d", n, m.Event, c.last[m.Event])
	}
	c.heard[m.Event]++
	c.last[m.Event] = n
}

func (c *counter) of(node string) (heard, last int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.heard[node], c.last[node]
}

// Two nodes say 20 messages a second each while the server is killed once and
// comes back later than messages wait for it.
func TestBroadcastsGoOnWhileTheServerRestarts(t *testing.T) {
	t.Parallel()
	before, away, after := time.Second, 2500*time.Millisecond, 4*time.Second
	if os.Getenv("ROOST_SOAK") != "" {
		before, away, after = 20*time.Second, 10*time.Second, 30*time.Second
	}
	const waits = 1500 * time.Millisecond
	e := startEngine(t, theRedis)
	var nodes [2]*pubsub.PubSub
	var counters [2]*counter
	names := [2]string{"0", "1"}
	for i := range nodes {
		nodes[i] = newPubSub(t, e.url(), &Options{Patience: waits})
		t.Cleanup(func() { closePubSub(t, nodes[i]) })
		counters[i] = &counter{t: t, heard: make(map[string]int), last: make(map[string]int)}
		sub := nodes[i].Subscribe("room", counters[i])
		eventually(t, "the subscription is known", func() bool { return sub.Settle(t.Context()) == nil })
	}

	var said [2]int
	slowest := time.Duration(0)
	round := func() {
		for i, ps := range nodes {
			began := time.Now()
			_ = ps.Broadcast(t.Context(), &pubsub.Message{Topic: "room", Event: names[i], Payload: strconv.AppendInt(nil, int64(said[i]), 10)})
			slowest = max(slowest, time.Since(began))
			said[i]++
			if heard, _ := counters[i].of(names[i]); heard != said[i] {
				t.Fatalf("node %d heard %d of %d messages of its own", i, heard, said[i])
			}
		}
	}
	talk := func(d time.Duration, then func()) {
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for end := time.Now().Add(d); time.Now().Before(end); <-tick.C {
			round()
			then()
		}
	}
	talk(before, func() {})
	e.kill()
	talk(away, func() {})
	e.start()
	back, first := time.Now(), said
	var took [2]time.Duration // until what is said now is heard
	talk(after, func() {
		for i := range nodes {
			if _, last := counters[i].of(names[1-i]); took[i] == 0 && last >= first[1-i] {
				took[i] = time.Since(back)
			}
		}
	})

	for i := range nodes {
		other := 1 - i
		eventually(t, "the last message arrives", func() bool {
			_, last := counters[i].of(names[other])
			return last == said[other]-1
		})
		heard, _ := counters[i].of(names[other])
		missing, h := said[other]-heard, nodes[other].Info().Engine
		t.Logf("node %d heard %d of %d messages of node %d, which counted %d as lost", i, heard, said[other], other, h.Lost)
		// More than messages are counted: nodes also tell each other that they live.
		if uint64(missing) > h.Lost+1 { // one may have been with the server when it was killed
			t.Errorf("%d messages of node %d did not arrive, it counted %d as lost", missing, other, h.Lost)
		}
		if wanted := int((away - waits) / (50 * time.Millisecond)); missing < wanted/2 {
			t.Errorf("%d messages did not arrive, of some %d that could not", missing, wanted)
		}
		if took[i] == 0 || took[i] > 5*time.Second {
			t.Errorf("node %d heard the other one again after %v", i, took[i])
		}
	}
	if slowest > time.Second {
		t.Errorf("a broadcast took %v", slowest)
	}
	for i, ps := range nodes {
		if h := ps.Info().Engine; h.State != pubsub.StateUp || h.Reconnects != 1 {
			t.Errorf("node %d is in the end %+v", i, h)
		}
	}
}
