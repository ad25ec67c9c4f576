package nats

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/roost-dev/roost/history"
	"github.com/roost-dev/roost/history/historytest"
	"github.com/roost-dev/roost/pubsub"
)

// startJetStream starts a server that keeps events.
func startJetStream(t testing.TB) *engine {
	t.Helper()
	return startEngine(t, "-js", "-sd", t.TempDir())
}

func newRules(t testing.TB, keeps ...history.Keep) *history.Rules {
	t.Helper()
	rules, err := history.NewRules(keeps)
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

// openLog starts an adapter that keeps what the rules say.
func openLog(t testing.TB, a pubsub.LogAdapter, rules *history.Rules, h hooks) pubsub.EngineLog {
	t.Helper()
	log, err := a.OpenLog(rules)
	if err != nil {
		t.Fatal(err)
	}
	start(t, a, h)
	return log
}

func TestHistory(t *testing.T) {
	e := startJetStream(t)
	made := 0
	historytest.Run(t, func(t *testing.T, keeps []history.Keep) []history.Log {
		made++
		var logs []history.Log
		for range 2 {
			a := New(e.url(), &Options{Namespace: "test." + itoa(made)})
			logs = append(logs, openLog(t, a, newRules(t, keeps...), hooks{}))
		}
		return logs
	})
}

// chain is what came of topics.
type chain struct {
	mu     sync.Mutex // guards topics
	topics map[string][]*pubsub.Envelope
}

func (c *chain) add(e *pubsub.Envelope) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.topics == nil {
		c.topics = make(map[string][]*pubsub.Envelope)
	}
	c.topics[e.Topic] = append(c.topics[e.Topic], e)
}

func (c *chain) of(topic string) []*pubsub.Envelope {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.topics[topic])
}

func appendNumbered(t testing.TB, log history.Log, topic string, n int) history.Entry {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	entry, err := log.Append(ctx, topic, history.Event{Name: itoa(n), Payload: []byte(`{}`), Sender: "s"})
	if err != nil {
		t.Fatalf("Append %d: %v", n, err)
	}
	return entry
}

// What is appended comes to all nodes that want it, the one that did it, too,
// in one order, each event behind the one before it.
func TestAppendedEventsArrive(t *testing.T) {
	e := startJetStream(t)
	rules := newRules(t, history.Keep{Topics: []string{"*"}})
	topics := []string{"room", "*.>", "a.b \r\n\x00", strings.Repeat("long:", 80)}
	const nodes, each = 3, 40
	var logs [nodes]pubsub.EngineLog
	var came [nodes]chain
	for i := range logs {
		a := New(e.url(), nil)
		logs[i] = openLog(t, a, rules, hooks{receive: came[i].add})
		if i < 2 { // the last one only appends
			for _, topic := range topics {
				a.Interest(pubsub.TopicSubject(topic), true)
			}
		}
		settleNow(t, a)
	}
	var wg sync.WaitGroup
	for i, log := range logs {
		wg.Go(func() {
			for n := range each {
				for _, topic := range topics {
					appendNumbered(t, log, topic, i*each+n)
				}
			}
		})
	}
	wg.Wait()
	for _, topic := range topics {
		entries := readAll(t, logs[0], topic)
		if len(entries) != nodes*each {
			t.Fatalf("%q has %d events, want %d", topic, len(entries), nodes*each)
		}
		for i := range nodes - 1 {
			await(t, "all events arrive", func() bool { return len(came[i].of(topic)) >= nodes*each })
			events := came[i].of(topic)
			// NATS 2.9 may bring what came to it over several connections at
			// once in another order, which pubsub sets right by Previous.
			slices.SortStableFunc(events, func(a, b *pubsub.Envelope) int { return cmp.Compare(a.Position.Seq, b.Position.Seq) })
			for j, e := range events {
				want := entries[j]
				if e.Kind != pubsub.KindKept || e.Event != want.Name || e.ID != "s" || e.Position != want.Position || e.Previous != want.Previous {
					t.Fatalf("event %d of %q is %q at %v behind %d, want %q at %v behind %d",
						j, topic, e.Event, e.Position, e.Previous, want.Name, want.Position, want.Previous)
				}
			}
		}
		if n := len(came[nodes-1].of(topic)); n != 0 {
			t.Errorf("a node that does not want %q got %d events", topic, n)
		}
	}
}

