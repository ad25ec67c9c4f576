//go:build linux

// Package rig has what tests of running programs share.
package rig

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// endWithin is how long a program may take to end in good order.
const endWithin = 30 * time.Second

// Seed returns the seed of this run, or the one that is asked for by ROOST_SEED.
func Seed(t testing.TB) uint64 {
	t.Helper()
	if s := os.Getenv("ROOST_SEED"); s != "" {
		seed, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return seed
	}
	return rand.Uint64()
}

// BuildConformance compiles the conformance application into a folder, with the race detector if the calling program has it, and
// returns the path of the program. It is called from a package beside this one.
func BuildConformance(folder string) (string, error) {
	program := filepath.Join(folder, "conformance")
	args := []string{"build", "-o", program}
	if info, ok := debug.ReadBuildInfo(); ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		args = append(args, "-race")
	}
	if out, err := exec.Command("go", append(args, "..")...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return program, nil
}

// A Process is a program that may end and be run again. Its methods are called from one goroutine at a time.
type Process struct {
	// Start starts a command. Default: (*exec.Cmd).Start.
	Start func(*exec.Cmd) error

	// Expected is what errors that the program logs may contain without failing the test.
	Expected []string

	t       testing.TB
	label   string
	command []string

	cmd     *exec.Cmd
	exited  chan struct{} // closed when cmd has ended
	exitErr error         // why, after that
	said    *logBuffer    // by cmd
}

// NewProcess returns a process that is not run yet. It is killed at the end of the test, whose log gets the end of what it said if the test
// has failed.
func NewProcess(t testing.TB, label string, command ...string) *Process {
	p := &Process{Start: (*exec.Cmd).Start, t: t, label: label, command: command}
	t.Cleanup(func() {
		if p.Running() {
			p.Kill()
		}
		if t.Failed() && p.said != nil {
			t.Logf("%s said:\n%s", p.label, p.said.tail())
		}
	})
	return p
}

// Run runs the program.
func (p *Process) Run() {
	p.t.Helper()
	cmd := exec.Command(p.command[0], p.command[1:]...)
	cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0 halt_on_error=1")
	p.said = &logBuffer{}
	cmd.Stdout, cmd.Stderr = p.said, p.said
	// It dies with the thread that starts it, and that with the test.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.Start(cmd); err != nil {
		p.t.Fatalf("start of %s: %v", p.label, err)
	}
	exited := make(chan struct{})
	p.cmd, p.exited = cmd, exited
	go func() { // ends with the process, which ends with the test
		p.exitErr = cmd.Wait()
		close(exited)
	}()
}

// Running reports whether the program was run and has not ended.
func (p *Process) Running() bool {
	if p.exited == nil {
		return false
	}
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// Err is why the program has ended. It is called after that only.
func (p *Process) Err() error { return p.exitErr }

// Said reports whether the program has said this since it was run.
func (p *Process) Said(s string) bool { return bytes.Contains(p.said.all(), []byte(s)) }

// Pause stops the program as SIGSTOP does, and Resume has it go on.
func (p *Process) Pause() { p.t.Helper(); p.signal(syscall.SIGSTOP) }

// Resume ends a Pause.
func (p *Process) Resume() { p.t.Helper(); p.signal(syscall.SIGCONT) }

func (p *Process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Errorf("%v to %s: %v", s, p.label, err)
	}
}

// Kill ends the process without a word, as a crash does. If it has ended by itself before, it has failed.
func (p *Process) Kill() {
	p.t.Helper()
	if !p.Running() {
		p.t.Errorf("%s has ended by itself: %v", p.label, p.exitErr)
		return
	}
	p.signal(os.Kill)
	<-p.exited
	p.review()
}

// Stop ends it as operators do, and fails the test if it does not end well.
func (p *Process) Stop() {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	select {
	case <-p.exited:
		if p.exitErr != nil {
			p.t.Errorf("%s ended with %v; it said:\n%s", p.label, p.exitErr, p.said.tail())
		}
		p.review()
	case <-time.After(endWithin):
		p.t.Errorf("%s did not end within %v of SIGTERM", p.label, endWithin)
		p.signal(syscall.SIGQUIT) // its goroutines show in what it said
		<-p.exited
	}
}

// review fails the test if the program had to complain of what must not happen, whatever happens around it.
func (p *Process) review() {
	p.t.Helper()
	for line := range strings.Lines(string(p.said.all())) {
		complains := strings.Contains(line, "level=ERROR") || strings.Contains(line, "panic")
		if complains && !slices.ContainsFunc(p.Expected, func(s string) bool { return strings.Contains(line, s) }) {
			p.t.Errorf("%s said: %s", p.label, line)
		}
	}
}

// logBuffer keeps what a process says.
type logBuffer struct {
	mu   sync.Mutex // guards what follows
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) all() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return bytes.Clone(b.text.Bytes())
}

// tail returns what was said last.
func (b *logBuffer) tail() []byte {
	const most = 16 << 10
	all := b.all()
	return all[max(0, len(all)-most):]
}
