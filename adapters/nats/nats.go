package nats

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/roost-dev/roost/history"
	"github.com/roost-dev/roost/pubsub"
)

// Options configures [New]. The zero value has all defaults.
type Options struct {
	// Namespace begins all subjects, so that several applications can share
	// one NATS: words of letters, digits, - and _, with dots between them. An
	// account with rights for "roost.>" is enough. All nodes of an
	// application must have the same. Default "roost".
	Namespace string

	// Name is what NATS calls this node's connection, for its operators.
	// Default: the host's name.
	Name string

	// Token is a secret that the server asks for. A user and password go into
	// the URL.
	Token string

	// CredentialsFile names a file with a user's JWT and key, as nsc makes it.
	CredentialsFile string

	// NKeyFile names a file with the seed of a user's NKey.
	NKeyFile string

	// TLS is used if the server wants it, and made a condition for connecting.
	// nil: what the system trusts, if the server wants TLS or the URL begins
	// with tls://.
	TLS *tls.Config

	// Buffer bounds what waits for NATS while it is away or busy, in bytes.
	// Default 8 MiB.
	Buffer int

	// Patience is how long messages wait for NATS while it is away. After
	// that those that wait are dropped, and Publish fails at once until it is
	// back. Default 5 s.
	Patience time.Duration

	// Replicas is how many servers keep each event of a topic with history.
	// With one, the default, such topics are away while that server is; where
	// NATS is a cluster of three or more, 3 is right.
	Replicas int

	// Logger is told of lost and regained connections, and of messages lost.
	// nil: slog.Default().
	Logger *slog.Logger
}

const (
	defaultBuffer   = 8 << 20
	defaultPatience = 5 * time.Second
)

// Adapter connects a node with others over a NATS that exists. Make one with
// [New].
type Adapter struct {
	servers string
	opts    Options
	link    *link
	invalid error
}

var _ pubsub.LogAdapter = (*Adapter)(nil)

// New returns an adapter for the NATS at the given URLs: one or several of one
// cluster, with commas between them, like "nats://user:password@host:4222".
// Start tells what is wrong with them.
func New(servers string, opts *Options) *Adapter {
	if opts == nil {
		opts = &Options{}
	}
	a := &Adapter{servers: servers, opts: *opts}
	a.opts.Logger = cmp.Or(a.opts.Logger, slog.Default())
	a.link, a.invalid = newLink(opts.Namespace, cmp.Or(opts.Buffer, defaultBuffer), cmp.Or(opts.Patience, defaultPatience), a.opts.Logger)
	return a
}

// OpenLog implements [pubsub.LogAdapter]: NATS must have JetStream enabled.
// Each rule has a stream, which is made, and later changed if the rule is.
func (a *Adapter) OpenLog(rules *history.Rules) (pubsub.EngineLog, error) {
	if a.invalid != nil {
		return nil, a.invalid
	}
	if a.opts.Replicas < 0 || a.opts.Replicas > maxReplicas {
		return nil, fmt.Errorf("nats: Options.Replicas is %d: it must be from 1 to %d, or 0 for 1", a.opts.Replicas, maxReplicas)
	}
	return a.link.openLog(rules, max(1, a.opts.Replicas), a.link.out.patience)
}

// maxReplicas is what NATS allows.
const maxReplicas = 5

// Start connects in the background, for as long as it takes. It fails if the
// options are wrong, and if it was called before.
func (a *Adapter) Start(r pubsub.Receiver) error {
	if a.invalid != nil {
		return a.invalid
	}
	opts, err := a.connectOptions()
	if err != nil {
		return err
	}
	if err := a.link.begin(r); err != nil {
		return err
	}
	a.link.start(opts)
	return nil
}