func settleNow(t testing.TB, a pubsub.Adapter) {
	t.Helper()
	await(t, "the adapter settles", func() bool { return a.Settle(t.Context()) == nil })
}

// A server that crashes while events are appended loses none that it has
// acknowledged, and has none twice.
func TestServerCrashesUnderAppends(t *testing.T) {
	e := startJetStream(t)
	rules := newRules(t, history.Keep{Topics: []string{"room"}, Count: 10000})
	recovered := make(chan struct{})
	once := sync.OnceFunc(func() { close(recovered) })
	var logs []pubsub.EngineLog
	for i := range 3 {
		a := New(e.url(), &Options{Patience: 20 * time.Second})
		logs = append(logs, openLog(t, a, rules, hooks{recovered: once}))
		if i == 0 {
			a.Interest(pubsub.TopicSubject("room"), true)
		}
		settleNow(t, a)
	}
	const each, crashes = 300, 3
	appendUnder(t, logs, each, crashes, func() {
		e.kill()
		e.start(t)
	})
	<-recovered
}

// appendUnder appends by all logs at once, and meanwhile has something happen
// several times. No error means that an event is there once, and as it was
// said; one that is not uncertain, that it is not there.
func appendUnder(t *testing.T, logs []pubsub.EngineLog, each, times int, happen func()) {
	t.Helper()
	var mu sync.Mutex // guards the maps
	outcome, at := map[string]error{}, map[string]history.Entry{}
	var wg sync.WaitGroup
	progress := make(chan struct{}, len(logs)*each)
	for i, log := range logs {
		wg.Go(func() {
			for n := range each {
				name := fmt.Sprintf("%d of %d", n, i)
				entry, err := log.Append(context.Background(), "room", history.Event{Name: name, Payload: []byte(`{}`)})
				mu.Lock()
				outcome[name], at[name] = err, entry
				mu.Unlock()
				progress <- struct{}{}
			}
		})
	}
	for range times {
		for range len(logs) * each / (times + 1) {
			<-progress
		}
		happen()
	}
	wg.Wait()
	entries := readAll(t, logs[0], "room")
	there := map[string]int{}
	for i, entry := range entries {
		there[entry.Name]++
		if i > 0 && entry.Previous != entries[i-1].Position.Seq {
			t.Errorf("event %d comes behind %d", i, entry.Previous)
		}
		got, ok := at[entry.Name]
		if ok && outcome[entry.Name] == nil && (got.Position != entry.Position || got.Previous != entry.Previous) {
			t.Errorf("%q was said to be at %v behind %d, and is at %v behind %d",
				entry.Name, got.Position, got.Previous, entry.Position, entry.Previous)
		}
	}
	failed := 0
	for name, err := range outcome {
		switch n := there[name]; {
		case err == nil && n != 1, n > 1, err != nil && !errors.Is(err, history.ErrUncertain) && n != 0:
			t.Errorf("%q is there %d times; Append said %v", name, n, err)
		case err != nil:
			failed++
		}
	}
	t.Logf("%d of %d appends failed", failed, len(outcome))
}

// readAll reads all that is kept of a topic.
func readAll(t testing.TB, log history.Log, topic string) (entries []history.Entry) {
	t.Helper()
	var after history.Position
	for {
		page, err := log.Read(t.Context(), topic, after, 1000)
		if err != nil {
			t.Fatalf("Read of %q behind %v: %v", topic, after, err)
		}
		if len(page.Entries) == 0 {
			return entries
		}
		entries = append(entries, page.Entries...)
		after = entries[len(entries)-1].Position
	}
}

