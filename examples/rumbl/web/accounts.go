package web

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/roost-dev/roost/examples/rumbl/accounts"
	"github.com/roost-dev/roost/examples/rumbl/field"
)

// userForm is what the pages to register and to log in show again after a
// mistake: all but the password.
type userForm struct {
	Username, Name string
	Next           string // the path to go on to
	Problem        string // with the whole form
	Problems       field.Errors
}

func (s *Site) newUser(w http.ResponseWriter, r *http.Request, v visitor) error {
	return s.showRegister(w, r, v, http.StatusOK, userForm{Next: localPath(r.FormValue("next"))})
}

func (s *Site) showRegister(w http.ResponseWriter, r *http.Request, v visitor, status int, f userForm) error {
	return s.render(w, r, v, status, "register.html", "Register", f)
}

func (s *Site) createUser(w http.ResponseWriter, r *http.Request, v visitor) error {
	f := userForm{
		Username: r.PostForm.Get("username"),
		Name:     r.PostForm.Get("name"),
		Next:     localPath(r.PostForm.Get("next")),
	}
	user, err := s.accounts.Register(r.Context(), accounts.Registration{
		Username: f.Username, Name: f.Name, Password: r.PostForm.Get("password"),
	})
	if problems, ok := errors.AsType[field.Errors](err); ok {
		f.Problems = problems
		return s.showRegister(w, r, v, http.StatusUnprocessableEntity, f)
	}
	if err != nil {
		return err
	}
	return s.enter(w, r, v, user, f.Next)
}

func (s *Site) newSession(w http.ResponseWriter, r *http.Request, v visitor) error {
	return s.showLogIn(w, r, v, http.StatusOK, userForm{Next: localPath(r.FormValue("next"))})
}

func (s *Site) showLogIn(w http.ResponseWriter, r *http.Request, v visitor, status int, f userForm) error {
	return s.render(w, r, v, status, "login.html", "Log in", f)
}

func (s *Site) createSession(w http.ResponseWriter, r *http.Request, v visitor) error {
	f := userForm{Username: r.PostForm.Get("username"), Next: localPath(r.PostForm.Get("next"))}
	user, err := s.accounts.Authenticate(r.Context(), f.Username, r.PostForm.Get("password"))
	if errors.Is(err, accounts.ErrCredentials) {
		f.Problem = "That username and password do not belong together."
		return s.showLogIn(w, r, v, http.StatusUnauthorized, f)
	}
	if err != nil {
		return err
	}
	return s.enter(w, r, v, user, f.Next)
}

func (s *Site) enter(w http.ResponseWriter, r *http.Request, v visitor, user accounts.User, next string) error {
	if err := s.logIn(w, r, v, user); err != nil {
		return err
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
	return nil
}

func (s *Site) deleteSession(w http.ResponseWriter, r *http.Request, v visitor) error {
	if err := s.logOut(w, r, v); err != nil {
		return err
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

// showSession tells a page whose socket is refused whether that is because its
// visitor is no longer logged in: 204 if he is, 401 if not.
func (s *Site) showSession(w http.ResponseWriter, _ *http.Request, v visitor) error {
	w.Header().Set("Cache-Control", "no-store")
	if !v.loggedIn() {
		w.WriteHeader(http.StatusUnauthorized)
		return nil
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// withNext returns path with where to go on from there.
func withNext(path, next string) string {
	if next == "" || next == "/" {
		return path
	}
	return path + "?next=" + url.QueryEscape(next)
}
