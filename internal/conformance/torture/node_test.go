//go:build linux

package torture

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/roost-dev/roost/internal/conformance/rig"
)

const (
	// startWithin bounds how long a program may take to serve.
	startWithin = 30 * time.Second

	// answerWithin bounds how long it may take to answer. It is longer than an engine is waited for, which may have no leader.
	answerWithin = 30 * time.Second
)

// requests keeps no connections, which a node that stops would wait for.
var requests = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// A node is the conformance application, which comes and goes.
type node struct {
	*rig.Process

	t    *testing.T
	name string
	addr string
}

func newNode(t *testing.T, name string, flags ...string) *node {
	t.Helper()
	addr := freeAddress(t)
	n := &node{t: t, name: name, addr: addr}
	n.Process = rig.NewProcess(t, name, append([]string{program, "-addr", addr, "-node", name}, flags...)...)
	// What conversations say that end so that nothing is lost, or do not begin while the log is away: their clients come back.
	n.Expected = []string{"a conversation ended: ", "what a client missed cannot be read", "the end of a topic's history is not known"}
	return n
}

// awaitReady returns once it may get clients.
func (n *node) awaitReady() {
	n.t.Helper()
	await(n.t, startWithin, n.name+" to serve", func() bool {
		if !n.Running() {
			n.t.Fatalf("%s ended with %v", n.name, n.Err())
		}
		return n.request(n.t.Context(), http.MethodGet, "/readyz", nil) == nil
	})
}

// await waits until a condition holds, and fails the test if it does not.
func await(t *testing.T, bound time.Duration, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(bound)
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for !holds() {
		select {
		case <-again.C:
		case <-deadline:
			t.Fatalf("waited %v in vain for %s", bound, what)
		}
	}
}

// admin has the application do something from outside; see its /admin actions.
func (n *node) admin(ctx context.Context, action string, params url.Values) error {
	return n.request(ctx, http.MethodPost, "/admin/"+action, params) // which is never sent twice
}

func (n *node) request(ctx context.Context, method, uri string, params url.Values) error {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, "http://"+n.addr+uri, strings.NewReader(params.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := requests.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: HTTP status %d: %s", n.name, uri, res.StatusCode, body)
	}
	return err
}

// freeAddress returns an address that nobody listens on, for now.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
