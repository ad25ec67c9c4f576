package store_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/roost-dev/roost/examples/rumbl/accounts"
	"github.com/roost-dev/roost/examples/rumbl/multimedia"
	"github.com/roost-dev/roost/examples/rumbl/store"
)

func TestAUserIsFoundByTheExactUsername(t *testing.T) {
	eachDriver(t, func(t *testing.T, open func() store.Store) {
		s := open()
		if n, err := s.CountUsers(t.Context()); err != nil || n != 0 {
			t.Errorf("at first: %d users, %v", n, err)
		}
		ada := addUser(t, s, "ada")
		addUser(t, s, "bob")
		if n, err := s.CountUsers(t.Context()); err != nil || n != 2 {
			t.Errorf("then: %d users, %v; want 2", n, err)
		}
		user, hash, err := s.UserByUsername(t.Context(), "ada")
		if err != nil || user != accounts.User(ada) || hash != "hash of ada" {
			t.Errorf("UserByUsername = %+v, %q, %v; want %+v", user, hash, err, ada)
		}
		for _, username := range []string{"", "eve", "Ada", "ada ", "ad_", "ada\x00", "ada\xff", "' OR ''='"} {
			if _, _, err := s.UserByUsername(t.Context(), username); !errors.Is(err, accounts.ErrNotFound) {
				t.Errorf("username %q: %v, want ErrNotFound", username, err)
			}
		}
	})
}

func TestAUsernameIsGivenOnceHoweverManyAskForIt(t *testing.T) {
	eachDriver(t, func(t *testing.T, open func() store.Store) {
		nodes := []store.Store{open(), open()}
		wantOneOfMany(t, nodes, accounts.ErrUsernameTaken, func(s store.Store) error {
			_, err := s.InsertUser(t.Context(), accounts.User{Username: "ada"}, "hash")
			return err
		})
	})
}

func TestASessionIsFoundUntilItIsDeleted(t *testing.T) {
	eachDriver(t, func(t *testing.T, open func() store.Store) {
		s := open()
		ada := accounts.User(addUser(t, s, "ada"))
		hash, expiresAt := []byte{0, 1, 0xff}, time.Date(2030, 1, 2, 3, 4, 5, 678e6, time.FixedZone("", 3600))
		if err := s.InsertSession(t.Context(), ada.ID, "hash of ada", hash, expiresAt); err != nil {
			t.Fatal(err)
		}
		session, err := s.SessionByHash(t.Context(), hash)
		want := accounts.Session{ID: session.ID, User: ada, ExpiresAt: expiresAt.UTC()}
		if err != nil || session != want {
			t.Fatalf("SessionByHash = %+v, %v; want %+v", session, err, want)
		}
		if byID, err := s.SessionByID(t.Context(), session.ID); err != nil || byID != session {
			t.Errorf("SessionByID = %+v, %v; want %+v", byID, err, session)
		}
		if ids, err := s.SessionIDs(t.Context(), ada.ID); err != nil || !slices.Equal(ids, []int64{session.ID}) {
			t.Errorf("SessionIDs = %v, %v; want %d", ids, err, session.ID)
		}
		if ids, err := s.SessionIDs(t.Context(), ada.ID+1); err != nil || len(ids) != 0 {
			t.Errorf("SessionIDs of another = %v, %v; want none", ids, err)
		}
		if _, err := s.SessionByHash(t.Context(), []byte{0, 1}); !errors.Is(err, accounts.ErrNotFound) {
			t.Errorf("another hash: %v, want ErrNotFound", err)
		}
		for range 2 { // twice is no error
			if err := s.DeleteSession(t.Context(), session.ID); err != nil {
				t.Error(err)
			}
		}
		if _, err := s.SessionByHash(t.Context(), hash); !errors.Is(err, accounts.ErrNotFound) {
			t.Errorf("by hash, once deleted: %v, want ErrNotFound", err)
		}
		if _, err := s.SessionByID(t.Context(), session.ID); !errors.Is(err, accounts.ErrNotFound) {
			t.Errorf("by id, once deleted: %v, want ErrNotFound", err)
		}
	})
}

