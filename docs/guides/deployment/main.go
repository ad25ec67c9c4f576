// Command chat is the program of the guide to deployment: rooms in which people talk, on one node or several.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/roost-dev/roost/adapters/nats"
	"github.com/roost-dev/roost/presence"
	"github.com/roost-dev/roost/pubsub"
)

const (
	// shutdownTimeout is how long the program may take to end: 5,000 sockets a second, and what is under way.
	shutdownTimeout = 30 * time.Second

	// comeBack is how long users may take to come back on another node before others see them leave: 10,000 at 1,000 a second,
	// with what clients wait on top.
	comeBack = 15 * time.Second
)

// config is what the environment says.
type config struct {
	addr      string // CHAT_ADDR: where clients connect, host:port
	operators string // CHAT_OPERATORS: where operators and load balancers ask how it is
	secret    string // CHAT_SECRET: of tokens, the same on all nodes

	node          string   // CHAT_NODE: the node's name
	cluster       string   // CHAT_CLUSTER: where other nodes connect; empty: there are none
	peers         []string // CHAT_PEERS: where other nodes are, with commas between
	clusterSecret string   // CHAT_CLUSTER_SECRET: by which nodes know each other
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	err := run(ctx, config{
		addr:          os.Getenv("CHAT_ADDR"),
		operators:     os.Getenv("CHAT_OPERATORS"),
		secret:        os.Getenv("CHAT_SECRET"),
		node:          os.Getenv("CHAT_NODE"),
		cluster:       os.Getenv("CHAT_CLUSTER"),
		peers:         strings.FieldsFunc(os.Getenv("CHAT_PEERS"), func(r rune) bool { return r == ',' }),
		clusterSecret: os.Getenv("CHAT_CLUSTER_SECRET"),
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, "chat:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends, and then ends in good order.
func run(ctx context.Context, c config) error {
	if len(c.secret) < 20 {
		return errors.New("CHAT_SECRET must have 20 bytes or more, made by: openssl rand -base64 48")
	}
	var adapter pubsub.Adapter
	if c.cluster != "" {
		adapter = nats.Embed(c.cluster, &nats.EmbedOptions{Name: c.node, Peers: c.peers, Secret: c.clusterSecret})
	}
	ps, err := pubsub.New(&pubsub.Options{Node: c.node, Adapter: adapter})
	if err != nil {
		return err
	}
	people := presence.New[Here](ps, nil)
	server := newServer(ps, people, c.secret)

	public := http.NewServeMux()
	public.Handle("/socket/", server)
	operators := http.NewServeMux()
	operators.Handle("GET /healthz", server.Healthz())
	operators.Handle("GET /readyz", server.Readyz())
	sites := []*http.Server{newSite(c.addr, public), newSite(c.operators, operators)}

	err = serve(ctx, sites)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	return errors.Join(err,
		ps.Leave(ctx, comeBack), // other nodes keep our users meanwhile
		server.Shutdown(ctx),    // not ready any more; sockets close with 1012, and come back elsewhere
		sites[0].Shutdown(ctx),  // which knows nothing of WebSockets,
		sites[1].Shutdown(ctx),  // and answers operators up to here
		people.Close(ctx),       // tells what is pending
		ps.Close(ctx),           // says goodbye
	)
}

// serve serves the sites until ctx ends or one of them fails.
func serve(ctx context.Context, sites []*http.Server) error {
	failed := make(chan error, len(sites))
	for _, site := range sites {
		listener, err := net.Listen("tcp", site.Addr)
		if err != nil {
			return err
		}
		go func() { failed <- site.Serve(listener) }()
	}
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		return nil
	}
}

func newSite(addr string, h http.Handler) *http.Server {
	return &http.Server{
		Addr: addr, Handler: h,
		ReadHeaderTimeout: 10 * time.Second,
		WriteTimeout:      time.Minute, // sockets and polls set their own
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(slog.Default().Handler(), slog.LevelWarn),
	}
}
