package web_test

import (
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/roost-dev/roost/examples/rumbl/accounts"
	"github.com/roost-dev/roost/examples/rumbl/live"
	"github.com/roost-dev/roost/examples/rumbl/multimedia"
	"github.com/roost-dev/roost/examples/rumbl/store/sqlite"
	"github.com/roost-dev/roost/examples/rumbl/web"
)

const secret = "a secret that is known to tests only"

// site is Rumbl's pages on a real server with a real database.
type site struct {
	store      *sqlite.Store
	accounts   *accounts.Service
	multimedia *multimedia.Service
	url        string
}

func newSite(t *testing.T) *site {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "rumbl.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	s := &site{store: store, accounts: accounts.New(store), multimedia: multimedia.New(store)}
	s.serve(t)
	return s
}

// serve puts the site on a server, for the first time or anew.
func (s *site) serve(t *testing.T) {
	t.Helper()
	app := live.New(s.accounts, s.multimedia, secret, nil)
	t.Cleanup(func() {
		if err := app.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	pages, err := web.New(s.accounts, s.multimedia, app, []byte(secret), nil)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/socket/", app)
	mux.Handle("/", pages)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	s.url = server.URL
}

// browser is somebody's browser: it keeps cookies and follows redirects.
type browser struct {
	t      *testing.T
	site   *site
	client *http.Client
}

func (s *site) newBrowser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t: t, site: s, client: &http.Client{Jar: jar}}
}

// page is what a browser shows.
type page struct {
	status int
	path   string // and query, after redirects
	header http.Header
	body   string
}

func (b *browser) do(r *http.Request) page {
	b.t.Helper()
	answer, err := b.client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return page{answer.StatusCode, answer.Request.URL.RequestURI(), answer.Header, string(body)}
}

func (b *browser) request(method, path string, form url.Values) *http.Request {
	b.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.site.url+path, body)
	if err != nil {
		b.t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return r
}

func (b *browser) get(path string) page {
	b.t.Helper()
	return b.do(b.request(http.MethodGet, path, nil))
}

// post sends a form as it is, without the token of a page.
func (b *browser) post(path string, form url.Values) page {
	b.t.Helper()
	return b.do(b.request(http.MethodPost, path, form))
}

var hidden = regexp.MustCompile(`<input type="hidden" name="(\w+)" value="([^"]*)">`)

// submit opens a page and sends its form, with what is filled in added to its
// hidden fields.
func (b *browser) submit(path, action string, fields map[string]string) page {
	b.t.Helper()
	opened := b.get(path)
	_, form, found := strings.Cut(opened.body, `action="`+action+`"`)
	if !found {
		b.t.Fatalf("%s has no form for %s", path, action)
	}
	form, _, _ = strings.Cut(form, "</form>")
	values := url.Values{}
	for _, input := range hidden.FindAllStringSubmatch(form, -1) {
		values.Set(input[1], input[2])
	}
	for name, value := range fields {
		values.Set(name, value)
	}
	return b.post(action, values)
}

func (b *browser) register(username string) page {
	b.t.Helper()
	return b.submit("/register", "/register", map[string]string{"username": username, "password": "correct horse"})
}

func (b *browser) isLoggedIn() bool {
	b.t.Helper()
	return b.get("/session").status == http.StatusNoContent
}

func (p page) want(t *testing.T, status int, path string, contains ...string) {
	t.Helper()
	if p.status != status || p.path != path {
		t.Errorf("at %s with status %d, want %s with %d", p.path, p.status, path, status)
	}
	for _, text := range contains {
		if !strings.Contains(p.body, text) {
			t.Errorf("%s does not contain %q:\n%s", p.path, text, p.body)
		}
	}
}

func TestEveryPageForbidsWhatItDoesNotNeed(t *testing.T) {
	b := newSite(t).newBrowser(t)
	for _, path := range []string{"/", "/login", "/register", "/nowhere", "/session"} {
		header := b.get(path).header
		policy := header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'; script-src 'self'; style-src 'self';") ||
			!strings.Contains(policy, "frame-ancestors 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: Content-Security-Policy: %s", path, policy)
		}
		if header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: no X-Content-Type-Options", path)
		}
	}
}

