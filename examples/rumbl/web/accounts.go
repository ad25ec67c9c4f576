package web

import (
	"errors"
	"math"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"

	"github.com/roost-dev/roost/examples/rumbl/accounts"
	"github.com/roost-dev/roost/examples/rumbl/field"
	"github.com/roost-dev/roost/examples/rumbl/multimedia"
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
	login, err := s.accounts.Register(r.Context(), accounts.Registration{
		Username: f.Username, Name: f.Name, Password: r.PostForm.Get("password"),
	})
	if problems, ok := errors.AsType[field.Errors](err); ok {
		f.Problems = problems
		return s.showRegister(w, r, v, http.StatusUnprocessableEntity, f)
	}
	if err != nil {
		return err
	}
	return s.enter(w, r, v, login, f.Next)
}

func (s *Site) newSession(w http.ResponseWriter, r *http.Request, v visitor) error {
	return s.showLogIn(w, r, v, http.StatusOK, userForm{Next: localPath(r.FormValue("next"))})
}

func (s *Site) showLogIn(w http.ResponseWriter, r *http.Request, v visitor, status int, f userForm) error {
	return s.render(w, r, v, status, "login.html", "Log in", f)
}

func (s *Site) createSession(w http.ResponseWriter, r *http.Request, v visitor) error {
	f := userForm{Username: r.PostForm.Get("username"), Next: localPath(r.PostForm.Get("next"))}
	login, err := s.accounts.Authenticate(r.Context(), f.Username, r.PostForm.Get("password"), address(r))
	if err == nil {
		err = s.enter(w, r, v, login, f.Next)
	}
	if errors.Is(err, accounts.ErrCredentials) {
		f.Problem = "That username and password do not belong together."
		return s.showLogIn(w, r, v, http.StatusUnauthorized, f)
	}
	if tooMany, ok := errors.AsType[*accounts.TooManyTries](err); ok {
		f.Problem = slowDown(w, tooMany)
		return s.showLogIn(w, r, v, http.StatusTooManyRequests, f)
	}
	return err
}

func (s *Site) enter(w http.ResponseWriter, r *http.Request, v visitor, login accounts.Login, next string) error {
	if err := s.logIn(w, r, v, login); err != nil {
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

// accountPage is what the page about one's account shows besides the name.
type accountPage struct {
	Changed  bool // the password, just now
	Problem  string
	Problems field.Errors
}

func (s *Site) showAccount(w http.ResponseWriter, r *http.Request, v visitor) error {
	return s.renderAccount(w, r, v, http.StatusOK, accountPage{Changed: r.FormValue("changed") != ""})
}

func (s *Site) renderAccount(w http.ResponseWriter, r *http.Request, v visitor, status int, p accountPage) error {
	return s.render(w, r, v, status, "account.html", "Your account", p)
}

// changePassword closes what is live on the pages of the sessions that end with
// the old password.
func (s *Site) changePassword(w http.ResponseWriter, r *http.Request, v visitor) error {
	ended, err := s.accounts.ChangePassword(r.Context(), v.session, accounts.PasswordChange{
		Old: r.PostForm.Get("old_password"), New: r.PostForm.Get("new_password"),
	}, address(r))
	if problems, ok := errors.AsType[field.Errors](err); ok {
		return s.renderAccount(w, r, v, http.StatusUnprocessableEntity, accountPage{Problems: problems})
	}
	if tooMany, ok := errors.AsType[*accounts.TooManyTries](err); ok {
		return s.renderAccount(w, r, v, http.StatusTooManyRequests, accountPage{Problem: slowDown(w, tooMany)})
	}
	if err != nil {
		return err
	}
	for _, session := range ended {
		err = errors.Join(err, s.live.Disconnect(r.Context(), session))
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/account?changed=password", http.StatusSeeOther)
	return nil
}

// slowDown says when the next password may be tried.
func slowDown(w http.ResponseWriter, err *accounts.TooManyTries) string {
	seconds := int64(math.Ceil(err.RetryAfter.Seconds()))
	w.Header().Set("Retry-After", strconv.FormatInt(seconds, 10))
	return "That was tried too often. Wait " + count(seconds, "second", "seconds") + " and try again."
}

// address returns where a request comes from, as far as one visitor cannot
// choose it: of IPv6, the network that a provider gives to each. Behind a proxy
// it is the proxy's.
func address(r *http.Request) string {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	ip := at.Addr().Unmap().WithZone("")
	if ip.Is6() {
		network, _ := ip.Prefix(64)
		ip = network.Addr()
	}
	return ip.String()
}

// withNext returns path with where to go on from there.
func withNext(path, next string) string {
	if next == "" || next == "/" {
		return path
	}
	return path + "?next=" + url.QueryEscape(next)
}

func author(u accounts.User) multimedia.Author {
	return multimedia.Author{ID: u.ID, Username: u.Username, Name: u.Name}
}
