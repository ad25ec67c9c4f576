package replica

// own is a topic that has own presences, or had some that peers may believe
// in: then it is a tombstone.
type own struct {
	topic   string
	digest  digest
	roster  roster
	version uint64 // of its last delta; 0: what its deltas say adds up to nobody
	told    int    // how many presences its deltas add up to
	owned   bool   // as the last Output had it

	changes []ownChange // since the last delta
	index   map[*member]int
}

// ownChange is what became of a member since the last delta.
type ownChange struct {
	member *member
	told   string // the ref that others know it by; empty: they do not
	gone   bool
}

// writer is the part of a replica that is the only writer of its presences.
type writer struct {
	topics  map[digest]*own
	clock   uint64        // the version of the last delta, on any topic
	touched sequence[own] // by version
	tombs   sequence[own] // those of touched that are tombstones
	floor   uint64        // tombstones up to this version may be forgotten
	dirty   []*own
	tally   tally
}

// Add makes an own presence, behind the others on the topic. It does nothing
// if there is one with its Ref.
func (r *Replica) Add(topic string, e Entry) {
	o := r.own.topic(topic)
	if m := o.roster.add(&e); m != nil {
		r.own.change(o, m, "")
	}
}

// Replace puts e, with another Ref, in the place of the own presence with the
// ref old. If there is none it adds e.
func (r *Replica) Replace(topic, old string, e Entry) {
	o := r.own.topic(topic)
	m := o.roster.find(old)
	if m == nil {
		r.Add(topic, e)
		return
	}
	if o.roster.find(e.Ref) == nil {
		r.own.change(o, m, old)
		o.roster.replace(m, &e)
	}
}

// Remove ends an own presence. It does nothing if there is none with ref.
func (r *Replica) Remove(topic, ref string) {
	o := r.own.topics[digestOf(topic)]
	if o == nil {
		return
	}
	m := o.roster.find(ref)
	if m == nil {
		return
	}
	r.own.change(o, m, ref).gone = true
	o.roster.remove(m)
}

func (w *writer) topic(topic string) *own {
	d := digestOf(topic)
	o := w.topics[d]
	if o == nil {
		o = &own{topic: topic, digest: d, roster: roster{tally: &w.tally}}
		w.topics[d] = o
	}
	return o
}

// change notes that m, which others know as told unless something of it was
// noted before, changes.
func (w *writer) change(o *own, m *member, told string) *ownChange {
	if len(o.changes) == 0 {
		w.dirty = append(w.dirty, o)
	}
	i, ok := o.index[m]
	if !ok {
		i = len(o.changes)
		o.changes = append(o.changes, ownChange{member: m, told: told})
		if o.index == nil {
			o.index = make(map[*member]int, 1)
		}
		o.index[m] = i
	}
	return &o.changes[i]
}

// publish makes deltas of what changed.
func (r *Replica) publish() {
	for _, o := range r.own.dirty {
		r.publishTopic(o)
		if has := o.roster.len() > 0; has != o.owned {
			o.owned = has
			if has {
				r.out.Owned = append(r.out.Owned, o.topic)
			} else {
				r.out.Disowned = append(r.out.Disowned, o.topic)
			}
		}
		if o.version == 0 && o.roster.len() == 0 {
			delete(r.own.topics, o.digest) // it came and went
		}
	}
	r.own.dirty = nil
	for r.own.tombs.live > r.opts.MaxTombstones {
		r.own.bury(r.own.tombs.first())
	}
}

// publishTopic makes of what changed on a topic one delta, or several if one
// would be too large. Leaves come first, for those who hold it bounded.
func (r *Replica) publishTopic(o *own) {
	var leaves, replaced, joins []ownChange
	for _, c := range o.changes {
		switch {
		case c.told == "" && c.gone: // nobody heard of it
		case c.gone:
			leaves = append(leaves, c)
		case c.told != "":
			replaced = append(replaced, c)
		default:
			joins = append(joins, c)
		}
	}
	o.changes, o.index = nil, nil
	room := r.opts.MaxMessage - len(o.topic) - 8*maxUvarint
	d, size := &delta{topic: o.topic}, 0
	fit := func(n int) *delta {
		if size > 0 && size+n > room {
			r.emit(o, d)
			d, size = &delta{topic: o.topic}, 0
		}
		size += n
		return d
	}
	for _, c := range leaves {
		d := fit(maxUvarint + len(c.told))
		d.leaves = append(d.leaves, c.told)
	}
	for _, c := range replaced {
		d := fit(maxUvarint + len(c.told) + entrySize(&c.member.Entry))
		d.replaced = append(d.replaced, swap{c.told, c.member.Entry})
	}
	for _, c := range joins {
		d := fit(entrySize(&c.member.Entry))
		d.joins = append(d.joins, c.member.Entry)
	}
	if size > 0 {
		r.emit(o, d)
	}
}

// emit gives a delta its version and sends it.
func (r *Replica) emit(o *own, d *delta) {
	w := &r.own
	if o.told > 0 {
		d.prev = o.version
	}
	if o.version > 0 {
		w.touched.drop(o.version)
		if o.told == 0 {
			w.tombs.drop(o.version)
		}
	}
	w.clock++
	o.version, d.version = w.clock, w.clock
	o.told += len(d.joins) - len(d.leaves)
	w.touched.push(o.version, o)
	if o.told == 0 {
		w.tombs.push(o.version, o)
	}
	r.send(Message{To: Watchers, Topic: o.topic, Payload: d.encode()})
}

// bury forgets a tombstone.
func (w *writer) bury(o *own) {
	w.floor = max(w.floor, o.version)
	w.touched.drop(o.version)
	w.tombs.drop(o.version)
	o.version = 0
	if len(o.changes) == 0 {
		delete(w.topics, o.digest)
	}
}

// buryUpTo forgets the tombstones that all who keep up have heard of.
func (w *writer) buryUpTo(seen uint64) {
	for o := w.tombs.first(); o != nil && o.version <= seen; o = w.tombs.first() {
		w.bury(o)
	}
}
