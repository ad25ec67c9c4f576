package roost

import (
	"context"
	"errors"
	"time"

	"github.com/roost-dev/roost/transport"
	"github.com/roost-dev/roost/wire"
)

// How a conversation begins.

// joinRequest is a phx_join that is still to be answered.
type joinRequest struct {
	ref    wire.Value
	params wire.Payload
	prev   *conversation // the one on the same topic that this one replaces
	old    *transport.Frame

	marked  *markedRequest // nil: the client is not going to mark pushes
	session markedReply
}

// start subscribes the topic and gets the join under way. The subscription
// comes first: what is broadcast from now on is held for this conversation.
func (c *conversation) start(j *joinRequest) {
	c.follower, j.params = c.socket.server.takeHistory(c.topic, j.params)
	j.marked, j.params = c.socket.server.marked.takeMarked(j.params)
	c.mu.Lock()
	if c.phase != ended { // else the socket closed meanwhile
		c.attached().join = j
		c.sub = c.socket.server.pubsub.Subscribe(c.topic, c)
	}
	c.mu.Unlock()
	c.socket.server.pool.Go(c)
}

// runJoin answers a join. Only the worker calls it.
func (c *conversation) runJoin(j *joinRequest) {
	server := c.socket.server
	if j.prev != nil {
		j.old = j.prev.replaceAndWait()
	}
	start := time.Now()
	ctx, cancel := c.joinContext(server.limits.joinTimeout)
	defer cancel()
	// The client is told at once, not when a callback deaf to ctx returns.
	timer := time.AfterFunc(server.limits.joinTimeout, func() { c.refuseJoin(j, errJoinTimeout) })
	defer timer.Stop()

	var reply wire.Payload
	var refusal *Error
	c.hearOthers(ctx)
	err, ok := c.protectJoin(j, func() (err error) {
		if err = c.look(ctx); err != nil {
			refusal = c.joinError(err)
			return err
		}
		c.openSession(ctx, j)
		if reply, err = c.route.routine.join(ctx, c, j.params); err != nil {
			refusal = c.joinError(err)
		}
		return err
	})
	took := time.Since(start)
	switch {
	case !ok:
		err = errJoinCrashed
	case err != nil:
		c.refuseJoin(j, refusal)
	default:
		err = c.acceptJoin(j, reply)
	}
	server.logJoin(c, j, took, err)
	if t := server.trace.Joined; t != nil {
		server.traced("Joined", func() { t(JoinedInfo{Socket: c.socket.info(), Topic: c.topic, Duration: took, Err: err}) })
	}
}

// hearOthers waits until other nodes are heard on the topic: what they broadcast
// once the client has its join reply must reach it. If the engine is away the
// conversation hears this node all the same, and health says the rest.
func (c *conversation) hearOthers(ctx context.Context) {
	c.mu.Lock()
	sub := c.sub
	c.mu.Unlock()
	if sub == nil {
		return // the socket closed meanwhile
	}
	if err := sub.Settle(ctx); err != nil {
		c.socket.server.logger.Debug("roost: joined without hearing other nodes yet", "topic", c.topic, "error", err)
	}
}

// joinContext returns the context of the join callback. It does not derive
// from that of the conversation, which would be left with what a child needs.
func (c *conversation) joinContext(timeout time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.canceled() {
		cancel()
	} else {
		c.attached().cancelJoin = cancel
	}
	return ctx, cancel
}

// replace ends a conversation because the client joins its topic anew. One
// that still joins is only told to give up: its join is answered first.
func (c *conversation) replace() {
	c.mu.Lock()
	if c.phase != joining || c.accepted {
		c.mu.Unlock()
		c.end(Duplicate)
		return
	}
	more := c.attached()
	more.replaced = true
	if more.settled == nil {
		more.settled = make(chan struct{})
	}
	c.cancel()
	c.mu.Unlock()
}

// replaced reports whether a newer join waits for this one to be answered. The
// caller holds mu.
func (c *conversation) replaced() bool { return c.more != nil && c.more.replaced }

