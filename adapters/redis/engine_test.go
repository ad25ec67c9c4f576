package redis

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"
)

// patience is how long tests wait for what has to happen.
const patience = 20 * time.Second

// program is a server that tests run against.
type program struct {
	name     string
	required bool // else tests are skipped where it is not installed
}

func programs() []program {
	return []program{{"redis-server", true}, {"valkey-server", false}}
}

func (p program) find(t testing.TB) string {
	t.Helper()
	path, err := exec.LookPath(p.name)
	if err != nil {
		if !p.required {
			t.Skipf("no %s is installed", p.name)
		}
		t.Fatalf("no %s: install it, on Debian by apt-get install redis-server, or run tools/need redis-server as root", p.name)
	}
	return path
}

// engine is a running server. It begins again on its port.
type engine struct {
	t       testing.TB
	path    string
	dir     string
	port    int
	args    []string
	process *exec.Cmd
	output  bytes.Buffer
}

func startEngine(t testing.TB, p program, args ...string) *engine {
	t.Helper()
	e := newEngine(t, p, args...)
	e.start()
	return e
}

func newEngine(t testing.TB, p program, args ...string) *engine {
	t.Helper()
	e := &engine{t: t, path: p.find(t), dir: t.TempDir(), port: freePort(t), args: args}
	t.Cleanup(e.kill)
	return e
}

// freePort returns a port that is free, and leaves one free for the cluster's
// own bus, 10000 above, too.
func freePort(t testing.TB) int {
	t.Helper()
	for range 100 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := l.Addr().(*net.TCPAddr).Port
		_ = l.Close()
		if port > 55000 {
			port -= 20000
		}
		if isFree(port) && isFree(port+10000) {
			return port
		}
	}
	t.Fatal("no free port was found")
	return 0
}

func isFree(port int) bool {
	l, err := net.Listen("tcp", address(port))
	if err != nil {
		return false
	}
	return l.Close() == nil
}

func address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

func (e *engine) url() string { return "redis://" + address(e.port) }

// start starts the server and waits until it serves.
func (e *engine) start() {
	e.t.Helper()
	e.output.Reset()
	args := []string{"--port", strconv.Itoa(e.port), "--bind", "127.0.0.1", "--dir", e.dir, "--save", "", "--appendonly", "no"}
	e.process = exec.Command(e.path, append(args, e.args...)...)
	e.process.Stdout, e.process.Stderr = &e.output, &e.output
	e.process.SysProcAttr = endsWithTests()
	if err := e.process.Start(); err != nil {
		e.t.Fatal(err)
	}
	eventually(e.t, "the server serves", func() bool {
		conn, err := net.DialTimeout("tcp", address(e.port), time.Second)
		if err != nil {
			return false
		}
		return conn.Close() == nil
	})
}

// kill ends the server as a crash does.
func (e *engine) kill() {
	if e.process == nil {
		return
	}
	_ = e.process.Process.Kill()
	_ = e.process.Wait()
	e.process = nil
	if e.t.Failed() {
		e.t.Logf("%s on port %d said:\n%s", filepath.Base(e.path), e.port, e.output.String())
	}
}

func (e *engine) signal(s os.Signal) {
	e.t.Helper()
	if err := e.process.Process.Signal(s); err != nil {
		e.t.Fatal(err)
	}
}

// do has a command done, apart from the adapter.
func (e *engine) do(command ...string) *rueidis.RedisMessage {
	e.t.Helper()
	client, err := rueidis.NewClient(rueidis.ClientOption{
		InitAddress: []string{address(e.port)}, ForceSingleClient: true, DisableCache: true,
	})
	if err != nil {
		e.t.Fatal(err)
	}
	defer client.Close()
	answer, err := client.Do(e.t.Context(), client.B().Arbitrary(command...).Build()).ToMessage()
	if err != nil {
		e.t.Fatalf("%s: %v", strings.Join(command, " "), err)
	}
	return &answer
}

func (e *engine) text(command ...string) string {
	e.t.Helper()
	text, err := e.do(command...).ToString()
	if err != nil {
		e.t.Fatal(err)
	}
	return strings.TrimSpace(text)
}

// engines is a cluster.
type engines []*engine

// startCluster starts a cluster of that many primaries, each with as many
// replicas.
func startCluster(t testing.TB, p program, primaries, replicas int) engines {
	t.Helper()
	var all engines
	for range primaries * (1 + replicas) {
		all = append(all, startEngine(t, p,
			"--cluster-enabled", "yes", "--cluster-node-timeout", "1000", "--cluster-require-full-coverage", "no", "--cluster-allow-replica-migration", "no",
			"--repl-diskless-sync-delay", "0"))
	}
	for i, e := range all[:primaries] {
		e.do("CLUSTER", "ADDSLOTSRANGE", strconv.Itoa(i*slotCount/primaries), strconv.Itoa((i+1)*slotCount/primaries-1))
		e.do("CLUSTER", "SET-CONFIG-EPOCH", strconv.Itoa(i+1))
	}
	for _, e := range all[1:] {
		e.do("CLUSTER", "MEET", "127.0.0.1", strconv.Itoa(all[0].port))
	}
	all.wait(len(all))
	for i, e := range all[primaries:] {
		id := all[i%primaries].text("CLUSTER", "MYID")
		eventually(t, "a replica follows its primary", func() bool {
			client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{address(e.port)}, ForceSingleClient: true, DisableCache: true})
			if err != nil {
				return false
			}
			defer client.Close()
			return client.Do(t.Context(), client.B().ClusterReplicate().NodeId(id).Build()).Error() == nil
		})
	}
	for _, e := range all[primaries:] {
		eventually(t, "replicas are linked", func() bool {
			return strings.Contains(e.text("INFO", "replication"), "master_link_status:up")
		})
	}
	all.wait(len(all))
	return all
}

func (all engines) each(f func(e *engine)) {
	for _, e := range all {
		f(e)
	}
}

// wait waits until all know each other and all is served.
func (all engines) wait(nodes int) {
	for _, e := range all {
		e.t.Helper()
		eventually(e.t, "the cluster is well", func() bool {
			info := e.text("CLUSTER", "INFO")
			return strings.Contains(info, "cluster_state:ok") && strings.Contains(info, fmt.Sprintf("cluster_known_nodes:%d\r\n", nodes))
		})
	}
}

// move gives a slot to another primary, with its keys, as redis-cli does. What
// was importing a slot claims it with a new epoch: else the claim of the one
// before may prevail.
func (all engines) move(slot string, from, to *engine, keys ...string) {
	id := to.text("CLUSTER", "MYID")
	to.do("CLUSTER", "SETSLOT", slot, "IMPORTING", from.text("CLUSTER", "MYID"))
	from.do("CLUSTER", "SETSLOT", slot, "MIGRATING", id)
	if len(keys) > 0 {
		from.do(append([]string{"MIGRATE", "127.0.0.1", strconv.Itoa(to.port), "", "0", "5000", "KEYS"}, keys...)...)
	}
	to.do("CLUSTER", "SETSLOT", slot, "NODE", id)
	all.each(func(e *engine) { e.do("CLUSTER", "SETSLOT", slot, "NODE", id) })
}

func (all engines) url() string {
	url := all[0].url() + "?"
	for _, e := range all[1:] {
		url += "addr=" + address(e.port) + "&"
	}
	return strings.TrimRight(url, "?&")
}

func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited for %v in vain: %s", patience, what)
		}
	}
}
