package longpoll

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// These tests lose answers on real connections.

// server serves a handler over TCP and tells the test of each request.
type server struct {
	*httptest.Server
	began chan context.Context // the context of each request, as it is taken up
	ended chan struct{}        // each request, once it is done
}

func serve(t *testing.T, h http.Handler) *server {
	s := &server{began: make(chan context.Context, 10), ended: make(chan struct{}, 10)}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.began <- r.Context()
		defer func() { s.ended <- struct{}{} }()
		h.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

// poll sends a poll on a connection of its own and does not read the answer.
func (s *server) poll(t *testing.T, token string) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	tcp := conn.(*net.TCPConn)
	if err := tcp.SetReadBuffer(4096); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(tcp, "GET /socket/longpoll HTTP/1.1\r\nHost: x\r\nX-Phoenix-Longpoll-Token: %s\r\n\r\n", token)
	return tcp
}

// cut resets conn, so that the server cannot write to it any more.
func cut(t *testing.T, conn *net.TCPConn) {
	t.Helper()
	if err := conn.SetLinger(0); err != nil {
		t.Fatal(err)
	}
	conn.Close()
}

// read reads a whole answer from conn.
func readAnswer(t *testing.T, conn net.Conn) answer {
	t.Helper()
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return decode(t, body)
}

// huge is more than the buffers of a TCP connection take.
var huge = "[" + strings.Repeat("1", 16<<20) + "]"

func TestAConnectionCutBeforeTheAnswerLosesNothing(t *testing.T) {
	h, a := newHandler(Config{})
	server := serve(t, h)
	c, s := connect(t, h, a)

	conn := server.poll(t, c.token)
	ctx := <-server.began
	cut(t, conn)
	<-ctx.Done()
	s.send(t, "[1]")
	<-server.ended

	want(t, "the next poll", readAnswer(t, server.poll(t, c.token)), 200, "[1]")
}

func TestAConnectionCutWhileTheAnswerIsWrittenLosesNothing(t *testing.T) {
	h, a := newHandler(Config{Outbox: 2 * len(huge)})
	server := serve(t, h)
	c, s := connect(t, h, a)

	s.send(t, "[1]", huge)
	conn := server.poll(t, c.token)
	if _, err := io.ReadFull(conn, make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	s.send(t, "[2]")
	cut(t, conn)
	<-server.ended

	got := c.poll()
	if len(got.Messages) != 3 || got.Messages[0] != "[1]" || got.Messages[1] != huge || got.Messages[2] != "[2]" {
		t.Errorf("the next poll got %d messages, want all 3 in order", len(got.Messages))
	}
}

func TestAConnectionToAnotherNodeCutWhileTheAnswerIsWrittenLosesNothing(t *testing.T) {
	n, h := join(2, Config{Outbox: 2 * len(huge)})
	front := serve(t, h[1])
	c, s := connect(t, h[0], n.apps[0])

	s.send(t, "[1]", huge)
	conn := front.poll(t, c.token)
	if _, err := io.ReadFull(conn, make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	s.send(t, "[2]")
	cut(t, conn)
	<-front.ended

	got := c.next()
	for got.Status == 204 { // the owner has yet to be told
		got = c.next()
	}
	want(t, "the next poll", got, 200, "[1]", huge, "[2]")
	for _, h := range h {
		if err := h.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
	n.serving.Wait()
}

func TestNoPollGetsWhatAnotherIsBeingTold(t *testing.T) {
	h, a := newHandler(Config{Window: 100 * time.Millisecond})
	server := serve(t, h)
	c, s := connect(t, h, a)

	s.send(t, huge)
	first := server.poll(t, c.token)
	if _, err := io.ReadFull(first, make([]byte, 1)); err != nil { // it is being answered, and stuck
		t.Fatal(err)
	}
	want(t, "a poll meanwhile", c.poll(), 204)
	cut(t, first)
	got := c.poll()
	for got.Status == 204 { // the server has yet to notice
		got = c.poll()
	}
	if len(got.Messages) != 1 || got.Messages[0] != huge {
		t.Errorf("the poll after it got %d messages, want the one that was not delivered", len(got.Messages))
	}
}

func TestAConnectionCutBehindTheAnswerRepeatsNothing(t *testing.T) {
	h, a := newHandler(Config{})
	server := serve(t, h)
	c, s := connect(t, h, a)

	s.send(t, "[1]")
	conn := server.poll(t, c.token)
	want(t, "the poll", readAnswer(t, conn), 200, "[1]")
	cut(t, conn)
	s.send(t, "[2]")
	want(t, "the next poll", readAnswer(t, server.poll(t, c.token)), 200, "[2]")
}

func TestAnAnswerThatCannotBeFlushedLosesNothing(t *testing.T) {
	h, a := newHandler(Config{})
	c, s := connect(t, h, a)
	s.send(t, "[1]")
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("X-Phoenix-Longpoll-Token", c.token)
	h.ServeHTTP(clogged{httptest.NewRecorder()}, r)
	want(t, "the next poll", c.poll(), 200, "[1]")
}

func TestASessionWhoseClientNeverHadItsTokenEnds(t *testing.T) {
	h, a := newHandler(Config{})
	h.ServeHTTP(clogged{httptest.NewRecorder()}, httptest.NewRequest("GET", "/", nil))
	s := <-a.sockets
	if err := <-s.ended; !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("ended with %v, want the write's error", err)
	}
}

// clogged takes everything and delivers nothing.
type clogged struct{ *httptest.ResponseRecorder }

func (clogged) FlushError() error { return io.ErrClosedPipe }

func TestTheServersTimeoutsCutNoPoll(t *testing.T) {
	for _, url := range []string{"http://example.com/", "https://example.com/"} {
		synctest.Test(t, func(t *testing.T) {
			h, a := newHandler(Config{})
			server := httptest.NewTestServer(t, h)
			server.Config.WriteTimeout = time.Second
			server.Config.ReadTimeout = time.Second
			server.EnableHTTP2 = true
			c, s := connect(t, h, a)
			time.AfterFunc(9*time.Second, func() { s.send(t, "[1]") })
			res, err := server.Client().Get(url + "?token=" + c.token)
			if err != nil {
				t.Fatalf("%s: %v", url, err)
			}
			defer res.Body.Close()
			body, err := io.ReadAll(res.Body)
			if err != nil {
				t.Fatalf("%s: %v", res.Proto, err)
			}
			want(t, "a poll over "+res.Proto, decode(t, body), 200, "[1]")
			if err := h.Close(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAServerThatCutsPollsIsToldWhy(t *testing.T) {
	var log strings.Builder
	h, a := newHandler(Config{Window: time.Millisecond, Logger: newLogger(&log)})
	c, _ := connect(t, h, a)
	r := httptest.NewRequest("GET", "/?token="+c.token, nil)
	for range 2 {
		ctx := context.WithValue(r.Context(), http.ServerContextKey, &http.Server{WriteTimeout: time.Microsecond})
		h.ServeHTTP(httptest.NewRecorder(), r.WithContext(ctx))
	}
	if n := strings.Count(log.String(), "WriteTimeout"); n != 1 || !strings.Contains(log.String(), "Unwrap") {
		t.Errorf("the log names the problem %d times, want once, with the remedy:\n%s", n, &log)
	}
}
