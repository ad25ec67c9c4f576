//go:build linux

package cluster

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/roost-dev/roost/internal/conformance/rig"
)

// lease is how long nodes wait for one that is silent, by default.
const lease = 4 * time.Second

// healed is how long after a crash, or a fault's end, all must be right.
const healed = 5 * time.Second

// grace is how long the application has others keep its presences when it stops as planned.
const grace = 5 * time.Second

// A trial is a cluster with a crowd on it, to which things happen.
type trial struct {
	*crowd
	net  *network
	took map[string][]time.Duration // until all was right, by fault
}

// TestPresenceHeals does what happens to nodes to one node after another, while devices come and go at all of them. Afterwards
// all nodes must list those who are there, and those only; and devices must have been told of what changed and of nothing else.
func TestPresenceHeals(t *testing.T) {
	t.Parallel()
	n, nodes := newCluster(t)
	tr := newTrial(t, n, nodes)
	tr.allFaults(t)
	tr.report(t)
}

func newTrial(t *testing.T, n *network, nodes []*node) *trial {
	tr := &trial{crowd: newCrowd(t, rig.Seed(t), nodes), net: n, took: make(map[string][]time.Duration)}
	tr.settle()
	return tr
}

// allFaults does to one node after another what happens to nodes.
func (tr *trial) allFaults(t *testing.T) {
	t.Helper()
	rounds := 1
	if soak {
		rounds = 5
	}
	for round := range rounds {
		node := tr.nodes[round%len(tr.nodes)]
		tr.run(t, "no fault", tr.nothing)
		tr.run(t, "cut off for 3 s", func() { tr.cutOff(node, 3*time.Second) })
		if soak {
			tr.run(t, "cut off for 30 s", func() { tr.cutOff(node, 30*time.Second) })
		}
		tr.run(t, "20 % of packets lost one way", func() { tr.losePackets(node) })
		tr.run(t, "paused", func() { tr.pause(node) })
		tr.run(t, "killed", func() { tr.kill(node) })
		if soak {
			tr.run(t, "killed while another comes back", func() { tr.killAmid(node, tr.nodes[(round+1)%len(tr.nodes)]) })
		}
		tr.run(t, "planned stop", func() { tr.stop(tr.nodes[(round+1)%len(tr.nodes)]) })
	}
}

func (tr *trial) run(t *testing.T, name string, f func()) {
	t.Helper()
	if t.Failed() {
		return // what comes after a cluster that has not healed shows nothing
	}
	t.Run(name, func(t *testing.T) {
		outer := tr.t
		tr.t = t
		defer func() { tr.t = outer }()
		f()
	})
}

// right waits until all is right and keeps how long that took.
func (tr *trial) right(name string, since time.Time, bound time.Duration, nodes []*node) {
	tr.t.Helper()
	took := tr.heal(since, bound, nodes)
	tr.t.Logf("%s: right after %v", name, took.Round(time.Millisecond))
	tr.took[name] = append(tr.took[name], took)
}

func (tr *trial) report(t *testing.T) {
	for name, all := range tr.took {
		slices.Sort(all)
		round := func(d time.Duration) time.Duration { return d.Round(time.Millisecond) }
		t.Logf("%-45s min %v, median %v, max %v of %d", name, round(all[0]), round(all[len(all)/2]), round(all[len(all)-1]), len(all))
	}
}

// fault has all devices act for a while before begin, and those at the active nodes after it. When they have stopped and all has
// become quiet, it ends the fault. Then all must be right soon.
func (tr *trial) fault(begin func(), active []*node, lasting time.Duration, mayGo bool, end func()) {
	tr.t.Helper()
	stop := tr.drive(tr.nodes...)
	pass(tr.t, 500*time.Millisecond)
	if len(active) < len(tr.nodes) {
		stop()
		begin()
		stop = tr.drive(active...)
	} else {
		begin()
	}
	pass(tr.t, lasting)
	stop()
	before := tr.rest()
	end()
	since := time.Now()
	name, _, _ := strings.Cut(path.Base(tr.t.Name()), "#") // which numbers rounds
	tr.right(name, since, healed, tr.nodes)
	tr.once(before, mayGo)
}

// felt sees to it that a fault did something.
func (tr *trial) felt(nodes []*node) {
	tr.t.Helper()
	if tr.wrong(nodes) == "" {
		tr.t.Error("the fault is not felt: all lists are right before it ends")
	}
}

// pass lets time pass, in which a fault does what it does.
func pass(t testing.TB, d time.Duration) {
	select {
	case <-time.After(d):
	case <-t.Context().Done():
	}
}

func (tr *trial) nothing() {
	tr.fault(func() {}, tr.nodes, time.Second, false, func() {})
}

func (tr *trial) cutOff(nd *node, lasting time.Duration) {
	tr.fault(func() { tr.net.cut(nd.index) }, tr.nodes, lasting-quietTime, true, func() {
		tr.felt(tr.nodes)
		tr.net.plug(nd.index)
	})
}

// losePackets loses some of what others send to a node.
func (tr *trial) losePackets(nd *node) {
	lasting := 4 * time.Second
	if soak {
		lasting = 20 * time.Second
	}
	tr.fault(func() { tr.net.lose(nd.index, 20) }, tr.nodes, lasting, true, func() { tr.t.Logf("lost: %s", tr.net.loseNothing(nd.index)) })
}

