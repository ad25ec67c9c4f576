package history_test

import (
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/roost-dev/roost/history"
)

// logShape is what a log is filled with to see what it takes.
type logShape struct {
	topics, events, senders int
	count                   int // of the rule
}

func (s logShape) String() string {
	return fmt.Sprintf("%d topics of %d events, %d senders, the last %d kept", s.topics, s.events, s.senders, s.count)
}

// fillShape fills a new log and returns it with how much more memory is taken,
// besides payloads, per event and per topic that is kept.
func fillShape(t testing.TB, s logShape) (m *history.Memory, perEvent, perTopic float64) {
	t.Helper()
	names := make([]string, s.topics)
	for i := range names {
		names[i] = fmt.Sprintf("room:%06d", i)
	}
	const size = 64                                             // fills what the allocator gives
	payloads := make([][]byte, s.topics*min(s.events, s.count)) // are not the log's
	for i := range payloads {
		payloads[i] = make([]byte, size)
	}
	rules := newRules(t, history.Keep{Topics: []string{"*"}, Count: s.count, For: time.Hour, Bytes: 1 << 30})
	before := heap()
	m = history.NewMemory(rules, &history.MemoryOptions{Bytes: 8 << 30})
	empty := heap()
	for i := range s.events {
		for j, name := range names {
			e := history.Event{Name: "annotation_" + strconv.Itoa(i%5), Payload: payloads[(i*s.topics+j)%len(payloads)]}
			if s.senders > 0 {
				e.Sender = "session-" + strconv.Itoa(i%s.senders) // a string of its own each time
			}
			if _, err := m.Append(t.Context(), name, e); err != nil {
				t.Fatal(err)
			}
		}
	}
	after := heap()
	runtime.KeepAlive(names)
	runtime.KeepAlive(payloads)
	if empty-before > 256<<10 {
		t.Errorf("an empty log takes %d bytes", empty-before)
	}
	grown := float64(after) - float64(empty)
	return m, grown / float64(s.topics*min(s.events, s.count)), grown / float64(s.topics)
}

func heap() int64 {
	runtime.GC()
	runtime.GC() // what the first one has let go of
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

func TestEventTakes64BytesBesidesItsPayload(t *testing.T) {
	for _, s := range []logShape{
		{topics: 10, events: 1000, senders: 0, count: 1000},
		{topics: 10, events: 3000, senders: 100, count: 1000},
		{topics: 3, events: 5003, senders: 10, count: 100_000}, // still growing
		{topics: 3, events: 5503, senders: 10, count: 100_000},
		{topics: 3, events: 6007, senders: 10, count: 100_000},
	} {
		m, perEvent, _ := fillShape(t, s)
		t.Logf("%v: %.1f B/event", s, perEvent)
		if perEvent > 64 {
			t.Errorf("%v: an event takes %.1f bytes", s, perEvent)
		}
		runtime.KeepAlive(m)
	}
}

func TestTopicTakesNoMoreThanItCounts(t *testing.T) {
	for _, s := range []logShape{
		{topics: 5_000, events: 1, senders: 1, count: 1000},
		{topics: 5_000, events: 2, senders: 0, count: 1},
		{topics: 2_000, events: 3, senders: 3, count: 1000},
		{topics: 2_000, events: 10, senders: 3, count: 1000},
		{topics: 1_000, events: 40, senders: 3, count: 1000},
	} {
		m, _, perTopic := fillShape(t, s)
		counted := 384 + len("room:000000") + 64*min(s.events, s.count)
		t.Logf("%v: %.0f B/topic, counted as %d", s, perTopic, counted)
		if perTopic > float64(counted) {
			t.Errorf("%v: a topic takes %.0f bytes, but counts %d", s, perTopic, counted)
		}
		runtime.KeepAlive(m)
	}
}

func TestRoomOfTrimmedEventsIsGivenBack(t *testing.T) {
	const topics, many, few = 100, 200, 10
	m := history.NewMemory(newRules(t, history.Keep{Topics: []string{"*"}, Bytes: many * 64}), nil)
	large := said((many - 1 - few) * 64) // leaves room for a few others
	before := heap()
	for i := range topics {
		topic := fmt.Sprint("room:", i)
		for range many {
			appendTo(t, m, topic, history.Event{Name: "said"})
		}
		appendTo(t, m, topic, large)
	}
	took := int(heap()-before) / topics
	if counted := 384 + len("room:00") + (few+1)*64; took > counted {
		t.Errorf("of %d events %d are left, and the topic takes %d bytes, but counts %d", many, few+1, took, counted)
	}
	runtime.KeepAlive(m)
	runtime.KeepAlive(large)
}

func TestNamesDoNotHoldOnToTheFrameThatTheyCameIn(t *testing.T) {
	m := history.NewMemory(newRules(t, history.Keep{Topics: []string{"*"}}), nil)
	before := heap()
	for i := range 30 {
		frame := strings.Repeat("x", 1<<20) + fmt.Sprintf("room%02dsaid%02duser%02d", i, i, i)
		names := frame[1<<20:]
		appendTo(t, m, names[:6], history.Event{Name: names[6:12], Sender: names[12:]})
	}
	if took := heap() - before; took > 1<<20 {
		t.Errorf("30 events without payload take %d bytes", took)
	}
	runtime.KeepAlive(m)
}

func BenchmarkBytesPerEvent(b *testing.B) {
	for _, s := range []logShape{
		{topics: 100, events: 1000, senders: 0, count: 1000},
		{topics: 100, events: 1000, senders: 100, count: 1000},
		{topics: 100, events: 1000, senders: 1000, count: 1000}, // no two events of a topic have the same
		{topics: 1000, events: 100, senders: 10, count: 1000},
		{topics: 20_000, events: 1, senders: 1, count: 1000},
	} {
		b.Run(s.String(), func(b *testing.B) {
			sum := 0.0
			for b.Loop() {
				m, perEvent, _ := fillShape(b, s)
				sum += perEvent
				runtime.KeepAlive(m)
			}
			b.ReportMetric(sum/float64(b.N), "B/event")
			b.ReportMetric(0, "ns/op")
		})
	}
}
