package pubsubtest

import (
	"sync"
	"testing"
	"time"

	"github.com/roost-dev/roost/pubsub"
)

// patience is how long the suite waits for what has to happen.
const patience = 20 * time.Second

// probe is the event of messages that only find out whether nodes are
// connected yet. Recorders pass over it.
const probe = "pubsubtest_probe"

// recorder keeps what it is given, in order: messages, commands, envelopes.
type recorder[T any] struct {
	mu     sync.Mutex // guards got
	got    []T
	signal chan struct{} // holds one token if something came since it was read
}

func newRecorder[T any]() *recorder[T] {
	return &recorder[T]{signal: make(chan struct{}, 1)}
}

func (r *recorder[T]) add(v T) {
	r.mu.Lock()
	r.got = append(r.got, v)
	r.mu.Unlock()
	select {
	case r.signal <- struct{}{}:
	default:
	}
}

func (r *recorder[T]) pop() (v T, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.got) == 0 {
		return v, false
	}
	v, r.got = r.got[0], r.got[1:]
	return v, true
}

// poll returns the next one, waiting for it no longer than d.
func (r *recorder[T]) poll(d time.Duration) (v T, ok bool) {
	timeout := time.NewTimer(d)
	defer timeout.Stop()
	for {
		if v, ok := r.pop(); ok {
			return v, true
		}
		select {
		case <-r.signal:
		case <-timeout.C:
			return r.pop()
		}
	}
}

// next returns the next one, which has to come.
func (r *recorder[T]) next(t *testing.T) T {
	t.Helper()
	v, ok := r.poll(patience)
	if !ok {
		t.Fatal("what should have come did not")
	}
	return v
}

// listener is a subscriber that keeps what it hears.
type listener struct {
	*recorder[*pubsub.Message]
	probes *recorder[*pubsub.Message]
}

func listen(ps *pubsub.PubSub, topic string) (*listener, *pubsub.Subscription) {
	l := &listener{newRecorder[*pubsub.Message](), newRecorder[*pubsub.Message]()}
	return l, ps.Subscribe(topic, l)
}

func (l *listener) Deliver(m *pubsub.Message) {
	if m.Event == probe {
		l.probes.add(m)
		return
	}
	l.add(m)
}

// expect checks that the next message has this event, and returns it.
func (l *listener) expect(t *testing.T, event string) *pubsub.Message {
	t.Helper()
	m := l.next(t)
	if m.Event != event {
		t.Fatalf("heard %q on %q, want %q", m.Event, m.Topic, event)
	}
	return m
}

// socket takes commands.
type socket struct{ *recorder[pubsub.Command] }

func (s socket) Prepare(pubsub.Command) {}

func (s socket) Command(c pubsub.Command) { s.add(c) }
