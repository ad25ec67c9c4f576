package main

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roost-dev/roost/presence"
	"github.com/roost-dev/roost/pubsub"
	"github.com/roost-dev/roost/pubsub/pubsubtest"
)

// What nodes say to each other, by the number of nodes, of topics and of nodes that want a topic. It is counted in a
// cluster of all there is but the engine and the sockets, in one process and in virtual time, so that the counts are
// exact: docs/scaling.md has them. With ROOST_SOAK the clusters have up to 100 nodes.

// sizes are the numbers of nodes that are looked at.
func sizes() []int {
	if os.Getenv("ROOST_SOAK") != "" {
		return []int{4, 16, 32, 64, 100}
	}
	return []int{4, 9}
}

const (
	lease = 4 * time.Second // the default
	still = 250 * lease     // so long that nothing is said of itself while something else is counted
)

// said is messages by the kind of their subject: "c" for heartbeats, "n" for one node, "p" for those who want a topic's
// presences, "o" for those who have some, "t" for a topic's subscribers.
type said struct {
	messages map[string]int
	bytes    int
}

// traffic counts what nodes receive. It is an adapter's receiver's, so its methods are called from many goroutines.
type traffic struct {
	mu   sync.Mutex // guards what follows
	said said
	by   map[int]int // messages about topics, by the node that receives
}

func (tr *traffic) add(node int, e *pubsub.Envelope) {
	kind, _, _ := strings.Cut(e.Subject, ":")
	data, err := e.AppendBinary(nil)
	if err != nil {
		panic(err) // it came from another node
	}
	// A route of NATS has a line before it: RMSG, account, subject and size.
	line := len("RMSG $G roost. \r\n\r\n") + len(e.Subject) + 1 + int(math.Log10(float64(len(data))))
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.said.messages[kind]++
	tr.said.bytes += line + len(data)
	if kind != "c" && kind != "n" {
		tr.by[node]++
	}
}

// take returns what was counted since the last time.
func (tr *traffic) take() (all said, by map[int]int) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	all, by = tr.said, tr.by
	tr.said, tr.by = said{messages: map[string]int{}}, map[int]int{}
	return all, by
}

// counted is a node of the bus that counts what it receives and what it wants.
type counted struct {
	*pubsubtest.Node

	number   int
	traffic  *traffic
	receiver pubsub.Receiver

	mu     sync.Mutex // guards wanted
	wanted map[string]bool
}

func (c *counted) Start(r pubsub.Receiver) error {
	c.receiver = r
	return c.Node.Start(c)
}

func (c *counted) Recovered() { c.receiver.Recovered() }

func (c *counted) Receive(e *pubsub.Envelope) {
	c.traffic.add(c.number, e)
	c.receiver.Receive(e)
}

func (c *counted) Interest(subject string, wanted bool) {
	c.mu.Lock()
	if c.wanted[subject] = wanted; !wanted {
		delete(c.wanted, subject)
	}
	c.mu.Unlock()
	c.Node.Interest(subject, wanted)
}

func (c *counted) interests() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.wanted)
}

// meta is as long as most are.
type meta struct {
	OnlineAt int    `json:"online_at"`
	Device   string `json:"device"`
}

// guest is a user's conversation.
type guest struct{ id, topic string }

func (g guest) ID() string                                        { return g.id }
func (g guest) Topic() string                                     { return g.topic }
func (g guest) AfterJoin(f func())                                { f() }
func (g guest) AfterReply(f func())                               { f() }
func (g guest) OnEnd(func())                                      {} // they stay
func (g guest) PushEncoded(context.Context, string, []byte) error { return nil }
func (g guest) Deliver(*pubsub.Message)                           {}

// house is a cluster.
type house struct {
	t        *testing.T
	traffic  *traffic
	adapters []*counted
	nodes    []*pubsub.PubSub
	trackers []*presence.Presence[meta]
	guests   int
}

