package pubsub_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/roost-dev/roost/history"
	"github.com/roost-dev/roost/pubsub"
)

// reader reads on in a topic's log as clients do that come back.
type reader struct {
	at    history.Position
	names []string // of the events that it has read
}

// readOn reads one batch, and reports whether there is more. It checks it with
// what the log itself says.
func (r *reader) readOn(t *testing.T, ps *pubsub.PubSub, limit int) (more bool) {
	t.Helper()
	entries, last, logErr := readAll(t, ps.Log(), r.at)
	batch, err := ps.Missed(t.Context(), "log:1", r.at, limit)
	if logErr != nil || err != nil {
		if !errors.Is(logErr, history.ErrGone) || !errors.Is(err, history.ErrGone) {
			t.Fatalf("behind %v: %v, and the log says %v", r.at, err, logErr)
		}
		r.at, r.names = history.Position{}, nil
		return true
	}
	n := len(batch.Messages)
	if n > limit || n > len(entries) || n == 0 && len(entries) > 0 {
		t.Fatalf("at most %d behind %v: %d messages, and the log has %d", limit, r.at, n, len(entries))
	}
	for i, m := range batch.Messages {
		if e := entries[i]; m.Event != e.Name || m.Position != e.Position || m.Previous != e.Previous {
			t.Fatalf("message %d behind %v is %q at %v, and the log has %q at %v", i, r.at, m.Event, m.Position, e.Name, e.Position)
		}
		r.at = m.Position
		r.names = append(r.names, m.Event)
	}
	if atEnd := r.at == last || n == 0; batch.More == atEnd {
		t.Fatalf("%d messages behind %v, and More is %v; the log ends at %v", n, r.at, batch.More, last)
	}
	return batch.More
}

// readAll reads all that a log has of a topic behind a position.
func readAll(t *testing.T, log history.Log, after history.Position) (entries []history.Entry, last history.Position, err error) {
	t.Helper()
	for {
		page, err := log.Read(t.Context(), "log:1", after, 1000)
		if err != nil || len(page.Entries) == 0 {
			return entries, page.Last, err
		}
		entries = append(entries, page.Entries...)
		after = entries[len(entries)-1].Position
	}
}

// Whoever reads, from wherever and whenever, gets what the log has: what was
// read for others is never missing, too old, or of an earlier life of the log.
func TestMissedIsWhatTheLogHas(t *testing.T) {
	for seed := range uint64(40) {
		random := rand.New(rand.NewPCG(seed, 11))
		keep := history.Keep{Topics: []string{"log:*"}, Count: 1 + random.IntN(2000)}
		ps, err := pubsub.New(&pubsub.Options{History: []history.Keep{keep}, HistoryBytes: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		if random.IntN(8) > 0 {
			ps.Subscribe("log:1", &chain{})
		}
		readers := make([]reader, 1+random.IntN(5))
		payload := strings.Repeat("x", 1+random.IntN(1000)*random.IntN(2))
		appended := 0
		for range 200 {
			switch random.IntN(20) {
			case 0:
				runtime.GC() // what was read for others is gone
			case 1: // so much of another topic that this one is forgotten
				for range 5 {
					big := &pubsub.Message{Topic: fmt.Sprint("log:", 2+random.IntN(10)), Event: "big", Payload: make([]byte, 200<<10)}
					if err := ps.Broadcast(t.Context(), big); err != nil {
						t.Fatal(err)
					}
				}
			case 2, 3, 4, 5, 6, 7:
				for range 1 + random.IntN(300)*random.IntN(2) {
					appended++
					m := &pubsub.Message{Topic: "log:1", Event: fmt.Sprint(appended), Payload: []byte(payload)}
					if err := ps.Broadcast(t.Context(), m); err != nil {
						t.Fatal(err)
					}
				}
			default:
				readers[random.IntN(len(readers))].readOn(t, ps, 1+random.IntN(400))
			}
		}
		for i := range readers {
			for readers[i].readOn(t, ps, 100) { // to the end
			}
		}
	}
}

// What is derived of a message, such as a frame, is made once for all who missed
// it, wherever they stand.
func TestManyWhoMissedTheSameGetTheSame(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // it would let go of what nobody holds
	ps := keeping(t, history.Keep{Topics: []string{"log:*"}})
	ps.Subscribe("log:1", &chain{})
	var positions []history.Position
	for i := range 300 {
		say(t, ps, "log:1", fmt.Sprint(i))
		last, err := ps.Log().Last(t.Context(), "log:1")
		if err != nil {
			t.Fatal(err)
		}
		positions = append(positions, last)
	}
	missed := func(after history.Position) *pubsub.Batch {
		t.Helper()
		b, err := ps.Missed(t.Context(), "log:1", after, 100)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	first := missed(positions[199])
	if again := missed(positions[199]); again != first {
		t.Error("two who stand at the same position get different batches")
	}
	for _, at := range []int{250, 150, 199, 298} {
		b := missed(positions[at])
		for i, m := range b.Messages {
			if at+i >= 199 && at+i < 299 && m != first.Messages[at+i-199] {
				t.Fatalf("behind event %d, event %q is another message than for the first", at, m.Event)
			}
		}
	}
	if b := missed(positions[199]); b.More {
		t.Error("the last 100 events are said to be followed by more")
	}
	say(t, ps, "log:1", "new")
	if b := missed(positions[199]); !b.More {
		t.Error("with one more event, the 100 before it are said to be the last")
	}
	if b := missed(positions[200]); b.Messages[0] != first.Messages[1] || b.Messages[99].Event != "new" {
		t.Errorf("with one more event, those before it are other messages, or it is not there: %q", b.Messages[99].Event)
	}
}

func TestABatchOfWhatWasMissedIsBounded(t *testing.T) {
	ps := keeping(t, history.Keep{Topics: []string{"log:*"}})
	ps.Subscribe("log:1", &chain{})
	for _, size := range []int{40 << 10, 40 << 10, 100 << 10, 20 << 10} {
		m := &pubsub.Message{Topic: "log:1", Event: fmt.Sprint(size >> 10), Payload: make([]byte, size)}
		if err := ps.Broadcast(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	var r reader
	var sizes []int
	for more := true; more; {
		before := len(r.names)
		more = r.readOn(t, ps, 10)
		sizes = append(sizes, len(r.names)-before)
	}
	if want := []int{1, 1, 1, 1}; !slices.Equal(sizes, want) {
		t.Errorf("messages of 40, 40, 100 and 20 KiB come in batches of %v, want %v: 64 KiB, or one message", sizes, want)
	}
	if _, err := ps.Missed(t.Context(), "log:1", r.at, 0); err == nil {
		t.Error("a limit of 0 gives no error")
	}
}
