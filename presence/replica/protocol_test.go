package replica

import (
	"reflect"
	"slices"
	"testing"
)

func TestDeltasReachThoseWhoWantTheTopic(t *testing.T) {
	l := newLab(t, nil, "a", "b", "c")
	l.node("b").want("room")
	l.run()
	a := l.node("a")
	a.Add("room", entry("x"))
	a.Add("room", entry("y"))
	a.Add("room", entry("z"))
	l.run()
	l.sees("b", "room", map[NodeID]string{"a": "xyz"})

	next := entry("Y")
	next.PrevRef = "y"
	a.Replace("room", "y", next)
	a.Remove("room", "x")
	l.run()
	l.sees("b", "room", map[NodeID]string{"a": "Yz"})
	l.sees("c", "room", map[NodeID]string{})
	if s := l.node("c").Stats(); s.HeldTopics != 0 || s.HeldBytes != 0 {
		t.Errorf("a node without interest has %+v", s)
	}
	if got := l.node("b").Held("room")["a"][0]; !reflect.DeepEqual(got, next) {
		t.Errorf("held is %+v, want %+v", got, next)
	}
}

func TestWantingATopicBringsOneChangePerOwner(t *testing.T) {
	l := newLab(t, nil, "a", "b", "c")
	l.node("a").Add("room", entry("1"))
	l.node("a").Add("room", entry("2"))
	l.node("b").Add("room", entry("3"))
	l.run()
	l.count(kindDelta)
	c := l.node("c")
	c.want("room")
	l.run()
	l.sees("c", "room", map[NodeID]string{"a": "12", "b": "3"})
	if n := l.count(kindSnapshot); n != 2 {
		t.Errorf("%d snapshots", n)
	}
	l.tick()
	if n := l.count(kindSnapshot); n != 0 {
		t.Errorf("%d snapshots of what is known", n)
	}
}

func TestWithoutInterestNothingIsHeld(t *testing.T) {
	l := newLab(t, nil, "a", "b")
	l.node("b").want("room")
	l.node("a").Add("room", entry("x"))
	l.run()
	l.node("b").unwant("room")
	l.node("a").Add("room", entry("y"))
	l.run()
	if s := l.node("b").Stats(); s != (Stats{Peers: 1}) {
		t.Errorf("left is %+v", s)
	}
	l.node("b").want("room")
	l.run()
	l.sees("b", "room", map[NodeID]string{"a": "xy"})
}

func TestNothingIsToldOfWhatIsNoLongerWanted(t *testing.T) {
	l := newLab(t, nil, "a", "b")
	b := l.node("b")
	b.want("room")
	l.node("a").Add("room", entry("x"))
	for _, m := range l.node("a").take() {
		l.deliver(envelope{"a", b, m.Payload})
	}
	b.unwant("room")
	b.want("room")
	l.run() // fails if x joins twice
	l.node("a").Tick()
	l.run()
}

func TestAGapIsFilledByASnapshot(t *testing.T) {
	l := newLab(t, nil, "a", "b")
	l.node("b").want("room")
	a := l.node("a")
	a.Add("room", entry("x"))
	l.run()
	l.tick()
	l.lose = deltas
	a.Add("room", entry("y"))
	a.Remove("room", "x")
	l.run()
	l.lose = nil
	l.count(0)
	a.Add("room", entry("z"))
	l.run()
	l.sees("b", "room", map[NodeID]string{"a": "yz"})
	if n := l.count(kindPull); n != 0 {
		t.Errorf("%d pulls for what a delta told", n)
	}
}

func TestDeltasInAnyOrderAndTwice(t *testing.T) {
	a := newNode(t, "a", nil)
	a.Add("room", entry("0"))
	var sent [][]byte
	for _, change := range []func(){
		func() {},
		func() { a.Add("room", entry("1")) },
		func() { a.Replace("room", "0", entry("2")) },
		func() { a.Remove("room", "1") },
	} {
		change()
		sent = append(sent, a.take()[0].Payload)
	}
	for _, order := range permutations(len(sent)) {
		b := newNode(t, "b", nil)
		b.Up("a")
		b.want("room")
		for range 2 {
			for _, i := range order {
				if err := b.Receive("a", sent[i]); err != nil {
					t.Fatal(err)
				}
				b.take()
				b.check()
			}
		}
		if got := b.Held("room")["a"]; len(got) != 1 || got[0].Ref != "2" {
			t.Errorf("in order %v they make %v", order, got)
		}
		if s := b.Stats(); s.Stale != 0 {
			t.Errorf("in order %v they leave %+v", order, s)
		}
	}
}

func permutations(n int) [][]int {
	if n == 0 {
		return [][]int{{}}
	}
	var all [][]int
	for _, p := range permutations(n - 1) {
		for i := range n {
			all = append(all, slices.Insert(slices.Clone(p), i, n-1))
		}
	}
	return all
}

// What is older than what is held says nothing, even if what is held is
// nothing and nobody remembers why.
func TestOldMessagesBringNobodyBack(t *testing.T) {
	l := newLab(t, nil, "a", "b")
	a, b := l.node("a"), l.node("b")
	b.want("room")
	var old [][]byte
	l.lose = func(from, to NodeID, m Message) bool {
		if from == "a" {
			old = append(old, m.Payload)
		}
		return false
	}
	a.Add("room", entry("x"))
	l.run()
	l.tick()
	a.Add("hall", entry("h"))
	b.unwant("room")
	b.want("room") // for a snapshot
	l.run()
	a.Remove("room", "x")
	l.run()
	l.tick()
	l.tick()
	if s := b.Stats(); s.HeldTopics != 0 {
		t.Fatalf("b remembers %+v", s)
	}
	l.lose = nil
	for _, payload := range slices.Clone(old) {
		l.deliver(envelope{"a", b, payload})
		b.take()
		l.sees("b", "room", map[NodeID]string{})
	}
	l.tick()
	l.sees("b", "room", map[NodeID]string{})
}

func TestTheEndOfANodeIsTheEndOfItsPresences(t *testing.T) {
	l := newLab(t, nil, "a", "b")
	a, b := l.node("a"), l.node("b")
	b.want("room")
	b.want("hall")
	a.Add("room", entry("x"))
	a.Add("hall", entry("y"))
	l.run()
	b.Down("a")
	b.Down("a") // says nothing new
	out := b.Take()
	want := []Change{
		{Topic: "room", Node: "a", Leaves: []Entry{entry("x")}},
		{Topic: "hall", Node: "a", Leaves: []Entry{entry("y")}},
	}
	if !reflect.DeepEqual(out.Changes, want) {
		t.Errorf("changes are\n%+v\nwant\n%+v", out.Changes, want)
	}
	if s := b.Stats(); s != (Stats{WantedTopics: 2}) {
		t.Errorf("left is %+v", s)
	}
	a.Add("room", entry("z"))
	for _, m := range a.take() {
		l.deliver(envelope{"a", b, m.Payload})
	}
	if out := b.Take(); !out.Empty() {
		t.Errorf("a node that is down was listened to: %+v", out)
	}
}

func TestANodeThatComesBackBringsItsPresencesAtOnce(t *testing.T) {
	l := newLab(t, nil, "a", "b")
	a, b := l.node("a"), l.node("b")
	b.want("room")
	a.Add("room", entry("x"))
	l.run()
	l.lose = everything
	b.Down("a")
	a.Add("room", entry("y"))
	l.run()
	l.lose = nil
	l.sees("b", "room", map[NodeID]string{})
	b.Up("a")
	l.run() // without a tick
	l.sees("b", "room", map[NodeID]string{"a": "xy"})
}
