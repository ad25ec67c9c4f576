//go:build linux

package torture

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/roost-dev/roost/internal/conformance/rig"
)

// A measure says how much is done.
type measure struct {
	each   int           // clients of each kind
	topics int           // that they are on
	pause  time.Duration // on average, between two events of a topic
	round  time.Duration // between two faults of nodes and engines, on average
	rounds int
}

func measured() measure {
	if soak {
		return measure{each: 50, topics: 10, pause: 250 * time.Millisecond, round: 13 * time.Second, rounds: 15}
	}
	return measure{each: 4, topics: 3, pause: 40 * time.Millisecond, round: 1500 * time.Millisecond, rounds: 2}
}

// A trial is nodes with clients, to which things happen.
type trial struct {
	*testing.T
	measure

	draw       func(n int) int
	nodes      []*node
	links      []*cutter // of nodes to their engine
	cutter     *cutter   // of clients to nodes
	crowd      *crowd
	publishers []*publisher
	forgetful  bool // the log is lost when an engine crashes
	forgot     int  // how often that was
}

// TestOneNode has the log in the memory of a node, which ends now and then and has forgotten it then.
func TestOneNode(t *testing.T) {
	tr := newTrial(t)
	tr.start(newNode(t, "r0"))
	const every = 3 // so that there is something to recover in between
	rounds := 0
	tr.run(func(nd *node) {
		if rounds++; rounds%every == 1 {
			tr.away(nd)
			tr.forgot++
		}
	})
}

// TestEmbedded has the log on three nodes by themselves, one of which ends now and then.
func TestEmbedded(t *testing.T) {
	tr := newTrial(t)
	var listen []string
	for range 3 {
		listen = append(listen, freeAddress(t))
	}
	var nodes []*node
	for i, addr := range listen {
		name := fmt.Sprintf("r%d", i)
		nodes = append(nodes, newNode(t, name, "-cluster-listen", addr, "-cluster-peers", strings.Join(listen, ","), "-cluster-dir", t.TempDir()))
	}
	tr.start(nodes...)
	tr.run(tr.away)
}

// TestRedis has the log on a Redis, which crashes now and then and has forgotten it then, and so do nodes.
func TestRedis(t *testing.T) {
	tr := newTrial(t)
	addr := freeAddress(t)
	_, port, _ := strings.Cut(addr, ":")
	redis := newEngine(t, "redis-server", "--bind", "127.0.0.1", "--port", port, "--save", "", "--dir", t.TempDir())
	tr.start(tr.linked("-redis-url", "redis://", addr)...)
	tr.forgetful = true
	tr.run(tr.inTurn(redis))
}

// TestNATS has the log on the disk of a NATS, which crashes now and then and knows it afterwards, and so do nodes.
func TestNATS(t *testing.T) {
	if !soak {
		t.Skip("the long form has it; the short one has no time")
	}
	tr := newTrial(t)
	addr := freeAddress(t)
	_, port, _ := strings.Cut(addr, ":")
	nats := newEngine(t, "nats-server", "-a", "127.0.0.1", "-p", port, "-js", "-sd", t.TempDir())
	tr.start(tr.linked("-nats-url", "nats://", addr)...)
	tr.run(tr.inTurn(nats))
}

// newEngine runs a server that nodes may talk over.
func newEngine(t *testing.T, name string, args ...string) *rig.Process {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%v; tools/need %s installs it on Debian", err, name)
	}
	engine := rig.NewProcess(t, name, append([]string{path}, args...)...)
	engine.Run()
	return engine
}

