package presence_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roost-dev/roost/pubsub/pubsubtest"
)

// faults are those that a node survives.
var faults = map[string]struct {
	begin, end func(bus *pubsubtest.Bus, n *node)
}{
	"partition": {
		func(bus *pubsubtest.Bus, n *node) { bus.Partition([]*pubsubtest.Node{n.adapter.Node}) },
		func(bus *pubsubtest.Bus, _ *node) { bus.Heal() },
	},
	"pause": {
		func(_ *pubsubtest.Bus, n *node) { n.adapter.Pause() },
		func(_ *pubsubtest.Bus, n *node) { n.adapter.Resume() },
	},
	"engine": {
		func(bus *pubsubtest.Bus, _ *node) { bus.EngineAway() },
		func(bus *pubsubtest.Bus, _ *node) { bus.EngineBack() },
	},
}

func TestACrashIsNoticedWithinALease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, nodes := startNodes(t, 3)
		a, b, c := nodes[0], nodes[1], nodes[2]
		watcher := c.watch()
		for i := range 10 {
			a.enter("room", "ann", meta{N: i})
		}
		b.enter("room", "bob", meta{N: 10})
		time.Sleep(time.Second)
		watcher.told(t)
		a.crash()
		time.Sleep(soon)
		expect("after a crash", "bob[10]", b, c)
		if got, want := watcher.told(t), []string{"joins  leaves 0,1,2,3,4,5,6,7,8,9"}; !slices.Equal(got, want) {
			t.Errorf("told %q, want all to leave in one diff", got)
		}
	})
}

func TestAShortFaultShowsNobodyLeave(t *testing.T) {
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				bus, nodes := startNodes(t, 3)
				a, b, c := nodes[0], nodes[1], nodes[2]
				ann, bob := a.enter("room", "ann", meta{N: 1}), b.enter("room", "bob", meta{N: 2})
				watcher := c.watch()
				time.Sleep(1100 * time.Millisecond) // between heartbeats
				watcher.told(t)
				bob.told(t)
				fault.begin(bus, a)
				ann.end()
				a.enter("room", "eve", meta{N: 3})
				must(t, b.p.Update(t.Context(), bob, "bob", set(meta{N: 4})))
				time.Sleep(lease / 2)
				fault.end(bus, a)
				time.Sleep(soon)
				expect("after the fault", "bob[4] eve[3]", nodes...)
				if got, want := sum(watcher.told(t)), "joins 3,4 leaves 1,2"; got != want {
					t.Errorf("all in all told %q, want %q", got, want)
				}
			})
		})
	}
}

// sum adds up what a client was told, as often as it was told.
func sum(shapes []string) string {
	var joins, leaves []string
	for _, s := range shapes {
		j, l, _ := strings.Cut(strings.TrimPrefix(s, "joins "), " leaves ")
		joins, leaves = append(joins, strings.Split(j, ",")...), append(leaves, strings.Split(l, ",")...)
	}
	slices.Sort(joins)
	slices.Sort(leaves)
	return "joins " + strings.TrimLeft(strings.Join(joins, ","), ",") + " leaves " + strings.TrimLeft(strings.Join(leaves, ","), ",")
}

