package client_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/client"
)

func TestCallOnce(t *testing.T) {
	ts := newTasks()
	s := dial(t, ts.app(t, roost.Options[string]{}).start(t), client.Options{})
	ch := doing(t, s, 10)
	for n := 1; n <= 2; n++ {
		if r, err := ch.CallOnce(t.Context(), Do, task{N: n}); err != nil || r.N != n {
			t.Errorf("do: %v, %v", r, err)
		}
	}
	if _, err := ch.CallOnce(t.Context(), DoMute, task{N: 3}); err != nil {
		t.Errorf("an event without reply: %v", err)
	}
	if got, err := ch.CallOnce(t.Context(), DoBytes, []byte{0, 1, 2, 3}); err != nil || string(got) != "\x00\x01\x02\x03" {
		t.Errorf("bytes: %q, %v", got, err)
	}
	_, err := ch.CallOnce(t.Context(), Do, task{5, "refuse"})
	if e, ok := errors.AsType[*roost.Error](err); !ok || e.Reason != "sold out" || e.Details["n"] != 5.0 {
		t.Errorf("a refusal: %v", err)
	}
	if _, err := ch.Call(t.Context(), Do, task{N: 6}); err != nil {
		t.Errorf("a call of the other kind: %v", err)
	}
	if _, err := ch.CallOnce(t.Context(), Do, task{7, "later"}); err != nil {
		t.Errorf("a reply that comes later: %v", err)
	}
	ts.wantOnce(t, 7)
}

func TestWhatCannotBeMarked(t *testing.T) {
	ts := newTasks()
	s := dial(t, ts.app(t, roost.Options[string]{}).start(t), client.Options{})
	ch := doing(t, s, 10)
	raw := roost.NewIn[roost.Payload, receipt]("do")
	for payload, want := range map[string]string{
		`[1]`:               "no JSON object",
		``:                  "no JSON object",
		`{`:                 "no JSON object",
		`{"a":1,"a":2}`:     "no JSON object",
		`{"N":1,"_once":1}`: `a member "_once"`,
	} {
		if _, err := ch.CallOnce(t.Context(), raw, roost.Payload{Data: []byte(payload)}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", payload, err)
		}
	}
	if _, err := ch.CallOnce(t.Context(), roost.NewIn[[]byte, []byte](strings.Repeat("x", 256)), nil); err == nil || !strings.Contains(err.Error(), "255") {
		t.Errorf("an event whose name is too long for bytes: %v", err)
	}
	if r, err := ch.CallOnce(t.Context(), raw, roost.Payload{Data: []byte(" { \"N\" : 1 }\n")}); err != nil || r.N != 1 {
		t.Errorf("an object with white space: %v, %v", r, err)
	}
	if _, err := s.Channel("tasks:2", nil).CallOnce(t.Context(), Do, task{}); err == nil || !strings.Contains(err.Error(), "set ChannelOptions.Outbox") {
		t.Errorf("a channel without an outbox: %v", err)
	}
	other := s.Channel("tasks:2", &client.ChannelOptions{Outbox: 1})
	if _, err := other.CallOnce(t.Context(), Do, task{}); err == nil || !strings.Contains(err.Error(), "call Join first") {
		t.Errorf("a channel that was not joined: %v", err)
	}
	if _, err := other.Join[roost.Ack](t.Context(), []int{1}); err == nil || !strings.Contains(err.Error(), "no JSON object") {
		t.Errorf("parameters that have no room for the session: %v", err)
	}
}

// The protocol's part of a join reply is not for the application.
func TestJoinReplyIsWithoutTheSession(t *testing.T) {
	url := newApp(t, appOptions{}).start(t)
	p := newProxy(t, url, nil, nil)
	ch := dial(t, p.url(), client.Options{}).Channel("room:1", &client.ChannelOptions{Outbox: 1})
	rejoined := make(chan roost.Payload, 1)
	ch.OnRejoin(func(_ context.Context, p roost.Payload) { rejoined <- p })
	reply, err := ch.Join[roost.Payload](t.Context(), joining{"ada"})
	if err != nil || string(reply.Data) != `{"Name":"ada","Joins":1}` {
		t.Errorf("the join was answered %s, %v", reply.Data, err)
	}
	p.cut()
	if reply := next(t, "the rejoin", rejoined); string(reply.Data) != `{"Name":"ada","Joins":2}` {
		t.Errorf("the rejoin was answered %s", reply.Data)
	}
}

