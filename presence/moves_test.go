package presence

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/roost-dev/roost/presence/replica"
	"github.com/roost-dev/roost/pubsub"
	"github.com/roost-dev/roost/pubsub/pubsubtest"
)

// A replica that is told of changes together has the same as one that is told
// of each at once, in the same order.
func TestMovesAddUp(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 0))
		var s state[int]
		var present []*item[int]
		atOnce, together := replica.New("a", nil), replica.New("a", nil)
		pending := make(moves[int])
		do := func(change func(ms moves[int])) {
			single := make(moves[int])
			change(single)
			single.tell(atOnce)
			change(pending)
		}
		for range 60 {
			i := 0
			if len(present) > 0 {
				i = r.IntN(len(present))
			}
			switch {
			case len(present) == 0 || r.IntN(3) == 0:
				it := newItem("key", 0, []byte(`{}`), "")
				s.add(it)
				present = append(present, it)
				do(func(ms moves[int]) { ms.join("room", it) })
			case r.IntN(2) == 0:
				old, next := present[i], newItem("key", 0, []byte(`{}`), "")
				s.replace(old, next)
				present[i] = next
				do(func(ms moves[int]) { ms.replace("room", old, next) })
			default:
				it := present[i]
				s.remove(it)
				present = slices.Delete(present, i, i+1)
				do(func(ms moves[int]) { ms.leave("room", it) })
			}
			if r.IntN(10) == 0 {
				pending.tell(together)
				pending = make(moves[int])
			}
		}
		if len(pending) > 120 {
			t.Errorf("seed %d: %d moves are pending of 60 changes", seed, len(pending))
		}
		pending.tell(together)
		if got, want := refs(together), refs(atOnce); !slices.Equal(got, want) || len(got) != len(present) {
			t.Fatalf("seed %d: together %v, one by one %v", seed, got, want)
		}
	}
}

func refs(r *replica.Replica) []string {
	var refs []string
	for _, e := range r.Own("room") {
		refs = append(refs, e.Ref)
	}
	return refs
}

// What came and went while a node is about to stop was never there for others;
// what they know stays.
func TestMovesForgetOnlyWhatNobodyKnows(t *testing.T) {
	known, updated := newItem("key", 0, []byte(`{}`), ""), newItem("key", 1, []byte(`{}`), "")
	brief, change := newItem("key", 2, []byte(`{}`), ""), newItem("key", 3, []byte(`{}`), "")
	ms := make(moves[int])
	ms.join("room", brief)
	ms.replace("room", brief, change)
	ms.forget(change)
	ms.forget(known)
	ms.replace("room", known, updated)
	ms.forget(updated)
	if len(ms) != 1 || ms[updated.Ref].old != known {
		t.Errorf("moves %v, want the update alone", ms)
	}
	ms.leave("room", updated)
	if len(ms) != 1 || ms[known.Ref].next != nil {
		t.Errorf("moves %v, want the end of what others know", ms)
	}
}

func TestMetasAreTheSameWithoutTheirRefs(t *testing.T) {
	for _, object := range []string{`{}`, `{"n":1}`, `{"a":{"b":[1,2]},"c":","}`} {
		for _, prev := range []string{"", newRef()} {
			it := newItem("key", 0, []byte(object), prev)
			if got := it.entry(); string(got.Meta) != object || got.Ref != it.Ref || got.PrevRef != prev {
				t.Errorf("of %s others get %s", it.encoded, got.Meta)
			}
		}
	}
}

// Even if a replica were wrong, no ref would be listed twice.
func TestAnArrivalThatIsThereIsIgnored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var bus pubsubtest.Bus
		ps, err := pubsub.New(&pubsub.Options{Adapter: bus.Node()})
		if err != nil {
			t.Fatal(err)
		}
		p := New(ps, &Options[map[string]int]{Logger: slog.New(slog.DiscardHandler)})
		if err := p.PushState(t.Context(), &guest{id: "viewer", topic: "room"}); err != nil {
			t.Fatal(err)
		}
		e := replica.Entry{Ref: newRef(), Key: "ann", Meta: []byte(`{"n":1}`)}
		change := replica.Change{Topic: "room", Node: "b", Joins: []replica.Entry{e, e}}
		p.apply([]replica.Change{change, change})
		if got := fmt.Sprint(p.List("room")); got != fmt.Sprintf("map[ann:{[{%s  map[n:1]}] <nil>}]", e.Ref) {
			t.Errorf("listed is %v", got)
		}
		bad := []replica.Entry{{Ref: "1", Key: "", Meta: []byte(`{}`)}, {Ref: "2", Key: "eve", Meta: []byte(`{"n":`)}, {Ref: "3", Key: "eve", Meta: []byte(`null`)}}
		p.apply([]replica.Change{{Topic: "room", Joins: bad, Leaves: bad}, {Topic: "hall", Joins: bad}, {Topic: "room", Leaves: []replica.Entry{e}}})
		if n := p.Count("room"); n != 0 {
			t.Errorf("%d keys are listed, though nobody is left whom clients could read", n)
		}
		if err := p.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if err := ps.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
