// Package historytest has the suite that every [history.Log] has to pass.
package historytest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roost-dev/roost/history"
)

// Make makes a new, empty log of what keeps say, and returns it: once, or
// several times over if it has several handles, as the nodes have that share
// an engine. What belongs to it ends by t.Cleanup.
type Make func(t *testing.T, keeps []history.Keep) []history.Log

// Run checks that logs do what [history.Log] says. It lets them trim in the
// background, and keep more bytes of a topic than the rule says.
func Run(t *testing.T, logs Make) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, logs Make)
	}{
		{"events come back as they were appended", eventsComeBack},
		{"positions grow, and events name their predecessor", positionsGrow},
		{"positions are words that clients can keep", positionsAreWords},
		{"a reader goes on behind its position", readersGoOn},
		{"a position that is not of the topic's log is gone", strangersAreGone},
		{"a limit is kept, and pages join", pagesJoin},
		{"a limit must be positive", limitsArePositive},
		{"a topic without events has a last position", emptyTopicsHaveLast},
		{"topics may hold any characters", topicsHoldAnyCharacters},
		{"many topics do not mix", topicsDoNotMix},
		{"what no rule keeps is refused", unkeptIsRefused},
		{"large payloads are kept", largePayloadsAreKept},
		{"an append whose context has ended is in the log or is not", endedAppendsAreDecided},
		{"a topic keeps the last events, and says so when more are asked for", countsAreKept},
		{"a topic keeps as many bytes as it may", bytesAreKept},
		{"old events go, and the last position stays", agesAreKept},
		{"what many append is in one order, each event once", appendersShareAnOrder},
		{"a reader among appenders misses nothing", readersMissNothing},
		{"a reader that the log is trimmed under is told", trimmedReadersAreTold},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, logs) })
	}
}

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second

// roomy is a rule under which nothing goes while a test runs.
func roomy(topics ...string) history.Keep {
	return history.Keep{Topics: topics, Count: 100_000, For: time.Hour, Bytes: 32 << 20}
}

// shared is a log as a test uses it: one handle after the other, since what one
// has done counts for all.
type shared struct {
	handles []history.Log
	calls   atomic.Uint64
}

func open(t *testing.T, logs Make, keeps ...history.Keep) *shared {
	t.Helper()
	handles := logs(t, keeps)
	if len(handles) == 0 {
		t.Fatal("there is no log")
	}
	return &shared{handles: handles}
}

func (s *shared) handle() history.Log {
	return s.handles[s.calls.Add(1)%uint64(len(s.handles))]
}

// append adds an event that must be accepted.
func (s *shared) append(t *testing.T, topic string, e history.Event) history.Entry {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	entry, err := s.handle().Append(ctx, topic, e)
	if err != nil {
		t.Fatalf("Append to %q: %v", topic, err)
	}
	if err := same(entry.Event, e); err != nil {
		t.Fatalf("Append to %q returns another event: %v", topic, err)
	}
	return entry
}

// fill adds n events, named by their number.
func (s *shared) fill(t *testing.T, topic string, n int) []history.Entry {
	t.Helper()
	var entries []history.Entry
	for i := range n {
		entries = append(entries, s.append(t, topic, numbered(i)))
	}
	return entries
}

func (s *shared) last(t *testing.T, topic string) history.Position {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	last, err := s.handle().Last(ctx, topic)
	if err != nil {
		t.Fatalf("Last of %q: %v", topic, err)
	}
	return last
}

// read returns all that is behind a position, in pages of at most limit events,
// each of which it checks.
func (s *shared) read(t *testing.T, topic string, after history.Position, limit int) ([]history.Entry, error) {
	t.Helper()
	var all []history.Entry
	for {
		page, err := s.page(topic, after, limit)
		if err != nil {
			return all, err
		}
		if err := check(page, after, limit); err != nil {
			t.Fatalf("Read of %q behind %v: %v", topic, after, err)
		}
		all = append(all, page.Entries...)
		if len(page.Entries) == 0 {
			return all, nil
		}
		if after = page.Entries[len(page.Entries)-1].Position; after == page.Last {
			return all, nil
		}
	}
}

