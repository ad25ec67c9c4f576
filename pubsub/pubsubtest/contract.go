package pubsubtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/roost-dev/roost/pubsub"
)

// settlingTakesEffect has fresh topics heard from the first message on.
func settlingTakesEffect(t *testing.T, connect Connect) {
	const rounds, callers = 50, 8
	nodes := start(t, connect, 2)
	acquaint(t, nodes)
	fresh := func(from, to *pubsub.PubSub, topic string) {
		l, sub := listen(to, topic)
		defer sub.Unsubscribe()
		if err := sub.Settle(context.Background()); err != nil {
			t.Errorf("Settle: %v", err)
			return
		}
		say(t, from, event(topic, "first"))
		if _, ok := l.poll(patience / 4); !ok {
			t.Errorf("%q had settled, and what was said on it did not come", topic)
		}
	}
	for i := range rounds {
		fresh(nodes[i%2], nodes[1-i%2], fmt.Sprint("fresh ", i))
		if t.Failed() {
			return
		}
	}
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			for i := range rounds / 2 {
				fresh(nodes[0], nodes[1], fmt.Sprint("fresh ", c, " ", i))
			}
		})
	}
	wg.Wait()
}

func healthFollowsALife(t *testing.T, connect Connect) {
	adapters := connect(t, 2)
	for i, a := range adapters {
		if err := a.Start(hooks{}); err != nil {
			t.Fatal(err)
		}
		if s := a.Health().State; s == pubsub.StateClosed {
			t.Errorf("node %d is %v after Start", i, s)
		}
	}
	for i, a := range adapters {
		awaitUp(t, a)
		if h := a.Health(); h.Engine == "" || h.Pending != 0 || h.Lost != 0 || h.Reconnects != 0 {
			t.Errorf("at its start node %d is %+v", i, h)
		}
	}
	for i, a := range adapters {
		closeAdapter(t, a)
		if s := a.Health().State; s != pubsub.StateClosed {
			t.Errorf("node %d is %v after Close", i, s)
		}
	}
}

func closedAdapterTakesNothing(t *testing.T, connect Connect) {
	a := connect(t, 1)[0]
	if err := a.Start(hooks{}); err != nil {
		t.Fatal(err)
	}
	awaitUp(t, a)
	closeAdapter(t, a)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := a.Publish(ctx, &pubsub.Envelope{Subject: "t:room", Kind: pubsub.KindMessage, Topic: "room"}); err == nil {
		t.Error("Publish after Close gives no error")
	}
	if err := a.Settle(ctx); err == nil {
		t.Error("Settle after Close gives no error")
	}
	a.Interest("t:room", true) // subscriptions outlive the node
	a.Interest("t:room", false)
	closeAdapter(t, a)
}

// hostileSubjects are distinct, and names of nothing good to some engine.
func hostileSubjects() []string {
	subjects := strangeTopics()
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
		if s := string(every[i : i+1]); !slices.Contains(subjects, s) {
			subjects = append(subjects, s)
		}
	}
	long := strings.Repeat("0123456789abcdef", 256)
	subjects = append(subjects,
		string(every), "t:", "i:1", "n:1", "c", "a.b", "a.b.", "a b", "a  b", "a\nb", "a\r\n\r\nPUB x 1\r\n", "\x00\x00",
		long, long+"x", "x"+long, strings.Repeat(".", 4096), strings.Repeat("\xff", 4096), strings.Repeat("部", 1365))
	slices.Sort(subjects)
	return slices.Compact(subjects)
}

// pair is two nodes that are connected, and what came to the second.
func pair(t *testing.T, connect Connect) (from, to pubsub.Adapter, received *recorder[*pubsub.Envelope]) {
	t.Helper()
	adapters := connect(t, 2)
	all := newRecorder[*pubsub.Envelope]()
	received = newRecorder[*pubsub.Envelope]()
	from, to = adapters[0], adapters[1]
	run(t, from, hooks{})
	run(t, to, hooks{receive: func(e *pubsub.Envelope) {
		if e.Subject == probe {
			all.add(e)
			return
		}
		received.add(e)
	}})
	settleAdapter(t, from)
	connected(t, from, to, all)
	return from, to, received
}

