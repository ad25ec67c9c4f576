//go:build linux

package load_test

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/roost-dev/roost/cmd/roost/internal/bare"
	"github.com/roost-dev/roost/cmd/roost/internal/load"
	"github.com/roost-dev/roost/internal/ws"
)

const bound = 10 * time.Second // until a test that waits in vain fails

// heard records what a handler is told.
type heard struct {
	opened   []*load.Conn
	messages []string
	ends     []error
	onOpened func(*load.Conn)
}

func (h *heard) Opened(c *load.Conn) {
	h.opened = append(h.opened, c)
	if h.onOpened != nil {
		h.onOpened(c)
	}
}
func (h *heard) Message(_ *load.Conn, text []byte) { h.messages = append(h.messages, string(text)) }
func (h *heard) Closed(_ *load.Conn, err error)    { h.ends = append(h.ends, err) }

// newLoop makes a loop to the server at addr.
func newLoop(t *testing.T, addr string, h load.Handler) *load.Loop {
	t.Helper()
	target, err := load.NewTarget(t.Context(), "ws://"+addr+"/socket", nil)
	if err != nil {
		t.Fatal(err)
	}
	l, err := load.NewLoop(target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	l.Sources = 3
	l.Handle(h)
	return l
}

// run runs the loop until what is waited for.
func run(t *testing.T, l *load.Loop, until func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), bound)
	defer cancel()
	if err := l.Run(ctx, func(time.Time) (time.Time, bool, error) { return time.Time{}, until(), nil }); err != nil {
		t.Fatal(err)
	}
}

func dial(t *testing.T, l *load.Loop, n int) {
	t.Helper()
	for i := range n {
		if _, err := l.Dial(i); err != nil {
			t.Fatal(err)
		}
	}
}

// startBare serves until the test ends.
func startBare(t *testing.T) string {
	t.Helper()
	s, err := bare.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr, err := s.Addr()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return addr.String()
}

func text(s string) []byte { return ws.AppendClient(nil, ws.Text, []byte(s)) }

func TestConnectionsTalkWithTheBareServer(t *testing.T) {
	h := &heard{onOpened: func(c *load.Conn) { c.Send(text(`["1","1","t","phx_join",{}]`)) }}
	l := newLoop(t, startBare(t), h)
	dial(t, l, 5)
	run(t, l, func() bool { return len(h.messages) == 5 })
	if want := `["1","1","t","phx_reply",{"status":"ok","response":{}}]`; h.messages[4] != want {
		t.Errorf("the join was answered %s, want %s", h.messages[4], want)
	}

	h.messages = nil
	h.opened[0].Queue(text(`["1","2","t","ping",{"a":1}]`))
	h.opened[0].Queue(text(`["1","3","t","shout",{"b":2}]`))
	run(t, l, func() bool { return len(h.messages) == 6 })
	if got := strings.Count(strings.Join(h.messages, "\n"), `[null,null,"t","shout",{"b":2}]`); got != 5 {
		t.Errorf("%d of 5 got the broadcast: %q", got, h.messages)
	}
	if want := `["1","2","t","phx_reply",{"status":"ok","response":{"a":1}}]`; !slices.Contains(h.messages, want) {
		t.Errorf("the ping was not answered %s: %q", want, h.messages)
	}

	for _, c := range h.opened[:2] {
		c.Leave()
	}
	run(t, l, func() bool { return len(h.ends) == 2 })
	for _, err := range h.ends {
		if end, ok := errors.AsType[*load.CloseError](err); !ok || end.Code != 1000 {
			t.Errorf("a connection that left ended with %v", err)
		}
	}
}

func TestASlotIsUsedAgain(t *testing.T) {
	h := &heard{onOpened: func(c *load.Conn) { c.Leave() }}
	l := newLoop(t, startBare(t), h)
	for n := range 20 {
		dial(t, l, 3)
		run(t, l, func() bool { return len(h.ends) == 3*(n+1) })
	}
}

