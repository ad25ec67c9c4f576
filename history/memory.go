package history

import (
	"container/list"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// shardCount spreads the topics over that many locks.
	shardCount = 32

	// lifeCount is how many counters of lives a shard has.
	lifeCount = 64

	// topicBytes is what a topic counts besides its name and events.
	topicBytes = 384

	// pageSize bounds what Read copies under a lock.
	pageSize = 256
)

// Memory is a [Log] in the memory of this process: its events end with it.
// Make one with [NewMemory]. Its methods do not wait, whatever the context.
//
// Nothing runs in the background. What is too old is never returned, but takes
// memory until somebody uses its topic, or until its topic is dropped for the
// total bound.
type Memory struct {
	rules   *Rules
	bound   int64
	started time.Time
	secret  [16]byte // makes the epochs of this log its own
	seed    maphash.Seed
	uses    atomic.Uint64 // numbers the uses of topics
	bytes   atomic.Int64  // what is kept, as Options count it
	shards  [shardCount]shard

	evicting sync.Mutex // held by who makes room; taken before that of a shard
}

var _ Log = (*Memory)(nil)

// MemoryOptions configures a [Memory].
type MemoryOptions struct {
	// Bytes bounds all topics together: payloads, 64 bytes for each event, and
	// for each topic its name and 384 bytes. Names of events, and senders, are
	// kept once for all that have them, and not counted. When it is passed,
	// the topics that nobody appended to or read from for the longest time are
	// dropped, and begin another epoch when they come back. One topic keeps at
	// most a quarter of it. Default 64 MiB.
	Bytes int
}

// shard is a part of the topics.
type shard struct {
	mu     sync.Mutex // guards what follows, and the topics
	topics map[string]*topic
	recent list.List // of *topic, the one used last in front
	words  words

	// lives counts the topics that were dropped, by a hash of their names, so
	// that a topic that comes back has another epoch, and one that was never
	// there needs no memory to have one. That two topics share a counter can
	// change the epoch of one that has no events.
	lives [lifeCount]uint64
}

// topic is the log of one topic.
type topic struct {
	name  string
	epoch string
	keep  *Keep
	place *list.Element // in recent
	used  uint64        // when, in uses
	last  uint64        // sequence number of the last event
	bytes int           // of the events that are kept
	ring  ring
}

// NewMemory makes a log of what rules keep.
func NewMemory(rules *Rules, opts *MemoryOptions) *Memory {
	const defaultBytes = 64 << 20
	m := &Memory{rules: rules, bound: defaultBytes, started: time.Now(), seed: maphash.MakeSeed()}
	if opts != nil && opts.Bytes > 0 {
		m.bound = int64(opts.Bytes)
	}
	rand.Read(m.secret[:]) // never fails
	for i := range m.shards {
		m.shards[i].topics = make(map[string]*topic)
		m.shards[i].words = make(words)
	}
	return m
}

// Append implements [Log].
func (m *Memory) Append(_ context.Context, name string, e Event) (Entry, error) {
	keep := m.rules.For(name, e.Name)
	if keep == nil {
		return Entry{}, fmt.Errorf("history: no rule keeps event %q of topic %q", e.Name, name)
	}
	entry, total := m.append(name, keep, e)
	if total > m.bound {
		m.evict()
	}
	return entry, nil
}

