package roost_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roost-dev/roost"
)

// tcpClient is a WebSocket client by hand: real sockets, and nothing of the
// server's own framing.
type tcpClient struct {
	t    *testing.T
	conn net.Conn
	r    *bufio.Reader
}

// patience bounds what a test over real sockets waits for. None measures it.
const patience = 30 * time.Second

func dialTCP(t *testing.T, site *httptest.Server, name string) *tcpClient {
	t.Helper()
	conn, err := net.Dial("tcp", site.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	fmt.Fprintf(conn, "GET /socket/websocket?vsn=2.0.0&name=%s HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\n"+
		"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", name)
	c := &tcpClient{t, conn, bufio.NewReader(conn)}
	answer, err := http.ReadResponse(c.r, nil)
	if err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode != 101 || answer.Header.Get("Sec-Websocket-Accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
		t.Fatalf("handshake answered %d %v", answer.StatusCode, answer.Header)
	}
	return c
}

// send sends a masked text frame.
func (c *tcpClient) send(joinRef, ref, topic, event, payload string) {
	c.t.Helper()
	text := fmt.Appendf(nil, `[%q,%q,%q,%q,%s]`, joinRef, ref, topic, event, payload)
	if len(text) > 125 {
		c.t.Fatal("the client knows short frames only")
	}
	mask := [4]byte{1, 2, 3, 4}
	frame := append([]byte{0x81, 0x80 | byte(len(text))}, mask[:]...)
	for i, b := range text {
		frame = append(frame, b^mask[i%4])
	}
	if _, err := c.conn.Write(frame); err != nil {
		c.t.Errorf("send: %v", err)
	}
}

// next reads a frame: a text or bytes, or the code of a close.
func (c *tcpClient) next() (text string, code int, err error) {
	var head [2]byte
	if _, err := io.ReadFull(c.r, head[:]); err != nil {
		return "", 0, err
	}
	n := uint64(head[1])
	if n == 126 {
		var long [2]byte
		if _, err := io.ReadFull(c.r, long[:]); err != nil {
			return "", 0, err
		}
		n = uint64(binary.BigEndian.Uint16(long[:]))
	}
	payload := make([]byte, n)
	if _, err := io.ReadFull(c.r, payload); err != nil {
		return "", 0, err
	}
	switch {
	case head[0] == 0x81 || head[0] == 0x82:
		return string(payload), 0, nil
	case head[0] == 0x88 && n >= 2:
		return "", int(binary.BigEndian.Uint16(payload)), nil
	}
	return "", 0, fmt.Errorf("unexpected frame %x %q", head, payload)
}

// want reads texts up to one that is want, and returns those before it.
func (c *tcpClient) want(want string) (before []string) {
	c.t.Helper()
	for {
		text, code, err := c.next()
		if err != nil || code != 0 {
			c.t.Fatalf("waited for %s, got close %d, %v, after %d others", want, code, err, len(before))
		}
		if text == want {
			return before
		}
		before = append(before, text)
	}
}

// toTheEnd reads all texts, and the code of the close behind them, upon which
// it hangs up.
func (c *tcpClient) toTheEnd() (texts []string, code int) {
	defer c.conn.Close()
	for {
		text, code, err := c.next()
		if err != nil || code != 0 {
			return texts, code
		}
		texts = append(texts, text)
	}
}

// mount serves the application over HTTP.
func mount(t *testing.T, server *roost.Server[user]) *httptest.Server {
	mux := http.NewServeMux()
	mux.Handle("/socket/", server)
	site := httptest.NewServer(mux)
	t.Cleanup(site.Close)
	return site
}

func TestShutdownUnderLoadCutsNoHandlerAndTellsEverySocket(t *testing.T) {
	const sockets, queued = 200, 5
	release := make(chan struct{})
	var started sync.WaitGroup
	started.Add(sockets)
	var accepted, terminated, otherReason atomic.Int64
	a := &app{
		join: func(context.Context, *roost.Channel[room], *roost.Socket[user], struct{}) (count, error) {
			accepted.Add(1)
			return count{}, nil
		},
		do: func(context.Context, *roost.Channel[room], say) (count, error) {
			started.Done()
			<-release
			return count{7}, nil
		},
		end: func(_ context.Context, _ *roost.Channel[room], why roost.Reason) {
			terminated.Add(1)
			if why != roost.Drained {
				otherReason.Add(1)
			}
		},
	}
	server := a.server()
	site := mount(t, server)
	var clients sync.WaitGroup
	for range sockets {
		c := dialTCP(t, site, "ada")
		c.send("1", "1", "room:busy", "phx_join", `{}`)
		c.send("2", "2", "room:idle", "phx_join", `{}`)
		c.send("1", "a", "room:busy", "do", `{"text":"x"}`)
		for i := range queued {
			c.send("1", fmt.Sprint("q", i), "room:busy", "sum", `{"n":1}`)
		}
		c.send("", "hb", "phoenix", "heartbeat", `{}`) // behind which all of it has been received
		before := c.want(`[null,"hb","phoenix","phx_reply",{"response":{},"status":"ok"}]`)
		clients.Go(func() {
			after, code := c.toTheEnd()
			texts := append(before, after...)
			if code != 1012 {
				t.Errorf("closed with %d, want 1012", code)
			}
			var replies []string
			for _, text := range texts {
				if strings.HasPrefix(text, `["1"`) {
					replies = append(replies, text)
				}
			}
			if n := len(replies); n != 2+queued || !strings.Contains(replies[1], `{"n":7}`) || !strings.Contains(replies[n-1], `{"n":5}`) {
				t.Errorf("what was under way was cut: %v", replies)
			}
		})
	}
	started.Wait()
	down := make(chan error, 1)
	go func() { down <- server.Shutdown(t.Context()) }()
	for { // until Shutdown has begun
		r, err := http.Get(site.URL + "/socket/longpoll?vsn=2.0.0&name=eve")
		if err != nil {
			t.Fatal(err)
		}
		if readAll(t, r); r.StatusCode == http.StatusServiceUnavailable {
			break
		}
	}
	close(release)
	if err := <-down; err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	clients.Wait()
	if a, b := accepted.Load(), terminated.Load(); a != 2*sockets || a != b || otherReason.Load() != 0 {
		t.Errorf("%d conversations, OnTerminate ran %d times, %d of them for another reason", a, b, otherReason.Load())
	}
	site.Close()
	wantNoGoroutines(t)
}

func TestShutdownThatGivesUpTellsEverySocketAllTheSame(t *testing.T) {
	release, started := make(chan struct{}), make(chan struct{})
	a := &app{do: func(context.Context, *roost.Channel[room], say) (count, error) {
		close(started)
		<-release
		return count{}, nil
	}}
	server := a.server()
	c := dialTCP(t, mount(t, server), "ada")
	c.send("1", "1", "room:1", "phx_join", `{}`)
	c.send("1", "2", "room:1", "do", `{"text":"deaf"}`)
	<-started
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := server.Shutdown(ctx); err == nil {
		t.Error("Shutdown returned nil with a callback still waiting")
	}
	if _, code := c.toTheEnd(); code != 1012 {
		t.Errorf("closed with %d, want 1012", code)
	}
	close(release)
	if err := server.Shutdown(t.Context()); err != nil {
		t.Errorf("another Shutdown, once the callback has returned: %v", err)
	}
	wantNoGoroutines(t)
}

// wantNoGoroutines waits for the goroutines that run code of this module,
// but tests, to end.
func wantNoGoroutines(t *testing.T) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		buf := make([]byte, 4<<20)
		left := 0
		for stack := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
			if strings.Contains(stack, "roost-dev/roost") && !strings.Contains(stack, "roost_test.Test") {
				left++
			}
		}
		switch {
		case left == 0:
			return
		case time.Now().After(deadline):
			t.Fatalf("%d goroutines left:\n%s", left, buf)
		}
		runtime.Gosched()
	}
}