// inHouse runs f in a bubble with nodes that know each other.
func inHouse(t *testing.T, nodes int, lease time.Duration, f func(t *testing.T, h *house)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var bus pubsubtest.Bus
		h := &house{t: t, traffic: new(traffic)}
		h.traffic.take()
		for i := range nodes {
			a := &counted{Node: bus.Node(), number: i, traffic: h.traffic, wanted: map[string]bool{}}
			ps, err := pubsub.New(&pubsub.Options{Adapter: a, Lease: lease, Logger: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			h.adapters, h.nodes = append(h.adapters, a), append(h.nodes, ps)
			h.trackers = append(h.trackers, presence.New[meta](ps, &presence.Options[meta]{Logger: slog.New(slog.DiscardHandler)}))
		}
		t.Cleanup(func() {
			for i, p := range h.trackers {
				_ = p.Close(context.Background()) // some were taken out
				_ = h.nodes[i].Close(context.Background())
			}
		})
		h.settle()
		f(t, h)
	})
}

// settle waits until what was done has had its effects, but no longer than it may take.
func (h *house) settle() {
	time.Sleep(time.Second)
	synctest.Wait()
}

// enter has a user enter a topic on a node, as a channel does it.
func (h *house) enter(node int, topic string) {
	h.t.Helper()
	h.guests++
	g := guest{fmt.Sprintf("session %09d", h.guests), topic}
	h.nodes[node].Subscribe(topic, g)
	err := h.trackers[node].Track(h.t.Context(), g, fmt.Sprintf("user:%d", h.guests), meta{1_700_000_000, "phone"})
	if err == nil {
		err = h.trackers[node].PushState(h.t.Context(), g)
	}
	if err != nil {
		h.t.Fatal(err)
	}
}

// fill has users enter so many topics for each node, each of which is wanted on several nodes.
func (h *house) fill(topics, shared int) {
	for i := range len(h.nodes) * topics / shared {
		for k := range shared {
			h.enter((i*shared+k)%len(h.nodes), fmt.Sprintf("room:%d", i))
		}
	}
	h.settle()
	h.traffic.take()
}

// expect fails unless these messages and no others were received since the last time, but for heartbeats.
func (h *house) expect(what string, want map[string]int) said {
	h.t.Helper()
	got, _ := h.traffic.take()
	for kind, n := range got.messages {
		if n != want[kind] {
			h.t.Errorf("%s with %d nodes took %d messages of kind %q, want %d", what, len(h.nodes), n, kind, want[kind])
		}
	}
	for kind, n := range want {
		if n > 0 && got.messages[kind] == 0 {
			h.t.Errorf("%s with %d nodes took no messages of kind %q, want %d", what, len(h.nodes), kind, n)
		}
	}
	return got
}

// An idle cluster says the same whatever it holds: a heartbeat a second to each other node, a pull and its answer.
func TestWhatAnIdleClusterSays(t *testing.T) {
	const duration = 10
	for _, nodes := range sizes() {
		for _, topics := range []int{0, 20} {
			inHouse(t, nodes, lease, func(t *testing.T, h *house) {
				h.fill(topics, 4)
				time.Sleep(10 * time.Second) // until what is new was pulled
				h.traffic.take()
				time.Sleep(duration * time.Second)
				synctest.Wait()
				got, _ := h.traffic.take()
				pairs := nodes * (nodes - 1)
				if want := duration * pairs; got.messages["c"] < want-pairs || got.messages["c"] > want+pairs {
					t.Errorf("%d nodes sent %d heartbeats, want %d", nodes, got.messages["c"], want)
				}
				if want := 2 * duration * pairs; math.Abs(float64(got.messages["n"]-want)) > 0.15*float64(want) {
					t.Errorf("%d nodes sent %d pulls and answers, want %d", nodes, got.messages["n"], want)
				}
				if len(got.messages) > 2 {
					t.Errorf("%d nodes said more: %v", nodes, got.messages)
				}
				all := got.messages["c"] + got.messages["n"]
				t.Logf("%d nodes, %d topics each: %.0f messages/s, %.1f for a pair, of %.0f bytes; %.0f bytes/s to each node; %d interests on each node",
					nodes, topics, float64(all)/duration, float64(all)/duration/float64(pairs), float64(got.bytes)/float64(all),
					float64(got.bytes)/duration/float64(nodes), h.adapters[0].interests())
			})
		}
	}
}