// serveRaw accepts one connection, reads the request, answers in pieces of so many bytes, and ends.
func serveRaw(t *testing.T, piece int, answer []byte) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		nc, err := listener.Accept()
		if err == nil {
			_, err = nc.Read(make([]byte, 4096)) // the request is short and comes in one
		}
		for ; err == nil && len(answer) > 0; answer = answer[min(piece, len(answer)):] {
			_, err = nc.Write(answer[:min(piece, len(answer))])
		}
		if err == nil {
			err = nc.(*net.TCPConn).CloseWrite()
		}
		if nc != nil {
			_, _ = io.Copy(io.Discard, nc) // what is left unread when a socket is closed resets the connection
			nc.Close()
		}
		ended <- err
	}()
	t.Cleanup(func() {
		listener.Close()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return listener.Addr().String()
}

// opened is the answer to the request of all clients here, and frames behind it.
func opened(t *testing.T, frames ...[]byte) []byte {
	t.Helper()
	_, answer, err := ws.Answer(ws.Request("h", "/"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range frames {
		answer = append(answer, f...)
	}
	return answer
}

func TestMessagesAreHandedOverHoweverTheyAreCut(t *testing.T) {
	long := strings.Repeat("long ", 100_000)
	first, rest := ws.AppendServer(nil, ws.Text, []byte("in ")), ws.AppendServer(nil, ws.Continuation, []byte("pieces"))
	first[0] &^= 0x80 // FIN
	answer := opened(t, ws.AppendServer(nil, ws.Text, []byte("one")), first, ws.AppendServer(nil, ws.Ping, []byte("?")), rest,
		ws.AppendServer(nil, ws.Text, []byte(long)), ws.AppendServer(nil, ws.Close, []byte("\x03\xF5slow")))
	for _, piece := range []int{7, 1000, 1 << 20} {
		h := &heard{}
		addr := serveRaw(t, piece, answer)
		l := newLoop(t, addr, h)
		dial(t, l, 1)
		run(t, l, func() bool { return len(h.ends) == 1 })
		if len(h.messages) != 3 || h.messages[0] != "one" || h.messages[1] != "in pieces" || h.messages[2] != long {
			t.Errorf("in pieces of %d bytes: %d messages: %.100q", piece, len(h.messages), h.messages)
		}
		if end, ok := errors.AsType[*load.CloseError](h.ends[0]); !ok || end.Code != 1013 || end.Reason != "slow" {
			t.Errorf("in pieces of %d bytes: ended with %v", piece, h.ends[0])
		}
	}
}

func TestAHandlerHearsWhyAConnectionEnded(t *testing.T) {
	for name, test := range map[string]struct {
		answer []byte
		want   string
	}{
		"refused":         {[]byte("HTTP/1.1 403 Forbidden\r\n\r\n"), "403 Forbidden"},
		"cut":             {opened(t), io.ErrUnexpectedEOF.Error()},
		"binary":          {opened(t, ws.AppendServer(nil, ws.Binary, []byte{1})), "binary"},
		"compressed":      {opened(t, []byte{0xC1, 0}), "reserved bits"},
		"without a code":  {opened(t, ws.AppendServer(nil, ws.Close, nil)), "1005"},
		"not a WebSocket": {[]byte("SSH-2.0-OpenSSH\r\n\r\n"), "SSH"},
	} {
		t.Run(name, func(t *testing.T) {
			h := &heard{}
			l := newLoop(t, serveRaw(t, 1<<20, test.answer), h)
			dial(t, l, 1)
			run(t, l, func() bool { return len(h.ends) == 1 })
			if !strings.Contains(h.ends[0].Error(), test.want) {
				t.Errorf("%v, want %q", h.ends[0], test.want)
			}
		})
	}
}

func TestNobodyListening(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	h := &heard{}
	l := newLoop(t, listener.Addr().String(), h)
	if _, err := l.Dial(0); err == nil { // it may be told at once or later
		run(t, l, func() bool { return len(h.ends) == 1 })
		err = h.ends[0]
		if !strings.Contains(err.Error(), "refused") {
			t.Error(err)
		}
	}
}

func TestATargetThatCannotBeMeantIsRefused(t *testing.T) {
	for mount, want := range map[string]string{
		"wss://127.0.0.1/socket":  "TLS",
		"127.0.0.1:4000":          "URL",
		"ftp://127.0.0.1/":        "URL of a socket",
		"ws://127.0.0.1:99999/":   "port",
		"ws://[::1]:4000/socket":  "", // the resolver's words
		"ws://127.0.0.1:x/socket": "port",
		"/socket":                 "URL of a socket",
	} {
		if _, err := load.NewTarget(t.Context(), mount, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", mount, err, want)
		}
	}
}
