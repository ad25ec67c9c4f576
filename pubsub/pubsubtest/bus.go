// Package pubsubtest has what tests of adapters need: the suite that every
// [pubsub.Adapter] has to pass, and an in-memory network of several nodes in
// one process.
package pubsubtest

import (
	"bytes"
	"context"
	"errors"
	"sync"

	"github.com/roost-dev/roost/pubsub"
)

// ErrNotRunning is returned for what is published through a [Node] that was
// not started yet or has been closed.
var ErrNotRunning = errors.New("pubsubtest: the node is not running")

// inboxSize is the number of envelopes that wait for a node. Whoever
// publishes to a node with a full inbox waits.
const inboxSize = 1024

// Bus is a network of nodes in one process that loses nothing and keeps the
// order of each sender. Its zero value is ready for use.
type Bus struct {
	mu     sync.RWMutex              // guards wanted
	wanted map[string]map[*Node]bool // by subject
}

// Node is a [Bus] as one node sees it: the adapter of one PubSub.
type Node struct {
	bus     *Bus
	inbox   chan *pubsub.Envelope
	closing chan struct{}
	closed  chan struct{} // its goroutine has ended

	mu    sync.Mutex // guards phase
	phase phase
}

type phase uint8

const (
	fresh phase = iota
	running
	over
)

var _ pubsub.Adapter = (*Node)(nil)

// Node adds a node to the network.
func (b *Bus) Node() *Node {
	return &Node{
		bus:     b,
		inbox:   make(chan *pubsub.Envelope, inboxSize),
		closing: make(chan struct{}),
		closed:  make(chan struct{}),
	}
}

// Start begins to deliver. It fails if it was called before.
func (n *Node) Start(r pubsub.Receiver) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.phase != fresh {
		return errors.New("pubsubtest: the node was started before")
	}
	n.phase = running
	go n.deliver(r)
	return nil
}

func (n *Node) deliver(r pubsub.Receiver) {
	defer close(n.closed)
	for {
		select {
		case <-n.closing:
			return
		case e := <-n.inbox:
			r.Receive(e)
		}
	}
}

// Interest takes effect before it returns.
func (n *Node) Interest(subject string, wanted bool) {
	if !n.isRunning() {
		return // subscriptions outlive the node
	}
	n.bus.mu.Lock()
	defer n.bus.mu.Unlock()
	if !wanted {
		delete(n.bus.wanted[subject], n)
		if len(n.bus.wanted[subject]) == 0 {
			delete(n.bus.wanted, subject)
		}
		return
	}
	if n.bus.wanted == nil {
		n.bus.wanted = make(map[string]map[*Node]bool)
	}
	if n.bus.wanted[subject] == nil {
		n.bus.wanted[subject] = make(map[*Node]bool)
	}
	n.bus.wanted[subject][n] = true
}

// Publish puts a copy of e into the inbox of each interested node. While one
// is full it waits for room, for the node's end or for ctx to end.
func (n *Node) Publish(ctx context.Context, e *pubsub.Envelope) error {
	if !n.isRunning() {
		return ErrNotRunning
	}
	for _, other := range n.bus.interested(e.Subject, n) {
		copied := *e
		copied.Payload = bytes.Clone(e.Payload) // nodes share no memory
		select {
		case other.inbox <- &copied:
		case <-other.closing:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// Settle has nothing to wait for.
func (n *Node) Settle(context.Context) error {
	if !n.isRunning() {
		return ErrNotRunning
	}
	return nil
}

// Health is up from Start to Close.
func (n *Node) Health() pubsub.Health {
	n.mu.Lock()
	defer n.mu.Unlock()
	states := map[phase]pubsub.State{fresh: pubsub.StateConnecting, running: pubsub.StateUp, over: pubsub.StateClosed}
	return pubsub.Health{State: states[n.phase], Engine: "memory"}
}

// Close takes the node out of the network.
func (n *Node) Close(ctx context.Context) error {
	if !n.stop() {
		close(n.closed) // nothing was ever started
	}
	n.bus.remove(n)
	select {
	case <-n.closed:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (n *Node) isRunning() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.phase == running
}

// stop tells the node's goroutine to end, and reports whether there was one.
func (n *Node) stop() (started bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	before := n.phase
	n.phase = over
	if before != over {
		close(n.closing)
	}
	return before != fresh
}

func (b *Bus) interested(subject string, but *Node) []*Node {
	b.mu.RLock()
	defer b.mu.RUnlock()
	var nodes []*Node
	for n := range b.wanted[subject] {
		if n != but {
			nodes = append(nodes, n)
		}
	}
	return nodes
}

func (b *Bus) remove(n *Node) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for subject, nodes := range b.wanted {
		delete(nodes, n)
		if len(nodes) == 0 {
			delete(b.wanted, subject)
		}
	}
}