// What a topic's users do is said to the nodes that want the topic, and costs no others anything, however many there are.
func TestWhatAJoinSays(t *testing.T) {
	for _, nodes := range sizes() {
		for _, shared := range []int{1, 2, 4, nodes} {
			inHouse(t, nodes, still, func(t *testing.T, h *house) {
				for k := range shared - 1 {
					h.enter(k, "room")
				}
				h.settle()
				h.traffic.take()
				others := shared - 1

				h.enter(shared-1, "room") // the first on its node: asks those who have users, who answer
				h.settle()
				first := h.expect("a node's first join", map[string]int{"o": others, "n": others, "p": others})
				h.enter(shared-1, "room")
				h.settle()
				second := h.expect("another join", map[string]int{"p": others})
				const crowd = 100
				for range crowd {
					h.enter(shared-1, "room")
				}
				h.settle()
				together, _ := h.traffic.take() // how many messages is up to the scheduler: what gathers leaves together
				if p := together.messages["p"]; p < others || p > crowd*others || len(together.messages) > min(1, others) {
					t.Errorf("%d joins at once with %d nodes took %v, want from %d to %d of kind p", crowd, nodes, together.messages, others, crowd*others)
				}

				if err := h.nodes[0].Broadcast(t.Context(), &pubsub.Message{Topic: "room", Event: "said", Payload: []byte(`{"body":"hello"}`)}); err != nil {
					t.Fatal(err)
				}
				h.settle()
				h.expect("a broadcast", map[string]int{"t": others})
				t.Logf("%d nodes, topic wanted on %d: first join %d messages, %d bytes; another %d, %d bytes; %d at once %d, %d bytes",
					nodes, shared, 3*others, first.bytes, others, second.bytes, crowd, together.messages["p"], together.bytes)
			})
		}
	}
}

// A crash needs no word: each node finds it out by itself. A node that comes is told what it wants to know.
func TestWhatACrashSays(t *testing.T) {
	const topics, shared = 20, 4
	for _, nodes := range sizes() {
		inHouse(t, nodes, lease, func(t *testing.T, h *house) {
			h.fill(topics, shared)
			time.Sleep(10 * time.Second)
			before := h.held()
			if err := h.adapters[nodes-1].Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			h.traffic.take()
			time.Sleep(2 * lease)
			synctest.Wait()
			got, by := h.traffic.take()
			if len(by) > 0 {
				t.Errorf("a crash of one of %d nodes took messages about topics: %v", nodes, by)
			}
			if gone := before - h.held(); gone != topics*(shared-1) {
				t.Errorf("after a crash of one of %d nodes the others held %d presences less, want %d", nodes, gone, topics*(shared-1))
			}
			idle := 2 * int(lease/time.Second) * (nodes - 1) * (nodes - 2) * 3
			if all := got.messages["c"] + got.messages["n"]; float64(all) > 1.2*float64(idle+int(lease/time.Second)*3*nodes) {
				t.Errorf("in the two leases after a crash %d nodes sent %d messages, and idle ones %d", nodes-1, all, idle)
			}
			t.Logf("%d nodes, %d topics each on %d: a crash takes 0 messages about topics", nodes, topics, shared)
		})
	}
}

// held returns what the nodes but the last one hold of others.
func (h *house) held() int {
	held := 0
	for _, p := range h.trackers[:len(h.trackers)-1] {
		held += p.Stats().RemotePresences
	}
	return held
}

// Interests are what an engine has to remember of each node: three for a topic with presences.
func TestWhatANodeWants(t *testing.T) {
	inHouse(t, 4, still, func(t *testing.T, h *house) {
		none := h.adapters[0].interests()
		const topics = 50
		for i := range topics {
			h.enter(0, fmt.Sprintf("room:%d", i))
		}
		h.settle()
		if got := h.adapters[0].interests() - none; got != 3*topics {
			t.Errorf("a node with %d topics has %d interests for them, want 3 for each", topics, got)
		}
		if got := h.adapters[1].interests(); got != none {
			t.Errorf("another node has %d interests, and had %d", got, none)
		}
	})
}
