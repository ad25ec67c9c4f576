package nats

import (
	"cmp"
	"context"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/roost-dev/roost/pubsub"
)

// mesh sees to it that the server is connected to all nodes it should be. The
// server itself would try an address that it was given until the end of time,
// and one that it was told by another server only once. So it is given the
// address of a node when there is one, and loses it when there is none.
type mesh struct {
	link      *link
	server    *server.Server
	options   server.Options // with the routes of the moment; run's
	id        string         // of the server
	address   string         // where others reach it; the host may be missing
	peers     []peer
	findPeers func(ctx context.Context) ([]string, error)
	period    time.Duration // of looking for peers
	resolver  *net.Resolver

	found  chan found
	probed chan probed
	hellos chan hello
	tasks  sync.WaitGroup

	began time.Time

	// What run knows; of its goroutine alone.
	sought   *found             // nil: nothing yet
	nodes    map[string]*node   // by the id of its server; those connected, and those that were
	targets  map[string]*target // by address
	probing  int
	helloDue time.Time

	mu         sync.Mutex // guards what follows
	names      []string   // of connected nodes
	missing    []string
	formed     bool // it was complete once, or was not for formTime
	reconnects uint64
	asking     map[uint64]*ask
	lastAsk    uint64
	nextAsk    time.Time // when all may be asked again
}

// node is another run of a node, as far as it was ever connected.
type node struct {
	name      string
	ip        string // of the other end of the connection
	route     uint64 // the server's number of the connection
	connected bool
	lost      time.Time // when it was connected last
	hello     hello     // the last one
	heard     time.Time // zero: it has said none
}

// target is an address where a node is, or should be.
type target struct {
	id       string // of the server there, when it was asked last
	err      error  // of asking
	asking   bool
	attempts int       // since it was connected
	yielded  bool      // the node there could have connected, and has not
	next     time.Time // when to ask
	routed   bool      // the server is to connect to it
}

// Times of the mesh.
const (
	meshPeriod  = 100 * time.Millisecond // how often it looks at the server's connections
	helloPeriod = 5 * time.Second
	maxProbing  = 500 * time.Millisecond // between two questions to an address
	ownTurn     = 600 * time.Millisecond // how long a node waits for the other to connect; more than maxProbing
	newsDelay   = 200 * time.Millisecond // what happens within is told at once
	rumorDelay  = time.Second            // what others have said of a lost node may be old
	memory      = time.Hour              // how long a lost node is known again
	formTime    = 3 * time.Second        // how long a node may take to connect at its start before it is degraded
)

// maxProbes is the number of addresses asked at a time.
const maxProbes = 16

func newMesh(a *Embedded, s *server.Server, opts *server.Options, peers []peer) *mesh {
	address := a.opts.Advertise
	if address == "" {
		address = reachable(s.ClusterAddr())
	}
	return &mesh{
		link:      a.link,
		server:    s,
		options:   *opts,
		id:        s.ID(),
		address:   address,
		peers:     peers,
		findPeers: a.opts.FindPeers,
		period:    cmp.Or(a.lookup, lookupPeriod),
		resolver:  cmp.Or(a.resolver, net.DefaultResolver),
		found:     make(chan found),
		probed:    make(chan probed, maxProbes),
		hellos:    make(chan hello),
		began:     time.Now(),
		nodes:     make(map[string]*node),
		targets:   make(map[string]*target),
		asking:    make(map[uint64]*ask),
	}
}

// run is the goroutine of the mesh.
func (m *mesh) run() {
	defer m.tasks.Wait()
	m.tasks.Go(m.search)
	ticker := time.NewTicker(meshPeriod)
	defer ticker.Stop()
	for {
		var h *hello
		select {
		case <-m.link.ctx.Done():
			return
		case f := <-m.found:
			m.sought = &f
		case p := <-m.probed:
			m.learn(p)
		case heard := <-m.hellos:
			h = &heard
		case <-ticker.C:
		}
		now := time.Now()
		m.look(now)
		if h != nil {
			m.hear(*h, now)
		}
		wanted := m.wanted()
		m.pursue(wanted, now)
		m.reroute()
		m.show(wanted)
		m.greet(now)
	}
}

// look compares the server's connections with those it had before.
func (m *mesh) look(now time.Time) {
	routes, err := m.server.Routez(nil)
	if err != nil {
		m.link.report("nats: the embedded server does not tell its connections", "error", err)
		return
	}
	there := make(map[string]bool, len(routes.Routes))
	for _, r := range routes.Routes {
		there[r.RemoteID] = true
		n := m.nodes[r.RemoteID]
		if n != nil && n.connected && n.route == r.Rid {
			continue
		}
		if n == nil {
			n = new(node)
			m.nodes[r.RemoteID] = n
		} else {
			m.recovered(n)
		}
		n.name, n.ip, n.route, n.connected = nameOf(r.RemoteName), r.IP, r.Rid, true
		m.link.logger.Info("nats: node connected", "node", n.name)
		m.greetBy(now)
	}
	for id, n := range m.nodes {
		switch {
		case n.connected && !there[id]:
			m.lose(id, n, now)
		case !n.connected && now.Sub(n.lost) > memory:
			delete(m.nodes, id)
		}
	}
}

