package roost

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/roost-dev/roost/pubsub"
	"github.com/roost-dev/roost/token"
	"github.com/roost-dev/roost/transport"
	"github.com/roost-dev/roost/transport/longpoll"
	"github.com/roost-dev/roost/transport/websocket"
)

// Server accepts sockets and routes their topics to handlers. A is the type
// of a socket's assigns. It is an [http.Handler] for any mux: mounted at
// /socket/ it serves /socket/websocket and /socket/longpoll. Variables of the
// mux's pattern, as in /teams/{team}/socket/, join the connect params.
type Server[A any] struct {
	core core

	connect     func(ctx context.Context, r *ConnectRequest) (A, error)
	id          func(A) string
	cookieNames []string
	verifyCSRF  func(r *http.Request, token string) bool
	websocket   *websocket.Handler // nil if off
	longpoll    *longpoll.Handler  // nil if off
	alone       func()             // has its long polling serve no other nodes any more; nil if there are none
}

// NewServer makes a server of its connect callback, which decides who may
// connect and returns the socket's assigns. It runs on the goroutine of the
// request; its ctx is the request's. An error refuses: clients see HTTP 403,
// see [Options].Refused. It is not logged unless [LogOptions].Connects says so.
// A panic in it is answered 500.
//
// It panics on options that make no sense.
func NewServer[A any](connect func(ctx context.Context, r *ConnectRequest) (A, error), opts *Options[A]) *Server[A] {
	if connect == nil {
		panic("roost: NewServer needs a connect callback")
	}
	if opts == nil {
		opts = &Options[A]{}
	}
	s := &Server[A]{
		core: core{
			pubsub:  opts.PubSub,
			logger:  opts.Logger,
			log:     opts.Log,
			trace:   opts.Trace,
			limits:  newLimits(opts),
			began:   time.Now(),
			sockets: map[*socket]struct{}{},
		},
		connect:     connect,
		id:          opts.ID,
		cookieNames: opts.Cookies,
		verifyCSRF:  opts.VerifyCSRF,
	}
	if s.core.pubsub == nil {
		s.core.pubsub = pubsub.Local()
	}
	if s.core.logger == nil {
		s.core.logger = slog.Default()
	}
	if s.core.log.Hide == nil {
		s.core.log.Hide = []string{"password", "token", "secret"}
	}
	if s.verifyCSRF == nil {
		s.verifyCSRF = doubleSubmit
	}
	peers := newPeers(s.core.pubsub)
	s.mountTransports(opts, peers)
	s.core.marked = newMarkedPushes(peers, opts.MarkedPushes)
	s.core.forget = s.core.pubsub.AddSockets(&s.core)
	return s
}

func (s *Server[A]) mountTransports(opts *Options[A], peers *peers) {
	if !opts.LongPoll.Off {
		s.mountLongPoll(opts, peers)
	}
	if ws := opts.WebSocket; !ws.Off {
		var upgrade func(token string) (open func(transport.Conn) transport.Session, err error)
		if s.longpoll != nil {
			upgrade = s.longpoll.Upgrade
		}
		s.websocket = websocket.New(websocket.Config{
			Accept:       s.accept,
			Upgrade:      upgrade,
			Origin:       opts.Origin,
			AuthToken:    opts.AuthToken,
			Subprotocols: ws.Subprotocols,
			MaxMessage:   opts.MaxMessage,
			IdleTimeout:  ws.IdleTimeout,
			Ping:         ws.Ping,
			Compress:     ws.Compress,
			Outbox:       ws.Outbox,
			NoPoller:     ws.NoPoller,
			Refuse:       s.refuser(opts.Refused),
			Logger:       s.core.logger,
		})
	}
}

func (s *Server[A]) mountLongPoll(opts *Options[A], peers *peers) {
	secret := opts.Secret
	switch {
	case secret == "" && peers != nil:
		panic("roost: Options.Secret is missing: the PubSub has an adapter, so long polls reach any node; " +
			"give the servers of all nodes the same secret, or set LongPoll.Off")
	case secret == "":
		secret = rand.Text()
	}
	cfg := longpoll.Config{
		Accept:     s.accept,
		Origin:     opts.Origin,
		AuthToken:  opts.AuthToken,
		Tokens:     token.NewSigner[string](secret, "roost long poll", &token.Options{MaxAge: orDefault(opts.LongPoll.MaxAge, 14*24*time.Hour)}),
		Window:     opts.LongPoll.Window,
		MaxMessage: opts.MaxMessage,
		Outbox:     opts.LongPoll.Outbox,
		Upgrade:    !opts.WebSocket.Off,
		Logger:     s.core.logger,
	}
	if peers == nil {
		s.longpoll = longpoll.New(cfg)
		return
	}
	cfg.Peers = peers
	s.longpoll = longpoll.New(cfg)
	s.alone = peers.serve(s.longpoll)
}

// refuser answers refusals: those of the application as it wants it, those of
// the protocol as Phoenix does.
func (s *Server[A]) refuser(refused func(http.ResponseWriter, *http.Request, error)) func(http.ResponseWriter, *http.Request, error) {
	return func(w http.ResponseWriter, r *http.Request, err error) {
		var refusal *transport.Refused
		switch {
		case !errors.As(err, &refusal):
			w.WriteHeader(http.StatusForbidden)
		case refusal.Status != 0:
			transport.SetRetryAfter(w.Header(), refusal.RetryAfter)
			w.WriteHeader(refusal.Status)
		case refused != nil:
			refused(w, r, refusal.Reason)
		default:
			w.WriteHeader(http.StatusForbidden)
		}
	}
}

