package postgres

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/roost-dev/roost/examples/rumbl/accounts"
	"github.com/roost-dev/roost/examples/rumbl/internal/pgserver"
	"github.com/roost-dev/roost/examples/rumbl/multimedia"
)

func open(t *testing.T, url string) *Store {
	t.Helper()
	store, err := Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.WithoutCancel(t.Context())) })
	return conn
}

func exec(t *testing.T, conn *pgx.Conn, sql string, args ...any) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

// untilWaiting returns once a query of the store waits for a lock.
func untilWaiting(t *testing.T, conn *pgx.Conn) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for waiting := 0; waiting == 0; {
		const query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
		if err := conn.QueryRow(t.Context(), query).Scan(&waiting); err != nil {
			t.Fatal(err)
		}
		if time.Now().After(deadline) {
			t.Fatal("no query waits for a lock")
		}
	}
}

// addAda inserts a user and returns the id.
func addAda(t *testing.T, store *Store) int64 {
	t.Helper()
	id, err := store.InsertUser(t.Context(), accounts.User{Username: "ada"}, "hash")
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// twoVideos returns an annotation of each of two videos, to be inserted.
func twoVideos(t *testing.T, store *Store) (one, other multimedia.Annotation) {
	t.Helper()
	ada := multimedia.Author{ID: addAda(t, store)}
	for _, a := range []*multimedia.Annotation{&one, &other} {
		a.Author = ada
		var err error
		if a.VideoID, err = store.InsertVideo(t.Context(), multimedia.Video{Owner: ada}); err != nil {
			t.Fatal(err)
		}
	}
	return one, other
}

// A transaction of another node has a revision and is not committed yet. Who
// annotates the same video must get a greater one, and only once that commits.
func TestARevisionIsHandedOutWhenTheLastOneIsToBeSeen(t *testing.T) {
	url := pgserver.NewDatabase(t)
	store, another, observer := open(t, url), connect(t, url), connect(t, url)
	one, other := twoVideos(t, store)
	exec(t, another, "BEGIN")
	var before int64
	const next = "UPDATE videos SET revision = revision + 1 WHERE id = $1 RETURNING revision"
	if err := another.QueryRow(t.Context(), next, one.VideoID).Scan(&before); err != nil {
		t.Fatal(err)
	}

	inserted := make(chan int64, 1)
	go func() {
		a, err := store.InsertAnnotation(t.Context(), one)
		if err != nil {
			t.Error(err)
		}
		inserted <- a.Revision
	}()
	untilWaiting(t, observer)

	if _, err := store.InsertAnnotation(t.Context(), other); err != nil {
		t.Errorf("another video's: %v", err)
	}
	select {
	case revision := <-inserted:
		t.Fatalf("%d was inserted while %d could not be seen", revision, before)
	default:
	}
	exec(t, another, "COMMIT")
	if revision := <-inserted; revision <= before {
		t.Errorf("the revision is %d, want one beyond %d", revision, before)
	}
}

func TestAQueryIsGivenUpWithItsContext(t *testing.T) {
	url := pgserver.NewDatabase(t)
	store, another, observer := open(t, url), connect(t, url), connect(t, url)
	one, _ := twoVideos(t, store)
	exec(t, another, "BEGIN")
	exec(t, another, "LOCK TABLE annotations")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	failed := make(chan error, 1)
	go func() {
		_, err := store.InsertAnnotation(ctx, one)
		failed <- err
	}()
	untilWaiting(t, observer)
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}

func TestAQueryIsGivenUpWhenItLasts(t *testing.T) {
	url := pgserver.NewDatabase(t)
	store, another := open(t, url+"&statement_timeout=100ms"), connect(t, url)
	one, _ := twoVideos(t, store)
	exec(t, another, "BEGIN")
	exec(t, another, "LOCK TABLE annotations")
	_, err := store.InsertAnnotation(t.Context(), one)
	if e, ok := errors.AsType[*pgconn.PgError](err); !ok || e.Code != "57014" {
		t.Errorf("error %v, want query_canceled", err)
	}
}

func TestEveryConnectionHasItsLimits(t *testing.T) {
	url := pgserver.NewDatabase(t)
	store, observer := open(t, url), connect(t, url)
	exec(t, observer, "CREATE FUNCTION limits() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "+
		"NEW.name := concat_ws(' ', current_setting('application_name'), current_setting('statement_timeout'), "+
		"current_setting('idle_in_transaction_session_timeout')); RETURN NEW; END $$")
	exec(t, observer, "CREATE TRIGGER limits BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION limits()")
	addAda(t, store)
	if user, _, err := store.UserByUsername(t.Context(), "ada"); err != nil || user.Name != "rumbl 5s 10s" {
		t.Errorf("%q, %v; want the limits of package postgres", user.Name, err)
	}
}

func TestNoMoreConnectionsThanTheURLAllows(t *testing.T) {
	url := pgserver.NewDatabase(t)
	store, another, observer := open(t, url+"&pool_max_conns=2"), connect(t, url), connect(t, url)
	one, _ := twoVideos(t, store)
	exec(t, another, "BEGIN")
	exec(t, another, "LOCK TABLE annotations")
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			if _, err := store.InsertAnnotation(t.Context(), one); err != nil {
				t.Error(err)
			}
		})
	}
	untilWaiting(t, observer)
	exec(t, another, "COMMIT")
	wg.Wait()
	var connections int
	const query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'rumbl'"
	if err := observer.QueryRow(t.Context(), query).Scan(&connections); err != nil || connections > 2 {
		t.Errorf("%d connections, %v; want at most 2", connections, err)
	}
}

