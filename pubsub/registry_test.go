package pubsub

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
)

// A registry among much coming and going is checked against plain slices, and
// so is what it says of interest.
func TestRegistryFollowsItsHistory(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 0))
		interested := make(map[string]bool)
		reg := newRegistry[int](func(name string, wanted bool) {
			if interested[name] == wanted {
				t.Fatalf("seed %d: told twice that %q is wanted: %v", seed, name, wanted)
			}
			interested[name] = wanted
		})
		model := make(map[string][]int)
		var members, gone []*member[int]
		grow := 3 // first many come, then many go
		for i := range 2000 {
			if i == 1000 {
				grow = 1
			}
			switch {
			case len(members) == 0 || r.IntN(4) < grow:
				name := fmt.Sprint("topic ", r.IntN(4))
				members = append(members, enter(reg, name, i))
				model[name] = append(model[name], i)
			default:
				k := r.IntN(len(members))
				m := members[k]
				members = slices.Delete(members, k, k+1)
				gone = append(gone, m)
				if !reg.remove(m) {
					t.Fatalf("seed %d: a member was not there", seed)
				}
				at := slices.Index(model[m.group.name], m.receiver)
				model[m.group.name] = slices.Delete(model[m.group.name], at, at+1)
			}
			if len(gone) > 0 && reg.remove(gone[r.IntN(len(gone))]) {
				t.Fatalf("seed %d: a member was removed twice", seed)
			}
			if len(members) < 20 || i%100 == 0 {
				checkRegistry(t, seed, reg, model, interested)
			}
		}
	}
}

func checkRegistry(t *testing.T, seed uint64, reg *registry[int], model map[string][]int, interested map[string]bool) {
	t.Helper()
	for name, want := range model {
		var got []int
		for _, m := range reg.snapshot(name, nil) {
			got = append(got, m.receiver)
		}
		slices.Sort(got)
		if want = slices.Sorted(slices.Values(want)); !slices.Equal(got, want) {
			t.Fatalf("seed %d: %q has %v, want %v", seed, name, got, want)
		}
		if n := reg.count(name); n != len(want) {
			t.Fatalf("seed %d: %q counts %d, want %d", seed, name, n, len(want))
		}
		if interested[name] != (len(want) > 0) {
			t.Fatalf("seed %d: %q with %d members has interest %v", seed, name, len(want), interested[name])
		}
	}
}

func TestRegistryKeepsNothingOfNamesWithoutMembers(t *testing.T) {
	reg := newRegistry[int](nil)
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(g), 0))
			for i := range 2000 {
				m := enter(reg, fmt.Sprint(r.IntN(50)), i)
				reg.snapshot(m.group.name, nil)
				reg.remove(m)
			}
		})
	}
	wg.Wait()
	for i := range reg.shards {
		if n := len(reg.shards[i].names); n != 0 {
			t.Errorf("shard %d still has %d names", i, n)
		}
	}
}

func TestRegistryGivesBackTheRoomOfACrowdThatLeft(t *testing.T) {
	reg := newRegistry[int](nil)
	members := make([]*member[int], 10_000)
	for i := range members {
		members[i] = enter(reg, "room", i)
	}
	for _, m := range members[10:] {
		reg.remove(m)
	}
	if c := cap(members[0].group.members); c > 64 {
		t.Errorf("10 members of formerly 10,000 keep room for %d", c)
	}
}

// enter makes a new member of the group of name.
func enter(reg *registry[int], name string, receiver int) *member[int] {
	m := &member[int]{receiver: receiver}
	reg.add(name, m)
	return m
}
