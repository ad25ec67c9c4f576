package roost

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/roost-dev/roost/pubsub"
	"github.com/roost-dev/roost/transport"
)

// Options configures a [Server]. The zero value of a field means the default
// that it names; a negative value of a number means off, where that is said.
// A is the type of the socket's assigns.
type Options[A any] struct {
	// PubSub is what conversations publish by, shared by all that are to hear
	// each other. nil: one of the server's own, this process only.
	PubSub *pubsub.PubSub

	// Secret signs the sessions of long polling; at least 20 bytes. Empty: a
	// random one, so that sessions end with the process. If PubSub has an
	// adapter it is required, the same on all nodes: any of them may get the
	// requests of a session.
	Secret string

	// ID names the socket of these assigns, "user:7", so that
	// [pubsub.PubSub.Disconnect] and [pubsub.PubSub.Kick] find it. Sockets
	// may share an id. nil, or an empty id: it cannot be found.
	ID func(A) string

	// Origin says which pages may connect. Default: those of the request's
	// own host.
	Origin transport.OriginPolicy

	// AuthToken takes a token from the WebSocket subprotocol or the header of
	// long polling into [ConnectRequest] (spec/protocol.md §4).
	AuthToken bool

	// Cookies names the cookies that [ConnectRequest] shows. They are shown
	// only if the connect proves to come from a page of yours: see VerifyCSRF.
	// Default: none. Prefer tokens.
	Cookies []string

	// VerifyCSRF checks the parameter _csrf_token of a connect, before which
	// no cookie is shown. nil: it must equal the cookie named _csrf_token,
	// which your pages set at random and hand to the socket's params.
	VerifyCSRF func(r *http.Request, token string) bool

	// Refused answers a WebSocket connect that the connect callback refused;
	// err is what it returned. nil: 403 with an empty body. Long polling
	// always answers {"status": 403}.
	Refused func(w http.ResponseWriter, r *http.Request, err error)

	// MaxSockets bounds the open sockets of the server. Default: no bound but
	// memory and file descriptors. More are refused with HTTP 503, those that
	// were let in at the same moment closed with 1013, and their clients try
	// again, not before 5 s if they heed it (spec/protocol.md §22).
	MaxSockets int

	// MaxChannels bounds the conversations of one socket. Default 100. More
	// are refused: "too many channels joined".
	MaxChannels int

	// MaxMessage bounds a client's message in bytes of payload. Default 64
	// KiB. A larger one closes a WebSocket with 1009.
	MaxMessage int

	// Messages bounds what one client may send. Default 200 a second, in
	// bursts of 1,000. More is answered "rate limited"; a client that sends
	// as much again all the same is closed with 1008.
	Messages Rate

	// Joins bounds how often one client may join. Default 50 a second, in
	// bursts of 100. More is answered "rate limited", as above.
	Joins Rate

	// MailboxLen and MailboxBytes bound what waits for one conversation.
	// Default 1,024 messages and 1 MiB; one larger message is taken when the
	// mailbox is empty. A client's push that finds it full is answered
	// "busy"; anything else ends the conversation with phx_error, and the
	// client rejoins and catches up. While a conversation joins, or holds
	// back behind an intercepted broadcast of its own, at most MailboxLen
	// frames wait to be sent.
	MailboxLen   int
	MailboxBytes int

	// JoinTimeout bounds a join callback. Default 10 s: "join timeout".
	JoinTimeout time.Duration

	// DrainRate is how many sockets a second Shutdown closes, so that their
	// clients do not all come back at once. Default 5,000; negative: all.
	DrainRate int

	// ReturnRate is how many a second of the clients whose sockets Shutdown
	// closes are told to come back (spec/protocol.md §22), so that the other
	// nodes need not take all of them at once. Nobody is told to stay away for
	// more than a minute. Default 1,000; negative: nobody is told anything.
	ReturnRate int

	// MarkedPushes bounds what is remembered of pushes that clients mark, so
	// that each takes effect once (spec/protocol.md §21).
	MarkedPushes MarkedPushes

	// WebSocket and LongPoll configure the transports.
	WebSocket WebSocket
	LongPoll  LongPoll

	// Logger takes what an operator should know. nil: slog.Default(). Tokens
	// are never logged, payloads only if Log says so.
	Logger *slog.Logger

	// Log sets what is logged of the ordinary course of things.
	Log LogOptions

	// Trace is called at what happens, for metrics.
	Trace Trace
}

// Rate is a bound on how often something may happen.
type Rate struct {
	PerSecond float64 // 0: the default; negative: no bound
	Burst     int     // how much may come at once; 0: the default
}

