package redis

import (
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/roost-dev/roost/pubsub"
)

// subjectsOf returns subjects of each server's slots.
func subjectsOf(servers, each int) [][]string { //nolint:unparam // says what it divides by
	subjects := make([][]string, servers)
	for i, full := 0, 0; full < servers; i++ {
		s := fmt.Sprintf("t:%d", i)
		owner := slotOf(defaultPrefix+s) * servers / slotCount
		if len(subjects[owner]) < each {
			if subjects[owner] = append(subjects[owner], s); len(subjects[owner]) == each {
				full++
			}
		}
	}
	return subjects
}

// steady says numbers on a subject until it is stopped, which returns how many.
func steady(n *node, subject string, gap time.Duration) (stop func() int) {
	ended, said := make(chan struct{}), 0
	var wg sync.WaitGroup
	wg.Go(func() {
		for tick := time.NewTicker(gap); ; <-tick.C {
			select {
			case <-ended:
				return
			default:
				if err := n.say(subject, strconv.Itoa(said)); err != nil {
					n.t.Errorf("Publish: %v", err)
				}
				said++
			}
		}
	})
	stop = sync.OnceValue(func() int {
		close(ended)
		wg.Wait()
		return said
	})
	n.t.Cleanup(func() { stop() })
	return stop
}

// checkOrder waits for the last message of a steady sender, checks that none
// came twice or out of order, and returns how many did not come.
func checkOrder(t *testing.T, to *node, subject string, said int) (missing int) {
	t.Helper()
	last := func() int {
		heard := to.heard(subject)
		if len(heard) == 0 {
			return -1
		}
		n, err := strconv.Atoi(heard[len(heard)-1])
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	eventually(t, "the last message on "+subject+" arrives", func() bool { return last() == said-1 })
	before, heard := -1, to.heard(subject)
	for _, event := range heard {
		n, err := strconv.Atoi(event)
		if err != nil {
			t.Fatal(err)
		}
		if n <= before {
			t.Errorf("on %s message %d came after %d", subject, n, before)
		}
		before = n
	}
	return said - len(heard)
}

func TestSlotsThatMoveAreFollowed(t *testing.T) {
	t.Parallel()
	all := startCluster(t, theRedis, 3, 0)
	from, to := pair(t, all.url(), nil)
	subjects := subjectsOf(3, 1)
	moving, staying := subjects[0][0], subjects[1][0]
	to.settle(moving, staying)
	stopMoving, stopStaying := steady(from, moving, time.Millisecond), steady(from, staying, time.Millisecond)
	slot := strconv.Itoa(slotOf(defaultPrefix + moving))
	owner := all[0]
	for round := range 6 { // there and back
		target := all[1+round%2]
		before := len(to.heard(moving))
		all.move(slot, owner, target)
		owner = target
		eventually(t, "the target has the subscription", func() bool {
			channels, err := target.do("PUBSUB", "SHARDCHANNELS").AsStrSlice()
			if err != nil {
				t.Fatal(err)
			}
			return slices.Contains(channels, defaultPrefix+moving)
		})
		eventually(t, "messages come again", func() bool { return len(to.heard(moving)) > before+10 })
	}
	said := stopMoving()
	t.Logf("of %d messages on a slot that moved six times %d were missed", said, checkOrder(t, to, moving, said))
	if missing := checkOrder(t, to, staying, stopStaying()); missing > 0 {
		t.Errorf("%d messages on a slot that stayed did not arrive", missing)
	}
	if to.recovered.Load() == 0 {
		t.Error("nobody was told that messages may be missing")
	}
	if lost := from.Health().Lost; lost > 0 {
		t.Errorf("%d messages are counted as lost, all were taken by some server", lost)
	}
	to.awaitState(pubsub.StateUp)
}

func TestFailoverIsFollowed(t *testing.T) {
	t.Parallel()
	all := startCluster(t, theRedis, 3, 1)
	from, to := pair(t, all.url(), nil)
	subjects := subjectsOf(3, 2)
	stops := make(map[string]func() int)
	for _, some := range subjects {
		to.settle(some...)
		for _, s := range some {
			stops[s] = steady(from, s, 5*time.Millisecond)
		}
	}
	if h := from.Health(); h.Engine != "redis cluster" || len(h.Peers) != 3 {
		t.Errorf("health is %+v", h)
	}
	all[0].kill()
	killed := time.Now()
	to.awaitState(pubsub.StateDegraded)
	to.awaitState(pubsub.StateUp)
	from.awaitState(pubsub.StateUp)
	t.Logf("the cluster's new primary was found %v after the old one's end", time.Since(killed))
	for _, s := range subjects[0] {
		before := len(to.heard(s))
		eventually(t, "messages come again", func() bool { return len(to.heard(s)) > before+10 })
	}
	for owner, some := range subjects {
		for _, s := range some {
			said := stops[s]()
			missing := checkOrder(t, to, s, said)
			t.Logf("of server %d, %s: %d messages, %d missed", owner, s, said, missing)
			if owner > 0 && missing > 0 {
				t.Errorf("%d messages on %s, whose server stayed, did not arrive", missing, s)
			}
		}
	}
	t.Logf("%d messages were counted as lost", from.Health().Lost)
	if to.recovered.Load() == 0 {
		t.Error("nobody was told that messages may be missing")
	}
}

func TestServersAgreeOnSlots(t *testing.T) {
	e := startEngine(t, theRedis, "--cluster-enabled", "yes")
	for _, channel := range []string{
		"", "a", "roost:t:room", "roost:t:{room}", "roost:t:{}room", "roost:t:{{room}}", "{a}{b}", "a{", "a}", "}{", "{", "räksmörgås",
		"\xff\x00\r\n", "roost:t:a{b}c{d}", "123456789",
	} {
		want, err := e.do("CLUSTER", "KEYSLOT", channel).AsInt64()
		if err != nil {
			t.Fatal(err)
		}
		if got := slotOf(channel); int64(got) != want {
			t.Errorf("slotOf(%q) = %d, the server says %d", channel, got, want)
		}
	}
}
