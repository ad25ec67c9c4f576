// Command rumbl serves Rumbl, a site where people watch a video together and
// annotate it live.
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
	"syscall"
	"time"

	"github.com/roost-dev/roost/adapters/clusterflags"
	"github.com/roost-dev/roost/pubsub"

	"github.com/roost-dev/roost/examples/rumbl/accounts"
	"github.com/roost-dev/roost/examples/rumbl/live"
	"github.com/roost-dev/roost/examples/rumbl/multimedia"
	"github.com/roost-dev/roost/examples/rumbl/store"
	"github.com/roost-dev/roost/examples/rumbl/web"
)

// shutdownTimeout bounds how long the program waits, when told to stop, for
// what is under way.
const shutdownTimeout = 15 * time.Second

// comeBack is how long viewers may take to come back on another node before
// others see them leave. Until then those who are back count twice.
const comeBack = 3 * time.Second

type config struct {
	addr       string
	db         string
	secretFile string
	https      bool
	noPoller   bool
	nodes      clusterflags.Flags
}

func main() {
	var c config
	flag.StringVar(&c.addr, "addr", "localhost:4000", "`host:port` to listen on")
	flag.StringVar(&c.db, "db", "rumbl.db",
		"`database`: a file of SQLite's, made if there is none, or a URL, postgres://user@host:port/database")
	flag.StringVar(&c.secretFile, "secret-file", "",
		"`file` of the secret that signs tokens and forms; made if there is none\n"+
			"(default: the database's file with \"-secret\" added, or rumbl-secret)")
	flag.BoolVar(&c.https, "https", false, "browsers reach the site over HTTPS, through a proxy")
	flag.BoolVar(&c.noPoller, "no-poller", false, "give each WebSocket a goroutine of its own, as on systems other than Linux")
	c.nodes.Define(flag.CommandLine)
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "rumbl: unexpected argument %q\n", flag.Arg(0))
		flag.Usage()
		os.Exit(2)
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The second signal ends the program at once.
	context.AfterFunc(ctx, stop)
	if err := run(ctx, c, func(url string) { fmt.Println("Rumbl on " + url) }); err != nil {
		fmt.Fprintln(os.Stderr, "rumbl:", err)
		os.Exit(1)
	}
}

// run serves the site until ctx ends, then shuts it down. It calls ready with
// the site's address once it can be reached.
func run(ctx context.Context, c config, ready func(url string)) (err error) {
	if c.secretFile == "" {
		c.secretFile = defaultSecretFile(c.db)
	}
	secret, err := loadSecret(c.secretFile)
	if err != nil {
		return err
	}
	db, err := store.Open(ctx, c.db)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := db.InTx(ctx, func(people accounts.Store, media multimedia.Store) error {
		return seed(ctx, accounts.New(people), multimedia.New(media))
	}); err != nil {
		return fmt.Errorf("put sample data into the database: %w", err)
	}

	ps, err := c.nodes.PubSub(&pubsub.Options{History: live.History()})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, leave(ctx, ps)) }()
	people, media := accounts.New(db), multimedia.New(db)
	app := live.New(people, media, secret, &live.Options{PubSub: ps, NoPoller: c.noPoller})
	site, err := web.New(people, media, app, []byte(secret), &web.Options{HTTPS: c.https})
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/socket/", app)
	mux.Handle("GET /healthz", app.Healthz())
	mux.Handle("GET /readyz", app.Readyz())
	mux.Handle("/", site)

	listener, err := net.Listen("tcp", c.addr)
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: 10 * time.Second,
		WriteTimeout:      time.Minute, // sockets and polls set their own
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(slog.Default().Handler(), slog.LevelWarn),
	}
	return serve(ctx, server, listener, app, ps, func() { ready(siteURL(c.addr, listener.Addr())) })
}

// serve serves on listener until ctx ends or that fails. Sockets are closed
// first, since http.Server does not know of them; other nodes are told before,
// so that nobody there sees viewers leave who are about to come back.
func serve(ctx context.Context, server *http.Server, listener net.Listener, app *live.App, ps *pubsub.PubSub, ready func()) error {
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	ready()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	err := errors.Join(ps.Leave(ctx, comeBack), app.Shutdown(ctx), server.Shutdown(ctx))
	if served := <-failed; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// leave ends what connects this node with others.
func leave(ctx context.Context, ps *pubsub.PubSub) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	return ps.Close(ctx)
}

// siteURL is where a browser finds the site: under the host that was asked
// for, and the port that was given.
func siteURL(asked string, given net.Addr) string {
	host, _, err := net.SplitHostPort(asked)
	if err != nil || host == "" {
		host = "localhost"
	}
	_, port, _ := net.SplitHostPort(given.String())
	return "http://" + net.JoinHostPort(host, port)
}
