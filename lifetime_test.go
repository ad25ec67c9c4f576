package roost_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/roosttest"
)

func TestDisconnectAndKickFindSocketsByID(t *testing.T) {
	bubble(t, func(t *testing.T) {
		ended := make(chan string, 3)
		a := &app{end: func(_ context.Context, ch *roost.Channel[room], why roost.Reason) {
			ended <- ch.Topic() + " " + why.String()
		}}
		server := a.server()
		phone := roosttest.Connect(t, server, named("ada"))
		laptop := roosttest.Connect(t, server, named("ada"))
		bob := roosttest.Connect(t, server, named("bob"))
		one, two := phone.Join("room:1", nil), phone.Join("room:2", nil)
		laptop.Join("room:3", nil)
		bobs := bob.Join("room:1", nil)

		if err := server.PubSub().Kick(t.Context(), "user:ada", "room:1", "enough"); err != nil {
			t.Fatal(err)
		}
		one.ExpectClose()
		two.Call(Sum, count{1})
		bobs.Call(Sum, count{1})

		if err := server.PubSub().Disconnect(t.Context(), "user:ada"); err != nil {
			t.Fatal(err)
		}
		for _, c := range []*roosttest.Client{phone, laptop} {
			if code := c.ExpectDisconnect(); code != 1001 {
				t.Errorf("closed with %d, want 1001", code)
			}
		}
		bobs.Call(Sum, count{1})
		reasons := []string{<-ended, <-ended, <-ended}
		slices.Sort(reasons)
		if want := []string{"room:1 kicked", "room:2 closed", "room:3 closed"}; !slices.Equal(reasons, want) {
			t.Errorf("OnTerminate was told %v, want %v", reasons, want)
		}
	})
}

func TestTerminatePushesStillReachTheClientAfterALeave(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := &app{end: func(ctx context.Context, ch *roost.Channel[room], why roost.Reason) {
			if err := ch.Push(ctx, Private, said{Text: "bye"}); err != nil {
				t.Errorf("push: %v", err)
			}
			if err := ctx.Err(); err != nil {
				t.Errorf("the context of OnTerminate: %v", err)
			}
		}}
		ch := roosttest.Connect(t, a.server(), named("ada")).Join("room:1", nil)
		ch.Leave()
		if got := ch.ExpectPush(Private); got.Text != "bye" {
			t.Errorf("got %v", got)
		}
	})
}

func TestContextEndsWithTheConversation(t *testing.T) {
	bubble(t, func(t *testing.T) {
		ended := make(chan error, 3)
		a := &app{do: func(ctx context.Context, ch *roost.Channel[room], _ say) (count, error) {
			derived, cancel := context.WithCancel(ctx)
			defer cancel()
			ch.Go(func(ctx context.Context) (any, error) { <-ctx.Done(); ended <- ctx.Err(); return nil, nil })
			context.AfterFunc(ctx, func() { ended <- ctx.Err() })
			<-derived.Done()
			ended <- derived.Err()
			return count{}, nil
		}}
		client := roosttest.Connect(t, a.server(), named("ada"))
		client.Join("room:1", nil).Push(Do, say{"x"})
		synctest.Wait()
		client.Close()
		for range 3 {
			if err := <-ended; !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
		}
	})
}

func TestConnectRefusesAndHidesItsReason(t *testing.T) {
	bubble(t, func(t *testing.T) {
		if err := roosttest.ConnectError(t, new(app).server(), nil); err == nil || err.Error() != "no name" {
			t.Errorf("got %v", err)
		}
	})
}

func TestWhatComesOfAPushCanWaitForItsReply(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := &app{do: func(ctx context.Context, ch *roost.Channel[room], p say) (count, error) {
			ch.AfterReply(func() {
				if err := ch.Push(context.Background(), Private, said{}); err != nil {
					t.Error(err)
				}
			})
			if p.Text == "slow" {
				time.Sleep(time.Second)
			}
			return count{}, nil
		}}
		ch := roosttest.Connect(t, a.server(), named("ada")).Join("room:1", nil)
		ch.Push(Do, say{"fast"})
		if first, second := ch.Next(), ch.Next(); first != "phx_reply" || second != "private" {
			t.Errorf("the client saw %s, then %s", first, second)
		}
		start := time.Now()
		ch.Push(Do, say{"slow"})
		if first := ch.Next(); first != "private" || time.Since(start) > 100*time.Millisecond {
			t.Errorf("with a slow callback %s came first, after %v", first, time.Since(start))
		}
		ch.Next()
		ch.ExpectNothing()
	})
}

// What comes of the end of one socket must not reach another that was
// disconnected with it.
func TestADisconnectedSocketHearsNothingOfTheOthersOfItsID(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := &app{join: func(_ context.Context, ch *roost.Channel[room], _ *roost.Socket[user], _ struct{}) (count, error) {
			ch.OnEnd(func() {
				if err := Said.Broadcast(context.Background(), ch.PubSub(), "room:1", said{Text: "somebody left"}); err != nil {
					t.Error(err)
				}
			})
			return count{}, nil
		}}
		server := a.server()
		clients := make([]*rawClient, 5)
		for i := range clients {
			clients[i] = dial(t, server, "ada")
			clients[i].send("1", "1", "room:1", "phx_join", `{}`)
			clients[i].drainTo(1)
		}
		if err := server.PubSub().Disconnect(t.Context(), "user:ada"); err != nil {
			t.Fatal(err)
		}
		for i, c := range clients {
			if frames := c.drain(); len(frames) != 0 {
				t.Errorf("socket %d heard %v", i, frames)
			}
			if code := c.closed(); code != 1001 {
				t.Errorf("socket %d was closed with %d", i, code)
			}
		}
	})
}
