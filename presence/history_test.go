package presence_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roost-dev/roost/presence"
	"github.com/roost-dev/roost/pubsub"
)

type meta struct {
	N    int    `json:"n"`
	Mood string `json:"mood,omitempty"`
}

// Whatever happens, and whenever a client takes the list, what it makes of
// the lists and diffs it gets is in the end what the server lists.
func TestClientsEndWithTheServersList(t *testing.T) {
	for _, window := range []time.Duration{0, -1, 100 * time.Millisecond} {
		for seed := range uint64(20) {
			t.Run(fmt.Sprintf("window %v seed %d", window, seed), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { playHistory(t, window, seed) })
			})
		}
	}
}

func playHistory(t *testing.T, window time.Duration, seed uint64) {
	ps := pubsub.Local()
	var hook follower
	p := presence.New(ps, &presence.Options[meta]{
		Window:   window,
		OnChange: hook.apply,
		Fetch: func(ctx context.Context, topic string, who map[string]presence.Entry[meta]) (map[string]any, error) {
			time.Sleep(time.Duration(seed%3) * 7 * time.Millisecond)
			return nameAll(who), nil
		},
	})
	var wg sync.WaitGroup
	players := make([]*player, 4)
	for i := range players {
		players[i] = &player{t: t, ps: ps, p: p, rand: rand.New(rand.NewPCG(seed, uint64(i)))}
		wg.Go(players[i].play)
	}
	wg.Wait()
	for _, pl := range players {
		pl.settle()
	}
	if err := p.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := listed(t, p.List("room"))
	for _, pl := range players {
		for _, s := range pl.seats {
			s.check(t, want)
		}
	}
	if got := listed(t, hook.list); !maps.Equal(got, want) {
		t.Errorf("OnChange was told of %v, listed are %v", got, want)
	}
	if hook.keys != p.Count("room") {
		t.Errorf("OnChange was told of %d keys, there are %d", hook.keys, p.Count("room"))
	}
}

func nameAll(who map[string]presence.Entry[meta]) map[string]any {
	names := make(map[string]any)
	for key := range who {
		names[key] = map[string]string{"name": "user " + key}
	}
	return names
}

// player lets some conversations do things at random.
type player struct {
	t     *testing.T
	ps    *pubsub.PubSub
	p     *presence.Presence[meta]
	rand  *rand.Rand
	seats []*seat
}

// seat is a client that may join several times.
type seat struct {
	c       *conversation
	client  client
	read    int
	joining bool
	asked   bool // for the list, in this join
}

func (pl *player) play() {
	for range 60 {
		if pl.rand.IntN(3) == 0 {
			time.Sleep(time.Duration(pl.rand.IntN(30)) * time.Millisecond)
		}
		if len(pl.seats) < 4 {
			s := &seat{c: knock(pl.ps, "room"), joining: true, client: client{t: pl.t}}
			pl.seats = append(pl.seats, s)
		}
		pl.act(pl.seats[pl.rand.IntN(len(pl.seats))])
	}
}

func (pl *player) act(s *seat) {
	ctx, key := context.Background(), string(rune('a'+pl.rand.IntN(4)))
	switch pl.rand.IntN(12) {
	case 0, 1, 2:
		_ = pl.p.Track(ctx, s.c, key, meta{N: pl.rand.IntN(100)})
	case 3, 4, 5:
		_ = pl.p.Update(ctx, s.c, key, func(m meta) meta { m.N++; m.Mood = "new"; return m })
	case 6, 7:
		_ = pl.p.Untrack(ctx, s.c, key)
	case 8:
		pl.ask(s)
	case 9, 10:
		pl.accept(s)
	case 11:
		pl.rejoin(s)
	}
}

func (pl *player) accept(s *seat) {
	if s.joining {
		s.joining = false
		s.c.accept()
	}
}

// rejoin ends the conversation and has its client join anew, with what it
// knew. A client that never got a list starts from nothing: phoenix.js would
// keep the diffs it got, which nobody can tell it the end of.
func (pl *player) rejoin(s *seat) {
	s.c.end()
	s.catchUp()
	if !s.client.synced {
		s.client = client{t: pl.t}
	}
	s.client.synced = false
	s.c, s.read, s.joining, s.asked = knock(pl.ps, "room"), 0, true, false
}

func (pl *player) ask(s *seat) {
	s.asked = true
	if err := pl.p.PushState(context.Background(), s.c); err != nil {
		pl.t.Error(err)
	}
}

// settle makes sure that every client has joined and got the list. Those who
// got it before get none now, which would hide what went wrong since.
func (pl *player) settle() {
	for _, s := range pl.seats {
		pl.accept(s)
		if !s.asked {
			pl.ask(s)
		}
	}
}

func (s *seat) catchUp() {
	for _, m := range s.c.received()[s.read:] {
		s.client.take(m)
		s.read++
	}
}

func (s *seat) check(t *testing.T, want map[string]bool) {
	s.catchUp()
	if got := s.client.metas(); !maps.Equal(got, want) {
		t.Errorf("client has %v, listed are %v", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
	}
	for key, p := range s.client.state {
		if p["name"] != "user "+key {
			t.Errorf("client has %v for key %s, without what Fetch said", p, key)
		}
	}
}

// follower builds a list of what OnChange is told.
type follower struct {
	list map[string]presence.Entry[meta]
	keys int
}

func (f *follower) apply(_ context.Context, c presence.Change[meta]) {
	if f.list == nil {
		f.list = make(map[string]presence.Entry[meta])
	}
	for key := range c.Joins {
		f.merge(key, c)
	}
	for key := range c.Leaves {
		f.merge(key, c)
	}
	f.keys = c.Keys
}

// merge applies joins and leaves, so that they are checked and not only Now.
func (f *follower) merge(key string, c presence.Change[meta]) {
	left := make(map[string]bool)
	for _, m := range c.Leaves[key].Metas {
		left[m.Ref] = true
	}
	known := make(map[string]bool)
	var metas []presence.Meta[meta]
	for _, m := range slices.Concat(f.list[key].Metas, c.Joins[key].Metas) {
		if !left[m.Ref] && !known[m.Ref] {
			known[m.Ref] = true
			metas = append(metas, m)
		}
	}
	if len(metas) == 0 {
		delete(f.list, key)
		return
	}
	f.list[key] = presence.Entry[meta]{Metas: metas}
}
