package client_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roost-dev/roost/client"
)

// networks are proxies that let no WebSocket through, each in its way.
var networks = map[string]func(w http.ResponseWriter, r *http.Request){
	"refuses": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) },
	"ignores": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) },
	"hangs":   func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
	"swallows": func(w http.ResponseWriter, r *http.Request) {
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		defer c.Close()
		_, _ = c.Write([]byte("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
			acceptOf(r) + "\r\n\r\n"))
		for buf := make([]byte, 1024); err == nil; {
			_, err = c.Read(buf)
		}
	},
}

// behind puts a proxy before a server.
func behind(proxy func(w http.ResponseWriter, r *http.Request), server http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/websocket") {
			proxy(w, r)
			return
		}
		server.ServeHTTP(w, r)
	})
}

func TestFallbackToLongPolling(t *testing.T) {
	for name, proxy := range networks {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newApp(t, appOptions{})
				a.http.Handler = behind(proxy, a.Server)
				p := newPipes()
				stop := a.serve(t, p)
				o := client.Options{Transport: &http.Transport{DialContext: p.dial}, Logger: discard, LongPollFallback: 2 * time.Second}
				began := time.Now()
				s := dialIn(t, o)
				if took := time.Since(began); took > 2*time.Second || !s.LongPolling() {
					t.Errorf("it took %v, and polls: %v", took, s.LongPolling())
				}
				ch := s.Channel("room:1", nil)
				join(t, ch)
				p.cut()
				if _, err := ch.Call(within(t, time.Minute), Say, said{}); err != nil && !errors.Is(err, client.ErrInterrupted) {
					t.Errorf("say: %v", err)
				}
				began = time.Now()
				if _, err := ch.Call(within(t, time.Minute), Say, said{}); err != nil || time.Since(began) > time.Second || !s.LongPolling() {
					t.Errorf("say: %v after %v: it stays with what works", err, time.Since(began))
				}
				shut(t, s)
				stop()

				// Without the option a WebSocket is a must.
				o.LongPollFallback, o.Timeout = 0, time.Second
				if s, err := client.Dial(within(t, time.Second), "ws://example.com/socket/websocket", &o); err == nil {
					shut(t, s)
					t.Error("it dialed")
				}
			})
		})
	}
}

// A server that is away says nothing about the network: the socket goes on with WebSockets.
func TestFallbackNeedsLongPollingToWork(t *testing.T) {
	bubble(t, appOptions{}, func(t *testing.T, _ *app, p *pipes, o client.Options) {
		o.LongPollFallback = time.Second
		p.down.Store(true)
		if _, err := client.Dial(t.Context(), "ws://example.com/socket/websocket", &o); err == nil || strings.Count(err.Error(), "down") != 2 {
			t.Errorf("dial: %v", err)
		}
		p.down.Store(false)
		s := dialIn(t, o)
		ch := s.Channel("room:1", nil)
		join(t, ch)
		p.down.Store(true)
		p.cut()
		<-time.After(time.Minute)
		p.down.Store(false)
		if _, err := ch.Call(within(t, time.Minute), Say, said{}); err != nil || s.LongPolling() {
			t.Errorf("say: %v, over long polling: %v", err, s.LongPolling())
		}
		shut(t, s)
	})
}

func TestURLOfLongPolling(t *testing.T) {
	url := strings.Replace(newApp(t, appOptions{}).start(t), "/websocket", "/longpoll", 1)
	s := dial(t, strings.Replace(url, "ws:", "http:", 1), client.Options{})
	if join(t, s.Channel("room:1", nil)); !s.LongPolling() {
		t.Error("it does not poll")
	}
}

func TestProbe(t *testing.T) {
	for name, polls := range map[string]bool{"websocket": false, "longpoll": true} {
		t.Run(name, func(t *testing.T) {
			bubble(t, appOptions{}, func(t *testing.T, _ *app, p *pipes, o client.Options) {
				closed := make(chan error, 10)
				o.LongPoll, o.Reconnect, o.OnClose = polls, never, func(err error) { closed <- err }
				s := dialIn(t, o)
				if _, err := s.Probe(t.Context()); err != nil {
					t.Errorf("probe: %v", err)
				}

				// A probe that is called off says nothing about the connection.
				p.frozen.Store(true)
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(time.Second, cancel)
				if _, err := s.Probe(ctx); !errors.Is(err, context.Canceled) || len(closed) > 0 {
					t.Errorf("probe: %v", err)
				}

				// One that is not answered ends it, and another is made at once.
				began := time.Now()
				if _, err := s.Probe(within(t, 2*time.Second)); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 2*time.Second {
					t.Errorf("probe: %v after %v", err, time.Since(began))
				}
				p.frozen.Store(false)
				if err := <-closed; !errors.Is(err, client.ErrHeartbeat) {
					t.Errorf("closed with %v", err)
				}
				join(t, s.Channel("room:1", nil))

				// Without a connection it makes one, and does not wait the pause.
				p.cut()
				<-closed
				began = time.Now()
				if _, err := s.Probe(within(t, time.Second)); err != nil || time.Since(began) > time.Second {
					t.Errorf("probe: %v after %v", err, time.Since(began))
				}
				shut(t, s)
				if _, err := s.Probe(t.Context()); !errors.Is(err, client.ErrClosed) {
					t.Errorf("probe: %v", err)
				}
			})
		})
	}
}