// pause stops a node for longer than its lease, while devices come and go at the others, and some of its own go.
func (tr *trial) pause(nd *node) {
	others := tr.except(nd)
	tr.fault(func() {
		nd.Pause()
		tr.streets[nd.index].lose(2)
	}, others, lease+2*time.Second, false, func() {
		tr.felt(others)
		nd.Resume()
	})
}

// kill crashes a node, whose devices come back at others, and starts it again under its name.
func (tr *trial) kill(nd *node) {
	tr.t.Helper()
	stop := tr.drive(tr.nodes...)
	pass(tr.t, 500*time.Millisecond)
	stop()
	before := tr.rest()
	others := tr.except(nd)
	since := time.Now()
	nd.Kill()
	tr.move(nd, others)
	tr.right("crash noticed", since, healed, others)
	tr.once(before, false)

	stop = tr.drive(others...)
	nd.start()
	if err := tr.streets[nd.index].furnish(tr.t.Context()); err != nil {
		tr.t.Fatal(err)
	}
	since = time.Now()
	stop()
	tr.right("back under the same name", since, healed, tr.nodes)

	// At once, so that the others still know the one before.
	stop = tr.drive(tr.nodes...)
	pass(tr.t, 500*time.Millisecond)
	stop()
	before = tr.rest()
	since = time.Now()
	nd.Kill()
	nd.start()
	tr.streets[nd.index].clear()
	if err := tr.streets[nd.index].furnish(tr.t.Context()); err != nil {
		tr.t.Fatal(err)
	}
	tr.right("crash and back at once under the same name", since, healed, tr.nodes)
	tr.once(before, false)
}

// killAmid crashes a node shortly before another, which was cut off, comes back: that must not make anybody patient with the dead.
func (tr *trial) killAmid(nd, cut *node) {
	tr.t.Helper()
	before := tr.rest()
	tr.net.cut(cut.index)
	pass(tr.t, lease-500*time.Millisecond)
	since := time.Now()
	nd.Kill()
	tr.streets[nd.index].clear()
	pass(tr.t, lease-1500*time.Millisecond)
	tr.net.plug(cut.index)
	tr.right("crash noticed while another comes back", since, healed, tr.except(nd))
	tr.once(before, true)
	nd.start()
	if err := tr.streets[nd.index].furnish(tr.t.Context()); err != nil {
		tr.t.Fatal(err)
	}
	tr.right("back under the same name", time.Now(), healed, tr.nodes)
}

// move has the devices that a node has lost come back at others, with the rooms and what they said.
func (tr *trial) move(from *node, to []*node) {
	tr.t.Helper()
	for i, d := range tr.streets[from.index].clear() {
		if i == 0 {
			continue // the resident stays away
		}
		s := tr.streets[to[i%len(to)].index]
		if err := s.adopt(tr.t.Context(), d); err != nil {
			tr.t.Fatal(err)
		}
	}
}

// adopt opens a device again that was elsewhere.
func (s *street) adopt(ctx context.Context, old *device) error {
	d, err := s.arrive(ctx, old.user)
	if err != nil {
		return err
	}
	for topic, seat := range old.rooms {
		if err := d.enter(ctx, topic); err != nil {
			return err
		}
		if err := d.rooms[topic].say(ctx, seat.status); err != nil {
			return err
		}
	}
	return nil
}

// stop stops a node as operators do. Its users come back at others, and nobody there sees one of them go.
func (tr *trial) stop(nd *node) {
	tr.t.Helper()
	stop := tr.drive(tr.nodes...)
	pass(tr.t, 500*time.Millisecond)
	stop()
	others := tr.except(nd)
	before := tr.rest()
	leaving := tr.streets[nd.index].devices
	stopped := make(chan struct{})
	since := time.Now()
	go func() {
		defer close(stopped)
		nd.Stop()
	}()
	for _, d := range leaving {
		select {
		case <-d.socket.done:
		case <-time.After(patience):
			tr.t.Fatalf("%s still has its socket at %s %v after SIGTERM", d.user, nd.name, patience)
		}
	}
	for _, d := range leaving {
		for topic, st := range d.rooms {
			if gone := st.roster.goneSince(before[st.roster]); len(gone) > 0 {
				tr.t.Errorf("%s, itself at %s, saw %v go from %s", d.user, nd.name, gone, topic)
			}
		}
	}
	tr.move(nd, others)
	<-stopped
	tr.t.Logf("it took %v to stop", time.Since(since).Round(time.Millisecond))
	tr.right("planned stop", time.Now(), grace+healed, others)
	tr.once(before, false)
	resident := leaving[0].user
	if blinked := tr.blinked(before, resident); blinked != "" {
		tr.t.Error(blinked)
	}
	nd.start()
	if err := tr.streets[nd.index].furnish(tr.t.Context()); err != nil {
		tr.t.Fatal(err)
	}
	tr.right("back after a planned stop", time.Now(), healed, tr.nodes)
}

// blinked names a user who was seen to go, apart from the one who did.
func (tr *trial) blinked(b before, went string) string {
	return tr.rosters(func(who string, r *roster) string {
		old, ok := b[r]
		if !ok {
			return ""
		}
		for _, user := range r.goneSince(old) {
			if user != went {
				return fmt.Sprintf("%s saw %s go", who, user)
			}
		}
		return ""
	})
}

func (tr *trial) except(nd *node) []*node {
	return slices.DeleteFunc(slices.Clone(tr.nodes), func(other *node) bool { return other == nd })
}
