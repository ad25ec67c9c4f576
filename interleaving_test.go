package roost_test

import (
	"context"
	"encoding/json/v2"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/wire"
)

// The promises of a conversation hold however joins, leaves, duplicate joins,
// crashes, kicks and broadcasts fall together:
//
//   - every join is answered once, and before anything else of it;
//   - nothing of a conversation comes after its phx_close or phx_error;
//   - broadcasts reach a client only between a join reply and an end;
//   - nothing is missing between the snapshot that join took and what comes
//     behind its reply, and nothing comes twice or out of order;
//   - OnTerminate runs once for every join that was accepted;
//   - nothing is left at the end.
func TestPromisesHoldUnderRandomInterleavings(t *testing.T) {
	seeds := 150
	switch {
	case testing.Short():
		seeds = 30
	case os.Getenv("ROOST_SOAK") != "":
		seeds = 5000
	}
	for seed := range uint64(seeds) {
		ok := t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { interleave(t, seed) })
		})
		if !ok {
			return
		}
	}
}

// clock is the shared counter that is broadcast, and that joins read.
type clock struct{ now atomic.Int64 }

func interleave(t *testing.T, seed uint64) {
	var c clock
	var mu sync.Mutex // guards rng, which callbacks share
	rng := rand.New(rand.NewPCG(seed, 7))
	chance := func(n int) int {
		mu.Lock()
		defer mu.Unlock()
		return rng.IntN(n)
	}
	pause := func(most int) { time.Sleep(time.Duration(chance(most)) * 100 * time.Microsecond) }

	var accepted, terminated atomic.Int64
	a := &app{
		opts: roost.Options[user]{Joins: roost.Rate{PerSecond: -1}, Messages: roost.Rate{PerSecond: -1}},
		join: func(ctx context.Context, ch *roost.Channel[room], _ *roost.Socket[user], _ struct{}) (count, error) {
			pause(20)
			n := c.now.Load()
			pause(20)
			switch chance(15) {
			case 2:
				ch.Go(func(context.Context) (any, error) { pause(20); return nil, roost.Stop(nil) })
			case 3:
				ch.Go(func(context.Context) (any, error) { panic("boom") })
			case 4:
				ch.Broadcast(ctx, Marked, said{Text: "0"}) // with a turn of its own if intercepted
			case 0:
				return count{}, &roost.Error{Reason: "no"}
			case 1:
				panic("boom")
			}
			return count{int(n)}, nil
		},
		do: func(context.Context, *roost.Channel[room], say) (count, error) {
			pause(10)
			switch chance(4) {
			case 0:
				panic("boom")
			case 1:
				return count{}, roost.Stop(nil)
			}
			return count{}, nil
		},
		end: func(context.Context, *roost.Channel[room], roost.Reason) { terminated.Add(1) },
	}
	a.opts.Trace.Joined = func(j roost.JoinedInfo) {
		if j.Err == nil {
			accepted.Add(1)
		}
	}
	event := Said
	if seed%2 == 0 { // with interception, and without
		event = Marked
		a.out = func(_ context.Context, _ *roost.Channel[room], v said) (said, bool, error) {
			pause(3)
			return v, v.Text != "0", nil
		}
	}
	server := a.server()
	stop := make(chan struct{})
	var publisher, players sync.WaitGroup
	publisher.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			n := c.now.Add(1)
			event.Broadcast(context.Background(), server.PubSub(), "room:1", said{Text: fmt.Sprint(n)})
			if chance(30) == 0 {
				server.PubSub().Kick(context.Background(), "user:ada", "room:1", "out")
			}
			pause(6)
		}
	})
	clients := make([]*rawClient, 3)
	for i := range clients {
		client := dial(t, server, "ada")
		clients[i] = client
		own := rand.New(rand.NewPCG(seed, uint64(i)))
		players.Go(func() {
			joinRef := ""
			for step := range 40 {
				ref := fmt.Sprint(step + 1)
				switch own.IntN(5) {
				case 0, 1:
					joinRef = ref
					client.trySend(ref, ref, "room:1", "phx_join", `{}`)
				case 2:
					client.trySend(joinRef, ref, "room:1", "phx_leave", `{}`)
				case 3:
					client.trySend(joinRef, ref, "room:1", "do", `{"text":"x"}`)
				default:
					time.Sleep(time.Duration(own.IntN(30)) * 100 * time.Microsecond)
				}
			}
		})
	}
	players.Wait()
	time.Sleep(100 * time.Millisecond) // longer than all that is under way
	close(stop)
	publisher.Wait()
	synctest.Wait()
	for i, client := range clients {
		checkPromises(t, fmt.Sprintf("client %d", i), client.drain())
		client.conn.Close(1000)
	}
	synctest.Wait()
	if a, b := accepted.Load(), terminated.Load(); a != b {
		t.Errorf("%d joins were accepted, OnTerminate ran %d times", a, b)
	}
	if n := server.Channels() + server.PubSub().Subscribers("room:1"); n != 0 {
		t.Errorf("%d conversations and subscriptions left", n)
	}
}

// checkPromises reads what one client saw of one topic.
func checkPromises(t *testing.T, who string, frames []string) {
	t.Helper()
	var answered, over []wire.Value
	var current wire.Value // the newest conversation that was accepted and goes on
	next := 0              // the number that must come, at the latest, now
	for i, frame := range frames {
		m, err := wire.V2.DecodeServer([]byte(frame), false)
		if err != nil {
			t.Fatalf("%s: %s: %v", who, frame, err)
		}
		complain := func(what string) {
			t.Errorf("%s: %s: %s\nbefore it: %v", who, what, frame, frames[max(0, i-8):i])
		}
		// A leave of what has ended is answered by the socket.
		isLeaveReply := m.Event == wire.EventReply && string(m.Payload.Data) == "{}"
		if slices.Contains(over, m.JoinRef) && !isLeaveReply {
			complain("after the end of its conversation")
		}
		isJoinReply := m.Event == wire.EventReply && m.Ref == m.JoinRef
		switch {
		case isJoinReply:
			if slices.Contains(answered, m.JoinRef) {
				complain("a second answer to a join")
			}
			answered = append(answered, m.JoinRef)
			if m.Status == wire.StatusOK {
				var reply count
				if err := json.Unmarshal(m.Payload.Data, &reply); err != nil {
					t.Fatal(err)
				}
				current, next = m.JoinRef, -reply.N // a broadcast on its way when join read may come as well
			}
		case m.Event == wire.EventClose, m.Event == wire.EventError:
			if !slices.Contains(answered, m.JoinRef) {
				complain("before the answer to its join")
			}
			over = append(over, m.JoinRef)
			if m.JoinRef == current {
				current = wire.Value{}
			}
		case m.Event == Said.Name(), m.Event == Marked.Name():
			if current.IsNull() {
				complain("a broadcast outside of any conversation")
				continue
			}
			var v said
			if err := json.Unmarshal(m.Payload.Data, &v); err != nil {
				t.Fatal(err)
			}
			var n int
			if fmt.Sscan(v.Text, &n); n == 0 {
				continue
			}
			switch {
			case next <= 0 && n <= -next+1: // the first since the join
			case n == next:
			default:
				complain(fmt.Sprintf("want broadcast %d", max(next, -next+1)))
			}
			next = n + 1
		}
	}
}
