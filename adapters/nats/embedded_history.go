package nats

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/roost-dev/roost/history"
	"github.com/roost-dev/roost/pubsub"
)

// minNodes is how many nodes history needs: of fewer no majority is left when
// one is away.
const minNodes = 3

// embeddedReplicas is how many nodes keep each event.
const embeddedReplicas = 3

// electionPatience is how long a node waits for the others, who may need up to
// 10 s to agree on who goes on after a crash.
const electionPatience = 15 * time.Second

// OpenLog implements [pubsub.LogAdapter]. It needs EmbedOptions.Name, Dir and
// Nodes.
func (a *Embedded) OpenLog(rules *history.Rules) (pubsub.EngineLog, error) {
	switch {
	case a.invalid != nil:
		return nil, a.invalid
	case !a.named:
		return nil, errors.New("nats: to keep history EmbedOptions.Name must be set, to a name that the node has after a restart, too, " +
			"and no other node has")
	case a.opts.Dir == "":
		return nil, errors.New("nats: to keep history EmbedOptions.Dir must be set, to a directory that is there after a restart, too")
	case a.opts.Nodes < minNodes:
		return nil, fmt.Errorf("nats: to keep history EmbedOptions.Nodes must be %d or more, and is %d: a majority must be left when one is away",
			minNodes, a.opts.Nodes)
	}
	return a.link.openLog(rules, embeddedReplicas, electionPatience)
}

// keepHistory has the server keep what is broadcast, together with those of
// the other nodes.
func (a *Embedded) keepHistory(opts *server.Options) {
	opts.ServerName = stableName(a.opts.Name)
	opts.NoSystemAccount = false
	opts.JetStream = true
	opts.StoreDir = a.opts.Dir
	opts.DisableJetStreamBanner = true
	// The number of routes tells the server how many nodes there are when it
	// is started for the first time. These lead nowhere, until the mesh
	// replaces them by those to nodes that are there.
	for range a.opts.Nodes {
		opts.Routes = append(opts.Routes, &url.URL{Scheme: "nats-route", Host: noAddress})
	}
}
