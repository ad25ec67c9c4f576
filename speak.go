package roost

import (
	"context"
	"errors"
	"runtime/debug"

	"github.com/roost-dev/roost/pubsub"
	"github.com/roost-dev/roost/transport"
	"github.com/roost-dev/roost/wire"
)

// How a conversation speaks to its client.

// push sends an event with join_ref.
func (c *conversation) push(event string, p wire.Payload) error {
	buf, binary, err := c.socket.version.AppendPush(newBuffer(len(c.topic)+len(event)+len(p.Data)), c.ref, c.topic, event, p)
	if err != nil {
		return c.unsayable(event, err)
	}
	return c.say(outgoing{frame: transport.NewFrame(buf, binary)})
}

func (c *conversation) pushJSON(event string, payload []byte) error {
	return c.push(event, wire.Payload{Data: payload})
}

// reply answers a push.
func (c *conversation) reply(ref wire.Value, status string, p wire.Payload) error {
	f, err := c.replyFrame(c.ref, ref, status, p)
	if err != nil {
		return c.unsayable(wire.EventReply, err)
	}
	return c.say(outgoing{frame: f})
}

func (c *conversation) replyFrame(joinRef, ref wire.Value, status string, p wire.Payload) (*transport.Frame, error) {
	buf, binary, err := c.socket.version.AppendReply(newBuffer(len(c.topic)+len(p.Data)), joinRef, ref, wire.String(c.topic), status, p)
	if err != nil {
		return nil, err
	}
	return transport.NewFrame(buf, binary), nil
}

// busy answers a push that found the mailbox full, on the goroutine that
// brought it.
func (c *conversation) busy(ref wire.Value, reason *Error) error {
	p, err := encodePayload(reason.response())
	if err != nil {
		return err
	}
	f, err := c.replyFrame(c.ref, ref, wire.StatusError, p)
	if err != nil {
		return err
	}
	return c.hear(f)
}

// broadcast publishes m on the conversation's topic. Its own copy does not
// take the way of the others: it is said in its turn, among what the
// conversation pushes and replies.
func (c *conversation) broadcast(ctx context.Context, m *pubsub.Message, self bool) error {
	ps := c.socket.server.pubsub
	if ps.KeepsEvent(c.topic, m.Event) {
		return c.broadcastKept(ctx, m, self)
	}
	c.mu.Lock()
	m.From = c.sub
	c.mu.Unlock()
	err := ps.Broadcast(ctx, m)
	if !self {
		return err
	}
	own := outgoing{message: m}
	if !c.route.routine.intercepts(m.Event) {
		f, encodeErr := broadcastFrame(c.socket.version, m)
		if encodeErr != nil {
			return errors.Join(err, c.unsayable(m.Event, encodeErr))
		}
		own = outgoing{frame: f}
	}
	if sayErr := c.say(own); sayErr != nil && !errors.Is(sayErr, ErrEnded) {
		err = errors.Join(err, sayErr)
	}
	return err
}

// broadcastKept publishes a message that the topic's log puts in order. So its
// own copy comes as that of others does, and is here once this returns.
func (c *conversation) broadcastKept(ctx context.Context, m *pubsub.Message, self bool) error {
	if !self {
		m.Sender = c.id()
	}
	ps := c.socket.server.pubsub
	if err := ps.Broadcast(ctx, m); err != nil {
		return err
	}
	ps.Flush(c.topic)
	return nil
}

// Deliver takes a broadcast on the conversation's topic.
func (c *conversation) Deliver(m *pubsub.Message) {
	if !m.Position.IsZero() {
		c.deliverKept(m)
		return
	}
	if c.route.routine.intercepts(m.Event) {
		_ = c.postOrEnd(mail{kind: mailOut, message: m})
		return
	}
	f, err := broadcastFrame(c.socket.version, m)
	if err == nil {
		err = c.hear(f)
	}
	if err != nil {
		_ = c.unsayable(m.Event, err)
	}
}

