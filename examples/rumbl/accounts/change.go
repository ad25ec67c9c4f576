package accounts

import (
	"context"
	"errors"
	"fmt"

	"github.com/roost-dev/roost/examples/rumbl/field"
)

// PasswordChange is what a person fills in to change the password.
type PasswordChange struct {
	Old string
	New string // 8 to 128 characters
}

// ChangePassword gives the session's user another password, and ends all other
// sessions of the user: one of them may be the reason for the change. It returns
// those that it ended. The error is a field.Errors if something that was filled
// in is at fault, or that of Authenticate for too many tries; from is as there.
func (s *Service) ChangePassword(ctx context.Context, session Session, c PasswordChange, from string) (ended []Session, err error) {
	problems := field.Errors{}
	checkPassword(problems, "new_password", c.New)
	if c.New == c.Old {
		problems.Add("new_password", "must differ from the old one")
	}
	_, err = s.Authenticate(ctx, session.User.Username, c.Old, from)
	if errors.Is(err, ErrCredentials) {
		problems.Add("old_password", "is not right")
	} else if err != nil {
		return nil, err
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	hash, err := s.passwords.hash(ctx, c.New)
	if err != nil {
		return nil, fmt.Errorf("accounts: change password: %w", err)
	}
	ids, err := s.store.SetPassword(ctx, session.User.ID, hash, session.ID)
	if err != nil {
		return nil, fmt.Errorf("accounts: change password: %w", err)
	}
	for _, id := range ids {
		ended = append(ended, Session{ID: id, User: session.User})
	}
	return ended, nil
}
