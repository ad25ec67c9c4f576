package replica

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"testing"
)

// node is a replica with what surrounds it: its subscriptions, and a client
// that knows only the changes it was told of.
type node struct {
	*Replica

	t      testing.TB
	wanted map[string]bool
	owned  map[string]bool
	view   map[string]map[NodeID]map[string]Entry // by topic, node and ref
}

func newNode(t testing.TB, id NodeID, opts *Options) *node {
	return &node{
		Replica: New(id, opts),
		t:       t,
		wanted:  make(map[string]bool),
		owned:   make(map[string]bool),
		view:    make(map[string]map[NodeID]map[string]Entry),
	}
}

func (n *node) want(topic string) {
	n.wanted[topic] = true
	n.Want(topic)
}

func (n *node) unwant(topic string) {
	delete(n.wanted, topic)
	delete(n.view, topic)
	n.Unwant(topic)
}

// take does with the output what an owner does, and returns the messages.
func (n *node) take() []Message {
	out := n.Take()
	for i := range out.Changes {
		n.apply(&out.Changes[i])
	}
	for _, topic := range out.Owned {
		n.owned[topic] = true
	}
	for _, topic := range out.Disowned {
		delete(n.owned, topic)
	}
	return out.Messages
}

// apply fails if the change does not fit what was told before.
func (n *node) apply(c *Change) {
	if !n.wanted[c.Topic] {
		n.t.Fatalf("%s was told of %s, which it does not want", n.self, c.Topic)
	}
	topic := n.view[c.Topic]
	if topic == nil {
		topic = make(map[NodeID]map[string]Entry)
		n.view[c.Topic] = topic
	}
	known := topic[c.Node]
	if known == nil {
		known = make(map[string]Entry)
		topic[c.Node] = known
	}
	leave := func(e Entry) {
		if k, ok := known[e.Ref]; !ok || !same(&k, &e) {
			n.t.Fatalf("%s was told that %v left, and knows of %v", n.self, e, known)
		}
		delete(known, e.Ref)
	}
	join := func(e Entry) {
		if _, twice := known[e.Ref]; twice {
			n.t.Fatalf("%s was told twice that %v joined", n.self, e)
		}
		known[e.Ref] = e
	}
	for _, e := range c.Leaves {
		leave(e)
	}
	for _, s := range c.Replaced {
		leave(s.Old)
		join(s.New)
	}
	for _, e := range c.Joins {
		join(e)
	}
	if len(known) == 0 {
		delete(topic, c.Node)
	}
}

// check fails if what was told does not add up to what is held, or something
// is held of a topic that is not wanted.
func (n *node) check() {
	told, held := 0, 0
	for _, topic := range n.view {
		for _, known := range topic {
			told += len(known)
		}
	}
	for id, p := range n.peers {
		for _, h := range p.held {
			topic := h.want.topic
			if !n.wanted[topic] {
				n.t.Fatalf("%s holds %v of %s, which it does not want", n.self, h.roster.entries(), topic)
			}
			held += h.roster.len()
			for m := range h.roster.order.after(0) {
				if known, ok := n.view[topic][id][m.Ref]; !ok || !same(&known, &m.Entry) {
					n.t.Fatalf("%s holds of %s on %s %v, and was told %v", n.self, id, topic, m.Entry, known)
				}
			}
		}
	}
	if told != held || held != n.Stats().HeldEntries {
		n.t.Fatalf("%s holds %d entries, counts %d and was told of %d", n.self, held, n.Stats().HeldEntries, told)
	}
}

func same(a, b *Entry) bool {
	return a.Ref == b.Ref && a.PrevRef == b.PrevRef && a.Key == b.Key && bytes.Equal(a.Meta, b.Meta)
}

// lab is some nodes with a perfect engine between them, but for what a test
// does to it.
type lab struct {
	t     testing.TB
	nodes []*node
	lose  func(from, to NodeID, m Message) bool
	sent  []Message // since the last call of sentSince
}

type envelope struct {
	from    NodeID
	to      *node
	payload []byte
}

func newLab(t testing.TB, opts *Options, ids ...NodeID) *lab {
	l := &lab{t: t}
	for _, id := range ids {
		l.nodes = append(l.nodes, newNode(t, id, opts))
	}
	for _, n := range l.nodes {
		for _, id := range ids {
			n.Up(id)
		}
	}
	l.run()
	return l
}

func (l *lab) node(id NodeID) *node {
	return l.nodes[slices.IndexFunc(l.nodes, func(n *node) bool { return n.self == id })]
}

// run delivers messages until there are none.
func (l *lab) run() {
	for busy := true; busy; {
		busy = false
		var mail []envelope
		for _, n := range l.nodes {
			for _, m := range n.take() {
				l.sent = append(l.sent, m)
				mail = append(mail, l.route(n, m)...)
			}
		}
		for _, e := range mail {
			busy = true
			l.deliver(e)
		}
	}
	for _, n := range l.nodes {
		n.check()
	}
}

func (l *lab) deliver(e envelope) {
	if err := e.to.Receive(e.from, e.payload); err != nil {
		l.t.Fatal(err)
	}
}

// route returns who gets a message. A sender gets its own where it subscribes.
func (l *lab) route(from *node, m Message) []envelope {
	var mail []envelope
	for _, to := range receivers(l.nodes, m) {
		if l.lose == nil || !l.lose(from.self, to.self, m) {
			mail = append(mail, envelope{from.self, to, m.Payload})
		}
	}
	return mail
}

func receivers(nodes []*node, m Message) []*node {
	var all []*node
	for _, n := range nodes {
		switch {
		case m.To == Watchers && n.wanted[m.Topic], m.To == Owners && n.owned[m.Topic], m.To == ToNode && n.self == m.Node:
			all = append(all, n)
		}
	}
	return all
}

// tick lets a digest period pass.
func (l *lab) tick() {
	for _, n := range l.nodes {
		n.Tick()
	}
	l.run()
}

// count returns how many messages of a kind were sent since it was last
// called, and forgets all.
func (l *lab) count(kind byte) int {
	n := 0
	for _, m := range l.sent {
		if m.Payload[1] == kind {
			n++
		}
	}
	l.sent = nil
	return n
}

// sees fails if what a node holds on a topic is not these refs, in their
// order, by node.
func (l *lab) sees(id NodeID, topic string, want map[NodeID]string) {
	l.t.Helper()
	got := make(map[NodeID]string)
	for of, entries := range l.node(id).Held(topic) {
		for _, e := range entries {
			got[of] += e.Ref
		}
	}
	if !maps.Equal(got, want) {
		l.t.Errorf("%s sees on %s %v, want %v", id, topic, got, want)
	}
}

func entry(ref string) Entry {
	return Entry{Ref: ref, Key: "user " + ref, Meta: fmt.Appendf(nil, `{"phx_ref":%q}`, ref)}
}

func deltas(_, _ NodeID, m Message) bool { return m.Payload[1] == kindDelta }

func everything(_, _ NodeID, _ Message) bool { return true }
