package pubsubtest

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/roost-dev/roost/pubsub"
)

// Connect makes a network of its own with that many nodes and returns their
// adapters, not started yet. The suite closes them; what else belongs to the
// network ends by t.Cleanup.
type Connect func(t *testing.T, nodes int) []pubsub.Adapter

// Run checks that adapters do what [pubsub.Adapter] says, on healthy networks
// made by connect: what is published reaches whoever wants it, and nobody
// else, once and in order.
func Run(t *testing.T, connect Connect) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, connect Connect)
	}{
		{"messages arrive on other nodes as they were sent", messagesArriveAsSent},
		{"every subscriber hears a message once", everySubscriberHearsOnce},
		{"the sender's own subscription is left out, and no other", fromIsLeftOut},
		{"local broadcasts stay on their node", localStaysLocal},
		{"what one sender says keeps its order", sendersKeepTheirOrder},
		{"topics may hold any characters", topicsHoldAnyCharacters},
		{"topics and ids do not mix", topicsAndIDsDoNotMix},
		{"nodes get only what they want", nodesGetWhatTheyWant},
		{"subscriptions may come and go", subscriptionsComeAndGo},
		{"subscribers may subscribe while they hear a message", subscribersMaySubscribe},
		{"commands reach the sockets of an id on all nodes", commandsReachSockets},
		{"a node that was closed is out, and the others go on", closedNodeIsOut},
		{"who has settled hears all that is said from then on", settlingTakesEffect},
		{"health follows an adapter's life", healthFollowsALife},
		{"a closed adapter takes nothing", closedAdapterTakesNothing},
		{"subjects may hold any bytes and do not mix", hostileSubjectsDoNotMix},
		{"interests may flap", interestsMayFlap},
		{"thousands of subjects may be wanted at once", manyTopicsAtOnce},
		{"nodes do not hear themselves", nodesDoNotHearThemselves},
		{"envelopes arrive whole", envelopesArriveWhole},
		{"large payloads arrive or are refused, and harm nothing", largePayloadsArriveOrFail},
		{"a payload may be used again once it was published", payloadsMayBeReused},
		{"order holds for many senders on many topics", orderHoldsOverTopics},
		{"nodes find each other", nodesFindEachOther},
		{"nodes call each other", nodesCallEachOther},
		{"nodes send each other messages", nodesSendEachOtherMessages},
		{"nothing is left running", nothingIsLeftRunning},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, connect) })
	}
}

// start makes a network and a PubSub on each of its nodes.
func start(t *testing.T, connect Connect, nodes int) []*pubsub.PubSub {
	t.Helper()
	return begin(t, connect(t, nodes))
}

// begin makes a PubSub of each adapter.
func begin(t *testing.T, adapters []pubsub.Adapter) []*pubsub.PubSub {
	t.Helper()
	nodes := make([]*pubsub.PubSub, len(adapters))
	for i, a := range adapters {
		ps, err := pubsub.New(&pubsub.Options{Adapter: a, Node: fmt.Sprint("node ", i)})
		if err != nil {
			t.Fatalf("node %d does not start: %v", i, err)
		}
		t.Cleanup(func() { shut(t, ps) })
		nodes[i] = ps
	}
	return nodes
}

// acquaint waits until all nodes are up and know each other.
func acquaint(t *testing.T, nodes []*pubsub.PubSub) {
	t.Helper()
	for _, ps := range nodes {
		eventually(t, patience, "nodes know each other", func() bool {
			info := ps.Info()
			return info.Engine.State == pubsub.StateUp && len(info.Members) == len(nodes)-1
		})
	}
}

// settle waits until other nodes are heard.
func settle(t *testing.T, sub *pubsub.Subscription) {
	t.Helper()
	if err := sub.Settle(context.Background()); err != nil {
		t.Fatalf("Settle: %v", err)
	}
}

func shut(t *testing.T, ps *pubsub.PubSub) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := ps.Close(ctx); err != nil {
		t.Errorf("Close: %v", err)
	}
}

