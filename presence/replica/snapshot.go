package replica

// parts are those of a snapshot that have come, until all have.
type parts struct {
	asOf    uint64
	entries map[uint64][]Entry // by part
	count   uint64             // how many there are; 0: not known yet
}

// maxAsked bounds how many snapshots are asked of one peer before it has sent
// some of them. The others are asked for as these come.
const maxAsked = 1024

// askFor asks the peer for what is stale, as far as it may.
func (r *Replica) askFor(p *peer) {
	var a ask
	size := 0
	for h := range p.stale.after(0) {
		if p.asked >= maxAsked {
			break
		}
		if h.asked {
			continue
		}
		size += maxUvarint + len(h.want.topic)
		if size > r.opts.MaxMessage && len(a.topics) > 0 {
			r.send(Message{To: ToNode, Node: p.node, Payload: a.encode()})
			a.topics, size = nil, maxUvarint+len(h.want.topic)
		}
		p.ask(h, true)
		a.topics = append(a.topics, h.want.topic)
	}
	if len(a.topics) > 0 {
		r.send(Message{To: ToNode, Node: p.node, Payload: a.encode()})
	}
}

// sendSnapshots sends what is owned on the topics, which may be nothing.
func (r *Replica) sendSnapshots(node NodeID, topics []string) {
	s, size := snapshot{asOf: r.own.clock}, 0
	flush := func() {
		r.send(Message{To: ToNode, Node: node, Payload: s.encode()})
		s.sections, size = nil, 0
	}
	for _, topic := range topics {
		var entries []Entry
		if o := r.own.topics[digestOf(topic)]; o != nil {
			entries = o.roster.entries()
		}
		for part := uint64(0); ; part++ {
			size += len(topic) + 4*maxUvarint
			n, bytes := fitting(entries, r.opts.MaxMessage-size)
			if n < len(entries) && len(s.sections) > 0 { // a new message has more room
				flush()
				size = len(topic) + 4*maxUvarint
				n, bytes = fitting(entries, r.opts.MaxMessage-size)
			}
			if n == 0 && len(entries) > 0 {
				n, bytes = 1, entrySize(&entries[0])
			}
			size += bytes
			s.sections = append(s.sections, section{topic: topic, part: part, last: n == len(entries), entries: entries[:n]})
			entries = entries[n:]
			if size >= r.opts.MaxMessage || len(entries) > 0 {
				flush()
			}
			if len(entries) == 0 {
				break
			}
		}
	}
	if len(s.sections) > 0 {
		flush()
	}
}

// fitting returns how many of the entries fit into room, and their size.
func fitting(entries []Entry, room int) (n, bytes int) {
	for n < len(entries) {
		size := entrySize(&entries[n])
		if bytes+size > room {
			break
		}
		bytes += size
		n++
	}
	return n, bytes
}

// takeSnapshot applies what is newer than what is held.
func (r *Replica) takeSnapshot(p *peer, s *snapshot) {
	for i := range s.sections {
		sec := &s.sections[i]
		w := r.wants[digestOf(sec.topic)]
		if w == nil || s.asOf <= p.upTo(w, p.held[w.digest]) {
			continue
		}
		h := r.hold(p, w)
		if sec.part == 0 && sec.last {
			r.replaceAll(p, h, sec.entries, s.asOf)
			continue
		}
		if entries, complete := h.takePart(sec, s.asOf); complete {
			r.replaceAll(p, h, entries, s.asOf)
			continue
		}
		r.miss(p, h, s.asOf) // so that it is asked for again if a part is lost
		p.ask(h, true)
	}
}

// takePart puts a part to the others, and returns all entries when it was the
// last that was missing. Parts of an older snapshot are dropped.
func (h *held) takePart(sec *section, asOf uint64) (entries []Entry, complete bool) {
	if h.parts == nil || h.parts.asOf < asOf {
		h.parts = &parts{asOf: asOf, entries: make(map[uint64][]Entry)}
	}
	ps := h.parts
	if ps.asOf > asOf {
		return nil, false
	}
	ps.entries[sec.part] = sec.entries
	if sec.last {
		ps.count = sec.part + 1
	}
	if uint64(len(ps.entries)) != ps.count {
		return nil, false
	}
	for part := range ps.count {
		entries = append(entries, ps.entries[part]...)
	}
	h.parts = nil
	return entries, true
}
