package presence_test

import (
	"context"
	"encoding/json/v2"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roost-dev/roost/presence"
	"github.com/roost-dev/roost/pubsub"
)

func values(e presence.Entry[meta]) []int {
	var ns []int
	for _, m := range e.Metas {
		ns = append(ns, m.Value.N)
	}
	return ns
}

func set(m meta) func(meta) meta { return func(meta) meta { return m } }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestTrackedSessionsAreListedUnderTheirKeysOldestFirst(t *testing.T) {
	ctx, ps := t.Context(), pubsub.Local()
	p := presence.New[meta](ps, nil)
	defer p.Close(ctx)
	phone, laptop, bob := join(ps, "room"), join(ps, "room"), join(ps, "room")
	must(t, p.Track(ctx, phone, "ann", meta{N: 1}))
	must(t, p.Track(ctx, laptop, "ann", meta{N: 2}))
	must(t, p.Track(ctx, bob, "bob", meta{N: 3}))

	list := p.List("room")
	if keys := slices.Sorted(maps.Keys(list)); !slices.Equal(keys, []string{"ann", "bob"}) {
		t.Errorf("listed %v", keys)
	}
	if got := values(list["ann"]); !slices.Equal(got, []int{1, 2}) {
		t.Errorf("ann has %v", got)
	}
	if n := p.Count("room"); n != 2 {
		t.Errorf("counted %d keys", n)
	}

	must(t, p.Update(ctx, phone, "ann", set(meta{N: 10})))
	e, ok := p.Get("room", "ann")
	if got := values(e); !ok || !slices.Equal(got, []int{10, 2}) {
		t.Errorf("after an update ann has %v, and not the new meta in the old one's place", got)
	}
	if len(e.Metas[0].Ref) != 16 || e.Metas[0].Ref == list["ann"].Metas[0].Ref {
		t.Errorf("ref %q after %q", e.Metas[0].Ref, list["ann"].Metas[0].Ref)
	}

	phone.end()
	must(t, p.Untrack(ctx, bob, "bob"))
	if got := values(p.List("room")["ann"]); !slices.Equal(got, []int{2}) {
		t.Errorf("after the phone left ann has %v", got)
	}
	if _, ok := p.Get("room", "bob"); ok {
		t.Error("bob is present after Untrack")
	}
}

func TestTopicsAndTrackersKnowNothingOfEachOther(t *testing.T) {
	ctx, ps := t.Context(), pubsub.Local()
	p, q := presence.New[meta](ps, nil), presence.New[meta](ps, nil)
	defer p.Close(ctx)
	defer q.Close(ctx)
	must(t, p.Track(ctx, join(ps, "room"), "ann", meta{}))
	if len(p.List("other")) != 0 || len(q.List("room")) != 0 || p.Count("other") != 0 {
		t.Error("ann is present where she was not tracked")
	}
	if _, ok := q.Get("room", "ann"); ok {
		t.Error("ann is present where she was not tracked")
	}
}

func TestASessionMayHaveSeveralKeysAndLosesAllAtItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, ps := t.Context(), pubsub.Local()
		p := presence.New[meta](ps, nil)
		c, watcher := join(ps, "room"), join(ps, "room")
		for _, key := range []string{"a", "b", "c"} {
			must(t, p.Track(ctx, c, key, meta{}))
		}
		time.Sleep(time.Second)
		watcher.payloads(presence.EventDiff)
		c.end()
		if n := p.Count("room"); n != 0 {
			t.Errorf("%d keys are left", n)
		}
		synctest.Wait()
		if diffs := watcher.payloads(presence.EventDiff); len(diffs) != 1 || strings.Count(diffs[0], "phx_ref") != 3 {
			t.Errorf("the end was told as %v, want one diff with three leaves", diffs)
		}
	})
}

