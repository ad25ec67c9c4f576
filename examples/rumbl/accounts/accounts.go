// Package accounts knows the people who use Rumbl: how they register, how they
// prove who they are, and the sessions of their browsers. It knows nothing of
// HTTP, of channels, or of where it is all kept.
package accounts

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/roost-dev/roost/examples/rumbl/field"
)

// SessionLifetime is how long a session lasts after the log-in that began it.
const SessionLifetime = 14 * 24 * time.Hour

// Errors that callers tell apart.
var (
	// ErrCredentials is returned when a username and password do not belong
	// together, without saying which of them is wrong.
	ErrCredentials = errors.New("accounts: unknown username or wrong password")
	// ErrNoSession is returned for a session that was never begun, has ended,
	// or has expired.
	ErrNoSession = errors.New("accounts: no such session")
)

// User is a person who has registered.
type User struct {
	ID       int64
	Username string // unique; 3 to 20 of a-z, 0-9 and _
	Name     string // as shown to others
}

// Login is a user who has just proved to know the password, as Register and
// Authenticate return it. It is good for BeginSession until the password changes.
type Login struct {
	User
	passwordHash string // of that password
}

// Session is one browser in which a user is logged in.
type Session struct {
	ID        int64
	User      User
	ExpiresAt time.Time
}

// Registration is what a person fills in to register.
type Registration struct {
	Username string // upper case is folded to lower case
	Name     string // empty: the username
	Password string // 8 to 128 characters
}

// Service is the entry to this package. It is safe for concurrent use.
type Service struct {
	store     Store
	passwords *hasher
	tried     *throttle
}

// New returns a Service that keeps everything in store.
func New(store Store) *Service {
	return &Service{store: store, passwords: newHasher(), tried: newThrottle()}
}

// Register makes a new user. The error is a field.Errors if something that was
// filled in is at fault, a taken username included.
func (s *Service) Register(ctx context.Context, r Registration) (Login, error) {
	user, err := r.check()
	if err != nil {
		return Login{}, err
	}
	hash, err := s.passwords.hash(ctx, r.Password)
	if err != nil {
		return Login{}, fmt.Errorf("accounts: register: %w", err)
	}
	user.ID, err = s.store.InsertUser(ctx, user, hash)
	if errors.Is(err, ErrUsernameTaken) {
		return Login{}, field.Errors{"username": "is already taken"}
	}
	if err != nil {
		return Login{}, fmt.Errorf("accounts: register: %w", err)
	}
	return Login{user, hash}, nil
}

// RegisterWithoutPassword makes a new user whom nobody can log in as. It must be
// given a username and a name that Register would take.
func (s *Service) RegisterWithoutPassword(ctx context.Context, username, name string) (User, error) {
	user := User{Username: username, Name: name}
	var err error
	if user.ID, err = s.store.InsertUser(ctx, user, unmatched()); err != nil {
		return User{}, fmt.Errorf("accounts: register %s: %w", username, err)
	}
	return user, nil
}

// Authenticate returns the user with that username and password, or
// ErrCredentials. It takes as long for a username that does not exist as for a
// wrong password, so that neither its answer nor its duration tells who is
// registered.
//
// from is the address that the try comes from, in any form. One username may be
// tried from one address 5 times, and then every 30 seconds, until a password is
// right; who tries more often gets a *TooManyTries. Each Service counts by
// itself, so of several nodes each does.
func (s *Service) Authenticate(ctx context.Context, username, password, from string) (Login, error) {
	username = foldUsername(username)
	if err := s.tried.take(username, from); err != nil {
		return Login{}, err
	}
	user, hash, err := s.store.UserByUsername(ctx, username)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return Login{}, fmt.Errorf("accounts: authenticate: %w", err)
	}
	known := err == nil
	if !known {
		hash = s.passwords.decoy
	}
	matches, err := s.passwords.matches(ctx, hash, password)
	if err != nil {
		return Login{}, fmt.Errorf("accounts: authenticate: %w", err)
	}
	if !known || !matches {
		return Login{}, ErrCredentials
	}
	s.tried.giveBack(username, from)
	return Login{user, hash}, nil
}

