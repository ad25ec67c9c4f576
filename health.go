package roost

import (
	"encoding/json/v2"
	"net/http"

	"github.com/roost-dev/roost/pubsub"
)

// How a server is, for operators and load balancers.

// Info is how a server and its node are.
type Info struct {
	pubsub.Info

	Sockets  int    // open
	Channels int    // conversations
	Slow     uint64 // sockets closed as slow since the server began
	Draining bool   // Shutdown was called
}

// Info tells how this server is. It asks no other node. It looks at each
// socket, so it is not for every request.
func (s *Server[A]) Info() Info {
	s.core.mu.Lock()
	draining := s.core.draining
	s.core.mu.Unlock()
	return Info{
		Info:     s.core.pubsub.Info(),
		Sockets:  s.Sockets(),
		Channels: s.Channels(),
		Slow:     s.Slow(),
		Draining: draining,
	}
}

// health is what the handlers say, as JSON.
type health struct {
	Status    string   `json:"status"`
	Reasons   []string `json:"reasons,omitempty"`
	Node      string   `json:"node,omitempty"`
	Peers     []string `json:"peers,omitempty"`
	Engine    *engine  `json:"engine,omitzero"`
	Sockets   int      `json:"sockets"`
	Topics    int      `json:"topics"`
	Slow      uint64   `json:"slow"`
	Conflicts []string `json:"conflicts,omitempty"`
}

type engine struct {
	Name       string `json:"name"`
	State      string `json:"state"`
	Detail     string `json:"detail,omitempty"`
	Pending    int    `json:"pending"`
	Lost       uint64 `json:"lost"`
	Reconnects uint64 `json:"reconnects"`
}

// The words for a node's status.
const (
	statusOK       = "ok"
	statusDegraded = "degraded" // it serves its own clients; something else is wrong
	statusNotReady = "not ready"
)

// Healthz serves "is it alive": 200 as long as the process can answer, with
// JSON that says how it is. "status" is "ok", or "degraded" if the cluster's
// engine is away or two nodes bear one name, with "reasons". A restart would
// help with neither, so the HTTP status stays 200. It names other nodes:
// serve it where only operators reach it.
func (s *Server[A]) Healthz() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		h, _ := s.health()
		writeHealth(w, http.StatusOK, h)
	})
}

// Readyz serves "may it get clients": 503 before the cluster's engine was
// reached for the first time and from Shutdown on, and 200 else, also while
// the engine is away: were all nodes to refuse clients then, what still works
// would end too. The body is that of [Server.Healthz].
func (s *Server[A]) Readyz() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		h, ready := s.health()
		status := http.StatusOK
		if !ready {
			status, h.Status = http.StatusServiceUnavailable, statusNotReady
		}
		writeHealth(w, status, h)
	})
}

func (s *Server[A]) health() (h health, ready bool) {
	s.core.mu.Lock()
	draining := s.core.draining
	s.core.mu.Unlock()
	info := s.core.pubsub.Info()
	h = health{
		Status: statusOK, Node: info.Node, Conflicts: info.Conflicts,
		Sockets: s.Sockets(), Topics: info.Topics, Slow: s.Slow(),
	}
	for _, m := range info.Members {
		h.Peers = append(h.Peers, m.Name)
	}
	ready = !draining
	if draining {
		h.Reasons = append(h.Reasons, "shutting down")
	}
	if len(info.Conflicts) > 0 {
		h.Status = statusDegraded
		h.Reasons = append(h.Reasons, "several nodes bear one name")
	}
	if info.Node == "" { // alone
		return h, ready
	}
	e := info.Engine
	h.Engine = &engine{e.Engine, e.State.String(), e.Detail, e.Pending, e.Lost, e.Reconnects}
	if e.State != pubsub.StateUp {
		h.Status = statusDegraded
		h.Reasons = append(h.Reasons, "the cluster's engine is "+e.State.String())
	}
	return h, ready && e.State != pubsub.StateConnecting
}

func writeHealth(w http.ResponseWriter, status int, h health) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.MarshalWrite(w, h) // the client is gone
}

// FindSockets implements [pubsub.SocketSource].
func (server *core) FindSockets(q pubsub.SocketQuery, limit int) (count int, list []pubsub.Socket) {
	for _, s := range server.allSockets() {
		if q.ID != "" && q.ID != s.id {
			continue
		}
		var topics []string
		s.mu.Lock()
		fits := q.Topic == "" || s.topics.get(q.Topic) != nil
		if fits && len(list) < limit {
			for c := range s.topics.all() {
				topics = append(topics, c.topic)
			}
		}
		s.mu.Unlock()
		if !fits {
			continue
		}
		count++
		if len(list) < limit {
			list = append(list, pubsub.Socket{ID: s.id, Transport: s.transport, Topics: topics})
		}
	}
	return count, list
}
