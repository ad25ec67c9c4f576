package presence_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roost-dev/roost/presence"
	"github.com/roost-dev/roost/pubsub"
)

// shape says which metas a diff's joins and leaves have, by their n.
func shape(t *testing.T, payload string) string {
	var d object
	(&client{t: t}).decode(payload, &d)
	var parts []string
	for _, side := range []string{"joins", "leaves"} {
		var ns []string
		for _, p := range d[side].(object) {
			for _, m := range metasOf(p.(object)) {
				ns = append(ns, fmt.Sprint(m.(object)["n"]))
			}
		}
		slices.Sort(ns)
		parts = append(parts, side+" "+strings.Join(ns, ","))
	}
	return strings.Join(parts, " ")
}

func shapes(t *testing.T, payloads []string) []string {
	out := make([]string, len(payloads))
	for i, p := range payloads {
		out[i] = shape(t, p)
	}
	return out
}

func TestTheFirstChangeIsToldAtOnceAndThoseOfTheNextWindowTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, ps := t.Context(), pubsub.Local()
		p := presence.New[meta](ps, nil)
		watcher := join(ps, "room")
		expect := func(when string, want ...string) {
			t.Helper()
			synctest.Wait()
			if got := shapes(t, watcher.payloads(presence.EventDiff)); !slices.Equal(got, want) {
				t.Errorf("%s: told %q, want %q", when, got, want)
			}
		}
		track := func(n int) {
			must(t, p.Track(ctx, join(ps, "room"), fmt.Sprint("user ", n), meta{N: n}))
		}
		track(1)
		expect("at once", "joins 1 leaves ")
		time.Sleep(5 * time.Millisecond)
		track(2)
		time.Sleep(10 * time.Millisecond)
		track(3)
		expect("within the window")
		time.Sleep(4 * time.Millisecond)
		expect("just before its end")
		time.Sleep(time.Millisecond)
		expect("at its end", "joins 2,3 leaves ")
		time.Sleep(time.Millisecond)
		track(4)
		expect("within the next window")
		time.Sleep(19 * time.Millisecond)
		expect("at its end", "joins 4 leaves ")
		time.Sleep(20 * time.Millisecond)
		track(5)
		expect("after a quiet window", "joins 5 leaves ")
	})
}

func TestWithoutAWindowEveryChangeIsToldAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, ps := t.Context(), pubsub.Local()
		p := presence.New[meta](ps, &presence.Options[meta]{Window: -1})
		c, watcher := join(ps, "room"), join(ps, "room")
		must(t, p.Track(ctx, c, "ann", meta{N: 1}))
		synctest.Wait()
		must(t, p.Update(ctx, c, "ann", set(meta{N: 2})))
		synctest.Wait()
		must(t, p.Untrack(ctx, c, "ann"))
		synctest.Wait()
		want := []string{"joins 1 leaves ", "joins 2 leaves 1", "joins  leaves 2"}
		if got := shapes(t, watcher.payloads(presence.EventDiff)); !slices.Equal(got, want) {
			t.Errorf("told %q, want %q", got, want)
		}
	})
}

func TestWhatHappenedWithinAWindowIsToldAsItsOutcome(t *testing.T) {
	type act func(p *presence.Presence[meta], c, known *conversation)
	ctx := t.Context()
	track := func(n int) act {
		return func(p *presence.Presence[meta], c, _ *conversation) { _ = p.Track(ctx, c, "new", meta{N: n}) }
	}
	update := func(n int) act {
		return func(p *presence.Presence[meta], c, _ *conversation) { _ = p.Update(ctx, c, "new", set(meta{N: n})) }
	}
	untrack := func(p *presence.Presence[meta], c, _ *conversation) { _ = p.Untrack(ctx, c, "new") }
	end := func(_ *presence.Presence[meta], c, _ *conversation) { c.end() }
	move := func(n int) act {
		return func(p *presence.Presence[meta], _, known *conversation) {
			_ = p.Update(ctx, known, "known", set(meta{N: n}))
		}
	}
	quit := func(_ *presence.Presence[meta], _, known *conversation) { known.end() }
	back := func(p *presence.Presence[meta], _, known *conversation) {
		_ = p.Untrack(ctx, known, "known")
		_ = p.Track(ctx, known, "known", meta{N: 9})
	}
	for name, tc := range map[string]struct {
		acts []act
		want []string
	}{
		"came":                 {[]act{track(1)}, []string{"joins 1 leaves "}},
		"came and changed":     {[]act{track(1), update(2), update(3)}, []string{"joins 3 leaves "}},
		"came and went":        {[]act{track(1), untrack}, nil},
		"came and ended":       {[]act{track(1), update(2), end}, nil},
		"came, went, came":     {[]act{track(1), untrack, track(2)}, []string{"joins 2 leaves "}},
		"changed":              {[]act{move(1)}, []string{"joins 1 leaves 0"}},
		"changed twice":        {[]act{move(1), move(2)}, []string{"joins 2 leaves 0"}},
		"changed and ended":    {[]act{move(1), quit}, []string{"joins  leaves 0"}},
		"left and came back":   {[]act{back}, []string{"joins 9 leaves 0"}},
		"one came, one ended":  {[]act{track(1), quit}, []string{"joins 1 leaves 0"}},
		"all of it, no effect": {[]act{track(1), update(2), untrack, track(3), end}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ps := pubsub.Local()
				p := presence.New[meta](ps, nil)
				c, known, watcher := join(ps, "room"), join(ps, "room"), join(ps, "room")
				_ = p.Track(ctx, known, "known", meta{N: 0})
				synctest.Wait()
				watcher.payloads(presence.EventDiff)
				for _, act := range tc.acts {
					act(p, c, known)
				}
				time.Sleep(time.Second)
				if got := shapes(t, watcher.payloads(presence.EventDiff)); !slices.Equal(got, tc.want) {
					t.Errorf("told %q, want %q", got, tc.want)
				}
			})
		})
	}
}

