package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// State is what is known of a session's pushes, on its way to another node.
type State struct {
	MovedTo     string  `json:"moved_to,omitzero"` // it has gone elsewhere, and this is all
	ForgottenTo uint64  `json:"forgotten_to,omitzero"`
	Pushes      []Known `json:"pushes,omitzero"`
}

// Known is what is known of one push.
type Known struct {
	Number uint64 `json:"number"`
	Reply  *Reply `json:"reply,omitzero"` // nil: it is being handled
}

// ErrNoSession is that of a session that is not known, or not its owner's.
var ErrNoSession = errors.New("ledger: there is no such session")

// Take has a session go on elsewhere under another name: no push is handled
// here any more, but for those that are. It may be taken to one name only; who
// takes it to that one again gets the same.
func (l *Ledger) Take(ctx context.Context, name, owner, topic, to string) (State, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.settled(ctx, name, owner, topic)
	switch {
	case s == nil:
		return State{}, ErrNoSession
	case s.movedTo != "" && s.movedTo != to:
		return State{MovedTo: s.movedTo}, nil
	}
	s.movedTo = to
	s.forget(0)
	st := State{ForgottenTo: s.forgottenTo}
	for _, number := range s.numbers() {
		p, k := s.pushes[number], Known{Number: number}
		if p.over {
			k.Reply = &p.reply
		}
		st.Pushes = append(st.Pushes, k)
	}
	return st, nil
}

// Await returns the reply of a push that was being handled here when its
// session moved. The caller is trusted.
func (l *Ledger) Await(ctx context.Context, name string, number uint64) (Reply, error) {
	told := make(chan Reply, 1)
	l.mu.Lock()
	s := l.sessions[name]
	if s == nil || s.pushes[number] == nil {
		l.mu.Unlock()
		return Reply{}, fmt.Errorf("%w, or no push %d in it", ErrNoSession, number)
	}
	if p := s.pushes[number]; p.over {
		told <- p.reply
	} else {
		p.wait(func(r Reply) { told <- r })
	}
	l.mu.Unlock()
	select {
	case r := <-told:
		return r, nil
	case <-ctx.Done():
		return Reply{}, context.Cause(ctx)
	}
}

// Expect opens a session that is to come from another node: who looks for it
// waits until it has arrived, or does not come. The caller holds it, and must
// call either.
func (l *Ledger) Expect(owner, topic string) *Session {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.open(owner, topic)
	s.arrives = make(chan struct{})
	return s
}

// Arrive fills an expected session. It returns the pushes that are still being
// handled elsewhere, which the caller finishes.
func (s *Session) Arrive(st State) (running map[uint64]*Push) {
	l := s.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	s.forgottenTo = st.ForgottenTo
	s.pushes = make(map[uint64]*Push, len(st.Pushes))
	running = make(map[uint64]*Push)
	now := time.Now()
	for _, k := range st.Pushes {
		p := &Push{session: s, number: k.Number, began: now}
		s.pushes[k.Number] = p
		if k.Reply == nil {
			running[k.Number] = p
			continue
		}
		p.over, p.overAt, p.reply = true, now, *k.Reply
		s.finished = append(s.finished, p)
		s.grow(len(p.reply.Data) + pushBytes)
	}
	close(s.arrives)
	s.arrives = nil
	return running
}

// Miss gives an expected session up: it does not come.
func (s *Session) Miss() {
	l := s.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.sessions, s.name)
	close(s.arrives)
	s.arrives = nil
}
