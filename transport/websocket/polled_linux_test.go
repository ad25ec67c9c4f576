package websocket

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/roost-dev/roost/transport"
)

// stand is a handler behind a real server on TCP, whose clock can be put forward.
type stand struct {
	*bench
	addr   net.Addr
	ahead  atomic.Int64
	opened func(transport.Conn) // within open; may be nil
}

func newStand(t *testing.T, cfg Config, listener net.Listener) *stand {
	b := &bench{t: t, sessions: make(chan *heard, 1)}
	st := &stand{bench: b, addr: listener.Addr()}
	cfg.Accept = func(*http.Request, transport.Hello) (func(transport.Conn) transport.Session, error) {
		return func(c transport.Conn) transport.Session {
			if st.opened != nil {
				st.opened(c)
			}
			s := &heard{c, make(chan string, 100), make(chan error, 1)}
			b.sessions <- s
			return s
		}, nil
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	b.handler = New(cfg)
	clock := b.handler.clock
	b.handler.clock = func() time.Duration { return clock() + time.Duration(st.ahead.Load()) }
	b.server = &http.Server{Handler: b.handler}
	go b.server.Serve(listener)
	t.Cleanup(func() {
		b.server.Close()
		b.handler.Abort()
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := b.handler.Wait(ctx); err != nil {
			t.Errorf("Wait: %v; connections are left", err)
		}
	})
	return st
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// connect opens a connection and returns both of its ends.
func (s *stand) connect() (*user, *heard) {
	s.t.Helper()
	nc, err := net.Dial(s.addr.Network(), s.addr.String())
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { nc.Close() })
	u := &user{s.t, nc, bufio.NewReader(nc)}
	fmt.Fprint(nc, "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n")
	if res, err := http.ReadResponse(u.br, nil); err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		s.t.Fatal(res, err)
	}
	return u, <-s.sessions
}

// forward puts the clock forward. A visitor that is heard of afterwards makes
// sure that the loop has looked at it: it may be asleep, for as long as the
// clock said.
func (s *stand) forward(d time.Duration, visitor *user, session *heard) {
	s.t.Helper()
	s.ahead.Add(int64(d))
	for range 2 { // the second is read after the turn of the first
		visitor.send(0x81, "still here")
		<-session.received
	}
}

func isPolled(s *heard) bool {
	_, polled := s.Conn.(*conn).line.(*polled)
	return polled
}

// oneLoop has the pollers of a test run one loop, so that whoever is heard of
// turns it.
func oneLoop(t *testing.T) {
	was := runtime.GOMAXPROCS(2)
	t.Cleanup(func() { runtime.GOMAXPROCS(was) })
}

func TestIdleConnectionIsSmall(t *testing.T) {
	if size := unsafe.Sizeof(polled{}); size > 192 { // one more, and the allocator takes 208
		t.Errorf("%d bytes, want 192 at most", size)
	}
}

func TestIdleConnectionsCostNoGoroutine(t *testing.T) {
	const n = 200
	before := runtime.NumGoroutine()
	s := newStand(t, Config{}, listen(t))
	for range n {
		u, session := s.connect()
		u.send(0x81, "hello")
		<-session.received
	}
	waitFor(t, func() bool { return runtime.NumGoroutine() < before+n/2 },
		func() string {
			return fmt.Sprintf("%d goroutines for %d connections", runtime.NumGoroutine()-before, n)
		})
}

// waitFor waits for what must come about.
func waitFor(t *testing.T, done func() bool, state func() string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !done(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal(state())
		}
	}
}

func TestPlainConnectionsAreWatchedByThePoller(t *testing.T) {
	unix, err := net.Listen("unix", filepath.Join(t.TempDir(), "socket"))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name     string
		listener net.Listener
		cfg      Config
		want     bool
	}{
		{"TCP", listen(t), Config{}, true},
		{"Unix", unix, Config{}, true},
		{"wrapped", wrapping{listen(t)}, Config{}, false},
		{"TCP with NoPoller", listen(t), Config{NoPoller: true}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			u, session := newStand(t, tt.cfg, tt.listener).connect()
			if got := isPolled(session); got != tt.want {
				t.Errorf("polled: %t, want %t", got, tt.want)
			}
			u.send(0x81, "there")
			if got := <-session.received; got != "there" {
				t.Errorf("received %q", got)
			}
			session.Send(textFrame("and back"))
			u.want(0x81, "and back")
			u.send(0x88, "")
			u.wantClose(1000, "")
			u.wantEnd()
		})
	}
}

// wrapping is a listener whose connections are wrapped, as those of
// PROXY-protocol listeners are.
type wrapping struct{ net.Listener }

func (w wrapping) Accept() (net.Conn, error) {
	nc, err := w.Listener.Accept()
	return struct{ net.Conn }{nc}, err
}

func TestPollerClosesSilentClients(t *testing.T) {
	oneLoop(t)
	s := newStand(t, Config{}, listen(t))
	visitor, visited := s.connect()
	u, session := s.connect()
	s.forward(40*time.Second, visitor, visited)
	u.send(0x81, "not silent")
	<-session.received
	s.forward(59*time.Second, visitor, visited)
	session.Send(textFrame("what the server sends does not count"))
	u.want(0x81, "what the server sends does not count")
	s.forward(2*time.Second, visitor, visited)
	u.wantClose(1001, "idle timeout")
	if err := <-session.closed; !errors.Is(err, errIdle) {
		t.Errorf("Closed(%v)", err)
	}
}