// replaceAndWait waits, within bounds, until a replaced conversation has its
// join answered. It returns the frame that tells the old conversation's end,
// which goes out behind the new one's join reply; nil if the client knows.
func (c *conversation) replaceAndWait() *transport.Frame {
	c.mu.Lock()
	var settled chan struct{}
	if c.phase == joining && c.more != nil {
		settled = c.more.settled
	}
	c.mu.Unlock()
	if settled != nil {
		timer := time.NewTimer(terminateBound)
		defer timer.Stop()
		select {
		case <-settled:
		case <-timer.C: // given up on; the client has forgotten it
			if !c.endUnless(func() bool { return c.accepted }, Errored) {
				c.end(Duplicate)
			}
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.why != Duplicate {
		return nil // it ended by itself and said so, or was never accepted
	}
	return c.closeFrame(emptyObject)
}

// acceptJoin sends the join reply, then what was held for it. It returns an
// error if there was no join left to accept.
func (c *conversation) acceptJoin(j *joinRequest, reply wire.Payload) error {
	reply, err := c.withPosition(reply)
	if err == nil {
		reply, err = c.withSession(j, reply)
	}
	var f *transport.Frame
	if err == nil {
		f, err = c.joinReply(j.ref, wire.StatusOK, reply)
	}
	if err != nil {
		c.refuseJoin(j, c.joinError(err))
		return err
	}
	c.mu.Lock()
	if c.phase == ended {
		c.mu.Unlock()
		return ErrEnded // timed out, or the socket closed
	}
	more := c.attached()
	replaced, end := more.replaced, more.verdict
	var opening *transport.Burst
	if j.old == nil && !replaced && end == nil {
		opening = c.openWith(f)
	}
	if opening != nil {
		err = c.socket.sendBurst(opening)
	} else {
		err = c.socket.send(f)
	}
	if err != nil {
		c.mu.Unlock()
		c.refuseJoin(j, c.joinError(err))
		return err
	}
	c.accepted = true
	if j.old != nil {
		_ = c.socket.send(j.old)
	}
	more.cancelJoin = nil
	if !replaced && more.id == "" && more.session == nil && len(more.onEnd)+len(more.onCancel)+len(more.timers) == 0 {
		c.more = nil // it took no more than a join
	}
	c.mu.Unlock()
	switch {
	case replaced:
		c.end(Duplicate)
	case end != nil:
		c.end(end.why, end.frame)
	case c.follower != nil:
		c.catchUp()
	default:
		c.flush()
	}
	return nil
}

// refuseJoin answers a join with an error and ends the conversation. The join
// may have been answered already; then it does nothing.
func (c *conversation) refuseJoin(j *joinRequest, reason *Error) {
	p := c.socket.server.encodeError(reason, c.topic)
	f, err := c.joinReply(j.ref, wire.StatusError, p)
	if err != nil {
		c.logger().Error("roost: a refusal cannot be told", "topic", c.topic, "error", err)
	}
	c.endUnless(func() bool { return c.accepted }, Errored, f, j.old)
}

// joinReply is the answer to a join. It carries the join_ref as it was given,
// even if that was null.
func (c *conversation) joinReply(ref wire.Value, status string, p wire.Payload) (*transport.Frame, error) {
	return c.replyFrame(c.joinRef(), ref, status, p)
}

// joinError is what the client is told of an error that join returned.
func (c *conversation) joinError(err error) *Error {
	e, meant := reasonOf(err)
	switch {
	case meant:
	case errors.Is(err, context.DeadlineExceeded):
		return errJoinTimeout
	case errors.Is(err, context.Canceled) && c.hasEnded():
		// The client is gone. Nobody gets the answer.
	default:
		c.logger().Error("roost: a join failed", "topic", c.topic, "error", err)
	}
	return e
}

// protectJoin runs the join callback. A panic in it is a refusal.
func (c *conversation) protectJoin(j *joinRequest, f func() error) (err error, ok bool) {
	returned := false
	defer func() {
		if returned {
			return
		}
		c.logPanic("join", recover())
		c.refuseJoin(j, errJoinCrashed)
		ok = false
	}()
	err = f()
	returned = true
	return err, true
}