func (s *shared) page(topic string, after history.Position, limit int) (history.Page, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return s.handle().Read(ctx, topic, after, limit)
}

// expect reads what is behind a position, which must be want.
func (s *shared) expect(t *testing.T, topic string, after history.Position, want []history.Entry) {
	t.Helper()
	got, err := s.read(t, topic, after, 100)
	if err != nil {
		t.Fatalf("Read of %q behind %v: %v", topic, after, err)
	}
	if err := sameEntries(got, want); err != nil {
		t.Fatalf("Read of %q behind %v: %v", topic, after, err)
	}
}

func (s *shared) expectGone(t *testing.T, topic string, after history.Position) {
	t.Helper()
	page, err := s.page(topic, after, 10)
	if !errors.Is(err, history.ErrGone) {
		t.Errorf("Read of %q behind %v: %d events and error %v, want ErrGone", topic, after, len(page.Entries), err)
	}
}

// check fails if a page is not one of a sound log: in order, without holes,
// and going on where the reader stood.
func check(page history.Page, after history.Position, limit int) error {
	if len(page.Entries) > limit {
		return fmt.Errorf("%d events, but the limit is %d", len(page.Entries), limit)
	}
	if len(page.Entries) == 0 {
		if !after.IsZero() && after != page.Last {
			return fmt.Errorf("no events, but the last is at %v", page.Last)
		}
		return nil
	}
	at := after
	for i, e := range page.Entries {
		switch {
		case e.Position.Epoch == "" || e.Position.Epoch != page.Last.Epoch:
			return fmt.Errorf("event %d is at %v, the last at %v", i, e.Position, page.Last)
		case !at.IsZero() && e.Position.Seq <= at.Seq:
			return fmt.Errorf("event %d is at %v, behind %v", i, e.Position, at)
		case !at.IsZero() && e.Previous != at.Seq:
			return fmt.Errorf("event %d, at %v, comes behind %d, but was given behind %v", i, e.Position, e.Previous, at)
		}
		at = e.Position
	}
	if at.Seq > page.Last.Seq {
		return fmt.Errorf("an event is at %v, but the last at %v", at, page.Last)
	}
	return nil
}

func sameEntries(got, want []history.Entry) error {
	if len(got) != len(want) {
		return fmt.Errorf("%d events, want %d", len(got), len(want))
	}
	for i := range got {
		if err := same(got[i].Event, want[i].Event); err != nil {
			return fmt.Errorf("event %d: %w", i, err)
		}
		if got[i].Position != want[i].Position || got[i].Previous != want[i].Previous {
			return fmt.Errorf("event %d is at %v behind %d, want at %v behind %d",
				i, got[i].Position, got[i].Previous, want[i].Position, want[i].Previous)
		}
	}
	return nil
}

func same(got, want history.Event) error {
	if got.Name != want.Name || got.Sender != want.Sender || got.Binary != want.Binary || !slices.Equal(got.Payload, want.Payload) {
		return fmt.Errorf("got %s, want %s", show(got), show(want))
	}
	return nil
}

func show(e history.Event) string {
	payload := e.Payload[:min(len(e.Payload), 40)]
	return fmt.Sprintf("%q of %q, %d bytes %q, binary %v", e.Name, e.Sender, len(e.Payload), payload, e.Binary)
}

func numbered(i int) history.Event {
	return history.Event{Name: fmt.Sprint("event ", i), Payload: fmt.Appendf(nil, `{"n":%d}`, i)}
}

// eventually polls, since nothing tells when an engine has trimmed.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// payload returns n bytes that are easy to tell from others.
func payload(n int, text string) []byte {
	return []byte(strings.Repeat(text, n/len(text)+1)[:n])
}
