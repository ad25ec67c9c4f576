package roost

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"time"

	"github.com/roost-dev/roost/internal/ledger"
	"github.com/roost-dev/roost/wire"
)

// How a conversation handles its mail.

func (c *conversation) handle(m mail) {
	switch m.kind {
	case mailPush:
		c.handlePush(m)
	case mailLeave:
		_ = c.reply(m.ref, wire.StatusOK, wire.Payload{Data: emptyObject})
		c.end(Left, c.closeFrame(emptyObject))
	case mailInfo:
		c.handleInfo(m.value)
	case mailEvent:
		f := c.route.routine.events[m.message.Event]
		err, _ := c.protect("HandleEvent", func() error { return f(c.context(), c, m.message) })
		c.stopped(err, m.message.Event)
	case mailOut:
		if f := c.intercept(m.message); f != nil {
			_ = c.say(outgoing{frame: f})
		}
	case mailDrain:
		c.end(Drained)
	}
}

func (c *conversation) handleInfo(v any) {
	f := c.route.routine.infos[reflect.TypeOf(v)]
	if f == nil {
		c.logger().Warn("roost: a value without a HandleInfo callback was dropped", "topic", c.topic, "type", reflect.TypeOf(v).String())
		return
	}
	err, _ := c.protect("HandleInfo", func() error { return f(c.context(), c, v) })
	c.stopped(err, reflect.TypeOf(v).String())
}

func (c *conversation) handlePush(m mail) {
	marked, ok := c.begin(&m)
	if !ok {
		return
	}
	start := time.Now()
	var err error
	if marked != nil {
		err = c.handleMarked(m, marked)
	} else {
		err = c.call(c.context(), m, nil)
	}
	if errors.Is(err, errNoCallback) {
		return
	}
	took := time.Since(start)
	server := c.socket.server
	server.logEvent(c, &m, took)
	if t := server.trace.HandledIn; t != nil {
		server.traced("HandledIn", func() {
			t(HandledInInfo{Socket: c.socket.info(), Topic: c.topic, Event: m.event, Duration: took, Err: err})
		})
	}
}

// call runs the callback of a push.
func (c *conversation) call(ctx context.Context, m mail, marked *ledger.Push) error {
	routine := c.route.routine
	switch in := routine.ins[m.event]; {
	case in != nil:
		return c.handleIn(ctx, in, &turn{mail: m, marked: marked, reply: in.reply})
	case routine.anyIn != nil:
		return c.handleAny(ctx, &turn{mail: m, marked: marked, reply: reflect.TypeFor[Payload]()})
	default:
		c.logger().Warn("roost: an event without a callback ended its conversation", "topic", c.topic, "event", clip(m.event))
		c.end(Errored, c.errorFrame())
		return errNoCallback
	}
}

// handleIn runs the callback of a typed event and replies.
func (c *conversation) handleIn(ctx context.Context, in *inHandler, t *turn) error {
	var reply wire.Payload
	c.beginTurn(t)
	defer c.endTurn(t)
	err, ok := c.protect("HandleIn", func() (err error) {
		reply, err = in.call(ctx, c, t.mail.payload)
		return err
	})
	if !ok {
		return errCrashed
	}
	stop, isStop := errors.AsType[*stopError](err)
	if isStop {
		err = stop.err
	}
	a := t.answer
	switch {
	case errors.Is(err, ErrLater) && a != nil:
	case a == nil:
		a = newAnswer(c, t)
		fallthrough
	default:
		switch {
		case err != nil:
			_ = a.fail(err)
		case in.reply != reflect.TypeFor[NoReply]():
			_ = a.give(wire.StatusOK, reply)
		default:
			_ = a.silence()
		}
	}
	if isStop {
		c.stop(err)
	}
	return err
}

// handleAny runs the untyped callback.
func (c *conversation) handleAny(ctx context.Context, t *turn) error {
	m := &t.mail
	a := newAnswer(c, t)
	t.answer = a
	c.beginTurn(t)
	defer c.endTurn(t)
	message := &Message{Topic: c.topic, Event: m.event, Payload: m.payload.Data, Binary: m.payload.Binary, answer: a}
	err, ok := c.protect("HandleAny", func() error { return c.route.routine.anyIn(ctx, c, message) })
	if !ok {
		return errCrashed
	}
	switch stop, isStop := errors.AsType[*stopError](err); {
	case isStop:
		c.stop(stop.err)
	case err != nil && !errors.Is(err, ErrLater):
		_ = a.fail(err)
	}
	return err
}

// stop ends the conversation as Stop(err) says.
func (c *conversation) stop(err error) {
	if err == nil {
		c.conclude(Stopped, c.closeFrame(emptyObject))
	} else {
		c.conclude(Errored, c.errorFrame())
	}
}

func (c *conversation) beginTurn(t *turn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.working().turn = t
}

// endTurn is called behind the reply.
func (c *conversation) endTurn(t *turn) {
	c.mu.Lock()
	c.work.turn = nil
	after := t.after
	t.after = nil
	c.mu.Unlock()
	for _, f := range after {
		f()
	}
}

// replyPatience is how long what waits for a reply waits for it.
const replyPatience = 10 * time.Millisecond

// afterReply runs f behind the reply to the push that is being handled, but
// not much later than now: a callback may take its time.
func (c *conversation) afterReply(f func()) {
	var once sync.Once
	run := func() { once.Do(f) }
	c.mu.Lock()
	var t *turn
	if c.work != nil {
		t = c.work.turn
	}
	if t != nil {
		timer := time.AfterFunc(replyPatience, run)
		t.after = append(t.after, func() { timer.Stop(); run() })
	}
	c.mu.Unlock()
	if t == nil {
		f()
	}
}

// currentAnswer takes the reply of the event being handled along.
func (c *conversation) currentAnswer() (*answer, reflect.Type) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.work == nil || c.work.turn == nil {
		return nil, nil
	}
	t := c.work.turn
	if t.answer == nil {
		t.answer = newAnswer(c, t)
	}
	return t.answer, t.reply
}

var (
	errCrashed    = errors.New("roost: the callback panicked")
	errNoCallback = fmt.Errorf("%w: there is none", errCrashed)
)
