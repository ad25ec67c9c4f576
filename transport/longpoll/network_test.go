package longpoll

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// network joins handlers in one process. It loses what a test wants lost.
type network struct {
	apps    []app
	serving sync.WaitGroup

	mu     sync.Mutex // guards what follows
	nodes  map[string]*member
	fault  func(q request) fault // nil: none
	served []request             // what was asked, without bodies
}

// fault is what becomes of one call.
type fault uint8

const (
	none       fault = iota
	lost             // the other side hears nothing, and the caller neither
	unanswered       // the other side does it, and the caller hears nothing
	dies             // as lost, but the caller learns that the other side is gone
	diesAfter        // as unanswered, but the caller learns that the other side is gone
	refused          // the caller gets an error at once
)

// member is one handler in the network, the [Peers] of it.
type member struct {
	network *network
	name    string
	h       *Handler
	alive   context.Context
	kill    context.CancelFunc
}

// join makes n handlers, each with an app.
func join(n int, cfg Config) (*network, []*Handler) {
	net := &network{nodes: map[string]*member{}}
	var handlers []*Handler
	for i := range n {
		alive, kill := context.WithCancel(context.Background())
		m := &member{network: net, name: fmt.Sprint("node.", i), alive: alive, kill: kill}
		cfg.Peers = m
		h, a := newHandler(cfg)
		m.h = h
		net.nodes[m.name] = m
		net.apps = append(net.apps, a)
		handlers = append(handlers, h)
	}
	return net, handlers
}

func (m *member) Self() string { return m.name }

func (m *member) Call(ctx context.Context, address string, asked []byte) ([]byte, error) {
	if len(asked) > 300_000 {
		panic(fmt.Sprintf("asked with %d bytes", len(asked)))
	}
	q, err := decodeRequest(asked)
	if err != nil {
		panic(err)
	}
	to, f := m.network.route(address, q)
	switch {
	case to == nil || f == dies:
		return nil, fmt.Errorf("%w: %s", ErrGone, address)
	case f == refused:
		return nil, fmt.Errorf("%s cannot be reached", address)
	case f == lost:
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}
	serving, cancel := context.WithCancel(to.alive)
	stop := context.AfterFunc(ctx, cancel)
	type result struct {
		answer []byte
		err    error
	}
	done := make(chan result, 1)
	m.network.serving.Go(func() {
		defer cancel()
		defer stop()
		var r result
		defer func() {
			if p := recover(); p != nil {
				r.err = fmt.Errorf("panic: %v", p)
			}
			done <- r
		}()
		r.answer, r.err = to.h.ServePeer(serving, slices.Clone(asked))
		if r.err != nil {
			r.err = errors.New(r.err.Error()) // only its text gets through
		}
	})
	if f == unanswered {
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}
	select {
	case r := <-done:
		if f == diesAfter {
			return nil, fmt.Errorf("%w: %s", ErrGone, address)
		}
		if len(r.answer) > 300_000 {
			panic(fmt.Sprintf("answered with %d bytes", len(r.answer)))
		}
		return r.answer, r.err
	case <-to.alive.Done():
		return nil, fmt.Errorf("%w: %s", ErrGone, address)
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (n *network) route(address string, q request) (*member, fault) {
	n.mu.Lock()
	defer n.mu.Unlock()
	q.body = nil
	n.served = append(n.served, q)
	f := none
	if n.fault != nil {
		f = n.fault(q)
	}
	return n.nodes[address], f
}

// fail has every next call become what fault says, until the test says else.
func (n *network) fail(f func(q request) fault) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.fault = f
}

// ops returns what calls of an op there were.
func (n *network) ops(op string) (all []request) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, q := range n.served {
		if q.Op == op {
			all = append(all, q)
		}
	}
	return all
}

// on is a fault of all calls of one op.
func on(op string, f fault) func(request) fault {
	return func(q request) fault {
		if q.Op == op {
			return f
		}
		return none
	}
}

// kill ends a node: nobody hears of it any more.
func (n *network) kill(i int) {
	name := fmt.Sprint("node.", i)
	n.mu.Lock()
	m := n.nodes[name]
	delete(n.nodes, name)
	n.mu.Unlock()
	m.kill()
}

// inTurn is what stands in front of nodes and knows nothing of sessions.
type inTurn struct {
	handlers []*Handler
	requests atomic.Int64
}

func (b *inTurn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := int(b.requests.Add(1)) % len(b.handlers)
	b.handlers[n].ServeHTTP(w, r)
}

// next polls as the clients of Phoenix do: with the token of the last answer.
func (c *client) next() answer {
	a := c.poll()
	c.token = a.Token
	return a
}

// at is the same client, who reaches one node.
func (c *client) at(h *Handler) *client { return &client{t: c.t, h: h, token: c.token} }

// nodes runs test in virtual time on three nodes, with a session on the first.
// c reaches them in turn.
func nodes(t *testing.T, cfg Config, test func(t *testing.T, n *network, h []*Handler, c *client, s *socket)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n, handlers := join(3, cfg)
		c, s := connect(t, handlers[0], n.apps[0])
		c.h = &inTurn{handlers: handlers}
		test(t, n, handlers, c, s)
		n.fail(nil)
		for i, h := range handlers {
			if err := h.Close(t.Context()); err != nil {
				t.Errorf("closing node %d: %v", i, err)
			}
		}
		n.serving.Wait()
		for i, h := range handlers {
			if len(h.fronts) != 0 {
				t.Errorf("node %d still waits for %d answers of other nodes", i, len(h.fronts))
			}
		}
	})
}
