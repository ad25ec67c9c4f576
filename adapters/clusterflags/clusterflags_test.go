package clusterflags_test

import (
	"context"
	"flag"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/roost-dev/roost/adapters/clusterflags"
	"github.com/roost-dev/roost/history"
	"github.com/roost-dev/roost/pubsub"
)

func parse(t *testing.T, args ...string) *clusterflags.Flags {
	t.Helper()
	var f clusterflags.Flags
	fs := flag.NewFlagSet("node", flag.ContinueOnError)
	f.Define(fs)
	if err := fs.Parse(args); err != nil {
		t.Fatal(err)
	}
	return &f
}

func start(t *testing.T, args ...string) *pubsub.PubSub {
	t.Helper()
	ps, err := parse(t, args...).PubSub(&pubsub.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := ps.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return ps
}

func TestNoFlagsMeanANodeAlone(t *testing.T) {
	if info := start(t).Info(); info.Node != "" || info.Engine.Engine != "" {
		t.Errorf("got %+v", info)
	}
}

func TestNodesFindEachOther(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(strings.Repeat("a secret ", 5)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	first, second := freeAddress(t), freeAddress(t)
	common := []string{"-cluster-peers", first + ", " + second, "-cluster-secret-file", secret}
	a := start(t, append(common, "-node", "a", "-cluster-listen", first)...)
	b := start(t, append(common, "-node", "b", "-cluster-listen", second)...)
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		as, bs := a.Info(), b.Info()
		if len(as.Members) == 1 && as.Members[0].Name == "b" && len(bs.Members) == 1 && bs.Members[0].Name == "a" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("they do not know each other: %+v, %+v", as, bs)
		}
	}
}

// rooms is options of an application that keeps history.
func rooms(logger *slog.Logger) *pubsub.Options {
	return &pubsub.Options{Logger: logger, History: []history.Keep{{Topics: []string{"room"}}}}
}

func TestHistoryIsKeptWhereItCanBe(t *testing.T) {
	for name, tc := range map[string]struct {
		args   []string
		reason string // that nothing is kept
	}{
		"alone":                     {nil, ""},
		"alone, not wanted":         {[]string{"-no-history"}, "-no-history"},
		"on a Redis":                {[]string{"-redis-url", "redis://" + freeAddress(t)}, ""},
		"on a NATS":                 {[]string{"-nats-url", "nats://" + freeAddress(t)}, ""},
		"on a NATS, not wanted":     {[]string{"-nats-url", "nats://" + freeAddress(t), "-no-history"}, "-no-history"},
		"nodes without a directory": {[]string{"-cluster-listen", "127.0.0.1:0", "-node", "a"}, "-cluster-dir"},
		"nodes, not wanted":         {[]string{"-cluster-listen", "127.0.0.1:0", "-node", "a", "-cluster-dir", t.TempDir(), "-no-history"}, "-no-history"},
	} {
		var log strings.Builder // it is written before any goroutine is there
		first := slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelInfo})
		ps, err := parse(t, tc.args...).PubSub(rooms(slog.New(only{first, "clusterflags: "})))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if keeps := ps.Keeps("room"); keeps != (tc.reason == "") {
			t.Errorf("%s: history is kept: %t", name, keeps)
		}
		if said := log.String(); (said != "") != (tc.reason != "") || !strings.Contains(said, tc.reason) {
			t.Errorf("%s: the log says %q, want something of %q", name, said, tc.reason)
		}
		_ = ps.Close(t.Context()) // there is no NATS or Redis to leave
	}
}

// only handles what begins like that.
type only struct {
	slog.Handler

	beginning string
}

func (o only) Handle(ctx context.Context, r slog.Record) error {
	if !strings.HasPrefix(r.Message, o.beginning) {
		return nil
	}
	return o.Handler.Handle(ctx, r)
}

func TestNodesKeepHistory(t *testing.T) {
	addresses := []string{freeAddress(t), freeAddress(t), freeAddress(t)}
	opts := rooms(slog.New(slog.DiscardHandler))
	var nodes []*pubsub.PubSub
	for i, address := range addresses {
		ps, err := parse(t, "-cluster-listen", address, "-cluster-peers", strings.Join(addresses, ","),
			"-node", string("abc"[i]), "-cluster-dir", t.TempDir()).PubSub(opts)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := ps.Close(context.Background()); err != nil {
				t.Error(err)
			}
		})
		nodes = append(nodes, ps)
	}
	m := &pubsub.Message{Topic: "room", Event: "e", Payload: []byte(`{}`)}
	if err := nodes[0].Broadcast(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	missed, err := nodes[2].Missed(t.Context(), "room", history.Position{}, 10)
	if err != nil || len(missed) != 1 || missed[0].Event != "e" {
		t.Errorf("another node has %d events, error %v", len(missed), err)
	}
}

// freeAddress returns an address that nobody listens on, for now.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestWrongFlagsAreNamed(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		args []string
		want string
	}{
		"two ways":                    {[]string{"-nats-url", "nats://localhost", "-redis-url", "redis://localhost"}, "exclude"},
		"a directory and no address":  {[]string{"-cluster-dir", "x"}, "-cluster-listen"},
		"a directory and no name":     {[]string{"-cluster-listen", "127.0.0.1:0", "-cluster-dir", "x"}, "-node"},
		"a directory and two nodes":   {[]string{"-cluster-listen", "127.0.0.1:0", "-node", "a", "-cluster-dir", "x", "-cluster-nodes", "2"}, "3 or more"},
		"peers without an address":    {[]string{"-cluster-peers", "localhost:1"}, "-cluster-listen"},
		"no such file":                {[]string{"-cluster-listen", "127.0.0.1:0", "-cluster-secret-file", "/nowhere/secret"}, "-cluster-secret-file"},
		"an empty file":               {[]string{"-cluster-listen", "127.0.0.1:0", "-cluster-secret-file", empty}, "32 random bytes"},
		"no secret on a real address": {[]string{"-cluster-listen", "0.0.0.0:0"}, "ecret"},
		"a strange URL":               {[]string{"-redis-url", "http://localhost"}, "-redis-url"},
		"a strange NATS":              {[]string{"-nats-url", "http://localhost"}, "nats"},
	} {
		ps, err := parse(t, tc.args...).PubSub(nil)
		if err == nil {
			t.Errorf("%s: no error", name)
			_ = ps.Close(t.Context())
			continue
		}
		if !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: the error %q has nothing of %q", name, err, tc.want)
		}
	}
}
