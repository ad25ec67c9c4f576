package pubsubtest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roost-dev/roost/pubsub"
	"github.com/roost-dev/roost/pubsub/pubsubtest"
)

// station is a node and what it got: "subject number", or "recovered".
type station struct {
	*pubsubtest.Node

	mu  sync.Mutex // guards got
	got []string
}

func (s *station) Receive(e *pubsub.Envelope) { s.note(e.Subject + " " + string(e.Payload)) }

func (s *station) Recovered() { s.note("recovered") }

func (s *station) note(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got = append(s.got, what)
}

// take returns what came since it was called last.
func (s *station) take() []string {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	got := s.got
	s.got = nil
	return got
}

// send publishes numbers, from before to.
func (s *station) send(t *testing.T, subject string, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		if err := s.Publish(t.Context(), &pubsub.Envelope{Subject: subject, Payload: fmt.Append(nil, i)}); err != nil {
			t.Fatalf("envelope %d on %s: %v", i, subject, err)
		}
	}
}

func numbers(subject string, n int) []string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprint(subject, " ", i))
	}
	return all
}

func want(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

// stations adds nodes that want a and b.
func stations(t *testing.T, bus *pubsubtest.Bus, n int) []*station {
	t.Helper()
	all := make([]*station, n)
	for i := range all {
		s := &station{Node: bus.Node()}
		if err := s.Start(s); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.Close(context.Background()); err != nil {
				t.Error(err)
			}
		})
		s.Interest("a", true)
		s.Interest("b", true)
		all[i] = s
	}
	return all
}

// onBus runs f in a bubble with a network of n nodes.
func onBus(t *testing.T, bus *pubsubtest.Bus, n int, f func(t *testing.T, s []*station)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, stations(t, bus, n)) })
}

func TestALinkLosesItsShareBySeedInOneDirection(t *testing.T) {
	lossy := func(seed uint64) (there, back []string) {
		bus := &pubsubtest.Bus{Seed: seed}
		onBus(t, bus, 2, func(t *testing.T, s []*station) {
			bus.SetLink(s[0].Node, s[1].Node, pubsubtest.Link{Loss: 0.2})
			for i := range 1000 {
				s[0].send(t, "a", i, i+1)
				s[1].send(t, "a", i, i+1)
				synctest.Wait()
			}
			there, back = s[1].take(), s[0].take()
		})
		return there, back
	}
	there, back := lossy(1)
	if n := len(there); n < 750 || n > 850 {
		t.Errorf("%d of 1000 arrived, want about 800", n)
	}
	want(t, "the other direction", back, numbers("a", 1000))
	again, _ := lossy(1)
	want(t, "the same seed again", again, there)
	if other, _ := lossy(2); slices.Equal(other, there) {
		t.Error("another seed loses the same envelopes")
	}
}

func TestALinkRepeatsWithoutBreakingTheOrder(t *testing.T) {
	bus := &pubsubtest.Bus{}
	onBus(t, bus, 2, func(t *testing.T, s []*station) {
		bus.SetLinks(pubsubtest.Link{Repeat: 1, Jitter: time.Second})
		s[0].send(t, "a", 0, 3)
		time.Sleep(time.Second)
		want(t, "repeated", s[1].take(), []string{"a 0", "a 0", "a 1", "a 1", "a 2", "a 2"})
		bus.SetLinks(pubsubtest.Link{})
		s[0].send(t, "a", 3, 4)
		want(t, "a good link again", s[1].take(), []string{"a 3"})
	})
}

func TestALinkDelays(t *testing.T) {
	bus := &pubsubtest.Bus{}
	onBus(t, bus, 2, func(t *testing.T, s []*station) {
		bus.SetLink(s[0].Node, s[1].Node, pubsubtest.Link{Delay: 100 * time.Millisecond})
		s[0].send(t, "a", 0, 2)
		time.Sleep(100*time.Millisecond - 1)
		want(t, "too early", s[1].take(), nil)
		time.Sleep(time.Nanosecond)
		want(t, "in time", s[1].take(), []string{"a 0", "a 1"})
	})
}

