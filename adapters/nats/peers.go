package nats

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
)

// lookupPeriod is how often names are looked up and FindPeers is asked, and
// how long that may take.
const lookupPeriod = 5 * time.Second

// peer is one entry of EmbedOptions.Peers.
type peer struct {
	host, port string
	all        bool // a node at each address of the name
}

func parsePeers(entries []string) ([]peer, error) {
	peers := make([]peer, 0, len(entries))
	for _, entry := range entries {
		address, all := strings.CutPrefix(entry, "dns:")
		host, port, err := hostPort(address)
		if err == nil && (host == "" || port == 0) {
			err = errors.New("it needs a host and a port")
		}
		if err != nil {
			return nil, fmt.Errorf("nats: %q of EmbedOptions.Peers: %w", entry, err)
		}
		peers = append(peers, peer{host, strconv.Itoa(port), all})
	}
	return peers, nil
}

// found is what looking for peers gave.
type found struct {
	addresses map[string]bool
	problems  []string // what could not be looked up
}

// search looks for peers again and again, and hands what it finds to the mesh.
// What a source that fails now said last is kept.
func (m *mesh) search() {
	last := make(map[string][]string) // by source
	ticker := time.NewTicker(m.period)
	defer ticker.Stop()
	for {
		f := m.searchOnce(last)
		select {
		case m.found <- f:
		case <-m.link.ctx.Done():
			return
		}
		if !m.searches() {
			return // addresses do not change
		}
		select {
		case <-ticker.C:
		case <-m.link.ctx.Done():
			return
		}
	}
}

// searches reports whether there is anything to look up.
func (m *mesh) searches() bool {
	for _, p := range m.peers {
		if p.all {
			return true
		}
	}
	return m.findPeers != nil
}

func (m *mesh) searchOnce(last map[string][]string) found {
	ctx, cancel := context.WithTimeout(m.link.ctx, lookupPeriod)
	defer cancel()
	f := found{addresses: make(map[string]bool)}
	take := func(source string, addresses []string, err error) {
		if err != nil {
			f.problems = append(f.problems, fmt.Sprintf("%s: %v", source, err))
			m.link.report("nats: peers cannot be found", "source", source, "error", err)
			addresses = last[source]
		}
		last[source] = addresses
		for _, a := range addresses {
			f.addresses[a] = true
		}
	}
	for _, p := range m.peers {
		address := net.JoinHostPort(p.host, p.port)
		if !p.all {
			take(address, []string{address}, nil)
			continue
		}
		addresses, err := m.lookup(ctx, p)
		take("dns:"+address, addresses, err)
	}
	if m.findPeers != nil {
		addresses, err := m.findPeers(ctx)
		for _, a := range addresses {
			if _, port, invalid := hostPort(a); invalid != nil || port == 0 {
				err = fmt.Errorf("%q is not host:port", a)
			}
		}
		take("FindPeers", addresses, err)
	}
	return f
}

// lookup returns all addresses of a name. It may have none.
func (m *mesh) lookup(ctx context.Context, p peer) ([]string, error) {
	hosts, err := m.resolver.LookupHost(ctx, p.host)
	if dns := new(net.DNSError); errors.As(err, &dns) && dns.IsNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	addresses := make(map[string]bool, len(hosts))
	for _, host := range hosts {
		addresses[net.JoinHostPort(host, p.port)] = true
	}
	return slices.Collect(maps.Keys(addresses)), nil
}
