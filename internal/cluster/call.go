package cluster

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

// Errors of calls. What is returned wraps them.
var (
	ErrGone      = errors.New("cluster: the node is not there")
	ErrNoService = errors.New("cluster: the node does not serve this")
	ErrClosed    = errors.New("cluster: this node is stopping")
)

// Failure is the error that the other node's function returned.
type Failure struct{ Reason string }

func (f *Failure) Error() string { return "cluster: the other node: " + f.Reason }

// maxServing bounds the calls of other nodes that are being answered at a
// time. Further ones fail at once; as many of them may be being told so, and
// the rest gets no answer.
const maxServing = 1 << 14

// acquaintance is how long a call waits for a node that was not heard of yet,
// on a node that has just started itself, or was cut off.
const acquaintance = time.Second

// calls are the calls that a node has made and not got an answer to, and
// those it is answering.
type calls struct {
	mu      sync.Mutex // guards what follows
	last    uint64
	waiting map[uint64]*call
	serving map[servingKey]context.CancelFunc
	closed  bool
}

type call struct {
	to   ID
	done chan outcome // buffered
}

type outcome struct {
	body []byte
	err  error
}

type servingKey struct {
	from   ID
	number uint64
}

// Call asks a service of another node and waits for the answer until ctx ends;
// the other node learns that. It fails with [ErrGone] as soon as the node is
// known to be gone, with [ErrNoService] if it does not serve that, and with a
// [*Failure] if its function did. A node that is alive but does not answer
// makes it wait for ctx.
func (c *Cluster) Call(ctx context.Context, to ID, service string, body []byte) ([]byte, error) {
	if to == c.self.ID {
		return nil, errors.New("cluster: a node does not call itself")
	}
	if err := c.Meet(ctx, to); err != nil {
		return nil, err
	}
	number, made, err := c.calls.begin(to)
	if err != nil {
		return nil, err
	}
	defer c.calls.finish(number)
	if !c.alive(to) {
		return nil, fmt.Errorf("%w: %s", ErrGone, to) // between the look and the note
	}
	f := frame{op: opCall, from: c.self.ID, number: number, service: service, body: body}
	if err := c.bus.Publish(ctx, nodeSubject(to), f.encode()); err != nil {
		return nil, err
	}
	select {
	case o := <-made.done:
		return o.body, o.err
	case <-ctx.Done():
		c.cancelRemote(to, number)
		return nil, context.Cause(ctx)
	}
}

// Meet fails with [ErrGone] unless the node is there. On a node that has just
// started, or was cut off, it waits for a heartbeat for up to a second.
func (c *Cluster) Meet(ctx context.Context, id ID) error {
	var limit <-chan time.Time
	for {
		c.mu.Lock()
		m, arrivals, began := c.members[id], c.arrivals, c.began
		c.mu.Unlock()
		switch {
		case m != nil && !m.gone:
			return nil
		case m != nil || time.Since(began) > c.lease:
			return fmt.Errorf("%w: %s", ErrGone, id)
		}
		if limit == nil {
			timer := time.NewTimer(min(acquaintance, c.lease/2))
			defer timer.Stop()
			limit = timer.C
		}
		select {
		case <-arrivals:
		case <-limit:
			return fmt.Errorf("%w: %s", ErrGone, id)
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-c.ctx.Done():
			return ErrClosed
		}
	}
}

func (c *Cluster) cancelRemote(to ID, number uint64) {
	ctx, cancel := context.WithTimeout(c.ctx, c.lease/4)
	defer cancel()
	// If it is lost, the other node works in vain.
	_ = c.bus.Publish(ctx, nodeSubject(to), frame{op: opCancel, from: c.self.ID, number: number}.encode())
}

// Answer is what one node said to all that were asked.
type Answer struct {
	Member Member
	Body   []byte
	Err    error
}

// Gather calls a service of all members at once. It returns when all have
// answered or ctx has ended, with one answer for each, in the order of
// [Cluster.Members].
func (c *Cluster) Gather(ctx context.Context, service string, body []byte) []Answer {
	members := c.Members()
	answers := make([]Answer, len(members))
	var all sync.WaitGroup
	for i, m := range members {
		answers[i].Member = m
		all.Go(func() { answers[i].Body, answers[i].Err = c.Call(ctx, m.ID, service, body) })
	}
	all.Wait()
	return answers
}

// Serve has f answer the calls to a service. At most 16,384 calls are answered
// at a time.
func (c *Cluster) Serve(service string, f Function) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.functions[service] != nil {
		panic(fmt.Sprintf("cluster: service %q is served twice on one node", service))
	}
	c.functions[service] = f
}