func TestASessionIsOfAUserWhosePasswordHasNotChanged(t *testing.T) {
	eachDriver(t, func(t *testing.T, open func() store.Store) {
		s := open()
		ada, bob := addUser(t, s, "ada"), addUser(t, s, "bob")
		if _, err := s.SetPassword(t.Context(), ada.ID, "new hash", 0); err != nil {
			t.Fatal(err)
		}
		for name, tt := range map[string]struct {
			userID int64
			hash   string
			want   error
		}{
			"nobody":      {bob.ID + 1, "hash of bob", accounts.ErrNotFound},
			"an old hash": {ada.ID, "hash of ada", accounts.ErrNotFound},
			"another's":   {ada.ID, "hash of bob", accounts.ErrNotFound},
			"none":        {ada.ID, "", accounts.ErrNotFound},
			"the hash":    {ada.ID, "new hash", nil},
		} {
			err := s.InsertSession(t.Context(), tt.userID, tt.hash, []byte(name), time.Now())
			if !errors.Is(err, tt.want) {
				t.Errorf("%s: %v, want %v", name, err, tt.want)
			}
			if _, err := s.SessionByHash(t.Context(), []byte(name)); !errors.Is(err, tt.want) {
				t.Errorf("%s: found with %v, want %v", name, err, tt.want)
			}
		}
	})
}

func TestANewPasswordEndsTheUsersOtherSessions(t *testing.T) {
	eachDriver(t, func(t *testing.T, open func() store.Store) {
		s := open()
		session := func(user multimedia.Author, hash string) accounts.Session {
			t.Helper()
			if err := s.InsertSession(t.Context(), user.ID, "hash of "+user.Username, []byte(hash), time.Now().Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
			session, err := s.SessionByHash(t.Context(), []byte(hash))
			if err != nil {
				t.Fatal(err)
			}
			return session
		}
		ada, bob := addUser(t, s, "ada"), addUser(t, s, "bob")
		kept, one, two, bobs := session(ada, "kept"), session(ada, "one"), session(ada, "two"), session(bob, "bob's")

		ended, err := s.SetPassword(t.Context(), ada.ID, "new hash", kept.ID)
		slices.Sort(ended)
		if err != nil || !slices.Equal(ended, []int64{one.ID, two.ID}) {
			t.Fatalf("ended %v, %v; want %d and %d", ended, err, one.ID, two.ID)
		}
		if _, hash, err := s.UserByUsername(t.Context(), "ada"); err != nil || hash != "new hash" {
			t.Errorf("ada's hash is %q, %v", hash, err)
		}
		if _, hash, err := s.UserByUsername(t.Context(), "bob"); err != nil || hash != "hash of bob" {
			t.Errorf("bob's hash is %q, %v", hash, err)
		}
		for _, session := range []accounts.Session{kept, bobs} {
			if _, err := s.SessionByID(t.Context(), session.ID); err != nil {
				t.Errorf("session %d: %v", session.ID, err)
			}
		}
		for _, session := range []accounts.Session{one, two} {
			if _, err := s.SessionByID(t.Context(), session.ID); !errors.Is(err, accounts.ErrNotFound) {
				t.Errorf("session %d: %v, want ErrNotFound", session.ID, err)
			}
		}
	})
}

func TestExpiredSessionsAreForgottenWhoeverElseForgetsThem(t *testing.T) {
	eachDriver(t, func(t *testing.T, open func() store.Store) {
		nodes := []store.Store{open(), open()}
		ada := addUser(t, nodes[0], "ada")
		now := time.Now().Truncate(time.Millisecond)
		const each = 20
		for i := range each {
			for j, at := range []time.Time{now.Add(-time.Millisecond), now} {
				if err := nodes[0].InsertSession(t.Context(), ada.ID, "hash of ada", []byte{byte(i), byte(j)}, at); err != nil {
					t.Fatal(err)
				}
			}
		}
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				if err := nodes[i%2].DeleteSessionsBefore(t.Context(), now); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for i := range each {
			if _, err := nodes[1].SessionByHash(t.Context(), []byte{byte(i), 0}); !errors.Is(err, accounts.ErrNotFound) {
				t.Errorf("session %d that expired: %v, want ErrNotFound", i, err)
			}
			if _, err := nodes[1].SessionByHash(t.Context(), []byte{byte(i), 1}); err != nil {
				t.Errorf("session %d that expires now: %v", i, err)
			}
		}
	})
}
