package postgres

import (
	"database/sql"
	"testing"

	"github.com/roost-dev/roost/examples/rumbl/internal/pgserver"
	"github.com/roost-dev/roost/examples/rumbl/multimedia"
)

// The first release had neither categories nor a search.
func TestADatabaseOfTheFirstReleaseIsBroughtUpToDateAndBack(t *testing.T) {
	url := pgserver.NewDatabase(t)
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	provider, err := migrator(db)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.UpTo(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		"INSERT INTO users (username, name, password_hash, created_at) VALUES ('ada', 'Ada L', '', now())",
		"INSERT INTO videos (user_id, title, description, source_kind, source_ref, created_at) VALUES (1, 'Waves at the CAFÉ', 'And Wind', 'file', '/x.webm', now())",
	} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		store, err := Open(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		videos, err := store.Videos(t.Context(), multimedia.Listing{Limit: 10}, []string{"waves", "cafe", "wind", "ada l"})
		if err != nil || len(videos) != 1 || videos[0].Category != (multimedia.Category{}) {
			t.Errorf("the video is found so: %+v, %v; want it without a category", videos, err)
		}
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := provider.DownTo(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
	}
}
