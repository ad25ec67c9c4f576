package client_test

import (
	"context"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/client"
	"github.com/roost-dev/roost/history"
)

// How a session goes from long polling to a WebSocket (spec/protocol.md §23).

// fallenBack runs a test in virtual time, with a client that fell back because of a network that lets WebSockets through once it is open.
func fallenBack(t *testing.T, proxy func(w http.ResponseWriter, r *http.Request), test func(t *testing.T, a *app, p *pipes, open *atomic.Bool, s *client.Socket, closed chan error)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		a := newApp(t, appOptions{keep: &history.Keep{Count: 10_000}})
		var open atomic.Bool
		blocked := behind(proxy, a.Server)
		a.http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if open.Load() {
				a.ServeHTTP(w, r)
				return
			}
			blocked.ServeHTTP(w, r)
		})
		p := newPipes()
		stop := a.serve(t, p)
		closed := make(chan error, 10)
		s := dialIn(t, client.Options{
			Transport: &http.Transport{DialContext: p.dial}, Logger: discard, LongPollFallback: time.Second,
			OnClose: func(err error) { closed <- err },
		})
		test(t, a, p, &open, s, closed)
		shut(t, s)
		stop()
	})
}

func TestSessionGoesOnOverAWebSocket(t *testing.T) {
	fallenBack(t, networks["refuses"], func(t *testing.T, a *app, p *pipes, open *atomic.Bool, s *client.Socket, closed chan error) {
		ch := s.Channel("log:1", &client.ChannelOptions{History: true})
		d := keep(ch)
		join(t, ch)
		publish(t, a, "log:1", 1, 5, none)
		open.Store(true)
		began := time.Now()
		say := 0
		for n := 6; s.LongPolling() && n < 20_000; n++ { // events and calls all the way
			publish(t, a, "log:1", n, n, none)
			if say++; say%10 == 0 {
				if r, err := ch.Call(t.Context(), Say, said{}); err != nil || r.N != say/10 {
					t.Fatalf("say: %v, %v: it is another conversation", r, err)
				}
			}
			<-time.After(5 * time.Millisecond)
		}
		if took := time.Since(began); took > 31*time.Second || s.LongPolling() {
			t.Errorf("polling goes on: %v, after %v", s.LongPolling(), took)
		}
		last := 5 + say
		publish(t, a, "log:1", last+1, last+1, none)
		synctest.Wait()
		checkSequence(t, d, last+1, false)
		if slices.Contains(d.read(), "rejoined") || len(closed) > 0 {
			t.Error("it was interrupted")
		}
		if r, err := ch.Call(t.Context(), Say, said{}); err != nil || r.N != say/10+1 {
			t.Errorf("say: %v, %v", r, err)
		}

		// It is a WebSocket like any other: heartbeats keep it, and its loss is seen.
		dials := p.dials.Load()
		<-time.After(time.Hour)
		if len(closed) > 0 || p.dials.Load() != dials {
			t.Errorf("%d ends and %d dials in an hour", len(closed), p.dials.Load()-dials)
		}
		p.cut()
		<-closed
		if _, err := ch.Call(within(t, time.Minute), Greet, said{}); err != nil || s.LongPolling() {
			t.Errorf("greet: %v, over long polling: %v", err, s.LongPolling())
		}
	})
}

func TestNetworkThatStaysAsItIs(t *testing.T) {
	for name, proxy := range networks {
		t.Run(name, func(t *testing.T) {
			fallenBack(t, proxy, func(t *testing.T, _ *app, _ *pipes, open *atomic.Bool, s *client.Socket, closed chan error) {
				ch := s.Channel("room:1", nil)
				join(t, ch)
				for n := 1; n <= 60; n++ {
					<-time.After(time.Minute)
					if r, err := ch.Call(within(t, time.Second), Say, said{}); err != nil || r.N != n {
						t.Fatalf("say: %v, %v: polling was disturbed", r, err)
					}
				}
				if len(closed) > 0 || !s.LongPolling() {
					t.Errorf("closed with %v", <-closed)
				}
				open.Store(true) // and who knows of it need not wait
				if _, err := s.Probe(t.Context()); err != nil {
					t.Error(err)
				}
				<-time.After(11 * time.Second) // the try under way may be of before
				if _, err := s.Probe(t.Context()); err != nil {
					t.Error(err)
				}
				<-time.After(time.Second)
				if s.LongPolling() {
					t.Error("polling goes on")
				}
			})
		})
	}
}