func TestALongFaultEndsWithTheRightJoinsInOneBatch(t *testing.T) {
	for _, name := range []string{"partition", "pause"} {
		fault := faults[name]
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				bus, nodes := startNodes(t, 3)
				a, b, c := nodes[0], nodes[1], nodes[2]
				left := a.enter("room", "ann", meta{N: 1})
				a.enter("room", "eve", meta{N: 2})
				a.enter("room", "joe", meta{N: 3})
				b.enter("room", "bob", meta{N: 4})
				watcher := c.watch()
				time.Sleep(time.Second)
				watcher.told(t)
				fault.begin(bus, a)
				time.Sleep(30 * time.Second)
				expect("during the fault", "bob[4]", b, c)
				if got, want := watcher.told(t), []string{"joins  leaves 1,2,3"}; !slices.Equal(got, want) {
					t.Errorf("during the fault told %q, want %q", got, want)
				}
				left.end()
				a.enter("room", "new", meta{N: 5})
				time.Sleep(time.Second)
				fault.end(bus, a)
				time.Sleep(soon)
				expect("after the fault", "bob[4] eve[2] joe[3] new[5]", nodes...)
				if got, want := watcher.told(t), []string{"joins 2,3,5 leaves "}; !slices.Equal(got, want) {
					t.Errorf("after the fault told %q, want %q", got, want)
				}
				time.Sleep(time.Minute)
				if got := watcher.told(t); len(got) != 0 {
					t.Errorf("long after the fault told %q", got)
				}
			})
		})
	}
}

func TestARestartUnderTheSameNameIsAnotherNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus, nodes := startNodes(t, 2)
		a, b := nodes[0], nodes[1]
		watcher := b.watch()
		a.enter("room", "ann", meta{N: 1})
		time.Sleep(time.Second)
		a.crash()
		again := startNode(t, bus, "a", nil)
		again.enter("room", "ann", meta{N: 2})
		expect("restarted", "ann[1 2]", b)
		time.Sleep(soon)
		expect("after the lease", "ann[2]", b, again)
		if got, want := watcher.told(t), []string{"joins 1 leaves ", "joins 2 leaves ", "joins  leaves 1"}; !slices.Equal(got, want) {
			t.Errorf("told %q, want %q", got, want)
		}
	})
}

// Users of a node that stops with a grace are back on another one before
// anybody sees them leave.
func TestAPlannedStopWithGraceDoesNotBlink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, nodes := startNodes(t, 3)
		a, b, c := nodes[0], nodes[1], nodes[2]
		ann, bob := a.enter("room", "ann", meta{N: 1}), a.enter("room", "bob", meta{N: 2})
		beside := a.watch()
		watcher := c.watch()
		time.Sleep(time.Second)
		watcher.told(t)
		beside.told(t)
		must(t, a.ps.Leave(t.Context(), 10*time.Second))
		late := a.enter("room", "late", meta{N: 3})
		time.Sleep(time.Second)
		if got, want := watcher.told(t), []string{"joins 3 leaves "}; !slices.Equal(got, want) {
			t.Errorf("of who comes to a node that is to stop, told %q", got)
		}
		for _, c := range []*conversation{ann, bob, late} {
			c.end()
		}
		time.Sleep(time.Second)
		if got, want := beside.told(t), []string{"joins 3 leaves "}; !slices.Equal(got, want) {
			t.Errorf("on the node that is to stop told %q, want %q", got, want)
		}
		a.stop()
		time.Sleep(2 * time.Second)
		b.enter("room", "ann", meta{N: 11})
		synctest.Wait()
		b.enter("room", "late", meta{N: 13})
		expect("while the grace lasts", "ann[1 11] bob[2] late[3 13]", c)
		time.Sleep(10 * time.Second)
		expect("after the grace", "ann[11] late[13]", b, c)
		if got, want := watcher.told(t), []string{"joins 11 leaves ", "joins 13 leaves ", "joins  leaves 1,2,3"}; !slices.Equal(got, want) {
			t.Errorf("told %q, want %q", got, want)
		}
	})
}

func TestAPlannedStopWithoutGraceShowsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, nodes := startNodes(t, 2)
		a, b := nodes[0], nodes[1]
		watcher := b.watch()
		a.enter("room", "ann", meta{N: 1})
		a.enter("room", "bob", meta{N: 2})
		time.Sleep(time.Second)
		watcher.told(t)
		a.stop()
		expect("after the stop", "", b)
		if got, want := watcher.told(t), []string{"joins  leaves 1,2"}; !slices.Equal(got, want) {
			t.Errorf("told %q, want %q", got, want)
		}
	})
}
