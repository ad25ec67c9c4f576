package roost

import (
	"github.com/roost-dev/roost/history"
	"github.com/roost-dev/roost/pubsub"
	"github.com/roost-dev/roost/transport"
	"github.com/roost-dev/roost/wire"
)

// How a conversation tells its client events that are kept, each in its place
// in the topic's log.

// deliverKept takes a kept message of the conversation's topic, in the log's
// order. Unlike others it waits for what the conversation itself has still to
// say: its own broadcasts come this way too.
func (c *conversation) deliverKept(m *pubsub.Message) {
	intercepted := c.route.routine.intercepts(m.Event)
	c.mu.Lock()
	var err error
	full, broken := false, false
	switch {
	case c.phase == ended:
	case c.fellBehind(): // the log has this, too
	case c.phase == joining || intercepted || c.says():
		if c.hold(outgoing{message: m}) {
			break
		}
		if c.phase == joining && c.follower != nil {
			c.follower.gap = true // the log has it
			break
		}
		full = true
	default:
		var fits bool
		if fits, broken = c.admit(m); fits {
			err = c.sendKept(m)
		}
	}
	if c.phase == joined && c.work != nil {
		c.wake()
	}
	c.mu.Unlock()
	switch {
	case full:
		c.fail("roost: a conversation ended: more was broadcast than it could tell")
	case broken:
		c.failGap()
	case err != nil:
		_ = c.unsayable(m.Event, err)
	}
}

// run is the kept messages of a batch, if it has any: nothing is missing
// between them if they are whole.
type run struct {
	first, last *pubsub.Message
	whole       bool
	senders     bool // some of them are not for their sender
	binary      bool // some of them are bytes, which not every connection carries
}

// runKey is where a batch's run is kept.
type runKey struct{}

func keptRun(b *pubsub.Batch) *run {
	return b.Memo(runKey{}, func() any {
		var r *run
		for _, m := range b.Messages {
			switch {
			case m.Position.IsZero():
				continue
			case r == nil:
				r = &run{first: m, whole: true}
			default:
				r.whole = r.whole && m.Position.Epoch == r.last.Position.Epoch && m.Previous == r.last.Position.Seq
			}
			r.last, r.senders, r.binary = m, r.senders || m.Sender != "", r.binary || m.Binary
		}
		return r
	}).(*run)
}

// keptBurstKey is where the encoded form of a batch with positions is kept, by
// version; trailedBurstKey, if those of binary events are behind them.
type (
	keptBurstKey    wire.Version
	trailedBurstKey wire.Version
)

// keptBurst encodes b with the positions of what is kept, once for all sockets
// of a version that want them, as keptFrames does. It returns nil if some
// message has to go its own way.
func keptBurst(version wire.Version, inBinary bool, b *pubsub.Batch) *transport.Burst {
	var key any = trailedBurstKey(version)
	if inBinary {
		key = keptBurstKey(version)
	}
	return b.Memo(key, func() any {
		burst := &transport.Burst{}
		for _, m := range b.Messages {
			var frames []*transport.Frame
			var err error
			if m.Position.IsZero() {
				frames = make([]*transport.Frame, 1)
				frames[0], err = broadcastFrame(version, m)
			} else {
				frames, err = keptFrames(version, inBinary, m)
			}
			if err != nil {
				return (*transport.Burst)(nil)
			}
			burst.Frames = append(burst.Frames, frames...)
		}
		return burst
	}).(*transport.Burst)
}

// hearRun passes on a batch with kept messages together, and reports whether it
// could: what is out of the common is looked at one by one.
func (c *conversation) hearRun(r *run, burst *transport.Burst) bool {
	return c.carries(r) && c.passRun(r, burst, func() bool { return c.phase == joined && !c.says() })
}