func TestBadCallsAreRefused(t *testing.T) {
	ctx, ps := t.Context(), pubsub.Local()
	p := presence.New[map[string]any](ps, nil)
	c, ended := join(ps, "room"), join(ps, "room")
	must(t, p.Track(ctx, c, "ann", nil))
	ended.end()
	over, cancel := context.WithCancel(ctx)
	cancel()
	toMap := func(m map[string]any) func(map[string]any) map[string]any {
		return func(map[string]any) map[string]any { return m }
	}
	for name, tc := range map[string]struct {
		err  error
		want string
	}{
		"tracked twice":           {p.Track(ctx, c, "ann", nil), `already tracked; use Update to change the meta: key "ann" on topic "room"`},
		"update of nothing":       {p.Update(ctx, c, "bob", toMap(nil)), `not tracked: key "bob" on topic "room"`},
		"update of another topic": {p.Update(ctx, join(ps, "hall"), "ann", toMap(nil)), "not tracked"},
		"empty key":               {p.Track(ctx, c, "", nil), "key is empty"},
		"key of broken UTF-8":     {p.Track(ctx, c, "\xff", nil), "not valid UTF-8"},
		"reserved field":          {p.Track(ctx, c, "bob", map[string]any{"phx_ref": 1}), "phx_ref"},
		"reserved field later":    {p.Update(ctx, c, "ann", toMap(map[string]any{"phx_ref_prev": 1})), "phx_ref"},
		"meta beyond JSON":        {p.Track(ctx, c, "bob", map[string]any{"f": func() {}}), "func()"},
		"context over":            {p.Track(over, c, "bob", nil), "canceled"},
		"context over, update":    {p.Update(over, c, "ann", toMap(nil)), "canceled"},
		"context over, state":     {p.PushState(over, c), "canceled"},
	} {
		if tc.err == nil || !strings.Contains(tc.err.Error(), tc.want) {
			t.Errorf("%s: error %v, want one with %q", name, tc.err, tc.want)
		}
	}
	if err := p.Track(ctx, c, "ann", nil); !errors.Is(err, presence.ErrAlreadyTracked) {
		t.Errorf("error %v is not ErrAlreadyTracked", err)
	}
	if err := p.Update(ctx, c, "bob", toMap(nil)); !errors.Is(err, presence.ErrNotTracked) {
		t.Errorf("error %v is not ErrNotTracked", err)
	}
	must(t, p.Untrack(ctx, c, "bob"))
	must(t, p.Track(ctx, ended, "late", nil))
	if list := p.List("room"); len(list) != 1 {
		t.Errorf("listed %v, want ann alone", list)
	}
	must(t, p.Close(ctx))
	for name, err := range map[string]error{
		"Track":     p.Track(ctx, c, "bob", nil),
		"Update":    p.Update(ctx, c, "ann", toMap(nil)),
		"PushState": p.PushState(ctx, c),
	} {
		if !errors.Is(err, presence.ErrClosed) {
			t.Errorf("%s after Close: %v", name, err)
		}
	}
	c.end()
	if n := p.Count("room"); n != 0 {
		t.Errorf("%d keys are present after Close and the end of the session", n)
	}
}

func TestNewPanicsOnWrongWiring(t *testing.T) {
	for name, f := range map[string]func(){
		"no PubSub":  func() { presence.New[meta](nil, nil) },
		"string":     func() { presence.New[string](pubsub.Local(), nil) },
		"pointer":    func() { presence.New[*meta](pubsub.Local(), nil) },
		"interface":  func() { presence.New[any](pubsub.Local(), nil) },
		"not object": func() { presence.New[time.Time](pubsub.Local(), nil) },
		"reserved": func() {
			presence.New[struct {
				Ref string `json:"phx_ref"`
			}](pubsub.Local(), nil)
		},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: New did not panic", name)
				}
			}()
			f()
		}()
	}
}

func TestWithinAJoinTrackTakesEffectWithTheReply(t *testing.T) {
	ctx, ps := t.Context(), pubsub.Local()
	p := presence.New[meta](ps, nil)
	defer p.Close(ctx)
	c := knock(ps, "room")
	must(t, p.Track(ctx, c, "ann", meta{N: 1}))
	must(t, p.Track(ctx, c, "bob", meta{N: 2}))
	if err := p.Track(ctx, c, "ann", meta{N: 3}); !errors.Is(err, presence.ErrAlreadyTracked) {
		t.Errorf("tracked twice within a join: %v", err)
	}
	must(t, p.Update(ctx, c, "ann", func(m meta) meta { m.Mood = "new"; return m }))
	must(t, p.Untrack(ctx, c, "bob"))
	if n := p.Count("room"); n != 0 {
		t.Errorf("%d keys are present before the join reply", n)
	}
	c.accept()
	list := p.List("room")
	if len(list) != 1 || list["ann"].Metas[0].Value != (meta{N: 1, Mood: "new"}) {
		t.Errorf("after the join listed are %v", list)
	}
	if prev := list["ann"].Metas[0].PrevRef; prev != "" {
		t.Errorf("the meta names %q before it, which nobody ever saw", prev)
	}
}

func TestARefusedJoinIsNeverPresent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, ps := t.Context(), pubsub.Local()
		p := presence.New[meta](ps, nil)
		c, watcher := knock(ps, "room"), join(ps, "room")
		must(t, p.Track(ctx, c, "ann", meta{}))
		must(t, p.PushState(ctx, c))
		c.end()
		time.Sleep(time.Second)
		if p.Count("room") != 0 || len(c.received()) != 0 || len(watcher.received()) != 0 {
			t.Errorf("a refused join left %v, and was told of as %v", p.List("room"), watcher.received())
		}
	})
}

