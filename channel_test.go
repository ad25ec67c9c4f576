package roost_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/pubsub"
	"github.com/roost-dev/roost/roosttest"
)

// The application of these tests: a room where things are said.

type user struct{ Name string }

type say struct {
	Text string `json:"text"`
}

// Validate is called after decoding.
func (s say) Validate() error {
	if s.Text == "" {
		return roost.Invalid("text", "must not be empty")
	}
	return nil
}

type said struct {
	By   string `json:"by"`
	Text string `json:"text"`
}

type count struct {
	N int `json:"n"`
}

var (
	Say     = roost.NewIn[say, roost.Ack]("say")
	Whisper = roost.NewIn[say, roost.NoReply]("whisper")
	Sum     = roost.NewIn[count, count]("sum")
	Do      = roost.NewIn[say, count]("do") // whatever the test wants
	Said    = roost.NewOut[said]("said")
	Private = roost.NewOut[said]("private")
	Marked  = roost.NewOut[said]("marked")
)

type room struct {
	by  string
	sum int
}

// app is a room whose callbacks a test can replace.
type app struct {
	join func(ctx context.Context, ch *roost.Channel[room], s *roost.Socket[user], p struct{}) (count, error)
	do   func(ctx context.Context, ch *roost.Channel[room], p say) (count, error)
	info func(ctx context.Context, ch *roost.Channel[room], v string) error
	out  func(ctx context.Context, ch *roost.Channel[room], v said) (said, bool, error)
	end  func(ctx context.Context, ch *roost.Channel[room], why roost.Reason)
	opts roost.Options[user]
	logs *lines
}

func (a *app) handler() *roost.Handler[user, room] {
	h := roost.NewHandler(func(ctx context.Context, ch *roost.Channel[room], s *roost.Socket[user], p struct{}) (count, error) {
		ch.State.by = s.Assigns.Name
		if a.join != nil {
			return a.join(ctx, ch, s, p)
		}
		return count{}, nil
	}, nil)
	h.Emits(Said, Private)
	h.HandleIn(Say, func(ctx context.Context, ch *roost.Channel[room], p say) (roost.Ack, error) {
		return roost.Ack{}, ch.Broadcast(ctx, Said, said{ch.State.by, p.Text})
	})
	h.HandleIn(Whisper, func(ctx context.Context, ch *roost.Channel[room], p say) (roost.NoReply, error) {
		return roost.NoReply{}, ch.BroadcastFrom(ctx, Said, said{ch.State.by, p.Text})
	})
	h.HandleIn(Sum, func(_ context.Context, ch *roost.Channel[room], p count) (count, error) {
		ch.State.sum += p.N
		return count{ch.State.sum}, nil
	})
	h.HandleIn(Do, func(ctx context.Context, ch *roost.Channel[room], p say) (count, error) { return a.do(ctx, ch, p) })
	h.HandleInfo(func(ctx context.Context, ch *roost.Channel[room], v string) error { return a.info(ctx, ch, v) })
	h.HandleEvent(Said, func(ctx context.Context, ch *roost.Channel[room], topic string, v said) error {
		return ch.Push(ctx, Private, said{topic, v.Text})
	})
	if a.out != nil {
		h.HandleOut(Marked, a.out)
	} else {
		h.Emits(Marked)
	}
	if a.end != nil {
		h.OnTerminate(a.end)
	}
	return h
}

func (a *app) server() *roost.Server[user] {
	a.logs = &lines{}
	a.opts.Logger = textLogger(a.logs)
	if a.opts.ID == nil {
		a.opts.ID = func(u user) string { return "user:" + u.Name }
	}
	s := roost.NewServer(func(_ context.Context, r *roost.ConnectRequest) (user, error) {
		if r.Param("name") == "" {
			return user{}, errors.New("no name")
		}
		return user{r.Param("name")}, nil
	}, &a.opts)
	s.Handle("room:{id}", a.handler())
	return s
}

func named(name string) *roosttest.Options {
	return &roosttest.Options{Params: map[string]string{"name": name}}
}

// bubble runs a test in virtual time.
func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

func TestBroadcastReachesAllAndBroadcastFromLeavesOutTheSender(t *testing.T) {
	bubble(t, func(t *testing.T) {
		server := new(app).server()
		ada := roosttest.Connect(t, server, named("ada")).Join("room:1", nil)
		bob := roosttest.Connect(t, server, named("bob")).Join("room:1", nil)
		other := roosttest.Connect(t, server, named("bob")).Join("room:2", nil)

		ada.Call(Say, say{"hello"})
		for _, ch := range []*roosttest.Channel{ada, bob} {
			if got := ch.ExpectBroadcast(Said); got != (said{"ada", "hello"}) {
				t.Errorf("got %v", got)
			}
		}
		ada.Push(Whisper, say{"psst"})
		if got := bob.ExpectBroadcast(Said); got.Text != "psst" {
			t.Errorf("got %v", got)
		}
		ada.ExpectNothing() // neither the broadcast nor a reply: Whisper has none
		bob.ExpectNothing()
		other.ExpectNothing()
	})
}

