package roost_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/roosttest"
)

func TestStuckConversationDelaysNobody(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := &app{do: func(context.Context, *roost.Channel[room], say) (count, error) {
			time.Sleep(time.Minute)
			return count{}, nil
		}}
		server := a.server()
		c, other := dial(t, server, "ada"), dial(t, server, "bob")
		for i, topic := range []string{"room:stuck", "room:fine"} {
			ref := fmt.Sprint(i)
			c.send(ref, ref, topic, "phx_join", `{}`)
			other.send(ref, ref, topic, "phx_join", `{}`)
		}
		synctest.Wait()
		c.drain()
		other.drain()
		start := time.Now()
		c.send("0", "2", "room:stuck", "do", `{"text":"x"}`)
		synctest.Wait()
		c.send("", "3", "phoenix", "heartbeat", `{}`)
		c.want(`[null,"3","phoenix","phx_reply",{"response":{},"status":"ok"}]`)
		c.send("1", "4", "room:fine", "sum", `{"n":1}`)
		c.want(`["1","4","room:fine","phx_reply",{"response":{"n":1},"status":"ok"}]`)
		other.send("0", "5", "room:stuck", "say", `{"text":"hi"}`)
		// The stuck one's client hears what others say, too.
		c.want(`[null,null,"room:stuck","said",{"by":"bob","text":"hi"}]`)
		if took := time.Since(start); took != 0 {
			t.Errorf("somebody waited %v", took)
		}
	})
}

func TestFloodedConversationAnswersBusyAndKeepsWhatItTook(t *testing.T) {
	bubble(t, func(t *testing.T) {
		release := make(chan struct{})
		a := &app{
			opts: roost.Options[user]{MailboxLen: 10, Messages: roost.Rate{PerSecond: -1}},
			do:   func(context.Context, *roost.Channel[room], say) (count, error) { <-release; return count{}, nil },
		}
		c := dial(t, a.server(), "ada")
		c.send("1", "1", "room:1", "phx_join", `{}`)
		c.send("1", "2", "room:1", "do", `{"text":"x"}`)
		synctest.Wait()
		for i := range 15 {
			c.send("1", fmt.Sprintf("s%d", i), "room:1", "sum", `{"n":1}`)
		}
		synctest.Wait()
		busy := 0
		for _, f := range c.drain() {
			if strings.Contains(f, `"busy"`) {
				busy++
			}
		}
		if busy != 5 {
			t.Errorf("%d pushes answered busy, want the 5 beyond the bound", busy)
		}
		close(release)
		synctest.Wait()
		frames := c.drain()
		if len(frames) != 11 || !strings.Contains(frames[10], `{"n":10}`) {
			t.Errorf("%d replies, want those of the 11 pushes that were taken: %v", len(frames), frames)
		}
	})
}

func TestBroadcastIntoAFullMailboxEndsTheConversation(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := &app{
			opts: roost.Options[user]{MailboxLen: 4},
			out:  func(_ context.Context, _ *roost.Channel[room], v said) (said, bool, error) { return v, true, nil },
			do: func(ctx context.Context, _ *roost.Channel[room], _ say) (count, error) {
				<-ctx.Done()
				return count{}, nil
			},
		}
		server := a.server()
		stuck := roosttest.Connect(t, server, named("ada")).Join("room:1", nil)
		fine := roosttest.Connect(t, server, named("bob")).Join("room:1", nil)
		stuck.Push(Do, say{"x"})
		synctest.Wait()
		for range 5 {
			Marked.Broadcast(t.Context(), server.PubSub(), "room:1", said{})
			synctest.Wait()
		}
		stuck.ExpectCrash()
		for range 5 {
			fine.ExpectPush(Marked)
		}
	})
}

