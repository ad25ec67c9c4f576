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
)

func TestListAllAsksEveryNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, nodes := startNodes(t, 3)
		a, b, c := nodes[0], nodes[1], nodes[2]
		a.enter("room", "ann", meta{N: 1})
		b.enter("room", "ann", meta{N: 2})
		b.enter("room", "bob", meta{N: 3, Mood: "new"})
		b.enter("hall", "eve", meta{N: 4})
		time.Sleep(time.Second)
		for _, n := range nodes {
			l, err := n.p.ListAll(t.Context(), "room", 0)
			must(t, err)
			for key, e := range l.List { // those of the node that asks come first
				slices.SortFunc(e.Metas, func(a, b presence.Meta[meta]) int { return a.Value.N - b.Value.N })
				l.List[key] = e
			}
			if got := written(t, l.List); got != "ann[1 2] bob[3]" || l.Count != 3 || len(l.Missing) != 0 {
				t.Errorf("node %s finds %q, %d presences, without %q", n.name, got, l.Count, l.Missing)
			}
			theirs, _ := b.p.Get("room", "bob")
			if mine := l.List["bob"].Metas[0]; mine != theirs.Metas[0] {
				t.Errorf("node %s finds %v, there is %v", n.name, mine, theirs.Metas[0])
			}
		}
		expect("without interest", "", c)
	})
}

func TestListAllIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, nodes := startNodes(t, 2)
		for i := range 300 {
			nodes[i%2].enter("room", fmt.Sprint("user ", i), meta{N: i})
		}
		for _, test := range []struct{ limit, listed int }{{0, 100}, {-1, 0}, {7, 7}, {200, 200}, {10_000, 300}} {
			l, err := nodes[0].p.ListAll(t.Context(), "room", test.limit)
			must(t, err)
			if l.Count != 300 || len(l.List) != test.listed {
				t.Errorf("with a limit of %d: %d are counted and %d listed, want 300 and %d", test.limit, l.Count, len(l.List), test.listed)
			}
		}
		if _, err := nodes[0].p.ListAll(t.Context(), "room", 10_001); err == nil {
			t.Error("a limit without bounds is taken")
		}
		nodes[1].enter("hall", "big", meta{Mood: strings.Repeat("x", 400<<10)})
		nodes[1].enter("hall", "bigger", meta{Mood: strings.Repeat("x", 400<<10)})
		l, err := nodes[0].p.ListAll(t.Context(), "hall", 0)
		must(t, err)
		if l.Count != 2 || len(l.List) != 1 || len(l.Missing) != 0 {
			t.Errorf("of 2 presences of 400 KiB each %d are counted and %d listed; nodes %q did not answer", l.Count, len(l.List), l.Missing)
		}
	})
}

func TestListAllNamesTheNodesThatDoNotAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, nodes := startNodes(t, 3)
		for i, n := range nodes {
			n.enter("room", fmt.Sprint("user ", i), meta{N: i})
		}
		time.Sleep(time.Second)
		nodes[1].adapter.Pause()
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		start := time.Now()
		l, err := nodes[0].p.ListAll(ctx, "room", 0)
		must(t, err)
		if took := time.Since(start); took != 300*time.Millisecond {
			t.Errorf("it took %v, with 300 ms to wait", took)
		}
		if got := written(t, l.List); got != "user 0[0] user 2[2]" || l.Count != 2 || !slices.Equal(l.Missing, []string{"b"}) {
			t.Errorf("found %q, %d presences, without %q", got, l.Count, l.Missing)
		}
		nodes[1].adapter.Resume()
	})
}

func TestAloneListAllIsTheList(t *testing.T) {
	ctx, ps := t.Context(), pubsub.Local()
	p := presence.New[meta](ps, nil)
	defer p.Close(ctx)
	must(t, p.Track(ctx, join(ps, "room"), "ann", meta{N: 1}))
	l, err := p.ListAll(ctx, "room", 0)
	must(t, err)
	if got := written(t, l.List); got != "ann[1]" || l.Count != 1 || l.Missing != nil {
		t.Errorf("found %q, %d presences, without %q", got, l.Count, l.Missing)
	}
	if s := p.Stats(); s != (presence.Stats{Topics: 1, Presences: 1}) {
		t.Errorf("the tracker holds %+v", s)
	}
}
