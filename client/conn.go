package client

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/roost-dev/roost/wire"
)

const (
	// outLen is how many messages may wait to be written; more wait in their
	// callers.
	outLen = 64

	// farewell is how long the closing handshake may take.
	farewell = time.Second
)

// link is what a connection goes over: a WebSocket, or long polling.
type link interface {
	// read hands what the server sends to conn.receive until it sends no more,
	// and then ends the connection.
	read(c *conn)

	// write writes what is to be sent until the connection is over, and what
	// is left of it if it is to be closed in good order.
	write(c *conn)

	// close has read and write return at once. It may be called again.
	close()

	// heard counts what came of the server.
	heard() uint64

	// polls reports whether the server must answer anyway, so that nothing
	// else need ask whether it lives; and that it is not told of the end.
	polls() bool
}

// outgoing is a message to be sent.
type outgoing struct {
	data   []byte
	binary bool
}

// conn is one connection of a socket. One goroutine reads, one writes, and the
// socket's own looks at the heartbeat.
type conn struct {
	socket *Socket
	both   sync.WaitGroup // reading and writing

	out   chan outgoing
	moved chan struct{} // has a token when link is another
	done  chan struct{} // closed when it is over

	mu      sync.Mutex // guards what follows
	link    link
	err     error // why it is over
	code    int   // to close with; 0: without a word
	pending map[wire.Value]func(wire.ServerMessage)
}

// newConn makes a connection that reads and writes. Somebody must serve it, or
// fail and finish it.
func newConn(s *Socket, l link) *conn {
	c := &conn{
		socket:  s,
		link:    l,
		out:     make(chan outgoing, outLen),
		moved:   make(chan struct{}, 1),
		done:    make(chan struct{}),
		pending: map[wire.Value]func(wire.ServerMessage){},
	}
	c.both.Go(func() { l.read(c) })
	c.both.Go(func() { l.write(c) })
	return c
}

// serve keeps the connection until it is over, and returns why. standing is
// called first, gone as soon as it is over.
func (c *conn) serve(ctx context.Context, standing, gone func()) error {
	standing()
	c.beat(ctx)
	gone()
	c.finish()
	return c.cause()
}

// finish waits for the end of a connection that is over.
func (c *conn) finish() {
	l := c.carrier() // which does not change any more
	if c.closeCode() == 0 {
		l.close()
	}
	last := time.AfterFunc(farewell, l.close)
	c.both.Wait()
	last.Stop()
	l.close()
}

func (c *conn) carrier() link {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.link
}

// move puts another link in the place of the one that there was, unless the
// connection is over.
func (c *conn) move(l link) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return false
	}
	c.link = l
	signal(c.moved)
	return true
}

// fail ends the connection with a reason, and a close code or 0 for none. The
// first reason counts.
func (c *conn) fail(err error, code int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.err, c.code = err, code
		close(c.done)
	}
}

// isOver reports whether the connection has ended.
func (c *conn) isOver() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// receive takes a message of the server's. The goroutine that reads calls it.
func (c *conn) receive(data []byte, isBinary bool) {
	if c.isOver() {
		return // the server may not know yet
	}
	m, err := wire.V2.DecodeServer(data, isBinary)
	if err != nil {
		c.fail(&protocolError{closeInvalid, err.Error()}, closeInvalid)
		return
	}
	c.take(m)
}

// codeFor is the code to close with after reading failed.
func codeFor(err error) int {
	if closed, ok := errors.AsType[*CloseError](err); ok {
		return closed.Code
	}
	if broke, ok := errors.AsType[*protocolError](err); ok {
		return broke.code
	}
	return 0
}

func (c *conn) take(m wire.ServerMessage) {
	if m.Event == wire.EventReply {
		c.mu.Lock()
		taken := c.pending[m.Ref]
		delete(c.pending, m.Ref)
		c.mu.Unlock()
		if taken != nil {
			taken(m)
			return
		}
	}
	c.socket.take(c, m)
}

