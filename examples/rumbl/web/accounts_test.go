package web_test

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/roost-dev/roost/examples/rumbl/accounts"
	"github.com/roost-dev/roost/examples/rumbl/multimedia"
)

func TestWhoRegistersIsLoggedIn(t *testing.T) {
	b := newSite(t).newBrowser(t)
	b.register("ada").want(t, http.StatusOK, "/", `data-testid="current-user">ada<`)
	if !b.isLoggedIn() {
		t.Error("not logged in")
	}
}

func TestTheSessionCookieIsOutOfReachOfScriptsAndOtherSites(t *testing.T) {
	s := newSite(t)
	b := s.newBrowser(t)
	b.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	cookie := b.register("ada").header.Get("Set-Cookie")
	for _, attribute := range []string{"; HttpOnly", "; SameSite=Lax", "; Path=/", "; Max-Age=1209600"} {
		if !strings.Contains(cookie, attribute) {
			t.Errorf("cookie without %s: %s", attribute, cookie)
		}
	}
}

func TestAMistakeInRegisteringIsExplainedAndKeepsWhatWasTyped(t *testing.T) {
	b := newSite(t).newBrowser(t)
	got := b.submit("/register", "/register", map[string]string{"username": "Ada L", "name": "Ada & co", "password": "short"})
	got.want(t, http.StatusUnprocessableEntity, "/register",
		"Username must have 3 to 20 characters", "Password must have at least 8 characters",
		`value="Ada L"`, `value="Ada &amp; co"`)
	if strings.Contains(got.body, "short") {
		t.Error("the page repeats the password")
	}
	if b.isLoggedIn() {
		t.Error("logged in")
	}
}

func TestATakenUsernameIsExplained(t *testing.T) {
	s := newSite(t)
	s.newBrowser(t).register("ada")
	s.newBrowser(t).register("ADA").want(t, http.StatusUnprocessableEntity, "/register", "Username is already taken.")
}

func TestLoggingInAndOut(t *testing.T) {
	s := newSite(t)
	s.newBrowser(t).register("ada")
	b := s.newBrowser(t)
	b.submit("/login", "/login", map[string]string{"username": "ada", "password": "correct horse"}).
		want(t, http.StatusOK, "/", "Log out")
	b.submit("/", "/logout", nil).want(t, http.StatusOK, "/", "Log in")
	if b.isLoggedIn() {
		t.Error("still logged in")
	}
}

func TestLoggingOutEndsTheSessionAndNotOnlyTheCookie(t *testing.T) {
	s := newSite(t)
	b := s.newBrowser(t)
	b.register("ada")
	at, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	stolen := b.client.Jar.Cookies(at)
	thief := s.newBrowser(t)
	thief.client.Jar.SetCookies(at, stolen)
	if !thief.isLoggedIn() {
		t.Fatal("a copy of the cookie is no session to begin with")
	}
	b.submit("/", "/logout", nil)
	if thief.isLoggedIn() {
		t.Error("a copy of the cookie is still good")
	}
}

func TestLoggingInGivesANewCookie(t *testing.T) {
	s := newSite(t)
	s.newBrowser(t).register("ada")
	b := s.newBrowser(t)
	at, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	planted := &http.Cookie{Name: "rumbl_session", Value: "planted", Path: "/"} //nolint:gosec // one as an attacker would make it
	b.client.Jar.SetCookies(at, []*http.Cookie{planted})
	b.submit("/login", "/login", map[string]string{"username": "ada", "password": "correct horse"})
	if !b.isLoggedIn() {
		t.Fatal("not logged in")
	}
	if b.client.Jar.Cookies(at)[0].Value == "planted" {
		t.Error("the session goes by a value that somebody else may know")
	}
}

// overtaken is a store where the password changes just before a session begins.
type overtaken struct{ accounts.Store }

