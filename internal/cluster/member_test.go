package cluster_test

import (
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roost-dev/roost/internal/cluster"
	"github.com/roost-dev/roost/pubsub/pubsubtest"
)

func TestNodesFindEachOtherAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var bus pubsubtest.Bus
		a, b := join(t, &bus, "a"), join(t, &bus, "b")
		a.knows(t, "two", "b")
		b.knows(t, "two", "a")
		c := join(t, &bus, "c")
		a.knows(t, "three", "b", "c")
		b.knows(t, "three", "a", "c")
		c.knows(t, "three", "a", "b")
		if took := time.Since(began); took > 0 {
			t.Errorf("that took %v", took)
		}
		a.saw(t, "three", "up b", "up c")
		m := c.Members()[0]
		if m.ID != a.Self().ID || m.Since != began || m.Leaving {
			t.Errorf("c knows a as %+v", m)
		}
	})
}

// Others must not answer a newcomer before the engine knows what it wants.
func TestNodesFindEachOtherAsSoonAsTheEngineKnowsOfThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := pubsubtest.Bus{Lag: period / 5}
		a := join(t, &bus, "a")
		time.Sleep(period / 2)
		b := join(t, &bus, "b")
		time.Sleep(period / 5)
		a.knows(t, "settled", "b")
		b.knows(t, "settled", "a")
	})
}

func TestASilentNodeIsDroppedAfterALeaseAndNotBefore(t *testing.T) {
	inCluster(t, 3, func(t *testing.T, _ *pubsubtest.Bus, nodes []*node) {
		a, b, c := nodes[0], nodes[1], nodes[2]
		c.crash(t) // its last heartbeat was half a period ago
		time.Sleep(lease - period/2 - 1)
		a.knows(t, "before a lease", "b", "c")
		a.saw(t, "before a lease")
		time.Sleep(period + 1)
		a.knows(t, "after a lease", "b")
		b.knows(t, "after a lease", "a")
		a.saw(t, "after a lease", "down c")
		b.saw(t, "after a lease", "down c")
	})
}

func TestANodeThatIsHeardAgainIsBack(t *testing.T) {
	inCluster(t, 3, func(t *testing.T, bus *pubsubtest.Bus, nodes []*node) {
		a, b, c := nodes[0], nodes[1], nodes[2]
		bus.Partition([]*pubsubtest.Node{c.engine})
		time.Sleep(2 * lease)
		a.knows(t, "apart", "b")
		c.knows(t, "apart")
		bus.Heal()
		time.Sleep(period)
		for _, n := range []*node{a, b} {
			n.saw(t, "healed", "down c", "up c")
		}
		c.knows(t, "healed", "a", "b")
	})
}

func TestAShortSilenceIsNothing(t *testing.T) {
	inCluster(t, 2, func(t *testing.T, bus *pubsubtest.Bus, nodes []*node) {
		for range 10 { // two heartbeats are lost, one arrives
			bus.Partition([]*pubsubtest.Node{nodes[1].engine})
			time.Sleep(2 * period)
			bus.Heal()
			time.Sleep(period)
		}
		nodes[0].saw(t, "lossy")
		nodes[1].saw(t, "lossy")
	})
}

func TestAPausedNodeDoesNotTakeOthersForDead(t *testing.T) {
	inCluster(t, 3, func(t *testing.T, _ *pubsubtest.Bus, nodes []*node) {
		a, b, c := nodes[0], nodes[1], nodes[2]
		c.engine.Pause()
		time.Sleep(10 * lease)
		a.knows(t, "c is paused", "b")
		c.engine.Resume()
		synctest.Wait()
		c.knows(t, "at once after the pause", "a", "b")
		time.Sleep(2 * lease)
		c.saw(t, "after its pause")
		for _, n := range []*node{a, b} {
			n.saw(t, "after the pause of another", "down c", "up c")
		}
	})
}

func TestWhoDiedDuringAPauseIsFoundAfterIt(t *testing.T) {
	inCluster(t, 2, func(t *testing.T, _ *pubsubtest.Bus, nodes []*node) {
		a, b := nodes[0], nodes[1]
		a.engine.Pause()
		time.Sleep(lease)
		b.crash(t)
		time.Sleep(lease)
		a.engine.Resume()
		time.Sleep(lease + 2*period)
		a.saw(t, "a lease after its pause", "down b")
	})
}

