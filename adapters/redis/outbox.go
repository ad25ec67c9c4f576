package redis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/roost-dev/roost/pubsub"
)

const (
	// A batch is what is sent to a server in one go; the next one leaves when
	// it is answered.
	batchMessages = 512
	batchBytes    = 256 << 10

	// messageOverhead is what a waiting message costs beside its bytes.
	messageOverhead = 96

	// holdback is how long messages wait after an absence of their server for
	// the other nodes to be back at it too: what reaches it before them
	// reaches nobody. It is the longest that a node waits before it tries
	// again, and a little to subscribe.
	holdback = maxBackoff*3/2 + 250*time.Millisecond
)

// message is an envelope on its way to a server.
type message struct {
	channel string
	frame   string
	since   time.Time
}

func (m *message) size() int { return len(m.channel) + len(m.frame) + messageOverhead }

// queue is the messages for a server. All of it is guarded by the outbox.
type queue struct {
	messages []message
	bytes    int       // of messages, and of what is being sent
	sending  int       // messages that were taken and are not done
	open     bool      // the server is there
	shut     time.Time // since when it is not
	hold     time.Time // nothing is sent before
	wake     chan struct{}
	room     chan struct{} // closed, and made anew, when waiting may be over
}

func newQueue() queue {
	return queue{shut: time.Now(), wake: make(chan struct{}, 1), room: make(chan struct{})}
}

func (q *queue) rouse() {
	select {
	case q.wake <- struct{}{}:
	default: // it will look anyway
	}
}

func (q *queue) tellWaiting() {
	close(q.room)
	q.room = make(chan struct{})
}

// outbox holds what is published until servers have it. Each server has its
// messages in order, and when a slot moves, its messages do with it.
type outbox struct {
	limit    int // bytes for each server
	patience time.Duration
	lose     func(n int, why error)

	mu      sync.Mutex // guards what follows, and the queues
	layout  *layout
	next    *layout          // what is to be, once nothing of losers' is under way
	losers  map[*server]bool // take nothing until then
	late    bool             // what waited for next waited for others too
	closing bool
	idle    chan struct{} // holds a token if there may be nothing left to send
}

var errClosed = errors.New("redis: the adapter is closed")

// put queues a message. While its server has no room it waits.
func (o *outbox) put(ctx context.Context, m message) error {
	for {
		room, err := o.tryPut(m)
		if room == nil || err != nil {
			return err
		}
		select {
		case <-room:
		case <-ctx.Done():
			return fmt.Errorf("redis: no room in the buffer: %w", context.Cause(ctx))
		}
	}
}

// tryPut returns what to wait for if there is no room.
func (o *outbox) tryPut(m message) (room <-chan struct{}, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closing {
		return nil, errClosed
	}
	q := &o.layout.owner(m.channel).queue
	full := q.bytes+m.size() > o.limit
	switch {
	case !q.open && m.since.Sub(q.shut) > o.patience:
		return nil, fmt.Errorf("redis: %w for longer than messages wait for it", pubsub.ErrUnavailable)
	case full && !q.open:
		return nil, fmt.Errorf("redis: %w and the buffer is full", pubsub.ErrUnavailable)
	case full:
		return q.room, nil
	}
	q.messages = append(q.messages, m)
	q.bytes += m.size()
	q.rouse()
	return nil, nil
}

// take returns what to send to a server next, or how long to wait for it; no
// time means until the queue wakes. What was taken must be done.
func (o *outbox) take(s *server) (batch []message, wait time.Duration) {
	o.expire(s)
	o.mu.Lock()
	defer o.mu.Unlock()
	q := &s.queue
	if !q.open || o.losers[s] || len(q.messages) == 0 {
		return nil, 0
	}
	if wait := time.Until(q.hold); wait > 0 && !o.closing {
		return nil, wait
	}
	n, size := 0, 0
	for n < len(q.messages) && n < batchMessages && (n == 0 || size+q.messages[n].size() <= batchBytes) {
		size += q.messages[n].size()
		n++
	}
	batch = slices.Clone(q.messages[:n])
	q.cutFront(n)
	q.sending = n
	return batch, 0
}

func (q *queue) cutFront(n int) {
	clear(q.messages[:n]) // they would stay in memory
	q.messages = q.messages[n:]
	if len(q.messages) == 0 {
		q.messages = nil
	}
}

