package roost_test

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/history"
	"github.com/roost-dev/roost/pubsub"
	"github.com/roost-dev/roost/transport"
)

// counter is a connection that counts what it is sent, and throws it away.
type counter struct {
	frames atomic.Int64
	got    chan struct{} // if set, told of each frame
}

func (c *counter) Send(*transport.Frame) error {
	c.frames.Add(1)
	if c.got != nil {
		c.got <- struct{}{}
	}
	return nil
}

func (c *counter) SendBurst(b *transport.Burst) error { return b.Each(c.Send) }
func (c *counter) Waiting() int                       { return 0 }
func (c *counter) CarriesBytes() bool                 { return true }
func (c *counter) Close(transport.CloseCode, string)  {}

// occupy opens n sockets that have joined a topic, and returns the last.
func occupy(b *testing.B, server *roost.Server[user], n int, params string) (transport.Session, *counter) {
	b.Helper()
	var session transport.Session
	var conn *counter
	for range n {
		r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, "http://test/socket/websocket?vsn=2.0.0&name=ada", nil)
		if err != nil {
			b.Fatal(err)
		}
		open, err := server.Accept(r, transport.Hello{Transport: "memory"})
		if err != nil {
			b.Fatal(err)
		}
		conn = &counter{got: make(chan struct{}, 1)}
		session = open(conn)
		if err := session.Receive([]byte(`["1","1","room:1","phx_join",`+params+`]`), false); err != nil {
			b.Fatal(err)
		}
		<-conn.got
		conn.got = nil
		b.Cleanup(func() { session.Closed(nil) })
	}
	return session, conn
}

func quiet() *roost.Server[user] {
	a := &app{opts: roost.Options[user]{Messages: roost.Rate{PerSecond: -1}, Joins: roost.Rate{PerSecond: -1}}}
	return a.server()
}

// BenchmarkPushAndReply is all of a push but its connection.
func BenchmarkPushAndReply(b *testing.B) {
	session, conn := occupy(b, quiet(), 1, `{}`)
	conn.got = make(chan struct{}, 1)
	push := []byte(`["1","2","room:1","sum",{"n":1}]`)
	b.ReportAllocs()
	for b.Loop() {
		if err := session.Receive(push, false); err != nil {
			b.Fatal(err)
		}
		<-conn.got
	}
}

// BenchmarkFanOut is all of a broadcast but its connections.
func BenchmarkFanOut(b *testing.B) {
	for _, n := range []int{10, 1000, 10_000} {
		b.Run(fmt.Sprint("to ", n), func(b *testing.B) { fanOut(b, quiet(), n, `{}`) })
	}
}

// BenchmarkFanOutKept is the same on a topic that is kept.
func BenchmarkFanOutKept(b *testing.B) {
	for name, params := range map[string]string{"unasked": `{}`, "followed": `{"_history":true}`} {
		for _, n := range []int{10, 1000} {
			b.Run(fmt.Sprint(name, " to ", n), func(b *testing.B) {
				ps, err := pubsub.New(&pubsub.Options{History: []history.Keep{{Topics: []string{"*"}}}})
				if err != nil {
					b.Fatal(err)
				}
				a := &app{opts: roost.Options[user]{PubSub: ps, Messages: roost.Rate{PerSecond: -1}, Joins: roost.Rate{PerSecond: -1}}}
				fanOut(b, a.server(), n, params)
			})
		}
	}
}

func fanOut(b *testing.B, server *roost.Server[user], n int, params string) {
	b.Helper()
	_, last := occupy(b, server, n, params)
	before, rounds := last.frames.Load(), 0
	b.ReportAllocs()
	for b.Loop() {
		rounds++
		if err := Said.Broadcast(context.Background(), server.PubSub(), "room:1", said{"ada", "hello"}); err != nil {
			b.Fatal(err)
		}
	}
	server.PubSub().Flush("room:1")
	if got := int(last.frames.Load() - before); got != rounds {
		b.Fatalf("the last subscriber got %d of %d broadcasts", got, rounds)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(rounds*n), "ns/delivery")
}
