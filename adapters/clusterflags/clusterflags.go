// Package clusterflags gives a program the flags by which people say how its
// nodes find each other: over a NATS server inside each, over a NATS or a
// Redis that exists, or not at all.
package clusterflags

import (
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/roost-dev/roost/adapters/nats"
	"github.com/roost-dev/roost/adapters/redis"
	"github.com/roost-dev/roost/pubsub"
)

// Flags is what was said on the command line. Its zero value is a node alone.
type Flags struct {
	node       string
	listen     string
	peers      string
	secretFile string
	dir        string
	nodes      int
	natsURL    string
	redisURL   string
	noHistory  bool
}

// minNodes is how many nodes keep history by themselves, at least.
const minNodes = 3

// Define adds the flags -node, -cluster-listen, -cluster-peers,
// -cluster-secret-file, -cluster-dir, -cluster-nodes, -nats-url, -redis-url and
// -no-history to fs. What they hold counts once fs was parsed.
func (f *Flags) Define(fs *flag.FlagSet) {
	fs.StringVar(&f.node, "node", "", "`name` of this node among others (default: a random one)")
	fs.StringVar(&f.listen, "cluster-listen", "", "`host:port` to listen on for other nodes; they are a cluster without anything else to run")
	fs.StringVar(&f.peers, "cluster-peers", "",
		"`host:port,...` of other nodes, some or all, this one too if you like; dns:host:port is a node at each address of a name")
	fs.StringVar(&f.secretFile, "cluster-secret-file", "",
		"`file` of the secret that nodes share and encrypt with; needed unless they listen on a loopback address")
	fs.StringVar(&f.dir, "cluster-dir", "",
		"`directory` for this node's part of the history of topics; it needs three nodes or more, each with a -node name that stays "+
			"(default: no history is kept)")
	fs.IntVar(&f.nodes, "cluster-nodes", minNodes, "`number` of nodes of a cluster that keeps history, when it is started for the first time")
	fs.StringVar(&f.natsURL, "nats-url", "", "`URL` of a NATS to cluster over instead, or several with commas between them")
	fs.StringVar(&f.redisURL, "redis-url", "", "`URL` of a Redis or Valkey to cluster over instead")
	fs.BoolVar(&f.noHistory, "no-history", false, "keep no history of topics, for which a NATS needs JetStream")
}

// PubSub starts what the flags say, with opts for all that they do not: a
// PubSub of this process alone if they name no cluster. An error says which
// flag is wrong.
//
// The history that opts asks for is kept in memory if the node is alone, or by
// the NATS or Redis that exists. Nodes with a NATS inside keep it if they have a
// -cluster-dir. Otherwise nothing is kept, and the log says so.
func (f *Flags) PubSub(opts *pubsub.Options) (*pubsub.PubSub, error) {
	var o pubsub.Options
	if opts != nil {
		o = *opts
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if why := f.forgets(); why != "" && o.History != nil {
		o.Logger.Info("clusterflags: no history of topics is kept", "because", why)
		o.History = nil
	}
	adapter, err := f.adapter(o.Logger)
	if err != nil {
		return nil, err
	}
	o.Adapter, o.Node = adapter, f.node
	return pubsub.New(&o)
}

// forgets says why no history is kept, if that is so.
func (f *Flags) forgets() string {
	switch {
	case f.noHistory:
		return "-no-history is set"
	case f.listen != "" && f.dir == "":
		return "-cluster-dir is not set"
	}
	return ""
}

func (f *Flags) adapter(logger *slog.Logger) (pubsub.Adapter, error) {
	ways := 0
	for _, way := range []string{f.listen, f.natsURL, f.redisURL} {
		if way != "" {
			ways++
		}
	}
	switch {
	case ways > 1:
		return nil, errors.New("-cluster-listen, -nats-url and -redis-url exclude each other")
	case f.listen == "" && (f.peers != "" || f.secretFile != "" || f.dir != ""):
		return nil, errors.New("-cluster-peers, -cluster-secret-file and -cluster-dir need -cluster-listen")
	case f.dir != "" && f.node == "":
		return nil, errors.New("-cluster-dir needs -node: a name that the node has after a restart, too, and no other node has")
	case f.dir != "" && f.nodes < minNodes:
		return nil, fmt.Errorf("-cluster-dir needs -cluster-nodes to be %d or more, and it is %d: "+
			"a majority must be left when one node is away", minNodes, f.nodes)
	case f.natsURL != "":
		return nats.New(f.natsURL, &nats.Options{Name: f.node, Logger: logger}), nil
	case f.redisURL != "":
		adapter, err := redis.New(f.redisURL, &redis.Options{Logger: logger})
		if err != nil {
			return nil, fmt.Errorf("-redis-url: %w", err)
		}
		return adapter, nil
	case f.listen == "":
		return nil, nil //nolint:nilnil // alone
	}
	secret, err := f.secret()
	if err != nil {
		return nil, err
	}
	return nats.Embed(f.listen, &nats.EmbedOptions{
		Name: f.node, Peers: f.peerList(), Secret: secret, Dir: f.dir, Nodes: f.nodes, Logger: logger,
	}), nil
}

func (f *Flags) secret() (string, error) {
	if f.secretFile == "" {
		return "", nil
	}
	secret, err := os.ReadFile(f.secretFile)
	if err != nil {
		return "", fmt.Errorf("-cluster-secret-file: %w", err)
	}
	trimmed := strings.TrimSpace(string(secret))
	if trimmed == "" {
		return "", fmt.Errorf("-cluster-secret-file: %s is empty; put 32 random bytes or more into it, the same on all nodes", f.secretFile)
	}
	return trimmed, nil
}

func (f *Flags) peerList() []string {
	var peers []string
	for p := range strings.SplitSeq(f.peers, ",") {
		if p = strings.TrimSpace(p); p != "" {
			peers = append(peers, p)
		}
	}
	return peers
}
