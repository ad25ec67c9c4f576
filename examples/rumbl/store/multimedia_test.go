package store_test

import (
	"errors"
	"sync"
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

func TestAnnotationsComeByPagesInTheOrderOfTheirIDs(t *testing.T) {
	eachDriver(t, func(t *testing.T, open func() store.Store) {
		s := open()
		ada, bob := addUser(t, s, "ada"), addUser(t, s, "bob")
		videoID, other := addVideo(t, s, ada, "One"), addVideo(t, s, ada, "Other")
		first := multimedia.Annotation{
			VideoID: videoID, Author: bob, At: 24 * time.Hour, Body: "🦉",
			CreatedAt: time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC),
		}
		var err error
		if first.ID, err = s.InsertAnnotation(t.Context(), first); err != nil {
			t.Fatal(err)
		}
		addAnnotation(t, s, other, ada, "elsewhere")
		second := addAnnotation(t, s, videoID, ada, "x")
		third := addAnnotation(t, s, videoID, ada, "y")

		page, err := s.AnnotationsAfter(t.Context(), videoID, 0, 2)
		if err != nil || len(page) != 2 || page[0] != first || page[1].ID != second {
			t.Errorf("first page: %+v, %v; want %+v and %d", page, err, first, second)
		}
		page, err = s.AnnotationsAfter(t.Context(), videoID, second, 2)
		if err != nil || len(page) != 1 || page[0].ID != third {
			t.Errorf("second page: %+v, %v; want %d", page, err, third)
		}
	})
}

func TestAnAnnotationNeedsAVideo(t *testing.T) {
	eachDriver(t, func(t *testing.T, open func() store.Store) {
		s := open()
		ada := addUser(t, s, "ada")
		_, err := s.InsertAnnotation(t.Context(), multimedia.Annotation{VideoID: 7, Author: ada, Body: "x"})
		if !errors.Is(err, multimedia.ErrNotFound) {
			t.Errorf("error %v, want ErrNotFound", err)
		}
	})
}

// Readers catch up from the greatest id they know, so an annotation must never
// appear below one that was already to be seen.
func TestAnnotationsBecomeVisibleInGrowingOrder(t *testing.T) {
	eachDriver(t, func(t *testing.T, open func() store.Store) {
		nodes := []store.Store{open(), open()}
		ada := addUser(t, nodes[0], "ada")
		videoID := addVideo(t, nodes[0], ada, "One")

		const writers, each = 8, 20
		var wg sync.WaitGroup
		for i := range writers {
			wg.Go(func() {
				for range each {
					a := multimedia.Annotation{VideoID: videoID, Author: ada, At: time.Second, Body: "x"}
					if _, err := nodes[i%2].InsertAnnotation(t.Context(), a); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		done := make(chan struct{})
		go func() { wg.Wait(); close(done) }()

		var last, seen int64
		catchUp := func() {
			page, err := nodes[0].AnnotationsAfter(t.Context(), videoID, last, 7)
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range page {
				last = a.ID
				seen++
			}
		}
		for running := true; running; {
			select {
			case <-done:
				running = false
			default:
				catchUp()
			}
		}
		for before := int64(-1); seen != before; {
			before = seen
			catchUp()
		}
		if seen != writers*each {
			t.Errorf("a reader that always asked for what came after its last id saw %d of %d", seen, writers*each)
		}
	})
}
