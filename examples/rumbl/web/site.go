// Package web is Rumbl as a browser sees it: pages rendered on the server,
// forms, and the files they need. What is live on a page goes over the socket,
// which is not this package's business.
package web

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"

	"github.com/roost-dev/roost/examples/rumbl/accounts"
	"github.com/roost-dev/roost/examples/rumbl/multimedia"
)

// Live is what the pages need to know of the live part of the site.
type Live interface {
	// Token returns what a page presents to open its socket.
	Token(session accounts.Session) (string, error)
	// Disconnect closes the sockets of a session that has ended.
	Disconnect(ctx context.Context, session accounts.Session) error
	// VideoDeleted tells those who are watching a video that it is gone.
	VideoDeleted(ctx context.Context, id int64) error
}

// Options configures a Site.
type Options struct {
	// Logger is told of failures. Nil: slog.Default().
	Logger *slog.Logger
	// HTTPS says that browsers reach the site over HTTPS only, if need be
	// through a proxy: cookies are then sent over nothing else.
	HTTPS bool
}

// Site is the pages of Rumbl, as an http.Handler.
type Site struct {
	accounts   *accounts.Service
	multimedia *multimedia.Service
	live       Live
	secret     []byte
	https      bool
	log        *slog.Logger
	pages      map[string]*template.Template
	assets     *assets
	handler    http.Handler
}

// New returns the site. secret protects its forms and should stay the same
// when the program is started again. The only errors are mistakes in the
// templates and files that are built in.
func New(a *accounts.Service, m *multimedia.Service, live Live, secret []byte, opts *Options) (*Site, error) {
	if opts == nil {
		opts = &Options{}
	}
	s := &Site{accounts: a, multimedia: m, live: live, secret: secret, https: opts.HTTPS, log: opts.Logger}
	if s.log == nil {
		s.log = slog.Default()
	}
	var err error
	if s.assets, err = loadAssets(); err != nil {
		return nil, fmt.Errorf("web: load assets: %w", err)
	}
	if s.pages, err = parsePages(s.assets); err != nil {
		return nil, fmt.Errorf("web: parse templates: %w", err)
	}
	s.handler = s.routes()
	return s, nil
}

// ServeHTTP implements http.Handler.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.handler.ServeHTTP(w, r)
}

func (s *Site) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /static/", s.assets)
	mux.Handle("GET /{$}", s.page(s.listVideos))
	mux.Handle("GET /register", s.page(s.newUser))
	mux.Handle("POST /register", s.page(s.createUser))
	mux.Handle("GET /login", s.page(s.newSession))
	mux.Handle("POST /login", s.page(s.createSession))
	mux.Handle("POST /logout", s.page(s.deleteSession))
	mux.Handle("GET /session", s.page(s.showSession))
	mux.Handle("GET /account", s.members(s.showAccount))
	mux.Handle("POST /account/password", s.members(s.changePassword))
	mux.Handle("POST "+themePath, s.page(s.setTheme))
	mux.Handle("GET /videos/new", s.members(s.newVideo))
	mux.Handle("POST /videos", s.members(s.createVideo))
	mux.Handle("GET /videos/{id}/edit", s.members(s.editVideo))
	mux.Handle("POST /videos/{id}", s.members(s.updateVideo))
	mux.Handle("GET /videos/{id}/delete", s.members(s.confirmDelete))
	mux.Handle("POST /videos/{id}/delete", s.members(s.deleteVideo))
	mux.Handle("GET /watch/{id}", s.members(s.watchVideo))
	mux.Handle("/", s.page(func(http.ResponseWriter, *http.Request, visitor) error { return errNoPage }))

	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(s.page(func(http.ResponseWriter, *http.Request, visitor) error { return errForgedForm }))
	return protection.Handler(mux)
}

// errNoPage is answered with 404, errForgedForm with 403.
var (
	errNoPage     = errors.New("web: no such page")
	errForgedForm = errors.New("web: the form was not sent from a page of this visitor")
)

// pageFunc answers one request. It returns an error instead of answering it;
// what becomes of that is decided in one place.
type pageFunc func(w http.ResponseWriter, r *http.Request, v visitor) error

// page serves f to anybody.
func (s *Site) page(f pageFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		protect(w.Header(), multimedia.Source{})
		v, err := s.visitor(r)
		if err == nil {
			err = s.checkForm(w, r, v)
		}
		if err == nil {
			err = f(w, r, v)
		}
		if err != nil {
			s.fail(w, r, v, err)
		}
	})
}

// members serves f to those who are logged in and sends others to do so.
func (s *Site) members(f pageFunc) http.Handler {
	return s.page(func(w http.ResponseWriter, r *http.Request, v visitor) error {
		if v.loggedIn() {
			return f(w, r, v)
		}
		http.Redirect(w, r, "/login?next="+afterLogin(r), http.StatusSeeOther) //nolint:gosec // to a page of ours, with the rest escaped
		return nil
	})
}

// fail answers a request that could not be answered otherwise.
func (s *Site) fail(w http.ResponseWriter, r *http.Request, v visitor, err error) {
	tooLarge, isTooLarge := errors.AsType[*http.MaxBytesError](err)
	var d failure
	switch {
	case errors.Is(err, context.Canceled) && r.Context().Err() != nil:
		return // nobody is there to read an answer
	case errors.Is(err, errNoPage), errors.Is(err, multimedia.ErrNotFound):
		d = failure{http.StatusNotFound, "Nothing here",
			"There is no page at this address. The video may have been taken down, or the link may be mistyped."}
	case errors.Is(err, multimedia.ErrNotOwner):
		d = failure{http.StatusForbidden, "That is not your video", "Only who added a video can change it or take it down."}
	case errors.Is(err, errForgedForm):
		d = failure{http.StatusForbidden, "That form is out of date",
			"You may have logged in or out in another tab since it was opened. Go back, reload the page and send it again."}
	case isTooLarge:
		d = failure{http.StatusRequestEntityTooLarge, "That was too much",
			fmt.Sprintf("A form may hold %d KB at most.", tooLarge.Limit>>10)}
	default:
		s.log.ErrorContext(r.Context(), "page failed", "method", r.Method, "path", r.URL.Path, "error", err)
		d = failure{http.StatusInternalServerError, "Something broke", "It is our fault, and it has been noted. Try again in a moment."}
	}
	if err := s.render(w, r, v, d.Status, "failure.html", d.Title, d); err != nil {
		s.log.ErrorContext(r.Context(), "failure page failed", "path", r.URL.Path, "error", err)
		http.Error(w, d.Title, d.Status)
	}
}

type failure struct {
	Status        int
	Title, Advice string
}
