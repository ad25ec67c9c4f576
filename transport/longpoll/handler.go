// Package longpoll carries sockets over plain HTTP requests, for clients that
// cannot open a WebSocket (spec/protocol.md §13). A client holds a GET, the
// poll, open until there are messages for it, and sends its own by POST. What
// binds the requests together is a session, named by a signed token.
//
// An idle session is a struct and a timer; goroutines exist only for requests
// that are being served.
//
// # Delivery
//
// Messages leave the outbox of their session when the answer that carries
// them has been written and flushed without an error. They stay, in their
// order and for the next poll, if the client's request had ended before, or
// if the write or the flush failed. While one poll is being answered, no other
// one is given messages, so nothing goes out twice to a client that had the
// first answer. What the operating system took, or a proxy, and then lost, is
// lost: the protocol has no acknowledgement.
//
// Of two polls that wait at once the later one gets the messages, and the
// earlier one goes on until its window has passed. To end it at once would
// let two polls of one client chase each other without a pause.
//
// # Several nodes
//
// With [Config].Peers a request may reach any node. The token says which one
// owns the session; the node that the client reached, the front, checks the
// origin, reads the body, and asks the owner. The delivery is the same: the
// owner hands messages to the front, which writes them, and they leave the
// outbox when the front says that it has.
//
// If the front dies before it can say so, or what it says is lost, the owner
// cannot know. Then the messages stay, and the client's next poll decides: the
// token of each answer of a front says up to which message it goes, so a
// client that comes back with that token has the answer, and what it has is
// not repeated; one that comes with the token before it gets the messages. So
// nothing is lost and nothing comes twice. (Such messages may come twice to a
// client that keeps its first token for good, or that had another poll open
// meanwhile. Those of Phoenix do neither.)
//
// A session whose owner is gone is answered like one that ended: posts with
// 410, polls with 410 and a new session on the front. While an owner is there
// but does not answer, polls wait for it for the window and 3 s more, and are
// then answered 204, so that the session outlives the trouble. Posts wait for
// the window and are answered 408, at which clients come back with a new
// session: whether the messages have arrived is not known.
//
// # Going on over a WebSocket
//
// A session can go on over a WebSocket (spec/protocol.md §23) that reaches any
// node. There a bridge takes the client's place: it polls and posts, at the
// owner of the session, for as long as the WebSocket lives. To the socket
// nothing has changed. A bridge costs a goroutine.
//
// # Ends
//
// [transport.Conn.Close] answers the waiting poll at once: with the messages
// that were sent before it, or else with status 410, at which clients come
// back with a new session. If no poll waits, what was sent before is kept for
// the next one, for at most 5 seconds. All other requests find the session
// gone.
//
// A session without a poll for 1.5 windows ends; that is looked at every 1.5
// windows, so it takes up to 3. Posting alone does not keep a session alive.
package longpoll

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/roost-dev/roost/transport"
)

// Config says how a [Handler] makes sessions. Accept and Tokens are required;
// for all else zero is the documented default.
type Config struct {
	// Accept decides on each new session, on the goroutine of its first poll.
	// Refused clients get {"status":403} with HTTP status 200. If the error is
	// a [*transport.Refused] with another Status than 403, the HTTP status is
	// that, and from 500 on the body is {"status":500}: Phoenix's clients do
	// not know other words, and try again after both.
	Accept transport.Accept

	// Tokens signs the ids of sessions and verifies what clients send.
	Tokens Tokens

	// Origin says which pages may connect; by default those of the request's
	// own host. Others get {"status":403}, and the log says why.
	Origin transport.OriginPolicy

	// AuthToken takes the client's token from the header X-Phoenix-AuthToken
	// of the poll that makes a session into [transport.Hello] (spec/protocol.md
	// §4).
	AuthToken bool

	// Window is how long a poll waits for messages. Default 10 s, half of what
	// the clients of Phoenix give a request; it cannot be turned off.
	Window time.Duration

	// MaxMessage bounds one message of a client in bytes. A larger one is
	// answered like one that does not parse. Default 64 KiB; negative means no
	// bound.
	MaxMessage int

	// MaxBody bounds the body of one POST in bytes. A larger one is answered
	// with HTTP status 400. Default 8,000,000; negative means no bound.
	MaxBody int

	// Outbox bounds what waits for a client's next polls, in bytes. A session
	// that is over it when one more message comes ends as slow: what waited
	// is dropped, the client comes back. A single message may be larger.
	// Default 1 MiB; it cannot be turned off.
	Outbox int

	// Upgrade tells clients that their sessions may go on over a WebSocket
	// (spec/protocol.md §23), whose handler calls [Handler.Upgrade].
	Upgrade bool

	// Peers is how sessions of other nodes are reached. nil: there are none,
	// and the session of a token is here or gone.
	Peers Peers

	// Logger gets what an operator should act on. Default [slog.Default].
	Logger *slog.Logger
}

