//go:build !linux

package main

import (
	"context"
	"errors"
)

func runBench(context.Context, []string) error {
	return errors.New("roost bench needs Linux: its client and what it reads of the server are made of epoll and /proc")
}
