package roost

import (
	"context"
	"encoding/json/v2"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/roost-dev/roost/history"
	"github.com/roost-dev/roost/pubsub"
	"github.com/roost-dev/roost/transport"
	"github.com/roost-dev/roost/wire"
)

// How a conversation on a topic that is kept tells its client where it stands
// in the topic's log, and what it missed (spec/protocol.md §20).

// follower is what a conversation knows whose client asked for positions. The
// conversation's mutex guards it.
type follower struct {
	inBinary bool             // it takes positions in binary frames; constant
	named    bool             // the client says where it stands:
	after    history.Position // here
	resumed  bool             // it gets all that is behind it
	at       history.Position // all up to here was told, or is not for this client
	page     *pubsub.Batch    // what was read of it
	told     bool             // it was told that it has all
	gap      bool             // something that came while joining was not held: it is to be read from the log
	skipped  bool             // it was logged that the connection cannot carry some event
}

// historyRequest is what a client puts into its join params under
// [wire.KeyHistory].
type historyRequest struct {
	After  *string `json:"after"`
	Binary bool    `json:"binary"`
}

// takeHistory takes what a client asks of the history out of its join params.
// The handler does not see it. f is nil if it asks nothing, or of a topic that
// is not kept.
func (server *core) takeHistory(topic string, params wire.Payload) (f *follower, rest wire.Payload) {
	asked, rest, ok := params.Cut(wire.KeyHistory)
	if !ok {
		return nil, params
	}
	if !server.pubsub.Keeps(topic) {
		return nil, rest
	}
	f = &follower{}
	if asked.Kind() != '{' {
		return f, rest // true, most likely
	}
	var request historyRequest
	err := json.Unmarshal(asked, &request)
	if err == nil && request.After != nil && *request.After != "" {
		f.named = true
		f.after, err = history.ParsePosition(*request.After)
	}
	if err != nil {
		f.named, f.after = true, history.Position{Epoch: "none"} // which no log has
	}
	f.inBinary = request.Binary
	return f, rest
}

// mustHoldPosition panics if a route's join reply is to hold a position, and is
// no object.
func (server *core) mustHoldPosition(r *route) {
	if r.routine.joined != reflect.TypeFor[[]byte]() {
		return // what of the others is no object is refused when it comes
	}
	for _, topic := range server.pubsub.KeptTopics() {
		if kept := keptPattern(topic); r.pattern.overlaps(&kept) {
			panic(fmt.Sprintf("roost: Handle of %q: topics %q keep their history, so join must reply with an object, "+
				"where the client's position has its place, and not with []byte", r.pattern.text, topic))
		}
	}
}

// missedPage is how many events are read from the log at a time.
const missedPage = 256

// look finds out whether the log still has what the client missed. It comes
// behind the subscription and before the join callback.
func (c *conversation) look(ctx context.Context) error {
	f := c.follower
	if f == nil {
		return nil
	}
	ps := c.socket.server.pubsub
	if f.named {
		page, err := ps.Missed(ctx, c.topic, f.after, missedPage)
		if err == nil {
			c.mu.Lock()
			f.resumed, f.at, f.page = true, f.after, page
			c.mu.Unlock()
			return nil
		}
		if !errors.Is(err, history.ErrGone) {
			return fmt.Errorf("roost: what a client missed cannot be read: %w", err)
		}
	}
	last, err := ps.Log().Last(ctx, c.topic)
	if err != nil {
		return fmt.Errorf("roost: the end of a topic's history is not known: %w", err)
	}
	c.mu.Lock()
	f.at = last
	c.mu.Unlock()
	return nil
}

// resumed reports whether the client gets all it missed, or missed nothing.
func (c *conversation) resumed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.follower != nil && c.follower.resumed
}

// withPosition adds to a join reply where the client stands.
func (c *conversation) withPosition(reply wire.Payload) (wire.Payload, error) {
	f := c.follower
	if f == nil {
		return reply, nil
	}
	c.mu.Lock()
	member := fmt.Appendf(nil, `{"position":"%s"`, f.at) // which has nothing to escape
	if f.named {
		member = fmt.Appendf(member, `,"recovered":%t`, f.resumed)
	}
	c.mu.Unlock()
	reply, ok := reply.With(wire.KeyHistory, append(member, '}'))
	if !ok {
		return reply, fmt.Errorf("roost: the join reply of %q is no JSON object, so the client's position has no place in it", c.topic)
	}
	return reply, nil
}

// openWith returns what the client gets in one piece with its join reply: what
// it missed, if that is at hand and nothing of it is out of the common, else
// nil. One write costs as much as all else of a join. The caller holds mu.
func (c *conversation) openWith(reply *transport.Frame) *transport.Burst {
	f := c.follower
	if f == nil || !f.resumed || f.gap || f.page.More {
		return nil
	}
	burst := &transport.Burst{Frames: []*transport.Frame{reply}}
	if r := keptRun(f.page); r != nil {
		if r.binary {
			return nil // which not every client takes in the same form
		}
		burst.Next = c.missedBurst(f.page)
		if burst.Next == nil || !c.admitRun(r) {
			return nil
		}
	} else {
		end, err := positionFrame(c.socket.version, f.at, c.topic, recovered(0))
		if err != nil {
			return nil
		}
		burst.Frames = append(burst.Frames, end)
	}
	f.page, f.told = nil, true
	return burst
}