// The server goes on when the connection breaks, and the call finds its reply on the next one.
func TestCallOnceSurvivesTheConnection(t *testing.T) {
	ts := newTasks()
	p := newProxy(t, ts.app(t, roost.Options[string]{}).start(t), nil, nil)
	s := dial(t, p.url(), client.Options{})
	ch := doing(t, s, 10)
	first := start(t.Context(), ch, task{1, "wait"})
	next(t, "the callback", ts.began)
	second := start(t.Context(), ch, task{2, "never"})
	for range 3 {
		p.cut()
		eventually(t, "the loss", func() bool { return !ch.Joined() })
		eventually(t, "the rejoin", ch.Joined)
	}
	close(ts.release)
	if got := next(t, "the reply", first); got != (outcome{1, nil}) {
		t.Errorf("do: %v", got)
	}
	next(t, "the second callback", ts.began)
	p.cut()
	shut(t, s)
	if got := next(t, "the end", second); !errors.Is(got.err, client.ErrOutcomeUnknown) || !errors.Is(got.err, client.ErrClosed) {
		t.Errorf("do: %v", got.err)
	}
	ts.wantOnce(t, 2)
	wantNoGoroutines(t)
}

// A callback that crashed has had its effect; what waited behind it has not.
func TestCallOnceOfACallbackThatCrashes(t *testing.T) {
	ts := newTasks()
	ch := doing(t, dial(t, ts.app(t, roost.Options[string]{}).start(t), client.Options{}), 100)
	results := make(map[int]<-chan outcome)
	for n := 1; n <= 100; n++ {
		how := ""
		if n%10 == 0 {
			how = "crash"
		}
		results[n] = start(t.Context(), ch, task{n, how})
	}
	for n, result := range results {
		got := next(t, "the reply", result)
		e, refused := errors.AsType[*roost.Error](got.err)
		if n%10 != 0 && got != (outcome{n, nil}) || n%10 == 0 && (!refused || e.Reason != "crashed") {
			t.Errorf("task %d: %v", n, got)
		}
	}
	ts.wantOnce(t, 100)
}

// A server that lost its memory does nothing twice.
func TestCallOnceWhenTheServerRestarts(t *testing.T) {
	ts := newTasks()
	l := listen(t, "127.0.0.1:0")
	addr := l.Addr().String()
	first := ts.app(t, roost.Options[string]{})
	stop := first.serve(t, l)
	p := newProxy(t, socketURL(l), nil, nil)
	ch := doing(t, dial(t, p.url(), client.Options{}), 100)
	var results []<-chan outcome
	for n := 1; n <= 32; n++ {
		results = append(results, start(t.Context(), ch, task{n, "never"}))
		if got := next(t, "the callback", ts.began); got != n {
			t.Fatalf("task %d began, not %d", got, n)
		}
	}
	for n := 33; n <= 40; n++ { // more than are in flight
		results = append(results, start(t.Context(), ch, task{N: n}))
	}
	stop()
	ts.app(t, roost.Options[string]{}).serve(t, listen(t, addr))
	for i, result := range results {
		got := next(t, "the outcome", result)
		if n := i + 1; n <= 32 && !errors.Is(got.err, client.ErrOutcomeUnknown) || n > 32 && got != (outcome{n, nil}) {
			t.Errorf("task %d: %v", n, got)
		}
	}
	ts.wantOnce(t, 40)
}

func TestCallOnceOfAChannelThatEnds(t *testing.T) {
	ts := newTasks()
	s := dial(t, ts.app(t, roost.Options[string]{}).start(t), client.Options{})
	for _, test := range []struct {
		why error
		end func(ch *client.Channel) error
	}{
		{client.ErrClosed, func(ch *client.Channel) error { return ch.Leave(t.Context()) }},
		{client.ErrEnded, func(ch *client.Channel) error {
			_, err := ch.Call(t.Context(), Do, task{0, "finish"})
			return err
		}},
	} {
		ch := doing(t, s, 33)
		var results []<-chan outcome
		for n := 1; n <= 34; n++ {
			results = append(results, start(t.Context(), ch, task{n, "never"}))
			if n <= 32 {
				next(t, "the callback", ts.began)
			}
		}
		if err := test.end(ch); err != nil {
			t.Error(err)
		}
		for i, result := range results {
			got := next(t, "the outcome", result)
			if unknown := errors.Is(got.err, client.ErrOutcomeUnknown); !errors.Is(got.err, test.why) || unknown != (i < 32) {
				t.Errorf("%v: task %d: %v", test.why, i+1, got.err)
			}
		}
		if _, err := ch.CallOnce(t.Context(), Do, task{}); !errors.Is(err, test.why) || errors.Is(err, client.ErrOutcomeUnknown) {
			t.Errorf("%v: a call after it: %v", test.why, err)
		}
		next(t, "the end of the channel", ch.Done())
	}
}

