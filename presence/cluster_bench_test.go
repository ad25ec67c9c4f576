package presence_test

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roost-dev/roost/presence"
	"github.com/roost-dev/roost/pubsub"
	"github.com/roost-dev/roost/pubsub/pubsubtest"
)

// benchNodes starts nodes that know each other.
func benchNodes(b *testing.B, count int) (nodes []*pubsub.PubSub, trackers []*presence.Presence[meta], stop func()) {
	b.Helper()
	var bus pubsubtest.Bus
	nodes, trackers = make([]*pubsub.PubSub, count), make([]*presence.Presence[meta], count)
	for i := range nodes {
		ps, err := pubsub.New(&pubsub.Options{Adapter: bus.Node()})
		if err != nil {
			b.Fatal(err)
		}
		nodes[i], trackers[i] = ps, presence.New(ps, &presence.Options[meta]{Window: -time.Millisecond})
	}
	until(b, func() bool {
		for _, ps := range nodes {
			if len(ps.Info().Members) != count-1 {
				return false
			}
		}
		return true
	})
	return nodes, trackers, func() {
		for i, ps := range nodes {
			_ = trackers[i].Close(context.Background())
			_ = ps.Close(context.Background())
		}
	}
}

func until(b *testing.B, done func() bool) {
	b.Helper()
	for deadline := time.Now().Add(20 * time.Second); !done(); time.Sleep(100 * time.Microsecond) {
		if time.Now().After(deadline) {
			b.Fatal("what should have happened did not")
		}
	}
}

// BenchmarkDiffOnAllNodes measures from one Track to the diff's delivery on
// all nodes, over a network that costs nothing.
func BenchmarkDiffOnAllNodes(b *testing.B) {
	for _, count := range []int{1, 3} {
		b.Run(fmt.Sprint("of ", count), func(b *testing.B) {
			nodes, trackers, stop := benchNodes(b, count)
			defer stop()
			fill(b, trackers[0], 1_000)
			for _, p := range trackers {
				known := make(told)
				if err := p.PushState(b.Context(), known); err != nil {
					b.Fatal(err)
				}
				<-known
				until(b, func() bool { return p.Count("room") == 1_000 })
			}
			time.Sleep(100 * time.Millisecond) // until no diff is on its way
			delivered := make(chan struct{}, 1_000)
			for _, ps := range nodes {
				ps.Subscribe("room", deliverFunc(func(*pubsub.Message) { delivered <- struct{}{} }))
			}
			v := &visitor{id: "v", lists: new(atomic.Int64)}
			everywhere := func(err error) {
				if err != nil {
					b.Fatal(err)
				}
				for range nodes {
					<-delivered
				}
			}
			b.ReportAllocs()
			for b.Loop() {
				everywhere(trackers[0].Track(b.Context(), v, "v", meta{}))
				everywhere(trackers[0].Untrack(b.Context(), v, "v"))
			}
		})
	}
}

// BenchmarkCrowdOnAnotherNode measures how long 10,000 presences of one node
// take to be listed on another, and what memory they take there.
func BenchmarkCrowdOnAnotherNode(b *testing.B) {
	const crowd = 10_000
	var bytes uint64
	for b.Loop() {
		b.StopTimer()
		_, trackers, stop := benchNodes(b, 2)
		fill(b, trackers[0], crowd)
		until(b, func() bool { return trackers[0].Stats().Presences == crowd })
		before, known := heap(), make(told)
		b.StartTimer()
		if err := trackers[1].PushState(b.Context(), known); err != nil {
			b.Fatal(err)
		}
		until(b, func() bool { return trackers[1].Count("room") == crowd })
		b.StopTimer()
		<-known
		time.Sleep(200 * time.Millisecond) // until nothing is under way
		bytes = heap() - before
		stop()
		b.StartTimer()
	}
	b.ReportMetric(float64(bytes)/crowd, "B/presence")
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
