package pubsub

import (
	"context"
	"time"

	"github.com/roost-dev/roost/internal/cluster"
)

// bus is what the cluster's nodes talk over: the adapter.
type bus struct{ adapter Adapter }

func (b bus) Interest(subject string, wanted bool) { b.adapter.Interest(subject, wanted) }

func (b bus) Settle(ctx context.Context) error { return b.adapter.Settle(ctx) }

func (b bus) Publish(ctx context.Context, subject string, payload []byte) error {
	return b.adapter.Publish(ctx, &Envelope{Subject: subject, Kind: KindNode, Payload: payload, Binary: true})
}

// Cluster is for Roost's own packages: the nodes of the cluster, and a way to
// talk to them. nil without an adapter.
func (ps *PubSub) Cluster() *cluster.Cluster { return ps.cluster }

// Leave tells the other nodes that this one is about to stop, and that they
// should keep its presences for grace after it has: its users come back on
// other nodes meanwhile, and nobody sees them leave. Call it before
// [github.com/roost-dev/roost.Server.Shutdown]; from then on nobody is told of
// presences that end here, on no node. Without it they are announced one
// by one, and what is left at Close ends at once. Without an adapter it does
// nothing.
func (ps *PubSub) Leave(ctx context.Context, grace time.Duration) error {
	if ps.cluster == nil {
		return nil
	}
	return ps.cluster.Leave(ctx, grace)
}

// Info is what a node knows of itself and of the others.
type Info struct {
	Node string // its name; empty without an adapter
	ID   string // of this run of the node

	// Members is the other nodes that are alive, by name.
	Members []Member

	// Conflicts is names that several living nodes bear. All of them work,
	// but people and logs cannot tell them apart.
	Conflicts []string

	// Engine is what the adapter says; its zero value without one.
	Engine Health

	Topics        int // with subscribers on this node
	Subscriptions int // on this node

	// Received is how many messages of other nodes this one was given since
	// its start: publications, commands, and what nodes tell each other.
	Received uint64
}

// Member is another node.
type Member struct {
	Name    string
	ID      string
	Since   time.Time // when this node first heard of it
	Leaving bool      // it is about to stop
}

// Info tells how this node is. It asks no other node and does not block.
func (ps *PubSub) Info() Info {
	info := Info{Topics: int(ps.topics.names.Load()), Subscriptions: int(ps.topics.members.Load())}
	if ps.cluster == nil {
		return info
	}
	self := ps.cluster.Self()
	info.Node, info.ID = self.Name, string(self.ID)
	info.Engine = ps.adapter.Health()
	info.Received = ps.received.Load()
	info.Conflicts = ps.cluster.Conflicts()
	for _, m := range ps.cluster.Members() {
		info.Members = append(info.Members, Member{Name: m.Name, ID: string(m.ID), Since: m.Since, Leaving: m.Leaving})
	}
	return info
}

// Ping asks the adapter's engine for a sign of life, for at most a second. An
// error says that it is away, so that nothing can be said about other nodes.
// Without an adapter it does nothing.
func (ps *PubSub) Ping(ctx context.Context) error {
	if ps.adapter == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, settleBound)
	defer cancel()
	return ps.adapter.Settle(ctx)
}

// settleBound is how long a subscriber waits for the engine to know of it. An
// engine that takes longer is as good as away: then the subscriber hears this
// node, and the others once the engine is back.
const settleBound = time.Second

// Settle returns once what other nodes publish on the topic from now on
// reaches the subscription. It waits only for the first subscription of a
// topic on this node, and not while the engine is away. An error says that
// other nodes may not be heard yet.
func (s *Subscription) Settle(ctx context.Context) error {
	g := s.member.group
	if s.ps.adapter == nil || g.settled.Load() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, settleBound)
	defer cancel()
	if err := s.ps.adapter.Settle(ctx); err != nil {
		return err
	}
	if g.tail != nil {
		lasts, err := s.ps.engineLog.Lasts(ctx, []string{g.name})
		if err != nil {
			return err
		}
		g.tail.compare(lasts[0])
	}
	g.settled.Store(true)
	return nil
}
