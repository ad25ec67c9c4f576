// Roost is the command line of Roost.
//
//	go run github.com/roost-dev/roost/cmd/roost help
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/roost-dev/roost/cmd/roost/internal/contracts"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
	case errors.Is(err, context.Canceled):
		os.Exit(130)
	default:
		fmt.Fprintln(os.Stderr, "roost:", err)
		os.Exit(1)
	}
}

// run runs the command that the arguments name.
func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		usage(os.Stderr)
		return flag.ErrHelp
	}
	if args[0] == "help" && len(args) > 1 {
		args = []string{args[1], "-help"}
	}
	switch args[0] {
	case "new":
		return runNew(ctx, args[1:], os.Stdout, os.Stderr)
	case "gen":
		return runGen(args[1:], os.Stdout, os.Stderr)
	case "contract":
		return contracts.Run(ctx, args[1:], os.Stdout, os.Stderr)
	case "bundle":
		return runBundle(args[1:], os.Stderr)
	case "bench":
		return runBench(ctx, args[1:])
	case "help", "-h", "-help", "--help":
		usage(os.Stdout)
		return nil
	}
	return fmt.Errorf("there is no command %q; roost help lists them", args[0])
}

func usage(w io.Writer) {
	fmt.Fprint(w, `roost is the command line of Roost, Phoenix Channels for Go.

    roost new         make a small working application
    roost gen         add a channel, presence or a socket to one
    roost contract    write and check the types of an application's events, for its clients
    roost bundle      make one script of TypeScript, for browsers
    roost bench       measure a server that speaks the protocol of Phoenix Channels

roost COMMAND -help tells more.
`)
}
