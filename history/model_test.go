package history

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A Memory does what a naive model does, which keeps all events of a topic in a
// slice and counts again what they take, under random appends, reads, pauses
// and crowding out.
func TestMemoryFollowsAModel(t *testing.T) {
	seeds := 20
	if os.Getenv("ROOST_SOAK") != "" {
		seeds = 2000
	}
	var all outcomes
	for seed := range uint64(seeds) {
		synctest.Test(t, func(t *testing.T) { runModel(t, seed, &all) })
	}
	t.Logf("%+v", all)
	if all.read == 0 || all.gone == 0 || all.evicted == 0 || all.expired == 0 || all.oversized == 0 || all.paged == 0 {
		t.Errorf("not everything happened: %+v", all)
	}
}

// outcomes counts what happened, to show that it did.
type outcomes struct{ appended, read, paged, gone, expired, oversized, evicted int }

func runModel(t *testing.T, seed uint64, all *outcomes) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 5))
	rules, err := NewRules([]Keep{
		{Topics: []string{"few"}, Count: 3},
		{Topics: []string{"short *"}, For: time.Minute},
		{Topics: []string{"small *"}, Bytes: 700, For: time.Hour},
		{Topics: []string{"*"}, Count: 40, Bytes: 1 << 30},
	})
	if err != nil {
		t.Fatal(err)
	}
	bound := []int{8_000, 16_000, 1 << 20}[r.IntN(3)]
	m := &modeled{
		t: t, seed: seed, r: r, out: all, bound: bound,
		rules:  rules,
		log:    NewMemory(rules, &MemoryOptions{Bytes: bound}),
		lives:  map[string]*modelLife{},
		epochs: map[string]*modelLife{},
		given:  []Position{{}, {Epoch: "another", Seq: 1}, {Seq: 1}},
	}
	topics := []string{"few", "short 1", "short 2", "small 1", "small 2", "a", "b", "c", "d", "e", strings.Repeat("long", 50)}
	for i := range 1500 {
		topic := topics[min(r.IntN(len(topics)), r.IntN(len(topics)))] // some are used more than others
		switch r.IntN(10) {
		case 0:
			m.last(topic)
		case 1:
			time.Sleep(time.Duration(r.Int64N(int64(20 * time.Second))))
		case 2:
			if r.IntN(10) == 0 {
				time.Sleep(time.Duration(r.Int64N(int64(30 * time.Minute))))
			}
		case 3, 4, 5:
			m.read(topic)
		default:
			for range 1 + r.IntN(4) {
				m.append(topic)
			}
		}
		m.checkBytes()
		if i%50 == 0 {
			m.checkWords()
		}
	}
}

// modeled is a Memory next to its model.
type modeled struct {
	t     *testing.T
	seed  uint64
	r     *rand.Rand
	out   *outcomes
	rules *Rules
	bound int
	log   *Memory

	lives  map[string]*modelLife // by topic, those that were not evicted
	epochs map[string]*modelLife // all there ever were
	given  []Position            // by the log
	uses   int
}

// modelLife is a life of a topic, with all events that it ever had.
type modelLife struct {
	topic   string
	keep    *Keep
	epoch   string
	events  []modelEvent
	trimmed int // events, from the first
	used    int
}

type modelEvent struct {
	Event

	at time.Time
}

func (l *modelLife) bytes() int {
	sum := 0
	for _, e := range l.events[l.trimmed:] {
		sum += 64 + len(e.Payload)
	}
	return sum
}

// trim drops the oldest event until the rule is kept.
func (l *modelLife) trim(bound int, out *outcomes) {
	for l.trimmed < len(l.events) {
		old := time.Since(l.events[l.trimmed].at) >= l.keep.For
		if old {
			out.expired++
		}
		if !old && len(l.events)-l.trimmed <= l.keep.Count && l.bytes() <= min(l.keep.Bytes, bound/4) {
			return
		}
		l.trimmed++
	}
}

