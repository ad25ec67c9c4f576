package nats

import (
	"errors"
	"math/rand/v2"
	"time"

	"github.com/nats-io/nats.go"
)

// What the connection to a server allows itself.
const (
	dialTimeout  = 2 * time.Second
	writeTimeout = 2 * time.Second // of one write
	pingInterval = time.Second
	pingsMissed  = 3
	maxBackoff   = 500 * time.Millisecond

	// regroup is how long messages that waited for a server go on to wait,
	// for the other nodes: those that are back later would not hear them.
	regroup = maxBackoff + 200*time.Millisecond
)

// backoff is how long to wait before the next attempt to connect.
func backoff(attempts int, most time.Duration) time.Duration {
	d := min(most, 50*time.Millisecond<<min(attempts, 10))
	return d/2 + rand.N(d/2)
}

// write is the goroutine that gives NATS's client what the outbox holds.
func (l *link) write(opts nats.Options) {
	defer close(l.drained)
	nc, err := opts.Connect()
	if err != nil { // with retries this is only how it says that it was closed
		l.logger.Error("nats: not connected", "error", err)
		return
	}
	if l.ready != nil {
		if err := l.ready(nc); err != nil {
			l.logger.Error("nats: not subscribed", "error", err)
		}
	}
	l.mu.Lock()
	l.conn = nc
	l.mu.Unlock()
	var spare []message
	for {
		w := l.out.take(time.Now(), spare)
		for subject, wanted := range w.interests {
			l.apply(nc, subject, wanted)
		}
		l.handOver(w.settlers)
		blocked := !l.send(nc, w.messages)
		if l.ctx.Err() != nil || w.closing && (w.empty() || blocked) {
			return
		}
		spare = w.messages
		if blocked {
			spare = nil // given back
		}
		if w.empty() || blocked {
			l.rest(blocked)
		}
	}
}

// rest waits for something to do. A client that took no message has lost its
// connection and is about to say so.
func (l *link) rest(blocked bool) {
	lost, after := l.out.expire(time.Now())
	if lost > 0 {
		l.logger.Warn("nats: away for too long, what waited is dropped", "lost", lost)
	}
	if blocked {
		after = 5 * time.Millisecond
	}
	var timeout <-chan time.Time
	if after > 0 {
		timer := time.NewTimer(after)
		defer timer.Stop()
		timeout = timer.C
	}
	select {
	case <-l.out.wake:
	case <-timeout:
	case <-l.ctx.Done():
	}
}

// chunk is the number of messages after which room is made for others.
const chunk = 64

// send reports whether the client took all messages.
func (l *link) send(nc *nats.Conn, ms []message) bool {
	if len(ms) == 0 {
		return true
	}
	defer clear(ms)
	defer l.wakeConfirmer()
	for len(ms) > 0 {
		part := ms[:min(chunk, len(ms))]
		l.out.writing(len(part))
		n, bytes := l.sendPart(nc, part)
		l.out.wrote(n, bytes)
		if n < len(part) {
			l.out.writing(len(ms) - len(part))
			l.out.giveBack(ms[n:])
			return false
		}
		ms = ms[n:]
	}
	return true
}

// sendPart returns how many messages are dealt with, and their bytes.
func (l *link) sendPart(nc *nats.Conn, ms []message) (n, bytes int) {
	for _, m := range ms {
		switch err := nc.Publish(m.subject, m.data); {
		case err == nil:
		case errors.Is(err, nats.ErrReconnectBufExceeded), errors.Is(err, nats.ErrConnectionClosed):
			return n, bytes
		default: // too large for a server that it was not made for, or half written
			l.out.lose(1)
			l.report("nats: a message was not sent", "error", err)
		}
		n++
		bytes += m.size()
	}
	return n, bytes
}

// apply makes or ends a subscription.
func (l *link) apply(nc *nats.Conn, subject string, wanted bool) {
	sub := l.wanted[subject]
	if wanted == (sub != nil) {
		return
	}
	if !wanted {
		delete(l.wanted, subject)
		l.forget(sub)
		return
	}
	sub, err := nc.ChanSubscribe(l.names.subject(subject), l.lane(subject))
	if err != nil {
		if l.ctx.Err() == nil {
			l.report("nats: not subscribed", "error", err)
		}
		return
	}
	l.wanted[subject] = sub
}

// forget ends a subscription, but for what it has lost.
func (l *link) forget(sub *nats.Subscription) {
	l.mu.Lock()
	if l.slow[sub] {
		delete(l.slow, sub)
		if n, err := sub.Dropped(); err == nil {
			l.dropped.Add(uint64(n))
		}
	}
	l.mu.Unlock()
	if err := sub.Unsubscribe(); err != nil && l.ctx.Err() == nil {
		l.report("nats: not unsubscribed", "error", err)
	}
}
