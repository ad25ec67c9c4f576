package pubsub

import (
	"hash/maphash"
	"slices"
	"sync"
	"sync/atomic"
)

// shardCount spreads the lookup of names over that many locks.
const shardCount = 64

// registry holds who listens under which name. Receivers of one name are a
// slice whose members know their own index, so that joining and leaving cost
// the same among ten as among ten thousand.
type registry[R any] struct {
	seed    maphash.Seed
	shards  [shardCount]shard[R]
	names   atomic.Int64
	members atomic.Int64

	// interest is told when a name gets its first receiver and when it loses
	// its last, in that order for each name. It is called under the name's
	// lock, so it must not block. nil if nobody asks.
	interest func(name string, wanted bool)

	// opened is told of a name's new group, under its locks, before its first
	// member is in. nil if nobody asks.
	opened func(g *group[R])
}

type shard[R any] struct {
	mu    sync.RWMutex // guards names; taken before a group's mu
	names map[string]*group[R]
}

// group is the receivers of one name. Once empty it is out of the shard and
// never used again.
type group[R any] struct {
	name    string
	settled atomic.Bool  // other nodes are heard
	mu      sync.RWMutex // guards what follows, and the index of members
	members []*member[R]
	queue   queue
	tail    *tail // of a topic that is kept; nil else
}

type member[R any] struct {
	receiver R
	group    *group[R]
	index    int    // in group.members; -1 once removed
	since    uint64 // the last message queued before it came: not for it
}

func newRegistry[R any](interest func(string, bool)) *registry[R] {
	r := &registry[R]{seed: maphash.MakeSeed(), interest: interest}
	for i := range r.shards {
		r.shards[i].names = make(map[string]*group[R])
	}
	return r
}

func (r *registry[R]) shardOf(name string) *shard[R] {
	return &r.shards[maphash.String(r.seed, name)%shardCount]
}

// add makes m, which is in no group, a member of the group of name.
func (r *registry[R]) add(name string, m *member[R]) {
	s := r.shardOf(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.names[name]
	if g == nil {
		g = &group[R]{name: name}
		s.names[name] = g
		r.names.Add(1)
	}
	r.members.Add(1)
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.members) == 0 && r.opened != nil {
		r.opened(g)
	}
	m.group, m.index, m.since = g, len(g.members), g.queue.last
	g.members = append(g.members, m)
	if m.index == 0 && r.interest != nil {
		r.interest(name, true)
	}
}

// remove takes m out, and reports whether it was in.
func (r *registry[R]) remove(m *member[R]) bool {
	g := m.group
	s := r.shardOf(g.name)
	s.mu.Lock()
	defer s.mu.Unlock()
	g.mu.Lock()
	defer g.mu.Unlock()
	if m.index < 0 {
		return false
	}
	last := len(g.members) - 1
	moved := g.members[last]
	g.members[m.index], moved.index = moved, m.index
	g.members[last] = nil
	g.members = g.members[:last]
	m.index = -1
	r.members.Add(-1)
	switch {
	case last == 0:
		delete(s.names, g.name)
		r.names.Add(-1)
		if r.interest != nil {
			r.interest(g.name, false)
		}
	case cap(g.members) > 64 && last < cap(g.members)/4:
		g.members = slices.Clip(slices.Clone(g.members))
	}
	return true
}

// find returns the group of name, or nil.
func (r *registry[R]) find(name string) *group[R] {
	s := r.shardOf(name)
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.names[name]
}

// snapshot appends the members of name to buf. What is done with them is done
// outside of every lock, so a member may have been removed meanwhile.
func (r *registry[R]) snapshot(name string, buf []*member[R]) []*member[R] {
	g := r.find(name)
	if g == nil {
		return buf
	}
	g.mu.RLock()
	defer g.mu.RUnlock()
	return append(buf, g.members...)
}

// all returns the groups that fit.
func (r *registry[R]) all(fits func(*group[R]) bool) []*group[R] {
	var groups []*group[R]
	for i := range r.shards {
		s := &r.shards[i]
		s.mu.RLock()
		for _, g := range s.names {
			if fits(g) {
				groups = append(groups, g)
			}
		}
		s.mu.RUnlock()
	}
	return groups
}

func (r *registry[R]) count(name string) int {
	g := r.find(name)
	if g == nil {
		return 0
	}
	g.mu.RLock()
	defer g.mu.RUnlock()
	return len(g.members)
}
