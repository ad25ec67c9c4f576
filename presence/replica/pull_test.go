package replica

import (
	"fmt"
	"testing"
)

// The last delta of a topic is lost: no later one shows it.
func TestASilentLossIsFoundByTheNextTick(t *testing.T) {
	for _, kind := range []byte{kindDelta, kindSnapshot, kindAsk, kindPull, kindAnswer} {
		t.Run(fmt.Sprintf("with messages of kind %d lost", kind), func(t *testing.T) {
			l := newLab(t, nil, "a", "b")
			a, b := l.node("a"), l.node("b")
			b.want("room")
			a.Add("room", entry("x"))
			a.Add("hall", entry("h"))
			l.run()
			l.tick()
			l.lose = func(from, to NodeID, m Message) bool {
				return m.Payload[1] == kindDelta || m.Payload[1] == kind
			}
			a.Remove("room", "x")
			a.Add("attic", entry("z"))
			b.want("attic")
			b.want("hall")
			l.tick()
			l.tick()
			l.lose = nil
			l.tick()
			l.sees("b", "room", map[NodeID]string{})
			l.sees("b", "attic", map[NodeID]string{"a": "z"})
			l.sees("b", "hall", map[NodeID]string{"a": "h"})
		})
	}
}

func TestAPullThatKnowsTooLittleStartsAnew(t *testing.T) {
	l := newLab(t, &Options{MaxTombstones: 2}, "a", "b")
	a, b := l.node("a"), l.node("b")
	for i := range 5 {
		b.want(fmt.Sprint("room", i))
		a.Add(fmt.Sprint("room", i), entry(fmt.Sprint(i)))
	}
	l.run()
	l.tick()
	l.lose = deltas
	for i := range 5 {
		a.Remove(fmt.Sprint("room", i), fmt.Sprint(i))
		l.run()
	}
	a.Add("room1", entry("new"))
	l.run()
	if s := a.Stats(); s.Tombstones > 2 {
		t.Errorf("%d tombstones are kept", s.Tombstones)
	}
	l.lose = nil
	l.tick()
	l.sees("b", "room0", map[NodeID]string{})
	l.sees("b", "room1", map[NodeID]string{"a": "new"})
	if s := b.Stats(); s.HeldTopics != 1 || s.Stale != 0 {
		t.Errorf("held is %+v", s)
	}
}

func TestAnAnswerCountsOnlyIfItLeavesNothingOut(t *testing.T) {
	wants := []digest{digestOf("1"), digestOf("2"), digestOf("3"), digestOf("4")}
	known := answer{first: true, till: 10, now: 10, upTo: 2}
	for _, c := range []struct {
		name        string
		answer      answer
		seen, acked uint64
	}{
		{"the next one", answer{seen: 10, till: 12, now: 12, after: 2, upTo: 4}, 12, 4},
		{"one from before the last", answer{seen: 5, till: 12, now: 12, after: 2, upTo: 3}, 12, 3},
		{"one without the new wants", answer{seen: 10, till: 12, now: 12, after: 1, upTo: 1}, 12, 2},
		{"a first one", answer{first: true, till: 12, now: 12, upTo: 4}, 12, 4},
		{"an older one", answer{seen: 5, till: 9, now: 9, after: 2, upTo: 4}, 10, 2},
		{"one that begins too late", answer{seen: 11, till: 12, now: 12, after: 2, upTo: 4}, 10, 2},
		{"one that knows more wants", answer{seen: 10, till: 12, now: 12, after: 3, upTo: 4}, 10, 2},
		{"a first one for fewer wants", answer{first: true, till: 12, now: 12, upTo: 1}, 10, 2},
		{"a part", answer{seen: 10, till: 11, now: 12, after: 2, upTo: 2, touched: []touch{{wants[0], 11}}}, 10, 2},
		{"a reset of another pull", answer{reset: true, seen: 9}, 10, 2},
		{"a reset", answer{reset: true, seen: 10}, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newNode(t, "b", nil)
			b.Up("a")
			for i := range wants {
				b.want(fmt.Sprint(i + 1))
			}
			for _, m := range []*answer{&known, &c.answer} {
				if err := b.Receive("a", m.encode()); err != nil {
					t.Fatal(err)
				}
			}
			if p := b.peers["a"]; p.seen != c.seen || p.acked != c.acked {
				t.Errorf("seen is %d and acked %d, want %d and %d", p.seen, p.acked, c.seen, c.acked)
			}
		})
	}
}