func TestAnUpdateNamesTheRefThatClientsKnow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, ps := t.Context(), pubsub.Local()
		p := presence.New[meta](ps, nil)
		c := join(ps, "room")
		ref := func() presence.Meta[meta] {
			e, _ := p.Get("room", "ann")
			return e.Metas[0]
		}
		must(t, p.Track(ctx, c, "ann", meta{N: 1}))
		synctest.Wait()
		first := ref().Ref
		for n := range 3 {
			must(t, p.Update(ctx, c, "ann", set(meta{N: n})))
		}
		if got := ref().PrevRef; got != first {
			t.Errorf("after three updates in a window the meta names %q before it, want %q", got, first)
		}
		time.Sleep(time.Second)
		second := ref().Ref
		must(t, p.Update(ctx, c, "ann", set(meta{N: 9})))
		if got := ref().PrevRef; got != second {
			t.Errorf("the next update names %q before it, want %q", got, second)
		}
	})
}

// The list has what the diffs before it had, no less and no more: what it had
// more could end within the window, and no diff would say so.
func TestAListAskedForWithinAWindowComesBehindItsDiff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, ps := t.Context(), pubsub.Local()
		p := presence.New[meta](ps, nil)
		brief, c := join(ps, "room"), join(ps, "room")
		must(t, p.Track(ctx, join(ps, "room"), "known", meta{N: 0}))
		synctest.Wait()
		c.payloads(presence.EventDiff)
		must(t, p.Track(ctx, brief, "brief", meta{N: 1}))
		must(t, p.Track(ctx, c, "ann", meta{N: 2}))
		must(t, p.PushState(ctx, c))
		synctest.Wait()
		brief.end()
		time.Sleep(time.Second)
		got := c.received()
		if len(got) != 2 || got[0].event != presence.EventDiff || got[1].event != presence.EventState {
			t.Fatalf("got %v, want a diff, then the list", got)
		}
		if s := shape(t, got[0].payload); s != "joins 2 leaves " {
			t.Errorf("the diff has %q", s)
		}
		if s := got[1].payload; strings.Contains(s, "brief") || !strings.Contains(s, "ann") || !strings.Contains(s, "known") {
			t.Errorf("the list is %s", s)
		}
	})
}

func TestACrowdIsToldOfItselfInFewMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, ps := t.Context(), pubsub.Local()
		p := presence.New[meta](ps, nil)
		crowd := make([]*conversation, 200)
		for i := range crowd {
			crowd[i] = knock(ps, "room")
			must(t, p.Track(ctx, crowd[i], fmt.Sprint(i), meta{N: i}))
			must(t, p.PushState(ctx, crowd[i]))
			crowd[i].accept()
		}
		time.Sleep(time.Second)
		for _, c := range crowd {
			cl := client{t: t}
			got := c.received()
			for _, m := range got {
				cl.take(m)
			}
			if len(got) > 4 || len(cl.state) != len(crowd) {
				t.Fatalf("a client knows %d of %d after %d messages", len(cl.state), len(crowd), len(got))
			}
		}
	})
}

func TestCloseSendsWhatIsPending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, ps := t.Context(), pubsub.Local()
		p := presence.New[meta](ps, &presence.Options[meta]{Window: time.Hour})
		a, b := join(ps, "room"), join(ps, "room")
		must(t, p.Track(ctx, a, "ann", meta{N: 1}))
		synctest.Wait()
		must(t, p.Track(ctx, b, "bob", meta{N: 2}))
		must(t, p.PushState(ctx, b))
		start := time.Now()
		must(t, p.Close(ctx))
		if took := time.Since(start); took != 0 {
			t.Errorf("Close waited %v", took)
		}
		if got := shapes(t, a.payloads(presence.EventDiff)); !slices.Equal(got, []string{"joins 1 leaves ", "joins 2 leaves "}) {
			t.Errorf("told %q", got)
		}
		if got := b.payloads(presence.EventState); len(got) != 1 {
			t.Errorf("the list that was asked for came %d times", len(got))
		}
		b.end()
		must(t, p.Close(ctx))
		time.Sleep(2 * time.Hour)
		if got := a.received(); len(got) != 0 {
			t.Errorf("told %v after Close", got)
		}
	})
}
