package nats

import (
	"fmt"
	"net"
	"os/exec"
	"testing"
	"time"
)

// patience is how long tests wait for what has to happen.
const patience = 20 * time.Second

// engine is a NATS server that begins again on its port.
type engine struct {
	path    string
	port    int
	args    []string
	process *exec.Cmd
}

// newEngine finds the server; it is not running yet. It ends with the test.
func newEngine(t testing.TB, args ...string) *engine {
	t.Helper()
	path, err := exec.LookPath("nats-server")
	if err != nil {
		path, err = exec.LookPath("/usr/sbin/nats-server") // where Debian has it
	}
	if err != nil {
		t.Fatal("no nats-server: install it, on Debian by apt-get install nats-server, or run tools/need nats-server as root")
	}
	e := &engine{path: path, port: freePort(t), args: args}
	t.Cleanup(e.kill)
	return e
}

func startEngine(t testing.TB, args ...string) *engine {
	t.Helper()
	e := newEngine(t, args...)
	e.start(t)
	return e
}

func (e *engine) url() string { return "nats://" + e.address() }

func (e *engine) address() string { return fmt.Sprintf("127.0.0.1:%d", e.port) }

// start returns when the server takes connections.
func (e *engine) start(t testing.TB) {
	t.Helper()
	e.process = exec.Command(e.path, append([]string{"-a", "127.0.0.1", "-p", fmt.Sprint(e.port)}, e.args...)...)
	if err := e.process.Start(); err != nil {
		t.Fatal(err)
	}
	await(t, "the server takes connections", func() bool {
		conn, err := net.Dial("tcp", e.address())
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
}

// kill ends the server as a crash does.
func (e *engine) kill() {
	if e.process != nil {
		_ = e.process.Process.Kill()
		_ = e.process.Wait()
		e.process = nil
	}
}

// await polls until a condition holds.
func await(t testing.TB, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it does not come about that %s", what)
		}
	}
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
