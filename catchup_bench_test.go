package roost_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/history"
	"github.com/roost-dev/roost/pubsub"
	"github.com/roost-dev/roost/transport"
)

// waiting is a connection that tells when a frame with a certain text came.
type waiting struct {
	text []byte
	came chan struct{}
}

func (w *waiting) Send(f *transport.Frame) error {
	if bytes.Contains(f.Payload(), w.text) {
		w.came <- struct{}{}
	}
	return nil
}

// SendBurst looks at the last frame only, to take little of what is measured.
func (w *waiting) SendBurst(b *transport.Burst) error {
	for ; b.Next != nil; b = b.Next {
		b.WebSocket() // as a WebSocket needs it
	}
	b.WebSocket()
	return w.Send(b.Frames[len(b.Frames)-1])
}

func (w *waiting) Waiting() int                      { return 0 }
func (w *waiting) CarriesBytes() bool                { return true }
func (w *waiting) Close(transport.CloseCode, string) {}

// BenchmarkComeBack is all of a client that comes back but its connection: it
// joins plainly, or with events missed, all behind the same position or behind
// different ones in turn.
func BenchmarkComeBack(b *testing.B) {
	for _, c := range []struct {
		name      string
		missed    int // at least
		positions int
		last      string // what the last frame has
	}{
		{"plain", 0, 0, `"status":"ok"`},
		{"missed 0", 0, 1, `"recovered":0`},
		{"missed 100", 100, 1, `"recovered":100`},
		{"missed 100 to 199", 100, 100, `"_history",{"recovered":`},
	} {
		b.Run(c.name, func(b *testing.B) {
			ps, err := pubsub.New(&pubsub.Options{History: []history.Keep{{Topics: []string{"*"}}}})
			if err != nil {
				b.Fatal(err)
			}
			a := &app{opts: roost.Options[user]{PubSub: ps, Messages: roost.Rate{PerSecond: -1}, Joins: roost.Rate{PerSecond: -1}}}
			server := a.server()
			occupy(b, server, 1, `{}`)
			for range 1000 {
				if err := Said.Broadcast(context.Background(), ps, "room:1", said{"ada", "hello"}); err != nil {
					b.Fatal(err)
				}
			}
			last, err := ps.Log().Last(b.Context(), "room:1")
			if err != nil {
				b.Fatal(err)
			}
			joins := [][]byte{[]byte(`["1","1","room:1","phx_join",{}]`)}
			for i := range c.positions {
				after := history.Position{Epoch: last.Epoch, Seq: last.Seq - uint64(c.missed+i)}
				joins = append(joins[:i], fmt.Appendf(nil, `["1","1","room:1","phx_join",{"_history":{"after":%q}}]`, after))
			}
			r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, "http://test/socket/websocket?vsn=2.0.0&name=ada", nil)
			if err != nil {
				b.Fatal(err)
			}
			conn := &waiting{text: []byte(c.last), came: make(chan struct{}, 1)}
			n := 0
			b.ReportAllocs()
			for b.Loop() {
				open, err := server.Accept(r, transport.Hello{Transport: "memory"})
				if err != nil {
					b.Fatal(err)
				}
				session := open(conn)
				if err := session.Receive(joins[n%len(joins)], false); err != nil {
					b.Fatal(err)
				}
				<-conn.came
				session.Closed(nil)
				n++
			}
		})
	}
}
