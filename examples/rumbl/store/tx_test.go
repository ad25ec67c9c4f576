package store_test

import (
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/roost-dev/roost/examples/rumbl/accounts"
	"github.com/roost-dev/roost/examples/rumbl/multimedia"
	"github.com/roost-dev/roost/examples/rumbl/store"
)

func TestATransactionBecomesVisibleAtOnce(t *testing.T) {
	eachDriver(t, func(t *testing.T, open func() store.Store) {
		s, reader := open(), open()
		err := s.InTx(t.Context(), func(people accounts.Store, media multimedia.Store) error {
			addVideo(t, media, addUser(t, people, "ada"), "One")
			if n, err := people.CountUsers(t.Context()); err != nil || n != 1 {
				t.Errorf("within: %d users, %v; want 1", n, err)
			}
			for _, outside := range []store.Store{s, reader} {
				if n, err := outside.CountUsers(t.Context()); err != nil || n != 0 {
					t.Errorf("outside, before its end: %d users, %v; want none", n, err)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if videos, err := reader.Videos(t.Context(), multimedia.Listing{Limit: 10}, nil); err != nil || len(videos) != 1 || videos[0].Owner.Username != "ada" {
			t.Errorf("afterwards: %+v, %v", videos, err)
		}
	})
}

func TestAFailedTransactionLeavesNothing(t *testing.T) {
	eachDriver(t, func(t *testing.T, open func() store.Store) {
		s := open()
		failure := errors.New("no")
		err := s.InTx(t.Context(), func(people accounts.Store, media multimedia.Store) error {
			addVideo(t, media, addUser(t, people, "ada"), "One")
			return failure
		})
		if !errors.Is(err, failure) {
			t.Errorf("error %v, want the function's", err)
		}
		if n, err := s.CountUsers(t.Context()); err != nil || n != 0 {
			t.Errorf("%d users, %v; want none", n, err)
		}
		addUser(t, s, "ada") // which nothing holds up
	})
}

func TestAPasswordIsSetWithinATransactionToo(t *testing.T) {
	eachDriver(t, func(t *testing.T, open func() store.Store) {
		s := open()
		ada := addUser(t, s, "ada")
		failure := errors.New("no")
		err := s.InTx(t.Context(), func(people accounts.Store, _ multimedia.Store) error {
			if _, err := people.SetPassword(t.Context(), ada.ID, "new hash", 0); err != nil {
				t.Error(err)
			}
			return failure
		})
		if !errors.Is(err, failure) {
			t.Errorf("error %v, want the function's", err)
		}
		if _, hash, err := s.UserByUsername(t.Context(), "ada"); err != nil || hash != "hash of ada" {
			t.Errorf("the hash is %q, %v; want the old one", hash, err)
		}
	})
}

func TestTransactionsOfAllNodesTakeTurns(t *testing.T) {
	eachDriver(t, func(t *testing.T, open func() store.Store) {
		nodes := []store.Store{open(), open(), open()}
		var inside, added atomic.Int64
		turn := func(people accounts.Store, _ multimedia.Store) error {
			if n := inside.Add(1); n > 1 {
				t.Errorf("%d transactions at the same time", n)
			}
			defer inside.Add(-1)
			before, err := people.CountUsers(t.Context())
			if err != nil {
				return err
			}
			if before != added.Load() {
				t.Errorf("a transaction saw %d users after %d had each added one", before, added.Load())
			}
			_, err = people.InsertUser(t.Context(), accounts.User{Username: strconv.FormatInt(before, 10)}, "hash")
			added.Add(1)
			return err
		}
		var wg sync.WaitGroup
		for i := range 6 {
			wg.Go(func() {
				for range 5 {
					if err := nodes[i%3].InTx(t.Context(), turn); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
	})
}