// DeliverBatch takes broadcasts on the conversation's topic that were published
// close together.
func (c *conversation) DeliverBatch(b *pubsub.Batch) {
	switch burst := c.burst(b); {
	case burst == nil:
	case keptRun(b) != nil:
		if c.hearRun(keptRun(b), burst) {
			return
		}
	case c.hearAll(burst):
		return
	}
	for _, m := range b.Messages {
		c.Deliver(m)
	}
}

// burstKey is where the encoded form of a batch is kept, by version.
type burstKey wire.Version

// burst encodes b once for all sockets of a version. It returns nil if some
// message has to go its own way.
func (c *conversation) burst(b *pubsub.Batch) *transport.Burst {
	if c.route.routine.interceptsSome() {
		return nil
	}
	version := c.socket.version
	if c.follower != nil {
		return keptBurst(version, c.follower.inBinary, b)
	}
	return b.Memo(burstKey(version), func() any {
		burst := &transport.Burst{Frames: make([]*transport.Frame, len(b.Messages))}
		for i, m := range b.Messages {
			var err error
			if burst.Frames[i], err = broadcastFrame(version, m); err != nil {
				return (*transport.Burst)(nil)
			}
		}
		return burst
	}).(*transport.Burst)
}

// hearAll passes on frames of somebody else together, and reports whether it
// could: one that still joins holds them one by one.
func (c *conversation) hearAll(burst *transport.Burst) bool {
	c.mu.Lock()
	if c.phase != joined {
		c.mu.Unlock()
		return false
	}
	err := c.socket.sendBurst(burst)
	c.mu.Unlock()
	if err != nil {
		_ = c.unsayable("", err)
	}
	return true
}

// frameKey is where the encoded form of a message is kept, by version.
type frameKey wire.Version

type sharedFrame struct {
	frame *transport.Frame
	err   error
}

// broadcastFrame encodes m once for all sockets of a version.
func broadcastFrame(v wire.Version, m *pubsub.Message) (*transport.Frame, error) {
	s := m.Memo(frameKey(v), func() any {
		f, err := encodeBroadcast(v, m)
		return &sharedFrame{f, err}
	}).(*sharedFrame)
	return s.frame, s.err
}

func encodeBroadcast(v wire.Version, m *pubsub.Message) (*transport.Frame, error) {
	buf, binary, err := v.AppendBroadcast(newBuffer(len(m.Topic)+len(m.Event)+len(m.Payload)), m.Topic, m.Event,
		wire.Payload{Data: m.Payload, Binary: m.Binary})
	if err != nil {
		return nil, err
	}
	return transport.NewFrame(buf, binary), nil
}

// hear passes on a frame of somebody else: it waits for the join, but not for
// what the conversation itself has still to say.
func (c *conversation) hear(f *transport.Frame) error {
	c.mu.Lock()
	var err error
	full := false
	switch c.phase {
	case joining:
		full = !c.hold(outgoing{frame: f})
	case joined:
		err = c.socket.send(f)
	}
	c.mu.Unlock()
	if full {
		c.fail("roost: a conversation ended: more was broadcast during its join than can be held")
	}
	return err
}

// say says o in its turn.
func (c *conversation) say(o outgoing) error {
	c.mu.Lock()
	var err error
	full := false
	switch {
	case c.phase == ended && c.speaks && o.frame != nil:
		err = c.socket.send(o.frame)
	case c.phase == ended:
		err = ErrEnded
	case c.phase == joining || c.says() || o.frame == nil:
		full = !c.hold(o)
		if c.phase == joined {
			c.wake()
		}
	default:
		err = c.socket.send(o.frame)
	}
	c.mu.Unlock()
	switch {
	case full:
		c.fail("roost: a conversation ended: it said too much before it could be heard")
		return ErrEnded
	case errors.Is(err, transport.ErrUnsayable):
		return c.unsayable("", err)
	}
	return err
}

// hold keeps o for later, within the bound of the mailbox. It reports false
// if there is no room: the conversation is to end, since nothing may be lost
// silently. The caller holds mu.
func (c *conversation) hold(o outgoing) bool {
	w := c.working()
	if len(w.out) >= c.socket.server.limits.mailboxLen {
		return false
	}
	w.out = append(w.out, o)
	return true
}