func (m *Memory) append(name string, keep *Keep, e Event) (entry Entry, total int64) {
	s, life := m.place(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	t, before := s.topics[name], 0
	if t == nil {
		t = m.open(s, name, keep, *life)
	} else {
		before = t.size()
	}
	m.use(s, t)
	size, now := eventBytes+len(e.Payload), m.now()
	m.trim(s, t, now, 1, size)
	if size <= m.limit(t) {
		t.ring.push(s.words.slot(&t.ring, e, now), keep.Count)
		t.bytes += size
	}
	t.last++
	entry = Entry{Event: e, Position: Position{t.epoch, t.last}, Previous: t.last - 1}
	return entry, m.bytes.Add(int64(t.size() - before))
}

// Read implements [Log]. It returns at most 256 events.
func (m *Memory) Read(_ context.Context, name string, after Position, limit int) (Page, error) {
	if limit <= 0 {
		return Page{}, fmt.Errorf("history: limit is %d: it must be positive", limit)
	}
	if m.rules.ForTopic(name) == nil {
		return Page{}, errNoRule(name)
	}
	s, life := m.place(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.topics[name]
	if t == nil {
		last := Position{Epoch: m.epoch(name, *life)}
		if !after.IsZero() && after != last {
			return Page{}, ErrGone
		}
		return Page{Last: last}, nil
	}
	m.use(s, t)
	before := t.size()
	m.trim(s, t, m.now(), 0, 0)
	m.bytes.Add(int64(t.size() - before))
	return t.read(after, min(limit, pageSize))
}

// Last implements [Log].
func (m *Memory) Last(_ context.Context, name string) (Position, error) {
	if m.rules.ForTopic(name) == nil {
		return Position{}, errNoRule(name)
	}
	s, life := m.place(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.topics[name]
	if t == nil {
		return Position{Epoch: m.epoch(name, *life)}, nil
	}
	m.use(s, t)
	return Position{t.epoch, t.last}, nil
}

func errNoRule(topic string) error {
	return fmt.Errorf("history: no rule keeps topic %q", topic)
}

// place returns where a topic belongs: its shard, and the counter of its
// lives there.
func (m *Memory) place(name string) (s *shard, life *uint64) {
	hash := maphash.String(m.seed, name)
	s = &m.shards[hash%shardCount]
	return s, &s.lives[hash/shardCount%lifeCount]
}

// now is the time on a clock that nobody sets.
func (m *Memory) now() time.Duration { return time.Since(m.started) }

// epoch names a life of a topic. It is one of its own without anything to
// remember: nobody else has the secret.
func (m *Memory) epoch(name string, life uint64) string {
	const length = 12 // bytes: lives do not meet by chance
	text := make([]byte, 0, 128)
	text = append(text, m.secret[:]...)
	text = binary.BigEndian.AppendUint64(text, life)
	sum := sha256.Sum256(append(text, name...))
	return base64.RawURLEncoding.EncodeToString(sum[:length])
}

// open begins a life of a topic. s is locked.
func (m *Memory) open(s *shard, name string, keep *Keep, life uint64) *topic {
	name = strings.Clone(name) // it may be a piece of a frame
	t := &topic{name: name, epoch: m.epoch(name, life), keep: keep}
	t.place = s.recent.PushFront(t)
	s.topics[name] = t
	return t
}

// use notes that t, of s, which is locked, is used.
func (m *Memory) use(s *shard, t *topic) {
	t.used = m.uses.Add(1)
	s.recent.MoveToFront(t.place)
}

// size is what t counts in the total bound.
func (t *topic) size() int { return topicBytes + len(t.name) + t.bytes }

// limit bounds t.bytes.
func (m *Memory) limit(t *topic) int { return min(t.keep.Bytes, int(m.bound/4)) }

// trim drops what is too old, and what must go for that many more events and
// bytes. s is locked.
func (m *Memory) trim(s *shard, t *topic, now time.Duration, events, bytes int) {
	r, dropped := &t.ring, 0
	for ; dropped < r.count; dropped++ {
		oldest := r.at(dropped)
		if now-oldest.time() < t.keep.For && r.count-dropped+events <= t.keep.Count && t.bytes+bytes <= m.limit(t) {
			break
		}
		t.bytes -= eventBytes + len(oldest.payload)
		s.words.drop(oldest)
	}
	r.drop(dropped)
}

// read returns what is behind a position.
func (t *topic) read(after Position, limit int) (Page, error) {
	page := Page{Last: Position{t.epoch, t.last}}
	trimmed := t.last - uint64(t.ring.count) // all up to this one
	if after.IsZero() {
		after = Position{t.epoch, trimmed}
	}
	if after.Epoch != t.epoch || after.Seq > t.last || after.Seq < trimmed {
		return Page{}, ErrGone
	}
	first := int(after.Seq - trimmed)
	page.Entries = make([]Entry, 0, min(limit, t.ring.count-first))
	for i := range cap(page.Entries) {
		seq := after.Seq + uint64(i) + 1
		page.Entries = append(page.Entries, Entry{
			Event:    t.ring.at(first + i).event(),
			Position: Position{t.epoch, seq},
			Previous: seq - 1,
		})
	}
	return page, nil
}

// evict drops the topics that were used least recently, until all is within
// the bound.
func (m *Memory) evict() {
	m.evicting.Lock()
	defer m.evicting.Unlock()
	for m.bytes.Load() > m.bound {
		m.dropOldest(m.oldest())
	}
}

// oldest returns the shard of the topic that was used least recently.
func (m *Memory) oldest() *shard {
	var oldest *shard
	var used uint64
	for i := range m.shards {
		s := &m.shards[i]
		s.mu.Lock()
		if e := s.recent.Back(); e != nil {
			if t := e.Value.(*topic); oldest == nil || t.used < used {
				oldest, used = s, t.used
			}
		}
		s.mu.Unlock()
	}
	return oldest
}

// dropOldest drops the topic of s that was used least recently. Only evict
// drops topics, so there is one.
func (m *Memory) dropOldest(s *shard) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.recent.Remove(s.recent.Back()).(*topic)
	delete(s.topics, t.name)
	for i := range t.ring.count {
		s.words.drop(t.ring.at(i))
	}
	_, life := m.place(t.name)
	*life++
	m.bytes.Add(-int64(t.size()))
}
