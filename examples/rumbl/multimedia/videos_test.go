package multimedia_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/roost-dev/roost/examples/rumbl/field"
	"github.com/roost-dev/roost/examples/rumbl/multimedia"
)

func TestAnAddedVideoIsFoundAsItWasAdded(t *testing.T) {
	s, ada := newService(t)
	added, err := s.AddVideo(t.Context(), ada, multimedia.VideoInput{
		Title: " Daybreak ", Description: "One\r\ntwo", URL: "https://youtu.be/dQw4w9WgXcQ",
	})
	if err != nil {
		t.Fatal(err)
	}
	found, err := s.Video(t.Context(), added.ID)
	if err != nil || found != added {
		t.Errorf("Video = %+v, %v; want %+v", found, err, added)
	}
	if found.Title != "Daybreak" || found.Description != "One\ntwo" || found.Owner != ada {
		t.Errorf("found %+v", found)
	}
}

func TestAMissingVideoIsErrNotFound(t *testing.T) {
	s, _ := newService(t)
	if _, err := s.Video(t.Context(), 7); !errors.Is(err, multimedia.ErrNotFound) {
		t.Errorf("error %v, want ErrNotFound", err)
	}
}

func TestAddVideoNamesEveryFieldAtFault(t *testing.T) {
	s, ada := newService(t)
	_, err := s.AddVideo(t.Context(), ada, multimedia.VideoInput{
		Description: strings.Repeat("d", multimedia.MaxDescription+1), URL: "nowhere",
	})
	problems, ok := errors.AsType[field.Errors](err)
	if !ok || problems["title"] == "" || problems["description"] == "" || problems["url"] == "" {
		t.Errorf("AddVideo: %v; want problems with title, description and url", err)
	}
}

func TestVideosAreListedNewestFirstInPages(t *testing.T) {
	s, ada := newService(t)
	for i := range 5 {
		addVideo(t, s, ada, fmt.Sprint("video ", i))
	}
	var titles []string
	for before := int64(0); ; {
		page, err := s.Videos(t.Context(), multimedia.Listing{Before: before, Limit: 2})
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, v := range page {
			titles = append(titles, v.Title)
			before = v.ID
		}
	}
	if got, want := strings.Join(titles, ", "), "video 4, video 3, video 2, video 1, video 0"; got != want {
		t.Errorf("listed %s; want %s", got, want)
	}
}