func newTrial(t *testing.T) *trial {
	t.Helper()
	if !soak {
		t.Parallel()
	}
	seed := rig.Seed(t)
	t.Logf("ROOST_SEED=%d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	var mu sync.Mutex // guards random
	return &trial{T: t, measure: measured(), draw: func(n int) int {
		mu.Lock()
		defer mu.Unlock()
		return random.IntN(n)
	}}
}

// linked makes three nodes, each with a connection of its own to an engine, which may be cut.
func (tr *trial) linked(flag, scheme, engine string) (nodes []*node) {
	tr.Helper()
	for i := range 3 {
		link := newCutter(tr.T, []string{engine}, tr.draw)
		tr.links = append(tr.links, link)
		nodes = append(nodes, newNode(tr.T, fmt.Sprintf("r%d", i), flag, scheme+link.addr()))
	}
	return nodes
}

// start starts the nodes and has a crowd come to them.
func (tr *trial) start(nodes ...*node) {
	tr.Helper()
	for _, nd := range nodes {
		nd.Run()
	}
	var addrs []string
	for _, nd := range nodes {
		nd.awaitReady()
		addrs = append(addrs, nd.addr)
	}
	tr.nodes, tr.cutter = nodes, newCutter(tr.T, addrs, tr.draw)
	var topics []string
	for i := range tr.topics {
		topics = append(topics, fmt.Sprintf("log:%d", i))
		tr.publishers = append(tr.publishers, &publisher{topic: topics[i], nodes: nodes, draw: tr.draw})
	}
	(&publisher{topic: "log:ready", nodes: nodes, draw: tr.draw}).last(tr.T) // nodes may have to elect a leader first
	tr.crowd = newCrowd(tr.T, "ws://"+tr.cutter.addr()+"/socket", topics, tr.each)
}

// run publishes, cuts, and does the fault to one node after another. Then all must be told of all.
func (tr *trial) run(fault func(nd *node)) {
	tr.Helper()
	ctx, cancel := context.WithCancel(tr.Context())
	var busy sync.WaitGroup
	for _, p := range tr.publishers {
		busy.Go(func() { p.publish(ctx, tr.pause) })
	}
	busy.Go(func() { tr.disturb(ctx) })
	tr.cutter.calm.Store(false)
	tr.cutter.cutAll()
	for round := range tr.rounds {
		tr.pass(tr.round/2 + time.Duration(tr.draw(int(tr.round/2))))
		fault(tr.nodes[(round+tr.draw(2))%len(tr.nodes)])
	}
	tr.pass(tr.round / 2)
	cancel()
	busy.Wait()
	tr.cutter.calm.Store(true)
	tr.cutter.cutAll()
	last := tr.finish()
	tr.crowd.leave()
	for _, nd := range tr.nodes {
		nd.Kill() // and fail if it has ended by itself
	}
	tr.judge(last)
}

// pass lets time pass.
func (tr *trial) pass(d time.Duration) {
	select {
	case <-time.After(d):
	case <-tr.Context().Done():
	}
}

// burst is more than servers read at a time.
const burst = 100

// disturb ends sockets one by one; all together for a while, in which more events are missed than are read at a time; and what
// connects a node with its engine.
func (tr *trial) disturb(ctx context.Context) {
	for ctx.Err() == nil {
		away := tr.cutter
		switch fate := tr.draw(15); {
		case fate == 0:
			away.leave()
			tr.publishers[tr.draw(tr.topics)].burst(ctx, burst)
		case fate < 3 && tr.links != nil:
			away = tr.links[tr.draw(len(tr.links))]
			away.leave()
		default:
			s := tr.crowd.seats[tr.draw(len(tr.crowd.seats))]
			user := url.Values{"user": {s.kind.user(s.client)}}
			_ = tr.nodes[tr.draw(len(tr.nodes))].admin(ctx, "disconnect", user) // it may be away
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Duration(tr.draw(int(tr.round / 15)))):
		}
		away.comeBack()
	}
}

// away takes a node away and gives it back.
func (tr *trial) away(nd *node) {
	tr.stopOrKill(nd)
	tr.pass(time.Duration(tr.draw(int(tr.round / 4))))
	nd.Run()
	nd.awaitReady()
}

// inTurn crashes an engine, then a node, and so on.
func (tr *trial) inTurn(engine *rig.Process) (fault func(nd *node)) {
	engineNext := false
	return func(nd *node) {
		engineNext = !engineNext
		if !engineNext {
			tr.away(nd)
			return
		}
		engine.Kill()
		if tr.forgetful {
			tr.forgot++
		}
		tr.pass(tr.round / 8)
		engine.Run()
	}
}

// stopOrKill ends a node. It has time to stop in the long form only: then it waits 5 s for long polls of clients that are gone.
func (tr *trial) stopOrKill(nd *node) {
	if soak && tr.draw(3) == 0 {
		nd.Stop()
	} else {
		nd.Kill()
	}
}

// finish publishes an event on each topic after the faults, and goes on until each channel was told of that, or of one behind it:
// whoever is told of a gap hears of its end by what comes next.
func (tr *trial) finish() (last map[string]int) {
	tr.Helper()
	last = make(map[string]int)
	for _, p := range tr.publishers {
		last[p.topic] = p.last(tr.T)
	}
	asked := time.Now()
	await(tr.T, time.Minute, "all channels to be told of the last events", func() bool {
		if time.Since(asked) > time.Second {
			for _, p := range tr.publishers {
				p.last(tr.T)
			}
			asked = time.Now()
		}
		for _, s := range tr.crowd.seats {
			if s.at() < last[s.topic] {
				return false
			}
		}
		return true
	})
	return last
}

// judge goes through what all channels were told, up to the last events at least.
func (tr *trial) judge(last map[string]int) {
	tr.Helper()
	var sum account
	events, uncertain, losses := 0, 0, 0
	for _, p := range tr.publishers {
		said := p.events()
		events += len(said)
		for _, e := range said {
			if !e.certain {
				uncertain++
			}
		}
		same := newAgreement()
		for _, s := range tr.crowd.seats {
			if s.topic != p.topic {
				continue
			}
			acc, err := audit(s.kind, said, last[p.topic], s.told)
			if err == nil {
				err = same.agree(s.String(), s.kind, acc)
			}
			if err == nil && acc.gaps > tr.forgot {
				err = fmt.Errorf("it was told of %d gaps, and the log was lost %d times", acc.gaps, tr.forgot)
			}
			if err != nil {
				tr.Errorf("%s: %v", s, err)
				losses++
			}
			sum.add(acc)
		}
	}
	cuts, together := tr.cutter.count()
	tr.Logf("%d clients on %d topics: %d events, %d of them uncertain, %d deliveries, %d bytes twice, %d not for long polls; "+
		"%d connections cut and %d together; %d recoveries of %d events, %d gaps told in %d losses of the log; %d channels told wrongly",
		len(tr.crowd.seats)/2, tr.topics, events, uncertain, sum.events, sum.twice, sum.skipped,
		cuts, together, sum.recoveries, sum.late, sum.gaps, tr.forgot, losses)
	if sum.recoveries == 0 || cuts == 0 {
		tr.Error("it was no torture")
	}
}