func TestRateLimitAnswersThenCloses(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := &app{opts: roost.Options[user]{Messages: roost.Rate{PerSecond: 10, Burst: 5}}}
		c := dial(t, a.server(), "ada")
		c.send("1", "1", "room:1", "phx_join", `{}`)
		for i := range 6 {
			c.send("1", fmt.Sprint(i+2), "room:1", "sum", `{"n":1}`)
		}
		synctest.Wait()
		frames := c.drain()
		limited := strings.Count(strings.Join(frames, ""), `"reason":"rate limited"`)
		if len(frames) != 7 || limited != 2 {
			t.Errorf("of 7 messages in a burst of 5, %d were answered, %d as rate limited", len(frames), limited)
		}
		time.Sleep(time.Second)
		c.send("1", "9", "room:1", "sum", `{"n":1}`)
		if got := c.next(); !strings.Contains(got, `{"n":5}`) {
			t.Errorf("after a rest: %s", got)
		}
		for range 20 {
			c.trySend("1", "9", "room:1", "sum", `{"n":1}`)
		}
		if code := c.closed(); code != 1008 {
			t.Errorf("a client that kept on was closed with %d, want 1008", code)
		}
	})
}

func TestJoinsAreLimitedByThemselves(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := &app{opts: roost.Options[user]{Joins: roost.Rate{PerSecond: 1, Burst: 2}}}
		c := dial(t, a.server(), "ada")
		for i := range 3 {
			ref := fmt.Sprint(i)
			c.send(ref, ref, "room:"+ref, "phx_join", `{}`)
			synctest.Wait()
		}
		c.drainTo(2)
		got := c.next()
		for _, part := range []string{`["2","2","room:2","phx_reply",`, `"status":"error"`, `"reason":"rate limited"`, `"retry_after_ms":1000`} {
			if !strings.Contains(got, part) {
				t.Errorf("the third join within a second was answered %s, want %s in it", got, part)
			}
		}
		time.Sleep(time.Second)
		c.send("2", "2", "room:2", "phx_join", `{}`)
		if got := c.next(); !strings.Contains(got, `"status":"ok"`) {
			t.Errorf("a join that came when it was told to: %s", got)
		}
		c.send("0", "3", "room:0", "sum", `{"n":1}`)
		c.want(`["0","3","room:0","phx_reply",{"response":{"n":1},"status":"ok"}]`)
	})
}

func TestTenThousandJoinsOnOneSocketAreHarmless(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := &app{}
		server := a.server()
		c := dial(t, server, "ada")
		for i := range 10_000 {
			ref := fmt.Sprint(i)
			c.trySend(ref, ref, "room:"+ref, "phx_join", `{}`)
			if server.Channels() > 100 {
				t.Fatal("more than 100 channels on a socket")
			}
		}
		if code := c.closed(); code != 1008 {
			t.Errorf("closed with %d, want 1008", code)
		}
		synctest.Wait()
		if server.Channels() != 0 {
			t.Error("conversations left after the close")
		}
		roosttest.Connect(t, server, named("bob")).Join("room:1", nil).Call(Sum, count{1})
	})
}

func TestMalformedFramesCloseWithTheReason(t *testing.T) {
	bubble(t, func(t *testing.T) {
		server := new(app).server()
		for _, frame := range []string{
			``, `{`, `[]`, `null`, `["1","1","room:1","phx_join"]`, `["1","1","room:1","phx_join",{"a":1,"a":2}]`,
			`["1","1","room:\ud800","phx_join",{}]`, `["1","1","room:1","phx_join",` + strings.Repeat("[", 1_000_000),
		} {
			c := dial(t, server, "ada")
			c.raw(frame)
			if code, reason := c.closing(); code != 1011 || reason == "" {
				t.Errorf("%.40q: closed with %d %q, want 1011 and a reason", frame, code, reason)
			}
		}
	})
}

// A hundred thousand conversations that wait for nothing hold no goroutine,
// and a thousand that wait in callbacks starve nobody.
func TestIdleConversationsHoldNoGoroutine(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const sockets, topics = 1000, 100
		release := make(chan struct{})
		a := &app{
			opts: roost.Options[user]{Joins: roost.Rate{PerSecond: -1}, Messages: roost.Rate{PerSecond: -1}},
			do:   func(context.Context, *roost.Channel[room], say) (count, error) { <-release; return count{}, nil },
		}
		server := a.server()
		before := runtime.NumGoroutine()
		clients := make([]*rawClient, sockets)
		for i := range clients {
			clients[i] = dial(t, server, "ada")
			for j := range topics {
				ref := fmt.Sprint(j)
				clients[i].send(ref, ref, fmt.Sprintf("room:%d-%d", i, j), "phx_join", `{}`)
			}
			synctest.Wait()
			clients[i].drain()
		}
		if n := server.Channels(); n != sockets*topics {
			t.Fatalf("%d conversations, want %d", n, sockets*topics)
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if n := runtime.NumGoroutine() - before; n > 5 { // the test binary has some of its own
			t.Errorf("%d goroutines for %d idle conversations", n, sockets*topics)
		}

		for i, c := range clients {
			c.send("0", "x", fmt.Sprintf("room:%d-0", i), "do", `{"text":"x"}`)
		}
		synctest.Wait()
		start := time.Now()
		clients[0].send("1", "y", "room:0-1", "sum", `{"n":1}`)
		clients[0].want(`["1","y","room:0-1","phx_reply",{"response":{"n":1},"status":"ok"}]`)
		if took := time.Since(start); took != 0 {
			t.Errorf("a push waited %v for a thousand others", took)
		}
		close(release)
	})
}

