package replica

import (
	"bytes"
	"fmt"
	"maps"
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
