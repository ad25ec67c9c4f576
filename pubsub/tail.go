package pubsub

import (
	"context"
	"errors"
	"sync"
	"time"
	"weak"

	"github.com/roost-dev/roost/history"
)

// tail is the end of a topic's log as far as it was delivered on this node, and
// what keeps it whole: each message names the one before it, so that a gap is
// seen, and filled from the log before anything behind it is delivered.
type tail struct {
	ps    *PubSub
	group *group[Subscriber]

	reading sync.Mutex // held by who reads the log for others; taken before mu

	mu         sync.Mutex       // guards what follows
	known      bool             // what follows means something; it always does in memory
	last       history.Position // of the last message that is delivered or waiting
	delivered  history.Position
	waiting    []*Message  // nil is a gap
	first      [1]*Message // its array while no more than one waits
	delivering bool
	moved      chan struct{} // closed and made anew at each delivery; nil if nobody waits
	filling    bool          // the gap behind last is being read
	target     uint64        // what has come meanwhile, and is to be read
	suspect    history.Position
	recent     stretch               // the end of an engine's log, for who comes back
	held       weak.Pointer[stretch] // of a log in memory, what was read for who came back
	given      weak.Pointer[Batch]   // to who came back last
}

const (
	// fillPage is how much is read from the log at a time.
	fillPage = 256

	// fillPause is how long a fill waits for an engine that is away.
	fillPause = 250 * time.Millisecond

	// echoPatience is how long what this node has appended waits for what
	// others have appended before and is still on its way.
	echoPatience = 100 * time.Millisecond

	// fillPatience is how long it then waits for these to be read.
	fillPatience = 2 * time.Second
)

// appended delivers m, which this node has appended, in its turn, and returns
// once it is delivered, or is not about to be until ctx ends.
func (t *tail) appended(ctx context.Context, m *Message) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.begin(m)
	if t.ps.engineLog != nil && !t.fits(m) {
		t.awaitTurn(ctx, m)
		return
	}
	t.line(m)
	if !t.delivering {
		t.drain()
		return
	}
	for t.delivering && t.behind(m.Position) {
		t.awaitMove(context.Background())
	}
}

// fits reports whether m is the next one, and nothing is amiss. The caller
// holds mu.
func (t *tail) fits(m *Message) bool {
	return !t.filling && m.Position.Epoch == t.last.Epoch && m.Previous == t.last.Seq
}

// awaitTurn waits until m has come by the engine, like what is before it. The
// caller holds mu.
func (t *tail) awaitTurn(ctx context.Context, m *Message) {
	if t.awaitDelivery(ctx, m, echoPatience) {
		return
	}
	t.fill(m.Position)
	t.awaitDelivery(ctx, m, fillPatience)
}

func (t *tail) awaitDelivery(ctx context.Context, m *Message, patience time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	defer context.AfterFunc(t.ps.closing, cancel)()
	for t.behind(m.Position) {
		if !t.awaitMove(ctx) {
			return false
		}
	}
	return true
}

// arrived takes a message that the engine has brought.
func (t *tail) arrived(m *Message) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.begin(m)
	switch {
	case t.filling:
		t.fill(m.Position) // the log has it, too
		return
	case m.Position.Epoch == t.last.Epoch && m.Position.Seq <= t.last.Seq:
		return
	case m.Position.Epoch != t.last.Epoch && m.Previous == 0:
		t.turn(m.Position.Epoch)
		t.put(m)
	case t.fits(m):
		t.put(m)
	default:
		t.fill(m.Position)
		return
	}
	if !t.delivering {
		t.drain()
	}
}

// begin has the tail begin with m, if it did not know where. The caller holds
// mu.
func (t *tail) begin(m *Message) {
	if !t.known {
		t.known = true
		t.last = history.Position{Epoch: m.Position.Epoch, Seq: m.Previous}
		t.delivered = t.last
	}
}

// drain delivers what waits, until nothing does. Whoever comes meanwhile leaves
// it to this. The caller holds mu.
func (t *tail) drain() {
	t.delivering = true
	for len(t.waiting) > 0 {
		next := t.waiting[0]
		t.waiting[0] = nil
		t.waiting = t.waiting[1:]
		t.mu.Unlock()
		if next == nil {
			t.tellGap()
			t.mu.Lock()
			continue
		}
		t.ps.deliverTo(t.group, next)
		t.mu.Lock()
		t.delivered = next.Position
		t.move()
	}
	t.delivering, t.waiting = false, nil
	t.move()
}

func (t *tail) move() {
	if t.moved != nil {
		close(t.moved)
		t.moved = nil
	}
}