func TestShutdownFinishesWhatIsUnderWay(t *testing.T) {
	bubble(t, func(t *testing.T) {
		terminated := make(chan roost.Reason, 300)
		a := &app{
			do: func(context.Context, *roost.Channel[room], say) (count, error) {
				time.Sleep(3 * time.Second)
				return count{7}, nil
			},
			end: func(_ context.Context, _ *roost.Channel[room], why roost.Reason) { terminated <- why },
		}
		server := a.server()
		idle := dial(t, server, "idle")
		clients := make([]*rawClient, 100)
		for i := range clients {
			clients[i] = dial(t, server, "ada")
			for _, topic := range []string{"room:1", "room:2", "room:3"} {
				clients[i].send("1", "1", topic, "phx_join", `{}`)
			}
			synctest.Wait()
			clients[i].drain()
			clients[i].send("1", "a", "room:1", "do", `{"text":"x"}`)
			clients[i].send("1", "b", "room:1", "sum", `{"n":1}`)
		}
		synctest.Wait()
		done := make(chan error)
		go func() { done <- server.Shutdown(t.Context()) }()
		synctest.Wait()
		if _, err := tryDial(server, "late"); err == nil {
			t.Error("a connect was accepted during shutdown")
		}
		clients[0].send("9", "9", "room:9", "phx_join", `{}`)
		clients[0].want(`["9","9","room:9","phx_reply",{"response":{"reason":"shutting down"},"status":"error"}]`)
		if err := <-done; err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		for i, c := range append(clients, idle) {
			frames := c.drain()
			if c != idle && (len(frames) != 2 || !strings.Contains(frames[0], `{"n":7}`) || !strings.Contains(frames[1], `{"n":1}`)) {
				t.Errorf("client %d: its callbacks were cut: %v", i, frames)
			}
			if code := c.closed(); code != 1012 {
				t.Errorf("client %d: closed with %d, want 1012", i, code)
			}
		}
		if len(terminated) != 300 {
			t.Errorf("OnTerminate ran for %d of 300 conversations", len(terminated))
		}
		for range len(terminated) {
			if why := <-terminated; why != roost.Drained {
				t.Errorf("OnTerminate was told %v", why)
			}
		}
	})
}

func TestShutdownGivesUpWithItsContext(t *testing.T) {
	bubble(t, func(t *testing.T) {
		ended := make(chan error, 1)
		a := &app{do: func(ctx context.Context, _ *roost.Channel[room], _ say) (count, error) {
			<-ctx.Done()
			ended <- ctx.Err()
			return count{}, nil
		}}
		server := a.server()
		c := dial(t, server, "ada")
		c.send("1", "1", "room:1", "phx_join", `{}`)
		c.send("1", "2", "room:1", "do", `{"text":"x"}`)
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		if err := server.Shutdown(ctx); err == nil {
			t.Error("Shutdown returned nil with a callback still waiting")
		}
		if err := <-ended; err == nil {
			t.Error("the callback's context did not end")
		}
		c.drain()
		if code := c.closed(); code != 1012 {
			t.Errorf("closed with %d, want 1012", code)
		}
	})
}

func TestShutdownSpreadsTheClosesOverTime(t *testing.T) {
	bubble(t, func(t *testing.T) {
		server := (&app{opts: roost.Options[user]{DrainRate: 100}}).server()
		for range 300 {
			dial(t, server, "ada")
		}
		start := time.Now()
		if err := server.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took < 2*time.Second || took > 4*time.Second {
			t.Errorf("300 sockets at 100 a second took %v", took)
		}
	})
}
