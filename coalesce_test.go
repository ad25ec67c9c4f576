package roost_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/roost-dev/roost"
)

// A topic of this many has a sender of its own, which writes what comes
// together as one.
const largeTopic = 100

// What a handler broadcasts, pushes and replies reaches its own client in the
// order of the calls while a hundred others broadcast on the same topic, over
// real connections, with the poller and without.
func TestOrderHoldsWhileManyBroadcastsLeaveTogether(t *testing.T) {
	for _, noPoller := range []bool{false, true} {
		t.Run(fmt.Sprintf("noPoller=%v", noPoller), func(t *testing.T) {
			a := &app{
				opts: roost.Options[user]{Messages: roost.Rate{PerSecond: -1}, WebSocket: roost.WebSocket{NoPoller: noPoller}},
				do: func(ctx context.Context, ch *roost.Channel[room], _ say) (count, error) {
					return count{4}, errors.Join(
						ch.Broadcast(ctx, Said, said{By: "own", Text: "1"}),
						ch.Push(ctx, Private, said{Text: "2"}),
						ch.Broadcast(ctx, Said, said{By: "own", Text: "3"}))
				},
			}
			server := a.server()
			site := mount(t, server)
			t.Cleanup(func() { server.Shutdown(context.Background()) })
			clients := make([]*tcpClient, largeTopic)
			for i := range clients {
				clients[i] = dialTCP(t, site, "ada")
				clients[i].send("1", "1", "room:1", "phx_join", `{}`)
				clients[i].want(`["1","1","room:1","phx_reply",{"response":{"n":0},"status":"ok"}]`)
			}
			var readers sync.WaitGroup
			for _, c := range clients[1:] {
				readers.Go(func() { c.toTheEnd() })
			}
			c := clients[0]
			const own = `[null,null,"room:1","said",{"by":"own","text":"%d"}]`
			for i := range 30 {
				var noise sync.WaitGroup
				for range 2 {
					noise.Go(func() {
						for range 20 {
							Marked.Broadcast(context.Background(), server.PubSub(), "room:1", said{})
						}
					})
				}
				ref := fmt.Sprint("x", i)
				c.send("1", ref, "room:1", "do", `{"text":"x"}`)
				for _, want := range []string{
					fmt.Sprintf(own, 1),
					`["1",null,"room:1","private",{"by":"","text":"2"}]`,
					fmt.Sprintf(own, 3),
					fmt.Sprintf(`["1",%q,"room:1","phx_reply",{"response":{"n":4},"status":"ok"}]`, ref),
				} {
					for _, other := range c.want(want) {
						if other != `[null,null,"room:1","marked",{"by":"","text":""}]` {
							t.Fatalf("before %s came %s", want, other)
						}
					}
				}
				noise.Wait()
			}
			for _, c := range clients {
				c.conn.Close()
			}
			readers.Wait()
		})
	}
}

// A thousand clients that do not read are closed, are told of, and delay
// nobody.
func TestStalledReadersAreClosedAndDelayNobody(t *testing.T) {
	const stalled = 1000
	var told sync.WaitGroup
	told.Add(stalled)
	a := &app{opts: roost.Options[user]{WebSocket: roost.WebSocket{Outbox: 100_000}}}
	a.opts.Trace.Slow = func(roost.SocketInfo) { told.Done() }
	server := a.server()
	site := mount(t, server)
	t.Cleanup(func() { server.Shutdown(context.Background()) })
	reader := dialTCP(t, site, "ada")
	reader.send("1", "1", "room:1", "phx_join", `{}`)
	reader.want(`["1","1","room:1","phx_reply",{"response":{"n":0},"status":"ok"}]`)
	for range stalled {
		c := dialTCP(t, site, "ada")
		c.send("1", "1", "room:1", "phx_join", `{}`)
		c.want(`["1","1","room:1","phx_reply",{"response":{"n":0},"status":"ok"}]`)
	}
	all := make(chan struct{})
	go func() { told.Wait(); close(all) }()
	text := strings.Repeat("x", 60_000)
	for n := 0; ; n++ {
		select {
		case <-all:
			if slow := server.Slow(); slow != stalled {
				t.Errorf("Slow is %d, want %d", slow, stalled)
			}
			return
		default:
		}
		m := said{By: fmt.Sprint(n), Text: text}
		if err := Said.Broadcast(t.Context(), server.PubSub(), "room:1", m); err != nil {
			t.Fatal(err)
		}
		if _, _, err := reader.next(); err != nil {
			t.Fatalf("the one that reads: %v", err)
		}
	}
}