// flush works off what is to be said. Only the worker calls it. While it is
// at it, whatever else the conversation says waits behind.
func (c *conversation) flush() {
	for {
		o, ok := c.nextOut()
		switch {
		case !ok:
			return
		case o.then != nil:
			_, _ = c.protect("AfterJoin", func() error { o.then(); return nil })
		case o.message != nil && !o.message.Position.IsZero():
			c.tellKept(o.message)
		case o.message != nil:
			c.tell(c.intercept(o.message))
		default:
			c.tell(o.frame)
		}
	}
}

// nextOut takes what is to be said next. Once there is nothing, the
// conversation speaks directly.
func (c *conversation) nextOut() (o outgoing, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.phase == ended:
		return o, false
	case c.work == nil:
		c.phase = joined
		return o, false
	case len(c.work.out) == 0 && c.fellBehind():
		c.work.flushing = false
		return o, false
	case len(c.work.out) == 0:
		c.phase, c.work.flushing, c.work.out = joined, false, nil
		return o, false
	}
	w := c.work
	o = w.out[0]
	w.out[0] = outgoing{}
	w.out = w.out[1:]
	w.flushing = true
	return o, true
}

// tell sends f, if there is any, unless the conversation has ended.
func (c *conversation) tell(f *transport.Frame) {
	if f == nil {
		return
	}
	c.mu.Lock()
	var err error
	if c.phase != ended {
		err = c.socket.send(f)
	}
	c.mu.Unlock()
	if err != nil {
		_ = c.unsayable("", err)
	}
}

// intercept runs the HandleOut callback of m, and returns what it makes of it
// for this client; nil if there is nothing to be sent.
func (c *conversation) intercept(m *pubsub.Message) *transport.Frame {
	var event string
	var p wire.Payload
	var deliver bool
	err, ok := c.protect("HandleOut", func() (err error) {
		event, p, deliver, err = c.route.routine.outHandler(m.Event)(c.context(), c, m)
		return err
	})
	if !ok || c.stopped(err, m.Event) || err != nil || !deliver {
		return nil
	}
	f, err := c.interceptedFrame(m, event, p)
	if err != nil && c.follower != nil && !m.Position.IsZero() {
		c.mu.Lock()
		err = c.skipKept(m, err)
		c.mu.Unlock()
	}
	if err != nil {
		_ = c.unsayable(event, err)
		return nil
	}
	return f
}

// unsayable ends a conversation to which something was to be said that its
// version or transport has no way to say; nobody else notices.
func (c *conversation) unsayable(event string, err error) error {
	c.fail("roost: a conversation ended: it could not be told an event", "event", event, "error", err)
	return err
}

// stopped deals with the error of a callback that has nobody to reply to, and
// reports whether it ended the conversation.
func (c *conversation) stopped(err error, event string) bool {
	if err == nil {
		return false
	}
	stop, ok := errors.AsType[*stopError](err)
	if !ok {
		c.logger().Error("roost: a callback failed", "topic", c.topic, "event", event, "error", err)
		return false
	}
	if stop.err != nil {
		c.logger().Error("roost: a callback stopped its conversation", "topic", c.topic, "event", event, "error", stop.err)
	}
	c.stop(stop.err)
	return true
}

// endsInOrder reports whether err is Stop(nil).
func endsInOrder(err error) bool {
	stop, ok := errors.AsType[*stopError](err)
	return ok && stop.err == nil
}

// protect runs a callback. If it panics the conversation ends, and ok is
// false.
func (c *conversation) protect(what string, f func() error) (err error, ok bool) {
	returned := false
	defer func() {
		if returned {
			return
		}
		c.logPanic(what, recover())
		c.end(Panicked, c.errorFrame())
		ok = false
	}()
	err = f()
	returned = true
	return err, true
}

// logPanic logs a panic with its stack. p is nil if a callback ended its
// goroutine instead.
func (c *conversation) logPanic(what string, p any) {
	if p == nil {
		p = "runtime.Goexit"
	}
	c.logger().Error("roost: a callback panicked", "topic", c.topic, "callback", what, "panic", p, "stack", string(debug.Stack()))
}