func (a *Adapter) connectOptions() (nats.Options, error) {
	opts := nats.GetDefaultOptions()
	for s := range strings.SplitSeq(a.servers, ",") {
		s = strings.TrimSpace(s)
		if err := validServer(s); err != nil {
			return opts, err
		}
		opts.Servers = append(opts.Servers, s)
	}
	if a.opts.Buffer < 0 || a.opts.Patience < 0 {
		return opts, errors.New("nats: Options.Buffer and Options.Patience must not be negative")
	}
	opts.Name = a.opts.Name
	if opts.Name == "" {
		// Without one the connection has no name.
		opts.Name, _ = os.Hostname()
	}
	opts.Token = a.opts.Token
	opts.CustomDialer = dialer{a.link.ctx}
	if a.opts.TLS != nil {
		opts.Secure, opts.TLSConfig = true, a.opts.TLS.Clone()
	}
	for name, file := range map[string]string{"CredentialsFile": a.opts.CredentialsFile, "NKeyFile": a.opts.NKeyFile} {
		if file == "" {
			continue
		}
		if _, err := os.Stat(file); err != nil {
			return opts, fmt.Errorf("nats: Options.%s: %w", name, err)
		}
	}
	var auth nats.Option
	switch {
	case a.opts.CredentialsFile != "" && a.opts.NKeyFile != "":
		return opts, errors.New("nats: Options.CredentialsFile and Options.NKeyFile exclude each other")
	case a.opts.CredentialsFile != "":
		auth = nats.UserCredentials(a.opts.CredentialsFile)
	case a.opts.NKeyFile != "":
		var err error
		if auth, err = nats.NkeyOptionFromSeed(a.opts.NKeyFile); err != nil {
			return opts, fmt.Errorf("nats: Options.NKeyFile %s: %w", a.opts.NKeyFile, err)
		}
	default:
		return opts, nil
	}
	return opts, auth(&opts)
}

func validServer(server string) error {
	if !strings.Contains(server, "://") {
		server = "nats://" + server
	}
	u, err := url.Parse(server)
	switch {
	case err != nil:
		return errors.New("nats: a server's URL cannot be read; it should look like nats://user:password@host:4222")
	case u.Hostname() == "":
		return fmt.Errorf("nats: the URL %q names no host; it should look like nats://host:4222", u.Redacted())
	case u.Scheme != "nats" && u.Scheme != "tls" && u.Scheme != "ws" && u.Scheme != "wss":
		return fmt.Errorf("nats: the URL %q is not of NATS; it should look like nats://host:4222", u.Redacted())
	}
	return nil
}

// dialer gives up when the link ends.
type dialer struct{ ctx context.Context }

func (d dialer) Dial(network, address string) (net.Conn, error) {
	return (&net.Dialer{Timeout: dialTimeout}).DialContext(d.ctx, network, address)
}

// Interest implements [pubsub.Adapter].
func (a *Adapter) Interest(subject string, wanted bool) {
	a.link.want(subject, wanted)
}

// Settle implements [pubsub.Adapter]. What it waits for is the server that
// this node is connected to; other servers of its cluster may know a little
// later.
func (a *Adapter) Settle(ctx context.Context) error {
	if a.invalid != nil {
		return a.invalid
	}
	return a.link.settle(ctx)
}

// Publish implements [pubsub.Adapter].
func (a *Adapter) Publish(ctx context.Context, e *pubsub.Envelope) error {
	if a.invalid != nil {
		return a.invalid
	}
	return a.link.publish(ctx, e)
}

// Health implements [pubsub.Adapter].
func (a *Adapter) Health() pubsub.Health {
	if a.invalid != nil {
		return pubsub.Health{Engine: "nats", Detail: a.invalid.Error()}
	}
	h := a.link.health()
	h.Engine = "nats"
	if nc := a.link.connection(); nc != nil && nc.IsConnected() {
		h.Peers = []string{nc.ConnectedAddr()}
	}
	return h
}

// Close implements [pubsub.Adapter].
func (a *Adapter) Close(ctx context.Context) error {
	if a.link == nil {
		return nil
	}
	if a.link.end() {
		a.link.drain(ctx)
	}
	return a.link.close(ctx)
}
