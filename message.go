package roost

import (
	"context"
	"errors"
	"reflect"
	"sync/atomic"

	"github.com/roost-dev/roost/internal/ledger"
	"github.com/roost-dev/roost/wire"
)

// Message is an event as it is on the wire, given to [Handler.HandleAny] and
// [Handler.HandleOutAny].
type Message struct {
	Topic string
	Event string

	// Payload is JSON text, or bytes of any kind if Binary. It may be kept,
	// and must not be changed.
	Payload []byte
	Binary  bool

	answer *answer // nil for a message on its way out
}

// Reply answers the push with a status, "ok" and "error" in the common case,
// and a payload: []byte and [Payload] as they are, anything else encoded as
// JSON. It may be called once, from any goroutine, also after the callback
// has returned. It returns [ErrReplied] the second time, [ErrEnded] if the
// conversation is over, and an error for a payload that cannot be encoded.
func (m *Message) Reply(status string, payload any) error {
	if m.answer == nil {
		return errors.New("roost: a message on its way out takes no reply")
	}
	p, err := encodePayload(payload)
	if err != nil {
		return err
	}
	return m.answer.give(status, p)
}

// Later says that the reply comes after the callback has returned, by the
// value it returns or by Reply: return [ErrLater] then. It panics for a
// message on its way out.
func (m *Message) Later() *Later[Payload] {
	if m.answer == nil {
		panic("roost: Later of a message on its way out, which takes no reply")
	}
	return &Later[Payload]{m.answer}
}

// Later is a reply that is still to be given, from any goroutine.
type Later[R any] struct{ answer *answer }

// Defer takes the reply of the event being handled along, to be given later;
// the callback then returns [ErrLater]. R is the reply type of the event. It
// panics outside of a HandleIn callback and for another R.
func Defer[R any](ch interface{ conversation() *conversation }) *Later[R] {
	a, reply := ch.conversation().currentAnswer()
	if a == nil {
		panic("roost: Defer outside of a HandleIn callback")
	}
	if want := reflect.TypeFor[R](); reply != want {
		panic("roost: Defer[" + want.String() + "] in the callback of an event that replies " + reply.String())
	}
	return &Later[R]{a}
}

// Reply gives the reply. It returns [ErrReplied] if one was given before, and
// [ErrEnded] if the conversation is over. A [NoReply] sends nothing.
func (l *Later[R]) Reply(v R) error {
	if _, silent := any(v).(NoReply); silent {
		return l.answer.silence()
	}
	p, err := encodePayload(v)
	if err != nil {
		return err
	}
	return l.answer.give(wire.StatusOK, p)
}

// Fail gives an error reply, as if a callback had returned err. Errors are as
// for [Later.Reply].
func (l *Later[R]) Fail(err error) error { return l.answer.fail(err) }

// answer is the one reply that a push may get.
type answer struct {
	c      *conversation
	ref    wire.Value
	event  string
	marked *ledger.Push // nil: the push has no mark
	given  atomic.Bool
}

func newAnswer(c *conversation, t *turn) *answer {
	return &answer{c: c, ref: t.mail.ref, event: t.mail.event, marked: t.marked}
}

// claim takes the one reply, which nobody else can give then.
func (a *answer) claim() error {
	if !a.given.CompareAndSwap(false, true) {
		return ErrReplied
	}
	return nil
}

func (a *answer) give(status string, p wire.Payload) error {
	if err := a.claim(); err != nil {
		return err
	}
	if a.marked == nil {
		return a.c.reply(a.ref, status, p)
	}
	a.marked.Finish(ledger.Reply{Status: status, Data: p.Data, Binary: p.Binary})
	if err := a.c.reply(a.ref, status, p); !errors.Is(err, ErrEnded) {
		return err
	}
	return nil // the client comes back for it
}

// silence is a success of which the client hears only if it marked the push.
func (a *answer) silence() error {
	if a.marked != nil {
		return a.give(wire.StatusOK, wire.Payload{Data: emptyObject})
	}
	return a.claim()
}

func (a *answer) fail(err error) error {
	e, meant := reasonOf(err)
	if !meant {
		a.c.logger().Error("roost: an event failed", "topic", a.c.topic, "event", clip(a.event), "error", err)
	}
	return a.give(wire.StatusError, a.c.socket.server.encodeError(e, a.c.topic))
}

// handlerContext is the context of callbacks that outlive their conversation.
func handlerContext() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), terminateBound)
}