// link waits until what from says on topic is heard by all listeners. They
// must be on other nodes.
func link(t *testing.T, from *pubsub.PubSub, topic string, listeners ...*listener) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for _, l := range listeners {
		mark := rand.Text() // probes of other nodes may still come
		for heard := false; !heard; {
			if time.Now().After(deadline) {
				t.Fatalf("nobody hears what is said on %q", topic)
			}
			say(t, from, &pubsub.Message{Topic: topic, Event: probe, Payload: []byte(mark), Binary: true})
			for m, ok := l.probes.poll(10 * time.Millisecond); ok && !heard; m, ok = l.probes.pop() {
				heard = string(m.Payload) == mark
			}
		}
	}
}

func say(t *testing.T, ps *pubsub.PubSub, m *pubsub.Message) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := ps.Broadcast(ctx, m); err != nil {
		t.Errorf("Broadcast: %v", err)
	}
}

func event(topic, name string) *pubsub.Message {
	return &pubsub.Message{Topic: topic, Event: name, Payload: []byte(`{}`)}
}

func messagesArriveAsSent(t *testing.T, connect Connect) {
	nodes := start(t, connect, 2)
	l, _ := listen(nodes[1], "room:1")
	link(t, nodes[0], "room:1", l)
	allBytes := make([]byte, 256)
	for i := range allBytes {
		allBytes[i] = byte(i)
	}
	for _, m := range []*pubsub.Message{
		{Topic: "room:1", Event: "text", Payload: []byte(`{"body":"hej på dig\n"}`)},
		{Topic: "room:1", Event: "bytes", Payload: allBytes, Binary: true},
		{Topic: "room:1", Event: "no bytes", Binary: true},
		{Topic: "room:1", Event: "händelse \"*\" > .", Payload: []byte(`{}`)},
		{Topic: "room:1", Event: "large", Payload: bytes.Repeat([]byte("0123456789abcdef"), 32<<10)},
	} {
		say(t, nodes[0], m)
		got := l.next(t)
		if got.Topic != m.Topic || got.Event != m.Event || got.Binary != m.Binary || !bytes.Equal(got.Payload, m.Payload) {
			t.Errorf("%s: arrived on topic %q as %q, binary %v, %d bytes", m.Event, got.Topic, got.Event, got.Binary, len(got.Payload))
		}
		if got.From != nil {
			t.Errorf("%s: arrived with a sender of another node", m.Event)
		}
	}
}

func everySubscriberHearsOnce(t *testing.T, connect Connect) {
	nodes := start(t, connect, 3)
	var listeners []*listener
	for _, ps := range nodes {
		for range 2 {
			l, _ := listen(ps, "room")
			listeners = append(listeners, l)
		}
	}
	for i, ps := range nodes {
		for j, l := range listeners {
			if j/2 != i {
				link(t, ps, "room", l)
			}
		}
	}
	for i, ps := range nodes {
		say(t, ps, event("room", fmt.Sprint("from ", i)))
		say(t, ps, event("room", fmt.Sprint("end ", i)))
		for _, l := range listeners {
			l.expect(t, fmt.Sprint("from ", i))
			l.expect(t, fmt.Sprint("end ", i))
		}
	}
}

func fromIsLeftOut(t *testing.T, connect Connect) {
	nodes := start(t, connect, 2)
	sender, own := listen(nodes[0], "room")
	neighbor, _ := listen(nodes[0], "room")
	remote, _ := listen(nodes[1], "room")
	link(t, nodes[0], "room", remote)
	m := event("room", "to others")
	m.From = own
	say(t, nodes[0], m)
	say(t, nodes[0], event("room", "to all"))
	sender.expect(t, "to all")
	for _, l := range []*listener{neighbor, remote} {
		l.expect(t, "to others")
		l.expect(t, "to all")
	}
}

func localStaysLocal(t *testing.T, connect Connect) {
	nodes := start(t, connect, 2)
	local, _ := listen(nodes[0], "room")
	remote, _ := listen(nodes[1], "room")
	link(t, nodes[0], "room", remote)
	nodes[0].BroadcastLocal(event("room", "local"))
	say(t, nodes[0], event("room", "to all"))
	local.expect(t, "local")
	local.expect(t, "to all")
	remote.expect(t, "to all")
}