func (o overtaken) InsertSession(ctx context.Context, userID int64, passwordHash string, secretHash []byte, expiresAt time.Time) error {
	if _, err := o.SetPassword(ctx, userID, "new hash", 0); err != nil {
		return err
	}
	return o.Store.InsertSession(ctx, userID, passwordHash, secretHash, expiresAt)
}

func TestAPasswordThatChangesDuringTheLogInIsAWrongOne(t *testing.T) {
	s := newSite(t)
	s.newBrowser(t).register("ada")
	s.accounts = accounts.New(overtaken{s.store})
	s.serve(t)
	b := s.newBrowser(t)
	b.submit("/login", "/login", map[string]string{"username": "ada", "password": "correct horse"}).
		want(t, http.StatusUnauthorized, "/login", "That username and password do not belong together.")
	if b.isLoggedIn() {
		t.Error("logged in")
	}
}

func TestAWrongPasswordAndAnUnknownUserLookTheSame(t *testing.T) {
	s := newSite(t)
	s.newBrowser(t).register("ada")
	for _, username := range []string{"ada", "bob"} {
		b := s.newBrowser(t)
		b.submit("/login", "/login", map[string]string{"username": username, "password": "wrong horse"}).
			want(t, http.StatusUnauthorized, "/login", "That username and password do not belong together.", `value="`+username+`"`)
		if b.isLoggedIn() {
			t.Errorf("%s is logged in", username)
		}
	}
}

func TestAFormThatDidNotComeFromThePageIsRefused(t *testing.T) {
	s := newSite(t)
	b, other := s.newBrowser(t), s.newBrowser(t)
	b.register("ada")
	other.register("bob")
	token := func(b *browser) string {
		return hidden.FindStringSubmatch(b.get("/videos/new").body)[2]
	}
	fields := func(token string) url.Values {
		return url.Values{"form_token": {token}, "title": {"Forged"}, "url": {"/static/sample.webm"}}
	}
	for name, form := range map[string]url.Values{
		"no token":              fields(""),
		"a made up token":       fields("AAAA"),
		"another's own token":   fields(token(other)),
		"nothing in it at all":  {},
		"not a form by its way": {"%": {"%"}},
	} {
		t.Run(name, func(t *testing.T) {
			b.post("/videos", form).want(t, http.StatusForbidden, "/videos", "That form is out of date")
		})
	}
	t.Run("from another site", func(t *testing.T) {
		r := b.request(http.MethodPost, "/videos", fields(token(b)))
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		r.Header.Set("Origin", "https://evil.example")
		b.do(r).want(t, http.StatusForbidden, "/videos")
	})
	t.Run("logging in without having seen the page", func(t *testing.T) {
		s.newBrowser(t).post("/login", url.Values{"username": {"ada"}, "password": {"correct horse"}}).
			want(t, http.StatusForbidden, "/login")
	})
	if videos, err := s.multimedia.Videos(t.Context(), multimedia.Listing{Limit: 10}); err != nil || len(videos) != 0 {
		t.Errorf("videos afterwards: %v, %v", videos, err)
	}
	b.post("/videos", fields(token(b))).want(t, http.StatusOK, "/watch/1-forged")
}

func TestAFormOfUnreasonableSizeIsRefused(t *testing.T) {
	b := newSite(t).newBrowser(t)
	b.post("/login", url.Values{"username": {strings.Repeat("a", 1<<20)}}).
		want(t, http.StatusRequestEntityTooLarge, "/login", "That was too much", "64 KB")
}

func TestLoggingInGoesOnToWhereOneWanted(t *testing.T) {
	s := newSite(t)
	b := s.newBrowser(t)
	b.get("/videos/new").want(t, http.StatusOK, "/login?next=%2Fvideos%2Fnew", `value="/videos/new"`)
	b.submit("/register?next=%2Fvideos%2Fnew", "/register", map[string]string{"username": "ada", "password": "correct horse"}).
		want(t, http.StatusOK, "/videos/new", "Add a video")
}