func TestJitterKeepsTheOrderOfEachSubjectUnlessAskedNotTo(t *testing.T) {
	const n = 200
	bus := &pubsubtest.Bus{}
	onBus(t, bus, 2, func(t *testing.T, s []*station) {
		shuffled := func(reorder bool) (a, b, all []string) {
			bus.SetLinks(pubsubtest.Link{Jitter: time.Second, Reorder: reorder})
			for i := range n {
				s[0].send(t, "a", i, i+1)
				s[0].send(t, "b", i, i+1)
				time.Sleep(time.Millisecond)
			}
			time.Sleep(time.Second)
			all = s[1].take()
			for _, e := range all {
				if e[0] == 'a' {
					a = append(a, e)
				} else {
					b = append(b, e)
				}
			}
			return a, b, all
		}
		a, b, all := shuffled(false)
		want(t, "one subject", a, numbers("a", n))
		want(t, "the other", b, numbers("b", n))
		overtaken := 0
		for i := 1; i < len(all); i++ {
			var before, after int
			if _, err := fmt.Sscan(all[i-1][2:]+" "+all[i][2:], &before, &after); err != nil {
				t.Fatal(err)
			}
			if after < before {
				overtaken++
			}
		}
		if overtaken == 0 {
			t.Error("subjects never overtake each other")
		}
		a, b, _ = shuffled(true)
		for subject, got := range map[string][]string{"a": a, "b": b} {
			if slices.Equal(got, numbers(subject, n)) {
				t.Errorf("nothing on %s was overtaken", subject)
			}
			slices.Sort(got)
			all := numbers(subject, n)
			slices.Sort(all)
			want(t, "all the same", got, all)
		}
	})
}

func TestAPartitionCutsItsSidesOff(t *testing.T) {
	bus := &pubsubtest.Bus{}
	onBus(t, bus, 5, func(t *testing.T, s []*station) {
		check := func(what string, groups ...[]int) {
			t.Helper()
			for i, from := range s {
				from.send(t, "a", i, i+1)
				synctest.Wait()
			}
			for i, at := range s {
				var heard []string
				for _, g := range groups {
					for _, other := range g {
						if other != i && slices.Contains(g, i) {
							heard = append(heard, fmt.Sprint("a ", other))
						}
					}
				}
				want(t, fmt.Sprint(what, ": node ", i), at.take(), heard)
			}
		}
		check("whole", []int{0, 1, 2, 3, 4})
		bus.Partition([]*pubsubtest.Node{s[0].Node}, []*pubsubtest.Node{s[1].Node, s[2].Node})
		check("three sides", []int{0}, []int{1, 2}, []int{3, 4})
		bus.Partition([]*pubsubtest.Node{s[4].Node})
		check("one cut off", []int{0, 1, 2, 3}, []int{4})
		bus.Heal()
		check("healed", []int{0, 1, 2, 3, 4})
	})
}

