package client

import (
	"cmp"
	"encoding/json/v2"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/roost-dev/roost/wire"
)

const (
	// inFlight is how many pushes of CallOnce are sent and not answered at
	// most. They are the first ones that wait.
	inFlight = 32

	// reasonUnknown answers a push of which the server cannot say what became.
	reasonUnknown = "outcome_unknown"
)

// markedPush is a push of CallOnce (spec/protocol.md §21).
type markedPush struct {
	id      uint64
	event   string
	payload wire.Payload

	// The channel's mutex guards what follows.
	ref  wire.Value // under which the conversation that goes on sent it; null: it is to be sent
	sent int        // how often it was, without the word that it was not handled

	done  chan struct{} // closed with:
	reply wire.ServerMessage
	err   error
}

// outbox is the pushes of CallOnce that are not answered. Its fields but the
// channels are guarded by the channel's mutex.
type outbox struct {
	slots  chan struct{} // has a token for each call; nil: the channel asks for no session
	filled chan struct{} // has a token if something changed for who sends

	session string // the server's name for it; empty: none is known
	refused bool   // the server has none for us
	last    uint64 // the number of the last push
	waiting []*markedPush

	window   int           // how many of those that wait are sent
	refusals int           // pauses in a row
	answers  int           // since then, or since there were 32
	resume   time.Time     // nothing is sent until then
	pace     time.Duration // between one answer and the next push, while the server's limit is felt
}

func newOutbox(size int) outbox {
	if size <= 0 {
		return outbox{}
	}
	return outbox{slots: make(chan struct{}, size), filled: make(chan struct{}, 1), window: inFlight}
}

// ask adds to join params that pushes will be marked.
func (o *outbox) ask(p wire.Payload) (wire.Payload, error) {
	switch {
	case o.slots == nil:
		return p, nil
	case o.session == "":
		return withMember(p, wire.KeyMarked, true)
	}
	return withMember(p, wire.KeyMarked, struct {
		Session string `json:"session"`
	}{o.session})
}

// joined reads the reply to a join, and returns it without what is not for the
// application. All that waits is to be sent again.
func (o *outbox) joined(p wire.Payload) wire.Payload {
	if o.slots == nil {
		return p
	}
	member, rest, _ := p.Cut(wire.KeyMarked)
	var reply struct {
		Session string `json:"session"`
		Kept    bool   `json:"kept"`
	}
	if json.Unmarshal(member, &reply) != nil {
		reply.Session = ""
	}
	kept := o.session != "" && reply.Session != "" && reply.Kept
	o.session, o.refused = reply.Session, reply.Session == ""
	o.resume = time.Time{}
	for _, p := range o.waiting {
		p.ref = wire.Value{}
	}
	o.drop(func(p *markedPush) error {
		switch {
		case p.sent > 0 && !kept:
			return fmt.Errorf("%w: event %q: the server does not know the session any more", ErrOutcomeUnknown, p.event)
		case o.refused:
			return ErrOnceUnsupported
		}
		return nil
	})
	signal(o.filled)
	return rest
}

// add numbers a push.
func (o *outbox) add(event string, p wire.Payload) *markedPush {
	o.last++
	push := &markedPush{id: o.last, event: event, payload: p, done: make(chan struct{})}
	o.waiting = append(o.waiting, push)
	signal(o.filled)
	return push
}

// first is what may have been sent.
func (o *outbox) first() []*markedPush { return o.waiting[:min(len(o.waiting), inFlight)] }

// next returns the push that is to be sent. If there is none now it says for
// how long, or 0 until something changes.
func (o *outbox) next() (p *markedPush, pause time.Duration) {
	first := o.waiting[:min(len(o.waiting), o.window)]
	i := slices.IndexFunc(first, func(p *markedPush) bool { return p.ref.IsNull() })
	if i < 0 {
		return nil, 0
	}
	if pause = time.Until(o.resume); pause > 0 {
		return nil, pause
	}
	return first[i], 0
}

