// Package live is what happens on open pages: who may connect, and what
// people hear of each other.
package live

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/contract"
	"github.com/roost-dev/roost/history"
	"github.com/roost-dev/roost/presence"
	"github.com/roost-dev/roost/pubsub"
	"github.com/roost-dev/roost/token"

	"rumbl/step7/store"
)

// Visitor is who opened a socket.
type Visitor struct{ Name string }

// App is the server of the sockets, to be mounted at /socket/.
type App struct {
	*roost.Server[Visitor]

	tokens *token.Signer[string]
	store  *store.Store

	viewers *presence.Presence[Viewer]
}

// New returns the server. secret, of at least 20 bytes, signs the tokens that
// say who a visitor is. ps, which must be closed after the server, should keep
// History.
func New(secret string, db *store.Store, ps *pubsub.PubSub) *App {
	app := &App{
		tokens: token.NewSigner[string](secret, "visitor", &token.Options{MaxAge: 24 * time.Hour}),
		store:  db,
	}
	app.Server = roost.NewServer(app.connect, &roost.Options[Visitor]{AuthToken: true, Secret: secret, PubSub: ps})
	app.viewers = presence.New(ps, &presence.Options[Viewer]{Fetch: app.countAnnotations})
	app.Handle("videos:{id}", app.videos())
	return app
}

// History is what is kept of the videos, so that pages which lost their
// connection get exactly what they missed.
func History() []history.Keep {
	return []history.Keep{{Topics: []string{"videos:*"}, Events: []string{AnnotationAdded.Name()}, For: time.Hour}}
}

// Shutdown ends all conversations, and then what is told of who is there.
func (app *App) Shutdown(ctx context.Context) error {
	return errors.Join(app.Server.Shutdown(ctx), app.viewers.Close(ctx))
}

// Contract is what web/contract.ts is made of.
func Contract() (*contract.Contract, error) {
	return New("of this secret no token is made", nil, pubsub.Local()).Contract()
}

// Login answers a form with a name by the token of who has that name. Whether
// it is really she is for your site to find out.
func (app *App) Login(w http.ResponseWriter, r *http.Request) {
	name := r.FormValue("name")
	if length := utf8.RuneCountInString(name); length < 1 || length > 40 {
		http.Error(w, "a name has 1 to 40 characters", http.StatusBadRequest)
		return
	}
	signed, err := app.tokens.Sign(name)
	if err != nil {
		http.Error(w, "no token can be made", http.StatusInternalServerError)
		return
	}
	fmt.Fprint(w, signed)
}

// connect lets in whoever brings a token.
func (app *App) connect(_ context.Context, r *roost.ConnectRequest) (Visitor, error) {
	name, err := app.tokens.Verify(r.AuthToken)
	return Visitor{name}, err
}
