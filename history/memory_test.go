package history_test

import (
	"errors"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/roost-dev/roost/history"
)

func said(size int) history.Event {
	return history.Event{Name: "said", Payload: make([]byte, size)}
}

func appendTo(t testing.TB, m *history.Memory, topic string, e history.Event) history.Entry {
	t.Helper()
	entry, err := m.Append(t.Context(), topic, e)
	if err != nil {
		t.Fatal(err)
	}
	return entry
}

func isGone(t *testing.T, m *history.Memory, topic string, after history.Position) bool {
	t.Helper()
	_, err := m.Read(t.Context(), topic, after, 1)
	if err != nil && !errors.Is(err, history.ErrGone) {
		t.Fatal(err)
	}
	return err != nil
}

func TestMemoryDropsTheTopicsThatWereUsedLeastRecently(t *testing.T) {
	const topics = 10
	m := history.NewMemory(newRules(t, history.Keep{Topics: []string{"*"}}), &history.MemoryOptions{Bytes: topics * 600})
	topic := func(i int) string { return fmt.Sprint("topic ", i) }
	var at []history.Position
	for i := range topics {
		at = append(at, appendTo(t, m, topic(i), said(100)).Position)
	}
	if isGone(t, m, topic(0), at[0]) { // which is a use of it
		t.Fatal("a topic was dropped within the bound")
	}
	if _, err := m.Last(t.Context(), topic(1)); err != nil { // and so is this
		t.Fatal(err)
	}
	for i := range 3 {
		appendTo(t, m, topic(topics+i), said(100))
	}
	for i, p := range at {
		dropped := 2 <= i && i < 5 // one for each that came
		if gone := isGone(t, m, topic(i), p); gone != dropped {
			t.Errorf("topic %d is dropped: %v, want %v", i, gone, dropped)
		}
	}
}

func TestTopicThatComesBackHasAnotherEpoch(t *testing.T) {
	m := history.NewMemory(newRules(t, history.Keep{Topics: []string{"*"}}), &history.MemoryOptions{Bytes: 2000})
	epochs := map[string]bool{}
	var before []history.Position
	for life := range 5 {
		last, err := m.Last(t.Context(), "room")
		if err != nil {
			t.Fatal(err)
		}
		if epochs[last.Epoch] {
			t.Fatalf("life %d has epoch %q, as one before", life, last.Epoch)
		}
		epochs[last.Epoch] = true
		for _, p := range before {
			if !isGone(t, m, "room", p) {
				t.Errorf("life %d, still empty, takes %v for its own", life, p)
			}
		}
		for range 3 {
			e := appendTo(t, m, "room", said(10))
			if e.Position.Epoch != last.Epoch {
				t.Fatalf("an event is at %v, where the empty topic was at %v", e.Position, last)
			}
			for _, p := range before {
				if !isGone(t, m, "room", p) {
					t.Errorf("life %d takes %v for its own", life, p)
				}
			}
			last = e.Position
		}
		before = append(before, last)
		for i := range 6 {
			appendTo(t, m, fmt.Sprint("crowding out ", life, i), said(10))
		}
	}
}

func TestReadingOfEmptyTopicsTakesNoRoom(t *testing.T) {
	m := history.NewMemory(newRules(t, history.Keep{Topics: []string{"*"}}), &history.MemoryOptions{Bytes: 2000})
	kept := appendTo(t, m, "room", said(10))
	for i := range 1000 {
		topic := fmt.Sprint("empty ", i)
		last, err := m.Last(t.Context(), topic)
		if err != nil {
			t.Fatal(err)
		}
		if isGone(t, m, topic, last) || isGone(t, m, topic, history.Position{}) {
			t.Fatalf("an empty topic says that something is gone behind %v", last)
		}
	}
	if isGone(t, m, "room", kept.Position) {
		t.Error("reading of empty topics dropped one with events")
	}
}

func TestLogsInMemoryDoNotTakePositionsOfEachOther(t *testing.T) {
	rules := newRules(t, history.Keep{Topics: []string{"*"}})
	one, other := history.NewMemory(rules, nil), history.NewMemory(rules, nil)
	p := appendTo(t, one, "room", said(10)).Position
	appendTo(t, other, "room", said(10))
	if !isGone(t, other, "room", p) {
		t.Errorf("a log takes %v, of another one, for its own", p)
	}
}

