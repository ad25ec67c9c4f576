package poller

import (
	"math"
	"time"
)

// Tick is how coarse deadlines are: each passes up to a tick too late, and
// never too early.
const Tick = 100 * time.Millisecond

// turns is how many ticks a wheel sees ahead. What is due later is woken up
// early, and sets its deadline anew.
const turns = 1024

// never is the tick of what has no deadline.
const never = math.MaxInt64

// wheel holds what has a deadline, by the tick at which it is due. Setting and
// removing one costs the same however many there are.
type wheel struct {
	slots [turns]*spoke // lists; the tick t is at t%turns
	tick  int64         // everything up to here has been called
	next  int64         // nothing is due before this
}

// spoke is a place in a wheel.
type spoke struct {
	next, prev *spoke // prev is nil in the first of a list
	at         int64  // the tick; 0 when in no wheel
	owner      Owner
}

// set moves s to when at is reached, or at the latest a turn ahead.
func (w *wheel) set(s *spoke, at time.Duration) {
	tick := int64((at + Tick - 1) / Tick)
	tick = min(max(tick, w.tick+1), w.tick+turns-1)
	if s.at == tick {
		return
	}
	w.remove(s)
	slot := &w.slots[tick%turns]
	s.at, s.next, s.prev = tick, *slot, nil
	if s.next != nil {
		s.next.prev = s
	}
	*slot = s
	w.next = min(w.next, tick)
}

func (w *wheel) remove(s *spoke) {
	if s.at == 0 {
		return
	}
	if s.prev != nil {
		s.prev.next = s.next
	} else {
		w.slots[s.at%turns] = s.next
	}
	if s.next != nil {
		s.next.prev = s.prev
	}
	s.at, s.next, s.prev = 0, nil, nil
}

// advance takes out all that is due at now, and calls each. The calls may set
// and remove.
func (w *wheel) advance(now time.Duration, call func(*spoke)) {
	tick := int64(now / Tick)
	if tick < w.next {
		w.tick = max(w.tick, tick)
		return
	}
	var due *spoke
	for t := max(w.tick+1, tick-turns+1); t <= tick; t++ {
		slot := &w.slots[t%turns]
		for s := *slot; s != nil; s = *slot {
			w.remove(s)
			s.next, due = due, s
		}
	}
	w.tick = tick
	w.next = w.first()
	for s := due; s != nil; s = due {
		due, s.next = s.next, nil
		call(s)
	}
}

// first returns the earliest tick at which anything is due.
func (w *wheel) first() int64 {
	for t := w.tick + 1; t < w.tick+turns; t++ {
		if w.slots[t%turns] != nil {
			return t
		}
	}
	return never
}

// wait returns how long nothing is due, and false if nothing ever is.
func (w *wheel) wait(now time.Duration) (time.Duration, bool) {
	if w.next == never {
		return 0, false
	}
	return max(time.Duration(w.next)*Tick-now, 0), true
}
