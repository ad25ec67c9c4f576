package web

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/roost-dev/roost/examples/rumbl/multimedia"
)

const videosPerPage = 24

// byMe stands for the visitor's own name in a query. No username is so short.
const byMe = "me"

// filter is what a visitor wants to see of the videos, as the query says it.
type filter struct {
	Search   string // ?q=
	By       string // ?by=, a username or byMe; "": anybody
	Category string // ?category=, the slug of one; "": any
	Before   int64  // ?before=, the id of a video; 0: from the newest
}

func filterOf(query url.Values) filter {
	before, _ := strconv.ParseInt(query.Get("before"), 10, 64) // anything else: from the newest
	return filter{
		Search:   strings.TrimSpace(query.Get("q")),
		By:       strings.ToLower(strings.TrimSpace(query.Get("by"))),
		Category: query.Get("category"),
		Before:   max(before, 0),
	}
}

// Path returns the address of the page that shows what f lets through.
func (f filter) Path() string {
	query := url.Values{}
	for name, value := range map[string]string{"q": f.Search, "by": f.By, "category": f.Category} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if f.Before > 0 {
		query.Set("before", strconv.FormatInt(f.Before, 10))
	}
	u := url.URL{Path: "/", RawQuery: query.Encode()}
	return u.String()
}

// Only says whether f leaves anything out.
func (f filter) Only() bool { return f != filter{} }

// Mine says whether f is for the visitor's own videos.
func (f filter) Mine() bool { return f.By == byMe }

// WithBy is f with one thing changed, and from the newest video on. The others
// are alike, for another thing.
func (f filter) WithBy(by string) filter             { f.By, f.Before = by, 0; return f }
func (f filter) WithCategory(category string) filter { f.Category, f.Before = category, 0; return f }
func (f filter) WithSearch(search string) filter     { f.Search, f.Before = search, 0; return f }
func (f filter) Newest() filter                      { f.Before = 0; return f }
func (f filter) older(before int64) filter           { f.Before = before; return f }

// videoList is a page of the list.
type videoList struct {
	Filter     filter
	Category   multimedia.Category // that of the filter
	Categories []multimedia.Category
	Videos     []multimedia.Video
	Older      *filter // the page after this one; nil: there is none
	VisitorID  int64
}

// Welcome says whether the page should tell what the site is.
func (l videoList) Welcome() bool { return l.VisitorID == 0 && !l.Filter.Only() }

// Title returns what the page shows.
func (l videoList) Title() string {
	title := "Videos"
	switch {
	case l.Filter.Mine():
		title = "Your videos"
	case l.Filter.By != "":
		title = "Videos by @" + l.Filter.By
	}
	if l.Category.ID != 0 {
		title += " · " + l.Category.Name
	}
	if l.Filter.Search != "" {
		title += " · “" + l.Filter.Search + "”"
	}
	return title
}

// Found says how many videos a search has found, as far as the page knows.
func (l videoList) Found() string {
	found := count(int64(len(l.Videos)), "video", "videos")
	switch {
	case len(l.Videos) == 0:
		return "No video"
	case l.Filter.Before > 0:
		return found + " more"
	case l.Older != nil:
		return "More than " + found
	}
	return found
}

func (s *Site) listVideos(w http.ResponseWriter, r *http.Request, v visitor) error {
	list := videoList{Filter: filterOf(r.URL.Query()), VisitorID: v.session.User.ID}
	asked := multimedia.Listing{
		Owner: list.Filter.By, Search: list.Filter.Search, Before: list.Filter.Before, Limit: videosPerPage + 1,
	}
	if list.Filter.Mine() {
		if !v.loggedIn() {
			http.Redirect(w, r, "/login?next="+afterLogin(r), http.StatusSeeOther) //nolint:gosec // to a page of ours, with the rest escaped
			return nil
		}
		asked.Owner = v.session.User.Username
	}
	var err error
	if list.Categories, err = s.multimedia.Categories(r.Context()); err != nil {
		return err
	}
	if list.Filter.Category != "" {
		i := slices.IndexFunc(list.Categories, func(c multimedia.Category) bool { return c.Slug() == list.Filter.Category })
		if i < 0 {
			return errNoPage
		}
		list.Category = list.Categories[i]
		asked.CategoryID = list.Category.ID
	}
	if list.Videos, err = s.multimedia.Videos(r.Context(), asked); err != nil {
		return err
	}
	if len(list.Videos) > videosPerPage {
		list.Videos = list.Videos[:videosPerPage]
		older := list.Filter.older(list.Videos[videosPerPage-1].ID)
		list.Older = &older
	}
	return s.render(w, r, v, http.StatusOK, "videos.html", list.Title(), list)
}
