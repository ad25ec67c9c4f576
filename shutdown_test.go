package roost_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
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

// A server that shuts down sends its clients back one after the other
// (spec/protocol.md §22).
func TestShutdownTellsClientsWhenToComeBack(t *testing.T) {
	tests := []struct {
		name string
		rate int
		want []string
	}{
		{"at a rate", 2, []string{
			"server shuts down", "server shuts down; retry_after_ms=500", "server shuts down; retry_after_ms=1000",
		}},
		{"by default", 0, []string{
			"server shuts down", "server shuts down; retry_after_ms=1", "server shuts down; retry_after_ms=2",
		}},
		{"turned off", -1, []string{"server shuts down", "server shuts down", "server shuts down"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				server := (&app{opts: roost.Options[user]{ReturnRate: test.rate}}).server()
				clients := []*rawClient{dial(t, server, "ada"), dial(t, server, "bob"), dial(t, server, "eve")}
				if err := server.Shutdown(t.Context()); err != nil {
					t.Fatal(err)
				}
				var told []string
				for _, c := range clients {
					code, reason := c.closing()
					if code != 1012 {
						t.Errorf("closed with %d, want 1012", code)
					}
					told = append(told, reason)
				}
				slices.Sort(told) // sockets close in no particular order
				slices.Sort(test.want)
				if !slices.Equal(told, test.want) {
					t.Errorf("clients were told %q, want %q", told, test.want)
				}
			})
		})
	}
}

func TestWhoIsRefusedIsToldWhenToTryAgain(t *testing.T) {
	try := func(server *roost.Server[user], path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		r := httptest.NewRequest("GET", path+"?name=ada", nil)
		r.Header = http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"x"}}
		server.ServeHTTP(w, r)
		return w
	}
	bubble(t, func(t *testing.T) {
		server := (&app{opts: roost.Options[user]{MaxSockets: 1, DrainRate: 1, ReturnRate: 1}}).server()
		dial(t, server, "ada")
		for _, path := range []string{"/socket/websocket", "/socket/longpoll"} {
			if w := try(server, path); w.Code != 503 || w.Header().Get("Retry-After") != "5" {
				t.Errorf("%s of a full server: %d with Retry-After %q, want 503 with 5", path, w.Code, w.Header().Get("Retry-After"))
			}
		}
		if err := server.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		for i, path := range []string{"/socket/websocket", "/socket/longpoll"} {
			// The socket had the first place in the line.
			if w, want := try(server, path), fmt.Sprint(i+1); w.Code != 503 || w.Header().Get("Retry-After") != want {
				t.Errorf("%s of a server that shuts down: %d with Retry-After %q, want 503 with %s", path, w.Code, w.Header().Get("Retry-After"), want)
			}
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
