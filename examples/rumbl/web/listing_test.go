package web_test

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/roost-dev/roost/examples/rumbl/multimedia"
)

func TestAnEmptySiteSaysHowToBegin(t *testing.T) {
	newSite(t).newBrowser(t).get("/").want(t, http.StatusOK, "/", "No videos yet", "Add a video", "Register")
}

func TestVideosAreListedToAnybody(t *testing.T) {
	s := newSite(t)
	video := s.addVideo(t, "https://youtu.be/dQw4w9WgXcQ")
	s.newBrowser(t).get("/").want(t, http.StatusOK, "/",
		`href="`+watchPath(video)+`"`, "Waves &amp; &lt;wind&gt;", "Grace &lt;3", "0 annotations", "YouTube")
}

// addMany adds videos of grace's, in turn about the first and the second
// category.
func (s *site) addMany(t *testing.T, n int) {
	t.Helper()
	owner := s.addVideo(t, "/static/sample.webm").Owner
	categories, err := s.multimedia.Categories(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		_, err := s.multimedia.AddVideo(t.Context(), owner, multimedia.VideoInput{
			Title: fmt.Sprint("More ", i), URL: "/static/sample.webm", CategoryID: categories[i%2].ID,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

var (
	titles  = regexp.MustCompile(`class="card-title">([^<]*)<`)
	olderTo = regexp.MustCompile(`href="([^"]*)">Older videos`)
)

func listed(p page) []string {
	var all []string
	for _, found := range titles.FindAllStringSubmatch(p.body, -1) {
		all = append(all, html.UnescapeString(found[1]))
	}
	return all
}

func TestALongListGoesOnOnFurtherPagesWithTheSameFilter(t *testing.T) {
	s := newSite(t)
	s.addMany(t, 60)
	b := s.newBrowser(t)
	for path, want := range map[string]int{
		"/": 61, "/?q=more": 60, "/?q=more&category=animation": 30, "/?by=grace&category=comedy&q=more": 30, "/?by=grace": 61,
	} {
		seen := map[string]bool{}
		pages := 0
		for path != "" {
			page := b.get(path)
			page.want(t, http.StatusOK, path)
			for _, title := range listed(page) {
				seen[title] = true
			}
			path = ""
			if older := olderTo.FindStringSubmatch(page.body); older != nil {
				path = html.UnescapeString(older[1])
			}
			pages++
		}
		if len(seen) != want || pages != (want+23)/24 {
			t.Errorf("%d videos on %d pages, want %d on %d", len(seen), pages, want, (want+23)/24)
		}
	}
}

func TestVideosAreFoundByWhatThereIsAboutThem(t *testing.T) {
	s := newSite(t)
	s.addMany(t, 2)
	b := s.newBrowser(t)
	for query, want := range map[string]string{
		"q=WIND":                           "Waves & <wind>",
		"q=two":                            "Waves & <wind>", // in the description
		"q=grace+more":                     "More 1, More 0",
		"q=nothing":                        "",
		"q=%27+OR+1%3D1+--":                "",
		"q=%25":                            "",
		"q=+":                              "More 1, More 0, Waves & <wind>",
		"category=comedy":                  "More 1",
		"category=comedy&q=0":              "",
		"by=grace":                         "More 1, More 0, Waves & <wind>",
		"by=GRACE":                         "More 1, More 0, Waves & <wind>",
		"by=nobody":                        "",
		"by=%00%ff":                        "",
		"before=2":                         "Waves & <wind>",
		"before=x":                         "More 1, More 0, Waves & <wind>",
		"before=1":                         "",
		"q=" + url.QueryEscape("\x00\xff"): "More 1, More 0, Waves & <wind>",
	} {
		page := b.get("/?" + query)
		if got := strings.Join(listed(page), ", "); page.status != http.StatusOK || got != want {
			t.Errorf("%s: status %d, %s; want %s", query, page.status, got, want)
		}
	}
	b.get("/?q=nothing").want(t, http.StatusOK, "/?q=nothing", "No video found", `value="nothing"`, "Clear the search")
	b.get("/?q=%3Cscript%3E").want(t, http.StatusOK, "/?q=%3Cscript%3E", "Videos · “&lt;script&gt;”")
	b.get("/?q=more").want(t, http.StatusOK, "/?q=more", "2 videos found")
	b.get("/?category=travel").want(t, http.StatusOK, "/?category=travel", "No videos here", "Nobody has added one to Travel so far.")
	b.get("/?category=made-up").want(t, http.StatusNotFound, "/?category=made-up", "Nothing here")
}

func TestMineAreTheVideosOfTheVisitor(t *testing.T) {
	s := newSite(t)
	s.newBrowser(t).get("/?by=me&q=x").want(t, http.StatusOK, "/login?next="+url.QueryEscape("/?by=me&q=x"))
	ada, id := s.member(t, "ada")
	s.member(t, "bob")
	mine := ada.get("/?by=me")
	mine.want(t, http.StatusOK, "/?by=me", "Your videos", fmt.Sprintf(`href="/videos/%d/edit"`, id), fmt.Sprintf(`href="/videos/%d/delete"`, id))
	if got := strings.Join(listed(mine), ", "); got != "Of ada" {
		t.Errorf("mine: %s; want Of ada", got)
	}
	if got := strings.Join(listed(ada.get("/")), ", "); got != "Of bob, Of ada" {
		t.Errorf("all: %s", got)
	}
	// A search keeps to them.
	mine.want(t, http.StatusOK, "/?by=me", `<input type="hidden" name="by" value="me">`)
}
