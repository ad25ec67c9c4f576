package roost_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/pubsub"
	"github.com/roost-dev/roost/roosttest"
	"github.com/roost-dev/roost/transport"
)

func TestWhatIsBroadcastWhileJoiningComesRightBehindTheReply(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := &app{}
		server := a.server()
		snapshot := 0
		a.join = func(ctx context.Context, ch *roost.Channel[room], _ *roost.Socket[user], _ struct{}) (count, error) {
			n := snapshot // what join reads
			for range 3 { // happens after the read, before the reply
				snapshot++
				Said.Broadcast(ctx, server.PubSub(), "room:1", said{Text: fmt.Sprint(snapshot)})
			}
			return count{n}, ch.Push(ctx, Private, said{Text: "pushed by join"})
		}
		c := dial(t, server, "ada")
		c.send("1", "1", "room:1", "phx_join", `{}`)
		c.want(
			`["1","1","room:1","phx_reply",{"response":{"n":0},"status":"ok"}]`,
			`[null,null,"room:1","said",{"by":"","text":"1"}]`,
			`[null,null,"room:1","said",{"by":"","text":"2"}]`,
			`[null,null,"room:1","said",{"by":"","text":"3"}]`,
			`["1",null,"room:1","private",{"by":"","text":"pushed by join"}]`,
		)
		c.wantNothing()
	})
}

func TestRefusedJoinUndoesWhatItDid(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := &app{info: func(context.Context, *roost.Channel[room], string) error {
			t.Error("a value sent in a refused join was handled")
			return nil
		}}
		server := a.server()
		ended := false
		a.join = func(ctx context.Context, ch *roost.Channel[room], _ *roost.Socket[user], _ struct{}) (count, error) {
			ch.Push(ctx, Private, said{})
			ch.Send("x")
			ch.SendAfter("x", time.Second)
			ch.Subscribe("news")
			ch.AfterJoin(func() { t.Error("AfterJoin ran for a refused join") })
			ch.OnEnd(func() { ended = true })
			Said.Broadcast(ctx, server.PubSub(), "room:1", said{})
			return count{}, &roost.Error{Reason: "unauthorized"}
		}
		a.end = func(context.Context, *roost.Channel[room], roost.Reason) {
			t.Error("OnTerminate ran for a conversation that never was")
		}
		c := dial(t, server, "ada")
		c.send("1", "1", "room:1", "phx_join", `{}`)
		c.want(`["1","1","room:1","phx_reply",{"response":{"reason":"unauthorized"},"status":"error"}]`)
		time.Sleep(time.Minute)
		c.wantNothing()
		if !ended || server.PubSub().Subscribers("news")+server.PubSub().Subscribers("room:1") != 0 || server.Channels() != 0 {
			t.Error("a refused join left something behind")
		}
	})
}

func TestSlowJoinDelaysNothingElseOfItsSocket(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := &app{join: func(ctx context.Context, ch *roost.Channel[room], _ *roost.Socket[user], _ struct{}) (count, error) {
			if ch.Topic() == "room:slow" {
				time.Sleep(9 * time.Second)
			}
			return count{}, nil
		}}
		c := dial(t, a.server(), "ada")
		c.send("1", "1", "room:slow", "phx_join", `{}`)
		c.send("", "2", "phoenix", "heartbeat", `{}`)
		c.want(`[null,"2","phoenix","phx_reply",{"response":{},"status":"ok"}]`)
		c.send("3", "3", "room:fast", "phx_join", `{}`)
		c.want(`["3","3","room:fast","phx_reply",{"response":{"n":0},"status":"ok"}]`)
		c.wantNothing()
		c.want(`["1","1","room:slow","phx_reply",{"response":{"n":0},"status":"ok"}]`)
	})
}

func TestJoinHasATimeout(t *testing.T) {
	bubble(t, func(t *testing.T) {
		for _, deaf := range []bool{false, true} {
			a := &app{join: func(ctx context.Context, ch *roost.Channel[room], _ *roost.Socket[user], _ struct{}) (count, error) {
				if deaf {
					time.Sleep(time.Minute)
					return count{}, nil
				}
				<-ctx.Done()
				return count{}, ctx.Err()
			}}
			start := time.Now()
			client := roosttest.Connect(t, a.server(), named("ada"))
			if err := client.JoinError("room:1", nil); err.Reason != "join timeout" {
				t.Errorf("deaf=%v: %v", deaf, err)
			}
			if took := time.Since(start); took != 10*time.Second {
				t.Errorf("deaf=%v: the client was told after %v", deaf, took)
			}
			time.Sleep(2 * time.Minute) // what a deaf join still returns is dropped
		}
	})
}

