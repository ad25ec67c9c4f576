package client_test

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/client"
	"github.com/roost-dev/roost/internal/ws"
)

// When servers ask clients to stay away (spec/protocol.md §22).

// wantStay fails unless a client stayed away as long as it was asked to, and for a random time of at most half of that.
func wantStay(t *testing.T, what string, took, asked time.Duration) {
	t.Helper()
	const work = 50 * time.Millisecond // of its own schedule, and of the network
	if took < asked || took > asked+asked/2+work {
		t.Errorf("%s: the client stayed away for %v, asked for %v", what, took, asked)
	}
}

func TestRefusedConnectionIsNotTriedTooEarly(t *testing.T) {
	for name, polls := range map[string]bool{"websocket": false, "longpoll": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newApp(t, appOptions{})
				var full atomic.Bool
				a.http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if full.CompareAndSwap(true, false) {
						w.Header().Set("Retry-After", "60")
						w.WriteHeader(http.StatusServiceUnavailable)
						return
					}
					a.ServeHTTP(w, r)
				})
				p := newPipes()
				stop := a.serve(t, p)
				closed := make(chan error, 10)
				o := client.Options{
					Transport: &http.Transport{DialContext: p.dial}, Logger: discard, LongPoll: polls, LongPollFallback: time.Second,
					Reconnect: soon, OnClose: func(err error) { closed <- err },
				}
				full.Store(true)
				_, err := client.Dial(t.Context(), "ws://example.com/socket/websocket", &o)
				if e, ok := errors.AsType[*client.RefusedError](err); !ok || e.Status != 503 || e.RetryAfter != time.Minute {
					t.Errorf("dial: %v", err)
				}
				<-closed
				s := dialIn(t, o)
				join(t, s.Channel("room:1", nil))
				synctest.Wait() // until a poll waits, which is not to be the one that is refused
				full.Store(true)
				p.cut()
				<-closed
				<-closed
				began := time.Now()
				ctx := within(t, 10*time.Second)
				if _, err := s.Probe(ctx); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("a probe was answered: %v", err)
				}
				eventuallyConnected(s)
				wantStay(t, "refused", time.Since(began), time.Minute)
				shut(t, s)
				stop()
			})
		})
	}
}

// eventuallyConnected waits in virtual time.
func eventuallyConnected(s *client.Socket) {
	for !s.Connected() {
		<-time.After(10 * time.Millisecond)
	}
}

// A server that goes gives its sockets places in a line.
func TestServerThatGoesSaysWhenToComeBack(t *testing.T) {
	for name, polls := range map[string]bool{"websocket": false, "longpoll": true} {
		t.Run(name, func(t *testing.T) {
			o := appOptions{options: roost.Options[string]{ReturnRate: 1}}
			bubble(t, o, func(t *testing.T, a *app, _ *pipes, o client.Options) {
				closed := make(chan error, 10)
				o.LongPoll, o.Reconnect, o.OnClose = polls, never, func(err error) { closed <- err }
				sockets := []*client.Socket{dialIn(t, o), dialIn(t, o), dialIn(t, o)}
				synctest.Wait()
				go func() { _ = a.Shutdown(context.Background()) }()
				asked := map[time.Duration]int{}
				for range sockets {
					if e, ok := errors.AsType[*client.CloseError](<-closed); !ok || e.Code != codeOf(polls, 1012) {
						t.Errorf("closed with %v", e)
					} else {
						asked[e.RetryAfter]++
					}
				}
				if asked[0] != 1 || len(asked) != 3 {
					t.Errorf("they were asked to stay away for %v", asked)
				}
				for _, s := range sockets {
					shut(t, s)
				}
			})
		})
	}
}

