package replica

import (
	"cmp"
	"slices"
)

// peer is another node that is up, and what is held of it.
type peer struct {
	node NodeID
	held map[digest]*held

	// What is known of it: for every topic whose number among the wants is at
	// most acked, and that is not stale, what is held is the truth up to its
	// version seen at least. Nothing held means that there was nothing.
	known bool
	seen  uint64
	acked uint64

	// While its answers are cut: they told of what was touched last in
	// (seen, cursor]. What was touched there and again since comes with a
	// later answer, so nothing is the truth up to cursor yet.
	cursor uint64
	now    uint64 // its version at the last answer

	stale sequence[held]
	marks uint64           // the number of the last stale mark
	asked int              // how many of the stale ones are asked for
	empty map[digest]*held // without entries; needed only until seen is past them

	pulled bool   // the peer has pulled since it is up
	theirs uint64 // up to which version of ours it said to have seen all

	leaving bool // others answer for it

	queued bool // in Replica.queue
	toPull bool
	cut    bool // the last pull had not all wants
}

// held is what is held of a peer on one topic: the peer's presences there as
// they were at its version asOf.
type held struct {
	want   *want
	roster roster
	asOf   uint64
	need   uint64 // there is something newer up to this version at least

	mark  uint64   // its number in peer.stale; 0: not stale
	asked bool     // for a snapshot, since the last tick
	later []*delta // that may follow when asOf has caught up, by version
	parts *parts
}

// maxLater bounds the deltas kept behind a gap. Those beyond it come with
// another snapshot.
const maxLater = 16

// upTo returns the peer's version up to which what is held of the topic, which
// may be nothing, is the truth.
func (p *peer) upTo(w *want, h *held) uint64 {
	if h != nil && h.mark != 0 {
		return h.asOf
	}
	var n uint64
	if h != nil {
		n = h.asOf
	}
	if w.number <= p.acked {
		n = max(n, p.seen)
	}
	return n
}

// hold returns what is held of the topic, as of now at least.
func (r *Replica) hold(p *peer, w *want) *held {
	h := p.held[w.digest]
	upTo := p.upTo(w, h)
	if h == nil {
		h = &held{want: w, roster: roster{tally: &r.tally}}
		p.held[w.digest] = h
	}
	h.asOf = upTo
	return h
}

// miss notes that the peer has something newer than what is held.
func (r *Replica) miss(p *peer, h *held, version uint64) {
	h.need = max(h.need, version)
	if h.mark == 0 {
		p.marks++
		h.mark = p.marks
		p.stale.push(h.mark, h)
	}
	r.enqueue(p)
}

// settle ends the staleness of what has caught up.
func (r *Replica) settle(p *peer, h *held) {
	if h.mark != 0 && h.asOf >= h.need {
		p.unmark(h)
		r.enqueue(p) // others may be asked for
	}
	if h.roster.len() > 0 {
		delete(p.empty, h.want.digest)
		return
	}
	p.empty[h.want.digest] = h
}

// unmark takes h, which is stale, from among the stale.
func (p *peer) unmark(h *held) {
	p.stale.drop(h.mark)
	h.mark, h.later, h.parts = 0, nil, nil
	p.ask(h, false)
}

func (p *peer) ask(h *held, asked bool) {
	if h.asked == asked {
		return
	}
	h.asked = asked
	if asked {
		p.asked++
	} else {
		p.asked--
	}
}

// forget lets go of what says only that there was nothing, where seen says so
// as well.
func (p *peer) forget() {
	for d, h := range p.empty {
		if h.mark == 0 && h.want.number <= p.acked && h.asOf <= p.seen {
			delete(p.empty, d)
			delete(p.held, d)
		}
	}
}

// drop lets go of what is held of a topic and returns its entries.
func (p *peer) drop(d digest) []Entry {
	h := p.held[d]
	if h == nil {
		return nil
	}
	if h.mark != 0 {
		p.unmark(h)
	}
	delete(p.empty, d)
	delete(p.held, d)
	return h.roster.clear()
}

// takeDelta applies a delta to what it follows. If something between is
// missing it is kept, and a snapshot is awaited.
func (r *Replica) takeDelta(p *peer, d *delta) {
	w := r.wants[digestOf(d.topic)]
	if w == nil || d.version <= p.upTo(w, p.held[w.digest]) {
		return
	}
	h := r.hold(p, w)
	if d.prev > h.asOf {
		r.miss(p, h, d.version)
		h.keep(d)
		if w.number > p.acked {
			p.ask(h, true) // Want asked already
		}
		return
	}
	r.apply(p, h, d)
	r.follow(p, h)
}

// keep keeps a delta for later.
func (h *held) keep(d *delta) {
	i, known := slices.BinarySearchFunc(h.later, d.version, func(d *delta, version uint64) int {
		return cmp.Compare(d.version, version)
	})
	if !known && len(h.later) < maxLater {
		h.later = slices.Insert(h.later, i, d)
	}
}

// follow applies the deltas that were kept, as far as they follow.
func (r *Replica) follow(p *peer, h *held) {
	for len(h.later) > 0 && h.later[0].prev <= h.asOf {
		d := h.later[0]
		h.later = h.later[1:]
		if d.version > h.asOf {
			r.apply(p, h, d)
		}
	}
	r.settle(p, h)
}

// apply applies a delta that follows what is held.
func (r *Replica) apply(p *peer, h *held, d *delta) {
	c := Change{Topic: h.want.topic, Node: p.node}
	if d.prev == 0 { // nobody was there before
		h.roster.become(d.joins, &c)
	} else {
		h.roster.apply(d, &c)
	}
	h.asOf = d.version
	r.report(&c)
}

// replaceAll makes what is held what the peer had at its version asOf.
func (r *Replica) replaceAll(p *peer, h *held, entries []Entry, asOf uint64) {
	c := Change{Topic: h.want.topic, Node: p.node}
	h.roster.become(entries, &c)
	h.asOf = asOf
	r.report(&c)
	r.follow(p, h)
}
