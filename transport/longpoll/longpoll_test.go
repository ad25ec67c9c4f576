package longpoll

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/roost-dev/roost/transport"
)

// What the tests share: a socket that records, and a client that polls and
// posts, straight to the handler.

// macs signs ids with HMAC.
type macs struct{ key string }

func (m macs) Sign(id string) (string, error) {
	h := hmac.New(sha256.New, []byte(m.key))
	io.WriteString(h, id)
	return id + "." + base64.RawURLEncoding.EncodeToString(h.Sum(nil)), nil
}

func (m macs) Verify(token string) (string, error) {
	id, _, _ := strings.CutLast(token, ".")
	if good, _ := m.Sign(id); !hmac.Equal([]byte(good), []byte(token)) {
		return "", errors.New("invalid token")
	}
	return id, nil
}

// socket records what it receives. Messages that contain "malformed" are an
// error, "close" makes it close its connection, and
// "panic" makes it panic.
type socket struct {
	conn  transport.Conn
	hello transport.Hello
	ended chan error // gets the end of the connection

	mu       sync.Mutex
	inside   bool // a call of Receive or Closed is running
	closed   bool
	messages []string
}

func (s *socket) enter() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.inside {
		panic("two calls at once")
	}
	if s.closed {
		panic("a call after Closed")
	}
	s.inside = true
}

func (s *socket) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inside = false
}

func (s *socket) Receive(data []byte, binary bool) error {
	s.enter()
	defer s.leave()
	m := string(data)
	if binary {
		m = fmt.Sprintf("%x", data)
	}
	s.messages = append(s.messages, m)
	switch {
	case strings.Contains(m, "malformed"):
		return errors.New("malformed")
	case strings.Contains(m, "close"):
		s.conn.Close(transport.ClosePolicyViolation, "asked to")
	case strings.Contains(m, "panic"):
		panic("asked to")
	}
	return nil
}

func (s *socket) Closed(err error) {
	s.enter()
	defer s.leave()
	s.closed = true
	s.ended <- err
}

func (s *socket) received() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.messages...)
}

// send sends text messages to the client.
func (s *socket) send(t *testing.T, messages ...string) {
	t.Helper()
	for _, m := range messages {
		if err := s.conn.Send(frame(m, false)); err != nil {
			t.Error(err)
		}
	}
}

func frame(payload string, binary bool) *transport.Frame {
	return transport.NewFrame(append(make([]byte, transport.Headroom), payload...), binary)
}

// app accepts every client, except those with the param refuse.
type app struct {
	sockets chan *socket // those opened
}

func (a app) accept(r *http.Request, hello transport.Hello) (func(transport.Conn) transport.Session, error) {
	switch r.URL.Query().Get("refuse") {
	case "":
	case "503":
		return nil, &transport.Refused{Reason: errors.New("restarting"), Status: 503}
	case "403":
		return nil, &transport.Refused{Reason: errors.New("no such version"), Status: 403}
	default:
		return nil, &transport.Refused{Reason: errors.New("unknown user")}
	}
	return func(conn transport.Conn) transport.Session {
		s := &socket{conn: conn, hello: hello, ended: make(chan error, 1)}
		a.sockets <- s
		return s
	}, nil
}

// newHandler returns a handler of cfg, completed, and where its sockets come.
func newHandler(cfg Config) (*Handler, app) {
	a := app{sockets: make(chan *socket, 100)}
	cfg.Accept = a.accept
	cfg.Tokens = macs{"key"}
	return New(cfg), a
}

// answer is what a client reads.
type answer struct {
	HTTP       int      `json:"-"`
	RetryAfter string   `json:"-"`
	Upgrade    string   `json:"-"`
	Status     int      `json:"status"`
	Token      string   `json:"token"`
	Messages   []string `json:"messages"`
}

func (a answer) String() string { return fmt.Sprintf("%d %.200v", a.Status, a.Messages) }

// client is one client of a handler.
type client struct {
	t     *testing.T
	h     http.Handler
	token string
}

// connect makes a session and returns both its ends.
func connect(t *testing.T, h *Handler, a app) (*client, *socket) {
	t.Helper()
	c := &client{t: t, h: h}
	opened := c.poll()
	if opened.Status != 410 || opened.Token == "" {
		t.Fatalf("the first poll got %+v, want status 410 and a token", opened)
	}
	c.token = opened.Token
	return c, <-a.sockets
}

// poll polls and waits for the answer.
func (c *client) poll() answer {
	r := httptest.NewRequest("GET", "/socket/longpoll?vsn=2.0.0", nil)
	return c.do(r)
}

// polling polls, and sends the answer when it comes.
func (c *client) polling() <-chan answer {
	answers := make(chan answer, 1)
	go func() { answers <- c.poll() }()
	return answers
}

// post sends lines.
func (c *client) post(lines ...string) answer {
	r := httptest.NewRequest("POST", "/socket/longpoll?vsn=2.0.0", strings.NewReader(strings.Join(lines, "\n")))
	r.Header.Set("Content-Type", "application/x-ndjson")
	return c.do(r)
}

func (c *client) do(r *http.Request) answer {
	if c.token != "" {
		r.Header.Set("X-Phoenix-Longpoll-Token", c.token)
	}
	w := httptest.NewRecorder()
	c.h.ServeHTTP(w, r)
	a := answer{HTTP: w.Code, RetryAfter: w.Header().Get("Retry-After"), Upgrade: w.Header().Get("Roost-Upgrade")}
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
		c.t.Errorf("%s: body %q: %v", r.Method, w.Body, err)
	}
	return a
}

// want fails the test if got is not status with messages.
func want(t *testing.T, what string, got answer, status int, messages ...string) {
	t.Helper()
	if w := (answer{Status: status, Messages: messages}); got.Status != status || !slices.Equal(got.Messages, messages) {
		t.Errorf("%s: got %v, want %v", what, got, w)
	}
}

func newLogger(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }
