package nats

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/roost-dev/roost/pubsub"
)

// EmbedOptions configures [Embed]. The zero value is a node on its own.
type EmbedOptions struct {
	// Name is what this node is called in the health of others. Default: the
	// host's name.
	Name string

	// Namespace tells clusters apart: nodes of another one are not let in.
	// Default "roost".
	Namespace string

	// Peers are nodes to connect to: all, or some, which then tell of the
	// rest. This node itself may be among them. Each is one of
	//
	//	host:port       one node, missed in health while it is not there
	//	dns:host:port   a node at each address of the name, as a headless
	//	                service of Kubernetes has it; none is fine too
	//
	// Names are looked up again every 5 s.
	Peers []string

	// FindPeers is asked every 5 s for further nodes, host:port. Those that
	// it returns are missed in health while they are not there. It is called
	// by one goroutine at a time; its ctx ends after 5 s.
	FindPeers func(ctx context.Context) ([]string, error)

	// Advertise is where other nodes reach this one, host:port, if that is
	// not where it listens: behind a port mapping.
	Advertise string

	// Secret is what all nodes share, 16 bytes or more that were made at
	// random. On a loopback address it may be shorter, or left out. Nodes let each
	// other in by it, and derive from it the certificates with which all
	// connections between them are encrypted and both ends are known to have
	// the secret. To change it, restart all nodes: those with the old one and
	// those with the new one are two clusters meanwhile.
	Secret string

	// TLS replaces the certificates that come from Secret by those of an
	// authority of your own. It serves both ends of a connection, and must
	// verify both.
	TLS *tls.Config

	// Dir is where this node keeps its part of the history of topics, for
	// itself alone. Only for that it is needed, as are a Name, and Nodes: the
	// history is on three nodes, or all there are. A majority of Nodes must be
	// there for it to be read and appended to; after a crash of one that may
	// take up to 10 s.
	Dir string

	// Nodes is how many nodes the cluster has, 3 or more, when it keeps
	// history and is started for the first time.
	Nodes int

	// Logger is told of nodes that come and go, and of messages lost.
	// nil: slog.Default().
	Logger *slog.Logger
}

// noPort is where the server listens for clients: nowhere, since no such port
// can be opened. With DontListen instead, it would not start its routes (as of
// 2.15), which wait for that listener to be opened, or to have failed.
const noPort = -2

// noAddress is what servers tell each other of this one, so that none tries to
// connect to it by itself. Two nodes that connect to each other at one time
// lose both connections, and what was sent over them; so there must be one
// place that says who connects to whom, and that is the mesh.
const noAddress = "255.255.255.255:1"

// Bounds of an embedded server.
const (
	maxPayload    = 64 << 20  // of a message, in bytes
	maxPending    = 256 << 20 // bytes that wait for this node's own client, before it is cut off
	pipeDeadline  = time.Minute
	routePing     = 800 * time.Millisecond
	routeDeadline = 4 * time.Second // a node that takes nothing for so long is gone
)

// Embedded connects a node with others by a NATS server inside each. Make one
// with [Embed].
type Embedded struct {
	listen  string
	opts    EmbedOptions
	link    *link
	invalid error
	named   bool // by the options
	// Other than lookupPeriod and the system's, in tests.
	lookup   time.Duration
	resolver *net.Resolver

	mesh atomic.Pointer[mesh] // set by Start
}

var _ pubsub.LogAdapter = (*Embedded)(nil)

// Embed returns an adapter with a NATS server of its own, which listens for
// other nodes, and for nobody else, on the given address, host:port. Start
// tells what is wrong with it.
func Embed(listen string, opts *EmbedOptions) *Embedded {
	if opts == nil {
		opts = &EmbedOptions{}
	}
	a := &Embedded{listen: listen, opts: *opts}
	a.opts.Logger = cmp.Or(a.opts.Logger, slog.Default())
	a.opts.Namespace = cmp.Or(a.opts.Namespace, "roost")
	a.named = a.opts.Name != ""
	if a.opts.Name == "" {
		if a.opts.Name, _ = os.Hostname(); a.opts.Name == "" {
			a.opts.Name = listen
		}
	}
	a.link, a.invalid = newLink(a.opts.Namespace, defaultBuffer, defaultPatience, a.opts.Logger)
	return a
}

// Start listens, and begins to connect to other nodes. It fails if the options
// are wrong or the address is taken, and if it was called before.
func (a *Embedded) Start(r pubsub.Receiver) error {
	if a.invalid != nil {
		return a.invalid
	}
	peers, err := parsePeers(a.opts.Peers)
	if err != nil {
		return err
	}
	opts, err := a.serverOptions()
	if err != nil {
		return err
	}
	if err := a.link.begin(r); err != nil {
		return err
	}
	s, err := a.startServer(opts)
	if err != nil {
		a.link.end()
		return err
	}
	m := newMesh(a, s, opts, peers)
	a.mesh.Store(m)
	a.link.ready, a.link.beyond = m.talk, m.settle
	client := nats.GetDefaultOptions()
	client.InProcessServer = s
	client.Name = a.opts.Name
	a.link.start(client)
	a.link.tasks.Go(m.run)
	return nil
}

