package accounts_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roost-dev/roost/examples/rumbl/accounts"
	"github.com/roost-dev/roost/examples/rumbl/field"
	"github.com/roost-dev/roost/examples/rumbl/store/sqlite"
)

const from = "192.0.2.1" // where tries come from

func newService(t *testing.T) *accounts.Service {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "rumbl.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return accounts.New(store)
}

func registerAda(t *testing.T, s *accounts.Service) accounts.Login {
	t.Helper()
	ada, err := s.Register(t.Context(), accounts.Registration{Username: "ada", Password: "correct horse"})
	if err != nil {
		t.Fatal(err)
	}
	return ada
}

func TestARegisteredUserCanAuthenticate(t *testing.T) {
	s := newService(t)
	registered, err := s.Register(t.Context(), accounts.Registration{Username: " Ada_1 ", Name: "Ada Lovelace", Password: "correct horse"})
	if err != nil {
		t.Fatal(err)
	}
	if registered.ID == 0 || registered.Username != "ada_1" || registered.Name != "Ada Lovelace" {
		t.Errorf("registered %+v", registered)
	}
	got, err := s.Authenticate(t.Context(), "ADA_1", "correct horse", from)
	if err != nil || got != registered {
		t.Errorf("Authenticate = %+v, %v; want %+v", got, err, registered)
	}
}

func TestAuthenticateDoesNotSayWhatWasWrong(t *testing.T) {
	s := newService(t)
	registerAda(t, s)
	for name, try := range map[string][2]string{
		"wrong password":             {"ada", "wrong horse"},
		"unknown username":           {"bob", "correct horse"},
		"password with more added":   {"ada", "correct horse "},
		"no password":                {"ada", ""},
		"nothing":                    {"", ""},
		"password of a megabyte":     {"ada", strings.Repeat("x", 1<<20)},
		"invalid UTF-8":              {"ada\xff", "\xff\xfe"},
		"unknown with decoy content": {"bob", ""},
	} {
		t.Run(name, func(t *testing.T) {
			login, err := s.Authenticate(t.Context(), try[0], try[1], from)
			if !errors.Is(err, accounts.ErrCredentials) || login != (accounts.Login{}) {
				t.Errorf("Authenticate = %+v, %v; want ErrCredentials", login, err)
			}
		})
	}
}

func TestAuthenticateGivesUpWithItsContext(t *testing.T) {
	s := newService(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Authenticate(ctx, "ada", "correct horse", from); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}

func TestRegisterNamesTheFieldAtFault(t *testing.T) {
	s := newService(t)
	registerAda(t, s)
	good := accounts.Registration{Username: "bob", Name: "Bob", Password: "correct horse"}
	tests := []struct {
		name   string
		change func(*accounts.Registration)
		field  string
	}{
		{"short username", func(r *accounts.Registration) { r.Username = "bo" }, "username"},
		{"long username", func(r *accounts.Registration) { r.Username = strings.Repeat("b", 21) }, "username"},
		{"username with a space", func(r *accounts.Registration) { r.Username = "bob b" }, "username"},
		{"username beyond ASCII", func(r *accounts.Registration) { r.Username = "böb" }, "username"},
		{"taken username", func(r *accounts.Registration) { r.Username = "ada" }, "username"},
		{"taken username in capitals", func(r *accounts.Registration) { r.Username = "ADA" }, "username"},
		{"long name", func(r *accounts.Registration) { r.Name = strings.Repeat("b", 41) }, "name"},
		{"name of two lines", func(r *accounts.Registration) { r.Name = "Bob\nAda" }, "name"},
		{"short password", func(r *accounts.Registration) { r.Password = "1234567" }, "password"},
		{"long password", func(r *accounts.Registration) { r.Password = strings.Repeat("1", 129) }, "password"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := good
			tt.change(&r)
			_, err := s.Register(t.Context(), r)
			problems, ok := errors.AsType[field.Errors](err)
			if !ok || problems[tt.field] == "" || len(problems) != 1 {
				t.Errorf("Register: %v; want one problem with %q", err, tt.field)
			}
		})
	}
	if _, err := s.Register(t.Context(), good); err != nil {
		t.Errorf("the registration without a fault: %v", err)
	}
}

func TestASessionLastsUntilItIsEnded(t *testing.T) {
	s := newService(t)
	ada := registerAda(t, s)
	secret, err := s.BeginSession(t.Context(), ada)
	if err != nil {
		t.Fatal(err)
	}
	other, err := s.BeginSession(t.Context(), ada)
	if err != nil {
		t.Fatal(err)
	}

	session, err := s.SessionBySecret(t.Context(), secret)
	if err != nil || session.User != ada.User {
		t.Fatalf("SessionBySecret = %+v, %v; want ada's", session, err)
	}
	if byID, err := s.SessionByID(t.Context(), session.ID); err != nil || byID != session {
		t.Errorf("SessionByID = %+v, %v; want %+v", byID, err, session)
	}
	if err := s.EndSession(t.Context(), session); err != nil {
		t.Fatal(err)
	}
	if _, err := s.SessionBySecret(t.Context(), secret); !errors.Is(err, accounts.ErrNoSession) {
		t.Errorf("by secret, once ended: %v, want ErrNoSession", err)
	}
	if _, err := s.SessionByID(t.Context(), session.ID); !errors.Is(err, accounts.ErrNoSession) {
		t.Errorf("by id, once ended: %v, want ErrNoSession", err)
	}
	if _, err := s.SessionBySecret(t.Context(), other); err != nil {
		t.Errorf("the session of the other browser: %v", err)
	}
}

func TestASecretThatWasNeverGivenIsNoSession(t *testing.T) {
	s := newService(t)
	for _, secret := range []string{"", "x", strings.Repeat("A", 26)} {
		if _, err := s.SessionBySecret(t.Context(), secret); !errors.Is(err, accounts.ErrNoSession) {
			t.Errorf("secret %q: %v, want ErrNoSession", secret, err)
		}
	}
}

func TestASessionExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		secret, err := s.BeginSession(t.Context(), registerAda(t, s))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(accounts.SessionLifetime - time.Millisecond)
		if _, err := s.SessionBySecret(t.Context(), secret); err != nil {
			t.Errorf("just before it expires: %v", err)
		}
		time.Sleep(time.Millisecond)
		if _, err := s.SessionBySecret(t.Context(), secret); !errors.Is(err, accounts.ErrNoSession) {
			t.Errorf("once expired: %v, want ErrNoSession", err)
		}
	})
}