// What a WebSocket can do is there: to carry bytes, and to compress.
func TestSessionThatWentToAWebSocketHasWhatOneHas(t *testing.T) {
	a := newApp(t, appOptions{options: roost.Options[string]{WebSocket: roost.WebSocket{Compress: true}}})
	var open atomic.Bool
	blocked := behind(networks["refuses"], a.Server)
	a.http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if open.Load() {
			a.ServeHTTP(w, r)
			return
		}
		blocked.ServeHTTP(w, r)
	})
	url := a.start(t)
	p := newProxy(t, url, nil, nil)
	s := dial(t, url, client.Options{LongPollFallback: time.Minute, Transport: upgradesBy{p}, Compress: true})
	ch := s.Channel("room:1", nil)
	join(t, ch)
	open.Store(true)
	if _, err := s.Probe(t.Context()); err != nil {
		t.Error(err)
	}
	eventually(t, "a WebSocket", func() bool { return !s.LongPolling() })
	const size = 50_000
	if _, err := ch.Call(t.Context(), Say, said{Text: strings.Repeat("compressible ", size/13)}); err != nil {
		t.Errorf("say: %v", err)
	}
	if got, err := ch.Call(t.Context(), Bytes, []byte{0xff}); err != nil || string(got) != "got \xff" {
		t.Errorf("bytes: %q, %v", got, err)
	}
	if up := p.carriedUp.Load(); up == 0 || up > size/5 {
		t.Errorf("%d bytes went", up)
	}
}

// Clients that fell back together do not try together: each takes up to half less than the time.
func TestTriesOfUpgradesAreSpread(t *testing.T) {
	var mu sync.Mutex // guards what follows
	var tries []time.Time
	blocked := func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.Header.Get("Sec-Websocket-Protocol"), "roost.upgrade") {
			mu.Lock()
			tries = append(tries, time.Now())
			mu.Unlock()
		}
		w.WriteHeader(http.StatusForbidden)
	}
	fallenBack(t, blocked, func(t *testing.T, _ *app, _ *pipes, _ *atomic.Bool, _ *client.Socket, _ chan error) {
		last := time.Now()
		<-time.After(20 * time.Minute)
		mu.Lock()
		defer mu.Unlock()
		for i, most := range []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 5 * time.Minute} {
			if waited := tries[i].Sub(last); waited < most/2 || waited >= most {
				t.Errorf("it waited %v, want a part of %v", waited, most)
			}
			last = tries[i]
		}
	})
}

// Who asked for long polling gets it.
func TestLongPollingThatIsChosenStays(t *testing.T) {
	bubble(t, appOptions{}, func(t *testing.T, _ *app, _ *pipes, o client.Options) {
		o.LongPoll, o.LongPollFallback = true, time.Second
		s := dialIn(t, o)
		<-time.After(10 * time.Minute)
		if !s.LongPolling() {
			t.Error("it is a WebSocket")
		}
		shut(t, s)
	})
}

// upgradesBy has WebSockets, and nothing else, go by a proxy.
type upgradesBy struct{ *proxy }

func (p upgradesBy) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Header.Get("Upgrade") == "" {
		return http.DefaultTransport.RoundTrip(r)
	}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", p.listener.Addr().String())
	}
	return (&http.Transport{DialContext: dial, DisableKeepAlives: true}).RoundTrip(r)
}

// TestUpgradeCutAtEveryByte cuts either side of the WebSocket that a session is to go to behind each byte (in short: each 13th): nothing
// is lost, and all is done once.
func TestUpgradeCutAtEveryByte(t *testing.T) {
	ts := newTasks()
	a := ts.app(t, roost.Options[string]{})
	var open atomic.Bool
	blocked := behind(networks["refuses"], a.Server)
	a.http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if open.Load() {
			a.ServeHTTP(w, r)
			return
		}
		blocked.ServeHTTP(w, r)
	})
	url := a.start(t)
	last := 0
	talk := func(down, up int) (moved bool) {
		open.Store(false)
		limitOf := func(limit int) func() int { // for the first that is let through
			n := 0
			return func() int {
				if !open.Load() {
					return -1
				}
				if n++; n > 1 {
					return -1
				}
				return limit
			}
		}
		p := newProxy(t, url, limitOf(down), limitOf(up))
		s := dial(t, url, client.Options{Params: named("ada"), LongPollFallback: time.Minute, Transport: upgradesBy{p}})
		ch := doing(t, s, 20)
		call := func() <-chan outcome {
			last++
			return start(t.Context(), ch, task{last, ""})
		}
		next(t, "a reply", call())
		open.Store(true)
		if _, err := s.Probe(t.Context()); err != nil {
			t.Errorf("cut at %d and %d: probe: %v", down, up, err)
		}
		for range 10 {
			if got := next(t, "the reply", call()); got != (outcome{last, nil}) {
				t.Errorf("cut at %d and %d: task %d: %v", down, up, last, got)
			}
		}
		eventuallyOr(time.Second, func() bool { return !s.LongPolling() || down >= 0 || up >= 0 })
		return !s.LongPolling()
	}
	if !talk(-1, -1) {
		t.Fatal("the session did not go to the WebSocket")
	}
	step, moves, stays := 13, 0, 0
	if os.Getenv("ROOST_SOAK") != "" {
		step = 1
	}
	for limit := 1; limit < 900; limit += step {
		for _, moved := range []bool{talk(limit, -1), talk(-1, limit)} {
			if moved {
				moves++
			} else {
				stays++
			}
		}
	}
	ts.wantOnce(t, last)
	if t.Logf("%d sessions went, %d stayed", moves, stays); moves == 0 || stays == 0 {
		t.Error("the cuts were all at one end")
	}
}