// recovered is for a node that was connected before.
func (m *mesh) recovered(n *node) {
	n.heard = time.Time{}
	m.mu.Lock()
	m.reconnects++
	m.mu.Unlock()
	m.link.recover()
}

func (m *mesh) lose(id string, n *node, now time.Time) {
	n.connected, n.lost, n.heard = false, now, time.Time{}
	m.link.logger.Warn("nats: node not connected any more", "node", n.name)
	m.greetBy(now.Add(newsDelay))
	for _, t := range m.targets {
		if t.id == id {
			t.routed, t.yielded, t.attempts, t.next = false, false, 0, now
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, a := range m.asking {
		a.answered(id)
	}
}

func (m *mesh) isConnected(id string) bool {
	n := m.nodes[id]
	return n != nil && n.connected
}

// wanted returns the addresses where nodes should be: those that were looked
// for, and those that connected nodes are connected to. The value tells
// whether one is missed if it is not connected.
func (m *mesh) wanted() map[string]bool {
	wanted := make(map[string]bool)
	for _, n := range m.nodes {
		if !n.connected {
			continue
		}
		for id, address := range n.hello.Peers {
			if id == m.id || m.isConnected(id) {
				continue
			}
			other := m.nodes[id]
			wanted[address] = wanted[address] || other == nil || n.heard.Sub(other.lost) > rumorDelay
		}
	}
	if m.sought != nil {
		for address := range m.sought.addresses {
			wanted[address] = true
		}
	}
	return wanted
}

// pursue asks who is where nobody is connected.
func (m *mesh) pursue(wanted map[string]bool, now time.Time) {
	for address := range wanted {
		t := m.targets[address]
		if t == nil {
			t = new(target)
			m.targets[address] = t
		}
		if t.asking || t.id == m.id || m.isConnected(t.id) || now.Before(t.next) || m.probing == maxProbes {
			continue
		}
		t.asking, t.routed = true, false
		m.probing++
		m.tasks.Go(func() {
			id, err := probe(m.link.ctx, address, m.options.Cluster.TLSConfig, m.options.Cluster.Name)
			m.probed <- probed{address, id, err} // has room for all
		})
	}
	for address, t := range m.targets {
		if _, ok := wanted[address]; !ok && !t.asking && !m.isConnected(t.id) {
			delete(m.targets, address)
		}
	}
}

// learn takes the outcome of asking. Of two nodes that know each other the one
// with the smaller id connects; see noAddress. The other one waits for longer
// than the first may need to ask, and then takes it that it is not known.
func (m *mesh) learn(p probed) {
	m.probing--
	t := m.targets[p.address]
	t.asking, t.id, t.err = false, p.id, p.err
	if p.id == m.id || m.isConnected(p.id) {
		t.attempts, t.yielded = 0, false
		return
	}
	t.attempts++
	t.next = time.Now().Add(backoff(t.attempts, maxProbing))
	if p.err != nil {
		t.yielded = false
		if m.sought != nil && m.sought.addresses[p.address] {
			m.link.limited("nats: a node is not there", "address", p.address, p.err)
		}
		return
	}
	if m.id > p.id && !t.yielded {
		t.yielded, t.next = true, time.Now().Add(ownTurn)
		return
	}
	t.routed, t.next = true, time.Now().Add(maxBackoff)
}

// reroute tells the server the addresses to connect to.
func (m *mesh) reroute() {
	var addresses []string
	for address, t := range m.targets {
		if t.routed {
			addresses = append(addresses, address)
		}
	}
	slices.Sort(addresses)
	routes := make([]*url.URL, len(addresses))
	for i, address := range addresses {
		routes[i] = routeURL(&m.options, address)
	}
	if slices.EqualFunc(routes, m.options.Routes, func(a, b *url.URL) bool { return a.Host == b.Host }) {
		return
	}
	m.options.Routes = routes
	opts := m.options // the server keeps what it is given
	if err := m.server.ReloadOptions(&opts); err != nil {
		m.link.report("nats: the embedded server does not take new nodes", "error", err)
	}
}

// show publishes what health tells.
func (m *mesh) show(wanted map[string]bool) {
	var names, missing []string
	for _, n := range m.nodes {
		if n.connected {
			names = append(names, n.name)
		}
	}
	slices.Sort(names)
	for address, missed := range wanted {
		t := m.targets[address]
		if !missed || t.id == m.id || m.isConnected(t.id) {
			continue
		}
		if t.err != nil {
			address += " (" + t.err.Error() + ")"
		}
		missing = append(missing, address)
	}
	if m.sought != nil {
		missing = append(missing, m.sought.problems...)
	} else {
		missing = append(missing, "peers, which are still being looked up")
	}
	slices.Sort(missing)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.names, m.missing = names, missing
	m.formed = m.formed || len(missing) == 0 || time.Since(m.began) > formTime
}

// view is what health tells of the mesh.
func (m *mesh) view() (state pubsub.State, detail string, names []string, reconnects uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case len(m.missing) == 0 && m.formed:
		state = pubsub.StateUp
	case m.formed:
		state = pubsub.StateDegraded
	default:
		state = pubsub.StateConnecting
	}
	if len(m.missing) > 0 {
		detail = "not connected to " + strings.Join(m.missing, "; ")
	}
	return state, detail, slices.Clone(m.names), m.reconnects
}