func TestEventsAreKeptForTheTimeThatTheRuleSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := history.NewMemory(newRules(t, history.Keep{Topics: []string{"*"}, For: time.Minute}), nil)
		first := appendTo(t, m, "room", said(1))
		time.Sleep(time.Minute - time.Nanosecond)
		second := appendTo(t, m, "room", said(2))
		page, err := m.Read(t.Context(), "room", history.Position{}, 10)
		if err != nil || len(page.Entries) != 2 {
			t.Fatalf("after a minute less 1 ns there are %d events, error %v", len(page.Entries), err)
		}
		time.Sleep(time.Nanosecond)
		page, err = m.Read(t.Context(), "room", history.Position{}, 10)
		if err != nil || len(page.Entries) != 1 || page.Entries[0].Position != second.Position || page.Entries[0].Previous != first.Position.Seq {
			t.Fatalf("after a minute there is %+v, error %v", page.Entries, err)
		}
		time.Sleep(time.Hour)
		if last, err := m.Last(t.Context(), "room"); err != nil || last != second.Position {
			t.Errorf("after an hour the last position is %v, error %v", last, err)
		}
		if isGone(t, m, "room", second.Position) || !isGone(t, m, "room", first.Position) {
			t.Error("who has seen the last event has missed nothing, who has not has")
		}
	})
}

func TestEventThatIsTooLargeToKeepIsToldAsGone(t *testing.T) {
	m := history.NewMemory(newRules(t, history.Keep{Topics: []string{"*"}, Bytes: 1000}), nil)
	before := appendTo(t, m, "room", said(10)).Position
	large := appendTo(t, m, "room", said(1000))
	if !isGone(t, m, "room", before) || isGone(t, m, "room", large.Position) {
		t.Error("who has seen the large event has missed nothing, who has not has")
	}
	page, err := m.Read(t.Context(), "room", history.Position{}, 10)
	if err != nil || len(page.Entries) != 0 || page.Last != large.Position {
		t.Errorf("there is %+v, error %v", page, err)
	}
	after := appendTo(t, m, "room", said(10))
	if after.Previous != large.Position.Seq || isGone(t, m, "room", large.Position) {
		t.Errorf("the next event is behind %d, want %d", after.Previous, large.Position.Seq)
	}
}

func TestTopicKeepsAQuarterOfTheBoundAtMost(t *testing.T) {
	m := history.NewMemory(newRules(t, history.Keep{Topics: []string{"*"}}), &history.MemoryOptions{Bytes: 8000})
	var entries []history.Entry
	for range 30 {
		entries = append(entries, appendTo(t, m, "room", said(136)))
	}
	page, err := m.Read(t.Context(), "room", entries[19].Position, 30)
	if err != nil || len(page.Entries) != 10 {
		t.Errorf("of 2,000 bytes there are %d events of 200, error %v", len(page.Entries), err)
	}
	if !isGone(t, m, "room", entries[18].Position) {
		t.Error("there are more than 2,000 bytes")
	}
}

func TestReadCopiesBoundedPages(t *testing.T) {
	m := history.NewMemory(newRules(t, history.Keep{Topics: []string{"*"}}), nil)
	for range 1000 {
		appendTo(t, m, "room", said(1))
	}
	page, err := m.Read(t.Context(), "room", history.Position{}, 1_000_000)
	if err != nil || len(page.Entries) != 256 || page.Last.Seq != 1000 {
		t.Errorf("a page has %d events of %d, error %v", len(page.Entries), page.Last.Seq, err)
	}
}

func TestPayloadsThatAreNotKeptAreLetGo(t *testing.T) {
	m := history.NewMemory(newRules(t, history.Keep{Topics: []string{"*"}, Bytes: 1000}), nil)
	e := said(100)
	kept := weak.Make(&e.Payload[0])
	appendTo(t, m, "room", e)
	e = history.Event{}
	runtime.GC()
	if kept.Value() == nil {
		t.Fatal("the payload of an event that is kept is gone")
	}
	appendTo(t, m, "room", said(2000)) // takes the place of all
	runtime.GC()
	if kept.Value() != nil {
		t.Error("the payload of an event that was trimmed is still there")
	}
	runtime.KeepAlive(m)
	runtime.KeepAlive(e)
}

func TestPayloadsAreShared(t *testing.T) {
	m := history.NewMemory(newRules(t, history.Keep{Topics: []string{"*"}}), nil)
	e := said(10)
	appendTo(t, m, "room", e)
	page, err := m.Read(t.Context(), "room", history.Position{}, 1)
	if err != nil || len(page.Entries) != 1 || &page.Entries[0].Payload[0] != &e.Payload[0] {
		t.Errorf("the payload is a copy: %+v, error %v", page, err)
	}
}
