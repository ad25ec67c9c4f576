package nats

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/roost-dev/roost/pubsub"
)

// hooks is a receiver of functions that may be nil.
type hooks struct {
	receive   func(*pubsub.Envelope)
	recovered func()
}

func (h hooks) Receive(e *pubsub.Envelope) {
	if h.receive != nil {
		h.receive(e)
	}
}

func (h hooks) Recovered() {
	if h.recovered != nil {
		h.recovered()
	}
}

// run starts an adapter until the end of the test.
func run(t testing.TB, a pubsub.Adapter, receive func(*pubsub.Envelope)) {
	t.Helper()
	start(t, a, hooks{receive: receive})
}

func start(t testing.TB, a pubsub.Adapter, h hooks) {
	t.Helper()
	if err := a.Start(h); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, a) })
}

func stop(t testing.TB, a pubsub.Adapter) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := a.Close(ctx); err != nil {
		t.Errorf("Close: %v", err)
	}
}

// message1 is a message on the topic room.
func message1(event string) *pubsub.Envelope {
	return &pubsub.Envelope{Subject: "t:room", Kind: pubsub.KindMessage, Topic: "room", Event: event, Payload: []byte(`{}`)}
}

// events keeps the events that came, in order.
type events struct {
	mu  sync.Mutex // guards got
	got []string
}

func (e *events) add(env *pubsub.Envelope) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.got = append(e.got, env.Event)
}

func (e *events) has(event string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Contains(e.got, event)
}

func (e *events) len() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.got)
}

func itoa(i int) string { return strconv.Itoa(i) }
