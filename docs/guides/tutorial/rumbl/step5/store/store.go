// Package store keeps videos and their annotations in a file of SQLite.
package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// ErrNotFound is returned for a video that is not there.
var ErrNotFound = errors.New("store: not found")

// Annotation is an annotation of a video.
type Annotation struct {
	ID   int64 // grows with each annotation
	By   string
	At   int64 // milliseconds since the video's beginning
	Body string
}

const schema = `
CREATE TABLE IF NOT EXISTS videos (id TEXT PRIMARY KEY, title TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS annotations (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	video TEXT NOT NULL REFERENCES videos (id),
	by TEXT NOT NULL,
	at INTEGER NOT NULL,
	body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS annotations_of_video ON annotations (video, id);
INSERT OR IGNORE INTO videos VALUES ('1', 'A day in the hills');
`

// Store is an open database. It is safe for concurrent use.
type Store struct{ db *sql.DB }

// Open opens the file, which it makes if there is none.
func Open(ctx context.Context, file string) (*Store, error) {
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=busy_timeout(5000)&_pragma=journal_mode(wal)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1) // SQLite writes one thing at a time
	if _, err := db.ExecContext(ctx, schema); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &Store{db}, nil
}

// Close closes the file.
func (s *Store) Close() error { return s.db.Close() }

// Title returns the title of a video, or ErrNotFound.
func (s *Store) Title(ctx context.Context, video string) (title string, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT title FROM videos WHERE id = ?`, video).Scan(&title)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	return title, err
}

// Annotate adds an annotation, and returns it with its ID.
func (s *Store) Annotate(ctx context.Context, video string, a Annotation) (Annotation, error) {
	result, err := s.db.ExecContext(ctx, `INSERT INTO annotations (video, by, at, body) VALUES (?, ?, ?, ?)`, video, a.By, a.At, a.Body)
	if err != nil {
		return Annotation{}, err
	}
	a.ID, err = result.LastInsertId()
	return a, err
}

// After returns the annotations of a video whose IDs are above id, but not more
// than the last 500.
func (s *Store) After(ctx context.Context, video string, id int64) ([]Annotation, error) {
	rows, err := s.db.QueryContext(ctx,
		`SELECT id, by, at, body FROM annotations WHERE video = ? AND id > ? ORDER BY id DESC LIMIT 500`, video, id)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // Err says the rest
	var found []Annotation
	for rows.Next() {
		var a Annotation
		if err := rows.Scan(&a.ID, &a.By, &a.At, &a.Body); err != nil {
			return nil, err
		}
		found = append(found, a)
	}
	slices.Reverse(found)
	return found, rows.Err()
}

// Counts returns how many annotations each visitor has written.
func (s *Store) Counts(ctx context.Context) (map[string]int, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT by, count(*) FROM annotations GROUP BY by`)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // Err says the rest
	counts := map[string]int{}
	for rows.Next() {
		var by string
		var count int
		if err := rows.Scan(&by, &count); err != nil {
			return nil, err
		}
		counts[by] = count
	}
	return counts, rows.Err()
}