// tellRun tells what was read from the log together, and reports whether it
// could. Only the worker calls it.
func (c *conversation) tellRun(b *pubsub.Batch) bool {
	r, burst := keptRun(b), c.burst(b)
	if r == nil || burst == nil || !c.carries(r) {
		return false
	}
	return c.passRun(r, burst, func() bool { return c.phase != ended })
}

// carries reports whether the connection can carry a run together. Bytes that it
// cannot carry are looked at one by one.
func (c *conversation) carries(r *run) bool { return !r.binary || c.socket.carriesBytes() }

// passRun sends a run if it is the conversation's turn to, which is asked under
// mu, and reports whether it did.
func (c *conversation) passRun(r *run, burst *transport.Burst, may func() bool) bool {
	c.mu.Lock()
	if !may() || !c.admitRun(r) {
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

// admitRun is admit for what is together. It is false if that has to be looked
// at one by one. The caller holds mu.
func (c *conversation) admitRun(r *run) bool {
	if !r.whole || r.senders && c.more != nil && c.more.id != "" {
		return false
	}
	if f := c.follower; f != nil {
		if f.at.Epoch != r.first.Position.Epoch || r.first.Position.Seq <= f.at.Seq || r.first.Previous > f.at.Seq {
			return false
		}
		f.at = r.last.Position
	}
	return true
}

// Gap implements [pubsub.GapSubscriber].
func (c *conversation) Gap() {
	if c.follower != nil {
		c.failGap()
	}
}

// admit notes that a kept message is the next one of the conversation, and
// reports whether the client is to see it. It is broken if something before it
// is missing. The caller holds mu.
func (c *conversation) admit(m *pubsub.Message) (fits, broken bool) {
	if f := c.follower; f != nil {
		if f.at.Epoch == m.Position.Epoch {
			if m.Position.Seq <= f.at.Seq {
				return false, false
			}
			broken = m.Previous > f.at.Seq
		} else {
			broken = m.Previous != 0 // a new life of the log, but not its beginning
		}
		if broken {
			return false, true
		}
		f.at = m.Position
	}
	return m.Sender == "" || c.more == nil || c.more.id != m.Sender, false
}

// failGap ends a conversation that would otherwise lose an event in silence:
// its client rejoins, and is told what the log still has.
func (c *conversation) failGap() {
	c.fail("roost: a conversation ended: an event of its topic's history did not reach it")
}

// tellKept tells a kept message in its turn, and reports whether the client saw
// it. Only the worker calls it.
func (c *conversation) tellKept(m *pubsub.Message) bool {
	c.mu.Lock()
	fits, broken := c.admit(m)
	c.mu.Unlock()
	if broken {
		c.failGap()
	}
	if !fits {
		return false
	}
	send := func() error { return c.sendKept(m) }
	if c.route.routine.intercepts(m.Event) {
		f := c.intercept(m)
		if f == nil || c.follower == nil {
			c.tell(f)
			return f != nil
		}
		send = func() error { return c.sendIntercepted(m, f) }
	}
	c.mu.Lock()
	var err error
	if c.phase != ended {
		err = send()
	}
	c.mu.Unlock()
	if err != nil {
		_ = c.unsayable(m.Event, err)
	}
	return err == nil
}

// sendIntercepted sends a follower's client what HandleOut made of m. The
// caller holds mu.
func (c *conversation) sendIntercepted(m *pubsub.Message, f *transport.Frame) error {
	if !f.Binary() || c.follower.inBinary {
		return c.sendFrames(m, f)
	}
	position, err := positionFrame(c.socket.version, m.Position, c.topic, emptyObject) // for which f has no room
	if err != nil {
		return err
	}
	return c.sendFrames(m, f, position)
}

// sendKept sends a kept message, with its position if the client wants that.
// The caller holds mu.
func (c *conversation) sendKept(m *pubsub.Message) error {
	if c.follower == nil {
		f, err := broadcastFrame(c.socket.version, m)
		if err != nil {
			return err
		}
		return c.socket.send(f)
	}
	frames, err := keptFrames(c.socket.version, c.follower.inBinary, m)
	if err != nil {
		return c.skipKept(m, err)
	}
	return c.sendFrames(m, frames...)
}

// sendFrames sends what a follower's client is to see of m. The caller holds mu.
func (c *conversation) sendFrames(m *pubsub.Message, frames ...*transport.Frame) error {
	for _, f := range frames {
		if err := c.socket.send(f); err != nil {
			return c.skipKept(m, err)
		}
	}
	return nil
}

// skipKept tells a follower's client that its connection cannot carry m. Were
// the conversation to end instead, the client would come back to this event
// again and again. The caller holds mu.
func (c *conversation) skipKept(m *pubsub.Message, why error) error {
	if !c.follower.skipped {
		c.follower.skipped = true
		c.logger().Warn("roost: a connection cannot carry an event, and its client is told that it is lost; further ones are not logged",
			"topic", c.topic, "event", m.Event, "transport", c.socket.transport, "error", why)
	}
	f, err := positionFrame(c.socket.version, m.Position, c.topic, []byte(`{"skipped":1}`))
	if err != nil {
		return err
	}
	return c.socket.send(f)
}

// keptKey is where the encoded form of a message with its position is kept, by
// version; trailedKey, if it is binary and the position is behind it.
type (
	keptKey    wire.Version
	trailedKey wire.Version
)

type sharedFrames struct {
	frames []*transport.Frame
	err    error
}

// keptFrames encodes m with its position, once for all sockets of a version.
// Who did not ask for positions in binary frames has that of a binary event in
// a frame of its own, behind it.
func keptFrames(v wire.Version, inBinary bool, m *pubsub.Message) ([]*transport.Frame, error) {
	var key any = keptKey(v)
	trailed := m.Binary && !inBinary
	if trailed {
		key = trailedKey(v)
	}
	s := m.Memo(key, func() any {
		if !trailed {
			f, err := keptFrame(v, wire.Value{}, m.Position, m.Topic, m.Event, wire.Payload{Data: m.Payload, Binary: m.Binary})
			return &sharedFrames{[]*transport.Frame{f}, err}
		}
		event, err := encodeBroadcast(v, m)
		if err != nil {
			return &sharedFrames{err: err}
		}
		position, err := positionFrame(v, m.Position, m.Topic, emptyObject)
		return &sharedFrames{[]*transport.Frame{event, position}, err}
	}).(*sharedFrames)
	return s.frames, s.err
}

// positionFrame says where the client stands, and nothing else.
func positionFrame(v wire.Version, at history.Position, topic string, payload []byte) (*transport.Frame, error) {
	return keptFrame(v, wire.Value{}, at, topic, wire.KeyHistory, wire.Payload{Data: payload})
}

// keptFrame is a frame with a position.
func keptFrame(v wire.Version, joinRef wire.Value, at history.Position, topic, event string, p wire.Payload) (*transport.Frame, error) {
	buf, binary, err := v.AppendKept(newBuffer(len(topic)+len(event)+len(p.Data)), joinRef, at.String(), topic, event, p)
	if err != nil {
		return nil, err
	}
	return transport.NewFrame(buf, binary), nil
}

// interceptedFrame encodes what HandleOut made of m.
func (c *conversation) interceptedFrame(m *pubsub.Message, event string, p wire.Payload) (*transport.Frame, error) {
	if c.follower != nil && !m.Position.IsZero() && (!p.Binary || c.follower.inBinary) {
		return keptFrame(c.socket.version, c.ref, m.Position, c.topic, event, p)
	}
	buf, binary, err := c.socket.version.AppendPush(newBuffer(len(c.topic)+len(event)+len(p.Data)), c.ref, c.topic, event, p)
	if err != nil {
		return nil, err
	}
	return transport.NewFrame(buf, binary), nil
}
