//go:build linux

package cluster

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/roost-dev/roost/internal/conformance/rig"
)

// A page is a client that comes back when it loses its socket, as phoenix.js does, to any of the nodes. It keeps its list of who is
// in its room meanwhile.
type page struct {
	user   string
	topic  string
	nodes  []*node
	rng    *rand.Rand
	roster *roster

	mu    sync.Mutex // guards what follows
	stays []stay
	finds []find
}

// A stay is a time in the room. Its end is zero while it lasts.
type stay struct{ from, to time.Time }

// A find is whom a page, back in the room, did not find any more in the state of it.
type find struct {
	at      *node
	missing []string
}

// reconnectAfter is phoenix.js's, in milliseconds, by the number of tries.
var reconnectAfter = []int{10, 50, 100, 150, 200, 250, 500, 1000, 2000}

// live is the life of a page. It returns when ctx ends.
func (p *page) live(ctx context.Context) {
	for tries := 0; ctx.Err() == nil; tries++ {
		s, err := p.visit(ctx)
		if err != nil {
			select {
			case <-time.After(time.Duration(reconnectAfter[min(tries, len(reconnectAfter)-1)]) * time.Millisecond):
			case <-ctx.Done():
			}
			continue
		}
		tries = -1
		p.note(func() { p.stays = append(p.stays, stay{from: time.Now()}) })
		select {
		case <-s.done:
		case <-ctx.Done():
			s.leave()
		}
		p.note(func() { p.stays[len(p.stays)-1].to = time.Now() })
	}
}

func (p *page) note(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
}

// visit connects to some node that is ready, as behind a load balancer that asks them, and joins the room.
func (p *page) visit(ctx context.Context) (*socket, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	to := p.nodes[p.rng.IntN(len(p.nodes))]
	if !to.ready(ctx) {
		return nil, errors.New("not ready")
	}
	s, err := connect(ctx, to, p.user)
	if err != nil {
		return nil, err
	}
	p.roster.rejoin()
	_, err = s.join(ctx, p.topic, func(event string, payload []byte) {
		if missing := p.roster.handle(event, payload); len(missing) > 0 {
			p.note(func() { p.finds = append(p.finds, find{to, missing}) })
		}
	})
	if err != nil {
		s.leave()
		return nil, err
	}
	return s, nil
}

func (p *page) isPresent() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.stays) > 0 && p.stays[len(p.stays)-1].to.IsZero()
}

// away returns how long the page was not in the room, at most.
func (p *page) away() (longest time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := 1; i < len(p.stays); i++ {
		longest = max(longest, p.stays[i].from.Sub(p.stays[i-1].to))
	}
	return longest
}

// TestRollingRestart restarts three nodes, one after another, as a deployment does.
func TestRollingRestart(t *testing.T) {
	t.Parallel()
	_, nodes := newCluster(t)
	testRollingRestart(t, nodes)
}

func testRollingRestart(t *testing.T, nodes []*node) {
	seed := rig.Seed(t)
	t.Logf("seed %d", seed)
	pages := make([]*page, 30)
	ctx, cancel := context.WithCancel(t.Context())
	var living sync.WaitGroup
	defer living.Wait()
	defer cancel()
	want := make(map[string][]string)
	for i := range pages {
		pages[i] = &page{
			user: fmt.Sprintf("page-%d", i), topic: "room:rolling", nodes: nodes,
			rng: rand.New(rand.NewPCG(seed, uint64(i))), roster: newRoster(),
		}
		want[pages[i].user] = []string{""}
		living.Go(func() { pages[i].live(ctx) })
	}
	allRight := func() string { return wrongPage(pages, want) }
	eventually(t, time.Now(), healed, allRight)
	var before []view
	for _, p := range pages {
		before = append(before, p.roster.view())
	}
	for _, nd := range nodes {
		nd.Stop()
		nd.start()
		eventually(t, time.Now(), healed, func() string {
			if !nd.ready(ctx) {
				return nd.name + " is not ready"
			}
			return ""
		})
		began := time.Now()
		took := eventually(t, began, healed, func() string { return awayPage(pages) })
		t.Logf("%s restarted; all pages were connected %v after it was ready", nd.name, took.Round(time.Millisecond))
		pass(t, time.Second) // as deployments do
	}
	took := eventually(t, time.Now(), grace+healed, allRight)
	t.Logf("the last node is back; presence right after %v", took.Round(time.Millisecond))
	gone := make([][]string, len(pages))
	for i, p := range pages {
		gone[i] = p.roster.goneSince(before[i]) // up to now: the pages do not leave all at once
	}
	cancel()
	living.Wait()
	blinks := 0
	for i, p := range pages {
		if blinks += len(gone[i]); len(gone[i]) > 0 && blinks-len(gone[i]) < 10 {
			t.Errorf("%s was told that others went, who were only on their way to another node: %v", p.user, gone[i])
		}
	}
	t.Logf("%d times somebody was told that somebody went", blinks)
	checkFinds(t, pages)
	var away []time.Duration
	for _, p := range pages {
		away = append(away, p.away())
	}
	slices.Sort(away)
	longest := away[len(away)-1]
	t.Logf("not connected for at most: median %v, max %v", away[len(away)/2].Round(time.Millisecond), longest.Round(time.Millisecond))
	if longest > healed {
		t.Errorf("a page was not connected for %v", longest)
	}
}

// checkFinds sees to it that pages that came back found all others: those who were connected, and those who were on their way.
func checkFinds(t *testing.T, pages []*page) {
	t.Helper()
	failures := 0
	for _, p := range pages {
		for _, f := range p.finds {
			if failures++; failures <= 3 {
				t.Errorf("%s came back to %s and did not find %d others: %v", p.user, f.at.name, len(f.missing), f.missing)
			}
		}
	}
	t.Logf("%d times somebody came back and did not find others", failures)
}

func awayPage(pages []*page) string {
	for _, p := range pages {
		if !p.isPresent() {
			return p.user + " is not connected"
		}
	}
	return ""
}

func wrongPage(pages []*page, want map[string][]string) string {
	for _, p := range pages {
		if diff := cmp.Diff(want, p.roster.statuses()); diff != "" {
			return fmt.Sprintf("%s holds another list than who is there (-there +held):\n%s", p.user, diff)
		}
	}
	return ""
}