// A stream that is made anew has other epochs, whoever knew the old one.
func TestStreamIsLost(t *testing.T) {
	e := startJetStream(t)
	rules := newRules(t, history.Keep{Topics: []string{"room"}})
	var came chain
	a := New(e.url(), nil)
	log := openLog(t, a, rules, hooks{receive: came.add})
	a.Interest(pubsub.TopicSubject("room"), true)
	settleNow(t, a)
	other := openLog(t, New(e.url(), nil), rules, hooks{})
	before := appendNumbered(t, log, "room", 0)
	appendNumbered(t, other, "room", 1)

	nc, err := nats.Connect(e.url())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := nc.JetStream()
	if err != nil {
		t.Fatal(err)
	}
	for name := range js.StreamNames() {
		if err := js.DeleteStream(name); err != nil {
			t.Fatal(err)
		}
	}
	after := appendNumbered(t, other, "room", 2)
	if after.Position.Epoch == before.Position.Epoch || after.Previous != 0 {
		t.Errorf("behind %v comes %v behind %d", before.Position, after.Position, after.Previous)
	}
	more := appendNumbered(t, log, "room", 3)
	if more.Position.Epoch != after.Position.Epoch || more.Previous != after.Position.Seq {
		t.Errorf("behind %v comes %v behind %d", after.Position, more.Position, more.Previous)
	}
	if _, err := log.Read(t.Context(), "room", before.Position, 10); !errors.Is(err, history.ErrGone) {
		t.Errorf("a position of the lost stream gives error %v", err)
	}
	await(t, "the events arrive", func() bool { return len(came.of("room")) == 4 })
	if e := came.of("room")[3]; e.Position != more.Position || e.Previous != more.Previous {
		t.Errorf("the last event came as %v behind %d, want %v behind %d", e.Position, e.Previous, more.Position, more.Previous)
	}
}

// Errors of a log that cannot be reached say so, and that nothing was appended.
func TestLogIsAway(t *testing.T) {
	refused := func(t *testing.T, log history.Log) {
		t.Helper()
		_, err := log.Append(t.Context(), "room", history.Event{Name: "e", Payload: []byte(`{}`)})
		if !errors.Is(err, pubsub.ErrUnavailable) || errors.Is(err, history.ErrUncertain) {
			t.Errorf("Append: %v", err)
		}
		if _, err := log.Last(t.Context(), "room"); !errors.Is(err, pubsub.ErrUnavailable) {
			t.Errorf("Last: %v", err)
		}
		if _, err := log.Read(t.Context(), "room", history.Position{}, 1); !errors.Is(err, pubsub.ErrUnavailable) {
			t.Errorf("Read: %v", err)
		}
	}
	rules := newRules(t, history.Keep{Topics: []string{"room"}})
	t.Run("before Start", func(t *testing.T) {
		log, err := New("nats://127.0.0.1:1", nil).OpenLog(rules)
		if err != nil {
			t.Fatal(err)
		}
		refused(t, log)
	})
	t.Run("without a server", func(t *testing.T) {
		log := openLog(t, New(newEngine(t).url(), &Options{Patience: 100 * time.Millisecond}), rules, hooks{})
		refused(t, log)
		refused(t, log) // at once
	})
	t.Run("without JetStream", func(t *testing.T) {
		log := openLog(t, New(startEngine(t).url(), &Options{Patience: 100 * time.Millisecond}), rules, hooks{})
		refused(t, log)
	})
	t.Run("after Close", func(t *testing.T) {
		a := New(startJetStream(t).url(), nil)
		log := openLog(t, a, rules, hooks{})
		appendNumbered(t, log, "room", 0)
		stop(t, a)
		refused(t, log)
	})
	t.Run("more replicas than servers", func(t *testing.T) {
		log := openLog(t, New(startJetStream(t).url(), &Options{Replicas: 3}), rules, hooks{})
		if _, err := log.Last(t.Context(), "room"); err == nil || errors.Is(err, pubsub.ErrUnavailable) {
			t.Errorf("Last: %v", err)
		}
	})
}

// Lasts is what Last is, for many, and notices what other nodes append.
func TestLasts(t *testing.T) {
	e := startJetStream(t)
	rules := newRules(t, history.Keep{Topics: []string{"a*"}}, history.Keep{Topics: []string{"*"}})
	log := openLog(t, New(e.url(), nil), rules, hooks{})
	other := openLog(t, New(e.url(), nil), rules, hooks{})
	var topics []string
	for i := range 200 {
		topics = append(topics, string("ab"[i%2])+itoa(i))
	}
	want := make([]history.Position, len(topics))
	for i, topic := range topics {
		last, err := log.Last(t.Context(), topic)
		if err != nil {
			t.Fatal(err)
		}
		want[i] = last
	}
	for round := range 5 {
		for range 20 * round {
			i := rand.IntN(len(topics))
			want[i] = appendNumbered(t, other, topics[i], i).Position
		}
		for range 2 {
			got, err := log.Lasts(t.Context(), topics)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, want) {
				t.Fatalf("round %d: got %v, want %v", round, got, want)
			}
		}
	}
}

