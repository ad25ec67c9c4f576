package presence_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roost-dev/roost/presence"
	"github.com/roost-dev/roost/pubsub"
)

func brief(entries map[string]presence.Entry[meta]) string {
	var parts []string
	for _, key := range slices.Sorted(maps.Keys(entries)) {
		parts = append(parts, fmt.Sprint(key, values(entries[key])))
	}
	return strings.Join(parts, " ")
}

// diary notes the changes that OnChange is told of.
type diary struct {
	mu      sync.Mutex
	changes []string
}

func (d *diary) note(_ context.Context, c presence.Change[meta]) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.changes = append(d.changes, fmt.Sprintf("%s: +{%s} -{%s} now {%s} of %d keys",
		c.Topic, brief(c.Joins), brief(c.Leaves), brief(c.Now), c.Keys))
}

func (d *diary) read() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	changes := d.changes
	d.changes = nil
	return changes
}

func TestOnChangeIsToldWhatClientsAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, ps := t.Context(), pubsub.Local()
		var d diary
		p := presence.New(ps, &presence.Options[meta]{OnChange: d.note})
		phone, laptop, bob := join(ps, "room"), join(ps, "room"), join(ps, "room")
		for _, s := range []struct {
			act  func()
			want string
		}{
			{func() { must(t, p.Track(ctx, phone, "ann", meta{N: 1})) }, "room: +{ann[1]} -{} now {ann[1]} of 1 keys"},
			{func() { must(t, p.Track(ctx, laptop, "ann", meta{N: 2})) }, "room: +{ann[2]} -{} now {ann[1 2]} of 1 keys"},
			{func() { must(t, p.Track(ctx, bob, "bob", meta{N: 3})) }, "room: +{bob[3]} -{} now {bob[3]} of 2 keys"},
			{func() { must(t, p.Update(ctx, phone, "ann", set(meta{N: 4}))) }, "room: +{ann[4]} -{ann[1]} now {ann[4 2]} of 2 keys"},
			{func() { phone.end() }, "room: +{} -{ann[4]} now {ann[2]} of 2 keys"},
			{func() { laptop.end() }, "room: +{} -{ann[2]} now {} of 1 keys"},
			{func() { bob.end() }, "room: +{} -{bob[3]} now {} of 0 keys"},
		} {
			s.act()
			time.Sleep(time.Second)
			if got := d.read(); !slices.Equal(got, []string{s.want}) {
				t.Errorf("told %q, want %q", got, s.want)
			}
		}
	})
}

func TestASlowOnChangeDelaysOnlyItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, ps := t.Context(), pubsub.Local()
		var d diary
		p := presence.New(ps, &presence.Options[meta]{OnChange: func(ctx context.Context, c presence.Change[meta]) {
			d.note(ctx, c)
			time.Sleep(time.Minute)
		}})
		c, watcher := join(ps, "room"), join(ps, "room")
		for n := range 4 {
			must(t, p.Track(ctx, c, fmt.Sprint(n), meta{N: n}))
			time.Sleep(time.Second)
		}
		must(t, p.Untrack(ctx, c, "1"))
		must(t, p.Track(ctx, join(ps, "hall"), "ann", meta{N: 9}))
		time.Sleep(time.Second)
		if got := watcher.payloads(presence.EventDiff); len(got) != 5 {
			t.Errorf("clients got %d diffs, want 5", len(got))
		}
		want := []string{"room: +{0[0]} -{} now {0[0]} of 1 keys", "hall: +{ann[9]} -{} now {ann[9]} of 1 keys"}
		if got := d.read(); !slices.Equal(got, want) {
			t.Errorf("told %q, want %q", got, want)
		}
		must(t, p.Close(ctx))
		want = []string{"room: +{2[2] 3[3]} -{} now {2[2] 3[3]} of 3 keys"}
		if got := d.read(); !slices.Equal(got, want) {
			t.Errorf("then told %q, want %q", got, want)
		}
	})
}

func TestAPanicInOnChangeIsContained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, ps := t.Context(), pubsub.Local()
		var l journal
		p := presence.New(ps, &presence.Options[meta]{
			Logger:   l.logger(),
			OnChange: func(_ context.Context, c presence.Change[meta]) { panic(fmt.Sprint("at ", c.Keys)) },
		})
		c := join(ps, "room")
		for n := range 2 {
			must(t, p.Track(ctx, c, fmt.Sprint(n), meta{N: n}))
			time.Sleep(time.Second)
		}
		must(t, p.Close(ctx))
		if s := l.String(); !strings.Contains(s, "at 1") || !strings.Contains(s, "at 2") || !strings.Contains(s, "stack=") {
			t.Errorf("log: %s", s)
		}
	})
}

// Callbacks may use the tracker: no lock is held over them.
func TestCallbacksMayUseTheTracker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, ps := t.Context(), pubsub.Local()
		var p *presence.Presence[meta]
		c := join(ps, "room")
		p = presence.New(ps, &presence.Options[meta]{
			OnChange: func(ctx context.Context, change presence.Change[meta]) {
				if change.Keys == 1 {
					_ = p.Track(ctx, c, "from OnChange", meta{})
				}
			},
			Fetch: func(ctx context.Context, topic string, _ map[string]presence.Entry[meta]) (map[string]any, error) {
				_ = p.PushState(ctx, c)
				_ = p.Track(ctx, c, "from Fetch", meta{N: len(p.List(topic))})
				return nil, nil
			},
		})
		must(t, p.Track(ctx, c, "first", meta{}))
		synctest.Wait() // so that OnChange is told of one key, and no more
		must(t, p.Update(ctx, c, "first", func(m meta) meta {
			_ = p.Track(ctx, c, "from Update", meta{N: p.Count("room")})
			return m
		}))
		time.Sleep(time.Second)
		if n := p.Count("room"); n != 4 {
			t.Errorf("listed %v", p.List("room"))
		}
	})
}
