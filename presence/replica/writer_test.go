package replica

import (
	"maps"
	"reflect"
	"slices"
	"testing"
)

func TestWhatHappensBetweenTwoTakesIsOneDelta(t *testing.T) {
	l := newLab(t, nil, "a", "b")
	l.node("b").want("room")
	a := l.node("a")
	a.Add("room", entry("1"))
	l.run()
	l.count(kindDelta)

	a.Replace("room", "1", entry("2"))
	a.Replace("room", "2", entry("3")) // 1 became 3
	a.Add("room", entry("4"))
	a.Replace("room", "4", entry("5")) // 5 joined
	a.Add("room", entry("6"))
	a.Remove("room", "6") // nobody
	b := l.node("b")
	for _, m := range a.take() {
		l.sent = append(l.sent, m)
		l.deliver(envelope{"a", b, m.Payload})
	}
	want := []Change{{
		Topic: "room", Node: "a",
		Joins:    []Entry{entry("5")},
		Replaced: []Replacement{{Old: entry("1"), New: entry("3")}},
	}}
	if got := b.Take().Changes; !reflect.DeepEqual(got, want) {
		t.Errorf("changes are\n%+v\nwant\n%+v", got, want)
	}
	if n := l.count(kindDelta); n != 1 {
		t.Errorf("%d deltas", n)
	}
}

func TestWhatCameAndWentBetweenTwoTakesIsToldToNobody(t *testing.T) {
	a := newNode(t, "a", nil)
	a.Add("room", entry("x"))
	a.Remove("room", "x")
	if out := a.Take(); !out.Empty() {
		t.Errorf("output is %+v", out)
	}
	if s := a.Stats(); s != (Stats{}) {
		t.Errorf("it left %+v", s)
	}
}

func TestUnknownAndKnownRefsChangeNothing(t *testing.T) {
	a := newNode(t, "a", nil)
	a.Add("room", entry("x"))
	a.take()
	a.Add("room", entry("x"))
	a.Remove("room", "y")
	a.Remove("hall", "x")
	if out := a.Take(); !out.Empty() {
		t.Errorf("output is %+v", out)
	}
	a.Replace("room", "y", entry("z")) // none to replace: z joins
	if own := a.Own("room"); len(own) != 2 || own[1].Ref != "z" {
		t.Errorf("own presences are %v", own)
	}
}

func TestTopicsAreOwnedFromTheFirstToTheLastPresence(t *testing.T) {
	a := newNode(t, "a", nil)
	a.Add("room", entry("x"))
	a.Add("room", entry("y"))
	if out := a.Take(); !slices.Equal(out.Owned, []string{"room"}) || out.Disowned != nil {
		t.Errorf("first presences: owned %v, disowned %v", out.Owned, out.Disowned)
	}
	a.Remove("room", "x")
	if out := a.Take(); out.Owned != nil || out.Disowned != nil {
		t.Errorf("one left: owned %v, disowned %v", out.Owned, out.Disowned)
	}
	a.Remove("room", "y")
	a.Add("room", entry("z"))
	if out := a.Take(); out.Owned != nil || out.Disowned != nil {
		t.Errorf("another one instead: owned %v, disowned %v", out.Owned, out.Disowned)
	}
	a.Remove("room", "z")
	if out := a.Take(); out.Owned != nil || !slices.Equal(out.Disowned, []string{"room"}) {
		t.Errorf("none left: owned %v, disowned %v", out.Owned, out.Disowned)
	}
}

func TestADeltaWithNobodyBeforeSaysAll(t *testing.T) {
	l := newLab(t, nil, "a", "b")
	a, b := l.node("a"), l.node("b")
	a.Add("room", entry("x"))
	l.run()
	a.Remove("room", "x")
	l.run()
	b.want("room") // nobody to ask
	l.run()
	a.Add("room", entry("y"))
	l.run()
	l.sees("b", "room", map[NodeID]string{"a": "y"})

	l.lose = deltas
	a.Remove("room", "y")
	l.run()
	l.lose = nil
	l.count(0)
	a.Add("room", entry("z"))
	l.run()
	l.sees("b", "room", map[NodeID]string{"a": "z"})
	if n := l.count(kindAsk); n != 0 {
		t.Errorf("%d were asked", n)
	}
}

