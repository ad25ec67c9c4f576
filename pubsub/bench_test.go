package pubsub_test

import (
	"fmt"
	"testing"

	"github.com/roost-dev/roost/pubsub"
)

type deaf struct{ n int }

func (d *deaf) Deliver(*pubsub.Message) { d.n++ }

func BenchmarkSubscribeAndUnsubscribe(b *testing.B) {
	for _, n := range []int{0, 10, 10_000} {
		b.Run(fmt.Sprint("among ", n), func(b *testing.B) {
			ps := pubsub.Local()
			for range n {
				ps.Subscribe("room", &deaf{})
			}
			d := &deaf{}
			b.ReportAllocs()
			for b.Loop() {
				ps.Subscribe("room", d).Unsubscribe()
			}
		})
	}
}

func BenchmarkSubscribeParallel(b *testing.B) {
	ps := pubsub.Local()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		d := &deaf{}
		topic := fmt.Sprintf("room:%p", d)
		for pb.Next() {
			ps.Subscribe(topic, d).Unsubscribe()
		}
	})
}

func BenchmarkBroadcast(b *testing.B) {
	for _, n := range []int{0, 10, 10_000} {
		b.Run(fmt.Sprint("to ", n), func(b *testing.B) {
			ps := pubsub.Local()
			for range n {
				ps.Subscribe("room", &deaf{})
			}
			m := &pubsub.Message{Topic: "room", Event: "event", Payload: []byte(`{}`)}
			b.ReportAllocs()
			for b.Loop() {
				if err := ps.Broadcast(b.Context(), m); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkMemo(b *testing.B) {
	m := &pubsub.Message{}
	b.ReportAllocs()
	for b.Loop() {
		m.Memo(memoKey(1), func() any { return "frame" })
	}
}
