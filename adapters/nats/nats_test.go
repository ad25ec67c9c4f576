package nats

import (
	"fmt"
	"net"
	"os/exec"
	"testing"
	"time"

	"github.com/roost-dev/roost/pubsub"
	"github.com/roost-dev/roost/pubsub/pubsubtest"
)

// startServer runs Debian's NATS server until stop is called or the test ends.
func startServer(t testing.TB, port int, args ...string) (stop func()) {
	t.Helper()
	path, err := exec.LookPath("nats-server")
	if err != nil {
		path = "/usr/sbin/nats-server" // where Debian puts it
	}
	cmd := exec.Command(path, append([]string{"-a", "127.0.0.1", "-p", fmt.Sprint(port)}, args...)...)
	if err := cmd.Start(); err != nil {
		t.Fatalf("no NATS server: %v. Install nats-server (on Debian, as root: apt-get install nats-server)", err)
	}
	stopped := false
	stop = func() {
		if !stopped {
			stopped = true
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	}
	t.Cleanup(stop)
	for deadline := time.Now().Add(10 * time.Second); ; {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			conn.Close()
			return stop
		}
		if time.Now().After(deadline) {
			t.Fatalf("the NATS server does not answer: %v", err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func itoa(i int) string { return fmt.Sprint(i) }

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func TestNodesOnOneServer(t *testing.T) {
	port := freePort(t)
	startServer(t, port)
	networks := 0
	pubsubtest.Run(t, func(_ *testing.T, nodes int) []pubsub.Adapter {
		networks++ // of one server, told apart by their names
		adapters := make([]pubsub.Adapter, nodes)
		for i := range adapters {
			adapters[i] = New(fmt.Sprintf("nats://127.0.0.1:%d", port), &Options{Namespace: fmt.Sprintf("test%d", networks)})
		}
		return adapters
	})
}