func TestNodesMayOpenAFreshDatabaseTogether(t *testing.T) {
	url := pgserver.NewDatabase(t)
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			store, err := Open(t.Context(), url)
			if err != nil {
				t.Error(err)
				return
			}
			defer store.Close()
			if n, err := store.CountUsers(t.Context()); err != nil || n != 0 {
				t.Errorf("%d users, %v", n, err)
			}
		})
	}
	wg.Wait()
}

func TestANodeLeavesTheTablesToAnotherThatIsAtThem(t *testing.T) {
	url := pgserver.NewDatabase(t)
	another, observer := connect(t, url), connect(t, url)
	exec(t, another, "SELECT pg_advisory_lock($1)", turnKey)
	opened := make(chan error, 1)
	go func() {
		store, err := Open(t.Context(), url)
		if err == nil {
			err = store.Close()
		}
		opened <- err
	}()
	untilWaiting(t, observer)
	var tables int
	if err := observer.QueryRow(t.Context(), "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").Scan(&tables); err != nil || tables != 0 {
		t.Errorf("meanwhile %d tables, %v; want none", tables, err)
	}
	exec(t, another, "SELECT pg_advisory_unlock($1)", turnKey)
	if err := <-opened; err != nil {
		t.Error(err)
	}
}

func TestErrorsDoNotShowThePassword(t *testing.T) {
	for name, url := range map[string]string{
		"a server that is not there":   "postgres://ada:horse@127.0.0.1:1/rumbl",
		"a database that is not there": pgserver.NewDatabase(t) + "_no&password=horse&dbname=no",
		"a port that is none":          "postgres://ada:horse@localhost:port/rumbl",
		"a password with a slash":      "postgres://ada:correct/horse@localhost/rumbl",
		"a password with an at sign":   "postgres://ada:correct@horse@localhost/rumbl",
		"with an at sign and a slash":  "postgres://ada:correct@127.0.0.1/horse@localhost/rumbl",
		"a password with a percent":    "postgres://ada:%horse@localhost/rumbl",
		"a parameter that is wrong":    "postgres://ada:horse@localhost/rumbl?pool_max_conns=many",
		"a password as a parameter":    "postgres://localhost:port/rumbl?password=horse",
		"an address that is unclosed":  "postgres://ada:horse@[::1/rumbl",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Open(t.Context(), url)
			if err == nil {
				t.Fatal("no error")
			}
			if strings.Contains(err.Error(), "horse") {
				t.Errorf("the error shows the password: %v", err)
			}
		})
	}
}
