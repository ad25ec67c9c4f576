package roost

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/roost-dev/roost/internal/cluster"
	"github.com/roost-dev/roost/pubsub"
	"github.com/roost-dev/roost/transport/longpoll"
)

// peers lets the long polling of a server reach that of the servers on other
// nodes (docs/decisions/0010): a [longpoll.Peers].
type peers struct {
	pubsub  *pubsub.PubSub
	cluster *cluster.Cluster
	name    string // of this server; others on this node have others
}

// newPeers returns nil if there are no other nodes.
func newPeers(ps *pubsub.PubSub) *peers {
	if ps.Cluster() == nil {
		return nil
	}
	return &peers{pubsub: ps, cluster: ps.Cluster(), name: rand.Text()}
}

// serve has h answer the other nodes until stop is called.
func (p *peers) serve(h *longpoll.Handler) (stop func()) {
	service := pollService(p.name)
	p.cluster.Serve(service, func(ctx context.Context, _ cluster.ID, request []byte) ([]byte, error) {
		return h.ServePeer(ctx, request)
	})
	return func() { p.cluster.Unserve(service) }
}

func pollService(name string) string { return "longpoll " + name }

// Self implements [longpoll.Peers].
func (p *peers) Self() string { return string(p.cluster.Self().ID) + "-" + p.name }

// Call implements [longpoll.Peers].
func (p *peers) Call(ctx context.Context, address string, request []byte) ([]byte, error) {
	node, name, _ := strings.Cut(address, "-")
	if node == string(p.cluster.Self().ID) {
		return nil, fmt.Errorf("%w: it was another server on this node", longpoll.ErrGone)
	}
	answer, err := p.cluster.Call(ctx, cluster.ID(node), pollService(name), request)
	switch {
	case errors.Is(err, cluster.ErrNoService):
		return nil, fmt.Errorf("%w: %w", longpoll.ErrGone, err)
	case errors.Is(err, cluster.ErrGone) && p.gone(ctx, cluster.ID(node)):
		return nil, fmt.Errorf("%w: %w", longpoll.ErrGone, err)
	}
	return answer, err
}

// lonely is how long a node that hears nobody waits before it takes another
// for dead: perhaps its engine has just come back.
const lonely = time.Second

// gone reports whether a node that was not there is dead, and not merely
// unheard because our engine is away, or was.
func (p *peers) gone(ctx context.Context, node cluster.ID) bool {
	if p.pubsub.Ping(ctx) != nil {
		return false
	}
	if len(p.cluster.Members()) == 0 {
		select {
		case <-time.After(lonely):
		case <-ctx.Done():
			return false
		}
	}
	return errors.Is(p.cluster.Meet(ctx, node), cluster.ErrGone)
}