func (m *modeled) total() int {
	sum := 0
	for _, l := range m.lives {
		sum += 384 + len(l.topic) + l.bytes()
	}
	return sum
}

func (m *modeled) use(l *modelLife) {
	m.uses++
	l.used = m.uses
}

func (m *modeled) fatalf(format string, args ...any) {
	m.t.Helper()
	m.t.Fatalf("seed %d: %s", m.seed, fmt.Sprintf(format, args...))
}

func (m *modeled) checkBytes() {
	m.t.Helper()
	if got, want := int(m.log.bytes.Load()), m.total(); got != want || got > m.bound {
		m.fatalf("the log counts %d bytes, want %d, at most %d", got, want, m.bound)
	}
}

// checkWords sees to it that what is shared by events goes with the last of
// them.
func (m *modeled) checkWords() {
	m.t.Helper()
	for i := range m.log.shards {
		s := &m.log.shards[i]
		uses := map[*word]int{}
		for _, t := range s.topics {
			for i := range t.ring.count {
				for _, w := range []*word{t.ring.at(i).name, t.ring.at(i).sender} {
					if w != nil {
						uses[w]++
					}
				}
			}
		}
		if len(uses) != len(s.words) || len(s.topics) != s.recent.Len() {
			m.fatalf("a shard has %d words, of which %d are used, and %d of %d topics in its order", len(s.words), len(uses), s.recent.Len(), len(s.topics))
		}
		for text, w := range s.words {
			if w.text != text || uses[w] != w.uses {
				m.fatalf("word %q, kept as %q, is used %d times, but counts %d", w.text, text, uses[w], w.uses)
			}
		}
	}
}

func (m *modeled) event() Event {
	e := Event{Name: fmt.Sprint("event ", m.r.IntN(4)), Payload: make([]byte, m.r.IntN(120)), Binary: m.r.IntN(3) == 0}
	if m.r.IntN(40) == 0 {
		e.Payload = make([]byte, 600+m.r.IntN(100)) // too large for small ones
	}
	for i := range e.Payload {
		e.Payload[i] = byte(m.r.Uint32())
	}
	if m.r.IntN(2) == 0 {
		e.Sender = fmt.Sprint("session ", m.r.IntN(6))
	}
	return e
}

func (m *modeled) append(topic string) {
	m.t.Helper()
	e := m.event()
	l := m.lives[topic]
	if l == nil {
		empty, err := m.log.Last(m.t.Context(), topic)
		if err != nil || empty.Seq != 0 || m.epochs[empty.Epoch] != nil {
			m.fatalf("%q is empty, and its last position is %v, error %v", topic, empty, err)
		}
		l = &modelLife{topic: topic, keep: m.rules.ForTopic(topic), epoch: empty.Epoch}
		m.lives[topic], m.epochs[l.epoch] = l, l
	}
	got, err := m.log.Append(m.t.Context(), topic, e)
	m.use(l)
	l.events = append(l.events, modelEvent{e, time.Now()})
	l.trim(m.bound, m.out)
	if l.trimmed == len(l.events) {
		m.out.oversized++
	}
	if err != nil || !equalEntries(got, l.entry(len(l.events))) {
		m.fatalf("Append to %q gives %+v, want %+v; error %v", topic, got, l.entry(len(l.events)), err)
	}
	m.out.appended++
	m.given = append(m.given, got.Position)
	for m.total() > m.bound {
		var oldest *modelLife
		for _, l := range m.lives {
			if oldest == nil || l.used < oldest.used {
				oldest = l
			}
		}
		delete(m.lives, oldest.topic)
		m.out.evicted++
	}
}

// entry is the event with that sequence number.
func (l *modelLife) entry(seq int) Entry {
	return Entry{Event: l.events[seq-1].Event, Position: Position{l.epoch, uint64(seq)}, Previous: uint64(seq) - 1}
}