// arrive checks that of what is published on all subjects, in their order,
// once, exactly what is wanted arrives, once.
func arrive(t *testing.T, from pubsub.Adapter, received *recorder[*pubsub.Envelope], subjects []string, wanted map[string]bool) {
	t.Helper()
	for _, s := range subjects {
		publish(t, from, s)
	}
	missing := make(map[string]bool)
	for s := range wanted {
		missing[s] = true
	}
	for len(missing) > 0 {
		e, ok := received.poll(patience)
		if !ok {
			t.Fatalf("%d of %d subjects were not heard, one of them %.40q", len(missing), len(wanted), slices.Sorted(maps.Keys(missing))[0])
		}
		if !missing[e.Subject] || e.Topic != e.Subject {
			t.Fatalf("%.40q came on %.40q, which is wanted: %v", e.Topic, e.Subject, wanted[e.Subject])
		}
		delete(missing, e.Subject)
	}
}

func hostileSubjectsDoNotMix(t *testing.T, connect Connect) {
	from, to, received := pair(t, connect)
	subjects := hostileSubjects()
	for _, parity := range []int{0, 1} {
		wanted := make(map[string]bool)
		for i, s := range subjects {
			to.Interest(s, i%2 == parity)
			if i%2 == parity {
				wanted[s] = true
			}
		}
		settleAdapter(t, to)
		for range 2 {
			arrive(t, from, received, subjects, wanted)
		}
	}
}

func interestsMayFlap(t *testing.T, connect Connect) {
	from, to, received := pair(t, connect)
	var subjects []string
	wanted := make(map[string]bool)
	var wg sync.WaitGroup
	for i := range 20 {
		s := fmt.Sprint("t:flapping ", i)
		subjects = append(subjects, s)
		if i%2 == 0 {
			wanted[s] = true
		}
		wg.Go(func() {
			for k := range 200 + i%2 {
				to.Interest(s, k%2 == 0)
			}
			to.Interest(s, i%2 == 0)
		})
	}
	wg.Wait()
	settleAdapter(t, to)
	for range 3 {
		arrive(t, from, received, subjects, wanted)
	}
}

func manyTopicsAtOnce(t *testing.T, connect Connect) {
	from, to, received := pair(t, connect)
	var subjects []string
	wanted := make(map[string]bool)
	for i := range 2000 {
		s := fmt.Sprint("t:many ", i)
		subjects = append(subjects, s)
		wanted[s] = true
		to.Interest(s, true)
	}
	settleAdapter(t, to)
	arrive(t, from, received, subjects, wanted)
	for _, s := range subjects {
		to.Interest(s, false)
	}
	to.Interest("t:last", true)
	settleAdapter(t, to)
	arrive(t, from, received, append(subjects, "t:last"), map[string]bool{"t:last": true})
}

func nodesDoNotHearThemselves(t *testing.T, connect Connect) {
	adapters := connect(t, 2)
	received := make([]*recorder[*pubsub.Envelope], 2)
	for i, a := range adapters {
		received[i] = newRecorder[*pubsub.Envelope]()
		run(t, a, hooks{receive: received[i].add})
		a.Interest("t:room", true)
	}
	for i, a := range adapters {
		settleAdapter(t, a)
		connected(t, adapters[1-i], a, received[i])
	}
	for k := range 100 {
		for i, a := range adapters {
			e := &pubsub.Envelope{Subject: "t:room", Kind: pubsub.KindMessage, Topic: "room", Event: fmt.Sprint(i, " ", k)}
			if err := a.Publish(context.Background(), e); err != nil {
				t.Fatal(err)
			}
		}
		for i, r := range received {
			e := r.next(t)
			for e.Subject == probe {
				e = r.next(t)
			}
			if want := fmt.Sprint(1-i, " ", k); e.Event != want {
				t.Fatalf("node %d got %q, want %q of the other", i, e.Event, want)
			}
		}
	}
}