func TestJoinOfAClientThatIsGoneIsNoFailure(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := &app{join: func(ctx context.Context, _ *roost.Channel[room], _ *roost.Socket[user], _ struct{}) (count, error) {
			<-ctx.Done()
			return count{}, fmt.Errorf("the database: %w", ctx.Err())
		}}
		c := dial(t, a.server(), "ada")
		c.send("1", "1", "room:1", "phx_join", `{}`)
		synctest.Wait()
		c.conn.Close(transport.CloseNormal)
		synctest.Wait()
		if a.logs.contain("a join failed") {
			t.Error("it was logged that the join failed")
		}
	})
}

func TestJoiningAgainReplacesTheConversation(t *testing.T) {
	bubble(t, func(t *testing.T) {
		ended := make(chan roost.Reason, 2)
		a := &app{end: func(_ context.Context, _ *roost.Channel[room], why roost.Reason) { ended <- why }}
		c := dial(t, a.server(), "ada")
		c.send("1", "1", "room:1", "phx_join", `{}`)
		c.want(`["1","1","room:1","phx_reply",{"response":{"n":0},"status":"ok"}]`)
		c.send("2", "2", "room:1", "phx_join", `{}`)
		c.want(
			`["2","2","room:1","phx_reply",{"response":{"n":0},"status":"ok"}]`,
			`["1","1","room:1","phx_close",{}]`,
		)
		if why := <-ended; why != roost.Duplicate {
			t.Errorf("OnTerminate was told %v", why)
		}
		c.send("1", "3", "room:1", "sum", `{"n":1}`) // stale: dropped in silence
		c.wantNothing()
		c.send("2", "4", "room:1", "sum", `{"n":1}`)
		c.want(`["2","4","room:1","phx_reply",{"response":{"n":1},"status":"ok"}]`)
	})
}

func TestJoiningAgainEndsTheOldConversationAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := &app{}
		var said1 error
		release := make(chan struct{})
		a.do = func(ctx context.Context, ch *roost.Channel[room], _ say) (count, error) {
			<-ctx.Done()
			said1 = ch.Push(ctx, Private, said{Text: "from beyond"})
			<-release // deaf for longer than OnTerminate waits
			return count{}, nil
		}
		a.end = func(_ context.Context, _ *roost.Channel[room], why roost.Reason) {
			if why == roost.Duplicate {
				t.Error("OnTerminate ran, though its callback took longer than 5 s to return")
			}
		}
		server := a.server()
		c := dial(t, server, "ada")
		c.send("1", "1", "room:1", "phx_join", `{}`)
		c.send("1", "2", "room:1", "do", `{"text":"x"}`)
		c.want(`["1","1","room:1","phx_reply",{"response":{"n":0},"status":"ok"}]`)
		synctest.Wait()
		c.send("3", "3", "room:1", "phx_join", `{}`)
		c.want(
			`["3","3","room:1","phx_reply",{"response":{"n":0},"status":"ok"}]`,
			`["1","1","room:1","phx_close",{}]`,
		)
		if n := server.PubSub().Subscribers("room:1"); n != 1 {
			t.Errorf("%d subscriptions, want that of the new conversation", n)
		}
		time.Sleep(6 * time.Second)
		close(release)
		synctest.Wait()
		if !errors.Is(said1, roost.ErrEnded) {
			t.Errorf("a push of the old conversation: %v", said1)
		}
		if !a.logs.contain("given up on") {
			t.Error("nothing in the log about OnTerminate")
		}
		c.wantNothing()
	})
}

func TestJoiningAgainWhileJoiningAnswersBothInOrder(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var canceled []error
		a := &app{join: func(ctx context.Context, _ *roost.Channel[room], _ *roost.Socket[user], _ struct{}) (count, error) {
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
			canceled = append(canceled, ctx.Err())
			return count{len(canceled)}, nil
		}}
		c := dial(t, a.server(), "ada")
		c.send("1", "1", "room:1", "phx_join", `{}`)
		synctest.Wait()
		c.send("1", "2", "room:1", "phx_leave", `{}`)
		c.send("3", "3", "room:1", "phx_join", `{}`)
		c.want(
			`["1","1","room:1","phx_reply",{"response":{"n":1},"status":"ok"}]`,
			`["3","3","room:1","phx_reply",{"response":{"n":2},"status":"ok"}]`,
			`["1","1","room:1","phx_close",{}]`,
		)
		if !slices.Equal(canceled, []error{context.Canceled, nil}) {
			t.Errorf("the joins' contexts ended with %v", canceled)
		}
		c.wantNothing()
	})
}

func TestChannelsOfASocketAreBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := &app{opts: roost.Options[user]{MaxChannels: 2}}
		c := dial(t, a.server(), "ada")
		c.send("1", "1", "room:1", "phx_join", `{}`)
		c.send("2", "2", "room:2", "phx_join", `{}`)
		c.drain()
		c.send("3", "3", "room:3", "phx_join", `{}`)
		c.want(`["3","3","room:3","phx_reply",{"response":{"reason":"too many channels joined"},"status":"error"}]`)
		c.send("4", "4", "room:1", "phx_join", `{}`)
		c.want(`["4","4","room:1","phx_reply",{"response":{"n":0},"status":"ok"}]`, `["1","1","room:1","phx_close",{}]`)
		c.send("4", "5", "room:1", "phx_leave", `{}`)
		c.want(`["4","5","room:1","phx_reply",{"response":{},"status":"ok"}]`, `["4","4","room:1","phx_close",{}]`)
		c.send("6", "6", "room:3", "phx_join", `{}`)
		c.want(`["6","6","room:3","phx_reply",{"response":{"n":0},"status":"ok"}]`)
		c.send("7", "7", "room:"+strings.Repeat("x", 5000), "phx_join", `{}`)
		if got := c.next(); !strings.Contains(got, "topic over 4096 bytes") {
			t.Errorf("a topic of 5000 bytes: %.80s", got)
		}
	})
}

func TestJoiningTheSameTopicAgainAndAgainDoesNotPileUpCallbacks(t *testing.T) {
	bubble(t, func(t *testing.T) {
		running := make(chan struct{}, 1000)
		release := make(chan struct{})
		a := &app{
			opts: roost.Options[user]{MaxChannels: 3, Joins: roost.Rate{PerSecond: -1}},
			join: func(context.Context, *roost.Channel[room], *roost.Socket[user], struct{}) (count, error) {
				running <- struct{}{}
				<-release
				return count{}, nil
			},
		}
		c := dial(t, a.server(), "ada")
		refused := 0
		for i := range 100 {
			ref := fmt.Sprint(i)
			c.send(ref, ref, "room:1", "phx_join", `{}`)
			synctest.Wait()
		}
		for _, f := range c.drain() {
			if strings.Contains(f, "too many channels joined") {
				refused++
			}
		}
		if refused < 90 || len(running) > 7 {
			t.Errorf("%d of 100 joins refused, %d callbacks running", refused, len(running))
		}
		close(release)
	})
}

func TestBroadcastsBeyondTheHoldOfAJoinEndIt(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := &app{opts: roost.Options[user]{MailboxLen: 10}}
		server := a.server()
		a.join = func(ctx context.Context, _ *roost.Channel[room], _ *roost.Socket[user], _ struct{}) (count, error) {
			for range 50 {
				Said.Broadcast(ctx, server.PubSub(), "room:1", said{})
			}
			return count{}, nil
		}
		c := dial(t, server, "ada")
		c.send("1", "1", "room:1", "phx_join", `{}`)
		c.want(
			`["1","1","room:1","phx_reply",{"response":{"n":0},"status":"ok"}]`,
			`["1","1","room:1","phx_error",{"reason":"channel_crash"}]`,
		)
		c.wantNothing()
	})
}

func TestPubSubSeesNoTraceOfEndedConversations(t *testing.T) {
	bubble(t, func(t *testing.T) {
		ps := pubsub.Local()
		server := (&app{opts: roost.Options[user]{PubSub: ps}}).server()
		client := roosttest.Connect(t, server, named("ada"))
		client.Join("room:1", nil).Leave()
		client.Join("room:1", nil).PushRaw("unknown", nil)
		client.Join("room:2", nil)
		synctest.Wait()
		client.Close()
		synctest.Wait()
		if ps.Subscribers("room:1")+ps.Subscribers("room:2") != 0 || server.Sockets()+server.Channels() != 0 {
			t.Error("something is left")
		}
	})
}
