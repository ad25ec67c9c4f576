package websocket

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roost-dev/roost/transport"
)

// The tests of this file run a real HTTP server over pipes, in virtual time.
// A bubble does not end while a goroutine of it is left.

// pipes is a listener whose connections are pipes: a write waits for its read.
type pipes chan net.Conn

func (p pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }
func (p pipes) Close() error   { close(p); return nil }
func (p pipes) Accept() (net.Conn, error) {
	if nc, ok := <-p; ok {
		return nc, nil
	}
	return nil, net.ErrClosed
}

// heard is a session that passes on what it is told.
type heard struct {
	transport.Conn
	received chan string
	closed   chan error
}

func (s *heard) Receive(data []byte, _ bool) error {
	if string(data) == "panic" {
		panic("as told")
	}
	s.received <- string(data)
	return nil
}

func (s *heard) Closed(err error) { s.closed <- err }

// bench is a handler behind a server, within a bubble.
type bench struct {
	t        *testing.T
	handler  *Handler
	pipes    pipes
	server   *http.Server
	sessions chan *heard
}

func newBench(t *testing.T, cfg Config) *bench {
	b := &bench{t: t, pipes: make(pipes), sessions: make(chan *heard, 1)}
	cfg.Accept = func(*http.Request, transport.Hello) (func(transport.Conn) transport.Session, error) {
		return func(c transport.Conn) transport.Session {
			s := &heard{c, make(chan string, 100), make(chan error, 1)}
			b.sessions <- s
			return s
		}, nil
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	b.handler = New(cfg)
	b.server = &http.Server{Handler: b.handler, ReadTimeout: time.Second, WriteTimeout: time.Second}
	go b.server.Serve(b.pipes)
	t.Cleanup(func() { b.server.Close() })
	return b
}

// user is the client's end of a pipe.
type user struct {
	t *testing.T
	net.Conn
	br *bufio.Reader
}

// request sends a handshake, header being further lines of it.
func (b *bench) request(header string) *user {
	near, far := net.Pipe()
	b.pipes <- far
	b.t.Cleanup(func() { near.Close() })
	fmt.Fprint(near, "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"+header+"\r\n")
	return &user{b.t, near, bufio.NewReader(near)}
}

func (b *bench) connect() (*user, *heard) {
	b.t.Helper()
	return b.connectWith("")
}

func (b *bench) connectWith(header string) (*user, *heard) {
	b.t.Helper()
	u := b.request(header)
	res, err := http.ReadResponse(u.br, nil)
	if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		b.t.Fatal(res, err)
	}
	return u, <-b.sessions
}

func (u *user) send(first byte, payload string) {
	u.t.Helper()
	if _, err := u.Write(clientFrame(first, payload)); err != nil {
		u.t.Fatal(err)
	}
}

// want reads one frame and compares it.
func (u *user) want(first byte, payload string) {
	u.t.Helper()
	b := make([]byte, len(appendHeader(nil, first, len(payload)))+len(payload))
	if _, err := io.ReadFull(u.br, b); err != nil {
		u.t.Fatal(err)
	}
	if want := string(appendHeader(nil, first, len(payload))) + payload; string(b) != want {
		u.t.Fatalf("frame %.100q, want %.100q", b, want)
	}
}

func (u *user) wantClose(code transport.CloseCode, reason string) {
	u.t.Helper()
	u.want(0x88, string(binary.BigEndian.AppendUint16(nil, uint16(code)))+reason)
}

func (u *user) wantEnd() {
	u.t.Helper()
	if b, err := u.br.ReadByte(); err != io.EOF {
		u.t.Errorf("byte %#x, error %v, want the end", b, err)
	}
}

func textFrame(payload string) *transport.Frame {
	return transport.NewFrame(append(make([]byte, transport.Headroom), payload...), false)
}

