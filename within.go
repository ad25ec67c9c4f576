package roost

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/roost-dev/roost/pubsub"
)

// What reaches a conversation from within the process.

// Timer is a value that will be sent to a conversation.
type Timer struct {
	c     *conversation
	v     any
	timer *time.Timer
}

// Stop takes the value back, and reports whether it was not sent yet.
func (t *Timer) Stop() bool {
	t.forget()
	return t.timer.Stop()
}

func (t *Timer) fire() {
	t.forget()
	_ = t.c.info(t.v) // fails only if the conversation has ended
}

func (t *Timer) forget() {
	t.c.mu.Lock()
	defer t.c.mu.Unlock()
	if t.c.more != nil {
		delete(t.c.more.timers, t)
	}
}

func (c *conversation) info(v any) error {
	if v == nil {
		return errors.New("roost: Send of nil: no HandleInfo callback can have its type")
	}
	return c.postOrEnd(mail{kind: mailInfo, value: v})
}

func (c *conversation) sendAfter(v any, d time.Duration) *Timer {
	t := &Timer{c: c, v: v}
	c.mu.Lock()
	defer c.mu.Unlock() // which fire waits for
	t.timer = time.AfterFunc(d, t.fire)
	if c.phase == ended {
		t.timer.Stop()
		return t
	}
	more := c.attached()
	if more.timers == nil {
		more.timers = map[*Timer]struct{}{}
	}
	more.timers[t] = struct{}{}
	return t
}

func (c *conversation) spawn(f func(ctx context.Context) (any, error)) {
	c.socket.server.pool.Go(&spawned{c, f})
}

// spawned is a job of [Channel.Go].
type spawned struct {
	c *conversation
	f func(ctx context.Context) (any, error)
}

// Run runs the job. A panic in it is the conversation's.
func (s *spawned) Run() {
	returned := false
	defer func() {
		if returned {
			return
		}
		s.c.logPanic("Go", recover())
		s.c.conclude(Panicked, s.c.errorFrame())
	}()
	v, err := s.f(s.c.context())
	switch {
	case err != nil:
		s.c.stopped(err, "Go")
	case v != nil:
		_ = s.c.info(v)
	}
	returned = true
}

func (c *conversation) subscribe(topic string) (unsubscribe func()) {
	sub := c.socket.server.pubsub.Subscribe(topic, (*listener)(c))
	unset := c.onEnd(sub.Unsubscribe)
	if err := sub.Settle(c.context()); err != nil {
		c.socket.server.logger.Debug("roost: subscribed without hearing other nodes yet", "topic", topic, "error", err)
	}
	return func() {
		unset()
		sub.Unsubscribe()
	}
}

// listener is a conversation as the subscriber of another topic.
type listener conversation

// Deliver takes an event of another topic.
func (l *listener) Deliver(m *pubsub.Message) {
	c := (*conversation)(l)
	if c.route.routine.events[m.Event] != nil {
		_ = c.postOrEnd(mail{kind: mailEvent, message: m})
	}
}

func (c *conversation) afterJoin(f func()) {
	c.mu.Lock()
	switch {
	case c.phase == joining:
		w := c.working()
		w.out = append(w.out, outgoing{then: f})
		c.mu.Unlock()
	case c.phase == joined:
		c.mu.Unlock()
		f()
	default:
		c.mu.Unlock()
	}
}

// onEnd registers f, and returns what takes it back.
func (c *conversation) onEnd(f func()) (unset func()) {
	c.mu.Lock()
	if c.phase == ended {
		c.mu.Unlock()
		f()
		return func() {}
	}
	defer c.mu.Unlock()
	return c.hook(&c.attached().onEnd, f)
}

// hook adds f to hooks. The caller holds mu.
func (c *conversation) hook(hooks *map[*func()]struct{}, f func()) (unset func()) {
	if *hooks == nil {
		*hooks = map[*func()]struct{}{}
	}
	key := &f
	(*hooks)[key] = struct{}{}
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(*hooks, key)
	}
}

// conversationContext is the context of a conversation's callbacks: the
// conversation itself, so that it costs nothing until somebody waits for it.
// It holds on to no request.
type conversationContext conversation

func (c *conversation) context() context.Context { return (*conversationContext)(c) }

// Deadline is part of context.Context: there is none.
func (ctx *conversationContext) Deadline() (time.Time, bool) { return time.Time{}, false }

// Value is part of context.Context: there is none.
func (ctx *conversationContext) Value(any) any { return nil }

// Done is part of context.Context.
func (ctx *conversationContext) Done() <-chan struct{} {
	ctx.mu.Lock()
	defer ctx.mu.Unlock()
	if ctx.done == nil {
		ctx.done = make(chan struct{})
		if (*conversation)(ctx).canceled() {
			close(ctx.done)
		}
	}
	return ctx.done
}

// Err is part of context.Context.
func (ctx *conversationContext) Err() error {
	ctx.mu.Lock()
	defer ctx.mu.Unlock()
	if (*conversation)(ctx).canceled() {
		return context.Canceled
	}
	return nil
}

// AfterFunc lets package context derive from this one without a goroutine.
func (ctx *conversationContext) AfterFunc(f func()) (stop func() bool) {
	c := (*conversation)(ctx)
	var once sync.Once
	run := func() { once.Do(func() { go f() }) }
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.canceled() {
		run()
		return func() bool { return false }
	}
	unset := c.hook(&c.attached().onCancel, run)
	return func() bool {
		unset()
		stopped := false
		once.Do(func() { stopped = true })
		return stopped
	}
}

// canceled reports whether the context has ended: with the conversation, or
// before it, when a newer join replaced one that was still joining. The
// caller holds mu.
func (c *conversation) canceled() bool { return c.phase == ended || c.replaced() }

// cancel ends the context, once canceled says so. The caller holds mu.
func (c *conversation) cancel() {
	if c.done != nil {
		select {
		case <-c.done:
		default:
			close(c.done)
		}
	}
	if c.more == nil {
		return
	}
	if c.more.cancelJoin != nil {
		c.more.cancelJoin()
	}
	for f := range c.more.onCancel {
		(*f)() // starts a goroutine, no more
	}
	c.more.onCancel = nil
}
