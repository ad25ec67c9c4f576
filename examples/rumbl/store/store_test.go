package store_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roost-dev/roost/examples/rumbl/accounts"
	"github.com/roost-dev/roost/examples/rumbl/internal/pgserver"
	"github.com/roost-dev/roost/examples/rumbl/multimedia"
	"github.com/roost-dev/roost/examples/rumbl/store"
)

// eachDriver runs a test on an empty database of each driver. What open returns
// is another Store on the same database each time, as nodes and restarts have.
func eachDriver(t *testing.T, test func(t *testing.T, open func() store.Store)) {
	t.Helper()
	for driver, create := range map[string]func(t *testing.T) string{
		"SQLite":     func(t *testing.T) string { return filepath.Join(t.TempDir(), "rumbl.db") },
		"PostgreSQL": func(t *testing.T) string { return pgserver.NewDatabase(t) },
	} {
		t.Run(driver, func(t *testing.T) {
			name := create(t)
			test(t, func() store.Store {
				t.Helper()
				s, err := store.Open(t.Context(), name)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() {
					if err := s.Close(); err != nil {
						t.Error(err)
					}
				})
				return s
			})
		})
	}
}

func addUser(t *testing.T, s accounts.Store, username string) multimedia.Author {
	t.Helper()
	id, err := s.InsertUser(t.Context(), accounts.User{Username: username, Name: "The one called " + username}, "hash of "+username)
	if err != nil {
		t.Fatal(err)
	}
	return multimedia.Author{ID: id, Username: username, Name: "The one called " + username}
}

func addVideo(t *testing.T, s multimedia.Store, owner multimedia.Author, title string) int64 {
	t.Helper()
	id, err := s.InsertVideo(t.Context(), multimedia.Video{Owner: owner, Title: title})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func addAnnotation(t *testing.T, s multimedia.Store, videoID int64, author multimedia.Author, body string) multimedia.Annotation {
	t.Helper()
	a, err := s.InsertAnnotation(t.Context(), multimedia.Annotation{VideoID: videoID, Author: author, Body: body, CreatedAt: time.UnixMilli(1).UTC()})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func addMessage(t *testing.T, s multimedia.Store, videoID int64, author multimedia.Author, body string) multimedia.Message {
	t.Helper()
	m, err := s.InsertMessage(t.Context(), multimedia.Message{VideoID: videoID, Author: author, Body: body, CreatedAt: time.UnixMilli(1).UTC()})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// wantOneOfMany fails unless, of ten at once on several nodes, one succeeds and
// the others get the error refused.
func wantOneOfMany(t *testing.T, nodes []store.Store, refused error, do func(s store.Store) error) {
	t.Helper()
	var succeeded atomic.Int64
	var wg sync.WaitGroup
	for i := range 10 {
		wg.Go(func() {
			err := do(nodes[i%len(nodes)])
			switch {
			case err == nil:
				succeeded.Add(1)
			case !errors.Is(err, refused):
				t.Errorf("error %v, want %v", err, refused)
			}
		})
	}
	wg.Wait()
	if n := succeeded.Load(); n != 1 {
		t.Errorf("%d succeeded, want one", n)
	}
}

func TestDataOutlivesTheStoreThatWroteIt(t *testing.T) {
	eachDriver(t, func(t *testing.T, open func() store.Store) {
		first := open()
		ada := addUser(t, first, "ada")
		videoID := addVideo(t, first, ada, "One")
		if err := first.Close(); err != nil {
			t.Fatal(err)
		}
		video, err := open().Video(t.Context(), videoID)
		if err != nil || video.Title != "One" || video.Owner != ada {
			t.Errorf("after reopening: %+v, %v", video, err)
		}
	})
}

func TestACallWhoseContextHasEndedIsNotMade(t *testing.T) {
	eachDriver(t, func(t *testing.T, open func() store.Store) {
		s := open()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for name, call := range map[string]func() error{
			"InsertUser": func() error {
				_, err := s.InsertUser(ctx, accounts.User{Username: "ada"}, "hash")
				return err
			},
			"CountUsers": func() error {
				_, err := s.CountUsers(ctx)
				return err
			},
			"AnnotationsAfter": func() error {
				_, err := s.AnnotationsAfter(ctx, 1, 1, 0, 1)
				return err
			},
			"InTx": func() error {
				return s.InTx(ctx, func(accounts.Store, multimedia.Store) error {
					t.Error("InTx called its function")
					return nil
				})
			},
		} {
			if err := call(); !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v, want context.Canceled", name, err)
			}
		}
		if n, err := s.CountUsers(t.Context()); err != nil || n != 0 {
			t.Errorf("%d users, %v; want none", n, err)
		}
	})
}

func TestANameWithoutADriverIsRefused(t *testing.T) {
	for _, name := range []string{"mysql://ada:horse@localhost/rumbl", "postgres+x://ada:horse@localhost/rumbl"} {
		_, err := store.Open(t.Context(), name)
		if err == nil || !strings.Contains(err.Error(), "no driver for "+strings.Split(name, ":")[0]) {
			t.Errorf("%s: error %v; want one that names the scheme", name, err)
		}
		if err != nil && strings.Contains(err.Error(), "horse") {
			t.Errorf("%s: the error shows the password: %v", name, err)
		}
	}
}