// mark is what says which push it is: all before the first that waits are
// answered.
func (o *outbox) mark(p *markedPush) []byte {
	return fmt.Appendf(nil, `{"id":%d,"done":%d}`, p.id, o.waiting[0].id-1)
}

// answered takes a reply, and reports whether it is one to a marked push.
func (o *outbox) answered(m wire.ServerMessage) bool {
	first := o.first()
	i := slices.IndexFunc(first, func(p *markedPush) bool { return p.ref == m.Ref && !m.Ref.IsNull() })
	again := isAgain(m)
	switch {
	case i < 0:
		return again // it was sent in another conversation
	case again:
		first[i].ref = wire.Value{}
		first[i].sent--
		o.pause(stay(replyError(m)))
	default:
		if o.answers++; o.answers >= inFlight {
			o.answers, o.refusals, o.pace, o.window = 0, 0, 0, min(2*o.window, inFlight)
		}
		o.resume = latest(o.resume, time.Now().Add(o.pace))
		o.settle(first[i], m, nil)
	}
	return true
}

// isAgain reports whether a push was not handled and may be sent again.
func isAgain(m wire.ServerMessage) bool {
	if m.Status == wire.StatusOK {
		return false
	}
	word, _, _ := m.Payload.Cut(wire.KeyMarked)
	return string(word) == `"again"`
}

// pause has nothing sent for a while, because the server would not handle
// something. If it said when it will handle the next one, that is when one is
// sent, and others follow one by one at that distance, which grows if it is too
// small: a server closes the connection of a client that runs into its limit
// again and again. If not, pauses grow, and half as much is sent at once. All of
// that is until 32 pushes in a row were answered; then what is sent at once
// doubles.
func (o *outbox) pause(asked time.Duration) {
	signal(o.filled)
	o.answers = 0
	now := time.Now()
	if now.Before(o.resume) { // what was in flight with what it would not handle before
		o.resume = latest(o.resume, now.Add(asked))
		return
	}
	if asked > 0 {
		o.window = 1
		o.pace += asked
	} else {
		o.refusals++
		o.window = max(o.window/2, 1)
		d := min(100*time.Millisecond<<min(o.refusals-1, 10), 5*time.Second)
		asked = d/2 + rand.N(d/2)
	}
	o.resume = now.Add(asked)
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// settle ends a push.
func (o *outbox) settle(p *markedPush, m wire.ServerMessage, err error) {
	i, waits := slices.BinarySearchFunc(o.waiting, p.id, func(p *markedPush, id uint64) int { return cmp.Compare(p.id, id) })
	if !waits {
		return
	}
	o.waiting = slices.Delete(o.waiting, i, i+1)
	p.reply, p.err = m, err
	close(p.done)
	signal(o.filled)
}

// drop ends the pushes for which there is a reason.
func (o *outbox) drop(why func(*markedPush) error) {
	o.waiting = slices.DeleteFunc(o.waiting, func(p *markedPush) bool {
		if p.err = why(p); p.err != nil {
			close(p.done)
		}
		return p.err != nil
	})
}

// end ends all pushes, because the channel is over.
func (o *outbox) end(why error) {
	o.drop(func(p *markedPush) error {
		if p.sent > 0 {
			return fmt.Errorf("%w: event %q: %w", ErrOutcomeUnknown, p.event, why)
		}
		return why
	})
}

// interrupted notes why a conversation broke off. What is too large for the
// server, or for us, would end each connection: it is given up.
func (o *outbox) interrupted(why error) {
	sent := slices.DeleteFunc(slices.Clone(o.first()), func(p *markedPush) bool { return p.ref.IsNull() })
	if codeFor(why) != closeTooBig || len(sent) == 0 {
		return
	}
	culprit := sent[0] // most likely, if it was a reply
	if _, ok := errors.AsType[*CloseError](why); ok {
		culprit = slices.MaxFunc(sent, func(p, q *markedPush) int { return cmp.Compare(len(p.payload.Data), len(q.payload.Data)) })
	}
	o.settle(culprit, wire.ServerMessage{}, fmt.Errorf("%w: event %q: %w", ErrInterrupted, culprit.event, why))
}
