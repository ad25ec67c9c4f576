// Package live is what happens on Rumbl's pages without loading them anew: it
// joins the packages accounts and multimedia, which know nothing of it, to the
// sockets of the people who watch.
package live

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/presence"
	"github.com/roost-dev/roost/pubsub"
	"github.com/roost-dev/roost/token"

	"github.com/roost-dev/roost/examples/rumbl/accounts"
	"github.com/roost-dev/roost/examples/rumbl/multimedia"
)

// Options configures an App.
type Options struct {
	// PubSub is what viewers hear each other by. It should keep History. Nil:
	// one of this process, which does.
	PubSub *pubsub.PubSub
	// Logger is told of failures. Nil: slog.Default().
	Logger *slog.Logger
	// NoPoller is that of roost.WebSocket.
	NoPoller bool
}

// App is the live part of Rumbl: an http.Handler to be mounted at /socket/.
type App struct {
	accounts   *accounts.Service
	multimedia *multimedia.Service
	tokens     *token.Signer[int64]
	server     *roost.Server[accounts.Session]
	node       string // its name among others; empty if there are none
	viewers    *presence.Presence[Viewer]
	log        *slog.Logger
}

// New returns the live part of the site. secret, of at least 20 bytes, signs
// the tokens that pages connect with; if it changes, they must be loaded anew.
func New(a *accounts.Service, m *multimedia.Service, secret string, opts *Options) *App {
	if opts == nil {
		opts = &Options{}
	}
	ps, log := opts.PubSub, opts.Logger
	if log == nil {
		log = slog.Default()
	}
	if ps == nil {
		var err error
		if ps, err = pubsub.New(&pubsub.Options{History: History(), Logger: log}); err != nil {
			panic(err) // History is right, and there is no adapter that may fail
		}
	}
	app := &App{
		accounts:   a,
		multimedia: m,
		tokens:     token.NewSigner[int64](secret, "user socket", &token.Options{MaxAge: accounts.SessionLifetime}),
		node:       ps.Info().Node,
		viewers:    presence.New[Viewer](ps, &presence.Options[Viewer]{Logger: log}),
		log:        log,
	}
	app.server = roost.NewServer(app.connect, &roost.Options[accounts.Session]{
		PubSub:    ps,
		Secret:    secret,
		ID:        func(session accounts.Session) string { return socketID(session.ID) },
		AuthToken: true,
		Messages:  roost.Rate{PerSecond: 20, Burst: 100}, // nobody writes faster
		WebSocket: roost.WebSocket{NoPoller: opts.NoPoller},
		Logger:    log,
	})
	app.mount(app.server)
	return app
}

// mount has the server serve the topics.
func (app *App) mount(server *roost.Server[accounts.Session]) {
	server.Handle("videos:{id}", app.videos())
}

// ServeHTTP implements http.Handler.
func (app *App) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	app.server.ServeHTTP(w, r)
}

// Healthz tells operators how the live part is.
func (app *App) Healthz() http.Handler { return app.server.Healthz() }

// Readyz tells load balancers whether to send it viewers.
func (app *App) Readyz() http.Handler { return app.server.Readyz() }

// Token returns what a page of the session presents to open its socket, as its
// auth token: unlike a parameter it is in no URL, and so in nobody's log.
func (app *App) Token(session accounts.Session) (string, error) {
	return app.tokens.Sign(session.ID)
}

// Disconnect closes the sockets of a session that has ended. Their pages try
// to come back and are refused.
func (app *App) Disconnect(ctx context.Context, session accounts.Session) error {
	return app.server.PubSub().Disconnect(ctx, socketID(session.ID))
}

// VideoDeleted tells those who are watching a video that it is gone, and ends
// their conversations.
func (app *App) VideoDeleted(ctx context.Context, id int64) error {
	return VideoDeleted.Broadcast(ctx, app.server.PubSub(), topic(id), Deleted{})
}

// Shutdown ends every conversation in good order and closes every socket. It
// returns when that is done, or with an error when ctx ends.
func (app *App) Shutdown(ctx context.Context) error {
	return errors.Join(app.server.Shutdown(ctx), app.viewers.Close(ctx))
}

// connect lets in whoever brings the token of a session that has not ended.
func (app *App) connect(ctx context.Context, r *roost.ConnectRequest) (accounts.Session, error) {
	id, err := app.tokens.Verify(r.AuthToken)
	if err != nil {
		return accounts.Session{}, err
	}
	return app.accounts.SessionByID(ctx, id)
}

func socketID(sessionID int64) string { return "session:" + strconv.FormatInt(sessionID, 10) }