// Nothing is old yet that stands behind the first event of a stream when that
// alone is due.
func TestFirstOfAStreamIsTrimmed(t *testing.T) {
	rules := newRules(t, history.Keep{Topics: []string{"*"}})
	a := New(startJetStream(t).url(), nil)
	log := openLog(t, a, rules, hooks{})
	first := appendNumbered(t, log, "room", 0)
	second := appendNumbered(t, log, "room", 1)
	if first.Position.Seq != 1 {
		t.Fatalf("the first event of the stream is at %v", first.Position)
	}
	events := log.(*eventLog)
	rule, err := events.ruleFor("room")
	if err != nil {
		t.Fatal(err)
	}
	s, err := events.open(t.Context(), rule)
	if err != nil {
		t.Fatal(err)
	}
	events.purge(&trim{stream: s, subject: s.subject("room"), seq: 1})
	page, err := log.Read(t.Context(), "room", first.Position, 10)
	if err != nil || len(page.Entries) != 1 || page.Last != second.Position {
		t.Fatalf("behind the first event: %+v and error %v, want the second", page, err)
	}
}

// recorder is a subscriber that keeps what it is given.
type recorder struct {
	mu  sync.Mutex // guards got
	got []*pubsub.Message
}

func (r *recorder) Deliver(m *pubsub.Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got = append(r.got, m)
}

func (r *recorder) all() []*pubsub.Message {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

// Subscribers on all nodes see all that is broadcast by all nodes, in one order,
// though the server crashes meanwhile.
func TestSubscribersSeeOneOrder(t *testing.T) {
	e := startJetStream(t)
	var adapters []pubsub.Adapter
	for range 3 {
		adapters = append(adapters, New(e.url(), &Options{Patience: 20 * time.Second}))
	}
	subscribersSeeOneOrder(t, adapters, func() {
		e.kill()
		e.start(t)
	})
}

// subscribersSeeOneOrder has each of the nodes broadcast at once, and disturbs
// them in the middle.
func subscribersSeeOneOrder(t *testing.T, adapters []pubsub.Adapter, disturb func()) {
	t.Helper()
	const topics, each = 3, 60
	keeps := []history.Keep{{Topics: []string{"room *"}, Count: 10000}}
	nodes := make([]*pubsub.PubSub, len(adapters))
	seen := make([][topics]recorder, len(adapters))
	for i, a := range adapters {
		ps, err := pubsub.New(&pubsub.Options{Adapter: a, History: keeps})
		if err != nil {
			t.Fatal(err)
		}
		nodes[i] = ps
		t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			if err := ps.Close(ctx); err != nil {
				t.Errorf("Close: %v", err)
			}
		})
	}
	for i, ps := range nodes {
		for n := range topics {
			sub := ps.Subscribe("room "+itoa(n), &seen[i][n])
			await(t, "the subscription settles", func() bool { return sub.Settle(t.Context()) == nil })
		}
	}
	half := make(chan struct{})
	var wg, halves sync.WaitGroup
	halves.Add(len(nodes))
	for i, ps := range nodes {
		wg.Go(func() {
			for n := range each {
				if n == each/2 {
					halves.Done()
					<-half
				}
				m := &pubsub.Message{Topic: "room " + itoa(n%topics), Event: fmt.Sprintf("%d of %d", n, i), Payload: []byte(`{}`)}
				if err := ps.Broadcast(context.Background(), m); err != nil {
					t.Errorf("broadcast %s: %v", m.Event, err)
				}
			}
		})
	}
	halves.Wait()
	close(half)
	disturb()
	wg.Wait()
	for n := range topics {
		var first []*pubsub.Message
		for i := range nodes {
			await(t, "all events arrive", func() bool { return len(seen[i][n].all()) >= len(nodes)*each/topics })
			got := seen[i][n].all()
			if len(got) != len(nodes)*each/topics {
				t.Fatalf("node %d got %d events", i, len(got))
			}
			if first == nil {
				first = got
			}
			for j, m := range got {
				if m.Event != first[j].Event || m.Position != first[j].Position || j > 0 && m.Previous != got[j-1].Position.Seq {
					t.Fatalf("event %d on node %d is %q at %v behind %d, on the first node %q at %v", j, i, m.Event, m.Position, m.Previous, first[j].Event, first[j].Position)
				}
			}
		}
	}
}
