//go:build linux

package cluster

import (
	"os/exec"
	"testing"
	"time"

	"github.com/roost-dev/roost/internal/conformance/rig"
)

// TestEmbedded runs what must be so over the engine that Roost brings.
func TestEmbedded(t *testing.T) {
	t.Parallel()
	_, nodes := newCluster(t)
	testMessages(t, nodes)
	t.Run("operators can ask any node", func(t *testing.T) { testOperators(t, nodes) })
	t.Run("sessions end with their node", func(t *testing.T) { testDeadOwners(t, nodes) })
}

// An engine is a server that nodes may talk over, which stands in the hub.
type engine struct {
	need    string   // what tools/need calls it
	command []string // to run it
	flag    string   // of the nodes
	url     string
}

var (
	natsServer = engine{
		need:    "nats-server",
		command: []string{"nats-server", "-a", clusterNet + hubHost, "-p", "4222"},
		flag:    "-nats-url", url: "nats://" + clusterNet + hubHost + ":4222",
	}
	redisServer = engine{
		need:    "redis-server",
		command: []string{"redis-server", "--bind", clusterNet + hubHost, "--port", "6379", "--protected-mode", "no", "--save", ""},
		flag:    "-redis-url", url: "redis://" + clusterNet + hubHost + ":6379",
	}
)

// newEngineCluster starts three nodes over an engine.
func newEngineCluster(t *testing.T, e engine) (n *network, nodes []*node, server *rig.Process) {
	t.Helper()
	path, err := exec.LookPath(e.command[0])
	if err != nil {
		t.Fatalf("%v; tools/need %s installs it on Debian", err, e.need)
	}
	n = newNetwork(t, 3)
	server = n.hub.process(t, e.command[0], append([]string{path}, e.command[1:]...)...)
	server.Run()
	return n, startNodes(t, n, func(int) []string { return []string{e.flag, e.url} }), server
}

func TestNATS(t *testing.T) {
	t.Parallel()
	testEngine(t, natsServer)
}

func TestRedis(t *testing.T) {
	t.Parallel()
	testEngine(t, redisServer)
}

// testEngine takes an engine away and gives it back, and runs what must be so over it.
func testEngine(t *testing.T, e engine) {
	n, nodes, server := newEngineCluster(t, e)
	tr := newTrial(t, n, nodes)
	away := time.Second
	if soak {
		away = 20 * time.Second
	}
	tr.run(t, "the engine crashes and comes back", func() {
		tr.fault(server.Kill, nodes, away, true, func() {
			tr.felt(nodes)
			server.Run()
		})
	})
	if soak {
		tr.allFaults(t)
	}
	tr.report(t)
	testMessages(t, nodes)
}
