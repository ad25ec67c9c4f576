//go:build linux

package bench

import (
	"context"
	"flag"
	"fmt"

	"github.com/roost-dev/roost/cmd/roost/internal/bare"
)

// A bareLoop is what a server is measured beside.
type bareLoop struct {
	name         string
	perBroadcast bool
}

func newLimit() *bareLoop { return &bareLoop{"limit", true} }
func newFloor() *bareLoop { return &bareLoop{"floor", false} }

func (b *bareLoop) start(ctx context.Context) (*server, error) {
	s, err := startBare(ctx, b.perBroadcast)
	if err == nil {
		s.name = b.name
	}
	return s, err
}

const limitHelp = `The limit is one thread that sends the frame of each broadcast to each subscriber with a
plain, non-blocking send(2), in a process of its own. It and the server take turns with
the same client, so that their ratio is of one moment. Without -url or -exec the limit
runs alone.`

func limitSetup(fs *flag.FlagSet) func(context.Context, output) error {
	var o options
	o.flags(fs, 3)
	return o.beside("fanout", fs, fanoutFlags(fs), newLimit())
}

const floorHelp = `The floor is one thread with an epoll loop that does nothing but the frames of the
workload, in a process of its own; broadcasts that arrive together leave in one write
for each socket. It and the server take turns with the same client. Without -url or
-exec the floor runs alone.`

func floorSetup(fs *flag.FlagSet) func(context.Context, output) error {
	var o options
	o.flags(fs, 3)
	return o.beside("fanout", fs, fanoutFlags(fs), newFloor())
}

func floorRRSetup(fs *flag.FlagSet) func(context.Context, output) error {
	var o options
	o.flags(fs, 3)
	return o.beside("rr", fs, rrFlags(fs), newFloor())
}

// beside runs a workload on the server and on a bare loop in turn.
func (o *options) beside(name string, fs *flag.FlagSet, w workload, b *bareLoop) func(context.Context, output) error {
	return func(ctx context.Context, out output) error {
		if err := o.check(fs); err != nil {
			return err
		}
		res, err := o.rounds(ctx, name, w, b, newProgress(out.meanwhile))
		return o.show(out, res, err)
	}
}

const bareHelp = `It prints "listening on HOST:PORT" and serves until it is interrupted. limit and floor start it by themselves.`

func bareSetup(fs *flag.FlagSet) func(context.Context, output) error {
	addr := fs.String("addr", "127.0.0.1:0", "the `address` to listen on, IPv4")
	perBroadcast := fs.Bool("per-broadcast", false, "send each broadcast by itself")
	return func(ctx context.Context, out output) error {
		s, err := bare.Listen(*addr)
		if err != nil {
			return err
		}
		s.PerBroadcast = *perBroadcast
		at, err := s.Addr()
		if err != nil {
			return err
		}
		fmt.Fprintln(out.results, "listening on", at)
		return s.Serve(ctx)
	}
}