func sendersKeepTheirOrder(t *testing.T, connect Connect) {
	const senders, messages = 4, 200
	nodes := start(t, connect, 3)
	a, _ := listen(nodes[1], "room")
	b, _ := listen(nodes[2], "room")
	link(t, nodes[0], "room", a, b)
	link(t, nodes[1], "room", b)
	var wg sync.WaitGroup
	for s := range senders {
		wg.Go(func() {
			for i := range messages {
				say(t, nodes[s%2], &pubsub.Message{Topic: "room", Event: fmt.Sprint(s), Payload: fmt.Append(nil, i)})
			}
		})
	}
	wg.Wait()
	for _, l := range []*listener{a, b} {
		next := make(map[string]int)
		for range senders * messages {
			m := l.next(t)
			if want := fmt.Sprint(next[m.Event]); string(m.Payload) != want {
				t.Fatalf("of sender %s message %s came, want %s", m.Event, m.Payload, want)
			}
			next[m.Event]++
		}
	}
}

// strangeTopics are distinct to everybody, and all but hopeless as NATS
// subjects, Redis patterns or file names.
func strangeTopics() []string {
	return []string{
		"room", "Room", "room ", " room", "room.1", "room:1", "room.*", "room.>", "*", ">", "**", "?", "[a-z]", ".", "..",
		"a..b", ".a", "a.", "$SYS.REQ", "_INBOX.x", "räksmörgås", "комната", "部屋", "👋", "e\u0301", "\u00e9", "a\tb", "a\r\nb", "a\x00b",
		"%20", "a%2Eb", "a+b", "a/b", "../a", `a\b`, `"`, "{room}", "t:room", "i:room", "\xff\xfe", "=", "==",
		strings.Repeat("x", 1000), strings.Repeat("x", 1001), strings.Repeat("🐦.", 100),
	}
}

func topicsHoldAnyCharacters(t *testing.T, connect Connect) {
	nodes := start(t, connect, 2)
	topics := strangeTopics()
	listeners := make([]*listener, len(topics))
	for i, topic := range topics {
		listeners[i], _ = listen(nodes[1], topic)
	}
	for i, topic := range topics {
		link(t, nodes[0], topic, listeners[i])
	}
	for _, name := range []string{"first", "second"} {
		for _, topic := range topics {
			say(t, nodes[0], &pubsub.Message{Topic: topic, Event: name, Payload: []byte(topic), Binary: true})
		}
	}
	for i, topic := range topics {
		for _, name := range []string{"first", "second"} {
			if m := listeners[i].expect(t, name); m.Topic != topic || string(m.Payload) != topic {
				t.Errorf("who listens to %q heard what was said on %q (%q)", topic, m.Payload, m.Topic)
			}
		}
	}
}

func topicsAndIDsDoNotMix(t *testing.T, connect Connect) {
	nodes := start(t, connect, 2)
	s := socket{newRecorder[pubsub.Command]()}
	nodes[1].Register("user:7", s)
	l, _ := listen(nodes[1], "user:7")
	link(t, nodes[0], "user:7", l)
	say(t, nodes[0], event("user:7", "first"))
	order(t, s, "user:7", func(ctx context.Context) error { return nodes[0].Disconnect(ctx, "user:7") })
	say(t, nodes[0], event("user:7", "second"))
	l.expect(t, "first")
	l.expect(t, "second")
}

func subscriptionsComeAndGo(t *testing.T, connect Connect) {
	nodes := start(t, connect, 2)
	steady, _ := listen(nodes[1], "steady")
	link(t, nodes[0], "steady", steady)
	const rounds = 50
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range rounds {
				_, sub := listen(nodes[1], "busy")
				_, other := listen(nodes[1], "steady")
				sub.Unsubscribe()
				other.Unsubscribe()
			}
		})
	}
	for i := range rounds {
		say(t, nodes[0], event("steady", fmt.Sprint(i)))
		say(t, nodes[0], event("busy", "noise"))
	}
	wg.Wait()
	for i := range rounds {
		steady.expect(t, fmt.Sprint(i))
	}
	again, _ := listen(nodes[1], "busy")
	link(t, nodes[0], "busy", again)
	say(t, nodes[0], event("busy", "back"))
	for m := again.next(t); m.Event != "back"; m = again.next(t) {
		if m.Event != "noise" {
			t.Fatalf("heard %q, which nobody said", m.Event)
		}
	}
}

