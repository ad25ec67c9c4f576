package web_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/roost-dev/roost/token"

	"github.com/roost-dev/roost/examples/rumbl/multimedia"
)

// addVideo adds a video of somebody's.
func (s *site) addVideo(t *testing.T, url string) multimedia.Video {
	t.Helper()
	user, err := s.accounts.RegisterWithoutPassword(t.Context(), "grace", "Grace <3")
	if err != nil {
		t.Fatal(err)
	}
	video, err := s.multimedia.AddVideo(t.Context(), multimedia.Author(user), multimedia.VideoInput{
		Title: "Waves & <wind>", Description: "One.\nTwo.", URL: url,
	})
	if err != nil {
		t.Fatal(err)
	}
	return video
}

// watchPath is where a video that addVideo added is watched.
func watchPath(video multimedia.Video) string {
	return "/watch/" + strconv.FormatInt(video.ID, 10) + "-waves-wind"
}

func TestAddingAVideoGoesOnToWatchIt(t *testing.T) {
	b := newSite(t).newBrowser(t)
	b.register("ada")
	b.submit("/videos/new", "/videos", map[string]string{"title": "Waves", "url": "https://www.youtube.com/watch?v=dQw4w9WgXcQ"}).
		want(t, http.StatusOK, "/watch/1-waves", "<h1>Waves</h1>", `data-source-kind="youtube"`, `data-source-ref="dQw4w9WgXcQ"`)
}

func TestAMistakeInAddingAVideoIsExplainedAndKeepsWhatWasTyped(t *testing.T) {
	b := newSite(t).newBrowser(t)
	b.register("ada")
	b.submit("/videos/new", "/videos", map[string]string{"title": "", "url": "example.com", "description": "Nice"}).
		want(t, http.StatusUnprocessableEntity, "/videos",
			"Address must begin with https://.", "Title must not be empty.", "2 things are not right yet", `value="example.com"`, ">Nice</textarea>")
}

func TestWatchingTakesLoggingIn(t *testing.T) {
	s := newSite(t)
	video := s.addVideo(t, "/static/sample.webm")
	s.newBrowser(t).get(watchPath(video)).want(t, http.StatusOK, "/login?next=%2Fwatch%2F1-waves-wind", "Log in")
}

var socketToken = regexp.MustCompile(`data-socket-token="([^"]+)"`)

func TestTheWatchPageHandsOutATokenForItsSession(t *testing.T) {
	s := newSite(t)
	b := s.newBrowser(t)
	b.register("ada")
	video := s.addVideo(t, "/static/sample.webm")
	got := b.get(watchPath(video))
	got.want(t, http.StatusOK, watchPath(video),
		`<video id="video" src="/static/sample.webm" controls`, `data-video-id="1"`, `data-socket-url="/socket"`)

	found := socketToken.FindStringSubmatch(got.body)
	if found == nil {
		t.Fatal("no token on the page")
	}
	id, err := token.NewSigner[int64](secret, "user socket", nil).Verify(html.UnescapeString(found[1]))
	if err != nil {
		t.Fatal(err)
	}
	session, err := s.accounts.SessionByID(t.Context(), id)
	if err != nil || session.User.Username != "ada" {
		t.Errorf("the token is for session %d, %+v, %v; want ada's", id, session, err)
	}
}

func TestAMissingVideoSaysSo(t *testing.T) {
	b := newSite(t).newBrowser(t)
	b.register("ada")
	for _, path := range []string{"/watch/7", "/watch/0", "/watch/-1", "/watch/x", "/watch/99999999999999999999", "/watch/7-waves", "/videos/7/edit", "/videos/x/delete"} {
		b.get(path).want(t, http.StatusNotFound, path, "Nothing here")
	}
}

func TestTheWatchPageMayLoadItsVideoAndNoOther(t *testing.T) {
	tests := []struct {
		address, allowed string
	}{
		{"/static/sample.webm", "script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; frame-src 'none';"},
		{"https://media.example:8443/a.webm", "media-src 'self' https://media.example:8443; frame-src 'none';"},
		{"https://youtu.be/dQw4w9WgXcQ", "script-src 'self' https://www.youtube.com; style-src 'self'; img-src 'self'; media-src 'self'; frame-src https://www.youtube-nocookie.com;"},
	}
	for _, tt := range tests {
		t.Run(tt.address, func(t *testing.T) {
			s := newSite(t)
			b := s.newBrowser(t)
			b.register("ada")
			policy := b.get(watchPath(s.addVideo(t, tt.address))).header.Get("Content-Security-Policy")
			if !strings.Contains(policy, tt.allowed) {
				t.Errorf("policy %q, want it to contain %q", policy, tt.allowed)
			}
		})
	}
}

