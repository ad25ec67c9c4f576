package roosttest

import (
	"encoding/json/v2"
	"errors"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/wire"
)

// Channel is a conversation, seen from its client.
type Channel struct {
	t       testing.TB
	client  *Client
	topic   string
	joinRef wire.Value
	reply   wire.Payload
	unread  []wire.ServerMessage // in the order of arrival
}

// Topic returns the topic.
func (ch *Channel) Topic() string { return ch.topic }

// JoinReply decodes what the join callback replied.
func (ch *Channel) JoinReply[R any]() R {
	ch.t.Helper()
	return decode[R](ch.t, "the join reply", ch.reply)
}

// Push sends an event and does not wait: for an event without a reply, or
// with one that [Pending] is asked for later.
func (ch *Channel) Push[P, R any](in roost.In[P, R], v P) *Pending[R] {
	ch.t.Helper()
	return &Pending[R]{ch: ch, event: in.Name(), ref: ch.push(in.Name(), encode(ch.t, v))}
}

// PushRaw sends any event with any payload: [roost.Payload] and []byte as
// they are, anything else as JSON.
func (ch *Channel) PushRaw(event string, payload any) *Pending[roost.Payload] {
	ch.t.Helper()
	return &Pending[roost.Payload]{ch: ch, event: event, ref: ch.push(event, encode(ch.t, payload))}
}

// Call sends an event, and returns the reply, which must be ok.
func (ch *Channel) Call[P, R any](in roost.In[P, R], v P) R {
	ch.t.Helper()
	return ch.Push(in, v).Reply()
}

// CallError sends an event, and returns the reply, which must be an error.
func (ch *Channel) CallError[P, R any](in roost.In[P, R], v P) *roost.Error {
	ch.t.Helper()
	return ch.Push(in, v).Error()
}

// ExpectPush waits for a push of the event to this client alone, and returns
// its payload. Events that came before it stay for other expectations.
func (ch *Channel) ExpectPush[T any](out roost.Out[T]) T {
	ch.t.Helper()
	m := ch.expect("a push of "+out.Name(), func(m *wire.ServerMessage) bool {
		return m.Event == out.Name() && !m.JoinRef.IsNull()
	})
	return decode[T](ch.t, out.Name(), m.Payload)
}

// ExpectBroadcast waits for a broadcast of the event on the topic, and returns
// its payload. One that the handler intercepts is a push: see ExpectPush.
func (ch *Channel) ExpectBroadcast[T any](out roost.Out[T]) T {
	ch.t.Helper()
	m := ch.expect("a broadcast of "+out.Name(), func(m *wire.ServerMessage) bool {
		return m.Event == out.Name() && m.JoinRef.IsNull()
	})
	return decode[T](ch.t, out.Name(), m.Payload)
}

// ExpectEvent waits for an event by its name, pushed or broadcast, and returns
// its payload as it came: for presence_state and presence_diff.
func (ch *Channel) ExpectEvent(event string) roost.Payload {
	ch.t.Helper()
	m := ch.expect(event, func(m *wire.ServerMessage) bool { return m.Event == event })
	return roost.Payload(m.Payload)
}

// Next waits for the next message of any kind, takes it, and returns its
// event: for tests of order. A reply is "phx_reply".
func (ch *Channel) Next() string {
	ch.t.Helper()
	return ch.expect("any message", func(*wire.ServerMessage) bool { return true }).Event
}

// ExpectClose waits until the conversation has ended in good order, by a
// leave, a kick or Stop(nil).
func (ch *Channel) ExpectClose() {
	ch.t.Helper()
	ch.expect("the end of the conversation", func(m *wire.ServerMessage) bool { return m.Event == wire.EventClose })
}

// ExpectCrash waits until the conversation has broken: a panic, an event
// without a callback, Stop(err), a full mailbox.
func (ch *Channel) ExpectCrash() {
	ch.t.Helper()
	ch.expect("a crash of the conversation", func(m *wire.ServerMessage) bool { return m.Event == wire.EventError })
}

// ExpectNothing waits until nothing in the bubble goes on any more, and fails
// the test if anything came that no expectation has taken. It must be called
// in a bubble of testing/synctest.
func (ch *Channel) ExpectNothing() {
	ch.t.Helper()
	synctest.Wait()
	ch.client.drain()
	for _, m := range ch.unread {
		ch.t.Errorf("%s: unexpected %s", ch.topic, describe(&m))
	}
	ch.unread = nil
}

