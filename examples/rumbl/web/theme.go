package web

import "net/http"

// themes are the looks that one may choose; the first is that of the system.
var themes = []string{"system", "light", "dark"}

const (
	themePath     = "/theme"
	themeCookie   = "rumbl_theme"
	themeLifetime = 365 * 24 * 60 * 60 // seconds
)

// themeOf returns the look that the visitor chose.
func themeOf(r *http.Request) string {
	if cookie, err := r.Cookie(themeCookie); err == nil && (cookie.Value == "light" || cookie.Value == "dark") {
		return cookie.Value
	}
	return themes[0]
}

// setTheme keeps the look that the visitor chose. It needs no token, since all
// that could be forged is how pages look.
func (s *Site) setTheme(w http.ResponseWriter, r *http.Request, _ visitor) error {
	cookie := &http.Cookie{ //nolint:gosec // Secure is set where the site has HTTPS
		Name: themeCookie, Value: r.PostForm.Get("theme"), Path: "/", MaxAge: themeLifetime,
		Secure: s.https, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
	if cookie.Value != "light" && cookie.Value != "dark" {
		cookie.MaxAge = -1
	}
	http.SetCookie(w, cookie)
	http.Redirect(w, r, localPath(r.PostForm.Get("next")), http.StatusSeeOther) //nolint:gosec // a path of ours
	return nil
}
