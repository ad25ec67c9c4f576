package web

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/roost-dev/roost/examples/rumbl/accounts"
)

const (
	cookieName = "rumbl_session"
	maxForm    = 64 << 10 // bytes
	formTime   = 30 * time.Second
)

// visitor is who sent a request.
type visitor struct {
	// secret is the value of the cookie, "" if there was none. One that
	// belongs to no session is good enough to protect the log-in form.
	secret  string
	session accounts.Session // zero: not logged in
}

func (v visitor) loggedIn() bool { return v.session.ID != 0 }

// visitor finds out who sent r.
func (s *Site) visitor(r *http.Request) (visitor, error) {
	cookie, _ := r.Cookie(cookieName)
	if cookie == nil || cookie.Value == "" {
		return visitor{}, nil
	}
	v := visitor{secret: cookie.Value}
	var err error
	v.session, err = s.accounts.SessionBySecret(r.Context(), v.secret)
	if err != nil && !errors.Is(err, accounts.ErrNoSession) {
		return v, err
	}
	return v, nil
}

// logIn begins a session, in place of the visitor's. The cookie's value is a new
// one, so that one planted before is worth nothing.
func (s *Site) logIn(w http.ResponseWriter, r *http.Request, v visitor, login accounts.Login) error {
	secret, err := s.accounts.BeginSession(r.Context(), login)
	if err != nil {
		return err
	}
	if v.loggedIn() {
		if err := s.logOut(w, r, v); err != nil {
			return err
		}
	}
	s.setCookie(w, secret, int(accounts.SessionLifetime.Seconds()))
	return nil
}

// logOut ends the visitor's session and closes what is live on its pages.
func (s *Site) logOut(w http.ResponseWriter, r *http.Request, v visitor) error {
	if err := s.accounts.EndSession(r.Context(), v.session); err != nil {
		return err
	}
	s.setCookie(w, "", -1)
	return s.live.Disconnect(r.Context(), v.session)
}

func (s *Site) setCookie(w http.ResponseWriter, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure is set where the site has HTTPS: without, the cookie would get lost
		Name:     cookieName,
		Value:    value,
		Path:     "/",
		MaxAge:   maxAge,
		Secure:   s.https,
		HttpOnly: true,
		SameSite: http.SameSiteLaxMode,
	})
}

// formToken returns what a form on a page for v must send along. A visitor
// without a cookie gets one, for the token to be bound to.
func (s *Site) formToken(w http.ResponseWriter, v visitor) string {
	if v.secret == "" {
		v.secret = rand.Text()
		s.setCookie(w, v.secret, 0)
	}
	mac := hmac.New(sha256.New, s.secret)
	mac.Write([]byte("form token of " + v.secret))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// checkForm reads the form of a POST and makes sure that it came from a page
// that was rendered for v.
func (s *Site) checkForm(w http.ResponseWriter, r *http.Request, v visitor) error {
	if r.Method != http.MethodPost {
		return nil
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	// A form that trickles in must not hold the connection for ever. Where
	// there is no deadline to set there is no connection either.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(formTime))
	if err := r.ParseForm(); err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return err
		}
		return errForgedForm // no browser sends a form that does not parse
	}
	if r.URL.Path == themePath {
		return nil // see setTheme
	}
	sent := r.PostForm.Get("form_token")
	if v.secret == "" || subtle.ConstantTimeCompare([]byte(sent), []byte(s.formToken(w, v))) != 1 {
		return errForgedForm
	}
	return nil
}

// afterLogin returns, escaped for a query, where to go on once logged in.
func afterLogin(r *http.Request) string {
	if r.Method != http.MethodGet {
		return "%2F"
	}
	return url.QueryEscape(r.URL.RequestURI())
}

// localPath returns next if it is a path of this site, and "/" otherwise.
func localPath(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || !strings.HasPrefix(next, "/") ||
		strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") {
		return "/"
	}
	return next
}