// Leave leaves the topic and waits for the end.
func (ch *Channel) Leave() {
	ch.t.Helper()
	ref := ch.push(wire.EventLeave, wire.Payload{Data: []byte("{}")})
	ch.expectReply(wire.EventLeave, ref)
	ch.ExpectClose()
}

// Pending is a push whose reply has not been looked at. R is its type.
type Pending[R any] struct {
	ch    *Channel
	event string
	ref   wire.Value
}

// Reply waits for the reply, which must be ok.
func (p *Pending[R]) Reply() R {
	p.ch.t.Helper()
	m := p.ch.expectReply(p.event, p.ref)
	if m.Status != wire.StatusOK {
		p.ch.t.Fatalf("%s: %q was answered %s", p.ch.topic, p.event, describe(&m))
	}
	return decode[R](p.ch.t, "the reply to "+p.event, m.Payload)
}

// Error waits for the reply, which must be an error.
func (p *Pending[R]) Error() *roost.Error {
	p.ch.t.Helper()
	m := p.ch.expectReply(p.event, p.ref)
	if m.Status != wire.StatusError {
		p.ch.t.Fatalf("%s: %q was answered %s, want an error", p.ch.topic, p.event, describe(&m))
	}
	return decodeError(p.ch.t, m.Payload)
}

func (ch *Channel) push(event string, p wire.Payload) wire.Value {
	ch.t.Helper()
	ref := ch.client.nextRef()
	ch.client.send(wire.ClientMessage{JoinRef: ch.joinRef, Ref: ref, Topic: wire.String(ch.topic), Event: event, Payload: p})
	return ref
}

func (ch *Channel) expectReply(event string, ref wire.Value) wire.ServerMessage {
	ch.t.Helper()
	return ch.expect("a reply to "+event, func(m *wire.ServerMessage) bool {
		return m.Event == wire.EventReply && m.Ref == ref
	})
}

// expect takes the first unread message that match accepts, waiting for it.
func (ch *Channel) expect(what string, match func(*wire.ServerMessage) bool) wire.ServerMessage {
	ch.t.Helper()
	looked := 0
	for {
		for i := looked; i < len(ch.unread); i++ {
			if m := ch.unread[i]; match(&m) {
				ch.unread = slices.Delete(ch.unread, i, i+1)
				return m
			}
		}
		looked = len(ch.unread)
		if err := ch.client.receive(); err != nil {
			ch.t.Fatalf("%s: waited for %s, but %v; unread: %s", ch.topic, what, err, describeAll(ch.unread))
		}
	}
}

func encode(t testing.TB, v any) wire.Payload {
	t.Helper()
	switch v := v.(type) {
	case roost.Payload:
		return wire.Payload(v)
	case []byte:
		return wire.Payload{Data: v, Binary: true}
	case nil:
		return wire.Payload{Data: []byte("{}")}
	}
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatalf("roosttest: the payload cannot be encoded: %v", err)
	}
	return wire.Payload{Data: data}
}

func decode[T any](t testing.TB, what string, p wire.Payload) T {
	t.Helper()
	var v T
	switch dst := any(&v).(type) {
	case *roost.Payload:
		*dst = roost.Payload(p)
		return v
	case *[]byte:
		if !p.Binary {
			t.Fatalf("roosttest: %s is JSON, want bytes: %s", what, p.Data)
		}
		*dst = p.Data
		return v
	}
	if p.Binary {
		t.Fatalf("roosttest: %s is binary, want JSON", what)
	}
	if err := json.Unmarshal(p.Data, &v); err != nil {
		t.Fatalf("roosttest: %s is no %T: %v: %s", what, v, err, p.Data)
	}
	return v
}

func decodeError(t testing.TB, p wire.Payload) *roost.Error {
	t.Helper()
	details := decode[map[string]any](t, "the error", p)
	reason, _ := details["reason"].(string)
	delete(details, "reason")
	if len(details) == 0 {
		details = nil
	}
	return &roost.Error{Reason: reason, Details: details}
}

var errTimeout = errors.New("nothing more came")
