package historytest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/roost-dev/roost/history"
)

func countsAreKept(t *testing.T, logs Make) {
	const count = 10
	keep := roomy("room")
	keep.Count = count
	log := open(t, logs, keep)
	empty := log.last(t, "room")
	var entries []history.Entry
	for i := range 5 * count {
		entries = append(entries, log.append(t, "room", numbered(i)))
		kept := min(len(entries), count)
		got, err := log.read(t, "room", history.Position{}, 7)
		if err != nil || len(got) < kept {
			t.Fatalf("of %d events %d are kept, want %d; error %v", len(entries), len(got), kept, err)
		}
		if err := sameEntries(got, entries[len(entries)-len(got):]); err != nil {
			t.Fatalf("the first of %d events: %v", len(entries), err)
		}
	}
	eventually(t, "the topic is trimmed", func() bool {
		got, err := log.read(t, "room", history.Position{}, 100)
		return err == nil && len(got) == count
	})
	trimmed := len(entries) - count
	log.expectGone(t, "room", empty)
	for _, e := range entries[:trimmed-1] {
		log.expectGone(t, "room", e.Position)
	}
	for i := trimmed - 1; i < len(entries); i++ { // all behind the last that is gone is there
		log.expect(t, "room", entries[i].Position, entries[i+1:])
	}
}

func bytesAreKept(t *testing.T, logs Make) {
	const size, fit = 1000, 10
	keep := roomy("room")
	keep.Bytes = fit * (size + 64)
	log := open(t, logs, keep)
	var entries []history.Entry
	for i := range 3 * fit {
		e := history.Event{Name: "e", Payload: payload(size, fmt.Sprint(i, " ")), Binary: true}
		entries = append(entries, log.append(t, "room", e))
	}
	got, err := log.read(t, "room", history.Position{}, 100)
	if err != nil || len(got) < fit {
		t.Fatalf("%d events are kept, want %d at least; error %v", len(got), fit, err)
	}
	if err := sameEntries(got, entries[len(entries)-len(got):]); err != nil {
		t.Error(err)
	}
	if len(got) < len(entries) {
		log.expect(t, "room", entries[len(entries)-len(got)-1].Position, got)
	}
}

func agesAreKept(t *testing.T, logs Make) {
	const age = 500 * time.Millisecond
	keep := roomy("room", "lasting")
	keep.For = age
	log := open(t, logs, keep)
	empty := log.last(t, "room")
	for round := range 2 {
		began := time.Now()
		entries := log.fill(t, "room", 5)
		got, err := log.read(t, "room", entries[0].Position, 100)
		if time.Since(began) < age { // else it may be gone
			if err == nil {
				err = sameEntries(got, entries[1:])
			}
			if err != nil {
				t.Errorf("round %d, before the events are old: %v", round, err)
			}
		}
		eventually(t, "old events are gone", func() bool {
			got, err := log.read(t, "room", history.Position{}, 100)
			return err == nil && len(got) == 0
		})
		if gone := time.Since(began); gone < age {
			t.Errorf("round %d: events were gone after %v, before they were %v old", round, gone, age)
		}
		last := entries[4].Position
		log.expectGone(t, "room", empty)
		log.expectGone(t, "room", entries[3].Position)
		log.expect(t, "room", last, nil)
		if got := log.last(t, "room"); got != last {
			t.Fatalf("round %d: the last position is %v, want that of the last event, %v", round, got, last)
		}
		more := log.append(t, "room", numbered(round))
		if more.Position.Epoch != last.Epoch || more.Previous != last.Seq {
			t.Fatalf("round %d: the event after all were trimmed is at %v behind %d, want behind %v", round, more.Position, more.Previous, last)
		}
		eventually(t, "that one is gone too", func() bool {
			_, err := log.page("room", last, 1)
			return errors.Is(err, history.ErrGone)
		})
	}
}

// appendAll has several goroutines append to a topic at once, and returns what
// each of them got.
func appendAll(t *testing.T, log *shared, topic string, appenders, events int) [][]history.Entry {
	t.Helper()
	all := make([][]history.Entry, appenders)
	var wg sync.WaitGroup
	for a := range appenders {
		handle := log.handle()
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			for i := range events {
				entry, err := handle.Append(ctx, topic, history.Event{Name: fmt.Sprintf("%d of %d", i, a), Payload: []byte(`{}`)})
				if err != nil {
					t.Errorf("Append: %v", err)
					return
				}
				all[a] = append(all[a], entry)
			}
		})
	}
	wg.Wait()
	return all
}

