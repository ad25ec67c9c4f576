// Package transporttest holds the suites that transports must pass. Each runs
// the real transport behind a real HTTP server, over TCP and over TLS.
package transporttest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"time"

	"github.com/roost-dev/roost/transport"
)

// Config is what the suite asks of a WebSocket transport. Zero means the
// transport's default, as in the transport's own configuration.
type Config struct {
	Accept      transport.Accept
	MaxMessage  int           // bytes of payload
	IdleTimeout time.Duration // without a byte of the client
	Outbox      int           // bytes waiting to be written
	Compress    bool          // permessage-deflate
}

// Handler is a WebSocket transport, as far as the suite needs it.
type Handler interface {
	http.Handler

	// Wait returns nil once no connection is left.
	Wait(ctx context.Context) error

	// Abort cuts all connections.
	Abort()
}

// WebSocket runs the suite against the handlers that newHandler makes.
func WebSocket(t *testing.T, newHandler func(Config) Handler) {
	for _, mode := range []string{"tcp", "tls"} {
		t.Run(mode, func(t *testing.T) {
			before := runtime.NumGoroutine()
			for _, test := range webSocketTests {
				t.Run(test.name, func(t *testing.T) {
					test.run(&suite{t: t, newHandler: newHandler, tls: mode == "tls"})
				})
			}
			wantGoroutines(t, before)
		})
	}
}

var webSocketTests = []struct {
	name string
	run  func(*suite)
}{
	{"messages arrive whole and in order, however they were sent", (*suite).receives},
	{"frames leave in the order of Send", (*suite).sends},
	{"a frame may be larger than the outbox", (*suite).sendsLarge},
	{"what follows the request in the same packet is delivered", (*suite).early},
	{"a ping between fragments is answered at once", (*suite).pingBetweenFragments},
	{"a client that pings and does not read gets the latest pong", (*suite).pingFlood},
	{"the client's close is answered", (*suite).peerCloses},
	{"nothing behind a close frame is received", (*suite).silenceBehindClose},
	{"Close sends what came before it, then its code", (*suite).closes},
	{"no Receive follows Close", (*suite).closesWithin},
	{"a reason is cut between characters, and always UTF-8", (*suite).longReason},
	{"bytes that break the rules end the connection with their code", (*suite).violations},
	{"the size of messages is bounded", (*suite).sizes},
	{"a malformed message closes with its error", (*suite).malformed},
	{"a silent client is closed so that it comes back", (*suite).idle},
	{"a slow reader is closed, and nobody else", (*suite).slowReader},
	{"concurrent Sends keep frames whole, and each sender's order", (*suite).concurrentSends},
	{"Close amid Sends cuts no frame", (*suite).closeAmidSends},
	{"a client that goes away is noticed", (*suite).goesAway},
	{"compressed messages pass both ways", (*suite).compressed},
	{"Abort cuts what is left", (*suite).abort},
	{"what is sent right before the end arrives, and the end is noticed", (*suite).lastWords},
	{"many slow readers are closed, and nobody waits for them", (*suite).stalled},
	{"while connections come and go, each gets only what is meant for it", (*suite).addresseesUnderChurn},
}

// suite is the ground of one test.
type suite struct {
	t          *testing.T
	newHandler func(Config) Handler
	tls        bool
}

// server is a handler at work.
type server struct {
	t        *testing.T
	acceptor *acceptor
	handler  Handler
	http     *httptest.Server
}

// start runs a handler whose sessions behave as a says, and checks at the end
// of the test that it leaves nothing behind.
func (s *suite) start(cfg Config, a *acceptor) *server {
	a.t = s.t
	if !a.unawaited {
		a.sessions = make(chan *session, 16)
	}
	cfg.Accept = a.accept
	srv := &server{t: s.t, acceptor: a, handler: s.newHandler(cfg)}
	srv.http = httptest.NewUnstartedServer(srv.handler)
	if s.tls {
		srv.http.StartTLS()
	} else {
		srv.http.Start()
	}
	s.t.Cleanup(func() { // after the cleanups of the clients, which hang up
		srv.http.Close()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := srv.handler.Wait(ctx); err != nil {
			s.t.Errorf("Wait: %v; connections are left", err)
		}
	})
	return srv
}

// wantGoroutines waits until no more goroutines run than before.
func wantGoroutines(t *testing.T, before int) {
	t.Helper()
	for deadline := time.Now().Add(patience); runtime.NumGoroutine() > before; runtime.Gosched() {
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<20)
			t.Fatalf("%d goroutines, %d before the tests:\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
		}
	}
}
