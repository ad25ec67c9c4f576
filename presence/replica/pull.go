package replica

// listed is how many topics one pull or answer lists.
func (r *Replica) listed() int {
	return max(1, r.opts.MaxMessage/2/(digestSize+maxUvarint))
}

// sendPull asks the peer what it touched, and about the wants that it has not
// answered to yet.
func (r *Replica) sendPull(p *peer) {
	m := pull{first: !p.known, seen: p.cursor, after: p.acked, upTo: r.wanted}
	p.cut = false
	var last uint64
	for w := range r.wantsByNumber.after(p.acked) {
		if len(m.wants) == r.listed() {
			p.cut, m.upTo = true, last
			break
		}
		m.wants, last = append(m.wants, w.digest), w.number
	}
	r.send(Message{To: ToNode, Node: p.node, Payload: m.encode()})
}

// sendAnswer answers a pull.
func (r *Replica) sendAnswer(node NodeID, m *pull) {
	w := &r.own
	a := answer{first: m.first, seen: m.seen, till: w.clock, now: w.clock, after: m.after, upTo: m.after}
	if !m.first && (m.seen < w.floor || m.seen > w.clock) {
		a.reset = true
		r.send(Message{To: ToNode, Node: node, Payload: a.encode()})
		return
	}
	if !m.first {
		a.touched, a.till = w.touchedAfter(m.seen, r.listed())
	}
	if a.till == a.now {
		a.owned, a.upTo = w.owned(m.wants), m.upTo
	}
	if p := r.peers[node]; p != nil {
		p.pulled = true
		p.theirs = max(p.theirs, m.seen)
		if m.first {
			p.theirs = max(p.theirs, a.now) // it starts there
		}
	}
	r.send(Message{To: ToNode, Node: node, Payload: a.encode()})
}

// touchedAfter returns the topics touched last after version, up to a number of
// them, and up to which version these are all.
func (w *writer) touchedAfter(version uint64, most int) (touched []touch, till uint64) {
	for o := range w.touched.after(version) {
		if len(touched) == most {
			return touched, touched[most-1].version
		}
		touched = append(touched, touch{o.digest, o.version})
	}
	return touched, w.clock
}

// owned returns those of the topics that have presences.
func (w *writer) owned(wants []digest) []touch {
	var owned []touch
	for _, d := range wants {
		if o := w.topics[d]; o != nil && o.told > 0 {
			owned = append(owned, touch{d, o.version})
		}
	}
	return owned
}

// takeAnswer notes what an answer says. It counts only if, with it, all wants
// up to a number are known to be right up to the answer's now: those that were
// so up to the answer's seen, and those that it tells of. An answer that is
// older than the last one might miss what was touched between the two.
func (r *Replica) takeAnswer(p *peer, a *answer) {
	if a.reset {
		if p.known && a.seen == p.cursor {
			p.known, p.seen, p.acked, p.cursor = false, 0, 0, 0
			r.pullFrom(p)
		}
		return
	}
	follows := p.known && !a.first && a.seen <= p.cursor
	begins := a.after == 0 && a.upTo >= p.acked && a.till == a.now
	if a.now < p.now || a.after > p.acked || !follows && !begins {
		return
	}
	p.now = a.now
	for _, t := range a.touched {
		if w := r.wants[t.digest]; w != nil && w.number <= p.acked {
			r.heard(p, w, t.version)
		}
	}
	if a.till < a.now {
		if a.till > p.cursor {
			p.cursor = a.till
			r.pullFrom(p)
		}
		return
	}
	r.takeOwned(p, a)
	if p.cut && a.upTo > p.acked {
		r.pullFrom(p)
	}
	p.known, p.seen, p.cursor, p.acked = true, a.now, a.now, max(p.acked, a.upTo)
	p.forget()
}

// heard notes that the peer changed a topic last at version.
func (r *Replica) heard(p *peer, w *want, version uint64) {
	if p.upTo(w, p.held[w.digest]) < version {
		r.miss(p, r.hold(p, w), version)
	}
}

// takeOwned notes which of the wants that were asked about the peer has.
func (r *Replica) takeOwned(p *peer, a *answer) {
	owned := make(map[digest]bool, len(a.owned))
	for _, t := range a.owned {
		owned[t.digest] = true
		if w := r.wants[t.digest]; w != nil && w.number > a.after && w.number <= a.upTo {
			r.heard(p, w, t.version)
		}
	}
	for w := range r.wantsByNumber.after(a.after) {
		if w.number > a.upTo {
			break
		}
		if h := p.held[w.digest]; h != nil && !owned[w.digest] && a.now > p.upTo(w, h) {
			r.replaceAll(p, r.hold(p, w), nil, a.now)
		}
	}
}
