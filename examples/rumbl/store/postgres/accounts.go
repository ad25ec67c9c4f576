package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/roost-dev/roost/examples/rumbl/accounts"
	"github.com/roost-dev/roost/examples/rumbl/store/postgres/sqlgen"
)

var _ accounts.Store = (*Store)(nil)

// Errors of PostgreSQL that have a meaning here.
const (
	uniqueViolation = "23505"
	notText         = "22021" // not UTF-8, or with a zero byte
)

// InsertUser implements accounts.Store.
func (s *Store) InsertUser(ctx context.Context, user accounts.User, passwordHash string) (int64, error) {
	id, err := s.queries.InsertUser(ctx, sqlgen.InsertUserParams{
		Username:     user.Username,
		Name:         user.Name,
		PasswordHash: passwordHash,
		CreatedAt:    time.Now(),
	})
	if e, ok := errors.AsType[*pgconn.PgError](err); ok && e.Code == uniqueViolation && e.ConstraintName == "users_username_unique" {
		return 0, accounts.ErrUsernameTaken
	}
	return id, err
}

// UserByUsername implements accounts.Store.
func (s *Store) UserByUsername(ctx context.Context, username string) (accounts.User, string, error) {
	row, err := s.queries.UserByUsername(ctx, username)
	e, ok := errors.AsType[*pgconn.PgError](err)
	if errors.Is(err, pgx.ErrNoRows) || ok && e.Code == notText {
		return accounts.User{}, "", accounts.ErrNotFound
	}
	return accounts.User{ID: row.ID, Username: row.Username, Name: row.Name}, row.PasswordHash, err
}

// SetPassword implements accounts.Store. It takes two statements: one alone would
// not see a session that is inserted while it waits for the lock on the user.
func (s *Store) SetPassword(ctx context.Context, userID int64, passwordHash string, keepSession int64) (ended []int64, err error) {
	err = s.inTx(ctx, func(queries *sqlgen.Queries) error {
		if err := queries.UpdatePassword(ctx, sqlgen.UpdatePasswordParams{ID: userID, PasswordHash: passwordHash}); err != nil {
			return err
		}
		ended, err = queries.DeleteOtherSessions(ctx, sqlgen.DeleteOtherSessionsParams{UserID: userID, ID: keepSession})
		return err
	})
	return ended, err
}

// CountUsers implements accounts.Store.
func (s *Store) CountUsers(ctx context.Context) (int64, error) {
	return s.queries.CountUsers(ctx)
}

// InsertSession implements accounts.Store.
func (s *Store) InsertSession(ctx context.Context, userID int64, passwordHash string, secretHash []byte, expiresAt time.Time) error {
	n, err := s.queries.InsertSession(ctx, sqlgen.InsertSessionParams{
		UserID:       userID,
		PasswordHash: passwordHash,
		SecretHash:   secretHash,
		ExpiresAt:    expiresAt,
	})
	if err == nil && n == 0 {
		return accounts.ErrNotFound
	}
	return err
}

// SessionByHash implements accounts.Store.
func (s *Store) SessionByHash(ctx context.Context, secretHash []byte) (accounts.Session, error) {
	row, err := s.queries.SessionByHash(ctx, secretHash)
	return session(sqlgen.SessionByIDRow(row), err)
}

// SessionByID implements accounts.Store.
func (s *Store) SessionByID(ctx context.Context, id int64) (accounts.Session, error) {
	return session(s.queries.SessionByID(ctx, id))
}

// SessionIDs implements accounts.Store.
func (s *Store) SessionIDs(ctx context.Context, userID int64) ([]int64, error) {
	return s.queries.SessionIDs(ctx, userID)
}

// DeleteSession implements accounts.Store.
func (s *Store) DeleteSession(ctx context.Context, id int64) error {
	return s.queries.DeleteSession(ctx, id)
}

// DeleteSessionsBefore implements accounts.Store.
func (s *Store) DeleteSessionsBefore(ctx context.Context, t time.Time) error {
	return s.queries.DeleteSessionsBefore(ctx, t)
}

func session(row sqlgen.SessionByIDRow, err error) (accounts.Session, error) {
	if errors.Is(err, pgx.ErrNoRows) {
		return accounts.Session{}, accounts.ErrNotFound
	}
	return accounts.Session{
		ID:        row.ID,
		User:      accounts.User{ID: row.UserID, Username: row.Username, Name: row.Name},
		ExpiresAt: row.ExpiresAt.UTC(),
	}, err
}
