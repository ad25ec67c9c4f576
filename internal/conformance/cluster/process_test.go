//go:build linux

package cluster

import (
	"bytes"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A process is a program in a namespace, which may end and be run again.
type process struct {
	t       testing.TB
	label   string
	in      *namespace
	command []string

	cmd     *exec.Cmd
	exited  chan struct{} // closed when cmd has ended
	exitErr error         // why, after that
	said    *logBuffer    // by cmd
}

func newProcess(t testing.TB, label string, in *namespace, command ...string) *process {
	p := &process{t: t, label: label, in: in, command: command}
	t.Cleanup(func() {
		if p.running() {
			p.kill()
		}
		if t.Failed() && p.said != nil {
			t.Logf("%s said:\n%s", p.label, p.said.tail())
		}
	})
	return p
}

func (p *process) run() {
	p.t.Helper()
	cmd := exec.Command(p.command[0], p.command[1:]...)
	cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0 halt_on_error=1")
	p.said = &logBuffer{}
	cmd.Stdout, cmd.Stderr = p.said, p.said
	// It dies with the thread that starts it, and that with the test.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var err error
	p.in.do(func() { err = cmd.Start() })
	if err != nil {
		p.t.Fatalf("start of %s: %v", p.label, err)
	}
	exited := make(chan struct{})
	p.cmd, p.exited = cmd, exited
	go func() { // ends with the process, which ends with the test
		p.exitErr = cmd.Wait()
		close(exited)
	}()
}

func (p *process) running() bool {
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

func (p *process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Errorf("%v to %s: %v", s, p.label, err)
	}
}

func (p *process) pause()  { p.signal(syscall.SIGSTOP) }
func (p *process) resume() { p.signal(syscall.SIGCONT) }

// kill ends the process without a word, as a crash does. If it has ended by itself before, it has failed.
func (p *process) kill() {
	p.t.Helper()
	if !p.running() {
		p.t.Errorf("%s has ended by itself: %v", p.label, p.exitErr)
		return
	}
	p.signal(os.Kill)
	<-p.exited
	p.review()
}

// review fails the test if the process had to complain of what must not happen, whatever happens around it.
func (p *process) review() {
	p.t.Helper()
	for line := range bytes.Lines(p.said.all()) {
		if bytes.Contains(line, []byte("level=ERROR")) || bytes.Contains(line, []byte("panic")) {
			p.t.Errorf("%s said: %s", p.label, line)
		}
	}
}

// stop ends it as operators do, and fails the test if it does not end well.
func (p *process) stop() {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	select {
	case <-p.exited:
		if p.exitErr != nil {
			p.t.Errorf("%s ended with %v", p.label, p.exitErr)
		}
		p.review()
	case <-time.After(3 * patience):
		p.t.Errorf("%s did not end within %v of SIGTERM", p.label, 3*patience)
		p.signal(syscall.SIGQUIT) // its goroutines show in what it said
		<-p.exited
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

func (b *logBuffer) contain(s string) bool { return bytes.Contains(b.all(), []byte(s)) }

// tail returns what was said last.
func (b *logBuffer) tail() []byte {
	const most = 16 << 10
	all := b.all()
	return all[max(0, len(all)-most):]
}
