// Package websocket carries sockets over WebSocket (RFC 6455). The framing is
// its own, since Phoenix's answers to edge cases are part of the protocol
// (spec/protocol.md §3, §12).
//
// On Linux a plain TCP or Unix connection is taken from the HTTP server and
// watched by a poller: while it is idle it costs no goroutine, no [net.Conn]
// and no buffer. What is sent is written by who sends it, as far as the client
// takes it; only the rest waits in the outbox. Any other connection (TLS, one
// that a listener wraps, another system) costs one parked goroutine, and no
// buffer where it is plain; a second goroutine exists while there is something
// to write.
//
// The session of a connection hears of its end as soon as nothing more will
// come from the client: when the client closed or went away, and right after
// [transport.Conn.Close]. What was sent before is still being written then,
// for at most 5 seconds, after which the connection is cut. A client that
// takes nothing of what is being written for 30 seconds is cut as well.
package websocket

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/roost-dev/roost/transport"
)

// Config says how a [Handler] makes connections. Accept is required; for all
// else zero is the documented default.
type Config struct {
	// Accept decides on each connect. It runs on the goroutine of the
	// request, after all that is checked here: origin, auth token,
	// subprotocol and the headers of the handshake.
	Accept transport.Accept

	// Origin says which pages may connect; by default those of the request's
	// own host. Others get a bare 403, and the log says why.
	Origin transport.OriginPolicy

	// AuthToken takes the client's token from the offered subprotocols
	// (spec/protocol.md §4) into [transport.Hello]. A token that is not
	// base64 is refused with 403.
	AuthToken bool

	// Upgrade takes a session of long polling that the client brings, named by
	// its token, in the place of Accept (spec/protocol.md §23). nil: nobody
	// brings one.
	Upgrade func(token string) (open func(transport.Conn) transport.Session, err error)

	// Subprotocols are those that the server speaks, in its order of
	// preference. A client that offers only others is refused with 403; one
	// that offers none is welcome. By default offers are ignored.
	Subprotocols []string

	// MaxMessage bounds the payload of a client's message in bytes, with all
	// fragments added up, and after decompression. A larger one closes the
	// connection with [transport.CloseTooBig]. Default 64 KiB; negative means
	// no bound.
	MaxMessage int

	// IdleTimeout bounds the silence of a client: after that long without a
	// byte from it, the connection closes with [transport.CloseGoingAway],
	// which makes clients come back. Default 60 s; negative means never.
	IdleTimeout time.Duration

	// Ping is after how long a silence of the client the server sends it a
	// ping, which browsers answer by themselves, even in a sleeping tab.
	// Default: no pings.
	Ping time.Duration

	// Compress accepts permessage-deflate, without context takeover. Messages
	// of the server are compressed from 512 bytes on, once for all receivers.
	Compress bool

	// Outbox bounds what waits to be written to one client, in bytes. A client
	// that is over it when one more frame comes is closed with
	// [transport.CloseSlow]; a single frame may be larger. Default 1 MiB; it
	// cannot be turned off.
	Outbox int

	// NoPoller gives each connection a goroutine of its own, as on systems
	// other than Linux.
	NoPoller bool

	// Refuse answers a connect that Accept refused for reasons of the
	// application, err being what Accept returned. Default: 403 with an empty
	// body. It runs on the goroutine of the request.
	Refuse func(w http.ResponseWriter, r *http.Request, err error)

	// Logger gets what an operator should act on. Default [slog.Default].
	Logger *slog.Logger
}

// Handler upgrades requests to WebSocket connections and runs them. Its
// connections outlive the [http.Server] that took the request: close them
// through their sessions, then Wait for them.
type Handler struct {
	cfg     Config
	began   time.Time
	clock   func() time.Duration // the time since began
	pollers pollers

	mu    sync.Mutex // guards what follows
	live  int        // connections, requests that may become one, and pollers that end
	conns []*conn
	empty chan struct{} // closed when live becomes 0; nil if nobody waits
}

// New returns a handler. It panics at a configuration that cannot work.
func New(cfg Config) *Handler {
	switch {
	case cfg.Accept == nil:
		panic("websocket: Config.Accept is missing")
	case cfg.Outbox < 0:
		panic("websocket: Config.Outbox cannot be turned off: memory for a client that does not read must be bounded")
	}
	for _, s := range cfg.Subprotocols {
		if s == "" || strings.ContainsAny(s, ", \t\r\n\"") {
			panic(fmt.Sprintf("websocket: subprotocol %q is not a token", s))
		}
	}
	cfg.MaxMessage = orDefault(cfg.MaxMessage, 64<<10)
	if cfg.MaxMessage < 0 {
		cfg.MaxMessage = math.MaxInt
	}
	cfg.IdleTimeout = orDefault(cfg.IdleTimeout, 60*time.Second)
	cfg.Outbox = orDefault(cfg.Outbox, 1<<20)
	if cfg.Refuse == nil {
		cfg.Refuse = func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusForbidden) }
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.AuthToken {
		cfg.Subprotocols = append([]string{phoenixProtocol}, cfg.Subprotocols...)
	}
	h := &Handler{cfg: cfg, began: time.Now()}
	h.clock = func() time.Duration { return time.Since(h.began) }
	return h
}

