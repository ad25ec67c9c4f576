package poller

import (
	"math/rand/v2"
	"testing"
	"time"
)

// alarm is an owner with a deadline.
type alarm struct {
	spoke
	set, due time.Duration
}

func (a *alarm) Ready(Ready, *Turn) {}

func newAlarm() *alarm {
	a := &alarm{}
	a.owner = a
	return a
}

func newWheel() *wheel { return &wheel{next: never} }

func TestWheelCallsAtMostATickLateAndNeverEarly(t *testing.T) {
	w := newWheel()
	random := rand.New(rand.NewPCG(1, 2))
	waiting := 0
	set := func(a *alarm, now time.Duration) {
		a.set, a.due = now, now+time.Duration(random.Int64N(int64(300*time.Second)))
		w.set(&a.spoke, a.due)
	}
	for range 1000 {
		waiting++
		set(newAlarm(), 0)
	}
	again := 2000
	before := time.Duration(0)
	for now := before; waiting > 0; before, now = now, now+time.Duration(random.Int64N(int64(250*time.Millisecond))) {
		w.advance(now, func(s *spoke) {
			a := s.owner.(*alarm)
			switch {
			case a.due > now && now-a.set < (turns-2)*Tick:
				t.Errorf("called at %v, %v too early", now, a.due-now)
			case a.due > now: // it was beyond what the wheel sees
				a.set = now
				w.set(s, a.due)
				return
			case a.due < before-Tick:
				t.Errorf("called at %v, %v too late", now, now-a.due)
			}
			if waiting--; again > 0 {
				again--
				waiting++
				set(a, now)
			}
		})
		if now > time.Hour {
			t.Fatalf("%d deadlines have not come", waiting)
		}
	}
	if _, limited := w.wait(0); limited {
		t.Error("an empty wheel is still waiting")
	}
}

func TestWheelMovesAndForgetsDeadlines(t *testing.T) {
	w := newWheel()
	early, late, gone := newAlarm(), newAlarm(), newAlarm()
	w.set(&early.spoke, 50*time.Second)
	w.set(&late.spoke, 2*time.Second)
	w.set(&gone.spoke, 2*time.Second)
	w.set(&early.spoke, 2*time.Second)
	w.set(&late.spoke, 50*time.Second)
	w.remove(&gone.spoke)
	w.remove(&gone.spoke)
	if wait, limited := w.wait(time.Second); !limited || wait != time.Second {
		t.Errorf("waits for %v, %t, want 1s", wait, limited)
	}
	var called []*spoke
	w.advance(10*time.Second, func(s *spoke) { called = append(called, s) })
	if len(called) != 1 || called[0] != &early.spoke {
		t.Errorf("%d calls, want the one that was moved forward", len(called))
	}
	called = nil
	w.advance(49*time.Second, func(s *spoke) { called = append(called, s) })
	if len(called) != 0 {
		t.Error("called before the deadline")
	}
	w.advance(50*time.Second, func(s *spoke) { called = append(called, s) })
	if len(called) != 1 || called[0] != &late.spoke {
		t.Errorf("%d calls, want the one that was moved back", len(called))
	}
}

func TestWheelThatStoodStillCallsAllThatIsDue(t *testing.T) {
	w := newWheel()
	for i := range 500 {
		w.set(&newAlarm().spoke, time.Duration(i)*time.Second/5)
	}
	calls := 0
	w.advance(24*time.Hour, func(s *spoke) {
		if calls++; calls == 1 {
			w.set(s, 24*time.Hour+time.Second)
		}
	})
	if calls != 500 {
		t.Errorf("%d calls, want 500", calls)
	}
	if wait, limited := w.wait(24 * time.Hour); !limited || wait != time.Second {
		t.Errorf("waits for %v, %t, want 1s", wait, limited)
	}
}
