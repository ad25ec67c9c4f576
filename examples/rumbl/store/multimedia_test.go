package store_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/roost-dev/roost/examples/rumbl/multimedia"
	"github.com/roost-dev/roost/examples/rumbl/store"
)

func TestAVideoComesBackAsItWasAddedAndAsItWasChanged(t *testing.T) {
	eachDriver(t, func(t *testing.T, open func() store.Store) {
		s := open()
		categories, err := s.Categories(t.Context())
		if err != nil || len(categories) < 2 {
			t.Fatalf("categories: %v, %v", categories, err)
		}
		want := multimedia.Video{
			Owner:       addUser(t, s, "ada"),
			Category:    categories[1],
			Title:       `Ünïcode, "quotes", 'quotes', 🦉 and %`,
			Description: "two\n\tlines",
			Source:      multimedia.Source{Kind: multimedia.YouTube, Ref: "dQw4w9WgXcQ"},
			CreatedAt:   time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC),
		}
		if want.ID, err = s.InsertVideo(t.Context(), want); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Video(t.Context(), want.ID); err != nil || got != want {
			t.Errorf("Video = %+v, %v; want %+v", got, err, want)
		}
		if _, err := s.Video(t.Context(), want.ID+1); !errors.Is(err, multimedia.ErrNotFound) {
			t.Errorf("another video: %v, want ErrNotFound", err)
		}

		want.Category = multimedia.Category{}
		want.Title, want.Description = "Another", "Changed"
		want.Source = multimedia.Source{Kind: multimedia.File, Ref: "/static/sample.webm"}
		if err := s.UpdateVideo(t.Context(), want); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Video(t.Context(), want.ID); err != nil || got != want {
			t.Errorf("Video, once changed = %+v, %v; want %+v", got, err, want)
		}
		found, err := s.Videos(t.Context(), multimedia.Listing{Limit: 10}, []string{"changed", "ada"})
		if err != nil || len(found) != 1 {
			t.Errorf("found by what was changed: %v, %v", found, err)
		}
		if err := s.UpdateVideo(t.Context(), multimedia.Video{ID: want.ID + 1}); !errors.Is(err, multimedia.ErrNotFound) {
			t.Errorf("changing another video: %v, want ErrNotFound", err)
		}
	})
}

func TestAVideoNeedsACategoryThatExistsOrNone(t *testing.T) {
	eachDriver(t, func(t *testing.T, open func() store.Store) {
		s := open()
		ada := addUser(t, s, "ada")
		if _, err := s.InsertVideo(t.Context(), multimedia.Video{Owner: ada, Category: multimedia.Category{ID: 7000}}); err == nil {
			t.Error("a video of no category that exists was kept")
		}
	})
}