// What a close frame may say, and who is believed.
func TestCloseReasonsThatAskToStayAway(t *testing.T) {
	for frame, want := range map[string]client.CloseError{
		"\x03\xF4server shuts down; retry_after_ms=1500":  {Code: 1012, Reason: "server shuts down", RetryAfter: 1500 * time.Millisecond},
		"\x03\xF5; retry_after_ms=7":                      {Code: 1013, RetryAfter: 7 * time.Millisecond},
		"\x03\xF4gone; retry_after_ms=0":                  {Code: 1012, Reason: "gone; retry_after_ms=0"},
		"\x03\xF4gone; retry_after_ms=-5":                 {Code: 1012, Reason: "gone; retry_after_ms=-5"},
		"\x03\xF4gone; retry_after_ms=1234567890":         {Code: 1012, Reason: "gone; retry_after_ms=1234567890"},
		"\x03\xF4gone; retry_after_ms=5s":                 {Code: 1012, Reason: "gone; retry_after_ms=5s"},
		"\x03\xE9of another code; retry_after_ms=5":       {Code: 1001, Reason: "of another code; retry_after_ms=5"},
		"\x03\xF4retry_after_ms=5; retry_after_ms=6 soon": {Code: 1012, Reason: "retry_after_ms=5; retry_after_ms=6 soon"},
	} {
		url := listenRaw(t, func(p *peer) {
			if p.accept() == nil {
				p.raw(ws.AppendServer(nil, ws.Close, []byte(frame))...)
				p.untilClosed()
			}
		})
		closed := make(chan error, 10)
		s := dial(t, url, client.Options{OnClose: func(err error) { closed <- err }, Reconnect: never})
		if e, ok := errors.AsType[*client.CloseError](next(t, "the end", closed)); !ok || *e != want {
			t.Errorf("%q: closed with %#v", frame, e)
		}
		shut(t, s)
	}
}

// It is the topic that is not joined before, on whichever connection.
func TestRefusedRejoinIsNotTriedTooEarly(t *testing.T) {
	var joins atomic.Int32
	refuse := func(_ context.Context, _ string, _ joining) error {
		if joins.Add(1) == 2 {
			return &roost.Error{Reason: "rate limited", RetryAfter: 40 * time.Second}
		}
		return nil
	}
	bubble(t, appOptions{join: refuse}, func(t *testing.T, _ *app, p *pipes, o client.Options) {
		o.Reconnect, o.Rejoin = soon, soon
		s := dialIn(t, o)
		ch := s.Channel("room:1", nil)
		errs := make(chan error, 10)
		ch.OnError(func(_ context.Context, err error) { errs <- err })
		rejoined := make(chan welcome, 1)
		ch.OnRejoin(func(_ context.Context, w welcome) { rejoined <- w })
		join(t, ch)
		p.cut()
		<-errs // the loss
		if e, ok := errors.AsType[*roost.Error](<-errs); !ok || e.RetryAfter != 40*time.Second || e.Reason != "rate limited" || e.Details != nil {
			t.Errorf("refused with %#v", e)
		}
		began := time.Now()
		<-time.After(time.Second)
		p.cut()
		<-rejoined
		wantStay(t, "the rejoin", time.Since(began), 40*time.Second)
		shut(t, s)
	})
}

// A call that is to take effect once is not sent again before that.
func TestPushThatIsAskedToWait(t *testing.T) {
	bubbleOf(t, roost.Options[string]{Messages: roost.Rate{PerSecond: 0.1, Burst: 5}}, func(t *testing.T, ts *tasks, _ *pipes, o client.Options) {
		s := dialIn(t, o)
		ch := doing(t, s, 100)
		began := time.Now()
		var results []<-chan outcome
		for n := 1; n <= 8; n++ {
			results = append(results, start(t.Context(), ch, task{N: n}))
		}
		for i, result := range results {
			if got := <-result; got != (outcome{i + 1, nil}) {
				t.Errorf("task %d: %v", i+1, got)
			}
		}
		ts.wantOnce(t, 8)
		if took := time.Since(began); took < 20*time.Second || took > 3*time.Minute {
			t.Errorf("it took %v", took)
		}
		shut(t, s)
	})
}