func TestBroadcastFromAnywhereNeedsNoServer(t *testing.T) {
	bubble(t, func(t *testing.T) {
		ps := pubsub.Local()
		ada := roosttest.Connect(t, (&app{opts: roost.Options[user]{PubSub: ps}}).server(), named("ada")).Join("room:1", nil)
		if err := Said.Broadcast(t.Context(), ps, "room:1", said{"a job", "done"}); err != nil {
			t.Fatal(err)
		}
		if got := ada.ExpectBroadcast(Said); got.By != "a job" {
			t.Errorf("got %v", got)
		}
	})
}

func TestStateBelongsToOneConversation(t *testing.T) {
	bubble(t, func(t *testing.T) {
		client := roosttest.Connect(t, new(app).server(), named("ada"))
		one, two := client.Join("room:1", nil), client.Join("room:2", nil)
		one.Call(Sum, count{1})
		one.Call(Sum, count{2})
		if got := two.Call(Sum, count{10}); got.N != 10 {
			t.Errorf("the other conversation's sum is %d, want 10", got.N)
		}
		if got := one.Call(Sum, count{3}); got.N != 6 {
			t.Errorf("sum is %d, want 6", got.N)
		}
	})
}

func TestWrongPayloadNamesTheFieldAndKeepsTheConversation(t *testing.T) {
	bubble(t, func(t *testing.T) {
		ch := roosttest.Connect(t, new(app).server(), named("ada")).Join("room:1", nil)
		tests := []struct {
			event   string
			payload any
			field   string
			problem string
		}{
			{"sum", map[string]any{"n": "one"}, "n", "integer"},
			{"sum", []int{1}, "", "object"},
			{"sum", []byte{1}, "", "binary"},
			{"say", say{}, "text", "must not be empty"},
		}
		for _, tt := range tests {
			err := ch.PushRaw(tt.event, tt.payload).Error()
			if err.Reason != "invalid payload" || err.Details["field"] != tt.field || !strings.Contains(fmt.Sprint(err.Details["error"]), tt.problem) {
				t.Errorf("%s %v: %v %v, want field %q and a word about %q", tt.event, tt.payload, err.Reason, err.Details, tt.field, tt.problem)
			}
		}
		if got := ch.Call(Sum, count{1}); got.N != 1 {
			t.Errorf("after bad payloads: %v", got)
		}
	})
}

func TestOnlyErrorsMeantForClientsReachThem(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := &app{}
		server := a.server()
		ch := roosttest.Connect(t, server, named("ada")).Join("room:1", nil)

		a.do = func(context.Context, *roost.Channel[room], say) (count, error) {
			return count{}, fmt.Errorf("wrapped: %w", &roost.Error{Reason: "taken", Details: map[string]any{"by": "bob"}})
		}
		if err := ch.CallError(Do, say{"x"}); err.Reason != "taken" || err.Details["by"] != "bob" {
			t.Errorf("got %v %v", err.Reason, err.Details)
		}
		a.do = func(context.Context, *roost.Channel[room], say) (count, error) {
			return count{}, errors.New("the password of the database is wrong")
		}
		if err := ch.CallError(Do, say{"x"}); err.Reason != "internal" || err.Details != nil {
			t.Errorf("got %v %v", err.Reason, err.Details)
		}
		if !a.logs.contain("the password of the database is wrong") {
			t.Error("the error was not logged")
		}
	})
}

func TestStopEndsTheConversationAfterTheReply(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := &app{}
		client := roosttest.Connect(t, a.server(), named("ada"))

		a.do = func(context.Context, *roost.Channel[room], say) (count, error) { return count{7}, roost.Stop(nil) }
		ch := client.Join("room:1", nil)
		if got := ch.Call(Do, say{"x"}); got.N != 7 {
			t.Errorf("the reply is %v", got)
		}
		ch.ExpectClose()

		a.do = func(context.Context, *roost.Channel[room], say) (count, error) {
			return count{}, roost.Stop(&roost.Error{Reason: "over"})
		}
		ch = client.Join("room:1", nil)
		if err := ch.CallError(Do, say{"x"}); err.Reason != "over" {
			t.Errorf("the error reply is %v", err)
		}
		ch.ExpectCrash()
		if err := ch.PushRaw("say", say{"x"}).Error(); err.Reason != "unmatched topic" {
			t.Errorf("after the end: %v", err)
		}
	})
}