func TestAGoodbyeCountsAtOnce(t *testing.T) {
	inCluster(t, 3, func(t *testing.T, _ *pubsubtest.Bus, nodes []*node) {
		a, b, c := nodes[0], nodes[1], nodes[2]
		if err := c.Close(t.Context()); err != nil {
			t.Error(err)
		}
		a.knows(t, "goodbye", "b")
		a.saw(t, "goodbye", "down c")
		b.saw(t, "goodbye", "down c")
		time.Sleep(3 * lease)
		a.saw(t, "later")
	})
}

func TestWhoLeavesWithAGraceIsKeptForIt(t *testing.T) {
	const grace = 10 * time.Second
	inCluster(t, 2, func(t *testing.T, _ *pubsubtest.Bus, nodes []*node) {
		a, b := nodes[0], nodes[1]
		if err := b.Leave(t.Context(), grace); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if m := a.Members(); len(m) != 1 || !m[0].Leaving || !b.Leaving() || a.Leaving() {
			t.Errorf("b is leaving, a knows %+v", m)
		}
		time.Sleep(3 * lease) // it may take its time
		if err := b.Close(t.Context()); err != nil {
			t.Error(err)
		}
		a.knows(t, "gone")
		time.Sleep(grace - 1)
		a.saw(t, "during the grace", "leaving b")
		time.Sleep(period + 1)
		a.saw(t, "after the grace", "down b")
		time.Sleep(3 * lease)
		a.saw(t, "later")
	})
}

func TestWhoLeavesAtOnceIsNotKept(t *testing.T) {
	inCluster(t, 2, func(t *testing.T, _ *pubsubtest.Bus, nodes []*node) {
		a, b := nodes[0], nodes[1]
		if err := b.Leave(t.Context(), 0); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if m := a.Members(); len(m) != 1 || !m[0].Leaving {
			t.Errorf("b is leaving, a knows %+v", m)
		}
		if err := b.Close(t.Context()); err != nil {
			t.Error(err)
		}
		a.saw(t, "gone", "leaving b", "down b")
	})
}

// Who comes during a grace must know whom the others still count.
func TestANewcomerIsToldOfThoseWhoseGraceLasts(t *testing.T) {
	const grace = 2 * lease
	inCluster(t, 3, func(t *testing.T, bus *pubsubtest.Bus, nodes []*node) {
		b, c := nodes[1], nodes[2]
		if err := b.Leave(t.Context(), grace); err != nil {
			t.Error(err)
		}
		if err := b.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if err := c.Close(t.Context()); err != nil {
			t.Error(err)
		}
		time.Sleep(grace / 2)
		second := join(t, bus, "d")
		second.knows(t, "b is gone", "a")
		second.saw(t, "b is still counted, c is not", "up b", "up a")
		time.Sleep(grace / 4)
		third := join(t, bus, "e") // two tell it
		third.knows(t, "b is gone", "a", "d")
		if got := slices.Sorted(slices.Values(third.seen())); !slices.Equal(got, []string{"up a", "up b", "up d"}) {
			t.Errorf("a later newcomer saw %q", got)
		}
		time.Sleep(grace/4 - 1)
		second.saw(t, "until the end of the grace", "up e")
		time.Sleep(period + 1)
		for _, n := range []*node{second, third} {
			n.saw(t, "after the grace", "down b")
		}
		time.Sleep(3 * lease)
		if got := slices.Sorted(slices.Values(join(t, bus, "f").seen())); !slices.Equal(got, []string{"up a", "up d", "up e"}) {
			t.Errorf("long after the grace a newcomer saw %q", got)
		}
	})
}

// The announcement may be lost; the goodbye says the grace too.
func TestAGoodbyeSaysTheGrace(t *testing.T) {
	inCluster(t, 2, func(t *testing.T, bus *pubsubtest.Bus, nodes []*node) {
		a, b := nodes[0], nodes[1]
		bus.Partition([]*pubsubtest.Node{b.engine})
		if err := b.Leave(t.Context(), lease); err != nil {
			t.Error(err)
		}
		bus.Heal()
		if err := b.Close(t.Context()); err != nil {
			t.Error(err)
		}
		time.Sleep(lease - 1)
		a.saw(t, "during the grace", "leaving b")
		time.Sleep(period + 1)
		a.saw(t, "after the grace", "down b")
	})
}

