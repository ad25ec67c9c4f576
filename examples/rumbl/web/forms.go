package web

import (
	"html/template"
	"net/http"
	"strings"

	"github.com/roost-dev/roost/examples/rumbl/field"
)

// formFields are the fields of all forms, in the order in which they stand on
// their pages, with what the pages call them.
var formFields = []struct{ name, label string }{
	{"username", "Username"},
	{"name", "Name"},
	{"password", "Password"},
	{"old_password", "Current password"},
	{"new_password", "New password"},
	{"url", "Address"},
	{"title", "Title"},
	{"category", "Category"},
	{"description", "Description"},
}

// fieldProblem is what is wrong with a field, as a sentence.
type fieldProblem struct{ Field, Text string }

// summary returns what is wrong with a form, in the order of its fields.
func summary(problems field.Errors) []fieldProblem {
	var all []fieldProblem
	for _, f := range formFields {
		if what := problems[f.name]; what != "" {
			all = append(all, fieldProblem{f.name, f.label + " " + what + "."})
		}
	}
	return all
}

// problem returns what is wrong with the named field, for the paragraph below
// it, or nil.
func problem(problems field.Errors, name string) *fieldProblem {
	for _, p := range summary(problems) {
		if p.Field == name {
			return &p
		}
	}
	return nil
}

// describe returns the attributes that tie a field to its problem and to its
// hint, for those who do not see where they stand.
func describe(problems field.Errors, name string, hints ...string) template.HTMLAttr {
	var attributes string
	if problems[name] != "" {
		attributes = ` aria-invalid="true"`
		hints = append([]string{name + "-problem"}, hints...)
	}
	if len(hints) > 0 {
		attributes += ` aria-describedby="` + strings.Join(hints, " ") + `"`
	}
	return template.HTMLAttr(attributes) //nolint:gosec // of names that templates spell out
}

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
