package replica

import (
	"bytes"
	"fmt"
	"reflect"
	"testing"
)

func TestASnapshotOnTopOfOlderStateIsOneExactChange(t *testing.T) {
	l := newLab(t, nil, "a", "b")
	a, b := l.node("a"), l.node("b")
	b.want("room")
	for _, ref := range []string{"stays", "goes", "old"} {
		a.Add("room", entry(ref))
	}
	l.run()
	l.lose = deltas
	a.Remove("room", "goes")
	updated := entry("new")
	updated.PrevRef = "old"
	a.Replace("room", "old", updated)
	a.Add("room", entry("comes"))
	l.run()
	var changes []Change
	b.Tick()
	for range 3 { // pull, answer and ask, snapshot
		out := b.Take()
		changes = append(changes, out.Changes...)
		for _, m := range out.Messages {
			l.deliver(envelope{"b", a, m.Payload})
		}
		for _, m := range a.take() {
			l.deliver(envelope{"a", b, m.Payload})
		}
	}
	want := []Change{{
		Topic: "room", Node: "a",
		Joins:    []Entry{entry("comes")},
		Leaves:   []Entry{entry("goes")},
		Replaced: []Replacement{{Old: entry("old"), New: updated}},
	}}
	if !reflect.DeepEqual(changes, want) {
		t.Errorf("changes are\n%+v\nwant\n%+v", changes, want)
	}
}

func TestManyStaleTopicsComeInFewMessages(t *testing.T) {
	l := newLab(t, nil, "a", "b")
	a, b := l.node("a"), l.node("b")
	b.Down("a")
	const topics = 5000
	for i := range topics {
		b.want(fmt.Sprint("room", i))
		a.Add(fmt.Sprint("room", i), entry(fmt.Sprint("x", i)))
	}
	l.lose = everything
	l.run()
	l.lose = nil
	l.count(0)
	b.Up("a")
	l.run()
	if s := b.Stats(); s.HeldTopics != topics || s.HeldEntries != topics || s.Stale != 0 {
		t.Errorf("held is %+v", s)
	}
	if n := len(l.sent); n > 30 {
		t.Errorf("it took %d messages", n)
	}
}

// With small messages everything is split; nothing is larger than the bound.
func TestMessagesAreBounded(t *testing.T) {
	const bound = 300
	l := newLab(t, &Options{MaxMessage: bound}, "a", "b")
	a, b := l.node("a"), l.node("b")
	for i := range 30 {
		b.want(fmt.Sprint("room", i))
		a.Add(fmt.Sprint("room", i), entry(fmt.Sprint("r", i)))
	}
	var crowd string
	for i := range 100 {
		a.Add("room0", entry(fmt.Sprint("x", i)))
		crowd += fmt.Sprint("x", i)
	}
	l.lose = deltas
	l.run()
	l.lose = nil
	l.tick()
	l.tick()
	l.sees("b", "room0", map[NodeID]string{"a": "r0" + crowd})
	l.sees("b", "room29", map[NodeID]string{"a": "r29"})
	for i := range 100 {
		a.Replace("room0", fmt.Sprint("x", i), entry(fmt.Sprint("y", i)))
	}
	a.Remove("room0", "r0")
	l.run()
	for _, m := range l.sent {
		if len(m.Payload) > bound {
			t.Errorf("%d bytes in a message of kind %d", len(m.Payload), m.Payload[1])
		}
	}
	if got := b.Held("room0")["a"]; len(got) != 100 || got[0].Ref != "y0" || got[99].Ref != "y99" {
		t.Errorf("%d entries are held: %v", len(got), got)
	}
}

func TestAnEntryAboveTheBoundTravelsAlone(t *testing.T) {
	l := newLab(t, &Options{MaxMessage: 200}, "a", "b")
	a, b := l.node("a"), l.node("b")
	large := Entry{Ref: "large", Key: "user", Meta: bytes.Repeat([]byte("m"), 1000)}
	a.Add("room", entry("x"))
	a.Add("room", large)
	a.Add("room", entry("y"))
	l.run()
	b.want("room")
	l.run()
	l.sees("b", "room", map[NodeID]string{"a": "xlargey"})
}

