package nats

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/roost-dev/roost/pubsub"
)

// link is one client's connection to NATS, and all that an adapter does over
// it. What it is connected to is the adapter's matter.
type link struct {
	names    names
	logger   *slog.Logger
	limiter  limiter
	receiver pubsub.Receiver
	out      *outbox
	log      *eventLog // nil: none was opened
	lanes    []chan *nats.Msg
	wanted   map[string]*nats.Subscription // by Roost's subject; the writer's

	// ready is called with the connection before anything is sent. May be nil.
	ready func(nc *nats.Conn) error

	// beyond waits until what the server knows is known to all others too.
	// nil: there are none, or nobody can tell.
	beyond func(ctx context.Context) error

	ctx        context.Context // ends with the link
	cancel     context.CancelFunc
	tasks      sync.WaitGroup
	drained    chan struct{} // closed when the writer has ended
	confirming chan struct{} // tells the confirmer to look, holds one token

	mu         sync.Mutex // guards what follows
	phase      phase
	conn       *nats.Conn // nil until the first attempt to connect was made
	settling   []*settler
	epoch      context.Context // ends when the connection breaks
	endEpoch   context.CancelFunc
	recovering bool                        // the receiver must be told
	problem    error                       // why NATS is away
	slow       map[*nats.Subscription]bool // those that ever dropped something

	dropped    atomic.Uint64 // by subscriptions that are no more, and what was not understood
	reconnects atomic.Uint64
	maxPayload atomic.Int64 // 0: not known yet
}

type phase uint8

const (
	fresh phase = iota
	running
	over
)

func newLink(namespace string, buffer int, patience time.Duration, logger *slog.Logger) (*link, error) {
	names, err := newNames(namespace)
	if err != nil {
		return nil, err
	}
	l := &link{
		names:      names,
		logger:     logger,
		out:        newOutbox(buffer, patience),
		wanted:     make(map[string]*nats.Subscription),
		drained:    make(chan struct{}),
		confirming: make(chan struct{}, 1),
		slow:       make(map[*nats.Subscription]bool),
	}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	l.epoch, l.endEpoch = context.WithCancel(l.ctx)
	l.endEpoch() // the first has not begun
	return l, nil
}

// begin marks the start, which happens once.
func (l *link) begin(r pubsub.Receiver) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.phase != fresh {
		return errors.New("nats: the adapter was started before")
	}
	l.phase, l.receiver = running, r
	return nil
}

// start connects in the background. The options must be valid.
func (l *link) start(opts nats.Options) {
	opts.NoEcho = true
	opts.AllowReconnect = true
	opts.RetryOnFailedConnect = true
	opts.IgnoreAuthErrorAbort = true // what is wrong may be set right there
	opts.MaxReconnect = -1
	opts.ReconnectBufSize = -1 // the outbox waits
	opts.CustomReconnectDelayCB = func(attempts int) time.Duration { return backoff(attempts, maxBackoff) }
	opts.Timeout = dialTimeout
	opts.PingInterval = pingInterval
	opts.MaxPingsOut = pingsMissed
	opts.FlusherTimeout = writeTimeout
	opts.ReconnectOnFlusherError = true
	opts.SkipSubjectValidation = true // ours are valid
	opts.ConnectedCB = func(nc *nats.Conn) { l.connected(nc, false) }
	opts.ReconnectedCB = func(nc *nats.Conn) { l.connected(nc, true) }
	opts.DisconnectedErrCB = func(_ *nats.Conn, err error) { l.disconnected(err) }
	opts.ReconnectErrCB = func(_ *nats.Conn, err error) { l.failed(err) }
	opts.AsyncErrorCB = l.asyncError
	l.openLanes()
	l.tasks.Go(func() { l.write(opts) })
	l.tasks.Go(l.confirm)
	if l.log != nil {
		l.tasks.Go(l.log.trim)
	}
}

// want notes an interest.
func (l *link) want(subject string, wanted bool) {
	if l == nil {
		return // the adapter is misconfigured
	}
	if l.log != nil {
		l.log.want(subject, wanted)
	}
	l.out.want(subject, wanted)
}

// connected is called on the goroutine of NATS's callbacks, as are the next
// three.
func (l *link) connected(nc *nats.Conn, again bool) {
	l.mu.Lock()
	late := l.problem != nil // it was away when this node started
	l.problem = nil
	l.recovering = l.recovering || again || late
	l.endEpoch()
	l.epoch, l.endEpoch = context.WithCancel(l.ctx)
	l.mu.Unlock()
	if again {
		l.reconnects.Add(1)
	}
	l.maxPayload.Store(nc.MaxPayload())
	if again || late {
		l.logger.Info("nats: connected")
	}
	hold := time.Duration(0)
	if again || late {
		hold = regroup
	}
	l.out.connected(hold)
	l.wakeConfirmer()
}