// Unserve ends what Serve began; calls that are being answered go on.
func (c *Cluster) Unserve(service string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.functions, service)
}

// serve answers a call of another node.
func (c *Cluster) serve(f frame) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return // the goodbye is the answer
	}
	function := c.functions[f.service]
	ctx, cancel := context.WithCancel(c.ctx)
	answer := frame{from: c.self.ID, number: f.number}
	key := servingKey{f.from, f.number}
	taken, busy := c.calls.serve(key, cancel)
	switch {
	case !taken:
		cancel()
		return
	case function == nil:
		answer.op, answer.body = opUnserved, []byte(f.service)
	case busy:
		answer.op, answer.body = opFailure, []byte("busy")
	}
	c.tasks.Go(func() {
		defer cancel()
		defer c.calls.served(key)
		if answer.op == 0 {
			answer.op, answer.body = c.run(ctx, function, f)
		}
		if answer.op == opFailure && c.ctx.Err() != nil {
			return // it was ended: the goodbye is the answer
		}
		c.reply(f.from, answer)
	})
}

// run calls a function; its panic is its failure.
func (c *Cluster) run(ctx context.Context, function Function, f frame) (op op, body []byte) {
	defer func() {
		if p := recover(); p != nil {
			c.logger.Error("cluster: panic while answering another node", "service", f.service, "panic", p, "stack", string(debug.Stack()))
			op, body = opFailure, []byte("panic")
		}
	}()
	body, err := function(ctx, f.from, f.body)
	if err != nil {
		return opFailure, []byte(err.Error())
	}
	return opAnswer, body
}

func (c *Cluster) reply(to ID, answer frame) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.ctx), c.lease/2)
	defer cancel()
	err := c.bus.Publish(ctx, nodeSubject(to), answer.encode())
	if err != nil && answer.op == opAnswer { // perhaps too large: an error fits
		answer.op, answer.body = opFailure, []byte(err.Error())
		err = c.bus.Publish(ctx, nodeSubject(to), answer.encode())
	}
	if err != nil {
		c.logger.Warn("cluster: answer not sent", "node", to, "error", err)
	}
}

func (cs *calls) begin(to ID) (uint64, *call, error) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.closed {
		return 0, nil, ErrClosed
	}
	if cs.waiting == nil {
		cs.waiting = make(map[uint64]*call)
	}
	cs.last++
	made := &call{to: to, done: make(chan outcome, 1)}
	cs.waiting[cs.last] = made
	return cs.last, made, nil
}

func (cs *calls) finish(number uint64) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	delete(cs.waiting, number)
}

// answer hands an answer to whoever waits for it. Only the node that was asked
// may answer.
func (cs *calls) answer(f frame) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	made := cs.waiting[f.number]
	if made == nil || made.to != f.from {
		return
	}
	delete(cs.waiting, f.number)
	switch f.op {
	case opFailure:
		made.done <- outcome{err: &Failure{string(f.body)}}
	case opUnserved:
		made.done <- outcome{err: fmt.Errorf("%w: %q on %s", ErrNoService, f.body, f.from)}
	default:
		made.done <- outcome{body: f.body}
	}
}

// lose fails all calls to a node that is gone, and ends what it asked for.
func (cs *calls) lose(id ID) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	for number, made := range cs.waiting {
		if made.to == id {
			delete(cs.waiting, number)
			made.done <- outcome{err: fmt.Errorf("%w: %s", ErrGone, id)}
		}
	}
	for key, cancel := range cs.serving {
		if key.from == id {
			cancel()
		}
	}
}

func (cs *calls) close() {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.closed = true
	for number, made := range cs.waiting {
		delete(cs.waiting, number)
		made.done <- outcome{err: ErrClosed}
	}
}

// serve notes a call that is being answered, so that it can be canceled. It is
// not taken if it is being answered already, or if there is no room even for a
// refusal.
func (cs *calls) serve(key servingKey, cancel context.CancelFunc) (taken, busy bool) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.serving == nil {
		cs.serving = make(map[servingKey]context.CancelFunc)
	}
	n := len(cs.serving)
	if cs.serving[key] != nil || n >= 2*maxServing {
		return false, false
	}
	cs.serving[key] = cancel
	return true, n >= maxServing
}

func (cs *calls) served(key servingKey) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	delete(cs.serving, key)
}

func (cs *calls) cancelServing(f frame) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cancel := cs.serving[servingKey{f.from, f.number}]; cancel != nil {
		cancel()
	}
}
