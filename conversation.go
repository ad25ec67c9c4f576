package roost

import (
	"crypto/rand"
	"log/slog"
	"sync"
	"time"

	"github.com/roost-dev/roost/internal/ledger"
	"github.com/roost-dev/roost/pubsub"
	"github.com/roost-dev/roost/transport"
	"github.com/roost-dev/roost/wire"
)

// terminateBound is how long after its end a conversation's OnTerminate may
// still start, how long it may take, and how long a new join of a topic waits
// for the old one's join callback.
const terminateBound = 5 * time.Second

// conversation is one socket's process on one topic: what a [Channel] is
// behind its types. It is serial without a goroutine of its own: whoever puts
// work into an idle one gets it a worker, which runs it until there is
// nothing left to do.
//
// What its client sees of it goes out under mu, so that nothing can follow
// the final frame, and nothing can overtake the join reply. Sending does not
// block; no callback runs under mu.
type conversation struct {
	socket  *socket
	route   *route
	topic   string
	ref     wire.Value // what its frames carry: the client's join_ref, or else the ref of its join
	channel any        // the *Channel[S] that this is the core of

	follower *follower // nil unless the client asked for positions in the topic's history

	mu       sync.Mutex // guards what follows
	phase    phase
	running  bool // a worker has it
	accepted bool // the join was
	leaving  bool // a leave is in the mailbox
	speaks   bool // ended, but OnTerminate runs, and what it pushes still goes out
	why      Reason
	refless  bool // the client gave no join_ref: constant, and here for the size of it all
	sub      *pubsub.Subscription
	done     chan struct{} // of the context; made when asked for
	work     *work         // what there is to do and to say; an idle conversation has none
	more     *attachments  // what few conversations have
}

// joinRef is the join_ref as the client gave it: what its messages are checked
// against, and what its join reply and its end carry.
func (c *conversation) joinRef() wire.Value {
	if c.refless {
		return wire.Value{}
	}
	return c.ref
}

type phase uint8

const (
	joining phase = iota // the join reply, and what was held for it, is not out yet
	joined
	ended // nothing goes out any more
)

// attachments is what most conversations never need.
type attachments struct {
	id         string
	onEnd      map[*func()]struct{}
	onCancel   map[*func()]struct{}
	timers     map[*Timer]struct{}
	join       *joinRequest    // still to be run
	cancelJoin func()          // of the join that runs
	settled    chan struct{}   // closed once the join is answered; a newer join waits for it
	replaced   bool            // while joining, by a newer join
	verdict    *verdict        // came while joining; it is carried out behind the join reply
	session    *ledger.Session // of the client's marked pushes
	endedAt    time.Time
}

// verdict is how a conversation is to end.
type verdict struct {
	why   Reason
	frame *transport.Frame
}

// attached returns the attachments. The caller holds mu.
func (c *conversation) attached() *attachments {
	if c.more == nil {
		c.more = &attachments{}
	}
	return c.more
}

func (c *conversation) logger() *slog.Logger { return c.socket.server.logger }

func (c *conversation) id() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	more := c.attached()
	if more.id == "" {
		more.id = rand.Text()
	}
	return more.id
}

// post puts m into the mailbox and sees to it that it is handled. It reports
// what became of m.
func (c *conversation) post(m mail) posted {
	limits := &c.socket.server.limits
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase == ended || m.kind == mailLeave && c.leaving {
		return postedToNobody
	}
	c.leaving = c.leaving || m.kind == mailLeave
	if !c.working().mailbox.put(m, limits.mailboxLen, limits.mailboxBytes) {
		return postedInVain
	}
	c.wake()
	return postedWell
}

type posted uint8

const (
	postedWell posted = iota
	postedInVain
	postedToNobody
)

// wake gets the conversation a worker if it has none. The caller holds mu.
func (c *conversation) wake() {
	if !c.running {
		c.running = true
		c.socket.server.pool.Go(c)
	}
}

// postOrEnd posts what nobody can be told about: with a full mailbox the
// conversation ends, and its client rejoins and catches up.
func (c *conversation) postOrEnd(m mail) error {
	switch c.post(m) {
	case postedInVain:
		c.fail("roost: a conversation ended: its mailbox is full")
		return ErrEnded
	case postedToNobody:
		return ErrEnded
	}
	return nil
}

// fail ends the conversation for a reason that is the server's to know.
func (c *conversation) fail(why string, attrs ...any) {
	if c.conclude(Errored, c.errorFrame()) {
		c.logger().Error(why, append([]any{"topic", c.topic}, attrs...)...)
	}
}

// Run works the conversation until there is nothing left to do.
func (c *conversation) Run() {
	returned := false
	defer func() {
		if returned {
			return
		}
		// A callback ended the goroutine (runtime.Goexit), or what it
		// returned is an error whose methods panic.
		if p := recover(); p != nil {
			c.logPanic("an error's method", p)
			c.end(Panicked, c.errorFrame())
		}
		c.socket.server.pool.Go(c)
	}()
	for c.step() {
	}
	returned = true
}