func TestLoggingInNeverGoesOnToAnotherSite(t *testing.T) {
	s := newSite(t)
	s.newBrowser(t).register("ada")
	for _, next := range []string{
		"https://evil.example/", "//evil.example/", `/\evil.example/`, `\\evil.example`, "/\t/evil.example", "javascript:alert(1)", "evil",
	} {
		b := s.newBrowser(t)
		b.submit("/login", "/login", map[string]string{"username": "ada", "password": "correct horse", "next": next}).
			want(t, http.StatusOK, "/")
	}
}

func TestATooManiethTryIsToldToWait(t *testing.T) {
	s := newSite(t)
	s.newBrowser(t).register("ada")
	b := s.newBrowser(t)
	for range 5 {
		b.submit("/login", "/login", map[string]string{"username": "ada", "password": "wrong horse"}).
			want(t, http.StatusUnauthorized, "/login")
	}
	got := b.submit("/login", "/login", map[string]string{"username": "ada", "password": "correct horse"})
	got.want(t, http.StatusTooManyRequests, "/login", "That was tried too often. Wait ", " and try again.")
	if after, err := strconv.Atoi(got.header.Get("Retry-After")); err != nil || after < 1 || after > 30 {
		t.Errorf("Retry-After: %q, want up to 30", got.header.Get("Retry-After"))
	}
	if b.isLoggedIn() {
		t.Error("logged in")
	}
}

func TestAnAccountIsItsOwnersToSee(t *testing.T) {
	s := newSite(t)
	b := s.newBrowser(t)
	b.get("/account").want(t, http.StatusOK, "/login?next=%2Faccount")
	b.register("ada")
	b.get("/account").want(t, http.StatusOK, "/account", "@ada", "Change the password")
}

func TestChangingThePasswordLogsOutTheOtherBrowsers(t *testing.T) {
	s := newSite(t)
	b, other := s.newBrowser(t), s.newBrowser(t)
	b.register("ada")
	other.submit("/login", "/login", map[string]string{"username": "ada", "password": "correct horse"})
	b.submit("/account", "/account/password", map[string]string{"old_password": "correct horse", "new_password": "battery staple"}).
		want(t, http.StatusOK, "/account?changed=password", `data-testid="password-changed"`)
	if !b.isLoggedIn() || other.isLoggedIn() {
		t.Errorf("logged in: %v, and the other browser: %v; want the former alone", b.isLoggedIn(), other.isLoggedIn())
	}
	for password, status := range map[string]int{"correct horse": http.StatusUnauthorized, "battery staple": http.StatusOK} {
		got := other.submit("/login", "/login", map[string]string{"username": "ada", "password": password})
		if got.status != status {
			t.Errorf("logging in with %q: status %d, want %d", password, got.status, status)
		}
	}
}

func TestAMistakeInChangingThePasswordIsExplained(t *testing.T) {
	b := newSite(t).newBrowser(t)
	b.register("ada")
	got := b.submit("/account", "/account/password", map[string]string{"old_password": "wrong horse", "new_password": "short"})
	got.want(t, http.StatusUnprocessableEntity, "/account/password",
		"2 things are not right yet", `<a href="#old_password">Current password is not right.</a>`,
		`<p class="problem" id="new_password-problem">New password must have at least 8 characters.</p>`,
		`aria-invalid="true" aria-describedby="old_password-problem"`)
	if strings.Contains(got.body, "wrong horse") || strings.Contains(got.body, `"short"`) {
		t.Error("the page repeats a password")
	}
	for range 4 {
		b.submit("/account", "/account/password", map[string]string{"old_password": "wrong horse", "new_password": "battery staple"})
	}
	b.submit("/account", "/account/password", map[string]string{"old_password": "correct horse", "new_password": "battery staple"}).
		want(t, http.StatusTooManyRequests, "/account/password", "That was tried too often.")
}
