//go:build linux

package cluster

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const clusterPort = ":4248"

// newCluster starts three nodes that mesh by themselves and returns them when each hears each.
func newCluster(t testing.TB) (*network, []*node) {
	t.Helper()
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("only these tests use it, and it is long enough"), 0o600); err != nil {
		t.Fatal(err)
	}
	const count = 3
	var peers []string
	for i := range count {
		peers = append(peers, clusterNet+strconv.Itoa(i+1)+clusterPort)
	}
	n := newNetwork(t, count)
	return n, startNodes(t, n, func(i int) []string {
		return []string{"-cluster-listen", peers[i], "-cluster-peers", strings.Join(peers, ","), "-cluster-secret-file", secret}
	})
}

// startNodes starts a node everywhere and returns them when each hears each.
func startNodes(t testing.TB, n *network, flags func(i int) []string) []*node {
	t.Helper()
	var nodes []*node
	for i := range n.nodes {
		nodes = append(nodes, newNode(t, n, i, append([]string{"-node", "r" + strconv.Itoa(i)}, flags(i)...)))
		nodes[i].start()
	}
	began := time.Now()
	meet(t, nodes)
	heard := time.Since(began)
	known := eventually(t, began, healed, func() string { return strangers(nodes) })
	t.Logf("%d nodes heard each other after %v, and knew each other after %v", len(nodes), heard.Round(time.Millisecond), known.Round(time.Millisecond))
	return nodes
}

// strangers names a node that does not know all others.
func strangers(nodes []*node) string {
	for _, nd := range nodes {
		has, err := nd.info()
		if err != nil {
			return err.Error()
		}
		if len(has.Peers) != len(nodes)-1 {
			return fmt.Sprintf("%s knows %v only", nd.name, has.Peers)
		}
	}
	return ""
}

var meetings atomic.Int64

// meet returns when what any node broadcasts reaches all of them.
func meet(t testing.TB, nodes []*node) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	topic := "echo:meeting-" + strconv.FormatInt(meetings.Add(1), 10)
	heard := make(chan string, 1000)
	for _, nd := range nodes {
		s, err := connect(ctx, nd, "")
		if err != nil {
			t.Fatal(err)
		}
		defer s.leave()
		_, err = s.join(ctx, topic, func(event string, _ []byte) { heard <- nd.name + " hears " + event })
		if err != nil {
			t.Fatal(err)
		}
	}
	missing := make(map[string]bool)
	for _, from := range nodes {
		for _, to := range nodes {
			missing[to.name+" hears "+from.name] = true
		}
	}
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for len(missing) > 0 {
		select {
		case m := <-heard:
			delete(missing, m)
		case <-again.C:
			for _, nd := range nodes {
				if _, err := nd.admin(ctx, "broadcast", url.Values{"topic": {topic}, "event": {nd.name}}); err != nil {
					t.Logf("%s cannot be heard yet: %v", nd.name, err)
				}
			}
		case <-ctx.Done():
			t.Fatalf("nodes do not find each other; not seen: %v", missing)
		}
	}
}

// eventually polls until done says nothing is wrong, and returns how long after since that was. What is still wrong when the
// bound has passed fails the test.
func eventually(t testing.TB, since time.Time, bound time.Duration, wrong func() string) time.Duration {
	t.Helper()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		asked := time.Since(since) // what is right now was so when it was asked for
		problem := wrong()
		if problem == "" {
			return time.Since(since)
		}
		if asked > bound {
			t.Errorf("still after %v: %s", asked.Round(time.Millisecond), problem)
			return asked
		}
		select {
		case <-again.C:
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		}
	}
}
