package authentication

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/client"
	"github.com/roost-dev/roost/roosttest"
	"github.com/roost-dev/roost/transport"
)

const secret = "made at random, for this test"

// table is Sessions in memory, whose cookie "session" is the name of the one who is logged in.
type table struct {
	mu       sync.Mutex // guards the rest
	sessions map[int64]Session
	cookies  map[string]int64
}

// newTable has Ada logged in, with session 1 as user 7, for an hour.
func newTable() *table {
	return &table{
		sessions: map[int64]Session{1: {ID: 1, UserID: 7, Expires: time.Now().Add(time.Hour)}},
		cookies:  map[string]int64{"ada": 1},
	}
}

func (t *table) Session(_ context.Context, id int64) (Session, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s, ok := t.sessions[id]
	if !ok || !s.Expires.After(time.Now()) {
		return Session{}, ErrNoSession
	}
	return s, nil
}

func (t *table) OfRequest(r *http.Request) (Session, error) {
	cookie, err := r.Cookie("session")
	if err != nil {
		return Session{}, ErrNoSession
	}
	return t.Session(r.Context(), t.cookies[cookie.Value])
}

func (t *table) EndAll(_ context.Context, userID int64) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for id, s := range t.sessions {
		if s.UserID == userID {
			delete(t.sessions, id)
		}
	}
	return nil
}

func (t *table) prolong(id int64, until time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.sessions[id]
	s.Expires = until
	t.sessions[id] = s
}

// get asks the site as Ada's browser does.
func get(t *testing.T, site http.Handler, path string, cookies ...*http.Cookie) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for _, c := range cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	site.ServeHTTP(w, r)
	return w
}

var ada = &http.Cookie{Name: "session", Value: "ada"}

func TestAPageGetsATokenAndTheSocketAsksForIt(t *testing.T) {
	site := New(newTable(), secret)
	web := httptest.NewServer(site.Handler())
	defer web.Close()
	defer site.server.Shutdown(t.Context())

	if got := get(t, site.Handler(), "/socket-token"); got.Code != http.StatusUnauthorized {
		t.Errorf("a stranger gets %d, want to be told to log in", got.Code)
	}
	tok := get(t, site.Handler(), "/socket-token", ada).Body.String()

	socket, err := dial(t, web.URL, tok, "https://example.com")
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close(t.Context())
	if _, err := socket.Channel("account:7", nil).Join[roost.Ack](t.Context(), nil); err != nil {
		t.Error(err)
	}
	_, err = socket.Channel("account:8", nil).Join[roost.Ack](t.Context(), nil)
	if refusal, ok := errors.AsType[*roost.Error](err); !ok || refusal.Reason != "unauthorized" {
		t.Errorf("the account of somebody else: %v", err)
	}

	_, err = dial(t, web.URL, "made up", "https://example.com")
	if refusal, ok := errors.AsType[*client.RefusedError](err); !ok || refusal.Status != http.StatusForbidden {
		t.Errorf("a token that was made up: %v", err)
	}
}

func TestPagesOfOtherSitesAreRefused(t *testing.T) {
	site := New(newTable(), secret)
	web := httptest.NewServer(site.Handler())
	defer web.Close()
	defer site.server.Shutdown(t.Context())
	tok, err := site.tokens.Sign(1)
	if err != nil {
		t.Fatal(err)
	}
	for origin, allowed := range map[string]bool{
		"https://example.com":     true,
		"https://app.example.com": true,
		"http://example.com":      false,
		"https://evil.example":    false,
	} {
		socket, err := dial(t, web.URL, tok, origin)
		if (err == nil) != allowed {
			t.Errorf("from %s: %v", origin, err)
		}
		if err == nil {
			socket.Close(t.Context())
		}
	}
}

func dial(t *testing.T, site, tok, origin string) (*client.Socket, error) {
	t.Helper()
	return client.Dial(t.Context(), "ws"+strings.TrimPrefix(site, "http")+"/socket/websocket", &client.Options{
		AuthToken: func(context.Context) (string, error) { return tok, nil },
		Header:    http.Header{"Origin": {origin}},
		Logger:    slog.New(slog.DiscardHandler),
	})
}

func TestLoggingOutEverywhereClosesAllSocketsForGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		site := New(newTable(), secret)
		tok, err := site.tokens.Sign(1)
		if err != nil {
			t.Fatal(err)
		}
		phone := roosttest.Connect(t, site.server, &roosttest.Options{AuthToken: tok})
		laptop := roosttest.Connect(t, site.server, &roosttest.Options{AuthToken: tok})
		if err := site.LogOutEverywhere(t.Context(), 7); err != nil {
			t.Fatal(err)
		}
		for _, device := range []*roosttest.Client{phone, laptop} {
			if code := device.ExpectDisconnect(); code != transport.CloseGoingAway {
				t.Errorf("closed with %d", code)
			}
		}
		if err := roosttest.ConnectError(t, site.server, &roosttest.Options{AuthToken: tok}); !errors.Is(err, ErrNoSession) {
			t.Errorf("coming back: %v", err)
		}
	})
}

func TestASocketEndsWithItsSessionUnlessThatIsProlonged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sessions := newTable()
		site := New(sessions, secret)
		sign := func() string {
			tok, err := site.tokens.Sign(1)
			if err != nil {
				t.Fatal(err)
			}
			return tok
		}
		socket := roosttest.Connect(t, site.server, &roosttest.Options{AuthToken: sign()})
		account := socket.Join("account:7", nil)

		time.Sleep(59 * time.Minute)
		if refusal := account.CallError(Renew, Renewal{Token: "made up"}); refusal.Reason != "bad token" {
			t.Errorf("a token that was made up: %v", refusal)
		}
		sessions.prolong(1, time.Now().Add(time.Hour))
		account.Call(Renew, Renewal{Token: sign()})
		time.Sleep(59 * time.Minute)
		account.Call(Renew, Renewal{Token: sign()}) // still there; nothing was prolonged
		time.Sleep(2 * time.Minute)
		socket.ExpectDisconnect()
	})
}

func TestACookieCountsWithItsCSRFTokenOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newByCookie(newTable())
		made := get(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { csrfToken(w, r) }), "/").Result().Cookies()[0].Value
		browser := func(param string) *roosttest.Options {
			return &roosttest.Options{
				Params: map[string]string{"_csrf_token": param},
				Header: http.Header{"Cookie": {"session=ada; _csrf_token=" + made}},
			}
		}
		roosttest.Connect(t, server, browser(made))
		for _, param := range []string{"", "guessed"} {
			if err := roosttest.ConnectError(t, server, browser(param)); !errors.Is(err, ErrNoSession) {
				t.Errorf("with the CSRF token %q: %v", param, err)
			}
		}
	})
}