func appendersShareAnOrder(t *testing.T, logs Make) {
	const appenders, events = 8, 50
	log := open(t, logs, roomy("room"))
	appended := appendAll(t, log, "room", appenders, events)
	got, err := log.read(t, "room", history.Position{}, 30)
	if err != nil || len(got) != appenders*events {
		t.Fatalf("%d events are in the log, want %d; error %v", len(got), appenders*events, err)
	}
	at := map[history.Position]history.Entry{}
	for _, e := range got {
		at[e.Position] = e
	}
	for a, entries := range appended {
		before := uint64(0)
		for i, e := range entries {
			if err := sameEntries([]history.Entry{at[e.Position]}, []history.Entry{e}); err != nil {
				t.Fatalf("event %d of appender %d is not in the log as it was returned: %v", i, a, err)
			}
			if e.Position.Seq <= before {
				t.Fatalf("event %d of appender %d is at %v, the one before at %d", i, a, e.Position, before)
			}
			before = e.Position.Seq
		}
	}
}

// follow has readers page through a topic while events are appended to it.
// Each hands what it reads to its own visit, and returns at what was the end
// when all were appended. A reader whose position is gone calls lost, and goes
// on from the oldest event.
func follow(t *testing.T, log *shared, readers, appenders, events int, visit func(reader int, e history.Entry), lost func(reader int)) {
	t.Helper()
	from := log.last(t, "room")
	appended := make(chan struct{})
	var wg sync.WaitGroup
	for r := range readers {
		wg.Go(func() {
			after := from
			for ended := false; ; {
				select {
				case <-appended:
					ended = true
				default:
				}
				page, err := log.page("room", after, r%9+1)
				if errors.Is(err, history.ErrGone) {
					lost(r)
					after = history.Position{}
					continue
				}
				if err == nil {
					err = check(page, after, r%9+1)
				}
				if err != nil {
					t.Errorf("Read behind %v: %v", after, err)
					return
				}
				for _, e := range page.Entries {
					visit(r, e)
					after = e.Position
				}
				if ended && after == page.Last {
					return
				}
			}
		})
	}
	appendAll(t, log, "room", appenders, events)
	close(appended)
	wg.Wait()
}

func readersMissNothing(t *testing.T, logs Make) {
	const readers, appenders, events = 4, 4, 50
	log := open(t, logs, roomy("room"))
	log.fill(t, "room", 3)
	var seen [readers][]history.Entry
	follow(t, log, readers, appenders, events,
		func(r int, e history.Entry) { seen[r] = append(seen[r], e) },
		func(r int) { t.Errorf("reader %d is told that its position is gone, where nothing is trimmed", r) })
	all, err := log.read(t, "room", history.Position{}, 100)
	if err != nil || len(all) != 3+appenders*events {
		t.Fatalf("%d events are in the log, error %v", len(all), err)
	}
	for r := range seen {
		if err := sameEntries(seen[r], all[3:]); err != nil {
			t.Errorf("reader %d: %v", r, err)
		}
	}
}

func trimmedReadersAreTold(t *testing.T, logs Make) {
	const readers, appenders, events = 4, 4, 100
	keep := roomy("room")
	keep.Count = 10
	log := open(t, logs, keep)

	// What lies between two events that a reader saw was missed, unless it was
	// told so in between.
	type view struct {
		before history.Entry
		told   bool
		seen   int
		lost   int
	}
	views := make([]view, readers)
	for r := range views {
		views[r].told = true // it knows nothing of what was before
	}
	log.fill(t, "room", 15)
	follow(t, log, readers, appenders, events,
		func(r int, e history.Entry) {
			v := &views[r]
			if v.seen > 0 && !v.told && e.Previous != v.before.Position.Seq {
				t.Errorf("reader %d was given %v behind %v and never told that it missed %d", r, e.Position, v.before.Position, e.Previous)
			}
			v.before, v.told = e, false
			v.seen++
		},
		func(r int) {
			views[r].told = true
			views[r].lost++
		})
	last := log.last(t, "room")
	for r, v := range views {
		if v.before.Position != last {
			t.Errorf("reader %d ended at %v, the log at %v", r, v.before.Position, last)
		}
		t.Logf("reader %d saw %d of %d events and was told of %d gaps", r, v.seen, appenders*events, v.lost)
	}

	// However fast the readers were: one that stopped on its way is told.
	slow, err := log.page("room", history.Position{}, 2)
	if err != nil || len(slow.Entries) == 0 {
		t.Fatalf("Read: %d events, error %v", len(slow.Entries), err)
	}
	log.fill(t, "room", 30)
	eventually(t, "a reader that the log was trimmed under is told", func() bool {
		_, err := log.page("room", slow.Entries[len(slow.Entries)-1].Position, 2)
		return errors.Is(err, history.ErrGone)
	})
}