// beat sends heartbeats, and ends the connection if the server is silent
// behind one, or if ctx ends. It returns when the connection is over.
func (c *conn) beat(ctx context.Context) {
	every := c.socket.opts.Heartbeat
	patience := min(every, c.socket.opts.Timeout)
	tick := time.NewTimer(max(every, 0))
	defer tick.Stop()
	if every < 0 || c.carrier().polls() {
		tick.Stop()
	}
	asked, heard := false, uint64(0)
	for {
		select {
		case <-c.done:
			return
		case <-ctx.Done():
			if c.carrier().polls() {
				c.socket.leaveAll(c)
			}
			c.fail(ErrClosed, closeNormal)
			return
		case <-c.moved:
			if every >= 0 {
				tick.Reset(every)
			}
			continue
		case <-tick.C:
		}
		switch {
		case !asked:
			heard = c.carrier().heard()
			c.sendNow(c.heartbeat())
			tick.Reset(patience)
		case c.carrier().heard() == heard:
			c.fail(ErrHeartbeat, 0)
			return
		default:
			tick.Reset(every - patience)
		}
		asked = !asked
	}
}

// emptyObject is shared: read only.
var emptyObject = []byte("{}")

func (c *conn) heartbeat() wire.ClientMessage {
	return wire.ClientMessage{
		Ref: c.socket.nextRef(), Topic: wire.String(wire.TopicHeartbeat), Event: wire.EventHeartbeat, Payload: wire.Payload{Data: emptyObject},
	}
}

// probe asks the server for a sign of life and waits for it. Without one the
// connection is given up, unless ctx is canceled before it is late.
func (c *conn) probe(ctx context.Context) error {
	_, err := c.call(ctx, c.heartbeat(), nil, nil)
	if errors.Is(err, context.DeadlineExceeded) {
		c.fail(ErrHeartbeat, 0)
	}
	return err
}

func encodeMessage(m wire.ClientMessage) (outgoing, error) {
	data, isBinary, err := wire.V2.AppendClient(nil, m)
	if err != nil {
		return outgoing{}, fmt.Errorf("client: event %q: %w", m.Event, err)
	}
	return outgoing{data, isBinary}, nil
}

// sendNow sends a message of our own unless too much waits to be written:
// nobody waits for it.
func (c *conn) sendNow(m wire.ClientMessage) {
	message, err := encodeMessage(m)
	if err != nil {
		return // a topic that cannot be encoded was never joined
	}
	select {
	case c.out <- message:
	default:
	}
}

// errNotSent says that the connection ended before a message was sent.
var errNotSent = errors.New("client: not sent: the connection is over")

// send has a message written, waiting for room until ctx ends.
func (c *conn) send(ctx context.Context, m wire.ClientMessage) error {
	message, err := encodeMessage(m)
	if err != nil {
		return err
	}
	select {
	case <-c.done:
		return errNotSent
	default:
	}
	select {
	case c.out <- message:
		return nil
	case <-c.done:
		return errNotSent
	case <-ctx.Done():
		return fmt.Errorf("client: event %q was not sent: %w", m.Event, context.Cause(ctx))
	}
}

// call sends a message and waits for its reply, until ctx ends, the
// conversation breaks off (if cv is not nil), or the connection ends. taken, if not nil, is called with the reply by the
// goroutine that reads, before anything that came behind it is looked at.
func (c *conn) call(
	ctx context.Context, m wire.ClientMessage, cv *conversation, taken func(wire.ServerMessage),
) (wire.ServerMessage, error) {
	reply := make(chan wire.ServerMessage, 1)
	c.mu.Lock()
	c.pending[m.Ref] = func(m wire.ServerMessage) {
		if taken != nil {
			taken(m)
		}
		reply <- m
	}
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.pending, m.Ref)
		c.mu.Unlock()
	}()
	if err := c.send(ctx, m); err != nil {
		return wire.ServerMessage{}, err
	}
	var err error
	var over <-chan struct{}
	if cv != nil {
		over = cv.over
	}
	select {
	case m := <-reply:
		return m, nil
	case <-ctx.Done():
		err = fmt.Errorf("client: no reply to %q: %w", m.Event, context.Cause(ctx))
	case <-over:
		err = fmt.Errorf("%w: event %q: %w", ErrInterrupted, m.Event, cv.err)
	case <-c.done:
		err = fmt.Errorf("%w: event %q: %w", ErrInterrupted, m.Event, c.cause())
	}
	select {
	case m := <-reply: // which came first
		return m, nil
	default:
		return wire.ServerMessage{}, err
	}
}

// cause is why the connection is over.
func (c *conn) cause() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

func (c *conn) closeCode() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.code
}
