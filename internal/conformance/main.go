// Conformance is the application that answered when the exchanges of spec/transcripts were recorded from Phoenix, built
// on Roost: what speaks Phoenix's protocol can be pointed at either and must see the same.
//
//	go run ./internal/conformance -addr 127.0.0.1:4101
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/roost-dev/roost/adapters/clusterflags"
	"github.com/roost-dev/roost/history"
	"github.com/roost-dev/roost/presence"
	"github.com/roost-dev/roost/pubsub"
)

// shutdownBound is how long conversations and sockets get to end in good order.
const shutdownBound = 10 * time.Second

// grace is how long other nodes keep the presences of one that stops, whose
// clients come back elsewhere meanwhile.
const grace = 5 * time.Second

func main() {
	addr := flag.String("addr", "127.0.0.1:4101", "the `address` to listen on, as host:port")
	noPoller := flag.Bool("no-poller", false, "give each WebSocket a goroutine of its own, as on systems other than Linux")
	var nodes clusterflags.Flags
	nodes.Define(flag.CommandLine)
	flag.Parse()
	logger := slog.New(slog.NewTextHandler(os.Stderr, nil))
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx, *addr, *noPoller, &nodes, logger)
	stop()
	if err != nil {
		logger.Error("conformance: ended", "error", err)
		os.Exit(1)
	}
}

// run serves until ctx ends.
func run(ctx context.Context, addr string, noPoller bool, nodes *clusterflags.Flags, logger *slog.Logger) error {
	ps, err := nodes.PubSub(&pubsub.Options{
		History: []history.Keep{{Topics: []string{"log:*"}, Count: 1000, For: 10 * time.Minute}},
		Logger:  logger,
	})
	if err != nil {
		return err
	}
	members := presence.New[member](ps, &presence.Options[member]{Logger: logger})
	mounts := newMounts(ps, members, noPoller, logger)
	mux := http.NewServeMux()
	for _, m := range mounts {
		mux.Handle(m.path+"/", m.server)
		mux.HandleFunc(m.path, http.NotFound) // and not a redirection to the path above
	}
	admin{ps, mounts, members}.register(mux)
	mux.Handle("/healthz", mounts[0].server.Healthz())
	mux.Handle("/readyz", mounts[0].server.Readyz())

	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	fmt.Println("listening on", listener.Addr())
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	return shutdown(server, mounts, members, ps)
}

// shutdown ends all sockets at once, and then what they used.
func shutdown(server *http.Server, mounts []mount, members *presence.Presence[member], ps *pubsub.PubSub) error {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownBound)
	defer cancel()
	left := ps.Leave(ctx, grace)
	errs := make([]error, len(mounts))
	var ending sync.WaitGroup
	for i, m := range mounts {
		ending.Go(func() { errs[i] = m.server.Shutdown(ctx) })
	}
	ending.Wait()
	return errors.Join(left, errors.Join(errs...), server.Shutdown(ctx), members.Close(ctx), ps.Close(ctx))
}