// Tokens makes session ids into tokens that clients cannot forge, and back. A
// [*github.com/roost-dev/roost/token.Signer] of strings is one. Both methods
// are called from many goroutines.
type Tokens interface {
	Sign(id string) (string, error)
	Verify(token string) (string, error)
}

// Handler serves polls and posts, and keeps the sessions. Sessions outlive
// their requests.
type Handler struct {
	cfg       Config
	warned    sync.Once       // of a server that cuts polls
	closing   context.Context // ends when Close is called
	endFronts context.CancelFunc

	mu       sync.Mutex // guards what follows
	sessions map[string]*session
	fronts   map[string]*front
	closed   bool
	live     int           // calls of release to come
	empty    chan struct{} // closed when live becomes 0; nil if nobody waits
}

// New returns a handler. It panics at a configuration that cannot work.
func New(cfg Config) *Handler {
	switch {
	case cfg.Accept == nil:
		panic("longpoll: Config.Accept is missing")
	case cfg.Tokens == nil:
		panic("longpoll: Config.Tokens is missing")
	case cfg.Window < 0:
		panic("longpoll: Config.Window cannot be turned off: a poll must be answered some time")
	case cfg.Outbox < 0:
		panic("longpoll: Config.Outbox cannot be turned off: memory for a client that does not poll must be bounded")
	}
	cfg.Window = bound(cfg.Window, 10*time.Second)
	cfg.MaxMessage = bound(cfg.MaxMessage, 64<<10)
	cfg.MaxBody = bound(cfg.MaxBody, 8_000_000)
	cfg.Outbox = bound(cfg.Outbox, 1<<20)
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	h := &Handler{cfg: cfg, sessions: make(map[string]*session), fronts: make(map[string]*front)}
	h.closing, h.endFronts = context.WithCancel(context.Background())
	return h
}

// ServeHTTP serves one poll, post or preflight. A poll returns within the
// window, plus 3 s if another node has the session, plus the time to write the
// answer.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	w.Header().Set("Access-Control-Expose-Headers", "Retry-After, Roost-Upgrade")
	w.Header().Set("Cache-Control", "no-store")
	if err := h.cfg.Origin.Check(r); err != nil {
		h.cfg.Logger.Warn("longpoll: request refused", "path", r.URL.Path, "error", err)
		h.say(w, r, http.StatusOK, http.StatusForbidden)
		return
	}
	switch r.Method {
	case http.MethodGet:
		h.poll(w, r)
	case http.MethodPost:
		h.publish(w, r)
	case http.MethodOptions:
		w.Header().Set("Access-Control-Allow-Headers", r.Header.Get("Access-Control-Request-Headers"))
		w.Header().Set("Access-Control-Allow-Methods", "get, post, options")
		w.Header().Set("Access-Control-Max-Age", "3600")
		w.WriteHeader(http.StatusOK)
	default:
		w.WriteHeader(http.StatusBadRequest)
	}
}

// poll answers a GET: with a new session, or with what waits for the client.
func (h *Handler) poll(w http.ResponseWriter, r *http.Request) {
	t, token, err := h.ticket(r)
	if err != nil {
		h.say(w, r, http.StatusBadRequest, http.StatusBadRequest)
		return
	}
	if h.elsewhere(t) {
		h.pollElsewhere(w, r, t, token)
		return
	}
	s := h.session(t.session)
	if s == nil {
		h.open(w, r)
		return
	}
	h.outlast(w, r)
	s.poll(r.Context(), "", t.got, func(d delivery) error {
		transport.SetRetryAfter(w.Header(), transport.RetryAfter(d.last.reason))
		return write(w, http.StatusOK, pollAnswer(d.status, token, d.frames))
	})
}

// open makes a session, if the client is welcome.
func (h *Handler) open(w http.ResponseWriter, r *http.Request) {
	hello := transport.Hello{Transport: "longpoll"}
	if h.cfg.AuthToken {
		hello.AuthToken = r.Header.Get("X-Phoenix-Authtoken")
	}
	open, err := h.cfg.Accept(r, hello)
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	s := newSession(h)
	token, err := h.sign(ticket{owner: h.address(), session: s.id})
	if err != nil {
		h.cfg.Logger.Error("longpoll: cannot sign a session token", "error", err)
		h.say(w, r, http.StatusInternalServerError, http.StatusInternalServerError)
		return
	}
	if h.cfg.Upgrade {
		w.Header().Set("Roost-Upgrade", "websocket")
	}
	if !s.start(open) {
		h.refuse(w, r, &transport.Refused{Reason: errClosed, Status: http.StatusServiceUnavailable})
		return
	}
	if err := write(w, http.StatusOK, pollAnswer(http.StatusGone, token, nil)); err != nil {
		s.end(fmt.Errorf("longpoll: the client went away before it had its token: %w", err), false)
	}
}

