package client_test

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/client"
	"github.com/roost-dev/roost/presence"
)

// viewer is the meta of tests.
type viewer struct {
	Device string `json:"device"`
	Typing bool   `json:"typing,omitzero"`
}

type visiting struct{ Name, Device string }

type profile struct{ Name string }

var (
	Type = roost.NewIn[roost.Ack, roost.Ack]("type") // and is seen to
	Hide = roost.NewIn[roost.Ack, roost.Ack]("hide")
)

// watchers serves "watch:*", whose viewers are tracked by the name they join with.
func watchers(t *testing.T) (a *app, viewers *presence.Presence[viewer]) {
	t.Helper()
	a = newApp(t, appOptions{})
	viewers = presence.New[viewer](a.ps, &presence.Options[viewer]{
		Fetch: func(_ context.Context, _ string, all map[string]presence.Entry[viewer]) (map[string]any, error) {
			extra := map[string]any{}
			for key := range all {
				extra[key] = profile{strings.ToUpper(key)}
			}
			return extra, nil
		},
		Window: time.Millisecond,
	})
	t.Cleanup(func() { _ = viewers.Close(context.Background()) })
	type channel = roost.Channel[string]
	h := roost.NewHandler(func(ctx context.Context, ch *channel, _ *roost.Socket[string], p visiting) (roost.Ack, error) {
		ch.State = p.Name
		if err := viewers.Track(ctx, ch, p.Name, viewer{Device: p.Device}); err != nil {
			return roost.Ack{}, err
		}
		return roost.Ack{}, viewers.PushState(ctx, ch)
	}, nil)
	h.HandleIn(Type, func(ctx context.Context, ch *channel, _ roost.Ack) (roost.Ack, error) {
		return roost.Ack{}, viewers.Update(ctx, ch, ch.State, func(v viewer) viewer { v.Typing = !v.Typing; return v })
	})
	h.HandleIn(Hide, func(ctx context.Context, ch *channel, _ roost.Ack) (roost.Ack, error) {
		return roost.Ack{}, viewers.Untrack(ctx, ch, ch.State)
	})
	a.Handle("watch:*", h)
	return a, viewers
}

// devices are those of metas.
func devices(metas []client.PresenceMeta[viewer]) string {
	var all []string
	for _, m := range metas {
		all = append(all, m.Value.Device)
	}
	return strings.Join(all, "+")
}

// present writes down what a replica tells.
func present(p *client.Presence[viewer]) *diary {
	d := &diary{}
	p.OnJoin(func(_ context.Context, c client.PresenceChange[viewer]) {
		d.writef("%s joined on %s: %s", c.Key, devices(c.Metas), devices(c.Now.Metas))
	})
	p.OnLeave(func(_ context.Context, c client.PresenceChange[viewer]) {
		d.writef("%s left on %s: %s", c.Key, devices(c.Metas), devices(c.Now.Metas))
	})
	p.OnUpdate(func(_ context.Context, key string, before, after client.PresenceMeta[viewer]) {
		d.writef("%s typing on %s: %v, then %v", key, after.Value.Device, before.Value.Typing, after.Value.Typing)
	})
	return d
}

// visitor is somebody's program on a topic that is watched.
type visitor struct {
	*client.Socket
	*client.Channel

	there *client.Presence[viewer]
	diary *diary
}

func visit(t *testing.T, url string, o client.Options, name, device string) *visitor {
	t.Helper()
	v := &visitor{Socket: dial(t, url, o)}
	v.Channel = v.Socket.Channel("watch:1", nil)
	v.there = v.Presence[viewer]()
	v.diary = present(v.there)
	if _, err := v.Join[roost.Ack](t.Context(), visiting{name, device}); err != nil {
		t.Fatal(err)
	}
	return v
}

func (v *visitor) call(t *testing.T, in roost.In[roost.Ack, roost.Ack]) {
	t.Helper()
	if _, err := v.Call(t.Context(), in, roost.Ack{}); err != nil {
		t.Errorf("%s: %v", in.Name(), err)
	}
}