// A part says nothing until the rest has come, and a part from elsewhere does
// not begin a series.
func TestPartsOfAnswersFollowEachOther(t *testing.T) {
	b := newNode(t, "b", nil)
	b.Up("a")
	for _, step := range []struct {
		answer       answer
		seen, cursor uint64
	}{
		{answer{seen: 3, till: 5, now: 9}, 0, 0}, // of an earlier life
		{answer{first: true, till: 10, now: 10}, 10, 10},
		{answer{seen: 10, till: 14, now: 20}, 10, 14},
		{answer{seen: 10, till: 15, now: 15}, 10, 14}, // as of before the part
		{answer{seen: 10, till: 12, now: 20}, 10, 14}, // a shorter one
		{answer{seen: 14, till: 18, now: 21}, 10, 18},
		{answer{seen: 18, till: 22, now: 22}, 22, 22},
	} {
		if err := b.Receive("a", step.answer.encode()); err != nil {
			t.Fatal(err)
		}
		if p := b.peers["a"]; p.seen != step.seen || p.cursor != step.cursor {
			t.Errorf("after %+v seen is %d and cursor %d, want %d and %d", step.answer, p.seen, p.cursor, step.seen, step.cursor)
		}
	}
}

// exchange is a lab in which b has asked a what it touched, and the answer is
// on its way, while a goes on.
func exchange(t *testing.T) (l *lab, a, b *node, answered []byte) {
	l = newLab(t, nil, "a", "b")
	a, b = l.node("a"), l.node("b")
	b.want("room")
	l.run()
	l.tick()
	a.Add("hall", entry("h"))
	a.take()
	b.Tick()
	for _, m := range b.take() {
		l.deliver(envelope{"b", a, m.Payload})
	}
	return l, a, b, a.take()[0].Payload
}

func TestThatATopicBecameEmptyIsKnownUntilAPullHasSeenIt(t *testing.T) {
	l, a, b, answered := exchange(t)
	a.Add("room", entry("x"))
	joined := a.take()[0].Payload
	a.Remove("room", "x")
	left := a.take()[0].Payload
	for _, payload := range [][]byte{joined, left, answered, joined} {
		l.deliver(envelope{"a", b, payload})
		b.take()
	}
	l.sees("b", "room", map[NodeID]string{})
}

func TestAnEmptyTopicThatIsStaleIsNotForgotten(t *testing.T) {
	l, a, b, _ := exchange(t)
	a.Add("room", entry("x"))
	l.run()
	a.Remove("room", "x")
	l.run()
	b.Tick()
	for _, m := range b.take() {
		l.deliver(envelope{"b", a, m.Payload})
	}
	answered := a.take()[0].Payload
	a.Add("room", entry("y"))
	a.take() // lost
	a.Add("room", entry("z"))
	l.deliver(envelope{"a", b, a.take()[0].Payload})
	l.deliver(envelope{"a", b, answered})
	l.run()
	l.sees("b", "room", map[NodeID]string{"a": "yz"})
	if s := b.Stats(); s.Stale != 0 {
		t.Errorf("left is %+v", s)
	}
}

func TestWantsThatDoNotFitIntoOnePullAreSentInTurns(t *testing.T) {
	l := newLab(t, &Options{MaxMessage: 150}, "a", "b") // two wants in a pull
	l.lose = func(_, _ NodeID, m Message) bool { return m.To == Owners }
	for i := range 5 {
		l.node("a").Add(fmt.Sprint(i), entry("x"))
		l.node("b").want(fmt.Sprint(i))
	}
	l.tick()
	for i := range 5 {
		l.sees("b", fmt.Sprint(i), map[NodeID]string{"a": "x"})
	}
	l.count(0)
	l.tick()
	if n := l.count(kindPull); n != 2 {
		t.Errorf("%d pulls when all is known", n)
	}
}

// What was touched in the part of an answer that came, and again since, is in
// the part to come. Until then it is not known that nothing is missing.
func TestADeltaOnTopOfACutAnswerIsNotTakenForTheNext(t *testing.T) {
	l := newLab(t, &Options{MaxMessage: 150}, "a", "b") // two topics in an answer
	a, b := l.node("a"), l.node("b")
	topics := []string{"room", "1", "2", "3"}
	for _, topic := range topics {
		b.want(topic)
		a.Add(topic, entry("x"+topic))
	}
	l.run()
	l.tick()
	l.tick()
	l.lose = deltas
	for _, topic := range topics { // room is the first that a cut answer has to list
		a.Add(topic, entry("y"+topic))
		l.run()
	}
	l.lose = nil
	a.Add("room", entry("z"))
	delta := a.take() // touches room again: it would now be listed last
	b.Tick()
	for _, m := range b.take() {
		l.deliver(envelope{"b", a, m.Payload})
	}
	for _, m := range a.take() {
		l.deliver(envelope{"a", b, m.Payload}) // the first part: 1 and 2
	}
	l.deliver(envelope{"a", b, delta[0].Payload})
	l.run()
	l.sees("b", "room", map[NodeID]string{"a": "xroomyroomz"})
}
