package presence

import (
	"bytes"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"time"

	"github.com/roost-dev/roost/presence/replica"
)

// remote is what other nodes have on a topic, while this one wants it. Its
// presences are in the topic's state among those of this node: what becomes
// of either is told by the same sender.
type remote[M any] struct {
	items map[string]*item[M] // by ref
	opens time.Time           // before it clients are told nothing, unless the replicator opens the topic
}

// apply puts changes of other nodes into the state of their topics. Those of
// one topic are told together.
func (p *Presence[M]) apply(changes []replica.Change) {
	topics := make(map[string]bool)
	for i := range changes {
		c := &changes[i]
		if t := p.find(c.Topic); t != nil {
			t.apply(c.Leaves, p.arrivals(c))
			topics[c.Topic] = true
		}
	}
	for topic := range topics {
		p.announce(topic)
	}
}

// arrival is a presence that is new here.
type arrival[M any] struct {
	replica.Entry

	old   string // the ref that it takes the place of, if any
	value M
}

// arrivals decodes the metas that a change brings, while no lock is held.
func (p *Presence[M]) arrivals(c *replica.Change) []arrival[M] {
	arrivals := make([]arrival[M], 0, len(c.Replaced)+len(c.Joins))
	add := func(old string, e replica.Entry) {
		if value, ok := p.decodeMeta(c.Node, &e); ok {
			arrivals = append(arrivals, arrival[M]{e, old, value})
		}
	}
	for _, r := range c.Replaced {
		add(r.Old.Ref, r.New)
	}
	for _, e := range c.Joins {
		add("", e)
	}
	return arrivals
}

// decodeMeta decodes what another node encoded. What is no M, since the other
// node runs another release, is shown to clients all the same, with a zero
// value here; it reports false only for what clients could not read.
func (p *Presence[M]) decodeMeta(node replica.NodeID, e *replica.Entry) (value M, ok bool) {
	err := json.Unmarshal(e.Meta, &value)
	ok = checkKey(e.Key) == nil && bytes.HasPrefix(e.Meta, []byte{'{'}) && bytes.HasSuffix(e.Meta, []byte{'}'})
	if err == nil {
		return value, ok
	}
	var zero M
	ok = ok && jsontext.Value(e.Meta).IsValid()
	p.replicator.misfit.Do(func() {
		p.opts.Logger.Error("presence: a meta of another node does not decode here; do all nodes run the same release? Logged once",
			"node", node, "shown", ok, "error", err)
	})
	return zero, ok
}

// apply takes what one node has changed.
func (t *topic[M]) apply(leaves []replica.Entry, arrivals []arrival[M]) {
	t.mu.Lock()
	defer t.unlock()
	if t.remote == nil {
		return // nobody wants it any more
	}
	items := t.remote.items
	for _, e := range leaves {
		if it := items[e.Ref]; it != nil {
			delete(items, e.Ref)
			t.state.remove(it)
		}
	}
	for i := range arrivals {
		a := &arrivals[i]
		if items[a.Ref] != nil {
			continue
		}
		old := items[a.old]
		if old == nil {
			it := t.returning(a)
			items[it.Ref] = it
			t.state.add(it)
			continue
		}
		a.PrevRef = t.state.lastTold(old)
		it := a.item()
		delete(items, a.old)
		items[it.Ref] = it
		t.state.replace(old, it)
	}
}

// returning returns the item of an arrival: the old one if it has left
// without anybody having been told, since clients have it as that was.
func (t *topic[M]) returning(a *arrival[M]) *item[M] {
	if it := t.state.pending.leaves[a.Ref]; it != nil {
		return it
	}
	return a.item()
}

func (a *arrival[M]) item() *item[M] {
	return &item[M]{
		Ref:     a.Ref,
		PrevRef: a.PrevRef,
		Value:   a.value,
		key:     a.Key,
		encoded: withRefs(a.Meta, a.Ref, a.PrevRef),
	}
}

// elsewhere returns the items of other nodes, by ref.
func (t *topic[M]) elsewhere() map[string]*item[M] {
	if t.remote == nil {
		return nil
	}
	return t.remote.items
}

// release drops what other nodes have if nobody is left on this one who could
// be told of it, and reports whether it did.
func (t *topic[M]) release() bool {
	t.mu.Lock()
	defer t.unlock()
	if t.remote == nil || len(t.sessions) > 0 {
		return false
	}
	if t.sender != idle {
		t.p.replicator.vacate(t.name) // until the next time
		return false
	}
	t.remote, t.state, t.extras = nil, state[M]{}, nil // nothing else is left in it
	t.encoded, t.encodedVersion = nil, 0
	return true
}
