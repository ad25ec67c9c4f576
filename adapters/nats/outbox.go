package nats

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/roost-dev/roost/pubsub"
)

var errClosed = errors.New("nats: the adapter is closed")

// message is an envelope on its way out.
type message struct {
	subject string
	data    []byte
}

// size is what a message counts for in the outbox.
func (m message) size() int { return len(m.subject) + len(m.data) + 64 }

// outbox is what waits to be given to NATS. One goroutine, the link's writer,
// takes from it.
type outbox struct {
	limit    int           // of bytes
	patience time.Duration // how long messages wait for NATS
	wake     chan struct{} // tells the writer to look, holds one token

	mu        sync.Mutex // guards what follows
	interests map[string]bool
	settlers  []*settler
	messages  []message
	bytes     int           // of messages, those with the writer too
	room      chan struct{} // closed when bytes get less; nil if nobody waits
	up        bool
	since     time.Time // of being up, or away
	held      time.Time // no message leaves before
	gaveUp    bool      // away for longer than patience
	closing   bool
	written   uint64 // messages that NATS's client has, or is just being given
	taken     uint64 // of these, those that it has
	confirmed uint64 // of these, those that a server has, or that count as lost
	lost      uint64
}

func newOutbox(limit int, patience time.Duration) *outbox {
	return &outbox{
		limit:     limit,
		patience:  patience,
		wake:      make(chan struct{}, 1),
		interests: make(map[string]bool),
		since:     time.Now(),
	}
}

func (o *outbox) signal() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// want notes an interest; the last one said for a subject counts.
func (o *outbox) want(subject string, wanted bool) {
	o.mu.Lock()
	if !o.closing { // subscriptions outlive the node
		o.interests[subject] = wanted
	}
	o.mu.Unlock()
	o.signal()
}

// settle has the writer pass s on when all interests noted before are given
// to NATS. It fails if NATS is away.
func (o *outbox) settle(s *settler) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.closing:
		return errClosed
	case !o.up:
		return fmt.Errorf("nats: %w", pubsub.ErrUnavailable)
	}
	o.settlers = append(o.settlers, s)
	o.signal()
	return nil
}

// push appends a message. It waits for room while NATS is there, and fails
// while it is away.
func (o *outbox) push(ctx context.Context, m message) error {
	for {
		room, err := o.tryPush(m)
		if err != nil || room == nil {
			return err
		}
		select {
		case <-room:
		case <-ctx.Done():
			o.lose(1)
			return fmt.Errorf("nats: no room in the outbox: %w", context.Cause(ctx))
		}
	}
}

// tryPush appends m, or returns a channel to wait for.
func (o *outbox) tryPush(m message) (room <-chan struct{}, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.closing:
		return nil, errClosed
	case o.gaveUp:
		o.lost++
		return nil, fmt.Errorf("nats: %w for longer than %v", pubsub.ErrUnavailable, o.patience)
	case o.bytes == 0 && o.up || o.bytes+m.size() <= o.limit:
		o.messages = append(o.messages, m)
		o.bytes += m.size()
		o.signal()
		return nil, nil
	case !o.up || time.Now().Before(o.held):
		o.lost++
		return nil, fmt.Errorf("nats: %w, and the buffer of %d bytes is full", pubsub.ErrUnavailable, o.limit)
	}
	if o.room == nil {
		o.room = make(chan struct{})
	}
	return o.room, nil
}

// work is what the writer takes at a time.
type work struct {
	interests map[string]bool
	settlers  []*settler
	messages  []message // none while NATS is away
	closing   bool
}

func (w work) empty() bool {
	return len(w.interests) == 0 && len(w.settlers) == 0 && len(w.messages) == 0
}

// take returns all there is to do. spare is memory for the next messages.
func (o *outbox) take(now time.Time, spare []message) work {
	o.mu.Lock()
	defer o.mu.Unlock()
	w := work{settlers: o.settlers, closing: o.closing}
	o.settlers = nil
	if len(o.interests) > 0 {
		w.interests, o.interests = o.interests, make(map[string]bool)
	}
	if o.up && (o.closing || !now.Before(o.held)) {
		w.messages, o.messages = o.messages, spare[:0]
	}
	return w
}

// writing says that n messages are about to be given to NATS's client.
func (o *outbox) writing(n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.written += uint64(n)
}

// wrote says that the client has taken n messages, of that many bytes.
func (o *outbox) wrote(n, bytes int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.taken += uint64(n)
	o.release(bytes)
}

// release makes room. The caller holds mu.
func (o *outbox) release(bytes int) {
	o.bytes -= bytes
	if o.room != nil {
		close(o.room)
		o.room = nil
	}
}

// giveBack puts messages that the client did not take before all others.
func (o *outbox) giveBack(ms []message) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.messages = append(append(make([]message, 0, len(ms)+len(o.messages)), ms...), o.messages...)
	o.written -= uint64(len(ms))
	if o.written < o.confirmed { // counted as lost, too early
		o.lost -= o.confirmed - o.written
		o.confirmed = o.written
	}
}

// unconfirmed returns how many messages the client has taken in all, and
// whether some of them are not confirmed yet.
func (o *outbox) unconfirmed() (taken uint64, some bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.taken, o.taken > o.confirmed
}

// confirm says that a server has the first n messages.
func (o *outbox) confirm(n uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.confirmed = max(o.confirmed, n)
}

func (o *outbox) lose(n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lost += uint64(n)
}

// connected says that NATS is there. Messages are held for a while, for those
// that they are for.
func (o *outbox) connected(hold time.Duration) {
	o.mu.Lock()
	o.up, o.gaveUp, o.since = true, false, time.Now()
	o.held = o.since.Add(hold)
	o.mu.Unlock()
	o.signal()
}

// disconnected says that NATS is away, and returns how many messages may have
// been lost on their way to it.
func (o *outbox) disconnected() (lost uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.up {
		o.up, o.since = false, time.Now()
	}
	lost = o.written - o.confirmed
	o.lost, o.confirmed = o.lost+lost, o.written
	for _, s := range o.settlers {
		s.finish(fmt.Errorf("nats: %w", pubsub.ErrUnavailable))
	}
	o.settlers = nil
	o.release(0) // who waits for room must look again
	o.signal()
	return lost
}

// expire gives up what has waited too long. It returns how many messages that
// was, and when to look again; zero or less if there is no need.
func (o *outbox) expire(now time.Time) (lost int, after time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.up:
		return 0, o.held.Sub(now)
	case o.gaveUp:
		return 0, 0
	}
	if after = o.since.Add(o.patience).Sub(now); after > 0 {
		return 0, after
	}
	lost = len(o.messages)
	o.gaveUp, o.messages, o.lost = true, nil, o.lost+uint64(lost)
	o.release(o.bytes)
	return lost, 0
}

// close refuses all that comes from now on.
func (o *outbox) close() {
	o.mu.Lock()
	o.closing = true
	o.release(0)
	o.mu.Unlock()
	o.signal()
}

func (o *outbox) state() (up, closing bool, pending int, lost uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.up, o.closing, len(o.messages), o.lost
}