// Handle mounts h for the topics that pattern matches: "lobby", "videos:{id}"
// where {id} is one segment between colons, "videos:{rest...}" and "videos:*"
// where the last part is anything. Of two patterns that match a topic the
// more specific wins. It panics on a bad pattern, and on one that conflicts
// with another: neither of the two is more specific. It panics, too, if some of
// the topics keep their history and join replies with bytes, in which there is
// no room for the client's position. Mount everything before the first client
// connects.
func (s *Server[A]) Handle[S any](pattern string, h *Handler[A, S]) {
	if h == nil {
		panic(fmt.Sprintf("roost: Handle of %q needs a handler", pattern))
	}
	r := &route{pattern: parsePattern(pattern), routine: h.r}
	s.core.mustHoldPosition(r)
	h.r.mounted = true
	s.core.routesMu.Lock()
	defer s.core.routesMu.Unlock()
	at := len(s.core.routes)
	for i, other := range s.core.routes {
		if !r.pattern.overlaps(&other.pattern) {
			continue
		}
		covers, covered := r.pattern.covers(&other.pattern), other.pattern.covers(&r.pattern)
		switch {
		case covers == covered:
			panic(fmt.Sprintf("roost: topic patterns %q and %q conflict: they match the same topics, and neither is more specific",
				pattern, other.pattern.text))
		case covered && i < at:
			at = i
		}
	}
	s.core.routes = append(s.core.routes, nil)
	copy(s.core.routes[at+1:], s.core.routes[at:])
	s.core.routes[at] = r
}

// ServeHTTP serves the transports: the last segment of the path tells which.
func (s *Server[A]) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimSuffix(r.URL.Path, "/")
	switch name := path[strings.LastIndexByte(path, '/')+1:]; {
	case below(r.Pattern, path):
		http.NotFound(w, r)
	case name == "websocket" && s.websocket != nil:
		s.websocket.ServeHTTP(w, r)
	case name == "longpoll" && s.longpoll != nil:
		s.longpoll.ServeHTTP(w, r)
	default:
		http.NotFound(w, r)
	}
}

// below reports whether path lies more than one segment below the subtree
// that pattern of http.ServeMux stands for.
func below(pattern, path string) bool {
	_, mounted, _ := strings.Cut(pattern, "/")
	return strings.HasSuffix(pattern, "/") && strings.Count(path, "/") > 1+strings.Count(mounted, "/")
}

// WebSocket returns the WebSocket transport alone, to be mounted at a path of
// any form. It panics if it is off.
func (s *Server[A]) WebSocket() http.Handler {
	if s.websocket == nil {
		panic("roost: WebSocket is off")
	}
	return s.websocket
}

// LongPoll returns the long-polling transport alone, to be mounted at a path
// of any form. It panics if it is off.
func (s *Server[A]) LongPoll() http.Handler {
	if s.longpoll == nil {
		panic("roost: LongPoll is off")
	}
	return s.longpoll
}

// Accept is what a transport of one's own calls for a client that connects;
// [transport/memory] is one.
func (s *Server[A]) Accept(r *http.Request, h transport.Hello) (open func(transport.Conn) transport.Session, err error) {
	return s.accept(r, h)
}

// PubSub returns what the server's conversations publish by.
func (s *Server[A]) PubSub() *pubsub.PubSub { return s.core.pubsub }

// Slow returns how many sockets have been closed since the server began because
// their clients did not take what they were sent. See also [Trace].Slow.
func (s *Server[A]) Slow() uint64 { return s.core.slow.Load() }

// Sockets returns the number of open sockets.
func (s *Server[A]) Sockets() int {
	s.core.mu.Lock()
	defer s.core.mu.Unlock()
	return len(s.core.sockets)
}

// Channels returns the number of conversations.
func (s *Server[A]) Channels() int {
	n := 0
	for _, socket := range s.core.allSockets() {
		socket.mu.Lock()
		n += socket.topics.len()
		socket.mu.Unlock()
	}
	return n
}

// Shutdown ends the server in good order: it refuses new sockets and joins,
// lets each conversation finish what waits in its mailbox, runs OnTerminate,
// and closes every socket with 1012, [Options].DrainRate of them a second,
// telling its client when to come back ([Options].ReturnRate). Polls that wait
// are answered. It returns once no connection and no worker is left. If ctx
// ends first, conversations lose their context and sockets are closed all the
// same, within 5 s, and its error is returned. It may be called again to wait
// for what was left.
//
// Call it before [http.Server.Shutdown], which does not know of WebSockets.
func (s *Server[A]) Shutdown(ctx context.Context) error {
	c := &s.core
	c.drain(ctx)
	err := c.waitEmpty(ctx)
	c.forget()
	if err != nil {
		c.marked.abandon()
		for _, socket := range c.allSockets() {
			socket.endAll(Drained)
			socket.closeForRestart()
		}
	}
	// All of these are called; the first error is that of ctx, and so are the others.
	if s.longpoll != nil {
		err = cmp.Or(err, s.longpoll.Close(ctx)) // first, since it closes some WebSockets
	}
	if s.websocket != nil {
		err = cmp.Or(err, s.websocket.Wait(ctx))
	}
	if s.alone != nil {
		s.alone()
	}
	err = cmp.Or(err, c.pool.Close(ctx))
	c.marked.close()
	return err
}
