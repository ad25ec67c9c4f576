package replica

import (
	"maps"
	"slices"
)

// parts are those of a snapshot that have come, until all have.
type parts struct {
	from    NodeID // that sends them
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

// sendSnapshots sends what is owned on the topics, which may be nothing, and
// what is held there of those that are about to stop, or have: they may not
// answer any more.
func (r *Replica) sendSnapshots(node NodeID, topics []string) {
	own := packer{r: r, to: node, asOf: r.own.clock}
	for _, topic := range topics {
		var entries []Entry
		if o := r.own.topics[digestOf(topic)]; o != nil {
			entries = o.roster.entries()
		}
		own.add(topic, entries)
	}
	own.flush()
	for _, writer := range slices.Sorted(maps.Keys(r.peers)) {
		if p := r.peers[writer]; p.leaving && writer != node {
			r.sendCopies(node, p, topics)
		}
	}
}

// sendCopies sends what is held of a peer. As it was true as of the peer's
// version that it names, it does not matter who says it.
func (r *Replica) sendCopies(node NodeID, p *peer, topics []string) {
	for _, topic := range topics {
		h := p.held[digestOf(topic)]
		if h == nil || h.roster.len() == 0 {
			continue
		}
		copies := packer{r: r, to: node, writer: p.node, asOf: p.upTo(h.want, h)}
		copies.add(topic, h.roster.entries())
		copies.flush()
	}
}

// packer sends a snapshot in messages that are not too large.
type packer struct {
	r  *Replica
	to NodeID
	snapshot
	size int // about, of the sections
}

func (k *packer) flush() {
	if len(k.sections) > 0 {
		k.r.send(Message{To: ToNode, Node: k.to, Payload: k.encode()})
	}
	k.sections, k.size = nil, 0
}

func (k *packer) add(topic string, entries []Entry) {
	most := k.r.opts.MaxMessage - len(k.writer)
	for part := uint64(0); ; part++ {
		k.size += len(topic) + 4*maxUvarint
		n, bytes := fitting(entries, most-k.size)
		if n < len(entries) && len(k.sections) > 0 { // a new message has more room
			k.flush()
			k.size = len(topic) + 4*maxUvarint
			n, bytes = fitting(entries, most-k.size)
		}
		if n == 0 && len(entries) > 0 {
			n, bytes = 1, entrySize(&entries[0])
		}
		k.size += bytes
		k.sections = append(k.sections, section{topic: topic, part: part, last: n == len(entries), entries: entries[:n]})
		entries = entries[n:]
		if k.size >= most || len(entries) > 0 {
			k.flush()
		}
		if len(entries) == 0 {
			return
		}
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

// takeSnapshot applies what is newer than what is held of p, which need not
// be who sent it.
func (r *Replica) takeSnapshot(p *peer, from NodeID, s *snapshot) {
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
		if entries, complete := h.takePart(sec, from, s.asOf); complete {
			r.replaceAll(p, h, entries, s.asOf)
			continue
		}
		r.miss(p, h, s.asOf) // so that it is asked for again if a part is lost
		p.ask(h, true)
	}
}

// takePart puts a part to the others, and returns all entries when it was the
// last that was missing. Parts of an older snapshot are dropped. Several nodes
// may send the same snapshot, in other parts: those of one are gathered.
func (h *held) takePart(sec *section, from NodeID, asOf uint64) (entries []Entry, complete bool) {
	ps := h.parts
	if ps == nil || ps.asOf < asOf || ps.asOf == asOf && ps.from != from && sec.part == 0 {
		ps = &parts{from: from, asOf: asOf, entries: make(map[uint64][]Entry)}
		h.parts = ps
	}
	if ps.asOf != asOf || ps.from != from {
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
