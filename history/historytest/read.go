package historytest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/url"
	"strings"
	"testing"

	"github.com/roost-dev/roost/history"
)

func eventsComeBack(t *testing.T, logs Make) {
	log := open(t, logs, roomy("room"))
	bytes := make([]byte, 256)
	for i := range bytes {
		bytes[i] = byte(i)
	}
	var want []history.Entry
	for _, e := range []history.Event{
		{Name: "text", Payload: []byte(`{"body":"Grüße, \u0000 <&> 🐓"}`)},
		{Name: "object without anything", Payload: []byte(`{}`)},
		{Name: "bytes", Payload: bytes, Binary: true},
		{Name: "not UTF-8", Payload: []byte("\xff\xfe\r\n\x00"), Binary: true},
		{Name: "no bytes", Payload: nil, Binary: true},
		{Name: "no bytes, from somebody", Payload: []byte{}, Binary: true, Sender: "session-1"},
		{Name: "from somebody", Payload: []byte(`{}`), Sender: "session-1"},
		{Name: "from somebody else", Payload: []byte(`{}`), Sender: "session-2: ü\n\x00"},
		{Name: "named: ü \"\n\x00 * >", Payload: []byte(`{}`)},
		{Name: strings.Repeat("long ", 50), Payload: []byte(`{}`)},
		{Name: "text", Payload: []byte(`{}`)},
	} {
		want = append(want, log.append(t, "room", e))
	}
	log.expect(t, "room", history.Position{}, want)
}

func positionsGrow(t *testing.T, logs Make) {
	log := open(t, logs, roomy("room", "other"))
	before := log.last(t, "room")
	for i := range 20 {
		entry := log.append(t, "room", numbered(i))
		switch {
		case entry.Position.Epoch != before.Epoch:
			t.Fatalf("event %d begins an epoch, %q behind %q", i, entry.Position.Epoch, before.Epoch)
		case entry.Position.Seq <= before.Seq:
			t.Fatalf("event %d is at %v, behind %v", i, entry.Position, before)
		case i > 0 && entry.Previous != before.Seq || i == 0 && entry.Previous != 0:
			t.Fatalf("event %d comes behind %d, want behind %d", i, entry.Previous, before.Seq)
		}
		before = entry.Position
		if last := log.last(t, "room"); last != before {
			t.Fatalf("the last position is %v, want that of event %d, %v", last, i, before)
		}
		log.append(t, "other", numbered(i)) // does not come between
	}
}

func positionsAreWords(t *testing.T, logs Make) {
	log := open(t, logs, roomy("room"))
	positions := []history.Position{log.last(t, "room")}
	for _, entry := range log.fill(t, "room", 3) {
		positions = append(positions, entry.Position)
	}
	for _, p := range positions {
		word := p.String()
		if word == "" || len(word) > 100 || url.QueryEscape(word) != word || url.PathEscape(word) != word {
			t.Errorf("%+v is %q, which is not a short word that may stand in a URL", p, word)
		}
		if back, err := history.ParsePosition(word); err != nil || back != p {
			t.Errorf("%+v is %q, and that is %+v, error %v", p, word, back, err)
		}
	}
}

func readersGoOn(t *testing.T, logs Make) {
	log := open(t, logs, roomy("room"))
	empty := log.last(t, "room")
	entries := log.fill(t, "room", 10)
	log.expect(t, "room", history.Position{}, entries)
	log.expect(t, "room", empty, entries)
	for i, e := range entries {
		log.expect(t, "room", e.Position, entries[i+1:])
	}
	more := log.append(t, "room", numbered(10))
	log.expect(t, "room", entries[9].Position, []history.Entry{more})
}