func (l *link) disconnected(err error) {
	if err == nil {
		err = errors.New("the connection was closed")
	}
	l.mu.Lock()
	l.problem = err
	l.endEpoch()
	closing := l.phase == over
	l.mu.Unlock()
	if closing {
		return
	}
	lost := l.out.disconnected()
	l.logger.Warn("nats: the connection is lost, trying again", "error", err, "possibly_lost", lost)
}

// failed is called for each attempt to connect that does not succeed.
func (l *link) failed(err error) {
	l.mu.Lock()
	l.problem = err
	l.mu.Unlock()
	if n, ok := l.limiter.allow("connect"); ok {
		l.logger.Warn("nats: not connected, trying again", "error", err, "attempts", n)
	}
}

func (l *link) asyncError(_ *nats.Conn, sub *nats.Subscription, err error) {
	if errors.Is(err, nats.ErrSlowConsumer) && sub != nil {
		l.mu.Lock()
		l.slow[sub] = true
		l.mu.Unlock()
		l.report("nats: messages of other nodes are lost, since this one is too slow for them")
		return
	}
	l.report("nats: the server reports an error", "error", err)
}

// report logs what may happen often.
func (l *link) report(what string, args ...any) {
	if n, ok := l.limiter.allow(what); ok {
		l.logger.Warn(what, append(args, "times", n)...)
	}
}

// limited is report, with a limit for each value.
func (l *link) limited(what, key, value string, err error) {
	if n, ok := l.limiter.allow(what + value); ok {
		l.logger.Warn(what, key, value, "error", err, "times", n)
	}
}

// recover has the receiver told that messages may be lost.
func (l *link) recover() {
	l.mu.Lock()
	l.recovering = true
	l.mu.Unlock()
	l.wakeConfirmer()
}

func (l *link) connection() *nats.Conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.conn
}

func (l *link) publish(ctx context.Context, e *pubsub.Envelope) error {
	// Length and a byte or three for each of the names.
	size := 32 + len(e.Subject) + len(e.Topic) + len(e.Event) + len(e.ID) + len(e.Reason) + len(e.Payload)
	data, err := e.AppendBinary(make([]byte, 0, size))
	if err != nil {
		return err
	}
	if limit := l.maxPayload.Load(); limit > 0 && int64(len(data)) > limit {
		return fmt.Errorf("nats: %w: %d bytes of at most %d", pubsub.ErrTooLarge, len(data), limit)
	}
	return l.out.push(ctx, message{l.names.subject(e.Subject), data})
}

// health has what both adapters say.
func (l *link) health() pubsub.Health {
	up, _, pending, lost := l.out.state()
	h := pubsub.Health{
		State:      pubsub.StateUp,
		Pending:    pending,
		Lost:       lost + l.dropped.Load(),
		Reconnects: l.reconnects.Load(),
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for sub := range l.slow {
		if n, err := sub.Dropped(); err == nil {
			h.Lost += uint64(n)
		}
	}
	switch {
	case l.phase == over:
		h.State = pubsub.StateClosed
	case up:
	case l.reconnects.Load() == 0 && l.maxPayload.Load() == 0:
		h.State = pubsub.StateConnecting
	default:
		h.State = pubsub.StateDegraded
	}
	if !up && l.phase == running {
		h.Detail = "not connected to NATS"
		if l.problem != nil {
			h.Detail += ": " + l.problem.Error()
		}
	}
	return h
}

// end stops the link. It reports whether it was the first to ask for that, of
// a link that runs.
func (l *link) end() (first bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	first = l.phase == running
	l.phase = over
	return first
}

// drain refuses what is published from now on, and waits until what was
// before is with the server, if that is there.
func (l *link) drain(ctx context.Context) {
	l.out.close()
	select {
	case <-l.drained:
	case <-ctx.Done():
		return
	}
	if nc := l.connection(); nc != nil && nc.IsConnected() {
		ctx, cancel := context.WithTimeout(ctx, writeTimeout)
		defer cancel()
		if nc.FlushWithContext(ctx) == nil && l.beyond != nil {
			// Best effort: others may be gone, too.
			_ = l.beyond(ctx)
		}
	}
}

// close ends all goroutines, and waits for them until ctx ends.
func (l *link) close(ctx context.Context) error {
	l.cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		if nc := l.connection(); nc != nil {
			nc.Close()
		}
		l.tasks.Wait()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("nats: the adapter is still closing: %w", context.Cause(ctx))
	}
}