// wantLines waits for lines in any order, behind the first n.
func wantLines(t *testing.T, d *diary, n int, want ...string) {
	t.Helper()
	eventually(t, strings.Join(want, ", "), func() bool { return len(d.read()) >= n+len(want) })
	got := slices.Sorted(slices.Values(d.read()[n:]))
	if !slices.Equal(got, slices.Sorted(slices.Values(want))) {
		t.Errorf("behind %d lines there is %q, want %q in any order", n, got, want)
	}
}

// list is who is there according to a replica, as the server has it.
func list(p *client.Presence[viewer]) map[string]presence.Entry[viewer] {
	all := map[string]presence.Entry[viewer]{}
	for _, e := range p.List() {
		var entry presence.Entry[viewer]
		for _, m := range e.Metas {
			entry.Metas = append(entry.Metas, presence.Meta[viewer](m))
		}
		all[e.Key] = entry
	}
	return all
}

// wantAgreement waits until a replica has what the server has.
func wantAgreement(t *testing.T, v *visitor, server *presence.Presence[viewer]) {
	t.Helper()
	known := func() map[string]presence.Entry[viewer] {
		there := server.List("watch:1")
		for key, e := range there {
			there[key] = presence.Entry[viewer]{Metas: e.Metas}
		}
		return there
	}
	eventuallyOr(patience, func() bool { return reflect.DeepEqual(list(v.there), known()) })
	if got, want := list(v.there), known(); !reflect.DeepEqual(got, want) {
		t.Errorf("the replica has %v, the server %v", got, want)
	}
}

func TestPresence(t *testing.T) { overBoth(t, testPresence) }

func testPresence(t *testing.T, polls bool) {
	t.Helper()
	a, server := watchers(t)
	url := a.start(t)
	w := newAway(t, url)
	ada := visit(t, w.url(), client.Options{LongPoll: polls, Params: w.params}, "ada", "desk")
	wantDiary(t, ada.diary, "ada joined on desk: desk")
	phone := visit(t, url, client.Options{LongPoll: polls}, "ada", "phone")
	wantLines(t, ada.diary, 1, "ada joined on phone: desk+phone")
	bob := visit(t, url, client.Options{LongPoll: polls}, "bob", "tv")
	phone.call(t, Type)
	wantLines(t, ada.diary, 2, "bob joined on tv: tv", "ada typing on phone: false, then true")
	wantAgreement(t, ada, server)
	phone.call(t, Hide)
	wantLines(t, ada.diary, 4, "ada left on phone: desk")
	wantAgreement(t, ada, server)

	all := ada.there.List()
	if len(all) != 2 || ada.there.Count() != 2 || all[0].Key != "ada" || all[1].Key != "bob" {
		t.Errorf("there are %v", all)
	}
	if e, ok := ada.there.Get("bob"); !ok || devices(e.Metas) != "tv" {
		t.Errorf("bob is %v, %v", e, ok)
	} else if p, err := e.Extra[profile](); err != nil || p.Name != "BOB" {
		t.Errorf("bob's profile is %v, %v", p, err)
	}
	if _, ok := ada.there.Get("mallory"); ok {
		t.Error("mallory is there")
	}

	// What happened meanwhile is told as differences.
	before := len(ada.diary.read())
	w.while(func() {
		shut(t, bob.Socket)
		eventually(t, "bob's end", func() bool {
			return server.Count("watch:1") == 0 || server.Count("watch:1") == 1 && !hasKey(server, "bob")
		})
		visit(t, url, client.Options{}, "carol", "desk")
	})
	want := []string{"carol joined on desk: desk", "bob left on tv: ", "ada joined on desk: desk+desk"}
	if !polls { // else the server waits for the next poll of her former session
		want = append(want, "ada left on desk: desk")
	}
	wantLines(t, ada.diary, before, want...)
	wantAgreement(t, ada, server)
}

func hasKey(server *presence.Presence[viewer], key string) bool {
	_, ok := server.Get("watch:1", key)
	return ok
}
