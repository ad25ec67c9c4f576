package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/presence"
	"github.com/roost-dev/roost/pubsub"
	"github.com/roost-dev/roost/transport"
)

// errRejected refuses a client without a reason.
var errRejected = errors.New("rejected")

// A refusal refuses a client with the reason that it asked for.
type refusal string

func (r refusal) Error() string { return string(r) }

// A mount is a server at a path.
type mount struct {
	path   string
	server *roost.Server[caller]
}

// newMounts makes the servers of the application, which publish by ps and share their handlers.
func newMounts(ps *pubsub.PubSub, members *presence.Presence[member], noPoller bool, logger *slog.Logger) []mount {
	echo, room := newEcho(), newRoom(members)
	mounts := []mount{}
	add := func(path string, change func(*roost.Options[caller])) *roost.Server[caller] {
		opts := roost.Options[caller]{
			PubSub:   ps,
			Secret:   "only the conformance application uses this",
			ID:       socketID,
			Messages: roost.Rate{PerSecond: -1},
			Joins:    roost.Rate{PerSecond: -1},
			Logger:   logger,
		}
		opts.WebSocket.NoPoller = noPoller
		change(&opts)
		server := roost.NewServer(connect, &opts)
		server.Handle("echo:*", echo)
		mounts = append(mounts, mount{path, server})
		return server
	}
	all := func(path string, change func(*roost.Options[caller])) {
		server := add(path, change)
		server.Handle("lobby", echo)
		server.Handle("log:*", echo)
		server.Handle("room:*", room)
	}
	all("/socket", func(o *roost.Options[caller]) {
		o.Origin = transport.AnyOrigin()
		o.MaxMessage, o.MailboxLen, o.MailboxBytes = 10_000_000, 10_000, 16<<20
	})
	all("/strict", func(o *roost.Options[caller]) {
		o.Origin = transport.Origins("https://example.com", "//*.allowed.test", "http://local.test:4101")
	})
	all("/hostcheck", func(o *roost.Options[caller]) { o.Origin = transport.Origins("//localhost") })
	all("/short", func(o *roost.Options[caller]) {
		o.Origin = transport.AnyOrigin()
		o.WebSocket.IdleTimeout = 2 * time.Second
		o.LongPoll = roost.LongPoll{Window: time.Second, MaxAge: 3 * time.Second}
	})
	all("/shortlp", func(o *roost.Options[caller]) {
		o.WebSocket.Off = true
		o.LongPoll.Window = time.Second
	})
	all("/small", func(o *roost.Options[caller]) {
		o.LongPoll.Off = true
		o.MaxMessage = 1024
	})
	all("/compress", func(o *roost.Options[caller]) {
		o.LongPoll.Off = true
		o.WebSocket.Compress = true
	})
	all("/auth", func(o *roost.Options[caller]) { o.AuthToken = true })
	all("/errh", func(o *roost.Options[caller]) { o.Refused = tellRefusal })
	add("/few", func(o *roost.Options[caller]) {
		o.LongPoll.Off = true
		o.MaxChannels = 2
	})
	all("/subp", func(o *roost.Options[caller]) {
		o.LongPoll.Off = true
		o.WebSocket.Subprotocols = []string{"mqtt", "foo.v1"}
	})
	return mounts
}

// connect accepts everybody who does not ask to be refused.
func connect(_ context.Context, r *roost.ConnectRequest) (caller, error) {
	if _, ok := r.Params["reject"]; ok {
		return caller{}, errRejected
	}
	if reason := r.Param("reject_reason"); reason != "" {
		return caller{}, refusal(reason)
	}
	var c caller
	if user := r.Param("user"); user != "" {
		c.User = &user
	}
	if r.AuthToken != "" {
		c.AuthToken = &r.AuthToken
	}
	return c, nil
}

func socketID(c caller) string {
	if c.User == nil {
		return ""
	}
	return "user_socket:" + *c.User
}

// tellRefusal answers a client that was refused with a reason.
func tellRefusal(w http.ResponseWriter, _ *http.Request, err error) {
	reason, ok := errors.AsType[refusal](err)
	switch {
	case !ok:
		w.WriteHeader(http.StatusForbidden)
	case reason == "rate_limit":
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = w.Write([]byte("Too many requests")) // the client may be gone
	default:
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte("refused: " + string(reason)))
	}
}