func strangersAreGone(t *testing.T, logs Make) {
	log := open(t, logs, roomy("room", "other", "empty"))
	entries, others := log.fill(t, "room", 5), log.fill(t, "other", 9)
	last := entries[4].Position
	for _, p := range []history.Position{
		{Epoch: last.Epoch, Seq: last.Seq + 1},
		{Epoch: last.Epoch, Seq: last.Seq + 1000},
		{Epoch: last.Epoch, Seq: math.MaxInt64},
		{Epoch: last.Epoch, Seq: math.MaxUint64},
		others[0].Position,
		others[8].Position,
		log.last(t, "other"),
		log.last(t, "empty"),
		{Epoch: "another", Seq: last.Seq},
		{Epoch: "another", Seq: 0},
		{Epoch: last.Epoch + "x", Seq: last.Seq},
		{Epoch: last.Epoch[:len(last.Epoch)-1], Seq: last.Seq},
		{Epoch: strings.Repeat("long", 16), Seq: 1},
		{Epoch: "", Seq: last.Seq}, // nobody can send these, but an error elsewhere might make them
		{Epoch: "\x00 * > \xff", Seq: 1},
	} {
		log.expectGone(t, "room", p)
	}
	log.expectGone(t, "empty", last)
	log.expectGone(t, "empty", history.Position{Epoch: log.last(t, "empty").Epoch, Seq: 7})
	log.expect(t, "room", last, nil)
}

func pagesJoin(t *testing.T, logs Make) {
	log := open(t, logs, roomy("room"))
	entries := log.fill(t, "room", 25)
	for _, limit := range []int{1, 2, 5, 24, 25, 26, 1000, math.MaxInt} {
		got, err := log.read(t, "room", entries[0].Position, limit)
		if err == nil {
			err = sameEntries(got, entries[1:])
		}
		if err != nil {
			t.Errorf("in pages of %d: %v", limit, err)
		}
	}
	page, err := log.page("room", history.Position{}, 3)
	if err != nil || len(page.Entries) == 0 || page.Last != entries[24].Position {
		t.Errorf("the first page has %d events, the last position as %v, error %v", len(page.Entries), page.Last, err)
	}
}

func limitsArePositive(t *testing.T, logs Make) {
	log := open(t, logs, roomy("room"))
	log.fill(t, "room", 1)
	for _, limit := range []int{0, -1, math.MinInt} {
		if page, err := log.page("room", history.Position{}, limit); err == nil || errors.Is(err, history.ErrGone) {
			t.Errorf("Read of at most %d gives %d events and error %v, want another error", limit, len(page.Entries), err)
		}
	}
}

func emptyTopicsHaveLast(t *testing.T, logs Make) {
	log := open(t, logs, roomy("*"))
	for i := range 5 {
		topic := fmt.Sprint("room ", i)
		empty := log.last(t, topic)
		if empty.Epoch == "" || log.last(t, topic) != empty {
			t.Fatalf("the last position of %q is %v, then %v", topic, empty, log.last(t, topic))
		}
		log.expect(t, topic, history.Position{}, nil)
		log.expect(t, topic, empty, nil)
		entries := log.fill(t, topic, 2)
		log.expect(t, topic, empty, entries)
	}
}

func topicsHoldAnyCharacters(t *testing.T, logs Make) {
	log := open(t, logs, roomy("*"))
	topics := []string{
		"a", "A", "a ", " a", "a*", "*", ">", "a.>", "a.b", "a:b", "a/b", "a\\b", "..", ".", "a?b=c&d#e", "$JS.API", "_INBOX.x",
		"{a}", "a}", "%", "%61", "%s", "ä", "a\u0308", "🐓", "\x00", "a\x00b", "a\nb", "a\r\nb", "\t", "\xff", "\xff\xfe", "\"", "'", "`",
		"-1", "0", "MAXLEN", "-", strings.Repeat("long:", 40), strings.Repeat("long:", 40) + "x",
	}
	want := map[string][]history.Entry{}
	for round := range 2 {
		for i, topic := range topics {
			want[topic] = append(want[topic], log.append(t, topic, numbered(100*round+i)))
		}
	}
	for _, topic := range topics {
		log.expect(t, topic, history.Position{}, want[topic])
		log.expect(t, topic, want[topic][0].Position, want[topic][1:])
	}
}