func TestAVideoIsDeletedWithItsAnnotations(t *testing.T) {
	eachDriver(t, func(t *testing.T, open func() store.Store) {
		s := open()
		ada := addUser(t, s, "ada")
		gone, other := addVideo(t, s, ada, "One"), addVideo(t, s, ada, "Two")
		addAnnotation(t, s, gone, ada, "x")
		addAnnotation(t, s, other, ada, "y")
		for range 2 { // twice is no error
			if err := s.DeleteVideo(t.Context(), gone); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.Video(t.Context(), gone); !errors.Is(err, multimedia.ErrNotFound) {
			t.Errorf("the video: %v, want ErrNotFound", err)
		}
		for video, want := range map[int64]int{gone: 0, other: 1} {
			if left, err := s.AnnotationsAfter(t.Context(), video, ada.ID, 0, 10); err != nil || len(left) != want {
				t.Errorf("video %d has %d annotations, %v; want %d", video, len(left), err, want)
			}
		}
	})
}

func TestAListingHoldsWhatFitsAllThatItAsksFor(t *testing.T) {
	eachDriver(t, func(t *testing.T, open func() store.Store) {
		s := open()
		ada, bob := addUser(t, s, "ada"), addUser(t, s, "bob")
		categories, err := s.Categories(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		music, nature := categories[0], categories[1]
		for _, v := range []multimedia.Video{
			{Owner: ada, Title: "Wind", Category: nature, Description: "Über den Bergen"},
			{Owner: bob, Title: "Waves", Category: nature, Description: "100% water_"},
			{Owner: bob, Title: "Windmill", Category: music},
			{Owner: bob, Title: "Silence"},
		} {
			if _, err := s.InsertVideo(t.Context(), v); err != nil {
				t.Fatal(err)
			}
		}
		for name, tt := range map[string]struct {
			listing multimedia.Listing
			words   []string
			want    string
		}{
			"nothing":                   {multimedia.Listing{}, nil, "Silence, Windmill, Waves, Wind"},
			"an owner":                  {multimedia.Listing{Owner: "bob"}, nil, "Silence, Windmill, Waves"},
			"nobody who exists":         {multimedia.Listing{Owner: "bo"}, nil, ""},
			"a category":                {multimedia.Listing{CategoryID: nature.ID}, nil, "Waves, Wind"},
			"an owner and a category":   {multimedia.Listing{Owner: "bob", CategoryID: nature.ID}, nil, "Waves"},
			"a word of the title":       {multimedia.Listing{}, []string{"wind"}, "Windmill, Wind"},
			"one of the description":    {multimedia.Listing{}, []string{"uber"}, "Wind"},
			"one of the owner's name":   {multimedia.Listing{}, []string{"bob"}, "Silence, Windmill, Waves"},
			"several in any order":      {multimedia.Listing{}, []string{"bergen", "wind"}, "Wind"},
			"several, not all of them":  {multimedia.Listing{}, []string{"wind", "silence"}, ""},
			"what patterns are made of": {multimedia.Listing{}, []string{"%", "_"}, "Waves"},
			"quotes":                    {multimedia.Listing{}, []string{`'"\`}, ""},
			"all of it":                 {multimedia.Listing{Owner: "bob", CategoryID: music.ID}, []string{"mill"}, "Windmill"},
		} {
			tt.listing.Limit = 10
			videos, err := s.Videos(t.Context(), tt.listing, tt.words)
			if got := titles(videos); err != nil || got != tt.want {
				t.Errorf("%s: %q, %v; want %q", name, got, err, tt.want)
			}
		}
	})
}

func titles(videos []multimedia.Video) string {
	var all []string
	for _, v := range videos {
		all = append(all, v.Title)
	}
	return strings.Join(all, ", ")
}

func TestVideosComeByPagesWithTheNewestFirst(t *testing.T) {
	eachDriver(t, func(t *testing.T, open func() store.Store) {
		s := open()
		ada := addUser(t, s, "ada")
		if videos, err := s.Videos(t.Context(), multimedia.Listing{Limit: 10}, nil); err != nil || len(videos) != 0 {
			t.Errorf("at first: %v, %v", videos, err)
		}
		addVideo(t, s, ada, "One")
		two := addVideo(t, s, ada, "Two")
		three := addVideo(t, s, ada, "Three")
		addAnnotation(t, s, two, ada, "x")
		addAnnotation(t, s, two, ada, "y")

		page, err := s.Videos(t.Context(), multimedia.Listing{Limit: 2}, nil)
		if err != nil || len(page) != 2 || page[0].ID != three || page[1].ID != two {
			t.Fatalf("first page: %+v, %v; want Three and Two", page, err)
		}
		if page[0].Annotations != 0 || page[1].Annotations != 2 {
			t.Errorf("%d and %d annotations, want 0 and 2", page[0].Annotations, page[1].Annotations)
		}
		page, err = s.Videos(t.Context(), multimedia.Listing{Before: two, Limit: 2}, nil)
		if err != nil || len(page) != 1 || page[0].Title != "One" || page[0].Owner != ada {
			t.Errorf("second page: %+v, %v; want One", page, err)
		}
	})
}
