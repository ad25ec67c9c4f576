package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/wire"
)

// CallOnce pushes an event, which takes effect once however often the
// connection breaks, and returns its reply: what was not answered is sent again
// when the channel has rejoined, and the server knows what it has handled
// (spec/protocol.md §21). The payload must be a JSON object, or bytes. The
// channel needs an [ChannelOptions].Outbox.
//
// The server gets calls in the order in which they were made, unless it refuses
// some because it is too busy: these are sent again, too. 32 are sent without
// waiting for replies.
//
// CallOnce may block as long as ctx lets it: until there is room in the outbox,
// the channel is joined, and the reply comes. [Options].Timeout does not bound
// it. A callback that calls it should set a limit, since a channel whose inbox
// is full does not rejoin before the callback returns.
//
// The reply may be a [*roost.Error]: with the reason "crashed" if the callback
// crashed, which is not tried again. An event without a reply is answered
// [roost.NoReply] when it was handled. Other errors are
//   - that of ctx, alone if the push had no effect, with [ErrInterrupted] if it
//     may have had or may yet have: it is not sent again,
//   - why the channel is over, or [ErrOnceUnsupported]: it had no effect,
//   - [ErrOutcomeUnknown],
//   - ErrInterrupted, if it or its reply may be what was too large (1009), for
//     the server or for [Options].MaxMessage.
func (ch *Channel) CallOnce[P, R any](ctx context.Context, in roost.In[P, R], v P) (R, error) {
	m, err := ch.pushOnce(ctx, in.Name(), v)
	if err != nil {
		var none R
		return none, err
	}
	reply, err := decodeReply[R](in.Name(), m)
	if e, ok := errors.AsType[*roost.Error](err); ok && e.Reason == reasonUnknown {
		err = fmt.Errorf("%w: event %q", ErrOutcomeUnknown, in.Name())
	}
	return reply, err
}

func (ch *Channel) pushOnce(ctx context.Context, event string, v any) (wire.ServerMessage, error) {
	p, err := encode(v)
	if err == nil && !p.Binary {
		p, err = roomFor(p, wire.KeyMarked)
	}
	if err != nil {
		return wire.ServerMessage{}, fmt.Errorf("client: event %q: %w", event, err)
	}
	if err := ch.reserve(ctx, event); err != nil {
		return wire.ServerMessage{}, err
	}
	defer func() { <-ch.outbox.slots }()
	push, err := ch.enqueue(event, p)
	if err != nil {
		return wire.ServerMessage{}, err
	}
	select {
	case <-push.done:
	case <-ctx.Done():
		ch.withdraw(push, context.Cause(ctx))
	}
	return push.reply, push.err
}

// reserve waits for room in the outbox.
func (ch *Channel) reserve(ctx context.Context, event string) error {
	if ch.outbox.slots == nil {
		return fmt.Errorf("client: event %q: the channel for %q has no outbox: set ChannelOptions.Outbox", event, ch.topic)
	}
	if ctx.Err() != nil {
		return fmt.Errorf("client: event %q was not sent: %w", event, context.Cause(ctx))
	}
	select {
	case ch.outbox.slots <- struct{}{}:
		return nil
	case <-ch.ctx.Done():
		return ch.Err()
	case <-ctx.Done():
		return fmt.Errorf("client: event %q was not sent: the outbox is full: %w", event, context.Cause(ctx))
	}
}

func (ch *Channel) enqueue(event string, p wire.Payload) (*markedPush, error) {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	switch {
	case ch.err != nil:
		return nil, ch.err
	case !ch.begun.Load():
		return nil, errNotJoined(ch.topic)
	case ch.outbox.refused:
		return nil, ErrOnceUnsupported
	}
	return ch.outbox.add(event, p), nil
}

// withdraw gives a push up for which nobody waits any more, unless it was
// answered.
func (ch *Channel) withdraw(p *markedPush, why error) {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	err := fmt.Errorf("client: event %q was not sent: %w", p.event, why)
	if p.sent > 0 {
		err = fmt.Errorf("%w: event %q: %w", ErrInterrupted, p.event, why)
	}
	ch.outbox.settle(p, wire.ServerMessage{}, err)
}

// sendMarked sends what may be sent of the outbox in a conversation. The
// channel's goroutine calls it, and again when something changed or the pause is
// over.
func (ch *Channel) sendMarked(cv *conversation) (pause time.Duration) {
	for {
		ch.mu.Lock()
		p, pause := ch.outbox.next()
		if p == nil || ch.current != cv {
			ch.mu.Unlock()
			return pause
		}
		p.ref = ch.socket.nextRef()
		p.sent++
		m := wire.ClientMessage{JoinRef: cv.ref, Ref: p.ref, Topic: wire.String(ch.topic), Event: p.event, Payload: p.payload}
		mark := ch.outbox.mark(p)
		ch.mu.Unlock()
		if p.payload.Binary {
			m.Mark = string(mark)
		} else {
			m.Payload, _ = p.payload.With(wire.KeyMarked, mark) // it has room
		}
		if err := cv.conn.send(ch.ctx, m); err != nil {
			ch.notSent(p, err)
		}
	}
}

// notSent takes back that a push was sent. For want of a connection it is sent
// on the next one; if it cannot be encoded, never.
func (ch *Channel) notSent(p *markedPush, err error) {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	p.sent--
	if !errors.Is(err, errNotSent) {
		ch.outbox.settle(p, wire.ServerMessage{}, err)
	}
}
