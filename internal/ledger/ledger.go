// Package ledger keeps what became of marked pushes, so that each takes effect
// once however often it is sent (spec/protocol.md §21).
//
// Pushes are known by number within a session, which a client keeps while its
// connections come and go. A session may move to another node, with what is
// known of its pushes: it goes on under another name there.
package ledger

import (
	"container/list"
	"context"
	"crypto/rand"
	"sync"
	"time"
)

// Bounds is what a [Ledger] keeps at most. All must be positive.
type Bounds struct {
	// For is how long the outcome of a push is kept, and a session that
	// nobody holds. A push that has no outcome after so long never gets one.
	For time.Duration

	// Pushes is how many pushes of a session are known.
	Pushes int

	// Bytes is how much is kept of the replies of a session; the last one is
	// kept whatever its size.
	Bytes int

	// Idle and IdleBytes bound the sessions that nobody holds, and what is
	// kept of their replies. Beyond that the oldest go.
	Idle, IdleBytes int
}

// Reply is what a push was answered.
type Reply struct {
	Status string `json:"status"`
	Data   []byte `json:"data"`
	Binary bool   `json:"binary,omitzero"`
}

// unknown answers a push of which nobody can say whether it took effect.
var unknown = Reply{Status: "error", Data: []byte(`{"reason":"outcome_unknown"}`)}

// Ledger is the sessions of one server. It may be used from any goroutine; what
// it calls is called on that of the caller, or a timer's, and without locks.
type Ledger struct {
	bounds Bounds
	prefix string // begins the names of its sessions

	mu        sync.Mutex // guards what follows, and what sessions and entries say it does
	sessions  map[string]*Session
	idle      list.List // of *Session: those that nobody holds, in the order of time
	idleBytes int
	timer     *time.Timer // fires when the first of idle is old
}

// New returns an empty ledger. The names of its sessions begin with prefix.
func New(prefix string, bounds Bounds) *Ledger {
	return &Ledger{bounds: bounds, prefix: prefix, sessions: make(map[string]*Session)}
}

// Open begins a session, which the caller holds. Only its owner can find it
// again, for pushes on its topic.
func (l *Ledger) Open(owner, topic string) *Session {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open(owner, topic)
}

func (l *Ledger) open(owner, topic string) *Session {
	s := &Session{ledger: l, name: l.prefix + rand.Text(), owner: owner, topic: topic, holders: 1}
	l.sessions[s.name] = s
	return s
}

// Find returns the session of this name, which the caller holds then. If it
// has moved there is none, but the name that it goes by now. There is neither
// if it is not known, or not the owner's.
func (l *Ledger) Find(ctx context.Context, name, owner, topic string) (s *Session, movedTo string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s = l.settled(ctx, name, owner, topic); s == nil {
		return nil, ""
	}
	if s.movedTo != "" {
		return nil, s.movedTo
	}
	if s.holders++; s.holders == 1 {
		l.unidle(s)
	}
	return s, ""
}

// settled returns a session once it is here. The caller holds mu, which is
// given up meanwhile.
func (l *Ledger) settled(ctx context.Context, name, owner, topic string) *Session {
	for {
		s := l.sessions[name]
		if s == nil || s.owner != owner || s.topic != topic {
			return nil
		}
		arrives := s.arrives
		if arrives == nil {
			return s
		}
		l.mu.Unlock()
		select {
		case <-arrives:
		case <-ctx.Done():
		}
		l.mu.Lock()
		if ctx.Err() != nil {
			return nil
		}
	}
}

// unidle takes s out of those that nobody holds.
func (l *Ledger) unidle(s *Session) {
	l.idle.Remove(s.idle)
	s.idle = nil
	l.idleBytes -= s.bytes
}

// trim forgets sessions that nobody holds, down to the bounds.
func (l *Ledger) trim() {
	for l.idle.Len() > 0 {
		s := l.idle.Front().Value.(*Session)
		old := time.Since(s.idleSince) >= l.bounds.For
		if !old && l.idle.Len() <= l.bounds.Idle && l.idleBytes <= l.bounds.IdleBytes {
			break
		}
		l.unidle(s)
		delete(l.sessions, s.name)
	}
	switch {
	case l.idle.Len() == 0:
		if l.timer != nil {
			l.timer.Stop()
			l.timer = nil
		}
	case l.timer == nil:
		first := l.idle.Front().Value.(*Session)
		l.timer = time.AfterFunc(l.bounds.For-time.Since(first.idleSince), func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.timer = nil
			l.trim()
		})
	}
}

// Close forgets everything. Sessions that are held go on by themselves.
func (l *Ledger) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.sessions)
	l.idle.Init()
	l.idleBytes = 0
	l.trim()
}