func TestPanicEndsOneConversationAlone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		for name, panics := range map[string]func(){
			"panic":  func() { panic("boom") },
			"nil":    func() { var m map[string]int; m["x"] = 1 },
			"goexit": runtime.Goexit,
		} {
			a := &app{do: func(context.Context, *roost.Channel[room], say) (count, error) { panics(); return count{}, nil }}
			ended := make(chan roost.Reason, 3)
			a.end = func(_ context.Context, _ *roost.Channel[room], why roost.Reason) { ended <- why }
			client := roosttest.Connect(t, a.server(), named("ada"))
			one, two := client.Join("room:1", nil), client.Join("room:2", nil)
			one.Push(Do, say{"x"})
			one.ExpectCrash()
			if got := two.Call(Sum, count{1}); got.N != 1 {
				t.Errorf("%s: the other conversation: %v", name, got)
			}
			if why := <-ended; why != roost.Panicked {
				t.Errorf("%s: OnTerminate was told %v", name, why)
			}
			if !a.logs.contain("channel_test.go") {
				t.Errorf("%s: the stack was not logged", name)
			}
			client.Join("room:1", nil).Call(Sum, count{1})
		}
	})
}

func TestPanicsInOtherCallbacksAreContained(t *testing.T) {
	bubble(t, func(t *testing.T) {
		boom := func() { panic("boom") }
		a := &app{
			info: func(context.Context, *roost.Channel[room], string) error { boom(); return nil },
			out: func(context.Context, *roost.Channel[room], said) (said, bool, error) {
				boom()
				return said{}, true, nil
			},
			end: func(context.Context, *roost.Channel[room], roost.Reason) { boom() },
		}
		server := a.server()
		client := roosttest.Connect(t, server, named("ada"))

		a.do = func(_ context.Context, ch *roost.Channel[room], _ say) (count, error) { return count{}, ch.Send("x") }
		ch := client.Join("room:info", nil)
		ch.Push(Do, say{"x"})
		ch.ExpectCrash()

		ch = client.Join("room:out", nil)
		if err := Marked.Broadcast(t.Context(), server.PubSub(), "room:out", said{}); err != nil {
			t.Fatal(err)
		}
		ch.ExpectCrash()

		a.do = func(_ context.Context, ch *roost.Channel[room], _ say) (count, error) {
			ch.Go(func(context.Context) (any, error) { boom(); return nil, nil })
			return count{}, nil
		}
		ch = client.Join("room:go", nil)
		ch.Push(Do, say{"x"}) // the panic may come before the reply
		ch.ExpectCrash()

		a.join = func(context.Context, *roost.Channel[room], *roost.Socket[user], struct{}) (count, error) {
			boom()
			return count{}, nil
		}
		if err := client.JoinError("room:join", nil); err.Reason != "join crashed" {
			t.Errorf("a join that panics is answered %v", err)
		}
		a.join = nil
		client.Join("room:terminate", nil).Leave()
	})
}

func TestUnknownEventEndsTheConversation(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := &app{}
		ch := roosttest.Connect(t, a.server(), named("ada")).Join("room:1", nil)
		ch.PushRaw("no_such_event", nil)
		ch.ExpectCrash()
		if !a.logs.contain("no_such_event") {
			t.Error("the event's name was not logged")
		}
	})
}

func TestRepliesCanComeLater(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := &app{}
		var later *roost.Later[count]
		a.do = func(_ context.Context, ch *roost.Channel[room], _ say) (count, error) {
			later = roost.Defer[count](ch)
			return count{}, roost.ErrLater
		}
		ch := roosttest.Connect(t, a.server(), named("ada")).Join("room:1", nil)
		first := ch.Push(Do, say{"x"})
		ch.Call(Sum, count{1}) // others are handled meanwhile
		if err := later.Reply(count{9}); err != nil {
			t.Fatal(err)
		}
		if got := first.Reply(); got.N != 9 {
			t.Errorf("the reply is %v", got)
		}
		if err := later.Reply(count{9}); !errors.Is(err, roost.ErrReplied) {
			t.Errorf("the second reply: %v", err)
		}
		second := ch.Push(Do, say{"x"})
		synctest.Wait()
		if err := later.Fail(&roost.Error{Reason: "no"}); err != nil {
			t.Fatal(err)
		}
		if err := second.Error(); err.Reason != "no" {
			t.Errorf("got %v", err)
		}
		ch.Push(Do, say{"x"})
		synctest.Wait()
		ch.Leave()
		if err := later.Reply(count{}); !errors.Is(err, roost.ErrEnded) {
			t.Errorf("a reply after the end: %v", err)
		}
	})
}

