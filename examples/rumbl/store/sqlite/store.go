// Package sqlite keeps Rumbl's data in one SQLite file. It implements the
// stores that the packages accounts and multimedia ask for; nothing else knows
// that there is a database.
package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"time"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver "sqlite", in pure Go

	"github.com/roost-dev/roost/examples/rumbl/accounts"
	"github.com/roost-dev/roost/examples/rumbl/multimedia"
	"github.com/roost-dev/roost/examples/rumbl/store/migration"
	"github.com/roost-dev/roost/examples/rumbl/store/sqlite/sqlgen"
)

//go:generate go run github.com/sqlc-dev/sqlc/cmd/sqlc@v1.31.1 generate

//go:embed migrations/*.sql
var migrations embed.FS

// Store is an open database. It is safe for concurrent use.
type Store struct {
	readers, writer *sql.DB // nil within InTx
	read, write     *sqlgen.Queries
}

// Open opens the database in the named file, which it makes if there is none,
// and brings its tables up to date. The Store must be closed.
func Open(ctx context.Context, file string) (*Store, error) {
	writer, err := sql.Open("sqlite", dsn(file))
	if err != nil {
		return nil, fmt.Errorf("sqlite: open %s: %w", file, err)
	}
	// SQLite lets one connection write at a time. Waiting for it here is fair
	// and ends with the caller's context; waiting inside SQLite is neither.
	writer.SetMaxOpenConns(1)
	if err := migrate(ctx, writer); err != nil {
		return nil, fmt.Errorf("sqlite: bring %s up to date: %w", file, errors.Join(err, writer.Close()))
	}
	readers, err := sql.Open("sqlite", dsn(file))
	if err != nil {
		return nil, fmt.Errorf("sqlite: open %s: %w", file, errors.Join(err, writer.Close()))
	}
	readers.SetMaxOpenConns(8)
	readers.SetMaxIdleConns(8)
	return &Store{readers: readers, writer: writer, read: sqlgen.New(readers), write: sqlgen.New(writer)}, nil
}

// Close waits for running queries and closes the file.
func (s *Store) Close() error {
	return errors.Join(s.readers.Close(), s.writer.Close())
}

// InTx implements store.Store. The writer's transactions are immediate, so they
// exclude those of other programs too.
func (s *Store) InTx(ctx context.Context, f func(accounts.Store, multimedia.Store) error) error {
	return s.inTx(ctx, func(queries *sqlgen.Queries) error {
		within := &Store{read: queries, write: queries}
		return f(within, within)
	})
}

// inTx runs f in a transaction: that of InTx, if it is called within one.
func (s *Store) inTx(ctx context.Context, f func(*sqlgen.Queries) error) error {
	if s.writer == nil {
		return f(s.write)
	}
	tx, err := s.writer.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after Commit
	if err := f(s.write.WithTx(tx)); err != nil {
		return err
	}
	return tx.Commit()
}

func dsn(file string) string {
	options := url.Values{
		"_pragma": {
			"busy_timeout(5000)", // first: the others may have to wait
			"journal_mode(WAL)",  // readers and the writer don't stop each other
			"synchronous(NORMAL)",
			"foreign_keys(1)",
		},
		"_txlock": {"immediate"},
	}
	name := url.URL{Path: file}
	return "file:" + name.EscapedPath() + "?" + options.Encode()
}

func migrate(ctx context.Context, db *sql.DB) error {
	provider, err := migrator(db)
	if err != nil {
		return err
	}
	_, err = provider.Up(ctx)
	return err
}

func migrator(db *sql.DB) (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectSQLite3, db, files,
		goose.WithDisableGlobalRegistry(true), goose.WithGoMigrations(migration.SearchText()))
}

func toMillis(t time.Time) int64 { return t.UnixMilli() }

func fromMillis(ms int64) time.Time { return time.UnixMilli(ms).UTC() }