func (a *Embedded) serverOptions() (*server.Options, error) {
	host, port, err := hostPort(a.listen)
	if err != nil {
		return nil, fmt.Errorf("nats: cannot listen on %q: %w", a.listen, err)
	}
	if port == 0 {
		port = server.RANDOM_PORT
	}
	if a.opts.Advertise != "" {
		if _, p, err := hostPort(a.opts.Advertise); err != nil || p == 0 {
			return nil, fmt.Errorf("nats: EmbedOptions.Advertise %q must be host:port", a.opts.Advertise)
		}
	}
	config, err := a.opts.nodeTLS(a.listen, a.opts.Namespace)
	if err != nil {
		return nil, err
	}
	opts := &server.Options{
		ServerName:      serverName(a.opts.Name),
		Port:            noPort,
		NoSigs:          true,
		NoSystemAccount: true,
		MaxPayload:      maxPayload,
		MaxPending:      maxPending,
		WriteDeadline:   pipeDeadline,
		PingInterval:    pipeDeadline,
		Cluster: server.ClusterOpts{
			Name:          a.opts.Namespace,
			Host:          cmp.Or(host, "0.0.0.0"),
			Port:          port,
			Advertise:     noAddress,
			NoAdvertise:   true, // there are no clients to tell
			PoolSize:      -1,   // one connection keeps what Settle asks behind what it asks about
			Compression:   server.CompressionOpts{Mode: server.CompressionOff},
			PingInterval:  routePing,
			MaxPingsOut:   pingsMissed,
			WriteDeadline: routeDeadline,
			TLSConfig:     config,
		},
	}
	if a.link.log != nil {
		a.keepHistory(opts)
	}
	if a.opts.Secret != "" {
		opts.Cluster.Username = "roost"
		opts.Cluster.Password = routePassword(a.opts.Secret, a.opts.Namespace)
	}
	return opts, nil
}

// serverName has the node's name for people, and what tells this run of it
// from others: servers refuse each other for having one name.
func serverName(name string) string {
	return stableName(name) + rand.Text()
}

// stableName is what tells a node that keeps history from others, run after
// run.
func stableName(name string) string {
	return url.PathEscape(name) + "~" // it may have no spaces
}

// nameOf is the name for people in a server's name.
func nameOf(serverName string) string {
	escaped := serverName[:max(0, strings.LastIndexByte(serverName, '~'))]
	if name, err := url.PathUnescape(escaped); err == nil {
		return name
	}
	return escaped
}

func (a *Embedded) startServer(opts *server.Options) (*server.Server, error) {
	s, err := server.NewServer(opts)
	if err != nil {
		return nil, fmt.Errorf("nats: the embedded server does not start: %w", err)
	}
	log := &serverLog{logger: a.opts.Logger}
	s.SetLogger(log, false, false)
	s.Start()
	const patience = 10 * time.Second
	for deadline := time.Now().Add(patience); s.ClusterAddr() == nil; {
		if f := log.failure(); f != "" || time.Now().After(deadline) {
			s.Shutdown()
			s.WaitForShutdown()
			return nil, fmt.Errorf("nats: the embedded server does not start: %s", cmp.Or(f, "no sign of life"))
		}
		time.Sleep(time.Millisecond)
	}
	return s, nil
}

// hostPort splits an address with a port in digits.
func hostPort(address string) (host string, port int, err error) {
	host, digits, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, errors.New("it must be host:port")
	}
	port, err = strconv.Atoi(digits)
	if err != nil || port < 0 || port > 65535 {
		return "", 0, errors.New("its port must be a number up to 65535")
	}
	return host, port, nil
}

// routeURL is what the server calls the way to an address.
func routeURL(opts *server.Options, address string) *url.URL {
	u := &url.URL{Scheme: "nats-route", Host: address}
	if opts.Cluster.Username != "" {
		u.User = url.UserPassword(opts.Cluster.Username, opts.Cluster.Password)
	}
	return u
}

// Addr is where this node listens for others, with the port that it got if
// none was asked for. nil before Start.
func (a *Embedded) Addr() net.Addr {
	if m := a.mesh.Load(); m != nil {
		return m.server.ClusterAddr()
	}
	return nil
}

// Interest implements [pubsub.Adapter].
func (a *Embedded) Interest(subject string, wanted bool) {
	a.link.want(subject, wanted)
}

// Settle implements [pubsub.Adapter]. It waits for all nodes that this one is
// connected to.
func (a *Embedded) Settle(ctx context.Context) error {
	if a.invalid != nil {
		return a.invalid
	}
	return a.link.settle(ctx)
}

// Publish implements [pubsub.Adapter]. Nothing is kept for nodes that are not
// connected: they are told to the receiver as Recovered when they are back.
func (a *Embedded) Publish(ctx context.Context, e *pubsub.Envelope) error {
	if a.invalid != nil {
		return a.invalid
	}
	return a.link.publish(ctx, e)
}

// Health implements [pubsub.Adapter].
func (a *Embedded) Health() pubsub.Health {
	const engine = "nats embedded"
	if a.invalid != nil {
		return pubsub.Health{Engine: engine, Detail: a.invalid.Error()}
	}
	h := a.link.health()
	h.Engine = engine
	m := a.mesh.Load()
	if m == nil || h.State == pubsub.StateClosed {
		return h
	}
	state, detail, names, reconnects := m.view()
	h.Peers = names
	h.Reconnects += reconnects
	if h.State == pubsub.StateUp {
		h.State, h.Detail = state, detail
	}
	return h
}

// Close implements [pubsub.Adapter].
func (a *Embedded) Close(ctx context.Context) error {
	if a.link == nil {
		return nil
	}
	if a.link.end() {
		a.link.drain(ctx)
	}
	err := a.link.close(ctx)
	if m := a.mesh.Load(); m != nil {
		m.server.Shutdown()
		m.server.WaitForShutdown()
	}
	return err
}
