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

// awaiting is a connection that tells when a frame with a certain text came.
type awaiting struct {
	text []byte
	came chan struct{}
}

func (a *awaiting) Send(f *transport.Frame) error {
	if bytes.Contains(f.Payload(), a.text) {
		a.came <- struct{}{}
	}
	return nil
}

func (a *awaiting) SendBurst(b *transport.Burst) error {
	b.WebSocket() // as a WebSocket needs it
	return b.Each(a.Send)
}
func (a *awaiting) Waiting() int                      { return 0 }
func (a *awaiting) Close(transport.CloseCode, string) {}

// BenchmarkRejoin is all of a join but its connection: a plain one, and some
// that missed events and name different positions in turn.
func BenchmarkRejoin(b *testing.B) {
	const kept = 1000
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
			ps, err := pubsub.New(&pubsub.Options{History: []history.Keep{{Topics: []string{"*"}, Count: kept}}})
			if err != nil {
				b.Fatal(err)
			}
			a := &app{opts: roost.Options[user]{PubSub: ps, Messages: roost.Rate{PerSecond: -1}, Joins: roost.Rate{PerSecond: -1}}}
			server := a.server()
			occupy(b, server, 1, `{}`)
			for range kept {
				if err := Said.Broadcast(context.Background(), ps, "room:1", said{"ada", "hello"}); err != nil {
					b.Fatal(err)
				}
			}
			joins := [][]byte{[]byte(`["1","1","room:1","phx_join",{}]`)}
			last, err := ps.Log().Last(b.Context(), "room:1")
			if err != nil {
				b.Fatal(err)
			}
			for i := range c.positions {
				after := history.Position{Epoch: last.Epoch, Seq: last.Seq - uint64(c.missed+i)}
				join := fmt.Appendf(nil, `["1","1","room:1","phx_join",{"_history":{"after":%q}}]`, after)
				joins = append(joins[:i], join)
			}
			r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, "http://test/socket/websocket?vsn=2.0.0&name=ada", nil)
			if err != nil {
				b.Fatal(err)
			}
			open, err := server.Accept(r, transport.Hello{Transport: "memory"})
			if err != nil {
				b.Fatal(err)
			}
			conn := &awaiting{text: []byte(c.last), came: make(chan struct{}, 1)}
			session := open(conn)
			b.Cleanup(func() { session.Closed(nil) })
			n := 0
			b.ReportAllocs()
			for b.Loop() {
				if err := session.Receive(joins[n%len(joins)], false); err != nil { // in place of the one before
					b.Fatal(err)
				}
				<-conn.came
				n++
			}
		})
	}
}
