package authentication

import (
	"context"
	"crypto/rand"
	"net/http"

	"github.com/roost-dev/roost"
)

// newByCookie makes a server that knows its clients by the cookie that the site's pages have anyway.
func newByCookie(sessions Sessions) *roost.Server[Session] {
	connect := func(_ context.Context, r *roost.ConnectRequest) (Session, error) {
		cookie := r.Cookie("session") // nil, unless the CSRF token is right
		if cookie == nil {
			return Session{}, ErrNoSession
		}
		return sessions.OfRequest(&http.Request{Header: http.Header{"Cookie": {cookie.String()}}})
	}
	return roost.NewServer(connect, &roost.Options[Session]{Cookies: []string{"session"}})
}

// csrfToken returns what a page hands to its socket's params, and sees to it that the visitor has it in a cookie.
func csrfToken(w http.ResponseWriter, r *http.Request) string {
	if cookie, err := r.Cookie("_csrf_token"); err == nil && cookie.Value != "" {
		return cookie.Value
	}
	made := rand.Text()
	http.SetCookie(w, &http.Cookie{
		Name: "_csrf_token", Value: made, Path: "/",
		Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
	return made
}