// awaitMove waits for a delivery, and reports whether there was one before ctx
// ended. The caller holds mu, which is released meanwhile.
func (t *tail) awaitMove(ctx context.Context) bool {
	if t.moved == nil {
		t.moved = make(chan struct{})
	}
	moved := t.moved
	t.mu.Unlock()
	defer t.mu.Lock()
	select {
	case <-moved:
		return true
	case <-ctx.Done():
		return false
	}
}

// behind reports whether what has this position is still to be delivered.
func (t *tail) behind(p history.Position) bool {
	return t.delivered.Epoch != p.Epoch || t.delivered.Seq < p.Seq
}

// line puts m, which was appended in memory, in line behind what was appended
// before it: if that is still on its way, it is read from the log. The caller
// holds mu.
func (t *tail) line(m *Message) {
	if m.Position.Epoch != t.last.Epoch { // a new life of the log
		t.last = history.Position{Epoch: m.Position.Epoch}
	}
	if m.Position.Seq <= t.last.Seq {
		return // somebody behind it in the log has read it from there
	}
	for t.last.Seq < m.Previous {
		page, err := t.ps.log.Read(context.Background(), m.Topic, t.last, fillPage)
		if err != nil || len(page.Entries) == 0 {
			break // trimmed: subscribers see it by Previous
		}
		for i := range page.Entries {
			if page.Entries[i].Position.Seq <= m.Previous {
				t.put(messageOf(m.Topic, &page.Entries[i]))
			}
		}
	}
	t.put(m)
}

// turn goes on with another life of the engine's log. Nobody knows any more
// where the one before ended, so this is a gap: nil in the line. The caller
// holds mu.
func (t *tail) turn(epoch string) {
	t.last = history.Position{Epoch: epoch}
	t.waiting = append(t.waiting, nil)
}

// put puts m in line. The caller holds mu.
func (t *tail) put(m *Message) {
	if t.waiting == nil {
		t.waiting = t.first[:0]
	}
	t.waiting = append(t.waiting, m)
	t.last = m.Position
	if t.ps.engineLog == nil {
		return // the log itself is as near
	}
	t.recent.add(m)
}

// fill has the log read from the tail to this position, at least. The caller
// holds mu.
func (t *tail) fill(to history.Position) {
	t.target = max(t.target, to.Seq)
	if t.filling {
		return
	}
	if to.Epoch != t.last.Epoch {
		t.turn(to.Epoch)
		t.target = to.Seq
	}
	t.filling = t.ps.goUntilClose(t.readOn)
}

// readOn reads on until there is nothing left that is known of.
func (t *tail) readOn() {
	for {
		t.mu.Lock()
		after, target := t.last, t.target
		t.mu.Unlock()
		page, err := t.ps.log.Read(t.ps.closing, t.group.name, after, fillPage)
		if errors.Is(err, history.ErrGone) {
			var last history.Position
			if last, err = t.ps.log.Last(t.ps.closing, t.group.name); err == nil {
				t.skip(last)
				return
			}
		}
		switch {
		case err == nil && t.take(page, target):
			return
		case err == nil:
			continue
		case t.ps.topics.count(t.group.name) == 0:
			t.stop()
			return
		}
		select {
		case <-t.ps.closing.Done():
			return
		case <-time.After(fillPause):
		}
	}
}

// take delivers what was read, and reports whether that was all: target is
// what was known of before.
func (t *tail) take(page history.Page, target uint64) (done bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range page.Entries {
		t.put(messageOf(t.group.name, &page.Entries[i]))
	}
	if !t.delivering {
		t.drain()
	}
	if len(page.Entries) > 0 || t.target != target {
		return false
	}
	t.filling, t.target = false, 0
	return true
}

func (t *tail) stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.filling = false
}

// skip goes on at the end of a log that does not reach back to the tail, and
// tells the subscribers.
func (t *tail) skip(last history.Position) {
	t.mu.Lock()
	t.filling, t.target = false, 0
	t.last, t.delivered = last, last
	t.recent = stretch{}
	t.move()
	t.mu.Unlock()
	t.ps.logger.Warn("pubsub: the log of a topic does not reach back to what was delivered; clients are told when they rejoin",
		"topic", t.group.name)
	t.tellGap()
}

func (t *tail) tellGap() {
	for _, member := range t.ps.topics.snapshot(t.group.name, nil) {
		if s, ok := member.receiver.(GapSubscriber); ok {
			s.Gap()
		}
	}
}

// compare takes what the engine says is the topic's last position. What the
// tail has not got by the next time is read: until then it may be on its way.
func (t *tail) compare(last history.Position) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.known {
		t.known, t.last, t.delivered = true, last, last
		return
	}
	if t.suspect.Epoch != "" && (t.suspect.Epoch != t.last.Epoch || t.suspect.Seq > t.last.Seq) && t.suspect.Epoch == last.Epoch {
		t.fill(t.suspect)
	}
	t.suspect = last
}
