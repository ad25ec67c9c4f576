package sqlite_test

import (
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/roost-dev/roost/examples/rumbl/accounts"
	"github.com/roost-dev/roost/examples/rumbl/multimedia"
	"github.com/roost-dev/roost/examples/rumbl/store/sqlite"
)

func open(t *testing.T, file string) *sqlite.Store {
	t.Helper()
	store, err := sqlite.Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

func addVideo(t *testing.T, store *sqlite.Store) (multimedia.Author, int64) {
	t.Helper()
	userID, err := store.InsertUser(t.Context(), accounts.User{Username: "ada", Name: "Ada"}, "hash")
	if err != nil {
		t.Fatal(err)
	}
	owner := multimedia.Author{ID: userID, Username: "ada", Name: "Ada"}
	videoID, err := store.InsertVideo(t.Context(), multimedia.Video{Owner: owner, Title: "One"})
	if err != nil {
		t.Fatal(err)
	}
	return owner, videoID
}

func TestDataOutlivesTheStoreThatWroteIt(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a name with ? and # and %.db")
	first := open(t, file)
	owner, videoID := addVideo(t, first)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}

	video, err := open(t, file).Video(t.Context(), videoID)
	if err != nil {
		t.Fatal(err)
	}
	if video.Title != "One" || video.Owner != owner {
		t.Errorf("after reopening: %+v", video)
	}
}

func TestOpenNamesTheFileItCannotOpen(t *testing.T) {
	_, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "missing", "rumbl.db"))
	if err == nil || !strings.Contains(err.Error(), "missing/rumbl.db") {
		t.Errorf("error %v for a file in a directory that does not exist; want one that names it", err)
	}
}

// Readers catch up from the greatest id they know, so an annotation must never
// appear below one that was already to be seen.
func TestAnnotationsBecomeVisibleInGrowingOrder(t *testing.T) {
	store := open(t, filepath.Join(t.TempDir(), "rumbl.db"))
	owner, videoID := addVideo(t, store)

	const writers, each = 8, 20
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for range each {
				a := multimedia.Annotation{VideoID: videoID, Author: owner, At: time.Second, Body: "x"}
				if _, err := store.InsertAnnotation(t.Context(), a); err != nil {
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
		page, err := store.AnnotationsAfter(t.Context(), videoID, last, 7)
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
}
