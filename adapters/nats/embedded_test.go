package nats

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roost-dev/roost/pubsub"
	"github.com/roost-dev/roost/pubsub/pubsubtest"
)

const testSecret = "0123456789abcdef0123456789abcdef"

// lookupQuickly is how often nodes of tests look for peers.
const lookupQuickly = 20 * time.Millisecond

// meeting is where nodes that listen on any port find each other, by
// EmbedOptions.FindPeers.
type meeting struct {
	mu    sync.Mutex // guards nodes
	nodes map[*guest]bool
}

// guest is a node that can be found from its start to its end.
type guest struct {
	*Embedded
	meeting *meeting
}

func (m *meeting) node(opts EmbedOptions) *guest {
	opts.FindPeers = m.find
	opts.Logger = slog.New(slog.DiscardHandler)
	g := &guest{Embed("127.0.0.1:0", &opts), m}
	g.lookup = lookupQuickly
	return g
}

func (m *meeting) find(context.Context) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var addresses []string
	for g := range m.nodes {
		addresses = append(addresses, g.Addr().String())
	}
	return addresses, nil
}

func (g *guest) Start(r pubsub.Receiver) error {
	if err := g.Embedded.Start(r); err != nil {
		return err
	}
	g.meeting.mu.Lock()
	defer g.meeting.mu.Unlock()
	if g.meeting.nodes == nil {
		g.meeting.nodes = make(map[*guest]bool)
	}
	g.meeting.nodes[g] = true
	return nil
}

func (g *guest) Close(ctx context.Context) error {
	g.meeting.mu.Lock()
	delete(g.meeting.nodes, g)
	g.meeting.mu.Unlock()
	return g.Embedded.Close(ctx)
}

func TestEmbeddedNodes(t *testing.T) {
	for name, secret := range map[string]string{"with a secret": testSecret, "without": ""} {
		t.Run(name, func(t *testing.T) {
			pubsubtest.Run(t, func(_ *testing.T, nodes int) []pubsub.Adapter {
				var m meeting
				adapters := make([]pubsub.Adapter, nodes)
				for i := range adapters {
					adapters[i] = m.node(EmbedOptions{Name: fmt.Sprint("node ", i), Secret: secret})
				}
				return adapters
			})
		})
	}
}

// statics are nodes that list the addresses of all, as people write it down.
func statics(t testing.TB, n int) []string {
	t.Helper()
	addresses := make([]string, n)
	for i := range addresses {
		addresses[i] = fmt.Sprintf("127.0.0.1:%d", freePort(t))
	}
	return addresses
}

func awaitMesh(t testing.TB, nodes ...*Embedded) {
	t.Helper()
	for i, a := range nodes {
		await(t, fmt.Sprintf("node %d is connected to all", i), func() bool {
			h := a.Health()
			return h.State == pubsub.StateUp && len(h.Peers) == len(nodes)-1
		})
	}
}

func TestNodesThatKnowOneFindAll(t *testing.T) {
	addresses := statics(t, 6)
	nodes := make([]*Embedded, len(addresses))
	for i, address := range addresses {
		nodes[i] = Embed(address, &EmbedOptions{Name: fmt.Sprint("node ", i), Peers: addresses[:1], Secret: testSecret})
		run(t, nodes[i], nil)
	}
	awaitMesh(t, nodes...)
	if got := strings.Join(nodes[5].Health().Peers, ","); got != "node 0,node 1,node 2,node 3,node 4" {
		t.Errorf("the last node is connected to %s", got)
	}
}

