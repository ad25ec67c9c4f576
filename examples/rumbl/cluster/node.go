package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// restartAfter is longer than others take to notice that a node has died
	// (see pubsub.Options.Lease), so that one can watch them do it.
	restartAfter = 5 * time.Second
	// checkEvery is how often a node is asked whether it is ready.
	checkEvery = 250 * time.Millisecond
	// checkTimeout is how long it may take to say so.
	checkTimeout = 2 * time.Second
	// endWithin is how long a node may take to end in good order; longer than
	// it allows itself.
	endWithin = 40 * time.Second
)

// node is one Rumbl of the cluster, from one start to the next.
type node struct {
	name    string
	addr    string // of its pages
	command []string

	ready atomic.Bool   // to be sent requests
	pid   atomic.Int64  // of the last start
	up    chan struct{} // closed when it is ready for the first time
}

func newNode(name, addr string, command []string) *node {
	return &node{name: name, addr: addr, command: command, up: make(chan struct{})}
}

// keep runs the node until ctx ends, as often as it takes. It returns why it
// did not end in good order then.
func (n *node) keep(ctx context.Context) error {
	// Where a child ends with its parent it ends with the parent's thread.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for {
		err := n.run(ctx)
		n.ready.Store(false)
		switch {
		case ctx.Err() != nil && err != nil:
			return fmt.Errorf("node %s: %w", n.name, err)
		case ctx.Err() != nil:
			return nil
		}
		n.sayf("has ended (%v), and starts again in %v", cause(err), restartAfter)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(restartAfter):
		}
	}
}

// cause is why a process has ended, in words.
func cause(err error) string {
	if err == nil {
		return "in good order"
	}
	return err.Error()
}

// run runs the node once. When ctx ends, the node is told to end.
func (n *node) run(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, n.command[0], n.command[1:]...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = endWithin
	cmd.SysProcAttr = attributes()
	cmd.Stderr = &prefixed{to: os.Stderr, prefix: n.name + " | "}
	if err := cmd.Start(); err != nil {
		return err
	}
	n.pid.Store(int64(cmd.Process.Pid))
	err := cmd.Wait()
	if cmd.ProcessState.Success() {
		return nil // also if ctx has ended
	}
	return err
}

// watch asks the node again and again whether it is ready, until ctx ends.
func (n *node) watch(ctx context.Context) {
	client := &http.Client{Timeout: checkTimeout, Transport: &http.Transport{DisableKeepAlives: true}}
	first := sync.OnceFunc(func() { close(n.up) })
	ticks := time.NewTicker(checkEvery)
	defer ticks.Stop()
	for was := false; ; {
		ready := n.isReady(ctx, client)
		n.ready.Store(ready)
		if ready && !was {
			n.sayf("is ready at http://%s; to kill it: kill -9 %d", n.addr, n.pid.Load())
			first()
		}
		was = ready
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
	}
}

func (n *node) isReady(ctx context.Context, client *http.Client) bool {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+n.addr+"/readyz", nil)
	if err != nil {
		return false
	}
	answer, err := client.Do(r)
	if err != nil {
		return false
	}
	defer func() { _ = answer.Body.Close() }()
	_, err = io.Copy(io.Discard, answer.Body)
	return err == nil && answer.StatusCode == http.StatusOK
}

// sayf tells who runs the cluster what became of the node.
func (n *node) sayf(format string, args ...any) {
	fmt.Fprintf(os.Stdout, "%s  node %s %s\n", time.Now().Format(time.TimeOnly), n.name, fmt.Sprintf(format, args...))
}

// prefixed writes whole lines, each with a prefix and at once, so that those of
// several nodes do not mix. It is for one goroutine.
type prefixed struct {
	to     io.Writer
	prefix string
	rest   []byte // a line without its end
}

func (p *prefixed) Write(b []byte) (int, error) {
	p.rest = append(p.rest, b...)
	for {
		line, rest, found := bytes.Cut(p.rest, []byte("\n"))
		if !found {
			return len(b), nil
		}
		if _, err := fmt.Fprintf(p.to, "%s%s\n", p.prefix, line); err != nil {
			return 0, err
		}
		p.rest = rest
	}
}
