// Command cluster runs Rumbl as a cluster on this machine: three nodes on one
// PostgreSQL database, behind one port, to be tried out. A node that dies is
// started again. Nothing outlives the command, however it ends.
//
//	cluster [flags] program [flags of the program]
//
// program is Rumbl, as go build makes it. `make cluster` does both.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/roost-dev/roost/examples/rumbl/internal/pgserver"
)

type config struct {
	addr    string
	db      string
	program []string // Rumbl, and further flags for it
}

func main() {
	var c config
	flag.StringVar(&c.addr, "addr", "localhost:4000", "`host:port` to listen on for all nodes")
	flag.StringVar(&c.db, "db", "", "`URL` of a PostgreSQL database (default: a new one, on a server that ends with the command)")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: cluster [flags] program [flags of the program]")
		flag.PrintDefaults()
	}
	flag.Parse()
	if c.program = flag.Args(); len(c.program) == 0 {
		fmt.Fprintln(os.Stderr, "cluster: the program is missing: Rumbl, as go build makes it")
		flag.Usage()
		os.Exit(2)
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The second signal ends the command at once.
	context.AfterFunc(ctx, stop)
	if err := run(ctx, c); err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err)
		os.Exit(1)
	}
}

// run serves the cluster until ctx ends, then ends it: the nodes first, and
// last the database that they use.
func run(ctx context.Context, c config) (err error) {
	listener, err := net.Listen("tcp", c.addr)
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }()
	folder, err := os.MkdirTemp("", "rumbl-cluster-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	if c.db == "" {
		server, err := pgserver.Start()
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, server.Close()) }()
		if c.db, err = server.CreateDatabase(ctx); err != nil {
			return err
		}
	}
	nodes, err := newNodes(c, folder)
	if err != nil {
		return err
	}
	return serve(ctx, listener, nodes)
}

// serve runs the nodes, and on listener the proxy to them, until ctx ends.
func serve(ctx context.Context, listener net.Listener, nodes []*node) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	server := &http.Server{Handler: newProxy(nodes), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute}
	failed := make(chan error, 1)
	go func() {
		err := server.Serve(listener)
		cancel()
		failed <- err
	}()

	var tasks sync.WaitGroup
	ended := make([]error, len(nodes))
	for i, n := range nodes {
		tasks.Go(func() { n.watch(ctx) })
		tasks.Go(func() { ended[i] = n.keep(ctx) })
	}
	tasks.Go(func() {
		for _, n := range nodes {
			select {
			case <-n.up:
			case <-ctx.Done():
				return
			}
		}
		fmt.Println("Rumbl on http://" + address(listener.Addr()))
		fmt.Println("Watch the same video in two browsers: each page says which node it is connected to. Ctrl-C ends everything.")
	})
	tasks.Wait()
	_ = server.Close() // nobody is behind its connections
	served := <-failed
	if errors.Is(served, http.ErrServerClosed) {
		served = nil
	}
	return errors.Join(served, errors.Join(ended...))
}

// newNodes returns nodes that are not started yet. They share the database and
// two secrets, which are kept in folder like each node's part of the history.
func newNodes(c config, folder string) ([]*node, error) {
	names := []string{"a", "b", "c"}
	ports, err := freePorts(2 * len(names))
	if err != nil {
		return nil, err
	}
	web, mesh := ports[:len(names)], ports[len(names):]
	secret, clusterSecret := filepath.Join(folder, "secret"), filepath.Join(folder, "cluster-secret")
	for _, file := range []string{secret, clusterSecret} {
		if err := os.WriteFile(file, []byte(rand.Text()+rand.Text()), 0o600); err != nil {
			return nil, err
		}
	}
	nodes := make([]*node, len(names))
	for i, name := range names {
		nodes[i] = newNode(name, web[i], slices.Concat(c.program, []string{
			"-addr", web[i], "-db", c.db, "-secret-file", secret,
			"-node", name, "-cluster-listen", mesh[i], "-cluster-peers", strings.Join(mesh, ","), "-cluster-secret-file", clusterSecret,
			"-cluster-dir", filepath.Join(folder, name),
		}))
	}
	return nodes, nil
}

// freePorts returns addresses of this machine that nobody listens on: each
// node is to know the others' before they run, and keeps its own when it is
// started again.
func freePorts(n int) ([]string, error) {
	addresses := make([]string, n)
	for i := range addresses {
		listener, err := net.Listen("tcp", "localhost:0")
		if err != nil {
			return nil, err
		}
		defer func() { _ = listener.Close() }() // once all are found: no two are the same
		addresses[i] = address(listener.Addr())
	}
	return addresses, nil
}

// address is how people and nodes call what listens on this machine.
func address(a net.Addr) string {
	_, port, _ := net.SplitHostPort(a.String())
	return net.JoinHostPort("localhost", port)
}
