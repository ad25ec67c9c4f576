// Command rumbl serves a page on which people talk with each other.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"rumbl/step1/live"
	"rumbl/step1/web"
)

func main() {
	addr := flag.String("addr", "localhost:4000", "`host:port` to listen on")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal ends the program at once
	if err := run(ctx, *addr); err != nil {
		fmt.Fprintln(os.Stderr, "rumbl:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends, then lets what is under way come to its end.
func run(ctx context.Context, addr string) error {
	sockets := live.NewServer()
	mux := http.NewServeMux()
	mux.Handle("/socket/", sockets)
	mux.Handle("GET /healthz", sockets.Healthz())
	mux.Handle("GET /readyz", sockets.Readyz())
	mux.Handle("/", web.Handler())
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}

	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	fmt.Println("rumbl on http://" + listener.Addr().String())
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
	defer cancel()
	// Sockets first: http.Server does not know of them.
	return errors.Join(sockets.Shutdown(ctx), server.Shutdown(ctx))
}
