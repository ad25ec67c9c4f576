package postgres

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/roost-dev/roost/examples/rumbl/accounts"
	"github.com/roost-dev/roost/examples/rumbl/internal/pgserver"
)

func TestASessionWaitsForAPasswordThatIsBeingChanged(t *testing.T) {
	url := pgserver.NewDatabase(t)
	store, another, observer := open(t, url), connect(t, url), connect(t, url)
	ada := addAda(t, store)
	exec(t, another, "BEGIN")
	exec(t, another, "UPDATE users SET password_hash = 'new hash'")
	inserted := make(chan error, 1)
	go func() {
		inserted <- store.InsertSession(t.Context(), ada, "hash", []byte("secret's"), time.Now())
	}()
	untilWaiting(t, observer)
	exec(t, another, "COMMIT")
	if err := <-inserted; !errors.Is(err, accounts.ErrNotFound) {
		t.Errorf("with the old hash: %v, want ErrNotFound", err)
	}
}

func TestANewPasswordEndsASessionThatIsBeingBegun(t *testing.T) {
	url := pgserver.NewDatabase(t)
	store, another, observer := open(t, url), connect(t, url), connect(t, url)
	ada := addAda(t, store)
	tx, err := another.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	within := &Store{queries: store.queries.WithTx(tx)}
	if err := within.InsertSession(t.Context(), ada, "hash", []byte("secret's"), time.Now()); err != nil {
		t.Fatal(err)
	}
	begun, err := within.SessionIDs(t.Context(), ada)
	if err != nil || len(begun) != 1 {
		t.Fatalf("sessions %v, %v; want one", begun, err)
	}
	ended := make(chan []int64, 1)
	go func() {
		ids, err := store.SetPassword(t.Context(), ada, "new hash", 0)
		if err != nil {
			t.Error(err)
		}
		ended <- ids
	}()
	untilWaiting(t, observer)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if ids := <-ended; !slices.Equal(ids, begun) {
		t.Errorf("ended %v, want %v", ids, begun)
	}
}