func TestPollerPingsSilentClients(t *testing.T) {
	oneLoop(t)
	s := newStand(t, Config{Ping: 25 * time.Second}, listen(t))
	visitor, visited := s.connect()
	u, session := s.connect()
	for range 3 {
		s.forward(26*time.Second, visitor, visited)
		u.want(0x89, "")
		u.send(0x8A, "")
		u.send(0x81, "awake") // behind the pong, to know that it was read
		<-session.received
	}
	s.forward(26*time.Second, visitor, visited)
	s.forward(26*time.Second, visitor, visited)
	s.forward(9*time.Second, visitor, visited)
	u.want(0x89, "")
	u.want(0x89, "") // nobody answers any more
	u.wantClose(1001, "idle timeout")
}

func TestPollerCutsClientThatTakesNothing(t *testing.T) {
	oneLoop(t)
	s := newStand(t, Config{IdleTimeout: -1}, listen(t))
	visitor, visited := s.connect()
	_, session := s.connect()
	session.Send(textFrame(strings.Repeat("x", 20<<20)))
	s.forward(writeTimeout-time.Second, visitor, visited)
	select {
	case err := <-session.closed:
		t.Errorf("Closed(%v) too early", err)
	default:
	}
	s.forward(2*time.Second, visitor, visited)
	if err := <-session.closed; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Closed(%v)", err)
	}
}

func TestPollerDoesNotWaitForeverForTheEndOfAClient(t *testing.T) {
	oneLoop(t)
	s := newStand(t, Config{}, listen(t))
	visitor, visited := s.connect()
	u, session := s.connect()
	stuck, stuckSession := s.connect()
	stuckSession.Send(textFrame(strings.Repeat("x", 20<<20)))
	for _, end := range []*heard{session, stuckSession} {
		end.Close(transport.CloseRestart, "restart")
		if err := <-end.closed; err != nil {
			t.Errorf("Closed(%v)", err)
		}
	}
	u.wantClose(1012, "restart")
	u.wantEnd()
	s.forward(closeTimeout-time.Second, visitor, visited)
	if n := len(s.conns()); n != 3 {
		t.Errorf("%d connections are left, want 3", n)
	}
	s.forward(2*time.Second, visitor, visited)
	waitFor(t, func() bool { return len(s.conns()) == 1 }, func() string { return "the connections are still there" })
	if n, _ := io.Copy(io.Discard, stuck); n >= 20<<20 {
		t.Error("the client that did not read was waited for")
	}
}

func (s *stand) conns() []*conn {
	s.handler.mu.Lock()
	defer s.handler.mu.Unlock()
	return append([]*conn(nil), s.handler.conns...)
}

func TestPanicInASessionEndsItsPolledConnectionAlone(t *testing.T) {
	s := newStand(t, Config{}, listen(t))
	u, session := s.connect()
	other, otherSession := s.connect()
	u.send(0x81, "panic")
	u.wantClose(1011, "internal error")
	if err := <-session.closed; err == nil {
		t.Error("Closed(nil)")
	}
	other.send(0x81, "alive")
	if got := <-otherSession.received; got != "alive" {
		t.Errorf("received %q", got)
	}
}

// The loop has not begun to watch a connection while open runs, so it writes
// nothing of a burst then.
func TestBurstThatTheLoopDoesNotGetToIsNoSlowReader(t *testing.T) {
	const n = 5000
	s := newStand(t, Config{Outbox: bufferSize + 1000}, listen(t))
	s.opened = func(c transport.Conn) {
		for i := range n {
			c.Send(textFrame(fmt.Sprintf("%010d", i)))
		}
	}
	u, _ := s.connect()
	for i := range n {
		u.want(0x81, fmt.Sprintf("%010d", i))
	}
}

func TestBurstsLeaveInOrder(t *testing.T) {
	s := newStand(t, Config{}, listen(t))
	u, session := s.connect()
	const n = 5000
	go func() {
		for i := range n {
			session.Send(textFrame(fmt.Sprint(i)))
			if i%100 == 0 {
				runtime.Gosched()
			}
		}
	}()
	for i := range n {
		u.want(0x81, fmt.Sprint(i))
	}
}

// What a burst ends in may be larger than what is put together, or than the
// kernel takes; and something may wait before it.
func TestBurstAndItsNextLeaveInOrder(t *testing.T) {
	for name, cfg := range map[string]Config{"polled": {Outbox: 64 << 20}, "parked": {Outbox: 64 << 20, NoPoller: true}} {
		t.Run(name, func(t *testing.T) {
			s := newStand(t, cfg, listen(t))
			u, session := s.connect()
			if got := isPolled(session); got == cfg.NoPoller {
				t.Fatalf("polled is %v", got)
			}
			shared := &transport.Burst{}
			for i := range 100 {
				shared.Frames = append(shared.Frames, textFrame(fmt.Sprint("shared ", i)))
			}
			large := &transport.Burst{Frames: []*transport.Frame{textFrame(strings.Repeat("x", 8<<20))}}
			for i, next := range []*transport.Burst{nil, shared, large, shared} {
				session.Send(textFrame(fmt.Sprint("before ", i)))
				session.SendBurst(&transport.Burst{Frames: []*transport.Frame{textFrame(fmt.Sprint("own ", i))}, Next: next})
				session.Send(textFrame(fmt.Sprint("behind ", i)))
			}
			for i, next := range []*transport.Burst{nil, shared, large, shared} {
				u.want(0x81, fmt.Sprint("before ", i))
				u.want(0x81, fmt.Sprint("own ", i))
				if err := next.Each(func(f *transport.Frame) error { u.want(0x81, string(f.Payload())); return nil }); err != nil {
					t.Fatal(err)
				}
				u.want(0x81, fmt.Sprint("behind ", i))
			}
		})
	}
}
