package store_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/roost-dev/roost/examples/rumbl/multimedia"
	"github.com/roost-dev/roost/examples/rumbl/store"
)

func TestAnnotationsComeByPagesInTheOrderOfTheirRevisions(t *testing.T) {
	eachDriver(t, func(t *testing.T, open func() store.Store) {
		s := open()
		ada, bob := addUser(t, s, "ada"), addUser(t, s, "bob")
		videoID, other := addVideo(t, s, ada, "One"), addVideo(t, s, ada, "Other")
		first := multimedia.Annotation{
			VideoID: videoID, Author: bob, At: 24 * time.Hour, Body: "🦉",
			CreatedAt: time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC),
		}
		first, err := s.InsertAnnotation(t.Context(), first)
		if err != nil {
			t.Fatal(err)
		}
		addAnnotation(t, s, other, ada, "elsewhere")
		second := addAnnotation(t, s, videoID, ada, "x")
		third := addAnnotation(t, s, videoID, ada, "y")

		page, err := s.AnnotationsAfter(t.Context(), videoID, ada.ID, 0, 2)
		if err != nil || len(page) != 2 || page[0] != first || page[1] != second {
			t.Errorf("first page: %+v, %v; want %+v and %+v", page, err, first, second)
		}
		page, err = s.AnnotationsAfter(t.Context(), videoID, ada.ID, second.Revision, 2)
		if err != nil || len(page) != 1 || page[0] != third {
			t.Errorf("second page: %+v, %v; want %+v", page, err, third)
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

// Readers catch up from the greatest revision they know, so an annotation must never
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
			page, err := nodes[0].AnnotationsAfter(t.Context(), videoID, ada.ID, last, 7)
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range page {
				last = a.Revision
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
			t.Errorf("a reader that always asked for what came after its last revision saw %d of %d", seen, writers*each)
		}
	})
}

func TestAChangedAnnotationComesAgainAndARemovedOneIsGoneAndTold(t *testing.T) {
	eachDriver(t, func(t *testing.T, open func() store.Store) {
		s := open()
		ada := addUser(t, s, "ada")
		videoID, other := addVideo(t, s, ada, "One"), addVideo(t, s, ada, "Other")
		one, two, three := addAnnotation(t, s, videoID, ada, "one"), addAnnotation(t, s, videoID, ada, "two"), addAnnotation(t, s, videoID, ada, "three")

		one.Body, one.Edited = "uno", true
		two.Body, two.Edited, two.Removed = "", true, true
		for _, a := range []*multimedia.Annotation{&one, &two} {
			before := a.Revision
			var err error
			if a.Revision, err = s.ChangeAnnotation(t.Context(), *a); err != nil || a.Revision <= max(before, three.Revision) {
				t.Errorf("changed: revision %d after %d and %d, %v", a.Revision, before, three.Revision, err)
			}
		}
		for name, after := range map[string]int64{"from the beginning": 0, "from what was known": three.Revision} {
			want := []multimedia.Annotation{three, one}
			if after > 0 {
				want = []multimedia.Annotation{one, two}
			}
			got, err := s.AnnotationsAfter(t.Context(), videoID, ada.ID, after, 10)
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("%s: %+v, %v; want %+v", name, got, err, want)
			}
		}
		if got, err := s.Annotation(t.Context(), videoID, one.ID); err != nil || got != one {
			t.Errorf("Annotation = %+v, %v; want %+v", got, err, one)
		}
		elsewhere := one
		elsewhere.VideoID = other
		for name, a := range map[string]multimedia.Annotation{"removed": two, "of another video": elsewhere} {
			if _, err := s.Annotation(t.Context(), a.VideoID, a.ID); !errors.Is(err, multimedia.ErrNotFound) {
				t.Errorf("%s: Annotation: %v, want ErrNotFound", name, err)
			}
			if _, err := s.ChangeAnnotation(t.Context(), a); !errors.Is(err, multimedia.ErrNotFound) {
				t.Errorf("%s: ChangeAnnotation: %v, want ErrNotFound", name, err)
			}
		}
		if videos, err := s.Videos(t.Context(), multimedia.Listing{Limit: 2}, nil); err != nil || videos[1].Annotations != 2 {
			t.Errorf("%+v, %v; want a count of 2", videos, err)
		}
	})
}

func TestAnAnnotationIsRemovedOnceHoweverManyDoIt(t *testing.T) {
	eachDriver(t, func(t *testing.T, open func() store.Store) {
		nodes := []store.Store{open(), open()}
		ada := addUser(t, nodes[0], "ada")
		a := addAnnotation(t, nodes[0], addVideo(t, nodes[0], ada, "One"), ada, "x")
		a.Removed = true
		wantOneOfMany(t, nodes, multimedia.ErrNotFound, func(s store.Store) error {
			_, err := s.ChangeAnnotation(t.Context(), a)
			return err
		})
	})
}

