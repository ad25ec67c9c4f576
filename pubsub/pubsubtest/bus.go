// Package pubsubtest has what tests of adapters need: the suites that every
// [pubsub.Adapter] has to pass, and an in-memory network of several nodes in
// one process, as good or as bad as a test wants it.
package pubsubtest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/roost-dev/roost/history"
	"github.com/roost-dev/roost/pubsub"
)

// ErrNotRunning is returned for what is published through a [Node] that was
// not started yet or has been closed.
var ErrNotRunning = errors.New("pubsubtest: the node is not running")

// Bus is a network of nodes in one process. By itself it loses nothing and
// keeps the order of each sender. Faults are given to it by SetLink, SetLinks,
// Partition and EngineAway, and to a node by Pause; they may come and go at
// any time, from any goroutine. All that takes time goes by package time, so
// in a bubble of testing/synctest it costs none.
//
// Its zero value is ready for use. The fields are set before it is used.
type Bus struct {
	// Seed decides what is lost, repeated and delayed. Each link has a
	// sequence of its own, so what happens on one depends only on what was
	// sent on it before.
	Seed uint64

	// Lag is how long other nodes do not know of a new interest. Settle waits
	// for it. Zero: an interest takes effect before Interest returns.
	Lag time.Duration

	appending sync.Mutex // held over an append to the log and its sending; taken before mu

	mu     sync.Mutex // guards what follows; taken before no other
	rules  *history.Rules
	log    *history.Memory
	made   int
	nodes  []*Node
	wanted map[string]map[*Node]time.Time // by subject; from when on
	routes map[way]*route
	usual  Link          // of ways that are not in routes
	sides  map[*Node]int // of a partition; 0 if not in it
}

// Node adds a node to the network.
func (b *Bus) Node() *Node {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.made++
	n := &Node{
		bus:    b,
		number: b.made,
		slots:  make(chan struct{}, inboxSize),
		signal: make(chan struct{}, 1),
		last:   make(map[lane]time.Time),
	}
	n.ctx, n.cancel = context.WithCancel(context.Background())
	b.nodes = append(b.nodes, n)
	return n
}

// interested returns who gets what a node publishes, in the order in which
// they were made.
func (b *Bus) interested(subject string, but *Node) []*Node {
	b.mu.Lock()
	defer b.mu.Unlock()
	var nodes []*Node
	for n, since := range b.wanted[subject] {
		if n != but && (b.Lag == 0 || !since.After(time.Now())) {
			nodes = append(nodes, n)
		}
	}
	slices.SortFunc(nodes, func(a, b *Node) int { return cmp.Compare(a.number, b.number) })
	return nodes
}

// want notes an interest, and returns from when on others know of it.
func (b *Bus) want(n *Node, subject string) time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.wanted == nil {
		b.wanted = make(map[string]map[*Node]time.Time)
	}
	if b.wanted[subject] == nil {
		b.wanted[subject] = make(map[*Node]time.Time)
	}
	since := time.Now().Add(b.Lag)
	b.wanted[subject][n] = since
	return since
}

func (b *Bus) unwant(n *Node, subject string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.wanted[subject], n)
	if len(b.wanted[subject]) == 0 {
		delete(b.wanted, subject)
	}
}

func (b *Bus) remove(n *Node) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.nodes = slices.DeleteFunc(b.nodes, func(other *Node) bool { return other == n })
	delete(b.sides, n)
	for subject, nodes := range b.wanted {
		delete(nodes, n)
		if len(nodes) == 0 {
			delete(b.wanted, subject)
		}
	}
}

// Node is a [Bus] as one node sees it: the adapter of one PubSub.
type Node struct {
	bus    *Bus
	number int
	ctx    context.Context // ends with the node
	cancel context.CancelFunc
	tasks  sync.WaitGroup
	slots  chan struct{} // holds a token for each envelope in the inbox
	signal chan struct{} // has the goroutine of deliver look again

	mu      sync.Mutex // guards what follows
	phase   phase
	resumed chan struct{} // closed by Resume; nil if the node is not paused
	settled time.Time     // when others know of all that it wants
	inbox                 // what came, and what is on its way
	engine                // what the node knows of its engine
}

type phase uint8

const (
	fresh phase = iota
	running
	over
)

var _ pubsub.Adapter = (*Node)(nil)

// Start begins to deliver. It fails if it was called before.
func (n *Node) Start(r pubsub.Receiver) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.phase != fresh {
		return errors.New("pubsubtest: the node was started before")
	}
	n.phase = running
	n.met = n.access == there
	n.tasks.Go(func() { n.deliver(r) })
	return nil
}

// Interest implements [pubsub.Adapter]. See [Bus.Lag] for when it takes
// effect; that a node no longer wants a subject does at once.
func (n *Node) Interest(subject string, wanted bool) {
	if !n.isRunning() {
		return // subscriptions outlive the node
	}
	if !wanted {
		n.bus.unwant(n, subject)
		return
	}
	since := n.bus.want(n, subject)
	n.mu.Lock()
	defer n.mu.Unlock()
	if since.After(n.settled) {
		n.settled = since
	}
}

// Publish puts a copy of e into the inbox of each interested node. While one
// is full it waits for room, for the node's end or for ctx to end.
func (n *Node) Publish(ctx context.Context, e *pubsub.Envelope) error {
	if err := n.awake(); err != nil {
		return err
	}
	copied := *e
	copied.Payload = bytes.Clone(e.Payload)
	if kept, err := n.keep(&copied); kept || err != nil {
		return err
	}
	return n.send(ctx, &copied)
}

func (n *Node) send(ctx context.Context, e *pubsub.Envelope) error {
	for _, to := range n.bus.interested(e.Subject, n) {
		l, delays := n.bus.fate(n, to)
		for _, delay := range delays {
			copied := *e
			copied.Payload = bytes.Clone(e.Payload) // nodes share no memory
			if err := to.accept(ctx, lane{n, e.Subject}, &copied, delay, l.Reorder); err != nil {
				return err
			}
		}
	}
	return nil
}

// Settle waits for [Bus.Lag].
func (n *Node) Settle(ctx context.Context) error {
	if err := n.awake(); err != nil {
		return err
	}
	n.mu.Lock()
	access, left := n.access, time.Until(n.settled)
	n.mu.Unlock()
	switch {
	case access != there:
		return pubsub.ErrUnavailable
	case n.bus.Lag == 0 || left <= 0:
		return nil
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-n.ctx.Done():
		return ErrNotRunning
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Close takes the node out of the network; what is in its inbox is lost. For
// the other nodes a Close of only the adapter is a crash: no goodbye was said.
func (n *Node) Close(ctx context.Context) error {
	n.mu.Lock()
	n.phase = over
	n.mu.Unlock()
	n.cancel()
	n.bus.remove(n)
	closed := make(chan struct{})
	go func() { // ends with the receiver's last call
		n.tasks.Wait()
		close(closed)
	}()
	select {
	case <-closed:
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

// awake waits while the node is paused, and fails if it does not run.
func (n *Node) awake() error {
	for {
		n.mu.Lock()
		phase, resumed := n.phase, n.resumed
		n.mu.Unlock()
		switch {
		case phase != running:
			return ErrNotRunning
		case resumed == nil:
			return nil
		}
		select {
		case <-resumed:
		case <-n.ctx.Done():
		}
	}
}

func (n *Node) rouse() {
	select {
	case n.signal <- struct{}{}:
	default: // it will look anyway
	}
}
