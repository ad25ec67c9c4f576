package redis

import (
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roost-dev/roost/pubsub"
)

// count is a receiver that only counts.
type count struct{ n atomic.Int64 }

func (c *count) Receive(*pubsub.Envelope) { c.n.Add(1) }

func (*count) Recovered() {}

func startCounting(b *testing.B, url string) (*Adapter, *count) {
	b.Helper()
	a, err := New(url, &Options{Buffer: 64 << 20})
	if err != nil {
		b.Fatal(err)
	}
	c := &count{}
	if err := a.Start(c); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = a.Close(b.Context()) })
	eventually(b, "it is up", func() bool { return a.Health().State == pubsub.StateUp })
	return a, c
}

// A message of 100 bytes from one node to another, as many as go.
func BenchmarkPublish(b *testing.B) {
	for _, listening := range []bool{true, false} {
		b.Run(fmt.Sprintf("listener=%v", listening), func(b *testing.B) {
			e := startEngine(b, theRedis)
			from, _ := startCounting(b, e.url())
			to, got := startCounting(b, e.url())
			to.Interest("t:room", listening)
			if err := to.Settle(b.Context()); err != nil {
				b.Fatal(err)
			}
			env := &pubsub.Envelope{Subject: "t:room", Kind: pubsub.KindMessage, Topic: "room", Event: "event", Payload: make([]byte, 100)}
			b.ReportAllocs()
			for b.Loop() {
				if err := from.Publish(b.Context(), env); err != nil {
					b.Fatal(err)
				}
			}
			if listening {
				eventually(b, "all arrive", func() bool { return got.n.Load() == int64(b.N) })
			}
		})
	}
}

// echo publishes on another subject what it receives.
type echo struct{ a *Adapter }

func (e echo) Receive(env *pubsub.Envelope) {
	env.Subject = "t:back"
	_ = e.a.Publish(e.a.ctx, env)
}

func (echo) Recovered() {}

type signaled chan struct{}

func (s signaled) Receive(*pubsub.Envelope) { s <- struct{}{} }

func (signaled) Recovered() {}

// One message to another node and back.
func BenchmarkRoundTrip(b *testing.B) {
	e := startEngine(b, theRedis)
	here, err := New(e.url(), nil)
	if err != nil {
		b.Fatal(err)
	}
	there, err := New(e.url(), nil)
	if err != nil {
		b.Fatal(err)
	}
	back := make(signaled, 1)
	for a, r := range map[*Adapter]pubsub.Receiver{here: back, there: echo{there}} {
		if err := a.Start(r); err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = a.Close(b.Context()) })
		eventually(b, "it is up", func() bool { return a.Health().State == pubsub.StateUp })
	}
	here.Interest("t:back", true)
	there.Interest("t:there", true)
	for _, a := range []*Adapter{here, there} {
		if err := a.Settle(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	env := &pubsub.Envelope{Subject: "t:there", Kind: pubsub.KindMessage, Event: "event", Payload: make([]byte, 100)}
	for b.Loop() {
		if err := here.Publish(b.Context(), env); err != nil {
			b.Fatal(err)
		}
		<-back
	}
}

// What 50,000 subscriptions cost here and in the server, how long they take,
// and how long it takes from the server's end until all are there again.
func BenchmarkSubscriptions(b *testing.B) {
	const subjects = 50_000
	for b.Loop() {
		e := startEngine(b, theRedis)
		a, _ := startCounting(b, e.url())
		names := make([]string, subjects)
		for i := range names {
			names[i] = fmt.Sprintf("t:room:%06d", i)
		}
		hereBefore, thereBefore := heap(), memory(b, e)
		began := time.Now()
		for _, name := range names {
			a.Interest(name, true)
		}
		said := time.Since(began)
		if err := a.Settle(b.Context()); err != nil {
			b.Fatal(err)
		}
		settled := time.Since(began)
		b.ReportMetric(float64(heap()-hereBefore)/subjects, "B/subject-here")
		b.ReportMetric(float64(memory(b, e)-thereBefore)/subjects, "B/subject-there")
		b.ReportMetric(float64(said.Nanoseconds())/subjects, "ns/interest")
		b.ReportMetric(float64(settled.Milliseconds()), "ms/settle")
		e.kill()
		eventually(b, "it is away", func() bool { return a.Health().State == pubsub.StateDegraded })
		e.start()
		back := time.Now()
		eventually(b, "it is up", func() bool { return a.Health().State == pubsub.StateUp })
		b.ReportMetric(float64(time.Since(back).Milliseconds()), "ms/recover")
		runtime.KeepAlive(names)
	}
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func memory(b *testing.B, e *engine) int64 {
	b.Helper()
	for line := range strings.Lines(e.text("INFO", "memory")) {
		var n int64
		if _, err := fmt.Sscanf(line, "used_memory:%d", &n); err == nil {
			return n
		}
	}
	b.Fatal("the server does not say what memory it uses")
	return 0
}
