package web_test

import (
	"fmt"
	"html"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/roost-dev/roost/token"

	"github.com/roost-dev/roost/examples/rumbl/accounts"
	"github.com/roost-dev/roost/examples/rumbl/multimedia"
)

// addVideo adds a video of somebody's.
func (s *site) addVideo(t *testing.T, url string) multimedia.Video {
	t.Helper()
	user, err := s.accounts.Register(t.Context(), accounts.Registration{
		Username: "grace", Name: "Grace <3", Password: "correct horse",
	})
	if err != nil {
		t.Fatal(err)
	}
	video, err := s.multimedia.AddVideo(t.Context(), multimedia.Author(user), multimedia.NewVideo{
		Title: "Waves & <wind>", Description: "One.\nTwo.", URL: url,
	})
	if err != nil {
		t.Fatal(err)
	}
	return video
}

func watchPath(video multimedia.Video) string {
	return "/watch/" + strconv.FormatInt(video.ID, 10)
}

func TestAnEmptySiteSaysHowToBegin(t *testing.T) {
	newSite(t).newBrowser(t).get("/").want(t, http.StatusOK, "/", "No videos yet", "Add a video", "Register")
}

func TestVideosAreListedToAnybody(t *testing.T) {
	s := newSite(t)
	video := s.addVideo(t, "https://youtu.be/dQw4w9WgXcQ")
	s.newBrowser(t).get("/").want(t, http.StatusOK, "/",
		`href="`+watchPath(video)+`"`, "Waves &amp; &lt;wind&gt;", "Grace &lt;3", "0 annotations", "YouTube")
}

func TestALongListGoesOnOnFurtherPages(t *testing.T) {
	s := newSite(t)
	first := s.addVideo(t, "/static/sample.webm")
	for i := range 25 {
		_, err := s.multimedia.AddVideo(t.Context(), first.Owner, multimedia.NewVideo{Title: fmt.Sprint("More ", i), URL: "/static/sample.webm"})
		if err != nil {
			t.Fatal(err)
		}
	}
	b := s.newBrowser(t)
	older := regexp.MustCompile(`href="(/\?before=\d+)">Older videos`).FindStringSubmatch(b.get("/").body)
	if older == nil {
		t.Fatal("no link to older videos")
	}
	b.get(older[1]).want(t, http.StatusOK, older[1], "Waves &amp; &lt;wind&gt;", "More 0")
	if strings.Contains(b.get(older[1]).body, "before=") {
		t.Error("the last page links to older videos")
	}
}

func TestAddingAVideoGoesOnToWatchIt(t *testing.T) {
	b := newSite(t).newBrowser(t)
	b.register("ada")
	b.submit("/videos/new", "/videos", map[string]string{"title": "Waves", "url": "https://www.youtube.com/watch?v=dQw4w9WgXcQ"}).
		want(t, http.StatusOK, "/watch/1", "<h1>Waves</h1>", `data-source-kind="youtube"`, `data-source-ref="dQw4w9WgXcQ"`)
}

func TestAMistakeInAddingAVideoIsExplainedAndKeepsWhatWasTyped(t *testing.T) {
	b := newSite(t).newBrowser(t)
	b.register("ada")
	b.submit("/videos/new", "/videos", map[string]string{"title": "", "url": "example.com", "description": "Nice"}).
		want(t, http.StatusUnprocessableEntity, "/videos",
			"Address must begin with https://.", "Title must not be empty.", `value="example.com"`, ">Nice</textarea>")
}

func TestWatchingTakesLoggingIn(t *testing.T) {
	s := newSite(t)
	video := s.addVideo(t, "/static/sample.webm")
	s.newBrowser(t).get(watchPath(video)).want(t, http.StatusOK, "/login?next=%2Fwatch%2F1", "Log in")
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
	for _, path := range []string{"/watch/7", "/watch/0", "/watch/-1", "/watch/x", "/watch/99999999999999999999"} {
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
