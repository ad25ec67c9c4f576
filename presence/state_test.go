package presence

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// A state's order and its diffs are checked against a plain list of metas.
func TestStateFollowsItsHistory(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 0))
		var s state[int]
		var model []*item[int] // in the order of their places
		told := map[string]*item[int]{}
		for range 100 {
			switch {
			case len(model) == 0 || r.IntN(3) == 0:
				it := newItem(fmt.Sprint("key ", r.IntN(5)), 0, []byte(`{}`), "")
				s.add(it)
				model = append(model, it)
			case r.IntN(2) == 0:
				i := r.IntN(len(model))
				it := newItem(model[i].key, 0, []byte(`{}`), model[i].Ref)
				s.replace(model[i], it)
				model[i] = it
			default:
				i := r.IntN(len(model))
				s.remove(model[i])
				model = slices.Delete(model, i, i+1)
			}
			if r.IntN(5) == 0 {
				follow(t, told, s.take())
				checkTold(t, seed, told, model)
			}
			checkState(t, seed, &s, model)
		}
		follow(t, told, s.take())
		checkTold(t, seed, told, model)
	}
}

// follow applies a diff, which must say neither what is known nor end what is
// not.
func follow(t *testing.T, told map[string]*item[int], d *diff[int]) {
	t.Helper()
	for _, g := range d.joins {
		for _, it := range g.metas {
			if told[it.Ref] != nil {
				t.Fatalf("%v joins twice", it)
			}
			told[it.Ref] = it
		}
	}
	for _, g := range d.leaves {
		for _, it := range g.metas {
			if told[it.Ref] == nil {
				t.Fatalf("%v leaves and never joined", it)
			}
			delete(told, it.Ref)
		}
	}
}

func checkTold(t *testing.T, seed uint64, told map[string]*item[int], model []*item[int]) {
	t.Helper()
	want := make(map[string]*item[int])
	for _, it := range model {
		want[it.Ref] = it
	}
	if !maps.Equal(told, want) {
		t.Fatalf("seed %d: diffs add up to %v, present are %v", seed, told, want)
	}
}

func checkState(t *testing.T, seed uint64, s *state[int], model []*item[int]) {
	t.Helper()
	want := make(map[string][]*item[int])
	for _, it := range model {
		want[it.key] = append(want[it.key], it)
	}
	if s.metas != len(model) || len(s.entries) != len(want) {
		t.Fatalf("seed %d: %d metas of %d keys, want %d of %d", seed, s.metas, len(s.entries), len(model), len(want))
	}
	all := s.all()
	if len(all) != len(want) {
		t.Fatalf("seed %d: %d keys in order, want %d", seed, len(all), len(want))
	}
	for _, g := range all {
		if !slices.Equal(g.metas, want[g.key]) {
			t.Fatalf("seed %d: key %s has %v, want %v", seed, g.key, g.metas, want[g.key])
		}
	}
}

func TestStateListsTheOldestKeyFirst(t *testing.T) {
	var s state[int]
	for _, key := range []string{"c", "a", "b"} {
		s.add(newItem(key, 0, []byte(`{}`), ""))
	}
	s.remove(s.metasOf("c")[0])
	s.add(newItem("a", 0, []byte(`{}`), ""))
	s.add(newItem("c", 0, []byte(`{}`), ""))
	var keys []string
	for _, g := range s.all() {
		keys = append(keys, g.key)
	}
	if want := []string{"a", "b", "c"}; !slices.Equal(keys, want) {
		t.Errorf("keys %v, want %v", keys, want)
	}
}

// What readers were given stays as it was.
func TestStateNeverChangesWhatItGaveAway(t *testing.T) {
	var s state[int]
	items := make([]*item[int], 8)
	for i := range items {
		items[i] = newItem("key", i, []byte(`{}`), "")
		s.add(items[i])
	}
	given := s.metasOf("key")
	s.add(newItem("key", 8, []byte(`{}`), ""))
	s.replace(items[3], newItem("key", 9, []byte(`{}`), ""))
	s.remove(items[0])
	s.add(newItem("key", 10, []byte(`{}`), ""))
	if !slices.Equal(given, items) {
		t.Errorf("given %v, now %v", items, given)
	}
}

// A meta that comes back with its ref, as after a partition, has never left
// for those who were not told.
func TestChangesForgetALeaveThatWasUndone(t *testing.T) {
	it := newItem("key", 0, []byte(`{}`), "")
	var c changes[int]
	c.leave(it)
	c.join(it)
	if !c.empty() {
		t.Errorf("changes %+v, want none", c)
	}
}
