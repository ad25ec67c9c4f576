package main

import (
	"context"
	"encoding/json/v2"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

const secret = "made at random, for this test"

// node is the program.
type node struct {
	config

	stop  func()
	ended chan error
}

// startNodes starts nodes that know of each other, on addresses that differ in the host only, as those of machines do.
func startNodes(t *testing.T, hosts ...string) []*node {
	t.Helper()
	port, operators, cluster := freePort(t), freePort(t), freePort(t)
	var peers []string
	for _, host := range hosts {
		peers = append(peers, net.JoinHostPort(host, cluster))
	}
	var nodes []*node
	for i, host := range hosts {
		ctx, stop := context.WithCancel(context.Background())
		n := &node{
			addr: net.JoinHostPort(host, port), operators: net.JoinHostPort(host, operators), secret: secret,
			node: host, cluster: peers[i], peers: peers, clusterSecret: "of the cluster, for this test",
			stop: stop, ended: make(chan error, 1),
		}
		go func() {
			n.ended <- run(ctx, n.config)
			close(n.ended)
		}()
		t.Cleanup(func() {
			stop()
			<-n.ended
		})
		nodes = append(nodes, n)
	}
	for _, n := range nodes {
		await(t, n.node+" is ready and sees the others", func() bool {
			code, health := n.health("/readyz")
			return code == http.StatusOK && len(health.Peers) == len(hosts)-1
		})
	}
	return nodes
}

// health is what operators are told of a node.
type health struct {
	Status  string   `json:"status"`
	Peers   []string `json:"peers"`
	Sockets int      `json:"sockets"`
}

func (n *node) health(path string) (int, health) {
	answer, err := http.Get("http://" + n.operators + path)
	if err != nil {
		return 0, health{}
	}
	defer answer.Body.Close()
	var h health
	if err := json.UnmarshalRead(answer.Body, &h); err != nil {
		return 0, health{}
	}
	return answer.StatusCode, h
}

// freePort is one where nobody listens.
func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return port
}

func await(t *testing.T, what string, there func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !there(); {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestItSaysWhatIsMissing(t *testing.T) {
	err := run(t.Context(), config{addr: "127.0.0.1:0", operators: "127.0.0.1:0", secret: "short"})
	if err == nil || !strings.Contains(err.Error(), "CHAT_SECRET must have 20 bytes") {
		t.Errorf("got %v", err)
	}
}
