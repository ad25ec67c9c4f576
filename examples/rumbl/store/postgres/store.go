// Package postgres keeps Rumbl's data in a PostgreSQL database, which any
// number of nodes may share. It implements the stores that the packages
// accounts and multimedia ask for; nothing else knows that there is a database.
package postgres

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"github.com/roost-dev/roost/examples/rumbl/accounts"
	"github.com/roost-dev/roost/examples/rumbl/multimedia"
	"github.com/roost-dev/roost/examples/rumbl/store/migration"
	"github.com/roost-dev/roost/examples/rumbl/store/postgres/sqlgen"
)

//go:generate go run github.com/sqlc-dev/sqlc/cmd/sqlc@v1.31.1 generate

//go:embed migrations/*.sql
var migrations embed.FS

// turnKey names the advisory lock of what one node does at a time. Any number
// would do that nothing else uses in this database.
const turnKey = 7_286_625

// What a connection gets that the URL does not say otherwise about. Rumbl's
// queries take milliseconds: one that lasts has met a fault, and is better given
// up than waited for.
const (
	maxConns                 = 16 // for each node; a server takes 100 unless told
	connectTimeout           = 5 * time.Second
	statementTimeout         = "5s" // waiting for locks included
	idleInTransactionTimeout = "10s"
)

// Store is an open database. It is safe for concurrent use.
type Store struct {
	pool    *pgxpool.Pool // nil within InTx
	queries *sqlgen.Queries
}

// Open connects to the database that a URL names, and brings its tables up to
// date. While another node does that, it waits. Parameters that the URL leaves
// out get Rumbl's defaults or those of the environment (PGPASSWORD and so on).
// Errors do not show the password. The Store must be closed.
func Open(ctx context.Context, url string) (*Store, error) {
	config, err := parse(url)
	if err != nil {
		return nil, err
	}
	if err := migrate(ctx, config.ConnConfig); err != nil {
		return nil, fmt.Errorf("postgres: bring the database up to date: %w", err)
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("postgres: open: %w", err)
	}
	return &Store{pool: pool, queries: sqlgen.New(pool)}, nil
}

// Close waits for running queries and closes the connections.
func (s *Store) Close() error {
	s.pool.Close()
	return nil
}

// InTx implements store.Store.
func (s *Store) InTx(ctx context.Context, f func(accounts.Store, multimedia.Store) error) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", turnKey); err != nil {
			return fmt.Errorf("postgres: wait for other transactions: %w", err)
		}
		within := &Store{queries: s.queries.WithTx(tx)}
		return f(within, within)
	})
}

// inTx runs f in a transaction: that of InTx, if it is called within one.
func (s *Store) inTx(ctx context.Context, f func(*sqlgen.Queries) error) error {
	if s.pool == nil {
		return f(s.queries)
	}
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error { return f(s.queries.WithTx(tx)) })
}

func parse(url string) (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil || strings.Contains(config.ConnConfig.Host+config.ConnConfig.Database, "@") {
		// Nobody knows where in a malformed URL the password is, so no part of it is shown, and pgx's error is not either.
		return nil, errors.New("postgres: the database's URL or one of its parameters is not valid; " +
			"it has the form postgres://user:password@host:5432/database?name=value, with special characters as %XX")
	}
	if !strings.Contains(url, "pool_max_conns=") {
		config.MaxConns = maxConns
	}
	if !strings.Contains(url, "connect_timeout=") {
		config.ConnConfig.ConnectTimeout = connectTimeout
	}
	for name, value := range map[string]string{
		"application_name":                    "rumbl",
		"statement_timeout":                   statementTimeout,
		"idle_in_transaction_session_timeout": idleInTransactionTimeout,
	} {
		if _, ok := config.ConnConfig.RuntimeParams[name]; !ok {
			config.ConnConfig.RuntimeParams[name] = value
		}
	}
	return config, nil
}

// migrate runs the migrations that the database lacks, for one node at a time.
// It does not leave that to goose's own lock, which comes only after goose has
// made its table, and is asked for no more than once a second. The price: an
// index that is built CONCURRENTLY would wait for the nodes that wait here.
func migrate(ctx context.Context, config *pgx.ConnConfig) (err error) {
	config = config.Copy()
	config.RuntimeParams["statement_timeout"] = "0"
	db := stdlib.OpenDB(*config)
	defer func() { err = errors.Join(err, db.Close()) }()
	turn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, turn.Close()) }()
	if _, err := turn.ExecContext(ctx, "SELECT pg_advisory_lock($1)", turnKey); err != nil {
		return err
	}
	provider, err := migrator(db)
	if err != nil {
		return err
	}
	_, err = provider.Up(ctx)
	return err // the lock ends with its connection, which db closes
}

func migrator(db *sql.DB) (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectPostgres, db, files,
		goose.WithDisableGlobalRegistry(true), goose.WithGoMigrations(migration.SearchText()))
}