func TestCallOnceWhoseContextEnds(t *testing.T) {
	bubbleOf(t, roost.Options[string]{}, func(t *testing.T, ts *tasks, p *pipes, o client.Options) {
		o.Reconnect = func(int) time.Duration { return time.Hour }
		s := dialIn(t, o)
		ch := doing(t, s, 2)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := ch.CallOnce(ctx, Do, task{N: 1}); !errors.Is(err, context.Canceled) || errors.Is(err, client.ErrInterrupted) {
			t.Errorf("with a context that has ended: %v", err)
		}

		sent := start(within(t, time.Minute), ch, task{1, "never"})
		<-ts.began
		p.cut()
		synctest.Wait()
		waiting := start(within(t, time.Second), ch, task{N: 2})
		synctest.Wait()
		full := start(within(t, time.Millisecond), ch, task{N: 3})
		began := time.Now()
		if got := <-full; !errors.Is(got.err, context.DeadlineExceeded) || !strings.Contains(got.err.Error(), "the outbox is full") {
			t.Errorf("with a full outbox: %v", got.err)
		}
		if got := <-waiting; !errors.Is(got.err, context.DeadlineExceeded) || errors.Is(got.err, client.ErrInterrupted) {
			t.Errorf("without a connection: %v", got.err)
		}
		if got := <-sent; !errors.Is(got.err, context.DeadlineExceeded) || !errors.Is(got.err, client.ErrInterrupted) {
			t.Errorf("sent, and without a connection: %v", got.err)
		}
		if took := time.Since(began); took != time.Minute {
			t.Errorf("it took %v", took)
		}
		// Without a limit it waits as long as it takes; and nothing is left of the others.
		if r, err := ch.CallOnce(t.Context(), Do, task{N: 4}); err != nil || r.N != 4 {
			t.Errorf("do: %v, %v", r, err)
		}
		if took := time.Since(began); took != time.Hour || ts.done(1) != 1 || ts.done(2)+ts.done(3) != 0 {
			t.Errorf("after %v the tasks were done %v", took, ts.effects)
		}
		shut(t, s)
	})
}

func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func TestCallsWaitForRoomInTheOutbox(t *testing.T) {
	ts := newTasks()
	ch := doing(t, dial(t, ts.app(t, roost.Options[string]{}).start(t), client.Options{}), 1)
	first := start(t.Context(), ch, task{1, "wait"})
	next(t, "the callback", ts.began)
	second := start(t.Context(), ch, task{N: 2})
	close(ts.release)
	for n, result := range []<-chan outcome{first, second} {
		if got := next(t, "the reply", result); got != (outcome{n + 1, nil}) {
			t.Errorf("task %d: %v", n+1, got)
		}
	}
	ts.wantOnce(t, 2)
}

// What a busy server would not handle is sent again until it does, and not so often that the server closes the connection.
func TestCallOnceOfAServerThatIsBusy(t *testing.T) {
	for name, o := range map[string]roost.Options[string]{
		"mailbox": {MailboxLen: 1},
		"rate":    {Messages: roost.Rate{PerSecond: 200, Burst: 40}}, // more than are in flight
	} {
		t.Run(name, func(t *testing.T) {
			bubbleOf(t, o, func(t *testing.T, ts *tasks, p *pipes, o client.Options) {
				s := dialIn(t, o)
				ch := doing(t, s, 1000)
				var results []<-chan outcome
				for n := 1; n <= 1000; n++ {
					results = append(results, start(t.Context(), ch, task{N: n}))
				}
				began := time.Now()
				for i, result := range results {
					if got := <-result; got != (outcome{i + 1, nil}) {
						t.Errorf("task %d: %v", i+1, got)
					}
				}
				ts.wantOnce(t, 1000)
				if n, took := p.dials.Load(), time.Since(began); n != 1 || took > time.Minute {
					t.Errorf("it took %d connections and %v", n, took)
				}
				shut(t, s)
			})
		})
	}
}

// What is too large for one side does not end one connection after the other.
func TestCallOnceThatIsTooLarge(t *testing.T) {
	ts := newTasks()
	ch := doing(t, dial(t, ts.app(t, roost.Options[string]{}).start(t), client.Options{MaxMessage: 1000}), 10)
	if _, err := ch.CallOnce(t.Context(), DoBytes, make([]byte, 2000)); !errors.Is(err, client.ErrInterrupted) || !strings.Contains(err.Error(), "larger than 1000 bytes") {
		t.Errorf("do bytes: %v", err)
	}
	_, err := ch.CallOnce(t.Context(), Do, task{1, strings.Repeat("x", 100<<10)})
	if e, ok := errors.AsType[*client.CloseError](err); !ok || e.Code != 1009 || !errors.Is(err, client.ErrInterrupted) {
		t.Errorf("do: %v", err)
	}
	if r, err := ch.CallOnce(t.Context(), Do, task{N: 2}); err != nil || r.N != 2 {
		t.Errorf("do: %v, %v", r, err)
	}
}