// refuse says no in words that clients know.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, err error) {
	httpStatus, status := http.StatusOK, http.StatusForbidden
	refused, ok := errors.AsType[*transport.Refused](err)
	if ok && refused.Status != 0 && refused.Status != http.StatusForbidden {
		httpStatus = refused.Status
		transport.SetRetryAfter(w.Header(), refused.RetryAfter)
	}
	if httpStatus >= 500 {
		status = http.StatusInternalServerError
	}
	h.say(w, r, httpStatus, status)
}

// publish answers a POST.
func (h *Handler) publish(w http.ResponseWriter, r *http.Request) {
	t, _, err := h.ticket(r)
	if err != nil {
		h.say(w, r, http.StatusBadRequest, http.StatusBadRequest)
		return
	}
	s := h.session(t.session)
	if s == nil && !h.elsewhere(t) {
		h.say(w, r, http.StatusOK, http.StatusGone)
		return
	}
	b, err := readBatch(w, r, h.cfg.MaxBody)
	if err != nil {
		h.cfg.Logger.Debug("longpoll: body not read", "error", err)
		h.say(w, r, http.StatusBadRequest, http.StatusBadRequest)
		return
	}
	if s == nil {
		h.say(w, r, http.StatusOK, h.postElsewhere(r.Context(), t, b, ""))
		return
	}
	h.say(w, r, http.StatusOK, s.receive(b, ""))
}

// outlast keeps the server's WriteTimeout from cutting a poll that waits.
func (h *Handler) outlast(w http.ResponseWriter, r *http.Request) {
	err := http.NewResponseController(w).SetWriteDeadline(time.Now().Add(h.cfg.Window + writeTimeout))
	if !errors.Is(err, http.ErrNotSupported) {
		return
	}
	server, ok := r.Context().Value(http.ServerContextKey).(*http.Server)
	if !ok || server.WriteTimeout <= 0 || server.WriteTimeout > h.cfg.Window {
		return
	}
	h.warned.Do(func() {
		h.cfg.Logger.Warn("longpoll: the server's WriteTimeout cuts waiting polls", "timeout", server.WriteTimeout,
			"window", h.cfg.Window, "writer", fmt.Sprintf("%T", w),
			"remedy", "give the http.ResponseWriter that a middleware wraps around the server's a method Unwrap() http.ResponseWriter")
	})
}

// Close ends all sessions as [transport.Conn.Close] does, which answers the
// polls that wait, and makes no new ones: clients are told to try again. It
// returns nil once every session has been told of its end, its client has
// fetched what waited for it, and the polls of other nodes are answered. If ctx ends first, what waits is dropped and the
// context's error is returned.
//
// Polls for sessions of other nodes are answered 204, those that come later
// within a second, so that their clients go on elsewhere. Posts for them wait a
// second at most for the other node.
//
// Call it before [http.Server.Shutdown], while clients can still fetch.
func (h *Handler) Close(ctx context.Context) error {
	h.endFronts()
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	for _, s := range h.all() {
		s.end(nil, true)
	}
	err := h.wait(ctx)
	for _, s := range h.all() {
		s.forget()
	}
	return err
}

func (h *Handler) wait(ctx context.Context) error {
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

func (h *Handler) all() []*session {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Collect(maps.Values(h.sessions))
}

// add makes s known, unless h is closed. Close then waits for two calls of
// release: when s cannot be found any more, and when its socket was told.
func (h *Handler) add(s *session) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return false
	}
	h.sessions[s.id] = s
	h.live += 2
	return true
}

func (h *Handler) remove(s *session) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.sessions, s.id)
}

// hold has Close wait for one more call of release.
func (h *Handler) hold() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.live++
}

func (h *Handler) release() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.live--; h.live == 0 && h.empty != nil {
		close(h.empty)
		h.empty = nil
	}
}

// bound returns v, or d if v is zero, or no bound if v is negative.
func bound[T int | time.Duration](v, d T) T {
	switch {
	case v == 0:
		return d
	case v < 0:
		return math.MaxInt
	}
	return v
}
