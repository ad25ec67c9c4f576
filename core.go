package roost

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/roost-dev/roost/internal/worker"
	"github.com/roost-dev/roost/pubsub"
	"github.com/roost-dev/roost/transport"
	"github.com/roost-dev/roost/wire"
)

// core is what of a server does not depend on the type of the assigns.
type core struct {
	pubsub *pubsub.PubSub
	logger *slog.Logger
	log    LogOptions
	trace  Trace
	limits limits
	marked *markedPushes // nil if clients may mark none
	pool   worker.Pool
	began  time.Time
	slow   atomic.Uint64 // sockets closed as slow
	forget func()        // takes the server's sockets out of what operators see

	routesMu sync.RWMutex // guards routes
	routes   []*route     // the more specific first

	mu         sync.Mutex // guards what follows
	sockets    map[*socket]struct{}
	draining   bool
	drainBegan time.Duration
	turns      int           // how many clients have been told when to come back
	empty      chan struct{} // closed when draining and no socket is left
}

// route is a handler mounted for a pattern.
type route struct {
	pattern pattern
	routine *routine
}

// route returns the handler of a topic, or nil.
func (server *core) route(topic string) *route {
	if topic == "" {
		return nil // nothing can be published on it
	}
	server.routesMu.RLock()
	defer server.routesMu.RUnlock()
	for _, r := range server.routes {
		if r.pattern.match(topic, nil) {
			return r
		}
	}
	return nil
}

// drain starts the end of every socket.
func (server *core) drain(ctx context.Context) {
	server.mu.Lock()
	if !server.draining {
		server.draining, server.drainBegan = true, server.now()
	}
	if server.empty == nil {
		server.empty = make(chan struct{})
		if len(server.sockets) == 0 {
			close(server.empty)
		}
	}
	server.mu.Unlock()
	sockets := server.allSockets()
	for _, socket := range sockets {
		socket.refuseJoins()
	}
	const batches = 20 // a second, at most
	rate := server.limits.drainRate
	perBatch := max(rate/batches, 1)
	for i, socket := range sockets {
		if rate > 0 && i > 0 && i%perBatch == 0 {
			select {
			case <-time.After(time.Second * time.Duration(perBatch) / time.Duration(rate)):
			case <-ctx.Done():
				return
			}
		}
		socket.drain()
	}
}

func (server *core) waitEmpty(ctx context.Context) error {
	select {
	case <-server.empty:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// retryFull is how long those stay away for whom there was no room: until then
// somebody may have gone, or another node be found.
const retryFull = 5 * time.Second

// full returns why no further socket is taken, or nil.
func (server *core) full() *transport.Refused {
	server.mu.Lock()
	defer server.mu.Unlock()
	switch {
	case server.draining:
		return &transport.Refused{Reason: errShuttingDown, Status: http.StatusServiceUnavailable, RetryAfter: server.nextTurn()}
	case server.limits.sockets > 0 && len(server.sockets) >= server.limits.sockets:
		return &transport.Refused{Reason: errTooManySockets, Status: http.StatusServiceUnavailable, RetryAfter: retryFull}
	}
	return nil
}

// turn returns how long one more client is to stay away from a server that
// shuts down: they come back one after the other.
func (server *core) turn() time.Duration {
	server.mu.Lock()
	defer server.mu.Unlock()
	return server.nextTurn()
}

// nextTurn is turn for callers that hold mu.
func (server *core) nextTurn() time.Duration {
	const longest = time.Minute
	rate := server.limits.returnRate
	if rate <= 0 {
		return 0
	}
	at := server.drainBegan + time.Duration(server.turns)*time.Second/time.Duration(rate)
	server.turns++
	return max(at-server.now(), 0) % longest
}

func (server *core) opened(s *socket) {
	server.mu.Lock()
	server.sockets[s] = struct{}{}
	draining := server.draining
	tooMany := server.limits.sockets > 0 && len(server.sockets) > server.limits.sockets
	server.mu.Unlock()
	if t := server.trace.Opened; t != nil {
		server.traced("Opened", func() { t(s.info()) })
	}
	switch {
	case draining: // it was on its way in when Shutdown began
		s.drain()
	case tooMany: // others were let in while it was on its way
		s.conn.Close(transport.CloseSlow, transport.WithRetryAfter(errTooManySockets.Reason, retryFull))
	}
}

func (server *core) closed(s *socket, err error) {
	server.mu.Lock()
	delete(server.sockets, s)
	if server.draining && len(server.sockets) == 0 {
		select {
		case <-server.empty:
		default:
			close(server.empty)
		}
	}
	server.mu.Unlock()
	if errors.Is(err, transport.ErrSlow) {
		server.slow.Add(1)
		if t := server.trace.Slow; t != nil {
			server.traced("Slow", func() { t(s.info()) })
		}
	}
	if t := server.trace.Closed; t != nil {
		server.traced("Closed", func() { t(ClosedInfo{Socket: s.info(), Err: err}) })
	}
}

func (server *core) allSockets() []*socket {
	server.mu.Lock()
	defer server.mu.Unlock()
	all := make([]*socket, 0, len(server.sockets))
	for s := range server.sockets {
		all = append(all, s)
	}
	return all
}

// now is the time since the server began, for what only compares times.
func (server *core) now() time.Duration { return time.Since(server.began) }

func clonePayload(p wire.Payload) wire.Payload {
	return wire.Payload{Data: bytes.Clone(p.Data), Binary: p.Binary}
}
