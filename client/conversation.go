package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/roost-dev/roost/wire"
)

// How a channel joins, and joins again.

// run leads conversations until the channel is over.
func (ch *Channel) run(first wire.Payload) {
	dispatched := make(chan struct{})
	go func() {
		defer close(dispatched)
		ch.dispatch()
	}()
	defer close(ch.done)
	defer func() { <-dispatched }()
	tries := 0
	var last *conn
	for {
		c, err := ch.socket.await(ch.ctx, last)
		if err != nil {
			ch.end(err)
			return
		}
		cv, err := ch.open(c, first)
		if err == nil {
			began := time.Now()
			ch.converse(cv)
			if time.Since(began) >= settled {
				tries = 0
			}
		} else if !ch.failed(err) {
			return
		}
		refusedUntil := time.Now().Add(stay(err))
		if !c.isOver() {
			tries++
			ch.pause(c, ch.socket.opts.Rejoin(tries))
		}
		last = nil
		if c.isOver() {
			last = c
		}
		sleep(ch.ctx, time.Until(refusedUntil)) // on another connection too
		ch.awaitRoom()
	}
}

// failed notes that a join failed, and reports whether to try again.
func (ch *Channel) failed(err error) bool {
	ch.mu.Lock()
	over, first := ch.err != nil, !ch.accepted
	lost := errors.Is(err, errNotSent) || errors.Is(err, ErrInterrupted)
	if !over && !first && !lost {
		ch.inbox.put(item{kind: itemError, err: err})
	}
	ch.mu.Unlock()
	if !over && first && !lost {
		ch.end(err)
		return false
	}
	return !over
}

// pause waits before the next try, at most until the connection is lost: on
// another one it is made at once.
func (ch *Channel) pause(c *conn, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-c.done:
	case <-ch.ctx.Done():
	}
}

// open joins the topic on a connection.
func (ch *Channel) open(c *conn, first wire.Payload) (*conversation, error) {
	ctx, cancel := ch.socket.bound(ch.ctx)
	defer cancel()
	p, err := ch.params(ctx, first)
	if err != nil {
		return nil, fmt.Errorf("client: the parameters to rejoin %q: %w", ch.topic, err)
	}
	cv := &conversation{conn: c, ref: ch.socket.nextRef(), over: make(chan struct{})}
	ch.mu.Lock()
	if err = ch.err; err == nil {
		ch.joining = cv
		p, err = ch.ask(p)
	}
	ch.mu.Unlock()
	if err != nil {
		return nil, err
	}
	m := wire.ClientMessage{JoinRef: cv.ref, Ref: cv.ref, Topic: wire.String(ch.topic), Event: wire.EventJoin, Payload: p}
	reply, err := c.call(ctx, m, nil, func(reply wire.ServerMessage) { ch.answered(cv, reply) })
	if err != nil {
		return ch.abandon(cv, err)
	}
	if reply.Status != wire.StatusOK {
		return nil, replyError(reply)
	}
	return cv, nil
}

func (ch *Channel) params(ctx context.Context, first wire.Payload) (wire.Payload, error) {
	ch.mu.Lock()
	again := ch.accepted
	ch.mu.Unlock()
	if !again || ch.opts.RejoinParams == nil {
		return first, nil
	}
	v, err := ch.opts.RejoinParams(ctx)
	if err != nil {
		return wire.Payload{}, err
	}
	return encode(v)
}

// ask adds to join params what the channel asks of the protocol.
func (ch *Channel) ask(p wire.Payload) (wire.Payload, error) {
	p, err := ch.history.ask(p)
	if err == nil {
		p, err = ch.outbox.ask(p)
	}
	if err != nil {
		err = fmt.Errorf("client: the parameters for %q: %w", ch.topic, err)
	}
	return p, err
}

// abandon gives up a join that was not answered, unless it was after all.
func (ch *Channel) abandon(cv *conversation, err error) (*conversation, error) {
	ch.mu.Lock()
	if ch.current == cv {
		ch.mu.Unlock()
		return cv, nil
	}
	ch.joining = nil
	ch.mu.Unlock()
	cv.conn.sendNow(ch.leaving(cv)) // it may yet succeed on the server
	return nil, err
}