func TestValuesFromWithinReachHandleInfo(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := &app{info: func(ctx context.Context, ch *roost.Channel[room], v string) error {
			return ch.Push(ctx, Private, said{Text: v})
		}}
		var timer *roost.Timer
		a.do = func(_ context.Context, ch *roost.Channel[room], _ say) (count, error) {
			ch.SendAfter("in a minute", 50*time.Second)
			timer = ch.SendAfter("never", 40*time.Second)
			ch.Go(func(context.Context) (any, error) { time.Sleep(time.Second); return "from a goroutine", nil })
			return count{}, ch.Send("at once")
		}
		ch := roosttest.Connect(t, a.server(), named("ada")).Join("room:1", nil)
		ch.Call(Do, say{"x"})
		if !timer.Stop() {
			t.Error("a timer that had 40 s to go could not be stopped")
		}
		for _, want := range []string{"at once", "from a goroutine", "in a minute"} {
			if got := ch.ExpectPush(Private); got.Text != want {
				t.Errorf("got %q, want %q", got.Text, want)
			}
		}
		ch.ExpectNothing()
	})
}

func TestEventsOfSubscribedTopicsReachHandleEvent(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := &app{}
		var unsubscribe func()
		a.do = func(_ context.Context, ch *roost.Channel[room], p say) (count, error) {
			unsubscribe = ch.Subscribe(p.Text)
			return count{}, nil
		}
		server := a.server()
		ch := roosttest.Connect(t, server, named("ada")).Join("room:1", nil)
		ch.Call(Do, say{"news"})
		Said.Broadcast(t.Context(), server.PubSub(), "news", said{Text: "extra"})
		if got := ch.ExpectPush(Private); got != (said{"news", "extra"}) {
			t.Errorf("got %v", got)
		}
		unsubscribe()
		Said.Broadcast(t.Context(), server.PubSub(), "news", said{Text: "late"})
		ch.ExpectNothing()
	})
}

func TestInterceptedBroadcastIsChangedOrDroppedPerReceiver(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := &app{out: func(_ context.Context, ch *roost.Channel[room], v said) (said, bool, error) {
			return said{ch.State.by, v.Text}, ch.State.by != v.By, nil
		}}
		server := a.server()
		ada := roosttest.Connect(t, server, named("ada")).Join("room:1", nil)
		bob := roosttest.Connect(t, server, named("bob")).Join("room:1", nil)
		Marked.Broadcast(t.Context(), server.PubSub(), "room:1", said{"bob", "x"})
		if got := ada.ExpectPush(Marked); got != (said{"ada", "x"}) {
			t.Errorf("got %v", got)
		}
		bob.ExpectNothing()
	})
}

func TestWhatAHandlerSaysReachesItsClientInOrder(t *testing.T) {
	for _, intercepted := range []bool{false, true} {
		t.Run(fmt.Sprintf("intercepted=%v", intercepted), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				a := &app{do: func(ctx context.Context, ch *roost.Channel[room], _ say) (count, error) {
					return count{3}, errors.Join(
						ch.Broadcast(ctx, Marked, said{Text: "1"}),
						ch.Push(ctx, Private, said{Text: "2"}),
						ch.Broadcast(ctx, Marked, said{Text: "3"}),
						ch.Broadcast(ctx, Said, said{Text: "4"}))
				}}
				if intercepted {
					a.out = func(_ context.Context, _ *roost.Channel[room], v said) (said, bool, error) { return v, true, nil }
				}
				client := roosttest.Connect(t, a.server(), named("ada"))
				ch := client.Join("room:1", nil)
				reply := ch.Push(Do, say{"x"})
				var events []string
				for range 5 {
					events = append(events, ch.Next())
				}
				want := []string{"marked", "private", "marked", "said", "phx_reply"}
				if !slices.Equal(events, want) {
					t.Errorf("the client saw %v, want %v", events, want)
				}
				_ = reply
			})
		})
	}
}

func TestUndeclaredEventsAreNotPushed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		undeclared := roost.NewOut[said]("undeclared")
		a := &app{do: func(ctx context.Context, ch *roost.Channel[room], _ say) (count, error) {
			if err := ch.Push(ctx, undeclared, said{}); err == nil || !strings.Contains(err.Error(), "undeclared") {
				t.Errorf("Push: %v", err)
			}
			if err := ch.Broadcast(ctx, undeclared, said{}); err == nil {
				t.Error("Broadcast of an undeclared event went out")
			}
			return count{}, nil
		}}
		ch := roosttest.Connect(t, a.server(), named("ada")).Join("room:1", nil)
		ch.Call(Do, say{"x"})
		ch.ExpectNothing()
	})
}
