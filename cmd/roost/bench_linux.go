package main

import (
	"context"
	"os"

	"github.com/roost-dev/roost/cmd/roost/internal/bench"
)

func runBench(ctx context.Context, args []string) error {
	return bench.Run(ctx, args, os.Stdout, os.Stderr)
}
