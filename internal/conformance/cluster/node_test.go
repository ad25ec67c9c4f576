//go:build linux

package cluster

import (
	"context"
	"encoding/json/v2"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/roost-dev/roost/internal/conformance/rig"
)

// patience bounds what should be answered soon. It fails a test and measures nothing.
const patience = 10 * time.Second

// A node is a place for the conformance application, which may come and go.
type node struct {
	*rig.Process

	t     testing.TB
	net   *network
	index int
	name  string
	http  *http.Client
}

func newNode(t testing.TB, n *network, index int, flags []string) *node {
	nd := &node{t: t, net: n, index: index, name: "r" + strconv.Itoa(index)}
	nd.Process = n.nodes[index].process(t, nd.name, append([]string{program, "-addr", nd.addr()}, flags...)...)
	transport := &http.Transport{
		DialContext:         func(ctx context.Context, _, addr string) (net.Conn, error) { return n.dial(ctx, addr) },
		MaxIdleConnsPerHost: 100,
	}
	nd.http = &http.Client{Transport: transport}
	t.Cleanup(transport.CloseIdleConnections)
	return nd
}

// addr is where clients find the node.
func (nd *node) addr() string { return clientNet + strconv.Itoa(nd.index+1) + ":4000" }

// start runs the application and returns once it serves clients.
func (nd *node) start() {
	nd.t.Helper()
	nd.Run()
	eventually(nd.t, time.Now(), patience, func() string {
		if !nd.Running() {
			nd.t.Fatalf("%s ended with %v", nd.name, nd.Err())
		}
		if !nd.Said("listening on") {
			return nd.name + " does not listen"
		}
		return ""
	})
}

// ready reports whether the node says that it may get clients.
func (nd *node) ready(ctx context.Context) bool {
	_, err := nd.get(ctx, "/readyz")
	return err == nil
}

// admin has the application do something from outside; see its /admin actions.
func (nd *node) admin(ctx context.Context, action string, params url.Values) ([]byte, error) {
	return nd.get(ctx, "/admin/"+action+"?"+params.Encode())
}

func (nd *node) get(ctx context.Context, uri string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+nd.addr()+uri, nil)
	if err != nil {
		return nil, err
	}
	res, err := nd.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: HTTP status %d: %s", nd.name, uri, res.StatusCode, body)
	}
	return body, err
}

// info is what a node says of itself.
type info struct {
	Sockets  int      `json:"sockets"`
	Channels int      `json:"channels"`
	Peers    []string `json:"peers"`
}

func (nd *node) info() (i info, err error) {
	body, err := nd.admin(nd.t.Context(), "info", nil)
	if err == nil {
		err = json.Unmarshal(body, &i)
	}
	return i, err
}
