package nats

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nkeys"

	"github.com/roost-dev/roost/pubsub"
	"github.com/roost-dev/roost/pubsub/pubsubtest"
)

// network makes adapters of one engine. Networks are told apart by namespace.
func network(e *engine, opts Options) pubsubtest.Connect {
	made := 0
	return func(_ *testing.T, nodes int) []pubsub.Adapter {
		made++
		adapters := make([]pubsub.Adapter, nodes)
		for i := range adapters {
			own := opts
			own.Namespace = fmt.Sprintf("test.%d", made)
			adapters[i] = New(e.url(), &own)
		}
		return adapters
	}
}

func TestNodesOnOneServer(t *testing.T) {
	pubsubtest.Run(t, network(startEngine(t), Options{}))
}

func TestServerRestarts(t *testing.T) {
	const buffer = 64 << 10
	e := startEngine(t)
	pubsubtest.RunRestart(t, pubsubtest.Restartable{
		Connect: network(e, Options{Buffer: buffer}),
		Stop:    func(*testing.T) { e.kill() },
		Start:   func(t *testing.T) { e.start(t) },
		Buffer:  buffer,
	})
}

func TestWhatWaitsTooLongIsGivenUp(t *testing.T) {
	e := newEngine(t)
	a := New(e.url(), &Options{Patience: 50 * time.Millisecond})
	run(t, a, nil)
	if err := a.Publish(t.Context(), message1("early")); err != nil {
		t.Fatalf("the first message without a server: %v", err)
	}
	if h := a.Health(); h.Pending != 1 {
		t.Errorf("%d messages wait, want 1", h.Pending)
	}
	await(t, "the message is given up", func() bool { h := a.Health(); return h.Pending == 0 && h.Lost == 1 })
	if err := a.Publish(t.Context(), message1("late")); !errors.Is(err, pubsub.ErrUnavailable) {
		t.Errorf("a message without a server for too long: %v", err)
	}
	e.start(t)
	await(t, "the server is there", func() bool { return a.Health().State == pubsub.StateUp })
	if err := a.Publish(t.Context(), message1("now")); err != nil {
		t.Error(err)
	}
	if h := a.Health(); h.Lost != 2 {
		t.Errorf("%d messages are lost, want 2", h.Lost)
	}
}

func TestCredentials(t *testing.T) {
	pair, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	public, err := pair.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	seed, err := pair.Seed()
	if err != nil {
		t.Fatal(err)
	}
	config, key := filepath.Join(t.TempDir(), "nats.conf"), filepath.Join(t.TempDir(), "user.nk")
	users := fmt.Sprintf(`authorization { users: [ {user: ada, password: lovelace, permissions: {publish: "roost.>", subscribe: "roost.>"}}, {nkey: %s} ] }`, public)
	for file, content := range map[string]string{config: users, key: string(seed)} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	byUser, byToken := startEngine(t, "-c", config), startEngine(t, "--auth", "a token")
	for _, test := range []struct {
		name    string
		adapter *Adapter
		allowed bool
	}{
		{"a user and password", New(strings.Replace(byUser.url(), "//", "//ada:lovelace@", 1), nil), true},
		{"a wrong password", New(strings.Replace(byUser.url(), "//", "//ada:byron@", 1), nil), false},
		{"nothing", New(byUser.url(), nil), false},
		{"an NKey", New(byUser.url(), &Options{NKeyFile: key}), true},
		{"a token", New(byToken.url(), &Options{Token: "a token"}), true},
		{"a wrong token", New(byToken.url(), &Options{Token: "a guess"}), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			run(t, test.adapter, nil)
			if test.allowed {
				await(t, "it is connected", func() bool { return test.adapter.Health().State == pubsub.StateUp })
				test.adapter.Interest("t:room", true)
				if err := test.adapter.Settle(t.Context()); err != nil {
					t.Error(err)
				}
				return
			}
			await(t, "health says why not", func() bool { return strings.Contains(strings.ToLower(test.adapter.Health().Detail), "authorization") })
			if d := test.adapter.Health().Detail; strings.Contains(d, "byron") || strings.Contains(d, "guess") {
				t.Errorf("health tells secrets: %q", d)
			}
		})
	}
}

func TestMisconfigurationIsAnErrorOfStart(t *testing.T) {
	for name, a := range map[string]pubsub.Adapter{
		"no server":              New("", nil),
		"another scheme":         New("http://localhost:4222", nil),
		"not a URL":              New("nats://a b:c", nil),
		"a namespace of a space": New("nats://localhost", &Options{Namespace: "a b"}),
		"an open namespace":      New("nats://localhost", &Options{Namespace: "a.>"}),
		"missing credentials":    New("nats://localhost", &Options{CredentialsFile: "/nowhere"}),
		"a negative buffer":      New("nats://localhost", &Options{Buffer: -1}),
	} {
		err := a.Start(hooks{})
		if err == nil || !strings.HasPrefix(err.Error(), "nats: ") {
			t.Errorf("%s: %v", name, err)
		}
		if h := a.Health(); h.Engine != "nats" {
			t.Errorf("%s: %+v", name, h)
		}
		if err := a.Close(t.Context()); err != nil {
			t.Errorf("%s: Close: %v", name, err)
		}
	}
}