// missedKey is where the encoded form of all that clients missed is kept, by
// version.
type missedKey wire.Version

// missedBurst is burst with, at the end, that this was all.
func (c *conversation) missedBurst(page *pubsub.Batch) *transport.Burst {
	burst := c.burst(page)
	if burst == nil {
		return nil
	}
	version := c.socket.version
	return page.Memo(missedKey(version), func() any {
		last := page.Messages[len(page.Messages)-1]
		end, err := positionFrame(version, last.Position, last.Topic, recovered(len(page.Messages)))
		if err != nil {
			return (*transport.Burst)(nil)
		}
		return &transport.Burst{Frames: append(slices.Clip(burst.Frames), end)}
	}).(*transport.Burst)
}

// recovered is what tells a client that it has all it missed.
func recovered(n int) []byte { return fmt.Appendf(nil, `{"recovered":%d}`, n) }

// catchUp tells the client what it missed, behind the join reply, and then what
// was held since. If more came than could be held it reads on in the log.
func (c *conversation) catchUp() {
	f := c.follower
	if f.resumed && !f.told {
		n, ok := c.readOn()
		if !ok {
			return
		}
		c.tellPosition(recovered(n))
	}
	for {
		c.flush()
		c.mu.Lock()
		behind := c.fellBehind()
		c.mu.Unlock()
		if !behind {
			return
		}
		if _, ok := c.readOn(); !ok {
			return
		}
	}
}

// fellBehind reports whether something that came before the conversation spoke
// freely was not held. The caller holds mu.
func (c *conversation) fellBehind() bool {
	return c.phase == joining && c.follower != nil && c.follower.gap
}

// readOn tells what is in the log, until there is nothing left but what is held.
// It returns how much the client saw, and false if the conversation has ended.
func (c *conversation) readOn() (told int, ok bool) {
	c.mu.Lock()
	page := c.follower.page
	c.follower.page = nil
	c.mu.Unlock()
	for {
		if page == nil {
			var err error
			if page, err = c.missed(); err != nil {
				c.fail("roost: a conversation ended: what its client missed was trimmed while it was read", "error", err)
				return told, false
			}
		}
		n, ok := c.tellPage(page)
		if told += n; !ok {
			return told, false
		}
		if c.rewind() && !page.More { // what came since is held
			return told, !c.hasEnded()
		}
		page = nil
	}
}

// tellPage tells what was read from the log: all at once, or one by one if some
// is out of the common. It returns how much the client saw, and false if the
// conversation has ended.
func (c *conversation) tellPage(page *pubsub.Batch) (told int, ok bool) {
	if !c.awaitRoom() {
		return 0, false
	}
	if c.tellRun(page) {
		return len(page.Messages), true
	}
	for _, m := range page.Messages {
		if !c.awaitRoom() {
			return told, false
		}
		if c.tellKept(m) {
			told++
		}
	}
	return told, true
}

// missed reads on in the log.
func (c *conversation) missed() (*pubsub.Batch, error) {
	c.mu.Lock()
	at := c.follower.at
	c.mu.Unlock()
	ctx, cancel := context.WithTimeout(c.context(), c.socket.server.limits.joinTimeout)
	defer cancel()
	return c.socket.server.pubsub.Missed(ctx, c.topic, at, missedPage)
}

// rewind drops what is held of the log if something in between could not be:
// it is to be read, as what is behind it. It reports whether nothing was
// dropped, so that what is held goes on where the log ends.
func (c *conversation) rewind() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.follower.gap {
		return true
	}
	c.follower.gap = false
	w := c.working()
	others := w.out[:0]
	for _, o := range w.out {
		if o.message == nil || o.message.Position.IsZero() {
			others = append(others, o)
		}
	}
	clear(w.out[len(others):])
	w.out = others
	return false
}

const (
	// roomBytes is how much may wait for a client for it to be told more of
	// what it missed.
	roomBytes = 64 << 10

	// roomPause is how often that is looked at.
	roomPause = 5 * time.Millisecond
)

// awaitRoom waits until the client has taken most of what it was told. It
// reports false if the conversation ends first; a client that takes nothing is
// closed by its transport. It may block, as callbacks may.
func (c *conversation) awaitRoom() bool {
	var tick *time.Ticker
	for c.socket.conn.Waiting() > roomBytes {
		if tick == nil {
			tick = time.NewTicker(roomPause)
			defer tick.Stop()
		}
		select {
		case <-tick.C:
		case <-c.context().Done():
			return false
		}
	}
	return !c.hasEnded()
}

func (c *conversation) hasEnded() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.phase == ended
}

func (c *conversation) tellPosition(payload []byte) {
	c.mu.Lock()
	at := c.follower.at
	c.mu.Unlock()
	f, err := positionFrame(c.socket.version, at, c.topic, payload)
	if err != nil {
		_ = c.unsayable(wire.KeyHistory, err)
		return
	}
	c.tell(f)
}
