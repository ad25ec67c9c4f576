package nats

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/roost-dev/roost/pubsub"
	"github.com/roost-dev/roost/pubsub/pubsubtest"
)

const testSecret = "0123456789abcdef0123456789abcdef"

// meeting lets nodes on free ports find each other.
type meeting struct {
	mu        sync.Mutex // guards addresses
	addresses []string
}

func (m *meeting) add(address string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.addresses = append(m.addresses, address)
}

func embed(t testing.TB, opts EmbedOptions) *Embedded {
	t.Helper()
	return Embed("127.0.0.1:0", &opts)
}

// addresses returns free addresses of this machine.
func freeAddresses(t testing.TB, n int) []string {
	t.Helper()
	addresses := make([]string, n)
	for i := range addresses {
		addresses[i] = "127.0.0.1:" + itoa(freePort(t))
	}
	return addresses
}

func TestEmbeddedNodes(t *testing.T) {
	for _, test := range []struct{ name, secret string }{{"with TLS", testSecret}, {"without", ""}} {
		t.Run(test.name, func(t *testing.T) {
			pubsubtest.Run(t, func(t *testing.T, nodes int) []pubsub.Adapter {
				addresses := freeAddresses(t, nodes)
				adapters := make([]pubsub.Adapter, nodes)
				for i, address := range addresses {
					adapters[i] = Embed(address, &EmbedOptions{Name: "node" + itoa(i), Peers: addresses, Secret: test.secret})
				}
				return adapters
			})
		})
	}
}

type sink struct{}

func (sink) Receive(*pubsub.Envelope) {}
func (sink) Recovered()               {}

func TestMeshForms(t *testing.T) {
	const nodes = 8
	addresses := freeAddresses(t, nodes)
	adapters := make([]*Embedded, nodes)
	start := time.Now()
	for i, address := range addresses {
		adapters[i] = Embed(address, &EmbedOptions{Name: "node" + itoa(i), Peers: addresses[:1], Secret: testSecret})
		if err := adapters[i].Start(sink{}); err != nil {
			t.Fatal(err)
		}
	}
	for _, a := range adapters {
		for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
			h := a.Health()
			if h.State == pubsub.StateUp && len(h.Peers) == nodes-1 {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%+v", h)
			}
		}
	}
	t.Log("formed in", time.Since(start))
	for _, a := range adapters {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		s := time.Now()
		err := a.Settle(ctx)
		t.Log(time.Since(s), err, strings.Join(a.Health().Peers, " "))
		cancel()
	}
	for _, a := range adapters {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		s := time.Now()
		if err := a.Close(ctx); err != nil {
			t.Error(err)
		}
		t.Log("closed in", time.Since(s))
		cancel()
	}
}
