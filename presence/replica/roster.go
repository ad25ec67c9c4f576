package replica

// roster is the presences of one node on one topic, oldest first.
type roster struct {
	tally *tally // of all rosters of its kind
	order sequence[member]
	byRef map[string]*member // nil while they are few
	last  uint64             // the youngest member's place
}

// member is an entry at its place.
type member struct {
	Entry

	place uint64
}

// tally counts the entries of many rosters.
type tally struct{ entries, bytes int }

// entryBytes is about what an entry takes besides its contents.
const entryBytes = 160

func (t *tally) count(e *Entry, sign int) {
	t.entries += sign
	t.bytes += sign * (entryBytes + len(e.Ref) + len(e.PrevRef) + len(e.Key) + len(e.Meta))
}

// few is how many members are found as fast without a map, which would take
// more memory than they do.
const few = 8

func (ro *roster) len() int { return ro.order.live }

// find returns the member with this ref, or nil.
func (ro *roster) find(ref string) *member {
	if ro.byRef != nil {
		return ro.byRef[ref]
	}
	for m := range ro.order.after(0) {
		if m.Ref == ref {
			return m
		}
	}
	return nil
}

// add makes e the youngest member, or returns nil if there is one with its ref.
func (ro *roster) add(e *Entry) *member {
	if ro.find(e.Ref) != nil {
		return nil
	}
	ro.last++
	m := &member{Entry: *e, place: ro.last}
	ro.order.push(m.place, m)
	if ro.byRef != nil {
		ro.byRef[e.Ref] = m
	} else if ro.len() > few {
		ro.byRef = make(map[string]*member, ro.len())
		for m := range ro.order.after(0) {
			ro.byRef[m.Ref] = m
		}
	}
	ro.tally.count(e, 1)
	return m
}

// replace puts e, whose ref is new, in the place of m's entry.
func (ro *roster) replace(m *member, e *Entry) {
	ro.tally.count(&m.Entry, -1)
	if ro.byRef != nil {
		delete(ro.byRef, m.Ref)
		ro.byRef[e.Ref] = m
	}
	m.Entry = *e
	ro.tally.count(e, 1)
}

func (ro *roster) remove(m *member) {
	ro.order.drop(m.place)
	delete(ro.byRef, m.Ref)
	if ro.len() == 0 {
		ro.byRef = nil
	}
	ro.tally.count(&m.Entry, -1)
}

// clear removes all members and returns their entries.
func (ro *roster) clear() []Entry {
	all := ro.entries()
	for i := range all {
		ro.tally.count(&all[i], -1)
	}
	*ro = roster{tally: ro.tally}
	return all
}

func (ro *roster) entries() []Entry {
	if ro.len() == 0 {
		return nil
	}
	all := make([]Entry, 0, ro.len())
	for m := range ro.order.after(0) {
		all = append(all, m.Entry)
	}
	return all
}

// become makes the members those that are given, and notes in c what that
// changed.
func (ro *roster) become(entries []Entry, c *Change) {
	old := *ro
	*ro = roster{tally: old.tally}
	stay := make(map[string]bool)
	for i := range entries {
		if old.find(entries[i].Ref) != nil {
			stay[entries[i].Ref] = true
		}
	}
	for i := range entries {
		e := &entries[i]
		switch m, prev := old.find(e.Ref), old.find(e.PrevRef); {
		case ro.find(e.Ref) != nil: // twice
		case m != nil:
			old.remove(m)
			ro.add(&m.Entry)
		case prev != nil && !stay[e.PrevRef]:
			c.Replaced = append(c.Replaced, Replacement{Old: prev.Entry, New: *e})
			old.remove(prev)
			ro.add(e)
		default:
			c.Joins = append(c.Joins, *e)
			ro.add(e)
		}
	}
	c.Leaves = append(c.Leaves, old.clear()...)
}

// apply makes of the members what a delta says, and notes it in c.
func (ro *roster) apply(d *delta, c *Change) {
	for _, ref := range d.leaves {
		if m := ro.find(ref); m != nil {
			c.Leaves = append(c.Leaves, m.Entry)
			ro.remove(m)
		}
	}
	for i := range d.replaced {
		s := &d.replaced[i]
		if m := ro.find(s.old); m != nil && ro.find(s.entry.Ref) == nil {
			c.Replaced = append(c.Replaced, Replacement{Old: m.Entry, New: s.entry})
			ro.replace(m, &s.entry)
		}
	}
	for i := range d.joins {
		if e := &d.joins[i]; ro.add(e) != nil {
			c.Joins = append(c.Joins, *e)
		}
	}
}