// ServeHTTP upgrades the request, which must be made by HTTP/1.1, and returns
// when the connection stands or was refused.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	c, err := h.check(r)
	if err != nil {
		h.cfg.Logger.Warn("websocket: connect refused", "path", r.URL.Path, "error", err)
		w.WriteHeader(http.StatusForbidden)
		return
	}
	if problem := upgradeError(r); problem != "" {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(problem)) // the client may be gone
		return
	}
	h.enter()
	defer h.leave(nil)
	open, err := h.accept(r, c)
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	h.upgrade(w, r, c.subprotocol, open)
}

// candidate is a client that wants a connection.
type candidate struct {
	hello       transport.Hello
	subprotocol string // what is answered to its offer
	session     string // the token of the session that it brings, if any
}

// check makes the checks that have no answer but 403.
func (h *Handler) check(r *http.Request) (c candidate, err error) {
	c.hello.Transport = "websocket"
	if err := h.cfg.Origin.Check(r); err != nil {
		return c, err
	}
	offered := tokens(r.Header["Sec-Websocket-Protocol"])
	if h.cfg.Upgrade != nil && slices.Contains(offered, upgradeProtocol) {
		c.subprotocol = upgradeProtocol
		c.session, err = takeSession(offered)
		return c, err
	}
	if h.cfg.AuthToken {
		if c.hello.AuthToken, offered, err = takeToken(offered); err != nil {
			return c, err
		}
	}
	var ok bool
	if c.subprotocol, ok = pickSubprotocol(h.cfg.Subprotocols, offered); !ok {
		return c, fmt.Errorf("none of the offered subprotocols is one of %q", h.cfg.Subprotocols)
	}
	return c, nil
}

func (h *Handler) accept(r *http.Request, c candidate) (open func(transport.Conn) transport.Session, err error) {
	if c.session != "" {
		return h.cfg.Upgrade(c.session)
	}
	return h.cfg.Accept(r, c.hello)
}

func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if refused, ok := errors.AsType[*transport.Refused](err); ok && refused.Status != 0 {
		transport.SetRetryAfter(w.Header(), refused.RetryAfter)
		w.WriteHeader(refused.Status)
		return
	}
	h.cfg.Refuse(w, r, err)
}

// upgrade takes the connection from the HTTP server and starts it. Nothing of
// the request or its buffers may be held on to afterwards: that would be
// kilobytes for each connection.
func (h *Handler) upgrade(w http.ResponseWriter, r *http.Request, subprotocol string, open func(transport.Conn) transport.Session) {
	nc, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		h.cfg.Logger.Error("websocket: cannot take over the connection", "writer", fmt.Sprintf("%T", w), "error", err,
			"remedy", "give the http.ResponseWriter that a middleware wraps around the server's a method Unwrap() http.ResponseWriter")
		http.Error(w, "this server cannot upgrade connections", http.StatusInternalServerError)
		return
	}
	params, compress := deflateParams{}, false
	extensions := ""
	if h.cfg.Compress {
		if params, compress = negotiateDeflate(r.Header); compress {
			extensions = params.answer()
		}
	}
	early, _ := rw.Reader.Peek(rw.Reader.Buffered()) // what the client sent right behind its request
	early = bytes.Clone(early)
	c := newPolled(h, nc)
	if c == nil {
		c = newParked(h, nc)
	}
	if compress {
		c.compressMax = int32(min(params.longest, math.MaxInt32))
	}
	started := false
	defer func() {
		if !started { // the answer could not be written, or open panicked
			c.cut(errAborted)
			c.line.discard()
			h.leave(c)
		}
	}()
	h.join(c)
	answer := switchingProtocols(r.Header.Get("Sec-Websocket-Key"), subprotocol, extensions, w.Header())
	if err := c.line.greet(answer); err != nil {
		return
	}
	c.session = open(c)
	started = true
	c.line.start(early)
}

// Wait returns nil once no connection is left and no request is on its way to
// become one. It does not close anything. When ctx ends first it returns the
// context's error.
func (h *Handler) Wait(ctx context.Context) error {
	for {
		h.mu.Lock()
		if h.live == 0 {
			h.mu.Unlock()
			return nil
		}
		if h.empty == nil {
			h.empty = make(chan struct{})
		}
		empty := h.empty
		h.mu.Unlock()
		select {
		case <-empty:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Abort cuts all connections, at once and without a close frame. Their
// sessions are told as of any other end; Wait waits for that.
func (h *Handler) Abort() {
	h.mu.Lock()
	conns := slices.Clone(h.conns)
	h.mu.Unlock()
	for _, c := range conns {
		c.cut(errAborted)
	}
}

func (h *Handler) enter() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.live++
}

func (h *Handler) join(c *conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.live++
	c.place = int32(len(h.conns))
	h.conns = append(h.conns, c)
}

// leave undoes join, or enter if c is nil.
func (h *Handler) leave(c *conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if c != nil {
		last := len(h.conns) - 1
		moved := h.conns[last]
		h.conns[c.place], moved.place = moved, c.place
		h.conns[last] = nil
		h.conns = h.conns[:last]
	}
	if h.live--; h.live == 0 && h.empty != nil {
		close(h.empty)
		h.empty = nil
	}
}

// orDefault returns v, or d if v is zero.
func orDefault[T int | time.Duration](v, d T) T {
	if v == 0 {
		return d
	}
	return v
}
