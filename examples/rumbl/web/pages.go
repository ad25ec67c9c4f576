package web

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"

	"github.com/roost-dev/roost/examples/rumbl/accounts"
)

//go:embed templates/*.html
var templates embed.FS

const layout = "layout.html"

// view is what every template sees.
type view struct {
	Title     string
	User      *accounts.User // nil: not logged in
	FormToken func() string  // called by pages that have a form
	Path      string         // and query, by which to come back to this page
	Theme     string         // one of themes
	Data      any            // what the page is about
}

// Themes returns those that one may choose.
func (view) Themes() []string { return themes }

// Filter returns what the page shows of the videos, to search in.
func (v view) Filter() filter {
	if list, ok := v.Data.(videoList); ok {
		return list.Filter.Newest()
	}
	return filter{}
}

// parsePages returns the templates by their file's name, each with the layout
// around it.
func parsePages(assets *assets) (map[string]*template.Template, error) {
	files, err := fs.Glob(templates, "templates/*.html")
	if err != nil {
		return nil, err
	}
	base, err := template.New(layout).Funcs(template.FuncMap{
		"asset":     assets.url,
		"poster":    assets.poster,
		"withNext":  withNext,
		"watchPath": watchPath,
		"initial":   initial,
		"tint":      tint,
		"count":     count,
		"problem":   problem,
		"summary":   summary,
		"describe":  describe,
	}).ParseFS(templates, "templates/"+layout)
	if err != nil {
		return nil, err
	}
	pages := map[string]*template.Template{}
	for _, file := range files {
		name := path.Base(file)
		if name == layout {
			continue
		}
		page, err := base.Clone()
		if err != nil {
			return nil, err
		}
		if pages[name], err = page.ParseFS(templates, file); err != nil {
			return nil, err
		}
	}
	return pages, nil
}

// render answers with a page. It writes nothing unless the whole page could be
// made.
func (s *Site) render(w http.ResponseWriter, r *http.Request, v visitor, status int, name, title string, data any) error {
	page := view{Title: title, Path: "/", Theme: themeOf(r), Data: data}
	if r.Method == http.MethodGet {
		page.Path = r.URL.RequestURI()
	}
	// Only once, since a new visitor gets a cookie with it.
	page.FormToken = sync.OnceValue(func() string { return s.formToken(w, v) })
	if v.loggedIn() {
		page.User = &v.session.User
	}
	var body bytes.Buffer
	if err := s.pages[name].ExecuteTemplate(&body, layout, page); err != nil {
		return fmt.Errorf("web: render %s: %w", name, err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store") // it is one visitor's
	w.WriteHeader(status)
	_, _ = body.WriteTo(w) // a visitor who went away
	return nil
}

// initial is the letter that stands for a person.
func initial(name string) string {
	for _, r := range name {
		return strings.ToUpper(string(r))
	}
	return "?"
}

// tint picks one of the six colors of the style sheet for a person or a video.
// The scripts pick a person's in the same way, see assets/people.ts.
func tint(id int64) string {
	return fmt.Sprintf("tint-%d", id%6)
}

func count(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