func TestAVideoHasOneAddressWithItsTitle(t *testing.T) {
	s := newSite(t)
	b := s.newBrowser(t)
	b.register("ada")
	video := s.addVideo(t, "/static/sample.webm")
	for _, path := range []string{"/watch/1", "/watch/1-", "/watch/01-waves-wind", "/watch/1-an-older-title", "/watch/1-WAVES-WIND"} {
		b.get(path).want(t, http.StatusOK, watchPath(video), "Waves &amp; &lt;wind&gt;")
	}
	b.get("/watch/1?t=5&x=%26").want(t, http.StatusOK, watchPath(video)+"?t=5&x=%26")

	b.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if got := b.get("/watch/1"); got.status != http.StatusFound || got.header.Get("Cache-Control") != "no-store" {
		t.Errorf("status %d, Cache-Control %q; want 302, which nobody remembers", got.status, got.header.Get("Cache-Control"))
	}
}

func TestTheTitleInAnAddressMayBeInAnyScript(t *testing.T) {
	s := newSite(t)
	b := s.newBrowser(t)
	b.register("ada")
	for i, tt := range [][2]string{{"山の朝", "-%E5%B1%B1%E3%81%AE%E6%9C%9D"}, {"Ünïcode?", "-unicode"}, {"!?", ""}} {
		path := "/watch/" + strconv.Itoa(i+1) + tt[1]
		b.submit("/videos/new", "/videos", map[string]string{"title": tt[0], "url": "/static/sample.webm"}).
			want(t, http.StatusOK, path, "<h1>"+tt[0]+"</h1>")
		b.get("/").want(t, http.StatusOK, "/", `href="`+path+`"`)
	}
}

// member returns the browser of a new user, and a video of that user's.
func (s *site) member(t *testing.T, username string) (b *browser, id int64) {
	t.Helper()
	b = s.newBrowser(t)
	b.register(username)
	b.submit("/videos/new", "/videos", map[string]string{"title": "Of " + username, "url": "https://youtu.be/dQw4w9WgXcQ", "category": "7"})
	videos, err := s.multimedia.Videos(t.Context(), multimedia.Listing{Owner: username, Limit: 1})
	if err != nil || len(videos) != 1 {
		t.Fatalf("videos of %s: %v, %v", username, videos, err)
	}
	return b, videos[0].ID
}

func TestTheOwnerChangesAVideo(t *testing.T) {
	b, _ := newSite(t).member(t, "ada")
	b.get("/watch/1").want(t, http.StatusOK, "/watch/1-of-ada", `href="/videos/1/edit"`)
	b.get("/videos/1/edit").want(t, http.StatusOK, "/videos/1/edit", `value="Of ada"`,
		`value="https://www.youtube.com/watch?v=dQw4w9WgXcQ"`, `<option value="7" selected>Nature</option>`)
	b.submit("/videos/1/edit", "/videos/1", map[string]string{"title": "", "url": "/static/sample.webm", "category": "70"}).
		want(t, http.StatusUnprocessableEntity, "/videos/1", "Title must not be empty.", "Category must be one of those in the list.")
	b.submit("/videos/1/edit", "/videos/1", map[string]string{"title": "Changed", "url": "/static/sample.webm", "category": "6"}).
		want(t, http.StatusOK, "/watch/1-changed", "<h1>Changed</h1>", `data-source-ref="/static/sample.webm"`, "Music")
}

func TestTheOwnerDeletesAVideoOnceThatIsConfirmed(t *testing.T) {
	s := newSite(t)
	b, id := s.member(t, "ada")
	b.get("/videos/1/delete").want(t, http.StatusOK, "/videos/1/delete", "Delete “Of ada”?", "cannot be undone")
	if _, err := s.multimedia.Video(t.Context(), id); err != nil {
		t.Errorf("after the question: %v", err)
	}
	b.submit("/videos/1/delete", "/videos/1/delete", nil).want(t, http.StatusOK, "/?by=me", "You have not added a video yet")
	b.get("/watch/1").want(t, http.StatusNotFound, "/watch/1", "Nothing here")
}

func TestNobodyElseChangesAVideo(t *testing.T) {
	s := newSite(t)
	_, id := s.member(t, "ada")
	bob, _ := s.member(t, "bob")
	for _, path := range []string{"/videos/1/edit", "/videos/1/delete"} {
		bob.get(path).want(t, http.StatusForbidden, path, "That is not your video")
		s.newBrowser(t).get(path).want(t, http.StatusOK, "/login?next="+url.QueryEscape(path))
	}
	token := hidden.FindStringSubmatch(bob.get("/videos/2/edit").body)[2]
	form := url.Values{"form_token": {token}, "title": {"Bob's now"}, "url": {"/static/sample.webm"}}
	for _, path := range []string{"/videos/1", "/videos/1/delete"} {
		bob.post(path, form).want(t, http.StatusForbidden, path, "That is not your video")
	}
	if video, err := s.multimedia.Video(t.Context(), id); err != nil || video.Title != "Of ada" || video.Owner.Username != "ada" {
		t.Errorf("afterwards: %+v, %v", video, err)
	}
	for _, page := range []page{bob.get("/watch/1-of-ada"), bob.get("/?by=ada")} {
		if strings.Contains(page.body, "/videos/1/") {
			t.Errorf("%s offers to change it", page.path)
		}
	}
}