func TestWhatAMutedViewerWritesIsForHimselfAndTheOwnerAlone(t *testing.T) {
	eachDriver(t, func(t *testing.T, open func() store.Store) {
		s := open()
		owner, ada, bob := addUser(t, s, "owner"), addUser(t, s, "ada"), addUser(t, s, "bob")
		videoID, other := addVideo(t, s, owner, "One"), addVideo(t, s, owner, "Other")
		heard := addAnnotation(t, s, videoID, ada, "heard")
		addMessage(t, s, videoID, ada, "heard")
		for range 2 {
			if err := s.InsertMute(t.Context(), videoID, ada.ID); err != nil {
				t.Fatal(err)
			}
		}
		muted := addAnnotation(t, s, videoID, ada, "muted")
		mutedMessage := addMessage(t, s, videoID, ada, "muted")
		if heard.Muted || !muted.Muted || !mutedMessage.Muted {
			t.Errorf("muted: %v before, then %v and %v", heard.Muted, muted.Muted, mutedMessage.Muted)
		}
		if a := addAnnotation(t, s, other, ada, "on another video"); a.Muted {
			t.Error("muted on another video")
		}
		for viewer, want := range map[multimedia.Author]int{owner: 2, ada: 2, bob: 1} {
			annotations, err := s.AnnotationsAfter(t.Context(), videoID, viewer.ID, 0, 10)
			if err != nil || len(annotations) != want {
				t.Errorf("%s gets %d annotations, %v; want %d", viewer.Username, len(annotations), err, want)
			}
			messages, err := s.LatestMessages(t.Context(), videoID, viewer.ID, 10)
			if err != nil || len(messages) != want {
				t.Errorf("%s gets %d messages, %v; want %d", viewer.Username, len(messages), err, want)
			}
		}

		s = open() // as after a restart, or on another node
		if is, err := s.IsMuted(t.Context(), videoID, ada.ID); err != nil || !is {
			t.Errorf("IsMuted: %v, %v", is, err)
		}
		if who, err := s.Muted(t.Context(), videoID); err != nil || !slices.Equal(who, []multimedia.Author{ada}) {
			t.Errorf("Muted: %v, %v", who, err)
		}
		for range 2 {
			if err := s.DeleteMute(t.Context(), videoID, ada.ID); err != nil {
				t.Fatal(err)
			}
		}
		if is, err := s.IsMuted(t.Context(), videoID, ada.ID); err != nil || is {
			t.Errorf("IsMuted afterwards: %v, %v", is, err)
		}
		if a := addAnnotation(t, s, videoID, ada, "heard again"); a.Muted {
			t.Error("still muted")
		}
		if annotations, err := s.AnnotationsAfter(t.Context(), videoID, bob.ID, 0, 10); err != nil || len(annotations) != 2 {
			t.Errorf("bob gets %+v, %v; want what was heard alone", annotations, err)
		}
	})
}

func TestTheLatestMessagesComeInTheirOrder(t *testing.T) {
	eachDriver(t, func(t *testing.T, open func() store.Store) {
		s := open()
		ada := addUser(t, s, "ada")
		videoID := addVideo(t, s, ada, "One")
		addMessage(t, s, addVideo(t, s, ada, "Other"), ada, "elsewhere")
		addMessage(t, s, videoID, ada, "one")
		want := []multimedia.Message{addMessage(t, s, videoID, ada, "two"), addMessage(t, s, videoID, ada, "🦉")}
		got, err := s.LatestMessages(t.Context(), videoID, ada.ID, 2)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%+v, %v; want %+v", got, err, want)
		}
		if _, err := s.InsertMessage(t.Context(), multimedia.Message{VideoID: videoID + 7, Author: ada}); !errors.Is(err, multimedia.ErrNotFound) {
			t.Errorf("on a video that does not exist: %v, want ErrNotFound", err)
		}
	})
}

func TestAnAuthorIsFoundByID(t *testing.T) {
	eachDriver(t, func(t *testing.T, open func() store.Store) {
		s := open()
		ada := addUser(t, s, "ada")
		if got, err := s.Author(t.Context(), ada.ID); err != nil || got != ada {
			t.Errorf("Author = %+v, %v; want %+v", got, err, ada)
		}
		if _, err := s.Author(t.Context(), ada.ID+1); !errors.Is(err, multimedia.ErrNotFound) {
			t.Errorf("another: %v, want ErrNotFound", err)
		}
	})
}
