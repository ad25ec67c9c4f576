// Package clustering is the code of the guide: ways to make one cluster of several nodes, and to look at it.
package clustering

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/roost-dev/roost/adapters/nats"
	"github.com/roost-dev/roost/adapters/redis"
	"github.com/roost-dev/roost/history"
	"github.com/roost-dev/roost/presence"
	"github.com/roost-dev/roost/pubsub"
)

// node is what differs from node to node, and what does not.
type node struct {
	name   string   // its own
	listen string   // where other nodes connect, host:port
	peers  []string // where they all are
	secret string   // by which they know each other
	dir    string   // where it keeps its part of the history
}

// mesh needs nothing but the program itself.
func (n node) mesh() (*pubsub.PubSub, error) {
	return pubsub.New(&pubsub.Options{
		Node: n.name, // for people
		Adapter: nats.Embed(n.listen, &nats.EmbedOptions{
			Name:   n.name,
			Peers:  n.peers,  // "10.0.0.11:6222", or "dns:roost-nodes:6222"
			Secret: n.secret, // openssl rand -base64 32
		}),
	})
}

// overNATS uses a NATS that is there: "nats://user:password@nats.internal:4222".
func (n node) overNATS(url string) (*pubsub.PubSub, error) {
	return pubsub.New(&pubsub.Options{Node: n.name, Adapter: nats.New(url, nil)})
}

// overRedis uses a Redis or Valkey that is there: "redis://user:password@redis.internal:6379".
func (n node) overRedis(url string) (*pubsub.PubSub, error) {
	adapter, err := redis.New(url, nil)
	if err != nil {
		return nil, err
	}
	return pubsub.New(&pubsub.Options{Node: n.name, Adapter: adapter})
}

// meshWithHistory keeps history on the nodes themselves, of which there are three or more.
func (n node) meshWithHistory(nodes int) (*pubsub.PubSub, error) {
	return pubsub.New(&pubsub.Options{
		Node:    n.name,
		History: []history.Keep{{Topics: []string{"videos:*"}, For: time.Hour}},
		Adapter: nats.Embed(n.listen, &nats.EmbedOptions{
			Name:   n.name, // stays the same, as the folder does
			Dir:    n.dir,  // "/var/lib/roost"
			Nodes:  nodes,  // how many there are
			Peers:  n.peers,
			Secret: n.secret,
		}),
	})
}

// Viewer is what presence tells of a viewer.
type Viewer struct {
	Device string `json:"device"`
}

// report tells operators how the cluster is, and who is where.
func report(ctx context.Context, w io.Writer, ps *pubsub.PubSub, viewers *presence.Presence[Viewer], topic string) error {
	info := ps.Info()
	fmt.Fprintln(w, "engine:", info.Engine.Engine, info.Engine.State, info.Engine.Detail)
	for _, other := range info.Members {
		fmt.Fprintln(w, "node:", other.Name)
	}

	ctx, cancel := context.WithTimeout(ctx, 2*time.Second) // for nodes that do not answer
	defer cancel()
	sockets, err := ps.Sockets(ctx, &pubsub.SocketQuery{Topic: topic})
	if err != nil {
		return err
	}
	fmt.Fprintln(w, "sockets on", topic+":", sockets.Count, "without an answer:", sockets.Missing)
	for _, s := range sockets.List {
		fmt.Fprintln(w, s.ID, "on", s.Node, "over", s.Transport)
	}

	present, err := viewers.ListAll(ctx, topic, 0)
	if err != nil {
		return err
	}
	fmt.Fprintln(w, "present on", topic+":", present.Count)
	return nil
}