func envelopesArriveWhole(t *testing.T, connect Connect) {
	from, to, received := pair(t, connect)
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	envelopes := []pubsub.Envelope{
		{Kind: pubsub.KindMessage, Topic: "room", Event: "e", Payload: []byte(`{"a":1}`)},
		{Kind: pubsub.KindMessage, Topic: "room", Event: string(every), Payload: every, Binary: true},
		{Kind: pubsub.KindMessage, Topic: "room", Event: "nothing", Binary: true},
		{Kind: pubsub.KindKick, Topic: "room", ID: "user:7", Reason: "rude\r\n"},
		{Kind: pubsub.KindDisconnect, ID: string(every)},
		{Kind: pubsub.KindNode, Payload: every, Binary: true},
		{Kind: 200, Topic: "a later release's", Payload: every},
	}
	for _, s := range []string{"t:room", "i:room"} {
		to.Interest(s, true)
		settleAdapter(t, to)
		for _, e := range envelopes {
			e.Subject = s
			if err := from.Publish(context.Background(), &e); err != nil {
				t.Fatal(err)
			}
			got := *received.next(t)
			if !bytes.Equal(got.Payload, e.Payload) {
				t.Errorf("a payload of %d bytes arrived as %d others", len(e.Payload), len(got.Payload))
			}
			got.Payload, e.Payload = nil, nil
			if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", e) {
				t.Errorf("%+v arrived as %+v", e, got)
			}
		}
	}
}

func largePayloadsArriveOrFail(t *testing.T, connect Connect) {
	from, to, received := pair(t, connect)
	to.Interest("t:room", true)
	settleAdapter(t, to)
	for _, size := range []int{1<<20 - 512, 1 << 20, 4 << 20} {
		e := &pubsub.Envelope{Subject: "t:room", Kind: pubsub.KindMessage, Topic: "room", Payload: bytes.Repeat([]byte{byte(size)}, size)}
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		switch err := from.Publish(ctx, e); {
		case err == nil:
			if got := received.next(t); !bytes.Equal(got.Payload, e.Payload) {
				t.Errorf("%d bytes arrived as %d others", size, len(got.Payload))
			}
		case !errors.Is(err, pubsub.ErrTooLarge):
			t.Errorf("%d bytes are the error %v", size, err)
		default:
			t.Logf("%d bytes are refused: %v", size, err)
		}
		arrive(t, from, received, []string{"t:room"}, map[string]bool{"t:room": true})
	}
	if h := from.Health(); h.State != pubsub.StateUp || h.Reconnects != 0 {
		t.Errorf("large payloads cost the connection: %+v", h)
	}
}

func payloadsMayBeReused(t *testing.T, connect Connect) {
	from, to, received := pair(t, connect)
	to.Interest("t:room", true)
	settleAdapter(t, to)
	e := &pubsub.Envelope{Subject: "t:room", Kind: pubsub.KindMessage, Topic: "room", Payload: make([]byte, 1000)}
	const n = 200
	for i := range n {
		for k := range e.Payload {
			e.Payload[k] = byte(i)
		}
		e.Event = fmt.Sprint(i)
		if err := from.Publish(context.Background(), e); err != nil {
			t.Fatal(err)
		}
	}
	for i := range n {
		got := received.next(t)
		if got.Event != fmt.Sprint(i) || !bytes.Equal(got.Payload, bytes.Repeat([]byte{byte(i)}, 1000)) {
			t.Fatalf("envelope %d arrived as %s with the payload of another", i, got.Event)
		}
	}
}

// orderHoldsOverTopics has several goroutines on each node publish on several
// topics in turn.
func orderHoldsOverTopics(t *testing.T, connect Connect) {
	const senders, messages = 3, 50
	topics := []string{"a", "b", "c", "d"}
	nodes := start(t, connect, 3)
	acquaint(t, nodes)
	listeners := make([]*listener, len(nodes))
	for i, ps := range nodes {
		for _, topic := range topics {
			var sub *pubsub.Subscription
			if listeners[i] == nil {
				listeners[i], sub = listen(ps, topic)
			} else {
				sub = ps.Subscribe(topic, listeners[i])
			}
			settle(t, sub)
		}
	}
	var wg sync.WaitGroup
	for i, ps := range nodes {
		for s := range senders {
			wg.Go(func() {
				for k := range messages {
					for _, topic := range topics {
						say(t, ps, &pubsub.Message{Topic: topic, Event: fmt.Sprint(i, " ", s), Payload: fmt.Append(nil, k)})
					}
				}
			})
		}
	}
	wg.Wait()
	for i, l := range listeners {
		next := make(map[string]int)
		for range len(nodes) * senders * messages * len(topics) {
			m := l.next(t)
			lane := m.Topic + " of " + m.Event
			if want := fmt.Sprint(next[lane]); string(m.Payload) != want {
				t.Fatalf("node %d heard message %s on %s, want %s", i, m.Payload, lane, want)
			}
			next[lane]++
		}
	}
}