func TestATombstoneMayGoWhileItsTopicComesBack(t *testing.T) {
	l := newLab(t, nil, "a", "b")
	a := l.node("a")
	l.node("b").want("room")
	a.Add("room", entry("x"))
	l.run()
	a.Remove("room", "x")
	l.run()
	l.tick()
	l.tick() // b has seen it
	a.Add("room", entry("y"))
	a.Tick() // before it is told
	l.run()
	l.sees("b", "room", map[NodeID]string{"a": "y"})
	if own := a.Own("room"); len(own) != 1 || a.Stats().OwnTopics != 1 {
		t.Errorf("own presences are %v, %+v", own, a.Stats())
	}
}

func TestTombstonesGoWhenAllPeersHaveSeenThem(t *testing.T) {
	l := newLab(t, nil, "a", "b", "c")
	a := l.node("a")
	a.Add("room", entry("x"))
	l.run()
	l.lose = func(from, _ NodeID, _ Message) bool { return from == "c" }
	a.Remove("room", "x")
	l.tick()
	l.tick()
	if s := a.Stats(); s.Tombstones != 1 {
		t.Errorf("c has not pulled, and %d tombstones are kept", s.Tombstones)
	}
	a.Down("c")
	l.tick()
	if s := a.Stats(); s.Tombstones != 0 {
		t.Errorf("%d tombstones are left when c is gone", s.Tombstones)
	}
}

func TestANodeIgnoresWhatItSentItself(t *testing.T) {
	a := newNode(t, "a", nil)
	a.Up("a")
	a.want("room")
	a.Add("room", entry("x"))
	for _, m := range a.take() {
		if err := a.Receive("a", m.Payload); err != nil {
			t.Error(err)
		}
	}
	if out := a.Take(); !out.Empty() || a.Stats().Peers != 0 {
		t.Errorf("output is %+v, stats are %+v", out, a.Stats())
	}
}

func TestWhoIsNotUpIsAnswered(t *testing.T) {
	a, b := newNode(t, "a", nil), newNode(t, "b", nil)
	a.Add("room", entry("x"))
	a.take()
	b.want("room")
	for _, m := range b.take() {
		if err := a.Receive("b", m.Payload); err != nil {
			t.Fatal(err)
		}
	}
	sent := a.take()
	if len(sent) != 1 || sent[0].Node != "b" || sent[0].Payload[1] != kindSnapshot || a.Stats().Peers != 0 {
		t.Errorf("answered is %+v, stats are %+v", sent, a.Stats())
	}
}

func TestStatsCountWhatIsThere(t *testing.T) {
	l := newLab(t, nil, "a", "b")
	a, b := l.node("a"), l.node("b")
	b.want("room")
	b.want("hall")
	a.Add("room", entry("x"))
	a.Add("room", entry("y"))
	a.Add("attic", entry("z"))
	l.run()
	s := a.Stats()
	if s.OwnTopics != 2 || s.OwnEntries != 3 || s.OwnBytes < 3*entryBytes || s.Peers != 1 {
		t.Errorf("owner: %+v", s)
	}
	s = b.Stats()
	if s.WantedTopics != 2 || s.HeldTopics != 1 || s.HeldEntries != 2 || s.HeldBytes < 2*entryBytes {
		t.Errorf("watcher: %+v", s)
	}
	if got := slices.Sorted(slices.Values(a.OwnTopics())); !slices.Equal(got, []string{"attic", "room"}) {
		t.Errorf("own topics are %v", got)
	}
	if got := slices.Collect(maps.Keys(b.Held("room"))); !slices.Equal(got, []NodeID{"a"}) {
		t.Errorf("nodes on the topic are %v", got)
	}
}
