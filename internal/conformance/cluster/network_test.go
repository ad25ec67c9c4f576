//go:build linux

package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/roost-dev/roost/internal/conformance/rig"
)

// A network is what the nodes of a test stand in: each has a network namespace of its own with two links into that of the hub,
// one for the cluster, which faults touch, and one for clients, which they do not. Clients and engines are in the hub.
// Addresses are the same in every network, since networks do not see each other.
type network struct {
	t     testing.TB
	hub   *namespace
	nodes []*namespace
}

const (
	clusterNet = "10.0.1." // + the node's number, from 1
	clientNet  = "10.0.2."
	hubHost    = "254"
)

var networks atomic.Int32 // made by this process

// namePrefix begins the names of all namespaces; the id of the process that made them follows.
const namePrefix = "roost-test-"

func newNetwork(t testing.TB, nodes int) *network {
	t.Helper()
	name := fmt.Sprintf("%s%d-%d-", namePrefix, os.Getpid(), networks.Add(1))
	n := &network{t: t, hub: newNamespace(t, name+"hub")}
	for _, bridge := range []string{"cluster", "client"} {
		n.ip(n.hub, "link", "add", bridge, "type", "bridge")
		n.ip(n.hub, "link", "set", bridge, "up")
	}
	n.ip(n.hub, "addr", "add", clusterNet+hubHost+"/24", "dev", "cluster")
	n.ip(n.hub, "addr", "add", clientNet+hubHost+"/24", "dev", "client")
	for i := range nodes {
		ns := newNamespace(t, name+strconv.Itoa(i))
		n.nodes = append(n.nodes, ns)
		for _, link := range []string{"cluster", "client"} {
			port := link + strconv.Itoa(i)
			n.ip(n.hub, "link", "add", port, "type", "veth", "peer", "name", link, "netns", ns.name)
			n.ip(n.hub, "link", "set", port, "master", link, "up")
			n.ip(ns, "link", "set", link, "up")
		}
		host := strconv.Itoa(i + 1)
		n.ip(ns, "addr", "add", clusterNet+host+"/24", "dev", "cluster")
		n.ip(ns, "addr", "add", clientNet+host+"/24", "dev", "client")
	}
	return n
}

func (n *network) ip(in *namespace, args ...string) {
	n.t.Helper()
	if out, err := exec.Command("ip", append([]string{"-n", in.name}, args...)...).CombinedOutput(); err != nil {
		n.t.Fatalf("ip %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// cut unplugs a node from the cluster, as if its cable were drawn, and plug ends that.
func (n *network) cut(node int)  { n.ip(n.hub, "link", "set", "cluster"+strconv.Itoa(node), "down") }
func (n *network) plug(node int) { n.ip(n.hub, "link", "set", "cluster"+strconv.Itoa(node), "up") }

// lose drops some of what the cluster sends to a node, but nothing of what the node sends; loseNothing ends that.
func (n *network) lose(node, percent int) {
	n.nft(node, "add table inet fault")
	n.nft(node, "add chain inet fault in { type filter hook input priority 0; }")
	n.nft(node, fmt.Sprintf("add rule inet fault in iifname cluster numgen random mod 100 < %d counter drop", percent))
}

// loseNothing returns how many packets were lost, as nft says it.
func (n *network) loseNothing(node int) string {
	lost := n.nft(node, "list chain inet fault in")
	n.nft(node, "delete table inet fault")
	_, lost, _ = strings.Cut(lost, "counter ")
	lost, _, _ = strings.Cut(lost, " drop")
	return lost
}

func (n *network) nft(node int, command string) (out string) {
	n.t.Helper()
	n.nodes[node].do(func() {
		b, err := exec.Command("nft", command).CombinedOutput()
		if out = string(b); err != nil {
			n.t.Errorf("nft %s: %v\n%s", command, err, b)
		}
	})
	return out
}

// dial connects from the hub.
func (n *network) dial(ctx context.Context, addr string) (conn net.Conn, err error) {
	n.hub.do(func() { conn, err = (&net.Dialer{}).DialContext(ctx, "tcp4", addr) })
	return conn, err
}

// A namespace is a network namespace, and a thread that is in it. What the thread makes belongs there: sockets for as
// long as they live, and processes.
type namespace struct {
	name string
	jobs chan func()
	left chan struct{} // closed when the thread is gone
}

func newNamespace(t testing.TB, name string) *namespace {
	t.Helper()
	ns := &namespace{name: name, jobs: make(chan func()), left: make(chan struct{})}
	if out, err := exec.Command("ip", "netns", "add", name).CombinedOutput(); err != nil {
		t.Fatalf("ip netns add: %v\n%s", err, out)
	}
	entered := make(chan error)
	go ns.live(entered)
	err := <-entered
	t.Cleanup(func() {
		close(ns.jobs)
		<-ns.left
		if err := removeNamespace(name); err != nil {
			t.Error(err)
		}
	})
	if err == nil {
		err = exec.Command("ip", "-n", name, "link", "set", "lo", "up").Run()
	}
	if err != nil {
		t.Fatalf("network namespace %s: %v", name, err)
	}
	return ns
}

// live is the thread. It ends with the goroutine, since that never unlocks it.
func (ns *namespace) live(entered chan<- error) {
	defer close(ns.left)
	runtime.LockOSThread()
	fd, err := unix.Open("/run/netns/"+ns.name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err == nil {
		err = errors.Join(unix.Setns(fd, unix.CLONE_NEWNET), unix.Close(fd))
	}
	entered <- err
	for job := range ns.jobs {
		job()
	}
}

// do runs f on the thread.
func (ns *namespace) do(f func()) {
	done := make(chan struct{})
	ns.jobs <- func() {
		defer close(done)
		f()
	}
	<-done
}

// process returns a program that runs there.
func (ns *namespace) process(t testing.TB, label string, command ...string) *rig.Process {
	p := rig.NewProcess(t, label, command...)
	p.Start = func(cmd *exec.Cmd) (err error) {
		ns.do(func() { err = cmd.Start() })
		return err
	}
	return p
}

func removeNamespace(name string) error {
	if out, err := exec.Command("ip", "netns", "delete", name).CombinedOutput(); err != nil {
		return fmt.Errorf("ip netns delete %s: %w\n%s", name, err, out)
	}
	return nil
}

// removeStale removes what test processes left that were killed, with the nodes that still run in it.
func removeStale() error {
	entries, err := os.ReadDir("/run/netns")
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	errs := []error{err}
	for _, e := range entries {
		rest, ours := strings.CutPrefix(e.Name(), namePrefix)
		maker, _, _ := strings.Cut(rest, "-")
		if _, err := os.Readlink("/proc/" + maker + "/exe"); !ours || err == nil { // a zombie has none
			continue
		}
		pids, err := exec.Command("ip", "netns", "pids", e.Name()).Output()
		errs = append(errs, err)
		for pid := range strings.FieldsSeq(string(pids)) {
			if pid, err := strconv.Atoi(pid); err == nil {
				errs = append(errs, unix.Kill(pid, unix.SIGKILL))
			}
		}
		errs = append(errs, removeNamespace(e.Name()))
	}
	return errors.Join(errs...)
}
