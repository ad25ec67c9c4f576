package pubsubtest

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/roost-dev/roost/pubsub"
)

// Link is what happens to envelopes on their way from one node to another.
// The zero value is a good link.
type Link struct {
	Loss   float64       // the share that is lost, 0 to 1
	Repeat float64       // the share that arrives twice
	Delay  time.Duration // how long each takes at least
	Jitter time.Duration // how much longer it may take

	// Reorder lets envelopes on one subject overtake each other, by as much
	// as Jitter. Without it only those on different subjects do, which the
	// contract of adapters allows.
	Reorder bool
}

// way is a direction between two nodes, by number.
type way struct{ from, to int }

type route struct {
	Link

	own    bool // it was set for this way alone
	random *rand.Rand
}

// SetLink makes one direction between two nodes as l says.
func (b *Bus) SetLink(from, to *Node, l Link) {
	b.mu.Lock()
	defer b.mu.Unlock()
	known := b.route(way{from.number, to.number})
	known.Link, known.own = l, true
}

// SetLinks makes all directions between all nodes as l says, also those of
// nodes to come and those that SetLink was called for.
func (b *Bus) SetLinks(l Link) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.usual = l
	for _, known := range b.routes {
		known.own = false
	}
}

// route is called with mu held.
func (b *Bus) route(w way) *route {
	known := b.routes[w]
	if known == nil {
		if b.routes == nil {
			b.routes = make(map[way]*route)
		}
		known = &route{random: rand.New(rand.NewPCG(b.Seed, uint64(w.from)<<32|uint64(w.to)))}
		b.routes[w] = known
	}
	if !known.own {
		known.Link = b.usual
	}
	return known
}

// Partition splits the network: nodes of different sides do not reach each
// other, in neither direction, and nobody tells them. Nodes that are named on
// no side are on one more side together, so Partition([]*Node{n}) cuts off n
// alone. It replaces the partition before. What is on its way still arrives.
func (b *Bus) Partition(sides ...[]*Node) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sides = make(map[*Node]int)
	for i, side := range sides {
		for _, n := range side {
			b.sides[n] = i + 1
		}
	}
}

// Heal ends a partition. Links stay as they are.
func (b *Bus) Heal() { b.Partition() }

// fate decides what happens to one envelope: it arrives once for each delay.
func (b *Bus) fate(from, to *Node) (Link, []time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.route(way{from.number, to.number})
	if b.sides[from] != b.sides[to] || l.Loss > 0 && l.random.Float64() < l.Loss {
		return l.Link, nil
	}
	times := 1
	if l.Repeat > 0 && l.random.Float64() < l.Repeat {
		times = 2
	}
	delays := make([]time.Duration, times)
	for i := range delays {
		delays[i] = l.Delay
		if l.Jitter > 0 {
			delays[i] += time.Duration(l.random.Int64N(int64(l.Jitter) + 1))
		}
	}
	return l.Link, delays
}

// Pause stops the node as SIGSTOP stops a process: it delivers nothing, and
// Publish and Settle do not return, even if their context ends, until Resume
// or Close. What it is sent waits in its inbox; what does not fit is lost.
func (n *Node) Pause() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.resumed == nil {
		n.resumed = make(chan struct{})
	}
}

// Resume ends a pause.
func (n *Node) Resume() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.resumed != nil {
		close(n.resumed)
		n.resumed = nil
	}
	n.rouse()
}

func (n *Node) isPaused() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.resumed != nil
}

// bufferBytes bounds what a node keeps while its engine is away.
const bufferBytes = 1 << 20

// engine is what a node knows of its engine.
type engine struct {
	access     access
	met        bool // it was there once
	buffer     []*pubsub.Envelope
	buffered   int // bytes
	flushing   bool
	lost       uint64
	reconnects uint64
}

type access uint8

const (
	there     access = iota
	away             // nothing goes out or comes in
	returning        // what is buffered goes out first
)

// EngineAway takes the engine away from some nodes, or from all that there are
// if none is named. They know: what they publish waits in a buffer of 1 MiB
// each, and Publish fails with [pubsub.ErrUnavailable] once it is full; Settle
// fails at once. What others send them, or have on its way to them, is lost.
func (b *Bus) EngineAway(nodes ...*Node) {
	for _, n := range b.orAll(nodes) {
		n.mu.Lock()
		n.access = away
		kept := n.arrivals[:0]
		for _, a := range n.arrivals {
			if a.envelope != nil && a.due.After(time.Now()) {
				n.release(a)
				continue
			}
			kept = append(kept, a)
		}
		clear(n.arrivals[len(kept):])
		n.arrivals = kept
		n.mu.Unlock()
	}
}

// EngineBack gives the engine back to some nodes, or to all that there are if
// none is named. All of them hear each other again before any of them sends
// what it has buffered. Their receivers learn that the engine was away.
func (b *Bus) EngineBack(nodes ...*Node) {
	nodes = b.orAll(nodes)
	for _, n := range nodes {
		n.welcome()
	}
	for _, n := range nodes {
		n.mu.Lock()
		if n.access == returning && !n.flushing && n.phase == running {
			n.flushing = true
			n.tasks.Go(n.flush)
		}
		n.mu.Unlock()
	}
}

func (b *Bus) orAll(nodes []*Node) []*Node {
	if len(nodes) > 0 {
		return nodes
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return append(nodes, b.nodes...)
}

// welcome has a node hear others again.
func (n *Node) welcome() {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case n.access != away:
		return
	case n.phase != running:
		n.access = there
		return
	}
	n.access = returning
	if n.met {
		n.reconnects++
		n.put(arrival{due: time.Now()})
		n.rouse()
	}
	n.met = true
}

// flush sends what is buffered. What is published meanwhile waits behind it.
func (n *Node) flush() {
	for {
		if n.awake() != nil {
			return
		}
		n.mu.Lock()
		if n.access == away || len(n.buffer) == 0 {
			if n.access == returning {
				n.access = there
			}
			n.flushing = false
			n.mu.Unlock()
			return
		}
		e := n.buffer[0]
		n.buffer = n.buffer[1:]
		n.buffered -= size(e)
		n.mu.Unlock()
		if n.send(n.ctx, e) != nil {
			return // closed
		}
	}
}

// keep buffers an envelope while the engine is away, and reports whether it
// did.
func (n *Node) keep(e *pubsub.Envelope) (kept bool, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.access == there {
		return false, nil
	}
	if n.buffered+size(e) > bufferBytes {
		n.lost++
		return false, fmt.Errorf("pubsubtest: the buffer of %d bytes is full: %w", bufferBytes, pubsub.ErrUnavailable)
	}
	n.buffered += size(e)
	n.buffer = append(n.buffer, e)
	return true, nil
}

func size(e *pubsub.Envelope) int {
	const overhead = 64 // so that empty ones are bounded too
	return overhead + len(e.Subject) + len(e.Topic) + len(e.Event) + len(e.ID) + len(e.Reason) + len(e.Payload)
}

// Health is up from Start to Close, but for when the engine is away.
func (n *Node) Health() pubsub.Health {
	n.mu.Lock()
	defer n.mu.Unlock()
	h := pubsub.Health{Engine: "memory", Pending: len(n.buffer), Lost: n.lost, Reconnects: n.reconnects}
	switch {
	case n.phase == over:
		h.State = pubsub.StateClosed
	case n.phase == running && n.access == there:
		h.State = pubsub.StateUp
	case n.met:
		h.State, h.Detail = pubsub.StateDegraded, "the engine is away"
	default:
		h.State = pubsub.StateConnecting
	}
	return h
}