// nested subscribes to another topic, and gives up its own, while it hears
// the first message.
type nested struct {
	ps    *pubsub.PubSub
	once  sync.Once
	own   chan *pubsub.Subscription
	other *listener
	ready chan struct{}
}

func (n *nested) Deliver(*pubsub.Message) {
	n.once.Do(func() {
		(<-n.own).Unsubscribe()
		n.ps.Subscribe("other", n.other)
		close(n.ready)
	})
}

func subscribersMaySubscribe(t *testing.T, connect Connect) {
	nodes := start(t, connect, 2)
	n := &nested{
		ps:    nodes[1],
		own:   make(chan *pubsub.Subscription, 1),
		other: &listener{newRecorder[*pubsub.Message](), newRecorder[*pubsub.Message]()},
		ready: make(chan struct{}),
	}
	beside, _ := listen(nodes[1], "room")
	link(t, nodes[0], "room", beside)
	n.own <- nodes[1].Subscribe("room", n)
	say(t, nodes[0], event("room", "first"))
	select {
	case <-n.ready:
	case <-time.After(patience):
		t.Fatal("the subscriber is stuck")
	}
	link(t, nodes[0], "other", n.other)
	say(t, nodes[0], event("other", "second"))
	n.other.expect(t, "second")
	beside.expect(t, "first")
	if got := nodes[1].Subscribers("room"); got != 1 {
		t.Errorf("%d subscriptions are left, want 1", got)
	}
}

// order gives a command until it arrives at s, which may take a while as long
// as nodes do not know of s.
func order(t *testing.T, s socket, id string, give func(ctx context.Context) error) pubsub.Command {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for ctx.Err() == nil {
		if err := give(ctx); err != nil {
			t.Fatal(err)
		}
		if c, ok := s.poll(10 * time.Millisecond); ok {
			return c
		}
	}
	t.Fatalf("no command reaches the sockets of %q", id)
	return pubsub.Command{}
}

func commandsReachSockets(t *testing.T, connect Connect) {
	const id = "user:7 *.>"
	nodes := start(t, connect, 3)
	near, far := socket{newRecorder[pubsub.Command]()}, socket{newRecorder[pubsub.Command]()}
	twin, other := socket{newRecorder[pubsub.Command]()}, socket{newRecorder[pubsub.Command]()}
	nodes[0].Register(id, near)
	nodes[1].Register(id, far)
	registration := nodes[1].Register(id, twin)
	nodes[1].Register("user:8", other)

	want := pubsub.Command{Kind: pubsub.KindKick, ID: id, Topic: "room: 1", Reason: "rude *"}
	kick := func(ctx context.Context) error { return nodes[0].Kick(ctx, id, want.Topic, want.Reason) }
	got := order(t, far, id, kick)
	for _, c := range []pubsub.Command{got, twin.next(t), near.next(t)} {
		if c != want {
			t.Errorf("the command %+v arrived as %+v", want, c)
		}
	}
	registration.Unregister()
	for _, ps := range nodes { // the third has none of the sockets
		order(t, other, "user:8", func(ctx context.Context) error { return ps.Disconnect(ctx, "user:8") })
		c := order(t, far, id, func(ctx context.Context) error { return ps.Disconnect(ctx, id) })
		for c == want { // kicked more than once before it was known to arrive
			c = far.next(t)
		}
		if c != (pubsub.Command{Kind: pubsub.KindDisconnect, ID: id}) {
			t.Errorf("a disconnect arrived as %+v", c)
		}
	}
	for c, ok := twin.pop(); ok; c, ok = twin.pop() {
		if c != want {
			t.Errorf("%+v arrived after Unregister", c)
		}
	}
	for c, ok := other.pop(); ok; c, ok = other.pop() {
		if c.ID != "user:8" {
			t.Errorf("%+v arrived at the socket of another id", c)
		}
	}
}
