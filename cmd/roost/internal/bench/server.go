//go:build linux

package bench

import (
	"bufio"
	"context"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	startBound = 30 * time.Second // until a server that was started listens
	stopBound  = 15 * time.Second // until it ends once asked to
	adminBound = 30 * time.Second
	tailLen    = 4 << 10 // of what a server says, for when it fails
)

// A server is what a run measures.
type server struct {
	name  string // for people
	url   string // of its mount
	proc  process
	admin string // where its actions are, empty if it has none
	cmd   *exec.Cmd
	said  *tail
}

// start runs a command that prints "listening on HOST:PORT" when it does, and nothing before. The caller must stop it.
func start(ctx context.Context, mount string, command ...string) (*server, error) {
	s := &server{name: command[0], said: &tail{}, cmd: exec.Command(command[0], command[1:]...)} //nolint:noctx // stop ends it, in good order
	s.cmd.Stderr = s.said
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("-exec: %w", err)
	}
	first := make(chan string, 1)
	go func() { // ends with the server, or with its output
		lines := bufio.NewReader(out)
		line, _ := lines.ReadString('\n') // an incomplete line has not the words
		first <- line
		_, _ = io.Copy(io.Discard, lines) // so that it does not block
	}()
	var line string
	select {
	case line = <-first:
	case <-time.After(startBound):
		err = fmt.Errorf("nothing for %v", startBound)
	case <-ctx.Done():
		err = ctx.Err()
	}
	addr, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	if !ok {
		return nil, errors.Join(fmt.Errorf("%s should print \"listening on HOST:PORT\" first and printed %q", command[0], line), err, s.stop())
	}
	s.url, s.proc = "ws://"+addr+mount, process{s.cmd.Process.Pid}
	return s, nil
}

// stop ends a server that was started here. It is an error if it ended otherwise than in good order.
func (s *server) stop() error {
	if s == nil || s.cmd == nil {
		return nil
	}
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	killed := time.AfterFunc(stopBound, func() { _ = s.cmd.Process.Kill() })
	defer killed.Stop()
	err := s.cmd.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGTERM {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s ended: %w; it said:\n%s", s.name, err, s.said)
	}
	return nil
}

// collect has the server free what it can, and reports whether it knows how to.
func (s *server) collect(ctx context.Context) (bool, error) {
	if s.admin == "" {
		return false, nil
	}
	_, err := s.get(ctx, "/gc")
	return err == nil, err
}

// info is what a server says of itself.
type info struct {
	Goroutines int      `json:"goroutines"`
	HeapBytes  float64  `json:"heap_bytes"`
	Peers      []string `json:"peers"`    // the other nodes that it knows
	Received   float64  `json:"received"` // messages of other nodes
}

func (s *server) info(ctx context.Context) (info, error) {
	data, err := s.get(ctx, "/info")
	if err != nil {
		return info{}, err
	}
	var i info
	return i, json.Unmarshal(data, &i)
}

func (s *server) get(ctx context.Context, action string) ([]byte, error) {
	mount, err := url.Parse(s.url)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, adminBound)
	defer cancel()
	at := "http://" + mount.Host + s.admin + action
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, http.NoBody)
	if err != nil {
		return nil, err
	}
	req.Close = true // a connection kept would be part of what is measured
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }() // it was read, or is of no use
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s; -admin is for servers that have it", at, res.Status)
	}
	return io.ReadAll(res.Body)
}

// A tail is the end of what was written to it. The server's output is written by a goroutine of os/exec.
type tail struct {
	mu   sync.Mutex // guards what follows
	last []byte
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = append(t.last, b...)
	if over := len(t.last) - tailLen; over > 0 {
		t.last = append(t.last[:0], t.last[over:]...)
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.last)
}

// startBare runs the bare loop in a process of its own.
func startBare(ctx context.Context, perBroadcast bool) (*server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	command := []string{self, "bench", "bare"}
	if perBroadcast {
		command = append(command, "-per-broadcast")
	}
	s, err := start(ctx, "/socket", command...)
	if err == nil {
		s.name = "bare loop"
	}
	return s, err
}
