package roost_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roost-dev/roost"
)

func TestShutdownKeepsToASlowRate(t *testing.T) {
	bubble(t, func(t *testing.T) {
		server := (&app{opts: roost.Options[user]{DrainRate: 2}}).server()
		for range 5 {
			dial(t, server, "ada")
		}
		start := time.Now()
		if err := server.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took != 2*time.Second {
			t.Errorf("5 sockets at 2 a second took %v, want 2s: the first goes at once", took)
		}
	})
}

func TestNobodyJoinsOnceShutdownHasBegun(t *testing.T) {
	bubble(t, func(t *testing.T) {
		server := (&app{opts: roost.Options[user]{DrainRate: 1}}).server()
		clients := []*rawClient{dial(t, server, "ada"), dial(t, server, "bob"), dial(t, server, "eve")}
		for _, c := range clients {
			c.send("1", "1", "room:1", "phx_join", `{}`)
			c.drainTo(1)
		}
		done := make(chan error)
		go func() { done <- server.Shutdown(t.Context()) }()
		synctest.Wait()
		waiting := 0
		for _, c := range clients {
			if c.trySend("2", "2", "room:2", "phx_join", `{}`) != nil {
				continue // its turn came first
			}
			waiting++
			c.want(`["2","2","room:2","phx_reply",{"response":{"reason":"shutting down"},"status":"error"}]`)
			c.send("1", "3", "room:1", "sum", `{"n":1}`)
			c.want(`["1","3","room:1","phx_reply",{"response":{"n":1},"status":"ok"}]`)
		}
		if waiting != 2 {
			t.Errorf("%d sockets wait for their turn, want 2", waiting)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// Joins that are under way when Shutdown begins are answered, then drained.
func TestShutdownLetsJoinsFinish(t *testing.T) {
	bubble(t, func(t *testing.T) {
		ended := make(chan roost.Reason, 1)
		a := &app{
			join: func(_ context.Context, ch *roost.Channel[room], _ *roost.Socket[user], _ struct{}) (count, error) {
				time.Sleep(time.Second)
				if ch.Topic() == "room:no" {
					return count{}, &roost.Error{Reason: "no"}
				}
				return count{}, nil
			},
			end: func(_ context.Context, _ *roost.Channel[room], why roost.Reason) { ended <- why },
		}
		server := a.server()
		c := dial(t, server, "ada")
		c.send("1", "1", "room:yes", "phx_join", `{}`)
		c.send("2", "2", "room:no", "phx_join", `{}`)
		if err := server.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		frames := c.drain()
		slices.Sort(frames)
		want := []string{
			`["1","1","room:yes","phx_reply",{"response":{"n":0},"status":"ok"}]`,
			`["2","2","room:no","phx_reply",{"response":{"reason":"no"},"status":"error"}]`,
		}
		if !slices.Equal(frames, want) {
			t.Errorf("got %v", frames)
		}
		if code := c.closed(); code != 1012 {
			t.Errorf("closed with %d, want 1012", code)
		}
		if why := <-ended; why != roost.Drained {
			t.Errorf("OnTerminate was told %v", why)
		}
	})
}

func TestShutdownGivesUpOnCallbacksDeafToTheirContext(t *testing.T) {
	bubble(t, func(t *testing.T) {
		release := make(chan struct{})
		a := &app{do: func(context.Context, *roost.Channel[room], say) (count, error) { <-release; return count{}, nil }}
		server := a.server()
		c := dial(t, server, "ada")
		c.send("1", "1", "room:1", "phx_join", `{}`)
		c.send("1", "2", "room:1", "do", `{"text":"x"}`)
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		err := server.Shutdown(ctx)
		if err == nil || strings.Count(err.Error(), "deadline") != 1 {
			t.Errorf("Shutdown: %q, want the context's error, once", fmt.Sprint(err))
		}
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("Shutdown took %v", took)
		}
		c.drainTo(1)
		if code := c.closed(); code != 1012 {
			t.Errorf("closed with %d, want 1012", code)
		}
		close(release)
		if err := server.Shutdown(t.Context()); err != nil {
			t.Errorf("another Shutdown, once the callback has returned: %v", err)
		}
	})
}

func TestShutdownMayBeCalledManyTimes(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := &app{do: func(context.Context, *roost.Channel[room], say) (count, error) {
			time.Sleep(time.Second)
			return count{}, nil
		}}
		server := a.server()
		c := dial(t, server, "ada")
		c.send("1", "1", "room:1", "phx_join", `{}`)
		c.send("1", "2", "room:1", "do", `{"text":"x"}`)
		done := make(chan error)
		for range 3 {
			go func() { done <- server.Shutdown(t.Context()) }()
		}
		for range 3 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if err := server.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestADrainedConversationMayDisconnectItsSocket(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := &app{}
		var socket atomic.Pointer[roost.Socket[user]]
		a.join = func(_ context.Context, _ *roost.Channel[room], s *roost.Socket[user], _ struct{}) (count, error) {
			socket.Store(s)
			return count{}, nil
		}
		a.end = func(context.Context, *roost.Channel[room], roost.Reason) { socket.Load().Disconnect() }
		server := a.server()
		c := dial(t, server, "ada")
		for i := range 3 {
			ref := fmt.Sprint(i)
			c.send(ref, ref, "room:"+ref, "phx_join", `{}`)
		}
		if err := server.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		if n := server.Sockets() + server.Channels(); n != 0 {
			t.Errorf("%d left", n)
		}
	})
}