func topicsDoNotMix(t *testing.T, logs Make) {
	const topics, events = 200, 5
	log := open(t, logs, roomy("room *"))
	want := map[string][]history.Entry{}
	for i := range topics * events {
		topic := fmt.Sprint("room ", i%topics)
		want[topic] = append(want[topic], log.append(t, topic, numbered(i)))
	}
	epochs := map[string]string{}
	for topic, entries := range want {
		log.expect(t, topic, history.Position{}, entries)
		epoch := entries[0].Position.Epoch
		if other, ok := epochs[epoch]; ok {
			t.Errorf("%q and %q have the same epoch, %q", topic, other, epoch)
		}
		epochs[epoch] = topic
	}
}

func unkeptIsRefused(t *testing.T, logs Make) {
	log := open(t, logs, history.Keep{Topics: []string{"room"}, Events: []string{"said"}}, history.Keep{Topics: []string{"hall:*"}})
	refuse := func(topic, event string) {
		t.Helper()
		_, err := log.handle().Append(t.Context(), topic, history.Event{Name: event, Payload: []byte(`{}`)})
		if err == nil || errors.Is(err, history.ErrUncertain) || errors.Is(err, history.ErrGone) {
			t.Errorf("Append of %q to %q: error %v, want one that says no", event, topic, err)
		}
	}
	refuse("room", "typing")
	refuse("room", "presence_diff")
	refuse("hall:1", "presence_state")
	refuse("street", "said")
	log.expect(t, "room", history.Position{}, nil)
	log.expect(t, "hall:1", history.Position{}, nil)
	kept := log.append(t, "room", history.Event{Name: "said", Payload: []byte(`{}`)})
	refuse("room", "typing")
	log.expect(t, "room", history.Position{}, []history.Entry{kept})

	if _, err := log.page("street", history.Position{}, 1); err == nil || errors.Is(err, history.ErrGone) {
		t.Errorf("Read of a topic that no rule keeps: error %v, want one that says so", err)
	}
	if last, err := log.handle().Last(t.Context(), "street"); err == nil {
		t.Errorf("Last of a topic that no rule keeps is %v", last)
	}
}

func largePayloadsAreKept(t *testing.T, logs Make) {
	log := open(t, logs, roomy("room"))
	var want []history.Entry
	for i, size := range []int{1, 4 << 10, 64<<10 - 1, 64 << 10, 512 << 10, 2, 512 << 10} {
		e := history.Event{Name: "large", Payload: payload(size, fmt.Sprintf("%d of %d.", i, size)), Binary: true}
		want = append(want, log.append(t, "room", e))
	}
	log.expect(t, "room", history.Position{}, want)
}

func endedAppendsAreDecided(t *testing.T, logs Make) {
	log := open(t, logs, roomy("room"))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	first := log.append(t, "room", numbered(0))
	entry, err := log.handle().Append(ended, "room", numbered(1))
	second := log.append(t, "room", numbered(2))
	got, readErr := log.read(t, "room", first.Position, 10)
	if readErr != nil {
		t.Fatal(readErr)
	}
	// Nobody else appends, so all there is can be told.
	without := sameEntries(got, []history.Entry{second})
	with := sameEntries(got, []history.Entry{entry, second})
	switch {
	case err == nil && with != nil:
		t.Errorf("Append gives no error: %v", with)
	case err != nil && !errors.Is(err, history.ErrUncertain) && without != nil:
		t.Errorf("Append says that it did nothing, %q: %v", err, without)
	case errors.Is(err, history.ErrUncertain) && len(got) > 2:
		t.Errorf("an append that is uncertain is there %d times", len(got)-1)
	}
}