func TestWhoLeavesAndCrashesIsKeptForALeaseAndTheGrace(t *testing.T) {
	const grace = 10 * time.Second
	inCluster(t, 2, func(t *testing.T, _ *pubsubtest.Bus, nodes []*node) {
		a, b := nodes[0], nodes[1]
		if err := b.Leave(t.Context(), grace); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		b.crash(t)
		time.Sleep(lease + grace - 1)
		a.saw(t, "before", "leaving b")
		time.Sleep(period + 1)
		a.saw(t, "after", "down b")
	})
}

// A node introduces itself to newcomers on their own subject, where it may be
// heard after its goodbye to everybody.
func TestAHeartbeatThatAGoodbyeOvertookIsNoNode(t *testing.T) {
	for _, grace := range []time.Duration{0, lease / 2} {
		inCluster(t, 1, func(t *testing.T, bus *pubsubtest.Bus, nodes []*node) {
			a := nodes[0]
			bus.SetLinks(pubsubtest.Link{Delay: period / 4})
			b := join(t, bus, "b")
			time.Sleep(period / 4)
			synctest.Wait() // a has heard b, and its greeting is on its way
			bus.SetLinks(pubsubtest.Link{})
			if grace > 0 {
				if err := a.Leave(t.Context(), grace); err != nil {
					t.Error(err)
				}
				b.knows(t, "told that a leaves", "a")
			}
			if err := a.Close(t.Context()); err != nil {
				t.Error(err)
			}
			b.knows(t, "goodbye")
			time.Sleep(period / 4)
			b.knows(t, "the greeting has come")
			time.Sleep(3 * lease)
			if grace > 0 {
				b.saw(t, "later", "up a", "down a") // which leaves as it comes
			} else {
				b.saw(t, "later")
			}
		})
	}
}

func TestTwoLivingNodesOfOneNameAreAConflict(t *testing.T) {
	inCluster(t, 2, func(t *testing.T, bus *pubsubtest.Bus, nodes []*node) {
		twin := join(t, bus, "b")
		time.Sleep(lease)
		for _, n := range append(nodes, twin) {
			if got := n.Conflicts(); !slices.Equal(got, []string{"b"}) {
				t.Errorf("%s finds the conflicts %q", n.Self().Name, got)
			}
		}
		nodes[0].knows(t, "both work", "b", "b")
		if err := twin.Close(t.Context()); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if got := nodes[0].Conflicts(); got != nil {
			t.Errorf("one has gone, and there are still the conflicts %q", got)
		}
	})
}

func TestARestartedNodeIsNoConflict(t *testing.T) {
	for name, fault := range map[string]func(bus *pubsubtest.Bus, a *node){
		"quiet": func(*pubsubtest.Bus, *node) {},
		"the engine was away meanwhile": func(bus *pubsubtest.Bus, _ *node) {
			bus.EngineAway()
			bus.EngineBack()
		},
		"who looks was paused meanwhile": func(_ *pubsubtest.Bus, a *node) {
			a.engine.Pause()
			time.Sleep(3 * lease / 4)
			a.engine.Resume()
		},
	} {
		t.Run(name, func(t *testing.T) {
			inCluster(t, 2, func(t *testing.T, bus *pubsubtest.Bus, nodes []*node) {
				a, b := nodes[0], nodes[1]
				b.crash(t)
				again := join(t, bus, "b")
				time.Sleep(2*period + period/4)
				fault(bus, a)
				for range 20 {
					synctest.Wait()
					for _, n := range []*node{a, again} {
						if got := n.Conflicts(); got != nil {
							t.Fatalf("%s finds the conflicts %q", n.Self().Name, got)
						}
					}
					time.Sleep(period)
				}
				a.knows(t, "later", "b")
			})
		})
	}
}

func TestTheEnginesReturnIsToldAndCountsAsAStart(t *testing.T) {
	inCluster(t, 2, func(t *testing.T, bus *pubsubtest.Bus, nodes []*node) {
		a, b := nodes[0], nodes[1]
		bus.EngineAway()
		time.Sleep(lease / 2)
		bus.EngineBack()
		time.Sleep(lease)
		a.saw(t, "after a short absence", "recovered")
		b.saw(t, "after a short absence", "recovered")
		bus.EngineAway()
		time.Sleep(3 * lease)
		a.saw(t, "in a long absence", "down b")
		b.saw(t, "in a long absence", "down a")
		bus.EngineBack()
		a.saw(t, "at once after it", "recovered", "up b")
		b.saw(t, "at once after it", "recovered", "up a")
	})
}

