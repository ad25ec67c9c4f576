package presence

import (
	"context"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"

	"github.com/roost-dev/roost/internal/cluster"
	"github.com/roost-dev/roost/presence/replica"
)

// Listing is what the nodes of a cluster say of a topic.
type Listing[M any] struct {
	// Count is the number of presences on all nodes that answered: metas, not
	// keys, since a key may be on several nodes.
	Count int

	// List is who they are, by key and without Extra; not all of them, if
	// there are more than were asked for or than 512 KiB of a node.
	List map[string]Entry[M]

	// Missing is the names of nodes that did not answer in time. Their
	// presences are in neither Count nor List.
	Missing []string
}

const (
	defaultListLimit = 100
	maxListLimit     = 10_000

	// maxListBytes bounds the list in one node's answer.
	maxListBytes = 512 << 10
)

type listRequest struct {
	Topic string `json:"topic"`
	Limit int    `json:"limit"`
}

type listAnswer struct {
	Count int          `json:"count"`
	List  []listedMeta `json:"list,omitempty"`
}

type listedMeta struct {
	Key     string         `json:"key"`
	Ref     string         `json:"ref"`
	PrevRef string         `json:"prev_ref,omitempty"`
	Meta    jsontext.Value `json:"meta"`
}

// ListAll asks all nodes who is present on a topic, whether this one wants the
// topic or not, and waits for them until ctx ends, so give that a deadline;
// what did not answer is in [Listing].Missing. All presences are counted, and
// at most limit of them are listed: 0 stands for 100, a negative one for none,
// and one over 10,000 is an error. It is for operators and for nodes without
// interest; [Presence.List] costs no messages.
func (p *Presence[M]) ListAll(ctx context.Context, topic string, limit int) (*Listing[M], error) {
	switch {
	case limit > maxListLimit:
		return nil, fmt.Errorf("presence: a limit of %d presences is over the bound of %d", limit, maxListLimit)
	case limit == 0:
		limit = defaultListLimit
	case limit < 0:
		limit = 0
	}
	q := listRequest{Topic: topic, Limit: limit}
	l := &Listing[M]{List: make(map[string]Entry[M])}
	room := p.merge(l, p.listOwn(q), limit, "")
	if p.replicator == nil {
		return l, nil
	}
	body, err := json.Marshal(q)
	if err != nil {
		return nil, fmt.Errorf("presence: topic: %w", err)
	}
	for _, a := range p.replicator.cluster.Gather(ctx, p.replicator.service, body) {
		var theirs listAnswer
		if a.Err != nil || json.Unmarshal(a.Body, &theirs) != nil {
			l.Missing = append(l.Missing, a.Member.Name)
			continue
		}
		room = p.merge(l, theirs, room, a.Member.ID)
	}
	return l, nil
}

// merge adds a node's answer, with no more presences than there is room for,
// and returns how much room is left.
func (p *Presence[M]) merge(l *Listing[M], a listAnswer, room int, from cluster.ID) int {
	l.Count += a.Count
	for _, m := range a.List[:min(len(a.List), room)] {
		value, ok := p.decodeMeta(replica.NodeID(from), &replica.Entry{Key: m.Key, Meta: m.Meta})
		if !ok {
			continue
		}
		e := l.List[m.Key]
		e.Metas = append(e.Metas, Meta[M]{Ref: m.Ref, PrevRef: m.PrevRef, Value: value})
		l.List[m.Key] = e
		room--
	}
	return room
}

// listOwn lists what this node itself has on a topic, oldest key first.
func (p *Presence[M]) listOwn(q listRequest) listAnswer {
	var a listAnswer
	t := p.find(q.Topic)
	if t == nil {
		return a
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	a.Count = t.state.metas - len(t.elsewhere())
	size := 0
	for it := range t.state.items() {
		if t.elsewhere()[it.Ref] != nil {
			continue
		}
		size += len(it.encoded) + len(it.key) + len(`{"key":"","ref":"","prev_ref":"","meta":},`)
		if len(a.List) >= q.Limit || size > maxListBytes {
			break
		}
		a.List = append(a.List, listedMeta{it.key, it.Ref, it.PrevRef, withoutRefs(it.encoded, it.Ref, it.PrevRef)})
	}
	return a
}

// answerList answers another node.
func (p *Presence[M]) answerList(_ context.Context, _ cluster.ID, body []byte) ([]byte, error) {
	var q listRequest
	if err := json.Unmarshal(body, &q); err != nil {
		return nil, err
	}
	return json.Marshal(p.listOwn(q))
}
