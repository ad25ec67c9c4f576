package replica

import (
	"fmt"
	"runtime"
	"testing"
)

// pair is a node with presences and one that wants them, in the state after a
// tick.
func pair(b *testing.B, topics, entries int) (owner, watcher *node) {
	l := newLab(b, nil, "a", "b")
	for topic := range topics {
		name := fmt.Sprint("room:", topic)
		l.node("b").want(name)
		for i := range entries {
			l.node("a").Add(name, typical(topic*entries+i))
		}
	}
	l.run()
	l.tick()
	return l.node("a"), l.node("b")
}

// typical is an entry as Phoenix has them.
func typical(i int) Entry {
	return Entry{
		Ref:  fmt.Sprintf("ref%013d", i),
		Key:  fmt.Sprintf("user:%d", i),
		Meta: []byte(`{"online_at":1700000000,"device":"phone","phx_ref":"0123456789abcdef"}`),
	}
}

// One join: what the owner does, and what a watcher does.
func BenchmarkDelta(b *testing.B) {
	owner, watcher := pair(b, 1, 1)
	size, i := 0, 1
	b.Run("encode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			owner.Replace("room:0", typical(i-1).Ref, typical(i))
			size = len(owner.Take().Messages[0].Payload)
			i++
		}
		b.ReportMetric(float64(size), "payload-bytes")
	})
	b.Run("apply", func(b *testing.B) {
		version := owner.own.clock
		b.ReportAllocs()
		for b.Loop() {
			d := delta{topic: "room:0", prev: version, version: version + 1, joins: []Entry{typical(int(version))}, leaves: []string{typical(int(version) - 1).Ref}}
			payload := d.encode()
			version++
			if err := watcher.Receive("a", payload); err != nil {
				b.Fatal(err)
			}
			watcher.Take()
		}
	})
}

// A thousand presences of one node on a topic, for one who begins to want it.
func BenchmarkSnapshot1000(b *testing.B) {
	owner, watcher := pair(b, 1, 1000)
	request := (&ask{topics: []string{"room:0"}}).encode()
	var payload []byte
	b.Run("encode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := owner.Receive("b", request); err != nil {
				b.Fatal(err)
			}
			payload = owner.Take().Messages[0].Payload
		}
		b.ReportMetric(float64(len(payload)), "payload-bytes")
	})
	b.Run("apply", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			watcher.Unwant("room:0")
			watcher.Want("room:0")
			if err := watcher.Receive("a", payload); err != nil {
				b.Fatal(err)
			}
			if n := len(watcher.Take().Changes[0].Joins); n != 1000 {
				b.Fatalf("%d joined", n)
			}
		}
	})
}

// What a tick costs two nodes that share 100,000 topics on which nothing
// happens: the pull, and its answer.
func BenchmarkIdlePull100kTopics(b *testing.B) {
	owner, watcher := pair(b, 100_000, 1)
	sent := 0
	exchange := func(from, to *node) {
		for _, m := range from.Take().Messages {
			sent += len(m.Payload)
			if err := to.Receive(from.self, m.Payload); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		sent = 0
		watcher.Tick()
		exchange(watcher, owner)
		exchange(owner, watcher)
	}
	b.ReportMetric(float64(sent), "payload-bytes")
}

// What an entry takes in memory, the map entries and strings and all: with
// many topics of few, and one topic of many.
func BenchmarkMemory(b *testing.B) {
	for _, size := range []struct{ topics, entries int }{{20_000, 1}, {1000, 20}, {1, 20_000}} {
		b.Run(fmt.Sprintf("%d topics of %d", size.topics, size.entries), func(b *testing.B) {
			for b.Loop() {
				before := liveHeap()
				owner, watcher := pair(b, size.topics, size.entries)
				watcher.view, owner.view = nil, nil
				owner.Replica = nil // what is left is the watcher
				held := float64(watcher.Stats().HeldEntries)
				b.ReportMetric(float64(liveHeap()-before)/held, "heap-bytes/entry")
				b.ReportMetric(float64(watcher.Stats().HeldBytes)/held, "counted-bytes/entry")
			}
		})
	}
}

func liveHeap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