// BeginSession logs the user in and returns the secret for the browser to
// present from now on. Only a hash of it is kept. If the password has changed
// meanwhile the error is ErrCredentials: the session would outlive a change that
// has ended all others.
func (s *Service) BeginSession(ctx context.Context, login Login) (secret string, err error) {
	now := time.Now()
	if err := s.store.DeleteSessionsBefore(ctx, now); err != nil {
		return "", fmt.Errorf("accounts: begin session: %w", err)
	}
	secret = rand.Text()
	err = s.store.InsertSession(ctx, login.ID, login.passwordHash, hashSecret(secret), now.Add(SessionLifetime))
	if errors.Is(err, ErrNotFound) {
		return "", ErrCredentials
	}
	if err != nil {
		return "", fmt.Errorf("accounts: begin session: %w", err)
	}
	return secret, nil
}

// SessionBySecret returns the session that BeginSession returned secret for,
// or ErrNoSession.
func (s *Service) SessionBySecret(ctx context.Context, secret string) (Session, error) {
	return unexpired(s.store.SessionByHash(ctx, hashSecret(secret)))
}

// SessionByID returns the session with that id, or ErrNoSession. An id is no
// proof of anything: the caller must have it from somewhere it trusts.
func (s *Service) SessionByID(ctx context.Context, id int64) (Session, error) {
	return unexpired(s.store.SessionByID(ctx, id))
}

// SessionIDs returns the ids of a user's sessions.
func (s *Service) SessionIDs(ctx context.Context, userID int64) ([]int64, error) {
	ids, err := s.store.SessionIDs(ctx, userID)
	if err != nil {
		return nil, fmt.Errorf("accounts: sessions of user %d: %w", userID, err)
	}
	return ids, nil
}

// EndSession logs out the browser that the session belongs to. Ending one that
// has ended is no error.
func (s *Service) EndSession(ctx context.Context, session Session) error {
	if err := s.store.DeleteSession(ctx, session.ID); err != nil {
		return fmt.Errorf("accounts: end session: %w", err)
	}
	return nil
}

// Empty says whether nobody has registered yet.
func (s *Service) Empty(ctx context.Context) (bool, error) {
	n, err := s.store.CountUsers(ctx)
	if err != nil {
		return false, fmt.Errorf("accounts: count users: %w", err)
	}
	return n == 0, nil
}

// check returns the user that r asks for, without an id.
func (r Registration) check() (User, error) {
	problems := field.Errors{}
	user := User{Username: foldUsername(r.Username)}
	if !validUsername(user.Username) {
		problems.Add("username", "must have 3 to 20 characters, each a letter (a-z), a digit or _")
	}
	name := r.Name
	if strings.TrimSpace(name) == "" {
		name = user.Username
	}
	user.Name = problems.Line("name", name, 1, 40)
	checkPassword(problems, "password", r.Password)
	return user, problems.Err()
}

func foldUsername(username string) string {
	return strings.ToLower(strings.TrimSpace(username))
}

func validUsername(username string) bool {
	if len(username) < 3 || len(username) > 20 {
		return false
	}
	return !strings.ContainsFunc(username, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z')
	})
}

// hashSecret needs no salt and no slow hash: the secret is 128 random bits.
func hashSecret(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// unexpired passes on a session that the store found, unless it has expired.
func unexpired(session Session, err error) (Session, error) {
	switch {
	case errors.Is(err, ErrNotFound):
		return Session{}, ErrNoSession
	case err != nil:
		return Session{}, fmt.Errorf("accounts: find session: %w", err)
	case !time.Now().Before(session.ExpiresAt):
		return Session{}, ErrNoSession
	}
	return session, nil
}