func TestANodeComesBackUnderItsName(t *testing.T) {
	addresses := statics(t, 3)
	nodes := make([]*Embedded, len(addresses))
	heard, recovered := make([]events, len(addresses)), make([]atomic.Int64, len(addresses))
	begin := func(i int) {
		nodes[i] = Embed(addresses[i], &EmbedOptions{Name: fmt.Sprint("node ", i), Peers: addresses, Secret: testSecret})
		start(t, nodes[i], hooks{heard[i].add, func() { recovered[i].Add(1) }})
		nodes[i].Interest("t:room", true)
	}
	for i := range nodes {
		begin(i)
	}
	awaitMesh(t, nodes...)

	stop(t, nodes[2])
	await(t, "the others miss it", func() bool {
		h := nodes[0].Health()
		return h.State == pubsub.StateDegraded && strings.Contains(h.Detail, addresses[2]) && len(h.Peers) == 1
	})
	if err := nodes[1].Settle(t.Context()); err != nil {
		t.Errorf("the others do not settle without it: %v", err)
	}
	begin(2)
	awaitMesh(t, nodes...)
	if err := nodes[2].Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := nodes[0].Publish(t.Context(), message1("welcome")); err != nil {
		t.Fatal(err)
	}
	await(t, "it hears the others", func() bool { return heard[2].has("welcome") && heard[1].has("welcome") })
	for i := range recovered {
		if n := recovered[i].Load(); n != 0 {
			t.Errorf("node %d was told %d times that messages may be lost, to or from a node that was just born", i, n)
		}
	}
}

// The connection between two nodes fails as cables do, and as processes do
// that are stopped.
func TestABrokenConnectionIsMadeAgain(t *testing.T) {
	for name, fail := range map[string]func(*wire){"it is cut": (*wire).cut, "nothing comes any more": (*wire).freeze} {
		t.Run(name, func(t *testing.T) {
			addresses := statics(t, 2)
			w := startWire(t, addresses[0])
			nodes := []*Embedded{
				Embed(addresses[0], &EmbedOptions{Name: "a", Advertise: w.address(), Secret: testSecret}),
				Embed(addresses[1], &EmbedOptions{Name: "b", Advertise: "127.0.0.1:1", Peers: []string{w.address()}, Secret: testSecret}),
			}
			heard, recovered := make([]events, 2), make([]atomic.Int64, 2)
			for i, a := range nodes {
				start(t, a, hooks{heard[i].add, func() { recovered[i].Add(1) }})
				a.Interest("t:room", true)
			}
			awaitMesh(t, nodes...)

			failed := time.Now()
			fail(w)
			await(t, "both notice", func() bool { return len(nodes[0].Health().Peers)+len(nodes[1].Health().Peers) == 0 })
			if took := time.Since(failed); took > 5*time.Second {
				t.Errorf("a broken connection was noticed after %v", took)
			}
			if h := nodes[1].Health(); h.State != pubsub.StateDegraded {
				t.Errorf("a node that misses another is %+v", h)
			}
			w.repair()
			repaired := time.Now()
			awaitMesh(t, nodes...)
			t.Logf("noticed after %v, connected again after %v", repaired.Sub(failed), time.Since(repaired))
			if took := time.Since(repaired); took > 5*time.Second {
				t.Errorf("the connection was made again after %v", took)
			}
			for i, a := range nodes {
				await(t, "the receiver was told", func() bool { return recovered[i].Load() == 1 && a.Health().Reconnects == 1 })
				if err := a.Settle(t.Context()); err != nil {
					t.Error(err)
				}
			}
			for i, a := range nodes {
				if err := a.Publish(t.Context(), message1("again")); err != nil {
					t.Error(err)
				}
				await(t, "the other node hears", func() bool { return heard[1-i].has("again") })
			}
		})
	}
}

func TestNodesOfAnotherSecretStayOut(t *testing.T) {
	addresses := statics(t, 3)
	var got events
	insider := Embed(addresses[0], &EmbedOptions{Peers: addresses[1:2], Secret: testSecret})
	run(t, insider, got.add)
	insider.Interest("t:room", true)
	for i, opts := range []EmbedOptions{
		{Peers: addresses[:1], Secret: strings.Repeat("another secret! ", 2)},
		{Peers: addresses[:1]},
	} {
		outsider := Embed(addresses[i+1], &opts)
		run(t, outsider, nil)
		await(t, "the outsider says that it is not let in", func() bool {
			h := outsider.Health()
			return h.State == pubsub.StateDegraded && strings.Contains(h.Detail, addresses[0]+" (")
		})
		t.Log(outsider.Health().Detail)
		if err := outsider.Publish(t.Context(), message1("let me in")); err != nil {
			t.Fatal(err)
		}
	}
	h := insider.Health()
	if len(h.Peers) != 0 || !strings.Contains(h.Detail, "secret") {
		t.Errorf("the insider: %+v", h)
	}
	if strings.Contains(h.Detail, testSecret) {
		t.Error("health tells the secret")
	}
	if got.has("let me in") {
		t.Error("an outsider was heard")
	}
}

