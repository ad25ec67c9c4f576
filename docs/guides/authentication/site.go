// Package authentication is the code of the guide: a site whose users log in, and what their pages hold live.
package authentication

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/pubsub"
	"github.com/roost-dev/roost/token"
	"github.com/roost-dev/roost/transport"
)

// Session is one log-in of a user, on one browser.
type Session struct {
	ID      int64
	UserID  int64
	Expires time.Time
}

// ErrNoSession is what Sessions return of a session that has ended.
var ErrNoSession = errors.New("no such session")

// Sessions is where a site keeps who is logged in: a table of its database.
type Sessions interface {
	// Session returns a session that has not ended.
	Session(ctx context.Context, id int64) (Session, error)

	// OfRequest returns the session that a page's request belongs to, by its cookie.
	OfRequest(r *http.Request) (Session, error)

	// EndAll ends all sessions of a user.
	EndAll(ctx context.Context, userID int64) error
}

// Site is a web site with a socket.
type Site struct {
	sessions Sessions
	tokens   *token.Signer[int64]
	ps       *pubsub.PubSub
	server   *roost.Server[Session]
}

// New returns the site. All its servers have the same secret: 20 bytes or more, made at random.
func New(sessions Sessions, secret string) *Site {
	site := &Site{
		sessions: sessions,
		// Carries the id of a session.
		tokens: token.NewSigner[int64](secret, "user socket", &token.Options{MaxAge: 10 * time.Minute}),
		ps:     pubsub.Local(),
	}
	site.server = roost.NewServer(site.connect, &roost.Options[Session]{
		PubSub:    site.ps,
		Secret:    secret, // signs the sessions of long polling
		AuthToken: true,
		ID:        socketID,
		Origin:    transport.Origins("https://example.com", "https://app.example.com"),
	})
	site.server.Handle("account:{user}", accounts(site))
	return site
}

// connect lets in whoever brings the token of a session that has not ended.
func (site *Site) connect(ctx context.Context, r *roost.ConnectRequest) (Session, error) {
	id, err := site.tokens.Verify(r.AuthToken)
	if err != nil {
		return Session{}, err
	}
	return site.sessions.Session(ctx, id)
}

// socketID names the sockets of a user, on whatever device.
func socketID(s Session) string { return fmt.Sprintf("user:%d", s.UserID) }

// Handler serves the site.
func (site *Site) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/socket/", site.server)
	mux.HandleFunc("GET /socket-token", site.socketToken)
	return mux
}

// socketToken gives a page of somebody who is logged in what its socket connects with.
func (site *Site) socketToken(w http.ResponseWriter, r *http.Request) {
	session, err := site.sessions.OfRequest(r)
	if err != nil {
		http.Error(w, "log in", http.StatusUnauthorized)
		return
	}
	tok, err := site.tokens.Sign(session.ID)
	if err != nil {
		http.Error(w, "no token could be made", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	fmt.Fprint(w, tok)
}

// LogOutEverywhere ends all of a user's sessions, and what is open of them.
func (site *Site) LogOutEverywhere(ctx context.Context, userID int64) error {
	if err := site.sessions.EndAll(ctx, userID); err != nil {
		return err
	}
	return site.ps.Disconnect(ctx, socketID(Session{UserID: userID}))
}