func TestPagesHoldNoInlineScriptOrStyle(t *testing.T) {
	s := newSite(t)
	b := s.newBrowser(t)
	b.register("ada")
	video := s.addVideo(t, "/static/sample.webm")
	inline := regexp.MustCompile(`(?i)<script(?:\s+type="module")?>|<style|\sstyle=|\son[a-z]+=|javascript:`)
	for _, path := range []string{"/", "/login", "/register", "/account", "/videos/new", "/nowhere", watchPath(video)} {
		if found := inline.FindString(b.get(path).body); found != "" {
			t.Errorf("%s contains %q", path, found)
		}
	}
}

func TestAnUnknownPageSaysSo(t *testing.T) {
	b := newSite(t).newBrowser(t)
	for _, path := range []string{"/nowhere", "/watch", "/login/more"} {
		b.get(path).want(t, http.StatusNotFound, path, "Nothing here", "All videos")
	}
}

func TestALookIsKeptAndPagesComeWithIt(t *testing.T) {
	b := newSite(t).newBrowser(t)
	themed := func(theme string) {
		t.Helper()
		got := b.submit("/login?next=%2Faccount", "/theme", map[string]string{"theme": theme})
		got.want(t, http.StatusOK, "/login?next=%2Faccount", `value="`+theme+`" aria-pressed="true"`)
		if strings.Count(got.body, `aria-pressed="true"`) != 1 {
			t.Error("more than one look is pressed")
		}
	}
	b.get("/").want(t, http.StatusOK, "/", `<html lang="en">`, `content="light dark"`, `value="system" aria-pressed="true"`)
	themed("dark")
	b.get("/nowhere").want(t, http.StatusNotFound, "/nowhere", `<html lang="en" data-theme="dark">`, `name="color-scheme" content="dark"`)
	themed("light")
	b.get("/").want(t, http.StatusOK, "/", `<html lang="en" data-theme="light">`)
	themed("system")
	b.get("/").want(t, http.StatusOK, "/", `<html lang="en">`)
	b.post("/theme", url.Values{"theme": {`"><b>`}, "next": {"//evil.example"}}).want(t, http.StatusOK, "/", `<html lang="en">`)
}

func TestAFaultIsAdmittedWithoutDetails(t *testing.T) {
	s := newSite(t)
	b := s.newBrowser(t)
	if err := s.store.Close(); err != nil {
		t.Fatal(err)
	}
	got := b.get("/")
	got.want(t, http.StatusInternalServerError, "/", "Something broke", "All videos")
	if strings.Contains(got.body, "sql") || strings.Contains(got.body, "multimedia:") {
		t.Errorf("the page tells what broke:\n%s", got.body)
	}
}

var assetPath = regexp.MustCompile(`/static/[\w.-]+`)

func TestAssetsAreKeptForeverUnderTheNameOfTheirContent(t *testing.T) {
	b := newSite(t).newBrowser(t)
	paths := assetPath.FindAllString(b.get("/").body, -1)
	if len(paths) == 0 {
		t.Fatal("no assets on the page")
	}
	for _, path := range paths {
		asset := b.get(path)
		asset.want(t, http.StatusOK, path)
		if got := asset.header.Get("Cache-Control"); got != "public, max-age=31536000, immutable" {
			t.Errorf("%s: Cache-Control: %s", path, got)
		}
	}
	b.get("/static/app.0000000000000000.css").want(t, http.StatusNotFound, "/static/app.0000000000000000.css")
	if got := b.get("/static/app.css").header.Get("Cache-Control"); got != "no-cache" {
		t.Errorf("under its plain name: Cache-Control: %s", got)
	}
}

func TestTheSampleClipCanBeSeekedIn(t *testing.T) {
	b := newSite(t).newBrowser(t)
	r := b.request(http.MethodGet, "/static/sample.webm", nil)
	r.Header.Set("Range", "bytes=1000-1099")
	got := b.do(r)
	got.want(t, http.StatusPartialContent, "/static/sample.webm")
	if len(got.body) != 100 || got.header.Get("Content-Type") != "video/webm" {
		t.Errorf("%d bytes of %s, want 100 of video/webm", len(got.body), got.header.Get("Content-Type"))
	}
}