func TestEmbeddedMisconfigurationIsAnErrorOfStart(t *testing.T) {
	for name, test := range map[string]struct {
		listen string
		opts   EmbedOptions
		want   string
	}{
		"no secret for all addresses": {"0.0.0.0:0", EmbedOptions{}, "Secret must be set"},
		"no secret for a host's name": {"host.example:0", EmbedOptions{}, "Secret must be set"},
		"no secret, no host":          {":0", EmbedOptions{}, "Secret must be set"},
		"a short secret":              {"0.0.0.0:0", EmbedOptions{Secret: "hunter2"}, "needs 16 or more"},
		"no port":                     {"127.0.0.1", EmbedOptions{}, "host:port"},
		"a peer without a port":       {"127.0.0.1:0", EmbedOptions{Peers: []string{"a"}}, `"a" of EmbedOptions.Peers`},
		"a namespace of a space":      {"127.0.0.1:0", EmbedOptions{Namespace: "a b"}, "namespace"},
		"a strange advertisement":     {"127.0.0.1:0", EmbedOptions{Advertise: "here"}, "Advertise"},
	} {
		a := Embed(test.listen, &test.opts)
		err := a.Start(hooks{})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
		if test.opts.Secret != "" && strings.Contains(fmt.Sprint(err), test.opts.Secret) {
			t.Errorf("%s: the error tells the secret: %v", name, err)
		}
		stop(t, a)
	}
}

func TestATakenAddressIsAnErrorOfStart(t *testing.T) {
	address := statics(t, 1)[0]
	run(t, Embed(address, nil), nil)
	second := Embed(address, nil)
	if err := second.Start(hooks{}); err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("Start on a taken address: %v", err)
	}
	stop(t, second)
}

func TestNobodyButNodesCanConnect(t *testing.T) {
	a := Embed("127.0.0.1:0", nil)
	run(t, a, nil)
	if addr := a.mesh.Load().server.Addr(); addr != nil {
		t.Errorf("the embedded server listens for clients on %v", addr)
	}
}

// What nobody on another node wants is not sent there.
func TestOnlyWhatIsWantedTravels(t *testing.T) {
	addresses := statics(t, 3)
	nodes := make([]*Embedded, len(addresses))
	var got events
	for i, address := range addresses {
		nodes[i] = Embed(address, &EmbedOptions{Peers: addresses, Secret: testSecret})
		run(t, nodes[i], got.add)
	}
	awaitMesh(t, nodes...)
	nodes[1].Interest("t:room", true)
	if err := nodes[1].Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	const n, size = 500, 1000
	bytes, before := sent(t, nodes[0]), int64(0)
	for _, b := range bytes {
		before += b
	}
	payload := make([]byte, size)
	for range n {
		if err := nodes[0].Publish(t.Context(), &pubsub.Envelope{Subject: "t:local", Kind: pubsub.KindMessage, Topic: "local", Payload: payload}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range n {
		if err := nodes[0].Publish(t.Context(), &pubsub.Envelope{Subject: "t:room", Kind: pubsub.KindMessage, Topic: "room", Event: fmt.Sprint(i), Payload: payload}); err != nil {
			t.Fatal(err)
		}
	}
	await(t, "all arrives", func() bool { return got.has(fmt.Sprint(n - 1)) })
	after := int64(0)
	for _, b := range sent(t, nodes[0]) {
		after += b
	}
	if moved := after - before; moved < n*size || moved > n*size*3/2 {
		t.Errorf("%d messages of %d bytes that one of two nodes wants, and as many that none does, move %d bytes", n, size, moved)
	}
}

// sent is the bytes that a node has sent to each other one.
func sent(t *testing.T, a *Embedded) map[string]int64 {
	t.Helper()
	routes, err := a.mesh.Load().server.Routez(nil)
	if err != nil {
		t.Fatal(err)
	}
	bytes := make(map[string]int64)
	for _, r := range routes.Routes {
		bytes[r.RemoteID] = r.OutBytes
	}
	return bytes
}
