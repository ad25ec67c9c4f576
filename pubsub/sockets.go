package pubsub

import (
	"context"
	"encoding/json/v2"
	"fmt"
	"slices"

	"github.com/roost-dev/roost/internal/cluster"
)

// Socket is one client's connection, as operators see it.
type Socket struct {
	Node      string   `json:"node"`         // the name of the node that holds it; empty without an adapter
	ID        string   `json:"id,omitempty"` // as the server's options named it
	Transport string   `json:"transport"`
	Topics    []string `json:"topics,omitempty"` // of its conversations, in no order
}

// SocketQuery says which sockets are meant: those that fit all that is set.
type SocketQuery struct {
	ID    string `json:"id,omitempty"`    // with this id. Default: any
	Topic string `json:"topic,omitempty"` // with a conversation on this topic. Default: any

	// Limit is how many sockets are listed at most; all are counted. Default
	// 100, at most 10,000; negative: they are only counted.
	Limit int `json:"limit,omitempty"`
}

// Sockets is what a [PubSub.Sockets] found.
type Sockets struct {
	Count int      // sockets that fit, on all nodes that answered
	List  []Socket // some of them, if there are more than Limit or than 512 KiB for a node

	// Missing is the names of nodes that did not answer in time. Their
	// sockets are in neither Count nor List.
	Missing []string
}

// SocketSource is what holds sockets: a server. It is asked from any goroutine.
type SocketSource interface {
	// FindSockets returns how many sockets fit the query, and at most limit of
	// them. It need not set Node.
	FindSockets(q SocketQuery, limit int) (count int, list []Socket)
}

const (
	defaultSocketLimit = 100
	maxSocketLimit     = 10_000

	// maxSocketBytes bounds the list in one node's answer.
	maxSocketBytes = 512 << 10
)

// socketService is the name under which nodes ask each other.
const socketService = "sockets"

// AddSockets makes the sockets of a server known to [PubSub.Sockets], until
// remove is called. Servers do this by themselves.
func (ps *PubSub) AddSockets(s SocketSource) (remove func()) {
	ps.sourcesMu.Lock()
	defer ps.sourcesMu.Unlock()
	ps.sources = append(slices.Clone(ps.sources), s)
	return func() {
		ps.sourcesMu.Lock()
		defer ps.sourcesMu.Unlock()
		ps.sources = slices.DeleteFunc(slices.Clone(ps.sources), func(other SocketSource) bool { return other == s })
	}
}

// Sockets counts and lists the sockets of all servers on all nodes. It waits
// for the other nodes until ctx ends, so give that a deadline; what did not
// answer is in [Sockets].Missing. Every node looks at each of its sockets: it
// is for operators, not for every request.
func (ps *PubSub) Sockets(ctx context.Context, q *SocketQuery) (*Sockets, error) {
	if q == nil {
		q = &SocketQuery{}
	}
	if q.Limit > maxSocketLimit {
		return nil, fmt.Errorf("pubsub: a limit of %d sockets is over the bound of %d; ask for an id or a topic", q.Limit, maxSocketLimit)
	}
	limit := q.limit()
	own := ps.ownSockets(*q)
	found := &Sockets{Count: own.Count, List: own.List}
	if ps.cluster == nil {
		return found, nil
	}
	request, err := json.Marshal(*q)
	if err != nil {
		return nil, fmt.Errorf("pubsub: sockets: %w", err)
	}
	for _, a := range ps.cluster.Gather(ctx, socketService, request) {
		var theirs socketAnswer
		if a.Err != nil || json.Unmarshal(a.Body, &theirs) != nil {
			found.Missing = append(found.Missing, a.Member.Name)
			continue
		}
		found.Count += theirs.Count
		found.List = append(found.List, theirs.List...)
	}
	found.List = found.List[:min(len(found.List), limit)]
	return found, nil
}

func (q *SocketQuery) limit() int {
	switch {
	case q.Limit == 0:
		return defaultSocketLimit
	case q.Limit < 0:
		return 0
	}
	return min(q.Limit, maxSocketLimit)
}

type socketAnswer struct {
	Count int      `json:"count"`
	List  []Socket `json:"list,omitempty"`
}

// ownSockets looks on this node.
func (ps *PubSub) ownSockets(q SocketQuery) socketAnswer {
	ps.sourcesMu.Lock()
	sources := ps.sources
	ps.sourcesMu.Unlock()
	var answer socketAnswer
	for _, s := range sources {
		count, list := s.FindSockets(q, q.limit()-len(answer.List))
		answer.Count += count
		answer.List = append(answer.List, list...)
	}
	node := ps.node()
	size := 0
	for i := range answer.List {
		s := &answer.List[i]
		s.Node = node
		size += 64 + len(s.Node) + len(s.ID)
		for _, t := range s.Topics {
			size += len(t) + 3
		}
		if size > maxSocketBytes {
			answer.List = answer.List[:i]
			break
		}
	}
	return answer
}

func (ps *PubSub) node() string {
	if ps.cluster == nil {
		return ""
	}
	return ps.cluster.Self().Name
}

// answerSockets answers another node.
func (ps *PubSub) answerSockets(_ context.Context, _ cluster.ID, body []byte) ([]byte, error) {
	var q SocketQuery
	if err := json.Unmarshal(body, &q); err != nil {
		return nil, err
	}
	return json.Marshal(ps.ownSockets(q))
}