func TestOneConversationDelaysNobodyElse(t *testing.T) {
	release := make(chan struct{})
	blocked := make(chan struct{}, 1)
	a := &app{
		opts: roost.Options[user]{MailboxLen: 10, Messages: roost.Rate{PerSecond: -1}},
		do: func(ctx context.Context, ch *roost.Channel[room], p say) (count, error) {
			switch p.Text {
			case "panic":
				panic("boom")
			case "block":
				blocked <- struct{}{}
				<-release
			case "flood":
				for range 1000 {
					ch.Push(ctx, Private, said{Text: "and another thing"})
				}
			}
			return count{}, nil
		},
	}
	server := a.server()
	site := mount(t, server)
	c, other := dialTCP(t, site, "ada"), dialTCP(t, site, "bob")
	for i, topic := range []string{"room:fine", "room:panic", "room:block", "room:flood"} {
		ref := fmt.Sprint(i)
		c.send(ref, ref, topic, "phx_join", `{}`)
		c.want(fmt.Sprintf(`[%q,%q,%q,"phx_reply",{"response":{"n":0},"status":"ok"}]`, ref, ref, topic))
	}
	other.send("0", "0", "room:fine", "phx_join", `{}`)
	ref, sum := 10, 0
	all := func() []string {
		t.Helper()
		ref++
		beat, push := fmt.Sprint(ref, "b"), fmt.Sprint(ref, "s")
		c.send("", beat, "phoenix", "heartbeat", `{}`)
		before := c.want(fmt.Sprintf(`[null,%q,"phoenix","phx_reply",{"response":{},"status":"ok"}]`, beat))
		sum++
		for _, client := range []*tcpClient{c, other} {
			client.send("0", push, "room:fine", "sum", `{"n":1}`)
			before = append(before, client.want(fmt.Sprintf(`["0",%q,"room:fine","phx_reply",{"response":{"n":%d},"status":"ok"}]`, push, sum))...)
		}
		return before
	}

	c.send("2", "x", "room:block", "do", `{"text":"block"}`)
	<-blocked // and it stays so until the end
	all()
	c.send("1", "x", "room:panic", "do", `{"text":"panic"}`)
	c.want(`["1","1","room:panic","phx_error",{"reason":"channel_crash"}]`)
	all()
	c.send("3", "x", "room:flood", "do", `{"text":"flood"}`)
	all()
	for range 1000 { // into the mailbox of the one that is blocked
		c.send("2", "y", "room:block", "sum", `{"n":1}`)
	}
	busy := strings.Count(strings.Join(all(), "\n"), `{"response":{"reason":"busy"},"status":"error"}`)
	if busy != 990 {
		t.Errorf("%d of 1000 pushes to a full mailbox were answered busy, want 990", busy)
	}

	close(release)
	c.want(`["2","x","room:block","phx_reply",{"response":{"n":0},"status":"ok"}]`)
	c.conn.Close()
	other.conn.Close()
	if err := server.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}
