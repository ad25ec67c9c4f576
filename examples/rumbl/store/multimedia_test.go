package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/roost-dev/roost/examples/rumbl/multimedia"
	"github.com/roost-dev/roost/examples/rumbl/store"
)

func TestAVideoComesBackAsItWasAdded(t *testing.T) {
	eachDriver(t, func(t *testing.T, open func() store.Store) {
		s := open()
		want := multimedia.Video{
			Owner:       addUser(t, s, "ada"),
			Title:       `Ünïcode, "quotes", 'quotes', 🦉 and %`,
			Description: "two\n\tlines",
			Source:      multimedia.Source{Kind: multimedia.YouTube, Ref: "dQw4w9WgXcQ"},
			CreatedAt:   time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC),
		}
		var err error
		if want.ID, err = s.InsertVideo(t.Context(), want); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Video(t.Context(), want.ID); err != nil || got != want {
			t.Errorf("Video = %+v, %v; want %+v", got, err, want)
		}
		if _, err := s.Video(t.Context(), want.ID+1); !errors.Is(err, multimedia.ErrNotFound) {
			t.Errorf("another video: %v, want ErrNotFound", err)
		}
	})
}

func TestVideosComeByPagesWithTheNewestFirst(t *testing.T) {
	eachDriver(t, func(t *testing.T, open func() store.Store) {
		s := open()
		ada := addUser(t, s, "ada")
		if videos, err := s.Videos(t.Context(), 0, 10); err != nil || len(videos) != 0 {
			t.Errorf("at first: %v, %v", videos, err)
		}
		addVideo(t, s, ada, "One")
		two := addVideo(t, s, ada, "Two")
		three := addVideo(t, s, ada, "Three")
		addAnnotation(t, s, two, ada, "x")
		addAnnotation(t, s, two, ada, "y")

		page, err := s.Videos(t.Context(), 0, 2)
		if err != nil || len(page) != 2 || page[0].ID != three || page[1].ID != two {
			t.Fatalf("first page: %+v, %v; want Three and Two", page, err)
		}
		if page[0].Annotations != 0 || page[1].Annotations != 2 {
			t.Errorf("%d and %d annotations, want 0 and 2", page[0].Annotations, page[1].Annotations)
		}
		page, err = s.Videos(t.Context(), two, 2)
		if err != nil || len(page) != 1 || page[0].Title != "One" || page[0].Owner != ada {
			t.Errorf("second page: %+v, %v; want One", page, err)
		}
	})
}