func TestAPausedNodeNeitherSpeaksNorHears(t *testing.T) {
	bus := &pubsubtest.Bus{}
	onBus(t, bus, 2, func(t *testing.T, s []*station) {
		s[1].Pause()
		s[1].Pause()
		s[0].send(t, "a", 0, 2000) // does not wait for it
		time.Sleep(time.Minute)
		want(t, "paused", s[1].take(), nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		published := make(chan error, 1)
		go func() { published <- s[1].Publish(ctx, &pubsub.Envelope{Subject: "a", Payload: []byte("back")}) }()
		time.Sleep(time.Minute)
		if len(published) > 0 {
			t.Error("a paused node publishes")
		}
		s[1].Resume()
		s[1].Resume()
		want(t, "resumed", s[1].take(), numbers("a", 1024))
		if err := <-published; err != nil {
			t.Error(err)
		}
		want(t, "the other", s[0].take(), []string{"a back"})
	})
}

func TestAPausedNodeCanBeClosed(t *testing.T) {
	bus := &pubsubtest.Bus{}
	onBus(t, bus, 2, func(t *testing.T, s []*station) {
		s[1].Pause()
		s[0].send(t, "a", 0, 1)
		settled := make(chan error, 1)
		go func() { settled <- s[1].Settle(t.Context()) }()
		synctest.Wait()
		if err := s[1].Close(t.Context()); err != nil {
			t.Error(err)
		}
		if err := <-settled; !errors.Is(err, pubsubtest.ErrNotRunning) {
			t.Errorf("Settle on a node that was closed in its pause: %v", err)
		}
		want(t, "closed", s[1].take(), nil)
	})
}

func TestWhileTheEngineIsAwayNodesBufferAndKnow(t *testing.T) {
	bus := &pubsubtest.Bus{}
	onBus(t, bus, 3, func(t *testing.T, s []*station) {
		bus.SetLink(s[0].Node, s[1].Node, pubsubtest.Link{Delay: time.Second})
		s[0].send(t, "a", 0, 1) // is lost on its way
		bus.EngineAway(s[0].Node, s[1].Node)
		time.Sleep(time.Second)
		s[2].send(t, "a", 1, 2) // nobody is there
		s[0].send(t, "a", 2, 4)
		if err := s[0].Settle(t.Context()); !errors.Is(err, pubsub.ErrUnavailable) {
			t.Errorf("Settle: %v", err)
		}
		if h := s[0].Health(); h.State != pubsub.StateDegraded || h.Pending != 2 || h.Detail == "" {
			t.Errorf("health is %+v", h)
		}
		if h := s[2].Health(); h.State != pubsub.StateUp {
			t.Errorf("health of a node that was left alone is %+v", h)
		}
		bus.EngineBack()
		s[0].send(t, "a", 4, 5)
		time.Sleep(time.Second)
		want(t, "sender", s[0].take(), []string{"recovered"})
		want(t, "receiver", s[1].take(), []string{"recovered", "a 2", "a 3", "a 4"})
		want(t, "the one left alone", s[2].take(), []string{"a 0", "a 2", "a 3", "a 4"})
		if h := s[0].Health(); h.State != pubsub.StateUp || h.Pending != 0 || h.Lost != 0 || h.Reconnects != 1 {
			t.Errorf("health is %+v", h)
		}
	})
}

func TestAFullBufferIsAnError(t *testing.T) {
	bus := &pubsubtest.Bus{}
	onBus(t, bus, 2, func(t *testing.T, s []*station) {
		bus.EngineAway()
		half := &pubsub.Envelope{Subject: "a", Payload: make([]byte, 400<<10)}
		for i := range 3 {
			if err := s[0].Publish(t.Context(), half); errors.Is(err, pubsub.ErrUnavailable) != (i == 2) {
				t.Errorf("envelope %d: %v", i, err)
			}
		}
		bus.EngineBack()
		if got := s[1].take(); len(got) != 3 { // recovered, and what was taken
			t.Errorf("%d came", len(got))
		}
		if h := s[0].Health(); h.Lost != 1 {
			t.Errorf("%d lost, want 1", h.Lost)
		}
	})
}

func TestOthersKnowOfAnInterestAfterTheLag(t *testing.T) {
	bus := &pubsubtest.Bus{Lag: time.Second}
	onBus(t, bus, 2, func(t *testing.T, s []*station) {
		time.Sleep(time.Second)
		s[1].Interest("new", true)
		s[0].send(t, "new", 0, 1)
		began := time.Now()
		if err := s[1].Settle(t.Context()); err != nil || time.Since(began) != time.Second {
			t.Errorf("settled after %v: %v", time.Since(began), err)
		}
		s[0].send(t, "new", 1, 2)
		s[1].Interest("new", false)
		s[0].send(t, "new", 2, 3)
		want(t, "after the lag", s[1].take(), []string{"new 1"})
		s[1].Interest("other", true)
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := s[1].Settle(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("an impatient Settle: %v", err)
		}
	})
}
