package presence_test

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roost-dev/roost/presence"
	"github.com/roost-dev/roost/pubsub"
)

// visitor is a session whose messages are counted and thrown away.
type visitor struct {
	id      string
	lists   *atomic.Int64
	onLeave func()
}

func (v *visitor) ID() string          { return v.id }
func (v *visitor) Topic() string       { return "room" }
func (v *visitor) AfterJoin(f func())  { f() }
func (v *visitor) AfterReply(f func()) { f() }
func (v *visitor) OnEnd(f func())      { v.onLeave = f }
func (v *visitor) PushEncoded(context.Context, string, []byte) error {
	v.lists.Add(1)
	return nil
}

func fill(b *testing.B, p *presence.Presence[meta], n int) {
	for i := range n {
		v := &visitor{id: "resident " + strconv.Itoa(i), lists: new(atomic.Int64)}
		if err := p.Track(b.Context(), v, v.id, meta{N: i}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTrackAndEnd(b *testing.B) {
	for _, n := range []int{10, 10_000} {
		b.Run(fmt.Sprint("among ", n), func(b *testing.B) {
			p := presence.New[meta](pubsub.Local(), nil)
			fill(b, p, n)
			b.ReportAllocs()
			for b.Loop() {
				v := &visitor{id: "v", lists: new(atomic.Int64)}
				if err := p.Track(b.Context(), v, "v", meta{}); err != nil {
					b.Fatal(err)
				}
				v.onLeave()
			}
		})
	}
}

func BenchmarkList(b *testing.B) {
	for _, n := range []int{10, 10_000} {
		b.Run(fmt.Sprint("of ", n), func(b *testing.B) {
			p := presence.New[meta](pubsub.Local(), nil)
			fill(b, p, n)
			b.ReportAllocs()
			for b.Loop() {
				p.List("room")
			}
		})
	}
}

// A crowd enters one room at once, and each of it asks for the list: the time
// is that until all lists are pushed.
func BenchmarkCrowd(b *testing.B) {
	for _, n := range []int{100, 1_000, 10_000} {
		b.Run(fmt.Sprint("of ", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p := presence.New[meta](pubsub.Local(), nil)
				var lists atomic.Int64
				for i := range n {
					v := &visitor{id: strconv.Itoa(i), lists: &lists}
					if err := p.Track(b.Context(), v, v.id, meta{N: i}); err != nil {
						b.Fatal(err)
					}
					if err := p.PushState(b.Context(), v); err != nil {
						b.Fatal(err)
					}
				}
				if err := p.Close(b.Context()); err != nil {
					b.Fatal(err)
				}
				if got := lists.Load(); got < int64(n) {
					b.Fatalf("%d lists for %d", got, n)
				}
			}
		})
	}
}

// BenchmarkDiff measures from one Track to the diff's delivery.
func BenchmarkDiff(b *testing.B) {
	ps := pubsub.Local()
	p := presence.New(ps, &presence.Options[meta]{Window: -time.Millisecond})
	fill(b, p, 1_000)
	known := make(told)
	if err := p.PushState(b.Context(), known); err != nil {
		b.Fatal(err)
	}
	<-known // so that no diff is still to come
	delivered := make(chan struct{}, 1_000)
	ps.Subscribe("room", deliverFunc(func(*pubsub.Message) { delivered <- struct{}{} }))
	v := &visitor{id: "v", lists: new(atomic.Int64)}
	b.ReportAllocs()
	for b.Loop() {
		if err := p.Track(b.Context(), v, "v", meta{}); err != nil {
			b.Fatal(err)
		}
		<-delivered
		if err := p.Untrack(b.Context(), v, "v"); err != nil {
			b.Fatal(err)
		}
		<-delivered
	}
}

// told is a session that tells when it has got the list.
type told chan struct{}

func (told) ID() string          { return "told" }
func (told) Topic() string       { return "room" }
func (told) AfterJoin(f func())  { f() }
func (told) AfterReply(f func()) { f() }
func (told) OnEnd(func())        {}
func (c told) PushEncoded(context.Context, string, []byte) error {
	close(c)
	return nil
}

type deliverFunc func(*pubsub.Message)

func (f deliverFunc) Deliver(m *pubsub.Message) { f(m) }
