package ledger

import (
	"container/list"
	"slices"
	"time"
)

// Session is what is known of a client's marked pushes on one topic. It is held
// by whoever handles some.
type Session struct {
	ledger *Ledger
	name   string
	owner  string
	topic  string

	// The ledger's mutex guards what follows.
	holders     int
	idle        *list.Element // nil if somebody holds it
	idleSince   time.Time
	arrives     chan struct{} // closed when what is known has come from another node; nil if it is here
	movedTo     string        // the session goes on under this name
	pushes      map[uint64]*Push
	finished    []*Push // in the order of time
	bytes       int     // of their replies
	forgottenTo uint64  // of numbers up to here nothing is known, but of those in pushes
}

// Push is one that was marked.
type Push struct {
	session *Session
	number  uint64
	began   time.Time

	// The ledger's mutex guards what follows.
	over     bool // and reply is what it was answered:
	reply    Reply
	overAt   time.Time
	waiting  []func(Reply)
	deadline *time.Timer // for those that wait
}

// Verdict is what is to be done with a push.
type Verdict uint8

// The verdicts.
const (
	Run     Verdict = iota + 1 // handle it, and Finish it: it was not handled before
	Wait                       // it is being handled, and its reply will be told
	Told                       // its reply was told
	Refused                    // not now: it was not handled, and may be sent again
	Gone                       // it was not handled: the session goes on elsewhere
)

const (
	// maxWaiting is how many wait for one push. Those that came first are
	// dropped beyond: theirs are connections that broke.
	maxWaiting = 8

	// pushBytes is what a push counts besides its reply.
	pushBytes = 64
)

// Name is what the client knows the session by. It has 128 random bits at
// least.
func (s *Session) Name() string { return s.name }

// Release gives the session up, for who holds it.
func (s *Session) Release() {
	l := s.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.holders--; s.holders > 0 || l.sessions[s.name] != s {
		return
	}
	s.idle, s.idleSince = l.idle.PushBack(s), time.Now()
	l.idleBytes += s.bytes
	l.trim()
}

// Begin looks a push up. All with numbers up to done are answered, and the
// client will not ask for them again. tell gets the reply of a push that was,
// or is being, handled.
func (s *Session) Begin(number, done uint64, tell func(Reply)) (*Push, Verdict) {
	p, verdict, reply := s.begin(number, done, tell)
	if verdict == Told {
		tell(reply)
	}
	return p, verdict
}

func (s *Session) begin(number, done uint64, tell func(Reply)) (*Push, Verdict, Reply) {
	l := s.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.movedTo != "" {
		return nil, Gone, Reply{}
	}
	s.forget(done)
	p := s.pushes[number]
	switch {
	case p == nil && number <= s.forgottenTo:
		return nil, Told, unknown
	case p == nil && len(s.pushes)-len(s.finished) >= l.bounds.Pushes:
		return nil, Refused, Reply{}
	case p == nil:
		p = &Push{session: s, number: number, began: time.Now()}
		if s.pushes == nil {
			s.pushes = make(map[uint64]*Push)
		}
		s.pushes[number] = p
		return p, Run, Reply{}
	case p.over:
		return nil, Told, p.reply
	}
	p.wait(tell)
	if p.deadline == nil {
		p.deadline = time.AfterFunc(l.bounds.For-time.Since(p.began), p.Lose)
	}
	return nil, Wait, Reply{}
}

// wait has tell called with the reply.
func (p *Push) wait(tell func(Reply)) {
	if len(p.waiting) >= maxWaiting {
		p.waiting = append(p.waiting[:0], p.waiting[1:]...)
	}
	p.waiting = append(p.waiting, tell)
}

// Finish notes the reply of a push, and tells it to who waits. Only the first
// one counts.
func (p *Push) Finish(r Reply) {
	for _, tell := range p.finish(r) {
		tell(r)
	}
}

// Lose is Finish for a push of which nobody can say whether it took effect.
func (p *Push) Lose() { p.Finish(unknown) }

func (p *Push) finish(r Reply) (waiting []func(Reply)) {
	s := p.session
	l := s.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	if p.over {
		return nil
	}
	waiting, p.waiting = p.waiting, nil
	if p.deadline != nil {
		p.deadline.Stop()
	}
	p.over, p.overAt, p.reply = true, time.Now(), r
	s.finished = append(s.finished, p)
	s.grow(len(r.Data) + pushBytes)
	s.forget(0)
	if s.idle != nil {
		l.trim()
	}
	return waiting
}

// forget drops what the client has, and what is too old or too much.
func (s *Session) forget(done uint64) {
	bounds := &s.ledger.bounds
	n := 0
	for i, p := range s.finished {
		rest := len(s.finished) - i
		if p.number > done && rest <= bounds.Pushes && (s.bytes <= bounds.Bytes || rest == 1) && time.Since(p.overAt) < bounds.For {
			s.finished[n] = p
			n++
			continue
		}
		s.forgottenTo = max(s.forgottenTo, p.number)
		s.grow(-len(p.reply.Data) - pushBytes)
		delete(s.pushes, p.number)
	}
	clear(s.finished[n:])
	s.finished = s.finished[:n]
	s.forgottenTo = max(s.forgottenTo, done)
}

// grow changes how much is kept.
func (s *Session) grow(n int) {
	s.bytes += n
	if s.idle != nil {
		s.ledger.idleBytes += n
	}
}

// numbers returns those of the pushes that are known, in order.
func (s *Session) numbers() []uint64 {
	all := make([]uint64, 0, len(s.pushes))
	for n := range s.pushes {
		all = append(all, n)
	}
	slices.Sort(all)
	return all
}
