package client

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"
)

// Options configures a [Socket]. The zero value of a field means the default
// that it names.
type Options struct {
	// Params makes the parameters of each connection, which the server's
	// connect callback sees. It is asked at each try. nil: none.
	Params func(ctx context.Context) (url.Values, error)

	// AuthToken makes the token of each connection, which travels outside of
	// the URL (spec/protocol.md §4). It is asked at each try, and may take as
	// long as its context. An error ends the try. nil or empty: none.
	//
	// If the server refuses with 401 or 403, OnClose is told, and this and
	// Params are asked once more at once: the time to drop a token that was
	// kept.
	AuthToken func(ctx context.Context) (string, error)

	// Header is sent with each request that opens a connection.
	Header http.Header

	// Transport makes connections. Set one for TLS, proxies and dialing of
	// your own: an [http.Transport], or what hands its answers on as they
	// are. nil: [http.DefaultTransport], which keeps two connections to a host:
	// as many as one socket needs that polls.
	Transport http.RoundTripper

	// LongPoll has the client use HTTP requests, of which one always waits for
	// messages, rather than a WebSocket (spec/protocol.md §13). They go to the
	// URL whose last "/websocket" is "/longpoll" instead. A URL whose path ends
	// in "/longpoll" means the same.
	LongPoll bool

	// LongPollFallback is how long a WebSocket may take to open, and as long
	// again to carry a first answer, before the client tries long polling: some
	// networks let no WebSocket through. Another failure to open it does so at
	// once. If long polling works the socket stays with it, until a WebSocket
	// gets through and the server can have the session go on over that
	// (spec/protocol.md §23). Default: never.
	LongPollFallback time.Duration

	// PollTimeout is how long an answer may take with long polling. Servers
	// answer at the latest after a window, 10 s with Roost and Phoenix. Without
	// an answer the client reconnects. Default 20 s.
	PollTimeout time.Duration

	// Compress offers to compress the messages of a WebSocket (RFC 7692); a
	// Roost server agrees if its own option Compress is set. It saves bytes and
	// costs time on both sides. What is shorter than 512 bytes is sent as it is.
	Compress bool

	// Timeout is how long the server may take to answer: a connect, a join, a
	// call, a leave, a heartbeat. A context may end earlier. It also bounds
	// how long a call waits for a channel to be joined. Default 10 s.
	Timeout time.Duration

	// Heartbeat is how often the client says that it lives, and asks whether
	// the server does. A server that sends nothing for a Timeout after that is
	// given up, and the client reconnects. Default 30 s; negative: never. With
	// long polling there are none: each poll shows that both live.
	Heartbeat time.Duration

	// Reconnect is how long to wait before the n-th try in a row, from 1, to
	// connect again. The count begins anew behind a connection that lasted
	// 5 s. Default: at random up to 250 ms, 500 ms, 1 s, ... 10 s, so that the
	// clients of a server that comes back do not come all at once. A server may
	// ask for more (spec/protocol.md §22).
	Reconnect func(n int) time.Duration

	// Rejoin is how long to wait before the n-th try in a row, from 1, to join
	// again a channel whose conversation broke, or whose join failed. A
	// channel that lost its connection does not wait: it joins when there is
	// another. Default: at random up to 1 s, 2 s, 5 s, 10 s. A server may ask for
	// more (spec/protocol.md §22).
	Rejoin func(n int) time.Duration

	// MaxMessage bounds a message of the server in bytes. A larger one ends
	// the connection with 1009. Default 16 MiB. An answer to long polling, which
	// holds many, may have twice as much and 8 MiB.
	MaxMessage int

	// OnOpen is called when a connection stands, OnClose when it is over or
	// could not be made: with a [*CloseError], a [*RefusedError], ErrHeartbeat,
	// ErrClosed, or an error of the network or of Params or AuthToken. Both
	// run on the socket's goroutine, one after the other, before anything else
	// is tried: they must not block, nor close the socket. For the first
	// connection OnClose runs within [Dial].
	OnOpen  func()
	OnClose func(err error)

	// Logger takes connections that were lost, and errors of channels without
	// OnError. Payloads, parameters and tokens are never logged. nil:
	// slog.Default().
	Logger *slog.Logger
}

// ChannelOptions configures a [Channel]. The zero value of a field means the
// default that it names.
type ChannelOptions struct {
	// RejoinParams makes the parameters of each join after the first. nil: they
	// are those of the first. It runs on a goroutine of the channel and may
	// block, within its context.
	RejoinParams func(ctx context.Context) (any, error)

	// History asks for the topic's history (spec/protocol.md §20): what was
	// missed is told when the channel rejoins. The parameters must be a JSON
	// object then. On a topic that keeps none it changes nothing.
	History bool

	// After is a position that [Channel.Position] returned in an earlier life
	// of the program: the first join gets what came after it. It implies
	// History. Empty: the first join gets what is live.
	After string

	// Outbox is how many calls of [Channel.CallOnce] may be unanswered; more
	// wait until there is room. With an outbox the parameters must be a JSON
	// object, and the server must know marked pushes (spec/protocol.md §21).
	// Default: none, and CallOnce fails.
	Outbox int

	// Inbox is how many events may wait for the callbacks, and InboxBytes how
	// many bytes of payload; one event that is larger may wait alone. With
	// more the channel leaves its conversation, which OnError tells with
	// ErrOverrun, handles what it has, and joins again. With History it then
	// gets what it missed; without, that is lost. Default 4,096 events and
	// 4 MiB.
	Inbox      int
	InboxBytes int
}

// settled is how long a connection or a conversation has to last for the next
// failure to count as the first.
const settled = 5 * time.Second

func (o *Options) withDefaults() Options {
	var all Options
	if o != nil {
		all = *o
	}
	all.Header = all.Header.Clone()
	if all.Transport == nil {
		all.Transport = http.DefaultTransport
	}
	if all.Timeout <= 0 {
		all.Timeout = 10 * time.Second
	}
	if all.PollTimeout <= 0 {
		all.PollTimeout = 20 * time.Second
	}
	if all.Heartbeat == 0 {
		all.Heartbeat = 30 * time.Second
	}
	if all.Reconnect == nil {
		all.Reconnect = reconnectAfter
	}
	if all.Rejoin == nil {
		all.Rejoin = rejoinAfter
	}
	if all.MaxMessage <= 0 {
		all.MaxMessage = 16 << 20
	}
	if all.OnOpen == nil {
		all.OnOpen = func() {}
	}
	if all.OnClose == nil {
		all.OnClose = func(error) {}
	}
	if all.Logger == nil {
		all.Logger = slog.Default()
	}
	return all
}

func (o *ChannelOptions) withDefaults() ChannelOptions {
	var all ChannelOptions
	if o != nil {
		all = *o
	}
	all.History = all.History || all.After != ""
	if all.Inbox <= 0 {
		all.Inbox = 4096
	}
	if all.InboxBytes <= 0 {
		all.InboxBytes = 4 << 20
	}
	return all
}

// reconnectAfter doubles, with full jitter.
func reconnectAfter(n int) time.Duration {
	return rand.N(min(250*time.Millisecond<<min(n-1, 10), 10*time.Second))
}

// rejoinAfter is phoenix.js's schedule, with full jitter.
func rejoinAfter(n int) time.Duration {
	most := [...]time.Duration{time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second}
	return rand.N(most[min(n, len(most))-1])
}
