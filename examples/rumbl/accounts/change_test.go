package accounts_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roost-dev/roost/examples/rumbl/accounts"
	"github.com/roost-dev/roost/examples/rumbl/field"
)

func logIn(t *testing.T, s *accounts.Service, login accounts.Login) accounts.Session {
	t.Helper()
	secret, err := s.BeginSession(t.Context(), login)
	if err != nil {
		t.Fatal(err)
	}
	session, err := s.SessionBySecret(t.Context(), secret)
	if err != nil {
		t.Fatal(err)
	}
	return session
}

func TestChangingThePasswordEndsTheOtherSessionsOfTheUser(t *testing.T) {
	s := newService(t)
	ada := registerAda(t, s)
	bob, err := s.Register(t.Context(), accounts.Registration{Username: "bob", Password: "correct horse"})
	if err != nil {
		t.Fatal(err)
	}
	own, other, bobs := logIn(t, s, ada), logIn(t, s, ada), logIn(t, s, bob)

	ended, err := s.ChangePassword(t.Context(), own, accounts.PasswordChange{Old: "correct horse", New: "battery staple"}, from)
	if err != nil {
		t.Fatal(err)
	}
	if len(ended) != 1 || ended[0].ID != other.ID || ended[0].User != ada.User {
		t.Errorf("ended %+v, want the other one of ada's, %d", ended, other.ID)
	}
	for name, want := range map[string]struct {
		session accounts.Session
		err     error
	}{"own": {own, nil}, "other": {other, accounts.ErrNoSession}, "bob's": {bobs, nil}} {
		if _, err := s.SessionByID(t.Context(), want.session.ID); !errors.Is(err, want.err) {
			t.Errorf("%s: %v, want %v", name, err, want.err)
		}
	}
	if _, err := s.Authenticate(t.Context(), "ada", "correct horse", from); !errors.Is(err, accounts.ErrCredentials) {
		t.Errorf("with the old password: %v, want ErrCredentials", err)
	}
	if _, err := s.Authenticate(t.Context(), "ada", "battery staple", from); err != nil {
		t.Errorf("with the new password: %v", err)
	}
}

// A log-in takes its time between the two calls, and so may be overtaken.
func TestNoSessionBeginsWithAPasswordThatHasChangedSinceItWasChecked(t *testing.T) {
	s := newService(t)
	own := logIn(t, s, registerAda(t, s))
	before, err := s.Authenticate(t.Context(), "ada", "correct horse", from)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.ChangePassword(t.Context(), own, accounts.PasswordChange{Old: "correct horse", New: "battery staple"}, from); err != nil {
		t.Fatal(err)
	}
	if secret, err := s.BeginSession(t.Context(), before); secret != "" || !errors.Is(err, accounts.ErrCredentials) {
		t.Errorf("with the old password: secret %q, %v; want ErrCredentials", secret, err)
	}
	if ids, err := s.SessionIDs(t.Context(), own.User.ID); err != nil || !slices.Equal(ids, []int64{own.ID}) {
		t.Errorf("sessions %v, %v; want only the one that the password was changed in, %d", ids, err, own.ID)
	}
	after, err := s.Authenticate(t.Context(), "ada", "battery staple", from)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.BeginSession(t.Context(), after); err != nil {
		t.Errorf("with the new password: %v", err)
	}
}

func TestChangingThePasswordNamesTheFieldsAtFault(t *testing.T) {
	s := newService(t)
	session := logIn(t, s, registerAda(t, s))
	for name, tt := range map[string]struct {
		change accounts.PasswordChange
		fields []string
	}{
		"wrong old one":     {accounts.PasswordChange{Old: "wrong horse", New: "battery staple"}, []string{"old_password"}},
		"short new one":     {accounts.PasswordChange{Old: "correct horse", New: "short"}, []string{"new_password"}},
		"long new one":      {accounts.PasswordChange{Old: "correct horse", New: strings.Repeat("1", 129)}, []string{"new_password"}},
		"the same again":    {accounts.PasswordChange{Old: "correct horse", New: "correct horse"}, []string{"new_password"}},
		"both":              {accounts.PasswordChange{Old: "wrong horse", New: "short"}, []string{"old_password", "new_password"}},
		"nothing filled in": {accounts.PasswordChange{}, []string{"old_password", "new_password"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := s.ChangePassword(t.Context(), session, tt.change, name)
			problems, ok := errors.AsType[field.Errors](err)
			if !ok || len(problems) != len(tt.fields) {
				t.Fatalf("error %v, want problems with %v", err, tt.fields)
			}
			for _, f := range tt.fields {
				if problems[f] == "" {
					t.Errorf("no problem with %s: %v", f, err)
				}
			}
		})
	}
	if _, err := s.Authenticate(t.Context(), "ada", "correct horse", from); err != nil {
		t.Errorf("the password has changed: %v", err)
	}
}

func TestPasswordsAreNotGuessedByTryingMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		session := logIn(t, s, registerAda(t, s))
		for range 5 {
			if _, err := s.Authenticate(t.Context(), "ada", "wrong horse", from); !errors.Is(err, accounts.ErrCredentials) {
				t.Fatalf("error %v, want ErrCredentials", err)
			}
		}
		_, err := s.Authenticate(t.Context(), " ADA ", "correct horse", from)
		if tooMany, ok := errors.AsType[*accounts.TooManyTries](err); !ok || tooMany.RetryAfter <= 0 || tooMany.RetryAfter > 30*time.Second {
			t.Errorf("the sixth: %v, want TooManyTries for up to 30s", err)
		}
		change := accounts.PasswordChange{Old: "correct horse", New: "battery staple"}
		if _, err := s.ChangePassword(t.Context(), session, change, from); err == nil {
			t.Error("changing the password is a way around")
		}
		if _, err := s.Authenticate(t.Context(), "ada", "correct horse", "198.51.100.7"); err != nil {
			t.Errorf("from elsewhere: %v", err)
		}
		time.Sleep(30 * time.Second)
		if _, err := s.Authenticate(t.Context(), "ada", "correct horse", from); err != nil {
			t.Errorf("after 30s: %v", err)
		}
		for range 5 { // the right one has given all tries back
			if _, err := s.Authenticate(t.Context(), "ada", "wrong horse", from); !errors.Is(err, accounts.ErrCredentials) {
				t.Errorf("error %v, want ErrCredentials", err)
			}
		}
	})
}

func TestNobodyLogsInAsAUserWithoutAPassword(t *testing.T) {
	s := newService(t)
	robin, err := s.RegisterWithoutPassword(t.Context(), "robin", "Robin")
	if err != nil || robin.ID == 0 {
		t.Fatalf("registered %+v, %v", robin, err)
	}
	for _, password := range []string{"", "robin", "password"} {
		if _, err := s.Authenticate(t.Context(), "robin", password, from); !errors.Is(err, accounts.ErrCredentials) {
			t.Errorf("password %q: %v, want ErrCredentials", password, err)
		}
	}
}