// answered takes the reply to a join. The goroutine that reads calls it.
func (ch *Channel) answered(cv *conversation, m wire.ServerMessage) {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	if ch.joining != cv {
		return
	}
	ch.joining = nil
	if m.Status != wire.StatusOK {
		return
	}
	m.Payload = ch.outbox.joined(m.Payload)
	stands := ch.history.joined(m.Payload)
	if stands.gap {
		ch.inbox.put(item{kind: itemGap, position: stands.position})
	}
	switch {
	case ch.accepted:
		ch.inbox.put(item{kind: itemRejoin, payload: m.Payload, position: stands.position})
	case ch.opts.After == "":
		ch.history.handled = stands.position // with nothing in the inbox
	}
	if !ch.accepted {
		ch.accepted, ch.reply = true, m.Payload
	}
	ch.current = cv
	ch.wake()
}

// converse sends what is in the outbox until a conversation ends.
func (ch *Channel) converse(cv *conversation) {
	for over := false; !over; {
		var resume <-chan time.Time
		if pause := ch.sendMarked(cv); pause > 0 {
			resume = time.After(pause)
		}
		select {
		case <-ch.outbox.filled:
		case <-resume:
		case <-cv.over:
			over = true
		case <-cv.conn.done:
			ch.mu.Lock()
			ch.breakOff(cv, cv.conn.cause())
			ch.mu.Unlock()
			over = true
		}
	}
	if errors.Is(cv.err, ErrOverrun) {
		cv.conn.sendNow(ch.leaving(cv))
	}
}

// breakOff ends a conversation that the channel did not mean to end. The caller
// holds mu.
func (ch *Channel) breakOff(cv *conversation, err error) {
	if ch.current != cv {
		return
	}
	ch.current = nil
	cv.err = err
	close(cv.over)
	ch.outbox.interrupted(err)
	ch.inbox.put(item{kind: itemError, err: err})
	ch.wake()
}

// restart leaves the conversation that goes on, to join anew.
func (ch *Channel) restart() {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	if ch.current != nil {
		ch.breakOff(ch.current, ErrOverrun)
	}
}

// take takes a message of the topic. The goroutine that reads calls it.
func (ch *Channel) take(c *conn, m wire.ServerMessage) {
	ch.mu.Lock()
	cv := ch.current
	if cv == nil || cv.conn != c || !m.JoinRef.IsNull() && m.JoinRef != cv.ref {
		ch.mu.Unlock()
		return // of a conversation that is over
	}
	var refused error
	switch m.Event {
	case wire.EventClose:
		ch.mu.Unlock()
		ch.end(ErrEnded)
		return
	case wire.EventError:
		ch.breakOff(cv, fmt.Errorf("client: the conversation crashed: %w", replyError(m)))
	case wire.EventReply:
		if !ch.outbox.answered(m) && m.Status != wire.StatusOK {
			refused = replyError(m)
		}
	default:
		ch.hear(cv, m)
	}
	ch.mu.Unlock()
	if refused != nil {
		ch.socket.opts.Logger.Warn("client: a push was refused", "topic", ch.topic, "error", refused)
	}
}

// hear takes an event. The caller holds mu.
func (ch *Channel) hear(cv *conversation, m wire.ServerMessage) {
	heard := ch.history.hear(m)
	it := item{kind: itemEvent, event: m.Event, payload: m.Payload, position: heard.position}
	switch {
	case heard.recovered:
		it.kind, it.n = itemRecovered, heard.n
	case heard.skipped:
		it.kind = itemGap
	case heard.marker:
		it.kind = itemPosition
	}
	if heard.marker {
		it.payload = wire.Payload{}
	}
	if !ch.inbox.admit(it) {
		ch.breakOff(cv, ErrOverrun)
		return
	}
	ch.history.keep(heard)
}
