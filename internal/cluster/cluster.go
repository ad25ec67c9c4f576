// Package cluster makes nodes out of what only carries messages: it knows
// which nodes there are, and lets them talk to each other.
//
// A node is one run of a process, its incarnation: it has a random id, and its
// name is only a label for people. Each node says every quarter of a lease
// that it lives. One that is not heard for a lease is taken for dead, and for
// alive again when it is heard: nothing is decided for good, and nobody has to
// agree with anybody.
//
// Nodes send each other messages, which may be lost, and calls, which are
// answered or fail. Services are told apart by name.
package cluster

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// ID names one run of a node.
type ID string

// Bus is what a cluster needs of an engine. All methods may be called from
// any goroutine; Interest does not block, and Settle returns once what was
// said by it holds.
type Bus interface {
	Interest(subject string, wanted bool)
	Settle(ctx context.Context) error
	Publish(ctx context.Context, subject string, payload []byte) error
}

// Options configures a [Cluster]. The zero value has all defaults.
type Options struct {
	// Name is what people call this node. Default: its id.
	Name string

	// Lease is how long a node may be silent before others take it for dead.
	// Default 4 s.
	Lease time.Duration

	// Logger takes what an operator should know. Default slog.Default().
	Logger *slog.Logger
}

const defaultLease = 4 * time.Second

// everybody is the subject that all nodes want.
const everybody = "c"

func nodeSubject(id ID) string { return "n:" + string(id) }

// Cluster is one node's view of all nodes. All methods may be called from any
// goroutine.
type Cluster struct {
	self   Member
	bus    Bus
	lease  time.Duration
	logger *slog.Logger
	calls  calls

	ctx    context.Context // ends with the node
	cancel context.CancelFunc
	tasks  sync.WaitGroup
	wake   chan struct{} // has the loop look at what is due

	mu        sync.Mutex // guards what follows
	began     time.Time  // when this node began to listen, or did so again
	members   map[ID]*member
	watchers  []*watcher
	greet     []ID          // new members that are owed a heartbeat
	arrivals  chan struct{} // closed and made anew when a member comes
	messages  map[string]func(from ID, body []byte)
	functions map[string]Function
	leaving   time.Duration // the grace, once this node is about to stop; -1 before
	closed    bool
}

// Function answers calls. It runs on a goroutine of its own and may block; ctx
// ends when the caller gives up. The error's text goes to the caller.
type Function func(ctx context.Context, from ID, body []byte) ([]byte, error)

// New makes the node known as soon as [Cluster.Start] is called.
func New(bus Bus, opts *Options) *Cluster {
	if opts == nil {
		opts = &Options{}
	}
	id := ID(rand.Text()[:16])
	c := &Cluster{
		self:      Member{ID: id, Name: strings.ToValidUTF8(opts.Name, "\uFFFD")}, // it travels in JSON
		bus:       bus,
		lease:     opts.Lease,
		logger:    opts.Logger,
		wake:      make(chan struct{}, 1),
		members:   make(map[ID]*member),
		arrivals:  make(chan struct{}),
		messages:  make(map[string]func(ID, []byte)),
		functions: make(map[string]Function),
		leaving:   -1,
	}
	if c.self.Name == "" {
		c.self.Name = string(id)
	}
	if c.lease <= 0 {
		c.lease = defaultLease
	}
	if c.logger == nil {
		c.logger = slog.Default()
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c
}

// Start begins to speak. The engine must take interest by now.
func (c *Cluster) Start() {
	now := time.Now()
	c.mu.Lock()
	c.began = now
	c.mu.Unlock()
	c.self.Since = now
	c.bus.Interest(everybody, true)
	c.bus.Interest(nodeSubject(c.self.ID), true)
	c.tasks.Go(c.loop)
}

// Self returns this node.
func (c *Cluster) Self() Member { return c.self }

// Lease returns how long a node may be silent.
func (c *Cluster) Lease() time.Duration { return c.lease }

// Handle has f called with what other nodes send to a service. f is called on
// the engine's goroutine, in each sender's order for one subject, and must not
// block. What comes before Handle is called is lost.
func (c *Cluster) Handle(service string, f func(from ID, body []byte)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.messages[service] != nil {
		panic(fmt.Sprintf("cluster: service %q is handled twice on one node", service))
	}
	c.messages[service] = f
}

// Unhandle ends what Handle began.
func (c *Cluster) Unhandle(service string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.messages, service)
}

// Interest says whether this node wants what is published on a subject. Calls
// for one subject must come in order.
func (c *Cluster) Interest(subject string, wanted bool) { c.bus.Interest(subject, wanted) }

// Publish sends body to a service of all other nodes that want subject.
func (c *Cluster) Publish(ctx context.Context, subject, service string, body []byte) error {
	return c.bus.Publish(ctx, subject, frame{op: opMessage, from: c.self.ID, service: service, body: body}.encode())
}

// Send sends body to a service of one node. It may be lost.
func (c *Cluster) Send(ctx context.Context, to ID, service string, body []byte) error {
	return c.Publish(ctx, nodeSubject(to), service, body)
}

// Receive takes what came from another node. It does not block.
func (c *Cluster) Receive(payload []byte) {
	f, err := decodeFrame(payload)
	if err != nil {
		c.logger.Warn("cluster: message of another node not understood", "error", err)
		return
	}
	switch f.op {
	case opHeartbeat:
		c.heard(f)
	case opGoodbye:
		c.goodbye(f)
	case opMessage:
		c.mu.Lock()
		c.spoke(f.from)
		handle := c.messages[f.service]
		c.mu.Unlock()
		if handle != nil { // a newer release may have more services
			handle(f.from, f.body)
		}
	case opCall:
		c.serve(f)
	case opAnswer, opFailure, opUnserved:
		c.calls.answer(f)
	case opCancel:
		c.calls.cancelServing(f)
	}
}

// Recovered says that the engine was away: it tells the others at once that
// this node lives.
func (c *Cluster) Recovered() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	c.began = time.Now()
	c.forgive(c.began, c.lease/8) // who could be heard no sooner is heard soon
	c.greet = append(c.greet, "")
	c.emit(Event{Kind: Recovered})
}

// Leave tells the others that this node is about to stop, and that they
// should keep what they know of it for that long after it is gone, since its
// users will be back elsewhere.
func (c *Cluster) Leave(ctx context.Context, grace time.Duration) error {
	c.mu.Lock()
	c.leaving = max(grace, 0)
	c.mu.Unlock()
	return c.bus.Publish(ctx, everybody, c.heartbeat())
}

// Leaving reports whether Leave was called.
func (c *Cluster) Leaving() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.leaving >= 0
}

// Close says goodbye, ends all calls and waits for what runs until ctx ends.
func (c *Cluster) Close(ctx context.Context) error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil
	}
	c.closed = true
	c.mu.Unlock()
	c.cancel()
	c.calls.close()
	err := c.bus.Publish(ctx, everybody, c.introduce(opGoodbye))
	done := make(chan struct{})
	go func() { // ends with the functions that run
		c.tasks.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		err = errors.Join(err, fmt.Errorf("cluster: a call of another node is still being answered: %w", context.Cause(ctx)))
	}
	if err != nil {
		return fmt.Errorf("cluster: goodbye: %w", err)
	}
	return nil
}

func (c *Cluster) rouse() {
	select {
	case c.wake <- struct{}{}:
	default: // it will look anyway
	}
}
