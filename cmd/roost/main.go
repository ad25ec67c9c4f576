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
	switch args[0] {
	case "bench":
		return runBench(ctx, args[1:])
	case "contract":
		return contracts.Run(ctx, args[1:], os.Stdout, os.Stderr)
	case "help", "-h", "-help", "--help":
		usage(os.Stdout)
		return nil
	}
	return fmt.Errorf("there is no command %q; roost help lists them", args[0])
}

func usage(w io.Writer) {
	fmt.Fprint(w, `roost is the command line of Roost, Phoenix Channels for Go.

    roost bench       measure a server that speaks the protocol of Phoenix Channels
    roost contract    write and check the types of an application's events, for its clients

roost bench help and roost contract -help tell more.
`)
}
