package roost_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/roost-dev/roost/history"
	"github.com/roost-dev/roost/pubsub"
)

// lateReader is a client that takes its time. It begins with the frames that
// waited for it.
type lateReader struct {
	*rawClient

	waited []string
}

func (r *lateReader) next() string {
	if len(r.waited) == 0 {
		return r.rawClient.next()
	}
	frame := r.waited[0]
	r.waited = r.waited[1:]
	return frame
}

// missing joins a client that missed n events of 10 KB each, and does not read
// them at first.
func missing(t *testing.T, keep history.Keep, n int) (r *lateReader, ps *pubsub.PubSub) {
	t.Helper()
	a, ps := keepingApp(t, keep)
	c := dial(t, a.server(), "ada")
	first := history.Position{}
	for i := range n + 1 {
		say10KB(t, ps, i)
		if i == 0 {
			last, err := ps.Log().Last(t.Context(), "room:1")
			if err != nil {
				t.Fatal(err)
			}
			first = last
		}
	}
	c.send("1", "1", "room:1", "phx_join", fmt.Sprintf(`{"_history":{"after":%q}}`, first))
	r = &lateReader{c, c.drain()}
	if waiting := len(strings.Join(r.waited, "")); waiting > 256<<10 {
		t.Errorf("%d bytes waited for a client that did not read", waiting)
	}
	return r, ps
}

func say10KB(t *testing.T, ps *pubsub.PubSub, number int) {
	t.Helper()
	announce(t, ps, fmt.Sprintf("%d %s", number, strings.Repeat("x", 10_000)))
}

// wantNumbers reads events up to one, which must come in order and each once.
func wantNumbers(t *testing.T, c *lateReader, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		if got := c.next(); !strings.Contains(got, fmt.Sprintf(`"text":"%d x`, i)) {
			t.Fatalf("got %.80s, want event %d", got, i)
		}
	}
}

// What a slow reader missed waits in the log, not in memory of its own, and its
// connection is not closed for it.
func TestSlowReaderOfWhatItMissed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const missed = 1000
		c, ps := missing(t, history.Keep{Count: 2000, Bytes: 32 << 20}, missed)
		if got := c.next(); !strings.Contains(got, `"recovered":true`) {
			t.Fatal(got)
		}
		wantNumbers(t, c, 1, 100)
		for i := range 100 {
			say10KB(t, ps, missed+1+i) // while it reads
		}
		wantNumbers(t, c, 100, missed+101)
		if got := c.next(); !strings.HasSuffix(got, fmt.Sprintf(`"_history",{"recovered":%d}]`, missed+100)) {
			t.Fatal(got)
		}
		say10KB(t, ps, missed+101)
		wantNumbers(t, c, missed+101, missed+102)
		c.wantNothing()
	})
}

// Where the log is trimmed faster than a client reads, the conversation ends,
// and its next join says so.
func TestLogIsTrimmedWhileItIsRead(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const missed = 100
		c, ps := missing(t, history.Keep{Count: 150, Bytes: 32 << 20}, missed)
		c.next()
		for i := range 200 {
			say10KB(t, ps, missed+1+i)
		}
		next, last := 1, ""
		for {
			frame := c.next()
			if strings.Contains(frame, `"phx_error"`) {
				break
			}
			if !strings.Contains(frame, fmt.Sprintf(`"text":"%d x`, next)) {
				t.Fatalf("got %.80s, want event %d or the end", frame, next)
			}
			next, last = next+1, frame
		}
		if next > missed {
			t.Errorf("it got %d events, though the log was trimmed", next)
		}
		c.send("2", "2", "room:1", "phx_join", fmt.Sprintf(`{"_history":{"after":%q}}`, positionIn(t, last)))
		if got := c.next(); !strings.Contains(got, `"recovered":false`) {
			t.Errorf("the next join is answered %s", got)
		}
		say10KB(t, ps, missed+201)
		wantNumbers(t, c, missed+201, missed+202)
		c.wantNothing()
	})
}
