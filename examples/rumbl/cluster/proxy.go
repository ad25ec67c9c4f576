package main

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"sync/atomic"
	"time"
)

// headerWithin is how long a node may take to begin its answer. A long poll
// is answered within 10 s.
const headerWithin = 30 * time.Second

var errNoNode = errors.New("no node is ready")

// newProxy returns a handler that has the nodes answer, each in its turn. It
// says which one did in the header X-Node.
func newProxy(nodes []*node) http.Handler {
	t := &turns{nodes: nodes, transport: &http.Transport{
		DisableKeepAlives:     true, // a request that was not sent is then one whose node could not be dialed
		DisableCompression:    true,
		ResponseHeaderTimeout: headerWithin,
	}}
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme = "http"
			r.Out.Host = r.In.Host // pages come from the host that they send their forms to
			r.SetXForwarded()
		},
		Transport:    t,
		ErrorHandler: refuse,
		ErrorLog:     slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug), // that a node was killed is known
	}
}

func refuse(w http.ResponseWriter, _ *http.Request, err error) {
	if errors.Is(err, errNoNode) {
		w.Header().Set("Retry-After", "1")
		http.Error(w, "no node is ready", http.StatusServiceUnavailable)
		return
	}
	http.Error(w, "the node has failed: "+err.Error(), http.StatusBadGateway)
}

// turns sends each request to the next of the nodes that are ready. One that
// fails is not ready until it answers to [node.watch].
type turns struct {
	nodes     []*node
	transport *http.Transport
	last      atomic.Uint64
}

// RoundTrip implements http.RoundTripper.
func (t *turns) RoundTrip(r *http.Request) (*http.Response, error) {
	var ready []*node
	for _, n := range t.nodes {
		if n.ready.Load() {
			ready = append(ready, n)
		}
	}
	turn := t.last.Add(1)
	for i := range uint64(len(ready)) {
		n := ready[(turn+i)%uint64(len(ready))]
		answer, err := t.transport.RoundTrip(to(n, r))
		if err == nil {
			answer.Header.Set("X-Node", n.name)
			return answer, nil
		}
		if r.Context().Err() != nil { // the client has left
			return nil, err
		}
		n.ready.Store(false)
		if !mayRepeat(r, err) {
			return nil, err
		}
	}
	return nil, errNoNode
}

// to returns the request as it is sent to a node. A body that was not read is
// still there for the next one; the server closes it.
func to(n *node, r *http.Request) *http.Request {
	out := r.Clone(r.Context())
	out.URL.Host = n.addr
	if r.Body != nil {
		out.Body = io.NopCloser(r.Body)
	}
	return out
}

// mayRepeat tells whether a request that failed with err can be tried on
// another node: it did not reach the first, or changes nothing.
func mayRepeat(r *http.Request, err error) bool {
	if failed, ok := errors.AsType[*net.OpError](err); ok && failed.Op == "dial" {
		return true
	}
	return r.Body == nil && (r.Method == http.MethodGet || r.Method == http.MethodHead)
}
