package nats

import (
	"context"
	"encoding/binary"
	"net"
	"slices"
	"sync"
	"testing"

	"github.com/roost-dev/roost/pubsub"
)

// nameServer answers for all names with the addresses that it has.
type nameServer struct {
	conn net.PacketConn

	mu        sync.Mutex // guards addresses
	addresses []net.IP   // none: there is no such name
}

func startNameServer(t testing.TB) *nameServer {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &nameServer{conn: conn}
	var serving sync.WaitGroup
	serving.Go(s.serve)
	t.Cleanup(func() {
		_ = conn.Close()
		serving.Wait()
	})
	return s
}

func (s *nameServer) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return net.Dial("udp", s.conn.LocalAddr().String())
	}}
}

func (s *nameServer) set(addresses ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.addresses = nil
	for _, a := range addresses {
		s.addresses = append(s.addresses, net.ParseIP(a).To4())
	}
}

func (s *nameServer) serve() {
	buf := make([]byte, 512)
	for {
		n, from, err := s.conn.ReadFrom(buf)
		if err != nil {
			return
		}
		if answer := s.answer(buf[:n]); answer != nil {
			_, _ = s.conn.WriteTo(answer, from)
		}
	}
}

// answer is RFC 1035 for one question. AAAA has no addresses.
func (s *nameServer) answer(query []byte) []byte {
	const header, typeA = 12, 1
	end := header
	for end < len(query) && query[end] != 0 {
		end += int(query[end]) + 1
	}
	if end+5 > len(query) {
		return nil
	}
	kind := binary.BigEndian.Uint16(query[end+1:])
	s.mu.Lock()
	addresses := slices.Clone(s.addresses)
	s.mu.Unlock()
	b := slices.Clone(query[:end+5])
	binary.BigEndian.PutUint16(b[2:], 0x8180)
	if len(addresses) == 0 {
		binary.BigEndian.PutUint16(b[2:], 0x8183) // no such name
	}
	if kind != typeA {
		addresses = nil
	}
	binary.BigEndian.PutUint16(b[6:], uint16(len(addresses)))
	clear(b[8:header])
	for _, a := range addresses {
		b = append(b, 0xc0, header, 0, typeA, 0, 1, 0, 0, 0, 0, 0, 4)
		b = append(b, a...)
	}
	return b
}

// A name whose addresses come and go, as those of a headless service do.
func TestNodesFindEachOtherByName(t *testing.T) {
	names := startNameServer(t)
	port := itoa(freePort(t))
	hosts := []string{"127.0.0.11", "127.0.0.12", "127.0.0.13"}
	nodes := make([]*Embedded, len(hosts))
	for i, host := range hosts {
		nodes[i] = Embed(net.JoinHostPort(host, port), &EmbedOptions{Peers: []string{"dns:nodes.roost.example:" + port}, Secret: testSecret})
		nodes[i].lookup, nodes[i].resolver = lookupQuickly, names.resolver()
	}
	run(t, nodes[0], nil)
	await(t, "a node without others is up", func() bool { return nodes[0].Health().State == pubsub.StateUp })

	names.set(hosts[:2]...)
	await(t, "a node that should be there is missed", func() bool { return nodes[0].Health().State == pubsub.StateDegraded })
	run(t, nodes[1], nil)
	awaitMesh(t, nodes[:2]...)
	run(t, nodes[2], nil)
	names.set(hosts...)
	awaitMesh(t, nodes...)

	names.set(hosts[1:]...)
	stop(t, nodes[0])
	awaitMesh(t, nodes[1:]...)
	names.set() // as when none is ready yet; those connected stay
	await(t, "nothing is missed", func() bool { h := nodes[1].Health(); return h.State == pubsub.StateUp && len(h.Peers) == 1 })
}