func TestASplitSnapshotCountsWhenAllPartsHaveCome(t *testing.T) {
	l := newLab(t, &Options{MaxMessage: 200}, "a", "b")
	a, b := l.node("a"), l.node("b")
	for i := range 20 {
		a.Add("room", entry(fmt.Sprint(i)))
	}
	l.run()
	b.want("room")
	n := 0
	l.lose = func(_, _ NodeID, m Message) bool {
		if m.Payload[1] == kindSnapshot {
			n++
		}
		return n == 2 // the second part
	}
	l.run()
	l.sees("b", "room", map[NodeID]string{})
	l.lose = nil
	l.tick()
	if got := b.Held("room")["a"]; len(got) != 20 || b.Stats().Stale != 0 {
		t.Errorf("%d entries are held, %+v", len(got), b.Stats())
	}
}

func TestAnEntryThatNamesOneThatStaysJoins(t *testing.T) {
	ro := roster{tally: new(tally)}
	old, next := entry("old"), entry("new")
	ro.add(&old)
	next.PrevRef = "old"
	var c Change
	ro.become([]Entry{next, old, next}, &c)
	if want := (Change{Joins: []Entry{next}}); !reflect.DeepEqual(c, want) {
		t.Errorf("change is %+v, want %+v", c, want)
	}
	if *ro.tally != (tally{entries: 2, bytes: ro.tally.bytes}) || ro.len() != 2 {
		t.Errorf("%d members, tally %+v", ro.len(), *ro.tally)
	}
}

// Whose node has stopped is on the way to another one: who comes meanwhile is
// told by those who know, and sees him go when all do.
func TestOthersAnswerForWhoIsLeaving(t *testing.T) {
	for _, bound := range []int{0, 150} { // in one message, and in parts
		l := newLab(t, &Options{MaxMessage: bound}, "a", "b", "c", "d")
		a, b, c, d := l.node("a"), l.node("b"), l.node("c"), l.node("d")
		for _, n := range []*node{b, c} {
			n.want("room")
			n.Add("room", entry(string(n.self)))
		}
		for _, ref := range []string{"1", "2", "3", "4", "5"} {
			a.Add("room", entry(ref))
		}
		l.run()
		a.Remove("room", "1")
		l.lose = func(_, to NodeID, _ Message) bool { return to == "c" } // which has an older copy
		l.run()
		l.lose = func(from, to NodeID, _ Message) bool { return from == "a" || to == "a" } // it has stopped
		b.Leaving("a")
		c.Leaving("a")
		d.want("room")
		l.run()
		l.sees("d", "room", map[NodeID]string{"a": "2345", "b": "b", "c": "c"})

		e := newNode(t, "e", &Options{MaxMessage: bound}) // it comes now, and hears of a last
		l.nodes = append(l.nodes, e)
		e.want("room")
		for _, id := range []NodeID{"b", "c", "d"} {
			e.Up(id)
			l.node(id).Up("e")
		}
		l.run()
		l.sees("e", "room", map[NodeID]string{"b": "b", "c": "c"})
		e.Up("a")
		e.Leaving("a")
		l.run()
		l.sees("e", "room", map[NodeID]string{"a": "2345", "b": "b", "c": "c"})
		for range 3 {
			l.tick()
		}
		l.sees("e", "room", map[NodeID]string{"a": "2345", "b": "b", "c": "c"})
		for _, n := range []*node{b, c, d, e} {
			n.Down("a")
		}
		l.run()
		for _, n := range []*node{d, e} {
			l.sees(n.self, "room", map[NodeID]string{"b": "b", "c": "c"})
		}
	}
}

// A node that is to stop but still runs is not overruled by copies of it.
func TestCopiesAreNotNewerThanWhatTheyAreOf(t *testing.T) {
	l := newLab(t, nil, "a", "b", "c")
	a, b, c := l.node("a"), l.node("b"), l.node("c")
	b.want("room")
	b.Add("room", entry("b"))
	a.Add("room", entry("x"))
	l.run()
	b.Leaving("a")
	c.Leaving("a")
	l.lose = func(_, to NodeID, m Message) bool { return to == "b" && m.Payload[1] == kindDelta }
	a.Add("room", entry("y"))
	a.Remove("room", "x")
	l.run()
	c.want("room")
	l.run()
	l.sees("b", "room", map[NodeID]string{"a": "x"})
	l.sees("c", "room", map[NodeID]string{"a": "y", "b": "b"})
}
