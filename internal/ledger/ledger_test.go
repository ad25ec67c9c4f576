package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

var roomy = Bounds{For: time.Minute, Pushes: 100, Bytes: 1 << 20, Idle: 100, IdleBytes: 1 << 20}

func ok(text string) Reply { return Reply{Status: "ok", Data: []byte(text)} }

// told collects replies.
type told []string

func (t *told) tell(r Reply) { *t = append(*t, r.Status+" "+string(r.Data)) }

func begin(t *testing.T, s *Session, number uint64) *Push {
	t.Helper()
	p, verdict := s.Begin(number, 0, func(r Reply) { t.Errorf("push %d was answered %s", number, r.Data) })
	if verdict != Run {
		t.Fatalf("push %d: verdict %d, want Run", number, verdict)
	}
	return p
}

func wantTold(t *testing.T, s *Session, number uint64, want string) {
	t.Helper()
	var got told
	if _, verdict := s.Begin(number, 0, got.tell); verdict != Told || !slices.Equal(got, told{want}) {
		t.Errorf("push %d: verdict %d, told %q, want %q", number, verdict, got, want)
	}
}

const outcomeUnknown = `error {"reason":"outcome_unknown"}`

func TestOnlyTheFirstReplyCounts(t *testing.T) {
	s := New("", roomy).Open("ada", "room")
	p := begin(t, s, 1)
	var got told
	for range maxWaiting + 3 {
		if _, verdict := s.Begin(1, 0, got.tell); verdict != Wait {
			t.Fatalf("verdict %d, want Wait", verdict)
		}
	}
	p.Finish(ok("first"))
	p.Finish(ok("second"))
	p.Lose()
	if len(got) != maxWaiting || got[0] != "ok first" {
		t.Errorf("told %q", got)
	}
	wantTold(t, s, 1, "ok first")
}

func TestForgottenPushesAreNotHandledAgain(t *testing.T) {
	bounds := roomy
	bounds.Pushes = 3
	s := New("", bounds).Open("ada", "room")
	for n := uint64(1); n <= 5; n++ {
		begin(t, s, n).Finish(ok(fmt.Sprint(n)))
	}
	wantTold(t, s, 2, outcomeUnknown)
	wantTold(t, s, 3, "ok 3")
	if _, verdict := s.Begin(6, 4, nil); verdict != Run {
		t.Errorf("verdict %d", verdict)
	}
	wantTold(t, s, 4, outcomeUnknown) // the client has its reply
	wantTold(t, s, 5, "ok 5")
}

// What runs is not forgotten, and is not without bound.
func TestPushesThatRunAreBounded(t *testing.T) {
	bounds := roomy
	bounds.Pushes = 2
	s := New("", bounds).Open("ada", "room")
	first, _ := begin(t, s, 1), begin(t, s, 2)
	if _, verdict := s.Begin(3, 0, nil); verdict != Refused {
		t.Errorf("verdict %d, want Refused", verdict)
	}
	first.Finish(ok(""))
	begin(t, s, 3)
}

func TestTheLastReplyIsKeptWhateverItsSize(t *testing.T) {
	bounds := roomy
	bounds.Bytes = 1000
	s := New("", bounds).Open("ada", "room")
	begin(t, s, 1).Finish(ok("small"))
	large := strings.Repeat("x", 5000)
	begin(t, s, 2).Finish(ok(large))
	wantTold(t, s, 1, outcomeUnknown)
	wantTold(t, s, 2, "ok "+large)
}

func TestSessionsThatNobodyHoldsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bounds := roomy
		bounds.Idle, bounds.IdleBytes = 3, 2000
		l := New("here_", bounds)
		open := func(size int) string {
			s := l.Open("ada", "room")
			begin(t, s, 1).Finish(ok(strings.Repeat("x", size)))
			s.Release()
			return s.Name()
		}
		kept := func(name string) bool {
			s, _ := l.Find(t.Context(), name, "ada", "room")
			if s != nil {
				s.Release()
			}
			return s != nil
		}
		first, second, third, fourth := open(1), open(1), open(1), open(1)
		if kept(first) || !kept(second) || !kept(third) || !kept(fourth) {
			t.Error("the sessions that are kept are not the last three")
		}
		large := open(1900)
		if kept(second) || kept(third) || kept(fourth) || !kept(large) {
			t.Error("more bytes are kept than may be")
		}
		held, _ := l.Find(t.Context(), large, "ada", "room")
		time.Sleep(2 * time.Minute)
		if !kept(large) {
			t.Error("a session was forgotten while somebody held it")
		}
		held.Release()
		time.Sleep(time.Minute + 1)
		if kept(large) {
			t.Error("a session outlived its time")
		}
		if l.idle.Len() != 0 || l.idleBytes != 0 || len(l.sessions) != 0 || l.timer != nil {
			t.Errorf("left: %d sessions, %d idle with %d bytes", len(l.sessions), l.idle.Len(), l.idleBytes)
		}
	})
}

func TestSessionMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := New("here_", roomy), New("there_", roomy)
		s := here.Open("ada", "room")
		begin(t, s, 1).Finish(ok("one"))
		begin(t, s, 2).Finish(Reply{Status: "error", Data: []byte{0xff}, Binary: true})
		running := begin(t, s, 3)
		late, _ := s.Begin(4, 1, nil)

		moved := there.Expect("ada", "room")
		var found *Session
		go func() { found, _ = there.Find(t.Context(), moved.Name(), "ada", "room") }() // waits
		if _, err := here.Take(t.Context(), s.Name(), "eve", "room", "x"); !errors.Is(err, ErrNoSession) {
			t.Errorf("somebody else took it: %v", err)
		}
		st, err := here.Take(t.Context(), s.Name(), "ada", "room", moved.Name())
		if err != nil || st.MovedTo != "" {
			t.Fatalf("Take: %+v, %v", st, err)
		}
		if again, err := here.Take(t.Context(), s.Name(), "ada", "room", moved.Name()); err != nil || len(again.Pushes) != len(st.Pushes) {
			t.Errorf("taken again: %+v, %v", again, err)
		}
		if other, err := here.Take(t.Context(), s.Name(), "ada", "room", "elsewhere"); err != nil || other.MovedTo != moved.Name() {
			t.Errorf("taken elsewhere: %+v, %v", other, err)
		}
		if got, to := here.Find(t.Context(), s.Name(), "ada", "room"); got != nil || to != moved.Name() {
			t.Errorf("found %v, moved to %q", got, to)
		}
		if _, verdict := s.Begin(5, 0, nil); verdict != Gone {
			t.Errorf("a push is handled where the session was: verdict %d", verdict)
		}
		for number, p := range moved.Arrive(st) {
			go func() {
				r, err := here.Await(t.Context(), s.Name(), number)
				if err != nil {
					t.Error(err)
				}
				p.Finish(r)
			}()
		}
		synctest.Wait()
		if found != moved {
			t.Error("who looked for it while it moved has not found it")
		}
		wantTold(t, moved, 1, outcomeUnknown) // the client has it
		wantTold(t, moved, 2, "error \xff")
		var got told
		moved.Begin(3, 0, got.tell)
		running.Finish(ok("three"))
		late.Lose()
		synctest.Wait()
		if !slices.Equal(got, told{"ok three"}) {
			t.Errorf("told %q", got)
		}
		wantTold(t, moved, 4, outcomeUnknown)
		if _, verdict := moved.Begin(5, 0, nil); verdict != Run {
			t.Errorf("a new push: verdict %d", verdict)
		}
		if _, err := here.Await(t.Context(), s.Name(), 99); !errors.Is(err, ErrNoSession) {
			t.Errorf("Await of no push: %v", err)
		}
	})
}

func TestSessionDoesNotArrive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New("", roomy)
		s := l.Expect("ada", "room")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if got, _ := l.Find(ctx, s.Name(), "ada", "room"); got != nil || ctx.Err() == nil {
			t.Errorf("found %v", got)
		}
		go func() {
			time.Sleep(time.Second)
			s.Miss()
		}()
		if got, _ := l.Find(t.Context(), s.Name(), "ada", "room"); got != nil {
			t.Errorf("found %v", got)
		}
	})
}

func TestClosedLedgerForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New("", roomy)
		s, held := l.Open("ada", "room"), l.Open("ada", "room")
		p := begin(t, s, 1)
		s.Release()
		l.Close()
		held.Release()
		p.Finish(ok(""))
		if got, _ := l.Find(t.Context(), s.Name(), "ada", "room"); got != nil {
			t.Error("a session is still there")
		}
	})
}