// MarkedPushes bounds what a [Server] remembers of pushes that clients mark. A
// push that is sent again beyond a bound is answered "outcome_unknown": it may
// have taken effect.
type MarkedPushes struct {
	// Off has marks ignored: clients learn it when they join.
	Off bool

	// For is how long the outcome of a push is remembered, and what a client
	// marked after its connection broke. The context of a callback whose push
	// was marked does not end with the conversation but after this time.
	// Default 10 min.
	For time.Duration

	// PerSession is how many pushes of a client on one topic are remembered.
	// Default 1,000. Clients say what they have the reply of, which goes at
	// once.
	PerSession int

	// SessionBytes is how much is kept of the replies of a client on one
	// topic; the last is kept whatever its size. Default 256 KiB: more than 32
	// pushes at a time need, unless replies are larger than 8 KiB.
	SessionBytes int

	// Sessions is how many clients that are away are remembered, each with one
	// topic, and Bytes how much of their replies. Default 100,000, and 64 MiB.
	// Beyond that those that went first are forgotten.
	Sessions int
	Bytes    int
}

// WebSocket configures the WebSocket transport of a [Server].
type WebSocket struct {
	// Off refuses WebSocket connections with 404.
	Off bool

	// IdleTimeout closes a connection with 1001 when the client has sent
	// nothing for that long; clients send a heartbeat every 30 s. Default
	// 60 s; negative: never.
	IdleTimeout time.Duration

	// Ping is how often the server pings. Default: never.
	Ping time.Duration

	// Subprotocols are the subprotocols the server speaks, in order of
	// preference. A client that offers only others is refused.
	Subprotocols []string

	// Compress accepts permessage-deflate. A broadcast is compressed once.
	Compress bool

	// NoPoller gives each connection a goroutine of its own, as systems other
	// than Linux and TLS connections have it. Default: on Linux a plain
	// connection has none while it is idle.
	NoPoller bool

	// Outbox bounds what waits to be written to one client, in bytes.
	// Default 1 MiB. A client that is over it when more comes is closed with
	// 1013, and comes back.
	Outbox int
}

// LongPoll configures the long-polling transport of a [Server].
type LongPoll struct {
	// Off refuses long polling with 404.
	Off bool

	// Window is how long a poll waits for messages. Default 10 s. A session
	// without a poll for 1.5 windows ends.
	Window time.Duration

	// MaxAge bounds the life of a session's token. Default two weeks.
	MaxAge time.Duration

	// Outbox bounds what waits for a client's next poll, in bytes. Default 1
	// MiB. A session that is over it when more comes ends.
	Outbox int
}

// LogOptions sets what is logged of the ordinary course of things.
type LogOptions struct {
	// Connects, Joins and Events turn on a line at level Info each. Of a
	// connect that was refused it has the error.
	Connects, Joins, Events bool

	// Params adds the parameters, with those hidden whose name contains one
	// of Hide, whatever its case. Hide nil: password, token, secret.
	Params bool
	Hide   []string
}

// limits is the options that conversations need, with defaults filled in.
type limits struct {
	sockets      int
	channels     int
	mailboxLen   int
	mailboxBytes int
	messages     rate
	joins        rate
	joinTimeout  time.Duration
	drainRate    int
	returnRate   int
}

func newLimits[A any](o *Options[A]) limits {
	mustNotBeOff("MaxChannels", o.MaxChannels)
	mustNotBeOff("MailboxLen", o.MailboxLen)
	mustNotBeOff("MailboxBytes", o.MailboxBytes)
	mustNotBeOff("JoinTimeout", o.JoinTimeout)
	return limits{
		sockets:      o.MaxSockets,
		channels:     orDefault(o.MaxChannels, 100),
		mailboxLen:   orDefault(o.MailboxLen, 1024),
		mailboxBytes: orDefault(o.MailboxBytes, 1<<20),
		messages:     newRate(orDefault(o.Messages.PerSecond, 200), orDefault(o.Messages.Burst, 1000)),
		joins:        newRate(orDefault(o.Joins.PerSecond, 50), orDefault(o.Joins.Burst, 100)),
		joinTimeout:  orDefault(o.JoinTimeout, 10*time.Second),
		drainRate:    orDefault(o.DrainRate, 5000),
		returnRate:   orDefault(o.ReturnRate, 1000),
	}
}

func mustNotBeOff[T int | time.Duration](name string, v T) {
	if v < 0 {
		panic("roost: Options." + name + " cannot be turned off: what one client may cost must be bounded")
	}
}

// orDefault returns v, or def if v is zero.
func orDefault[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}