func TestVideosCountTheirAnnotations(t *testing.T) {
	s, ada := newService(t)
	one, two := addVideo(t, s, ada, "one"), addVideo(t, s, ada, "two")
	for _, id := range []int64{one.ID, two.ID, one.ID} {
		if _, err := s.Annotate(t.Context(), id, ada, time.Second, "hello"); err != nil {
			t.Fatal(err)
		}
	}
	videos, err := s.Videos(t.Context(), multimedia.Listing{Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	if videos[0].Annotations != 1 || videos[1].Annotations != 2 {
		t.Errorf("counts %d and %d, want 1 and 2", videos[0].Annotations, videos[1].Annotations)
	}
}

func TestAVideoIsChangedByItsOwnerAlone(t *testing.T) {
	s, ada := newService(t)
	video := addVideo(t, s, ada, "one")
	bob := multimedia.Author{ID: ada.ID + 1, Username: "bob"}
	in := multimedia.VideoInput{Title: "two", Description: "changed", URL: "https://youtu.be/dQw4w9WgXcQ"}

	if _, err := s.OwnVideo(t.Context(), bob, video.ID); !errors.Is(err, multimedia.ErrNotOwner) {
		t.Errorf("to be changed by another: %v, want ErrNotOwner", err)
	}
	if _, err := s.UpdateVideo(t.Context(), bob, video.ID, in); !errors.Is(err, multimedia.ErrNotOwner) {
		t.Errorf("changed by another: %v, want ErrNotOwner", err)
	}
	if err := s.DeleteVideo(t.Context(), bob, video.ID); !errors.Is(err, multimedia.ErrNotOwner) {
		t.Errorf("deleted by another: %v, want ErrNotOwner", err)
	}
	if found, err := s.Video(t.Context(), video.ID); err != nil || found != video {
		t.Errorf("after that: %+v, %v; want %+v", found, err, video)
	}

	changed, err := s.UpdateVideo(t.Context(), ada, video.ID, in)
	if err != nil || changed.Title != "two" || changed.Source.Kind != multimedia.YouTube || changed.CreatedAt != video.CreatedAt {
		t.Errorf("changed by its owner: %+v, %v", changed, err)
	}
	if found, err := s.Video(t.Context(), video.ID); err != nil || found != changed {
		t.Errorf("found: %+v, %v; want %+v", found, err, changed)
	}
	if err := s.DeleteVideo(t.Context(), ada, video.ID); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"deleted again": s.DeleteVideo(t.Context(), ada, video.ID),
		"annotated":     second(s.Annotate(t.Context(), video.ID, ada, 0, "x")),
		"changed":       second(s.UpdateVideo(t.Context(), ada, video.ID, in)),
	} {
		if !errors.Is(err, multimedia.ErrNotFound) {
			t.Errorf("once deleted it is %s: %v, want ErrNotFound", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestACategoryIsOneOfTheList(t *testing.T) {
	s, ada := newService(t)
	categories, err := s.Categories(t.Context())
	if err != nil || len(categories) == 0 {
		t.Fatalf("categories: %v, %v", categories, err)
	}
	in := multimedia.VideoInput{Title: "one", URL: "/static/sample.webm", CategoryID: categories[0].ID}
	video, err := s.AddVideo(t.Context(), ada, in)
	if err != nil || video.Category != categories[0] {
		t.Errorf("added with %v, %v; want %v", video.Category, err, categories[0])
	}
	for _, id := range []int64{-1, 7000} {
		in.CategoryID = id
		_, err = s.AddVideo(t.Context(), ada, in)
		if problems, ok := errors.AsType[field.Errors](err); !ok || problems["category"] == "" || len(problems) != 1 {
			t.Errorf("category %d: %v; want a problem with it", id, err)
		}
	}
}

func TestASearchMindsNeitherCaseNorAccentsNorOrder(t *testing.T) {
	s, ada := newService(t)
	for _, title := range []string{"Ein schöner MORGEN", "Été à Paris", "山の朝", "सुबह की धूप", "50% off"} {
		addVideo(t, s, ada, title)
	}
	for search, want := range map[string]string{
		"morgen SCHONER":                       "Ein schöner MORGEN",
		"schöner":                              "Ein schöner MORGEN",
		"scho\u0308ner":                        "Ein schöner MORGEN", // the accent as a character of its own
		"ete  paris":                           "Été à Paris",
		"山の":                                   "山の朝",
		"धूप":                                  "सुबह की धूप",
		"50%":                                  "50% off",
		"_":                                    "",
		"paris\x00":                            "Été à Paris",
		"\xff paris":                           "Été à Paris",
		"paris" + strings.Repeat(" a", 10_000): "Été à Paris",
	} {
		videos, err := s.Videos(t.Context(), multimedia.Listing{Search: search, Limit: 10})
		var found []string
		for _, v := range videos {
			found = append(found, v.Title)
		}
		if got := strings.Join(found, ", "); err != nil || got != want {
			t.Errorf("search for %.20q: %q, %v; want %q", search, got, err, want)
		}
	}
}

func TestASlugIsMadeOfTheTitleInWhateverScript(t *testing.T) {
	for title, want := range map[string]string{
		"Daybreak":                  "daybreak",
		"  Waves & <wind>!  ":       "waves-wind",
		"Ünïcode über alles":        "unicode-uber-alles",
		"Việt Nam":                  "viet-nam",
		"山の朝 — Morning":             "山の朝-morning",
		"सुबह की धूप":               "सुबह-की-धूप",
		"ｆｕｌｌ ｗｉｄｔｈ ²":              "full-width-2",
		"한국어 영상":                    "한국어-영상",
		"../../etc/passwd?x=1#y":    "etc-passwd-x-1-y",
		"🦉!!!":                      "",
		strings.Repeat("word ", 20): strings.TrimSuffix(strings.Repeat("word-", 12), "-"),
		strings.Repeat("a", 100):    strings.Repeat("a", 60),
		strings.Repeat("朝", 100):    strings.Repeat("朝", 60),
	} {
		if got := (multimedia.Video{Title: title}).Slug(); got != want {
			t.Errorf("slug of %q: %q, want %q", title, got, want)
		}
	}
}
