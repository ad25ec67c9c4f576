package nats

import (
	"fmt"
	"log/slog"
	"runtime"
	"testing"
	"time"

	"github.com/roost-dev/roost/pubsub"
)

// twoNodes are embedded and connected; what the second receives is given to f.
func twoNodes(b *testing.B, f func(*pubsub.Envelope)) (from, to *Embedded) {
	b.Helper()
	addresses := statics(b, 2)
	opts := EmbedOptions{Peers: addresses, Secret: testSecret, Logger: slog.New(slog.DiscardHandler)}
	from, to = Embed(addresses[0], &opts), Embed(addresses[1], &opts)
	run(b, from, nil)
	run(b, to, f)
	awaitMesh(b, from, to)
	return from, to
}

// The cost of a publication that another embedded node hears, and the time
// that one alone is on its way.
func BenchmarkEmbedded(b *testing.B) {
	arrived := make(chan struct{}, 1<<20)
	from, to := twoNodes(b, func(*pubsub.Envelope) { arrived <- struct{}{} })
	to.Interest("t:room", true)
	if err := to.Settle(b.Context()); err != nil {
		b.Fatal(err)
	}
	publish := func(b *testing.B, e *pubsub.Envelope) {
		if err := from.Publish(b.Context(), e); err != nil {
			b.Fatal(err)
		}
	}
	e := &pubsub.Envelope{Subject: "t:room", Kind: pubsub.KindMessage, Topic: "room", Event: "e", Payload: make([]byte, 200)}
	b.Run("publish and arrive", func(b *testing.B) {
		b.ReportAllocs()
		const window = 1000 // on their way at a time
		for i := range b.N {
			publish(b, e)
			if i >= window {
				<-arrived
			}
		}
		for range min(b.N, window) {
			<-arrived
		}
	})
	b.Run("latency", func(b *testing.B) {
		for range b.N {
			publish(b, e)
			<-arrived
		}
	})
	b.Run("nobody listens", func(b *testing.B) {
		b.ReportAllocs()
		local := *e
		local.Subject, local.Topic = "t:local", "local"
		for range b.N {
			publish(b, &local)
		}
	})
	b.Run("settle", func(b *testing.B) {
		for range b.N {
			if err := to.Settle(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkOneServer(b *testing.B) {
	e := startEngine(b)
	arrived := make(chan struct{}, 1<<20)
	from, to := New(e.url(), nil), New(e.url(), nil)
	run(b, from, nil)
	run(b, to, func(*pubsub.Envelope) { arrived <- struct{}{} })
	to.Interest("t:room", true)
	await(b, "both are there", func() bool { return to.Settle(b.Context()) == nil && from.Settle(b.Context()) == nil })
	m := &pubsub.Envelope{Subject: "t:room", Kind: pubsub.KindMessage, Topic: "room", Event: "e", Payload: make([]byte, 200)}
	b.Run("latency", func(b *testing.B) {
		for range b.N {
			if err := from.Publish(b.Context(), m); err != nil {
				b.Fatal(err)
			}
			<-arrived
		}
	})
	b.Run("settle", func(b *testing.B) {
		for range b.N {
			if err := to.Settle(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func inUse() float64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc + m.StackInuse)
}

// What an embedded node weighs, alone and for each subscription, and what
// that costs a node it is connected to.
func BenchmarkMemory(b *testing.B) {
	const subscriptions = 100_000
	for range b.N {
		before, goroutines := inUse(), runtime.NumGoroutine()
		alone := Embed("127.0.0.1:0", &EmbedOptions{Secret: testSecret, Logger: slog.New(slog.DiscardHandler)})
		run(b, alone, nil)
		await(b, "it is up", func() bool { return alone.Health().State == pubsub.StateUp })
		time.Sleep(100 * time.Millisecond)
		b.ReportMetric(inUse()-before, "B/node")
		b.ReportMetric(float64(runtime.NumGoroutine()-goroutines), "goroutines/node")
		measure := func(a *Embedded, unit string) {
			before, goroutines = inUse(), runtime.NumGoroutine()
			began := time.Now()
			for i := range subscriptions {
				a.Interest(fmt.Sprintf("t:room:%d", i), true)
			}
			await(b, "it settles", func() bool { return a.Settle(b.Context()) == nil })
			b.ReportMetric(float64(time.Since(began).Nanoseconds())/subscriptions, "ns/"+unit)
			b.ReportMetric((inUse()-before)/subscriptions, "B/"+unit)
			b.ReportMetric(float64(runtime.NumGoroutine()-goroutines), "goroutines/100k_"+unit)
		}
		measure(alone, "subscription")
		from, _ := twoNodes(b, nil)
		measure(from, "subscription_on_two_nodes")
	}
}