func TestUpdatesOfOneMetaAtOnceAllCount(t *testing.T) {
	ctx, ps := t.Context(), pubsub.Local()
	p := presence.New[meta](ps, nil)
	defer p.Close(ctx)
	c := join(ps, "room")
	must(t, p.Track(ctx, c, "ann", meta{}))
	done := make(chan error)
	for range 8 {
		go func() {
			var err error
			for range 50 {
				err = errors.Join(err, p.Update(ctx, c, "ann", func(m meta) meta { m.N++; return m }))
			}
			done <- err
		}()
	}
	for range 8 {
		must(t, <-done)
	}
	if e, _ := p.Get("room", "ann"); e.Metas[0].Value.N != 400 {
		t.Errorf("400 increments made %d", e.Metas[0].Value.N)
	}
}

func TestListsBelongToWhoeverAsked(t *testing.T) {
	ctx, ps := t.Context(), pubsub.Local()
	p := presence.New[meta](ps, nil)
	defer p.Close(ctx)
	c := join(ps, "room")
	must(t, p.Track(ctx, c, "ann", meta{N: 1}))
	list := p.List("room")
	list["ann"].Metas[0].Value.N = 7
	_ = append(list["ann"].Metas, presence.Meta[meta]{})
	delete(list, "ann")
	if e, _ := p.Get("room", "ann"); e.Metas[0].Value.N != 1 {
		t.Error("a change to a list changed the tracker's")
	}
}

func TestEntriesEncodeAsClientsSeeThem(t *testing.T) {
	list := map[string]presence.Entry[meta]{
		"ann": {
			Metas: []presence.Meta[meta]{{Ref: "r1", Value: meta{N: 1}}, {Ref: "r3", PrevRef: "r2", Value: meta{N: 2}}},
			Extra: map[string]any{"name": "Ann"},
		},
	}
	got, err := json.Marshal(list)
	must(t, err)
	want := `{"ann":{"metas":[{"n":1,"phx_ref":"r1"},{"n":2,"phx_ref":"r3","phx_ref_prev":"r2"}],"name":"Ann"}}`
	if string(got) != want {
		t.Errorf("encoded as\n%s\nwant\n%s", got, want)
	}
}

func TestTheListIsPushedToWhoAskedAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, ps := t.Context(), pubsub.Local()
		p := presence.New[meta](ps, nil)
		c, other := join(ps, "room"), join(ps, "room")
		must(t, p.PushState(ctx, c))
		synctest.Wait()
		if got := c.payloads(presence.EventState); !slices.Equal(got, []string{`{}`}) {
			t.Errorf("of an empty topic got %v", got)
		}
		must(t, p.Track(ctx, other, "bob", meta{N: 2}))
		synctest.Wait() // its diff is out, and the next one waits for the window's end
		bob, _ := p.Get("room", "bob")
		c.payloads(presence.EventDiff)
		must(t, p.Untrack(ctx, other, "bob"))
		must(t, p.Track(ctx, c, "ann", meta{N: 1}))
		must(t, p.PushState(ctx, c))
		must(t, p.PushState(ctx, c))
		time.Sleep(time.Second)
		e, _ := p.Get("room", "ann")
		want := []message{
			{presence.EventDiff, `{"joins":{"ann":{"metas":[{"n":1,"phx_ref":"` + e.Metas[0].Ref +
				`"}]}},"leaves":{"bob":{"metas":[{"n":2,"phx_ref":"` + bob.Metas[0].Ref + `"}]}}}`},
			{presence.EventState, `{"ann":{"metas":[{"n":1,"phx_ref":"` + e.Metas[0].Ref + `"}]}}`},
		}
		if got := c.received(); !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		if got := other.payloads(presence.EventState); len(got) != 0 {
			t.Errorf("who did not ask got %v", got)
		}
	})
}

// Sessions come, change and go while the tracker is closed: nothing is told
// once Close has returned.
func TestCloseAmongComingAndGoing(t *testing.T) {
	for range 20 {
		ctx, ps := t.Context(), pubsub.Local()
		p := presence.New[meta](ps, &presence.Options[meta]{Window: time.Millisecond})
		watcher := join(ps, "room")
		started, done := make(chan struct{}, 4), make(chan struct{})
		for range 4 {
			go func() {
				defer func() { done <- struct{}{} }()
				for i := range 100 {
					c := join(ps, "room")
					_ = p.Track(ctx, c, "ann", meta{N: i})
					_ = p.PushState(ctx, c)
					_ = p.Update(ctx, c, "ann", set(meta{}))
					c.end()
					if i == 10 {
						started <- struct{}{}
					}
				}
			}()
		}
		<-started
		must(t, p.Close(ctx))
		watcher.payloads(presence.EventDiff)
		for range 4 {
			<-done
		}
		if got := watcher.received(); len(got) != 0 {
			t.Fatalf("told %v after Close", got)
		}
		if n := p.Count("room"); n != 0 {
			t.Fatalf("%d keys are left without a session", n)
		}
	}
}
