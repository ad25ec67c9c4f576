package presence_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roost-dev/roost/presence"
	"github.com/roost-dev/roost/pubsub"
	"github.com/roost-dev/roost/pubsub/pubsubtest"
)

// pushing is a session whose callback has not replied yet.
type pushing struct {
	*conversation

	reply []func()
}

func (p *pushing) AfterReply(f func()) { p.reply = append(p.reply, f) }

func TestOtherNodesDoNotWaitForAReply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, nodes := startNodes(t, 2)
		a, b := nodes[0], nodes[1]
		here, there := a.watch(), b.watch()
		time.Sleep(time.Second)
		s := &pushing{conversation: join(a.ps, "room")}
		must(t, a.p.Track(t.Context(), s, "ann", meta{N: 1}))
		expect("before the reply", "ann[1]", a, b)
		if got := here.told(t); len(got) != 0 {
			t.Errorf("before the reply clients of the same node were told %q", got)
		}
		if got, want := there.told(t), []string{"joins 1 leaves "}; !slices.Equal(got, want) {
			t.Errorf("before the reply clients of another node were told %q, want %q", got, want)
		}
		for _, f := range s.reply {
			f()
		}
		synctest.Wait()
		if got, want := here.told(t), []string{"joins 1 leaves "}; !slices.Equal(got, want) {
			t.Errorf("after the reply clients of the same node were told %q, want %q", got, want)
		}
	})
}

func TestEachNodeFetchesOncePerBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var bus pubsubtest.Bus
		var fetchers [2]fetcher
		var nodes [2]*node
		for i := range nodes {
			nodes[i] = startNode(t, &bus, fmt.Sprint(i), &presence.Options[meta]{Fetch: fetchers[i].fetch})
		}
		time.Sleep(lease / 4) // after it nodes know who is there
		for i := range 20 {
			nodes[0].enter("room", fmt.Sprint("user ", i%5), meta{N: i})
		}
		time.Sleep(time.Second)
		fetchers[0].asked()
		nodes[1].enter("room", "user 9", meta{N: 99})
		time.Sleep(time.Second)
		if got, want := fetchers[0].asked(), []string{"room: user 9[99]"}; !slices.Equal(got, want) {
			t.Errorf("for a join elsewhere Fetch was asked for %q, want %q", got, want)
		}
		all := []string{"room: user 0[0 5 10 15] user 1[1 6 11 16] user 2[2 7 12 17] user 3[3 8 13 18] user 4[4 9 14 19] user 9[99]"}
		if got := fetchers[1].asked(); !slices.Equal(got, all) {
			t.Errorf("for those who were there Fetch was asked for %q, want %q", got, all)
		}
		e, _ := nodes[1].p.Get("room", "user 0")
		if e.Extra == nil {
			t.Error("what Fetch said of a user of another node is not listed")
		}
	})
}

func TestOnChangeIsToldOfOtherNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var bus pubsubtest.Bus
		var told []string
		a := startNode(t, &bus, "a", nil)
		b := startNode(t, &bus, "b", &presence.Options[meta]{OnChange: func(_ context.Context, c presence.Change[meta]) {
			told = append(told, fmt.Sprintf("joins %s leaves %s now %s keys %d",
				written(t, c.Joins), written(t, c.Leaves), written(t, c.Now), c.Keys))
		}})
		b.watch()
		time.Sleep(time.Second)
		ann := a.enter("room", "ann", meta{N: 1})
		time.Sleep(time.Second)
		must(t, a.p.Update(t.Context(), ann, "ann", set(meta{N: 2})))
		time.Sleep(time.Second)
		a.crash()
		time.Sleep(soon)
		synctest.Wait()
		want := []string{
			"joins ann[1] leaves  now ann[1] keys 1",
			"joins ann[2] leaves ann[1] now ann[2] keys 1",
			"joins  leaves ann[2] now  keys 0",
		}
		if !slices.Equal(told, want) {
			t.Errorf("told %q, want %q", told, want)
		}
	})
}

func TestTrackersOfDifferentNamesDoNotMix(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, nodes := startNodes(t, 2)
		// Run together, name and topic would be the same for all of them.
		names, topics := []string{"x:", "x", "x:1"}, []string{"1:room", ":1:room", ":room"}
		var ps [2][3]*presence.Presence[meta]
		for i, n := range nodes {
			for j, name := range names {
				p := presence.New(n.ps, &presence.Options[meta]{Name: name})
				ps[i][j] = p
				for _, topic := range topics {
					must(t, p.PushState(t.Context(), join(n.ps, topic)))
				}
			}
		}
		for j, p := range ps[0] {
			must(t, p.Track(t.Context(), join(nodes[0].ps, topics[j]), "ann", meta{N: j}))
		}
		synctest.Wait()
		for j, p := range ps[1] {
			for k, topic := range topics {
				want := ""
				if j == k {
					want = fmt.Sprintf("ann[%d]", j)
				}
				if got := written(t, p.List(topic)); got != want {
					t.Errorf("tracker %q lists %q on %q, want %q", names[j], got, topic, want)
				}
			}
		}
		for i := range ps {
			for _, p := range ps[i] {
				must(t, p.Close(t.Context()))
			}
		}
	})
}

func TestASecondTrackerOfOneNamePanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, nodes := startNodes(t, 1)
		try := func(when string) {
			defer func() {
				if v := recover(); v == nil || !strings.Contains(fmt.Sprint(v), "Options.Name") {
					t.Errorf("%s: panic %v, want one that says what to do", when, v)
				}
			}()
			presence.New[meta](nodes[0].ps, nil)
		}
		try("beside the first")
		must(t, nodes[0].p.Close(t.Context()))
		try("after the first")
	})
}

func TestCloseEndsAllForOtherNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, nodes := startNodes(t, 2)
		a, b := nodes[0], nodes[1]
		a.enter("room", "ann", meta{N: 1})
		a.enter("room", "bob", meta{N: 2})
		b.enter("room", "eve", meta{N: 3})
		watcher := b.watch()
		time.Sleep(time.Second)
		watcher.told(t)
		must(t, a.p.Close(t.Context()))
		expect("closed", "eve[3]", b)
		expect("closed", "ann[1] bob[2] eve[3]", a)
		b.enter("room", "joe", meta{N: 4})
		time.Sleep(time.Minute)
		if got, want := watcher.told(t), []string{"joins  leaves 1,2", "joins 4 leaves "}; !slices.Equal(got, want) {
			t.Errorf("told %q, want %q", got, want)
		}
		expect("closed for long", "ann[1] bob[2] eve[3]", a)
	})
}

// Nodes of two releases may disagree about what a meta is. Clients see it all
// the same.
func TestAMetaThatDoesNotDecodeIsShownToClients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus, nodes := startNodes(t, 1)
		b := nodes[0]
		ps, err := pubsub.New(&pubsub.Options{Adapter: bus.Node(), Lease: lease})
		must(t, err)
		defer ps.Close(t.Context())
		newer := presence.New[struct {
			N string `json:"n"`
		}](ps, nil)
		defer newer.Close(t.Context())
		watcher := b.watch()
		time.Sleep(time.Second)
		must(t, newer.Track(t.Context(), join(ps, "room"), "ann", struct {
			N string `json:"n"`
		}{"one"}))
		expect("not decoded", "ann[0]", b)
		e, _ := b.p.Get("room", "ann")
		want := `{"joins":{"ann":{"metas":[{"n":"one","phx_ref":"` + e.Metas[0].Ref + `"}]}},"leaves":{}}`
		if got := watcher.payloads(presence.EventDiff); !slices.Equal(got, []string{want}) {
			t.Errorf("told %q, want %q", got, want)
		}
	})
}

// gate is an adapter that holds up what is published.
type gate struct {
	pubsub.Adapter

	open chan struct{} // with a token while nobody holds it shut
}

func (g *gate) Publish(ctx context.Context, e *pubsub.Envelope) error {
	if strings.HasPrefix(e.Subject, "p:") {
		<-g.open
		defer func() { g.open <- struct{}{} }()
	}
	return g.Adapter.Publish(ctx, e)
}

// A node that is held up drops what it cannot keep, has nobody else wait for
// it, and asks for what it missed.
func TestABusyNodeAsksForWhatItMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus, nodes := startNodes(t, 1)
		a := nodes[0]
		var l journal
		slow := &gate{bus.Node(), make(chan struct{}, 1)}
		slow.open <- struct{}{}
		ps, err := pubsub.New(&pubsub.Options{Adapter: slow, Node: "slow", Lease: lease})
		must(t, err)
		defer ps.Close(t.Context())
		p := presence.New(ps, &presence.Options[meta]{Logger: l.logger()})
		defer p.Close(t.Context())
		ann := a.enter("room", "ann", meta{})
		local := join(ps, "room")
		must(t, p.Track(t.Context(), local, "bob", meta{}))
		time.Sleep(time.Second)

		<-slow.open
		for n := range 5_000 { // the first holds up the replica
			must(t, p.Update(t.Context(), local, "bob", set(meta{N: n})))
			must(t, a.p.Update(t.Context(), ann, "ann", set(meta{N: n})))
			synctest.Wait()
		}
		expect("held up", "ann[4999] bob[0]", a)
		slow.open <- struct{}{}
		time.Sleep(soon)
		expect("no longer held up", "ann[4999] bob[4999]", a)
		if got := written(t, p.List("room")); got != "ann[4999] bob[4999]" {
			t.Errorf("listed is %q", got)
		}
		if s := p.Stats(); s.Dropped < 500 || s.Dropped > 1000 {
			t.Errorf("%d messages were dropped of 5,000", s.Dropped)
		}
		if !strings.Contains(l.String(), "too busy") {
			t.Errorf("the log has %q", l.String())
		}
	})
}
