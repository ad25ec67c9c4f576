package client_test

import (
	"context"
	"testing"

	"github.com/roost-dev/roost/client"
	"github.com/roost-dev/roost/history"
)

// A call and its reply, to a server in the same process over TCP.
func BenchmarkCall(b *testing.B) {
	ch := dial(b, newApp(b, appOptions{}).start(b), client.Options{}).Channel("room:1", nil)
	join(b, ch)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ch.Call(b.Context(), Bytes, []byte("x")); err != nil {
			b.Fatal(err)
		}
	}
}

// An event on its way from Broadcast to the callback, one of many.
func BenchmarkEvents(b *testing.B) {
	for name, kept := range map[string]bool{"live": false, "kept": true} {
		b.Run(name, func(b *testing.B) {
			a := newApp(b, appOptions{keep: &history.Keep{Count: 10_000}})
			s := dial(b, a.start(b), client.Options{})
			const flight = 100
			room := make(chan struct{}, flight)
			topic := "room:1"
			if kept {
				topic = "log:1"
			}
			ch := s.Channel(topic, &client.ChannelOptions{History: kept})
			ch.On(Number, func(context.Context, number) { <-room })
			join(b, ch)
			b.ReportAllocs()
			for b.Loop() {
				room <- struct{}{}
				if err := Number.Broadcast(b.Context(), a.ps, topic, number{1}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