func equalEntries(a, b Entry) bool {
	return a.Name == b.Name && a.Sender == b.Sender && a.Binary == b.Binary && string(a.Payload) == string(b.Payload) &&
		a.Position == b.Position && a.Previous == b.Previous
}

func (m *modeled) last(topic string) {
	m.t.Helper()
	got, err := m.log.Last(m.t.Context(), topic)
	m.given = append(m.given, got)
	l := m.lives[topic]
	switch {
	case err != nil:
		m.fatalf("Last of %q: %v", topic, err)
	case l == nil && (got.Seq != 0 || m.epochs[got.Epoch] != nil):
		m.fatalf("%q is empty, and its last position is %v, of a life that has ended", topic, got)
	case l == nil:
		return
	case got != Position{l.epoch, uint64(len(l.events))}:
		m.fatalf("Last of %q is %v, want event %d of epoch %q", topic, got, len(l.events), l.epoch)
	}
	m.use(l)
}

// position is one that the log gave, or one near it.
func (m *modeled) position(topic string) Position {
	p := m.given[m.r.IntN(len(m.given))]
	if l := m.lives[topic]; l != nil && m.r.IntN(3) > 0 {
		p = Position{l.epoch, uint64(m.r.IntN(len(l.events) + 1))}
		if m.r.IntN(2) == 0 {
			p.Seq = uint64(l.trimmed + m.r.IntN(len(l.events)-l.trimmed+1)) // mostly there
		}
	}
	switch m.r.IntN(12) {
	case 0:
		p.Seq++
	case 1:
		p.Seq += uint64(m.r.IntN(100))
	case 2:
		p.Seq = math.MaxUint64
	}
	return p
}

func (m *modeled) read(topic string) {
	m.t.Helper()
	after, limit := m.position(topic), 1+m.r.IntN(50)
	l := m.lives[topic]
	if l == nil {
		m.readEmpty(topic, after, limit)
		return
	}
	page, err := m.log.Read(m.t.Context(), topic, after, limit)
	m.use(l)
	l.trim(m.bound, m.out)
	first := after.Seq
	if after.IsZero() {
		first = uint64(l.trimmed)
	} else if after.Epoch != l.epoch || first < uint64(l.trimmed) || first > uint64(len(l.events)) {
		m.out.gone++
		if !errors.Is(err, ErrGone) || len(page.Entries) > 0 {
			m.fatalf("Read of %q behind %v, of which %d events are trimmed, gives %+v, error %v", topic, after, l.trimmed, page, err)
		}
		return
	}
	want := min(len(l.events)-int(first), limit)
	if err != nil || len(page.Entries) != want || page.Last != (Position{l.epoch, uint64(len(l.events))}) {
		m.fatalf("Read of %q behind %v gives %d events, want %d, up to %v, error %v", topic, after, len(page.Entries), want, page.Last, err)
	}
	for i, got := range page.Entries {
		if entry := l.entry(int(first) + i + 1); !equalEntries(got, entry) {
			m.fatalf("Read of %q behind %v gives %+v, want %+v", topic, after, got, entry)
		}
	}
	m.out.read += want
	if want == limit {
		m.out.paged++
	}
}

func (m *modeled) readEmpty(topic string, after Position, limit int) {
	m.t.Helper()
	last, err := m.log.Last(m.t.Context(), topic)
	if err != nil {
		m.fatalf("Last of %q: %v", topic, err)
	}
	page, err := m.log.Read(m.t.Context(), topic, after, limit)
	if after.IsZero() || after == last {
		if err != nil || len(page.Entries) != 0 || page.Last != last {
			m.fatalf("Read of %q, which is empty, behind %v gives %+v, error %v", topic, after, page, err)
		}
		return
	}
	m.out.gone++
	if !errors.Is(err, ErrGone) {
		m.fatalf("Read of %q, which is empty, behind %v gives %+v, error %v", topic, after, page, err)
	}
}
