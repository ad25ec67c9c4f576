// Package store opens the database that Rumbl keeps its data in. What it holds
// is said by the packages accounts and multimedia; the drivers, one folder
// each, answer alike.
package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/roost-dev/roost/examples/rumbl/accounts"
	"github.com/roost-dev/roost/examples/rumbl/multimedia"
	"github.com/roost-dev/roost/examples/rumbl/store/postgres"
	"github.com/roost-dev/roost/examples/rumbl/store/sqlite"
)

// Store is an open database. It is safe for concurrent use, and each of its
// methods may block until its context ends.
type Store interface {
	accounts.Store
	multimedia.Store

	// InTx runs f, and makes what f changed visible at once when f returns nil;
	// otherwise nothing has changed, and the error is f's. No two run at the
	// same time on one database, whichever programs they are in. It calls f on
	// the caller's goroutine. Within f only the stores that f is given may be
	// used, by one goroutine, and once one of them has failed f must return.
	InTx(ctx context.Context, f func(people accounts.Store, media multimedia.Store) error) error

	// Close waits for running calls and closes the database.
	Close() error
}

// Open opens a database and brings its tables up to date. The name is a URL,
// postgres://user@host:port/database, or the file of an SQLite database, which
// is made if there is none. Errors do not show a URL's password. Any number of
// programs may open one PostgreSQL database; an SQLite file is one program's.
func Open(ctx context.Context, name string) (Store, error) {
	scheme, _, isURL := strings.Cut(name, "://")
	switch {
	case !isURL:
		return opened(sqlite.Open(ctx, name))
	case scheme == "postgres" || scheme == "postgresql":
		return opened(postgres.Open(ctx, name))
	}
	return nil, fmt.Errorf("store: no driver for %s://; a database is a file's name, or a URL that begins with postgres://", scheme)
}

// opened keeps a driver's nil pointer from becoming a Store that is not nil.
func opened[S Store](s S, err error) (Store, error) {
	if err != nil {
		return nil, err
	}
	return s, nil
}
