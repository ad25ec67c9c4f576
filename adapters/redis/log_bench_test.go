package redis

import (
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/roost-dev/roost/history"
)

// An event of 100 bytes is appended to a topic that keeps 1,000, one after the
// other and by many at once, on one topic and on many.
func BenchmarkAppend(b *testing.B) {
	for _, appenders := range []int{1, 64} {
		for _, topics := range []int{1, 1000} {
			b.Run(fmt.Sprintf("appenders=%d/topics=%d", appenders, topics), func(b *testing.B) {
				e := startEngine(b, theRedis)
				n := startLog(b, e.url(), nil, history.Keep{Topics: []string{"*"}})
				names := make([]string, topics)
				for i := range names {
					names[i] = "room:" + strconv.Itoa(i)
				}
				event := history.Event{Name: "message", Payload: make([]byte, 100)}
				work := make(chan int, appenders)
				var wg sync.WaitGroup
				for range appenders {
					wg.Go(func() {
						for i := range work {
							if _, err := n.Append(b.Context(), names[i%topics], event); err != nil {
								b.Error(err)
							}
						}
					})
				}
				b.ReportAllocs()
				began, i := time.Now(), 0
				for b.Loop() {
					work <- i
					i++
				}
				close(work)
				wg.Wait()
				b.ReportMetric(float64(i)/time.Since(began).Seconds(), "appends/s")
			})
		}
	}
}

// From Append on one node to Receive on another.
func BenchmarkAppendToReceive(b *testing.B) {
	e := startEngine(b, theRedis)
	from, to := startLog(b, e.url(), nil, all), newLog(b, e.url(), nil, all)
	got := make(signaled, 1)
	if err := to.Start(got); err != nil {
		b.Fatal(err)
	}
	to.settleSoon("t:room")
	event := history.Event{Name: "message", Payload: make([]byte, 100)}
	for b.Loop() {
		if _, err := from.Append(b.Context(), "room", event); err != nil {
			b.Fatal(err)
		}
		<-got
	}
}

// settleSoon waits until the node is connected and has said its interest.
func (n *logNode) settleSoon(subject string) {
	n.Interest(subject, true)
	eventually(n.t, "the interest is known", func() bool { return n.Settle(n.t.Context()) == nil && n.Health().State.String() == "up" })
}

// What a client reads that missed 100 events of 100 bytes, the end of 1,000.
func BenchmarkRead100(b *testing.B) {
	e := startEngine(b, theRedis)
	n := startLog(b, e.url(), nil, all)
	var after history.Position
	for i := range 1000 {
		entry, err := n.Append(b.Context(), "room", history.Event{Name: "message", Payload: make([]byte, 100)})
		if err != nil {
			b.Fatal(err)
		}
		if i == 899 {
			after = entry.Position
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if page, err := n.Read(b.Context(), "room", after, 100); err != nil || len(page.Entries) != 100 {
			b.Fatal(len(page.Entries), err)
		}
	}
}

// What 10,000 topics cost that a node compares every few seconds.
func BenchmarkLasts(b *testing.B) {
	e := startEngine(b, theRedis)
	n := startLog(b, e.url(), nil, all)
	topics := make([]string, 10_000)
	for i := range topics {
		topics[i] = "room:" + strconv.Itoa(i)
	}
	if _, err := n.Lasts(b.Context(), topics); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := n.Lasts(b.Context(), topics); err != nil {
			b.Fatal(err)
		}
	}
}

// What the server holds for a topic without events, for one with an event of
// 100 bytes with a name of 7, and for each further one.
func BenchmarkLogMemory(b *testing.B) {
	const topics, busy, events = 5000, 100, 1000
	for b.Loop() {
		e := startEngine(b, theRedis)
		n := startLog(b, e.url(), nil, all)
		names := make([]string, topics)
		for i := range names {
			names[i] = fmt.Sprintf("room:%05d", i)
		}
		say := func(topics, times int) {
			for i := range topics * times {
				if _, err := n.Append(b.Context(), names[i%topics], history.Event{Name: "message", Payload: make([]byte, 100)}); err != nil {
					b.Fatal(err)
				}
			}
		}
		empty := memory(b, e)
		if _, err := n.Lasts(b.Context(), names); err != nil {
			b.Fatal(err)
		}
		looked := memory(b, e)
		say(topics, 1)
		one := memory(b, e)
		say(busy, events)
		b.ReportMetric(float64(looked-empty)/topics, "B/empty-topic")
		b.ReportMetric(float64(one-looked)/topics, "B/first-event")
		b.ReportMetric(float64(memory(b, e)-one)/busy/events, "B/event")
	}
}