// step does the next thing there is to do, and reports whether there was any.
func (c *conversation) step() bool {
	c.mu.Lock()
	switch {
	case c.phase == ended:
		c.mu.Unlock()
		c.terminate()
		return false
	case c.more != nil && c.more.join != nil:
		j := c.more.join
		c.more.join = nil
		c.mu.Unlock()
		c.runJoin(j)
		return true
	case c.work == nil:
		c.running = false
		c.mu.Unlock()
		return false
	case len(c.work.out) > 0:
		c.mu.Unlock()
		c.flush()
		return true
	}
	m, ok := c.work.mailbox.take()
	if !ok {
		c.running = false
		c.work.release()
		c.work = nil
		c.mu.Unlock()
		return false
	}
	c.mu.Unlock()
	c.handle(m)
	return true
}

// end ends the conversation, and reports whether it had not ended before:
// frames go out as the last of it, its context ends, its subscriptions and
// presences go. OnTerminate follows once a running callback has returned.
func (c *conversation) end(why Reason, frames ...*transport.Frame) bool {
	return c.endUnless(never, why, frames...)
}

func never() bool { return false }

// conclude is end, but not before the join reply: while the join runs the end
// waits for it, and if the join is refused there is none. It reports whether
// it is by this call that the conversation ends.
func (c *conversation) conclude(why Reason, frame *transport.Frame) bool {
	c.mu.Lock()
	if c.phase != joining || c.accepted {
		c.mu.Unlock()
		return c.end(why, frame)
	}
	defer c.mu.Unlock()
	more := c.attached()
	if more.verdict != nil {
		return false
	}
	more.verdict = &verdict{why, frame}
	return true
}

// endUnless is end, but for a condition that is checked under mu.
func (c *conversation) endUnless(not func() bool, why Reason, frames ...*transport.Frame) bool {
	c.mu.Lock()
	if c.phase == ended || not() {
		c.mu.Unlock()
		return false
	}
	c.phase, c.why = ended, why
	c.socket.leaving.Add(1) // first: a client at its bound that hears of the end may join another topic
	for _, f := range frames {
		if f != nil {
			_ = c.socket.send(f)
		}
	}
	var undone []mail
	if c.work != nil {
		undone = c.work.end()
	}
	more := c.attached()
	hooks, timers, session := more.onEnd, more.timers, more.session
	more.onEnd, more.timers, more.join, more.endedAt = nil, nil, nil, time.Now()
	c.settle()
	c.cancel()
	sub, accepted, idle := c.sub, c.accepted, !c.running
	c.running = true // for good: a worker ends it, or nobody has to
	c.mu.Unlock()

	if sub != nil {
		sub.Unsubscribe()
	}
	c.socket.remove(c)
	if session != nil {
		session.Release()
	}
	for t := range timers {
		t.timer.Stop()
	}
	for f := range hooks {
		_, _ = c.protect("OnEnd", func() error { (*f)(); return nil })
	}
	if why != Closed && why != Drained {
		c.socket.refuseAll(c.topic, undone)
	}
	if t := c.socket.server.trace.Ended; t != nil && accepted {
		c.socket.server.traced("Ended", func() { t(EndedInfo{Socket: c.socket.info(), Topic: c.topic, Reason: why}) })
	}
	switch {
	case !idle: // the worker that has it goes on
	case accepted && c.route.routine.terminate != nil:
		c.socket.server.pool.Go(c)
	default:
		c.socket.finished()
	}
	return true
}

// settle tells a newer join that this one has been answered. The caller holds
// mu.
func (c *conversation) settle() {
	if c.more != nil && c.more.settled != nil {
		close(c.more.settled)
		c.more.settled = nil
	}
}

// terminate is the last thing that a worker does for a conversation.
func (c *conversation) terminate() {
	c.mu.Lock()
	f := c.route.routine.terminate
	late := time.Since(c.more.endedAt) > terminateBound
	run := c.accepted && f != nil
	c.mu.Unlock()
	switch {
	case run && late:
		c.logger().Warn("roost: OnTerminate given up on: a callback outlived its conversation",
			"topic", c.topic, "reason", c.why.String(), "bound", terminateBound)
	case run:
		// Were it to end its goroutine, it must not be called again.
		c.mu.Lock()
		c.accepted = false
		c.speaks = c.why.speaks()
		c.mu.Unlock()
		ctx, cancel := handlerContext()
		_, _ = c.protect("OnTerminate", func() error { f(ctx, c, c.why); return nil })
		cancel()
	}
	c.mu.Lock()
	c.speaks = false
	c.mu.Unlock()
	c.socket.finished()
}

func (c *conversation) closeFrame(payload []byte) *transport.Frame {
	return c.endFrame(wire.EventClose, payload)
}

// errorFrame is what tells a client that its conversation broke.
func (c *conversation) errorFrame() *transport.Frame {
	return c.endFrame(wire.EventError, []byte(`{"reason":"channel_crash"}`))
}

func (c *conversation) endFrame(event string, payload []byte) *transport.Frame {
	buf := newBuffer(len(c.topic) + len(payload))
	buf, binary, err := c.socket.version.AppendEnd(buf, c.joinRef(), c.topic, event, wire.Payload{Data: payload})
	if err != nil {
		// Only a join_ref that came in a binary frame and is not UTF-8.
		c.logger().Error("roost: the end of a conversation cannot be told", "topic", c.topic, "error", err)
		return nil
	}
	return transport.NewFrame(buf, binary)
}

// newBuffer returns a buffer for a frame with room for n bytes beside the
// headroom and an envelope of common size.
func newBuffer(n int) []byte {
	const envelope = 128
	return make([]byte, transport.Headroom, transport.Headroom+envelope+n)
}
