package multimedia_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/roost-dev/roost/examples/rumbl/accounts"
	"github.com/roost-dev/roost/examples/rumbl/field"
	"github.com/roost-dev/roost/examples/rumbl/multimedia"
	"github.com/roost-dev/roost/examples/rumbl/store/sqlite"
)

// newService returns a Service and somebody who may use it.
func newService(t *testing.T) (*multimedia.Service, multimedia.Author) {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "rumbl.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	id, err := store.InsertUser(t.Context(), accounts.User{Username: "ada", Name: "Ada"}, "hash")
	if err != nil {
		t.Fatal(err)
	}
	return multimedia.New(store), multimedia.Author{ID: id, Username: "ada", Name: "Ada"}
}

func addVideo(t *testing.T, s *multimedia.Service, owner multimedia.Author, title string) multimedia.Video {
	t.Helper()
	video, err := s.AddVideo(t.Context(), owner, multimedia.VideoInput{Title: title, URL: "/static/sample.webm"})
	if err != nil {
		t.Fatal(err)
	}
	return video
}

func TestAnnotationsAreCaughtUpWithByTheLastRevisionSeen(t *testing.T) {
	s, ada := newService(t)
	video, other := addVideo(t, s, ada, "one"), addVideo(t, s, ada, "two")
	var all []multimedia.Annotation
	for i := range 5 {
		a, err := s.Annotate(t.Context(), video.ID, ada, time.Duration(5-i)*1500*time.Millisecond, fmt.Sprint("note ", i))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, a)
		if _, err := s.Annotate(t.Context(), other.ID, ada, 0, "elsewhere"); err != nil {
			t.Fatal(err)
		}
	}

	first, err := s.AnnotationsAfter(t.Context(), video.ID, ada.ID, 0, 3)
	if err != nil {
		t.Fatal(err)
	}
	rest, err := s.AnnotationsAfter(t.Context(), video.ID, ada.ID, first[len(first)-1].Revision, 3)
	if err != nil {
		t.Fatal(err)
	}
	got := append(first, rest...)
	if len(first) != 3 || len(got) != len(all) {
		t.Fatalf("pages of %d and %d, want 3 and 2", len(first), len(rest))
	}
	for i, a := range all {
		if got[i] != a {
			t.Errorf("annotation %d: %+v, want %+v", i, got[i], a)
		}
	}
}

func TestAnnotateNamesTheFieldAtFault(t *testing.T) {
	s, ada := newService(t)
	video := addVideo(t, s, ada, "one")
	tests := []struct {
		name  string
		at    time.Duration
		body  string
		field string
	}{
		{"before the beginning", -time.Millisecond, "x", "at"},
		{"after a day", 24*time.Hour + 1, "x", "at"},
		{"empty", 0, "  ", "body"},
		{"too long", 0, strings.Repeat("x", multimedia.MaxBody+1), "body"},
		{"several lines", 0, "one\ntwo", "body"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := s.Annotate(t.Context(), video.ID, ada, tt.at, tt.body)
			problems, ok := errors.AsType[field.Errors](err)
			if !ok || problems[tt.field] == "" || len(problems) != 1 {
				t.Errorf("Annotate: %v; want one problem with %q", err, tt.field)
			}
		})
	}
}
