package presence

import (
	"cmp"
	"container/list"
	"iter"
	"maps"
	"slices"
)

// item is one meta of one session under one key. It never changes: an update
// puts another item in its place.
type item[M any] struct {
	Meta[M]
	key     string
	seq     uint64 // the state's version when it came in
	encoded []byte // as the wire has it, refs and all
}

// group is metas of one key. Its slice is shared: nothing in it is changed.
type group[M any] struct {
	key   string
	metas []*item[M]
}

// state is who is present on one topic, and what of it nobody was told yet.
// It knows no clock, no goroutine and no connection: whoever has a lock on it
// applies changes, wherever they come from.
type state[M any] struct {
	version uint64 // grows with every change
	entries map[string]*entry[M]
	order   list.List // of *entry[M], oldest key first
	metas   int
	pending changes[M]
}

type entry[M any] struct {
	group[M]
	place *list.Element
}

// add makes it the youngest meta of its key.
func (s *state[M]) add(it *item[M]) {
	s.change(it)
	s.metas++
	s.pending.join(it)
	if e := s.entries[it.key]; e != nil {
		e.metas = append(e.metas, it) // behind what readers have of it
		return
	}
	if s.entries == nil {
		s.entries = make(map[string]*entry[M])
	}
	e := &entry[M]{key: it.key, metas: []*item[M]{it}}
	e.place = s.order.PushBack(e)
	s.entries[it.key] = e
}

// replace puts next where old was.
func (s *state[M]) replace(old, next *item[M]) {
	e := s.entries[old.key]
	i := slices.Index(e.metas, old)
	s.change(next)
	s.pending.leave(old)
	s.pending.join(next)
	e.metas = slices.Clone(e.metas)
	e.metas[i] = next
}

// remove takes it out, and its key with its last meta.
func (s *state[M]) remove(it *item[M]) {
	e := s.entries[it.key]
	i := slices.Index(e.metas, it)
	s.version++
	s.metas--
	s.pending.leave(it)
	if len(e.metas) == 1 {
		s.order.Remove(e.place)
		delete(s.entries, it.key)
		return
	}
	e.metas = slices.Concat(e.metas[:i], e.metas[i+1:])
}

func (s *state[M]) change(it *item[M]) {
	s.version++
	it.seq = s.version
}

// lastTold returns the ref by which clients may know the meta that takes the
// place of it: its own, or if they have not heard of it, the one before.
func (s *state[M]) lastTold(it *item[M]) (ref string) {
	if _, waiting := s.pending.joins[it.Ref]; waiting {
		return it.PrevRef
	}
	return it.Ref
}

// metasOf returns the metas of key, oldest first; none if it is not present.
func (s *state[M]) metasOf(key string) []*item[M] {
	if e := s.entries[key]; e != nil {
		return e.metas
	}
	return nil
}

// all returns everybody, oldest key first, as it is now.
func (s *state[M]) all() []group[M] {
	groups := make([]group[M], 0, len(s.entries))
	for el := s.order.Front(); el != nil; el = el.Next() {
		groups = append(groups, el.Value.(*entry[M]).group)
	}
	return groups
}

// items returns all metas, those of the oldest key first.
func (s *state[M]) items() iter.Seq[*item[M]] {
	return func(yield func(*item[M]) bool) {
		for el := s.order.Front(); el != nil; el = el.Next() {
			for _, it := range el.Value.(*entry[M]).metas {
				if !yield(it) {
					return
				}
			}
		}
	}
}

// take returns what changed since it was last called.
func (s *state[M]) take() *diff[M] {
	d := s.pending.take()
	d.keys = len(s.entries)
	d.now = make(map[string][]*item[M])
	for _, groups := range [][]group[M]{d.joins, d.leaves} {
		for _, g := range groups {
			d.now[g.key] = s.metasOf(g.key)
		}
	}
	return d
}

// diff is the way from one state to a later one.
type diff[M any] struct {
	joins, leaves []group[M]

	now  map[string][]*item[M] // all metas of the keys above, after the diff
	keys int                   // how many keys are present after the diff
}

func (d *diff[M]) empty() bool { return len(d.joins) == 0 && len(d.leaves) == 0 }

// changes gathers what became of a state since somebody was last told of it:
// the metas that are new to him and still there, and those he knows that have
// left. What came and went in between is in neither, so there are never more
// of them than metas then and now.
type changes[M any] struct {
	joins, leaves map[string]*item[M] // by ref
}

func (c *changes[M]) join(it *item[M]) {
	if _, known := c.leaves[it.Ref]; known {
		delete(c.leaves, it.Ref)
		return
	}
	if c.joins == nil {
		c.joins = make(map[string]*item[M])
	}
	c.joins[it.Ref] = it
}

func (c *changes[M]) leave(it *item[M]) {
	if _, unknown := c.joins[it.Ref]; unknown {
		delete(c.joins, it.Ref)
		return
	}
	if c.leaves == nil {
		c.leaves = make(map[string]*item[M])
	}
	c.leaves[it.Ref] = it
}

// merge adds what a later diff says.
func (c *changes[M]) merge(d *diff[M]) {
	for _, g := range d.leaves {
		for _, it := range g.metas {
			c.leave(it)
		}
	}
	for _, g := range d.joins {
		for _, it := range g.metas {
			c.join(it)
		}
	}
}

func (c *changes[M]) empty() bool { return len(c.joins) == 0 && len(c.leaves) == 0 }

// take returns the changes in the order in which their metas came in, and
// forgets them.
func (c *changes[M]) take() *diff[M] {
	d := &diff[M]{joins: grouped(c.joins), leaves: grouped(c.leaves)}
	*c = changes[M]{}
	return d
}

func grouped[M any](items map[string]*item[M]) []group[M] {
	sorted := slices.SortedFunc(maps.Values(items), func(a, b *item[M]) int {
		return cmp.Compare(a.seq, b.seq)
	})
	var groups []group[M]
	index := make(map[string]int)
	for _, it := range sorted {
		i, ok := index[it.key]
		if !ok {
			i = len(groups)
			index[it.key] = i
			groups = append(groups, group[M]{key: it.key})
		}
		groups[i].metas = append(groups[i].metas, it)
	}
	return groups
}