// expire drops what has waited for a server for too long.
func (o *outbox) expire(s *server) {
	if n := o.dropOld(&s.queue); n > 0 {
		o.lose(n, errors.New("they waited for the server for too long"))
	}
}

func (o *outbox) dropOld(q *queue) (n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	before := time.Now().Add(-o.patience)
	for n < len(q.messages) && q.messages[n].since.Before(before) {
		q.bytes -= q.messages[n].size()
		n++
	}
	if n > 0 {
		q.cutFront(n)
		q.tellWaiting()
		o.tellIdle()
	}
	return n
}

// done says what became of a batch: rejected is what the server did not take,
// in order, and is sent again, by whoever has its slot by then.
func (o *outbox) done(s *server, batch, rejected []message) {
	o.mu.Lock()
	defer o.mu.Unlock()
	q := &s.queue
	q.sending = 0
	for i := range batch {
		q.bytes -= batch[i].size()
	}
	for i := range rejected {
		q.bytes += rejected[i].size()
	}
	q.messages = slices.Insert(q.messages, 0, rejected...)
	q.tellWaiting()
	o.reroute()
	o.tellIdle()
}

// apply makes another layout valid, as soon as nothing is under way to a
// server that loses slots: what is sent again must not be overtaken. late says
// that other nodes may need time for it too.
func (o *outbox) apply(next *layout, late bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	losers, winners := o.layout.changes(next)
	o.next, o.losers, o.late = next, losers, late
	for s := range winners {
		if !s.queue.open {
			s.queue.shut = time.Now() // patience begins with what it has now
		}
	}
	o.reroute()
}

func (o *outbox) reroute() {
	if o.next == nil {
		return
	}
	for s := range o.losers {
		if s.queue.sending > 0 {
			return // done comes back here
		}
	}
	losers := o.losers
	o.layout, o.next, o.losers = o.next, nil, nil
	for s := range losers {
		o.move(s)
	}
	for s := range o.layout.servers {
		s.queue.rouse()
	}
}

// move gives the messages of s to whom they belong now.
func (o *outbox) move(s *server) {
	messages := s.queue.messages
	s.queue.messages, s.queue.bytes = nil, 0
	for _, m := range messages {
		owner := o.layout.owner(m.channel)
		if owner != s && !s.queue.open && o.late {
			owner.queue.hold = time.Now().Add(holdback)
		}
		owner.queue.messages = append(owner.queue.messages, m)
		owner.queue.bytes += m.size()
	}
	s.queue.tellWaiting()
}

// open lets a server's messages go; late: after other nodes had time to return.
func (o *outbox) open(s *server, late bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	s.queue.open = true
	if late {
		s.queue.hold = time.Now().Add(holdback)
	}
	s.queue.rouse()
}

// shut keeps a server's messages.
func (o *outbox) shut(s *server) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if s.queue.open {
		s.queue.open, s.queue.shut = false, time.Now()
		s.queue.tellWaiting()
	}
	o.tellIdle()
}

// waiting returns the number of messages that wait for servers to come back.
func (o *outbox) waiting() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := 0
	for s := range o.layout.servers {
		if !s.queue.open || time.Now().Before(s.queue.hold) {
			n += len(s.queue.messages)
		}
	}
	return n
}

func (o *outbox) tellIdle() {
	select {
	case o.idle <- struct{}{}:
	default:
	}
}

// close refuses further messages and waits until servers that are there have
// theirs, or ctx ends.
func (o *outbox) close(ctx context.Context) {
	o.mu.Lock()
	o.closing = true
	for s := range o.layout.servers {
		s.queue.rouse()
		s.queue.tellWaiting()
	}
	o.mu.Unlock()
	for !o.sent() {
		select {
		case <-o.idle:
		case <-ctx.Done():
			return
		}
	}
}

// sent tells whether nothing is left for servers that are there.
func (o *outbox) sent() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for s := range o.layout.servers {
		if s.queue.open && len(s.queue.messages)+s.queue.sending > 0 {
			return false
		}
	}
	return true
}

// discard drops what is left when nothing is sent anymore.
func (o *outbox) discard() (n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for s := range o.layout.servers {
		n += len(s.queue.messages)
		s.queue.messages = nil
	}
	return n
}
