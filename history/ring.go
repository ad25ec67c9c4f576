package history

import (
	"slices"
	"strings"
	"time"
)

// ring is a queue of events. Its room follows their number closely, since that
// is what most of the memory besides payloads goes to.
type ring struct {
	slots []slot
	first int // index of the oldest
	count int
}

// slot is an event as it is kept.
type slot struct {
	payload []byte
	stamp   int64 // when it came, in ns of the log's clock, twice; odd if it is binary
	name    *word
	sender  *word // nil: none
}

// word is a name of an event or a sender, shared by all slots that have it.
type word struct {
	text string
	uses int
}

// words is the words in use.
type words map[string]*word

// slot makes e one that is to be pushed to r.
func (w words) slot(r *ring, e Event, now time.Duration) slot {
	made := slot{payload: e.Payload, stamp: int64(now) << 1}
	if e.Binary {
		made.stamp |= 1
	}
	var like slot // mostly an event is like the one before it
	if r.count > 0 {
		like = *r.at(r.count - 1)
	}
	made.name = w.take(e.Name, like.name)
	if e.Sender != "" {
		made.sender = w.take(e.Sender, like.sender)
	}
	return made
}

// take returns the word for text; guess may be it.
func (w words) take(text string, guess *word) *word {
	found := guess
	if found == nil || found.text != text {
		found = w[text]
	}
	if found == nil {
		text = strings.Clone(text) // it may be a piece of a frame
		found = &word{text: text}
		w[text] = found
	}
	found.uses++
	return found
}

// drop takes note that s is kept no longer.
func (w words) drop(s *slot) {
	w.release(s.name)
	if s.sender != nil {
		w.release(s.sender)
	}
}

func (w words) release(used *word) {
	used.uses--
	if used.uses == 0 {
		delete(w, used.text)
	}
}

func (s *slot) time() time.Duration { return time.Duration(s.stamp >> 1) }

func (s *slot) event() Event {
	e := Event{Name: s.name.text, Payload: s.payload, Binary: s.stamp&1 == 1}
	if s.sender != nil {
		e.Sender = s.sender.text
	}
	return e
}

// at returns the slot of the event that i others are older than.
func (r *ring) at(i int) *slot {
	i += r.first
	if i >= len(r.slots) {
		i -= len(r.slots)
	}
	return &r.slots[i]
}

// push adds an event. No more than limit are to come together.
func (r *ring) push(s slot, limit int) {
	if r.count == len(r.slots) {
		r.resize(min(r.count+r.count/6+1, limit))
	}
	r.count++
	*r.at(r.count - 1) = s
}

// drop removes the oldest n.
func (r *ring) drop(n int) {
	for i := range n {
		*r.at(i) = slot{} // lets go of the payload
	}
	r.count -= n
	if r.first += n; r.first >= len(r.slots) {
		r.first -= len(r.slots)
	}
	if spare := len(r.slots) - r.count; spare > 2+r.count/3 {
		r.resize(r.count + r.count/8)
	}
}

// resize gives the ring room for n events, or a little more if the allocator
// has it.
func (r *ring) resize(n int) {
	slots := slices.Grow([]slot(nil), n)
	slots = slots[:cap(slots)]
	for i := range r.count {
		slots[i] = *r.at(i)
	}
	r.slots, r.first = slots, 0
}