// Another node that comes and goes has the engine of an embedded cluster come
// back again and again.
func TestADeadNodeIsForgivenItsSilenceOnce(t *testing.T) {
	inCluster(t, 2, func(t *testing.T, _ *pubsubtest.Bus, nodes []*node) {
		a, b := nodes[0], nodes[1]
		b.crash(t)
		for range 6 * lease / period {
			time.Sleep(period)
			a.Recovered()
		}
		a.knows(t, "long after its crash")
	})
}

// In a mesh the engine comes back with any of the others.
func TestTheEnginesReturnDoesNotHideACrash(t *testing.T) {
	for back := time.Duration(0); back < lease+period; back += period / 10 {
		inCluster(t, 2, func(t *testing.T, _ *pubsubtest.Bus, nodes []*node) {
			a, b := nodes[0], nodes[1]
			b.crash(t)
			time.Sleep(back)
			a.Recovered()
			time.Sleep(lease + period - back)
			a.knows(t, "a lease and a heartbeat after a crash")
		})
	}
}

func TestAWatcherIsToldWhoIsThereAndThenOfChanges(t *testing.T) {
	inCluster(t, 3, func(t *testing.T, bus *pubsubtest.Bus, nodes []*node) {
		late := &node{Cluster: nodes[0].Cluster}
		stop := late.Watch(late.watch)
		synctest.Wait()
		slices.Sort(late.events) // members have no order
		late.saw(t, "at first", "up b", "up c")
		join(t, bus, "d")
		nodes[1].crash(t)
		time.Sleep(2 * lease)
		late.saw(t, "changes", "up d", "down b")
		stop()
		stop()
		join(t, bus, "e")
		late.saw(t, "stopped")
		nodes[0].saw(t, "another watcher", "up d", "down b", "up e")
	})
}

func TestAWatcherMayStopAndWatchWhileItIsTold(t *testing.T) {
	inCluster(t, 2, func(t *testing.T, bus *pubsubtest.Bus, nodes []*node) {
		var first, second atomic.Int64
		stop := make(chan func(), 1)
		stop <- nodes[0].Watch(func(cluster.Event) {
			first.Add(1)
			(<-stop)()
			nodes[0].Watch(func(cluster.Event) { second.Add(1) })
		})
		synctest.Wait()
		join(t, bus, "c")
		synctest.Wait()
		if first.Load() != 1 || second.Load() != 2 {
			t.Errorf("told %d and %d times, want 1 and 2", first.Load(), second.Load())
		}
	})
}

func TestWhatIsGoneIsNotReplayed(t *testing.T) {
	inCluster(t, 3, func(t *testing.T, _ *pubsubtest.Bus, nodes []*node) {
		if err := nodes[1].Close(t.Context()); err != nil {
			t.Error(err)
		}
		if err := nodes[2].Leave(t.Context(), lease); err != nil {
			t.Error(err)
		}
		if err := nodes[2].Close(t.Context()); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		late := &node{Cluster: nodes[0].Cluster}
		late.Watch(late.watch)
		late.saw(t, "at first", "up c") // what it has is still to be kept
		time.Sleep(2 * lease)
		late.saw(t, "later", "down c")
	})
}

func TestANameOfAnyBytesTravels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var bus pubsubtest.Bus
		a := join(t, &bus, "a")
		join(t, &bus, "n\xff\"\x00ö")
		a.knows(t, "strange", "n\uFFFD\"\x00ö")
		nameless := join(t, &bus, "")
		if got := nameless.Self(); got.Name != string(got.ID) || got.Name == "" {
			t.Errorf("a node without a name is %+v", got)
		}
	})
}

func TestFramesThatNobodyUnderstandsAreIgnored(t *testing.T) {
	inCluster(t, 2, func(t *testing.T, _ *pubsubtest.Bus, nodes []*node) {
		for _, payload := range []string{"", "\x01", "\x01\x02n9\x00\x00not json", "\x02\x02n9\x00\x00", "\x63\x02n9\x00\x00later", "\x03\x02n9\x00\x04none"} {
			nodes[0].Cluster.Receive([]byte(payload))
		}
		nodes[0].knows(t, "after that", "b")
		nodes[0].saw(t, "after that")
	})
}
