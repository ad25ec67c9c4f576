package accounts

import (
	"context"
	"errors"
	"time"
)

// Errors that a Store returns, wrapped or not.
var (
	ErrNotFound      = errors.New("accounts: not found")
	ErrUsernameTaken = errors.New("accounts: username taken")
)

// Store keeps users and sessions. It is called from many goroutines.
type Store interface {
	// InsertUser returns the new user's id, or ErrUsernameTaken.
	InsertUser(ctx context.Context, user User, passwordHash string) (int64, error)
	// UserByUsername returns the user and the hash of the password, or
	// ErrNotFound.
	UserByUsername(ctx context.Context, username string) (User, string, error)
	// SetPassword gives a user another password hash and deletes the user's
	// sessions but for one, both or neither. It returns the ids of those that it
	// deleted.
	SetPassword(ctx context.Context, userID int64, passwordHash string, keepSession int64) (ended []int64, err error)
	CountUsers(ctx context.Context) (int64, error)

	// InsertSession returns ErrNotFound if there is no such user, or if the user
	// has another password hash by now. A session that it inserts while
	// SetPassword runs is one of those that SetPassword deletes.
	InsertSession(ctx context.Context, userID int64, passwordHash string, secretHash []byte, expiresAt time.Time) error
	// SessionByHash and SessionByID return ErrNotFound for a session that does
	// not exist; an expired one may still be found.
	SessionByHash(ctx context.Context, secretHash []byte) (Session, error)
	SessionByID(ctx context.Context, id int64) (Session, error)
	// SessionIDs returns those of a user's sessions, expired or not.
	SessionIDs(ctx context.Context, userID int64) ([]int64, error)
	DeleteSession(ctx context.Context, id int64) error
	// DeleteSessionsBefore forgets the sessions that expired before t.
	DeleteSessionsBefore(ctx context.Context, t time.Time) error
}