func TestIdleTimeoutCountsFromTheLastByteOfTheClient(t *testing.T) {
	for _, frame := range [][]byte{clientFrame(0x81, "text"), clientFrame(0x89, "ping"), clientFrame(0x8A, ""), {0x81}} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, Config{})
			u, s := b.connect()
			time.Sleep(40 * time.Second)
			if _, err := u.Write(frame); err != nil {
				t.Fatal(err)
			}
			if frame[0] == 0x89 {
				u.want(0x8A, "ping")
			}
			last := time.Now()
			time.Sleep(30 * time.Second)
			s.Send(textFrame("what the server sends does not count"))
			u.want(0x81, "what the server sends does not count")
			u.wantClose(1001, "idle timeout")
			if silence := time.Since(last); silence != 60*time.Second {
				t.Errorf("closed after %v of silence, want 60s", silence)
			}
			u.send(0x88, "\x03\xe9")
			u.wantEnd()
			if err := <-s.closed; !errors.Is(err, errIdle) {
				t.Errorf("Closed(%v)", err)
			}
		})
	}
}

func TestIdleTimeoutCanBeTurnedOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u, s := newBench(t, Config{IdleTimeout: -1}).connect()
		time.Sleep(1000 * time.Hour)
		u.send(0x81, "back")
		if got := <-s.received; got != "back" {
			t.Errorf("received %q", got)
		}
	})
}

func TestPingsGoToSilentClients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u, s := newBench(t, Config{Ping: 25 * time.Second}).connect()
		start := time.Now()
		for range 10 { // a sleeping tab, whose browser answers
			u.want(0x89, "")
			u.send(0x8A, "")
		}
		if took := time.Since(start); took != 250*time.Second {
			t.Errorf("10 pings within %v, want 250s", took)
		}
		time.Sleep(20 * time.Second)
		u.send(0x81, "awake")
		<-s.received
		start = time.Now()
		u.want(0x89, "")
		if took := time.Since(start); took != 25*time.Second {
			t.Errorf("ping %v after the last message, want 25s", took)
		}
		u.want(0x89, "") // nobody answers any more
		u.wantClose(1001, "idle timeout")
		if took := time.Since(start); took != 60*time.Second {
			t.Errorf("closed after %v of silence, want 60s", took)
		}
	})
}

func TestClientThatTakesNothingIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u, s := newBench(t, Config{}).connect()
		start := time.Now()
		s.Send(textFrame("nobody reads this"))
		if err := <-s.closed; err == nil || time.Since(start) != writeTimeout {
			t.Errorf("Closed(%v) after %v, want an error after %v", err, time.Since(start), writeTimeout)
		}
		u.wantEnd()
	})
}

func TestClientThatTakesALargeFrameSlowlyIsNotCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u, s := newBench(t, Config{IdleTimeout: -1}).connect()
		large := strings.Repeat("x", 5*pieceSize)
		s.Send(textFrame(large))
		head := make([]byte, 10)
		if _, err := io.ReadFull(u.br, head); err != nil {
			t.Fatal(err)
		}
		for range 5 {
			time.Sleep(writeTimeout - time.Second)
			if _, err := io.ReadFull(u.br, make([]byte, pieceSize)); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestSlowClientGetsWholeFramesAndThenItsClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u, s := newBench(t, Config{Outbox: 150_000}).connect()
		first := strings.Repeat("1", 100_000)
		s.Send(textFrame(first))
		synctest.Wait() // the writer is stuck in the middle of the first frame
		s.Send(textFrame(strings.Repeat("2", 100_000)))
		s.Send(textFrame("over the bound"))
		if err := <-s.closed; !errors.Is(err, transport.ErrSlow) {
			t.Errorf("Closed(%v)", err)
		}
		s.Send(textFrame("after"))
		time.Sleep(closeTimeout - time.Second)
		u.want(0x81, first)
		u.wantClose(1013, "slow reader")
	})
}

func TestSlowClientThatNeverReadsIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Config{Outbox: 1000})
		_, s := b.connect()
		s.Send(textFrame(strings.Repeat("1", 100_000)))
		synctest.Wait()
		start := time.Now()
		s.Send(textFrame("over the bound"))
		<-s.closed
		if err := b.handler.Wait(t.Context()); err != nil || time.Since(start) != closeTimeout {
			t.Errorf("Wait: %v after %v, want nil after %v", err, time.Since(start), closeTimeout)
		}
	})
}

func TestCloseDoesNotWaitForeverForTheClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Config{})
		u, s := b.connect()
		start := time.Now()
		s.Close(transport.CloseRestart, "restart")
		if err := <-s.closed; err != nil || time.Since(start) != 0 {
			t.Errorf("Closed(%v) after %v, want nil at once", err, time.Since(start))
		}
		u.wantClose(1012, "restart")
		u.wantEnd() // the client does not answer the close frame
		if err := b.handler.Wait(t.Context()); err != nil || time.Since(start) != closeTimeout {
			t.Errorf("Wait: %v after %v, want nil after %v", err, time.Since(start), closeTimeout)
		}
	})
}

func TestCloseDoesNotWaitForeverForWhatWasSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Config{})
		u, s := b.connect()
		s.Send(textFrame(strings.Repeat("x", 10*pieceSize)))
		start := time.Now()
		s.Close(transport.CloseRestart, "restart")
		var client sync.WaitGroup
		client.Go(func() { // takes one piece every two seconds
			for range 10 {
				time.Sleep(2 * time.Second)
				_, _ = io.ReadFull(u.br, make([]byte, pieceSize))
			}
		})
		if err := b.handler.Wait(t.Context()); err != nil || time.Since(start) != closeTimeout {
			t.Errorf("Wait: %v after %v, want nil after %v", err, time.Since(start), closeTimeout)
		}
		client.Wait()
	})
}

func TestCloseOfTheClientIsAnsweredBehindWhatWasSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u, s := newBench(t, Config{}).connect()
		s.Send(textFrame("before"))
		u.send(0x88, "\x03\xe8")
		if err := <-s.closed; err != nil {
			t.Errorf("Closed(%v)", err)
		}
		u.want(0x81, "before")
		u.wantClose(1000, "")
		u.wantEnd()
	})
}

func TestPongsDoNotPileUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u, _ := newBench(t, Config{}).connect()
		u.send(0x89, "first")
		synctest.Wait() // the writer is stuck in its pong
		for i := range 1000 {
			u.send(0x89, fmt.Sprint(i))
		}
		synctest.Wait()
		u.want(0x8A, "first")
		u.want(0x8A, "999")
		u.send(0x88, "")
		u.wantClose(1000, "")
	})
}

func TestCloseFrameOfTheClientEndsTheWaitForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Config{})
		u, s := b.connect()
		start := time.Now()
		s.Close(transport.CloseGoingAway, "")
		u.wantClose(1001, "")
		u.send(0x81, "on its way when the server closed")
		u.send(0x88, "\x03\xe9")
		u.wantEnd()
		if err := b.handler.Wait(t.Context()); err != nil || time.Since(start) != 0 {
			t.Errorf("Wait: %v after %v, want nil at once", err, time.Since(start))
		}
	})
}

func TestConnectionThatDoesNotTakeTheAnswerIsNotOpened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Config{})
		b.request("")
		start := time.Now()
		synctest.Wait() // the server writes its answer
		if err := b.handler.Wait(t.Context()); err != nil || time.Since(start) != writeTimeout {
			t.Errorf("Wait: %v after %v, want nil after %v", err, time.Since(start), writeTimeout)
		}
		select {
		case <-b.sessions:
			t.Error("opened")
		default:
		}
	})
}

func TestPanicInASessionEndsItsConnectionAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		b := newBench(t, Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
		u, s := b.connect()
		other, otherSession := b.connect()
		u.send(0x81, "panic")
		u.wantClose(1011, "internal error")
		if err := <-s.closed; err == nil {
			t.Error("Closed(nil)")
		}
		other.send(0x81, "alive")
		if got := <-otherSession.received; got != "alive" {
			t.Errorf("received %q", got)
		}
		if !strings.Contains(log.String(), "as told") || !strings.Contains(log.String(), "conn_test.go") {
			t.Errorf("the log names neither the panic nor its place: %s", &log)
		}
	})
}
