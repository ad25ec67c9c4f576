package client

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/roost-dev/roost/internal/ws"
	"github.com/roost-dev/roost/wire"
)

const (
	// outLen is how many messages may wait to be written; more wait in their
	// callers.
	outLen = 64

	// farewell is how long the closing handshake may take.
	farewell = time.Second
)

// conn is one connection of a socket. One goroutine reads, one writes, and the
// socket's own looks at the heartbeat.
type conn struct {
	socket *Socket
	stream io.ReadWriteCloser
	reader *reader
	heard  atomic.Uint64 // reads that brought something

	out  chan []byte   // frames
	pong chan []byte   // a frame
	done chan struct{} // closed when it is over

	mu      sync.Mutex // guards what follows
	err     error      // why it is over
	code    int        // to close with; 0: without a word
	pending map[wire.Value]func(wire.ServerMessage)
}

func newConn(s *Socket, stream io.ReadWriteCloser) *conn {
	c := &conn{
		socket:  s,
		stream:  stream,
		out:     make(chan []byte, outLen),
		pong:    make(chan []byte, 1),
		done:    make(chan struct{}),
		pending: map[wire.Value]func(wire.ServerMessage){},
	}
	c.reader = &reader{r: bufio.NewReader(heardReader{c}), max: s.opts.MaxMessage, pong: c.answerPing}
	return c
}

// heardReader counts what is heard of the server.
type heardReader struct{ c *conn }

func (r heardReader) Read(p []byte) (int, error) {
	n, err := r.c.stream.Read(p)
	if n > 0 {
		r.c.heard.Add(1)
	}
	return n, err
}

// serve carries messages until the connection is over, and returns why.
// standing is called when it carries, gone as soon as it does not.
func (c *conn) serve(ctx context.Context, standing, gone func()) error {
	var both sync.WaitGroup
	both.Go(c.read)
	both.Go(c.write)
	standing()
	c.beat(ctx)
	gone()
	c.mu.Lock()
	err, code := c.err, c.code
	c.mu.Unlock()
	if code == 0 {
		_ = c.stream.Close()
	}
	last := time.AfterFunc(farewell, func() { _ = c.stream.Close() })
	both.Wait()
	last.Stop()
	_ = c.stream.Close()
	return err
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

// read hands on what the server sends until it sends no more.
func (c *conn) read() {
	for {
		data, isBinary, err := c.reader.message()
		if err != nil {
			c.fail(err, codeFor(err))
			return
		}
		if c.isOver() {
			continue // it may not know yet
		}
		m, err := wire.V2.DecodeServer(data, isBinary)
		if err != nil {
			c.fail(&protocolError{closeInvalid, err.Error()}, closeInvalid)
			continue
		}
		c.take(m)
	}
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

func (c *conn) answerPing(p []byte) {
	select {
	case c.pong <- appendFrame(nil, ws.Pong, p):
	default: // the one before was not answered yet, and is not needed twice
	}
}

// write writes what is to be sent, and what is left of it when the connection
// is to be closed in good order.
func (c *conn) write() {
	w := bufio.NewWriterSize(c.stream, 16<<10)
	for {
		var frame []byte
		select {
		case <-c.done:
			c.sayFarewell(w)
			return
		case frame = <-c.pong:
		case frame = <-c.out:
		}
		_, err := w.Write(frame)
		if len(c.out) == 0 && err == nil {
			err = w.Flush()
		}
		if err != nil {
			c.fail(fmt.Errorf("client: the connection was lost: %w", err), 0)
			return
		}
	}
}

func (c *conn) sayFarewell(w *bufio.Writer) {
	c.mu.Lock()
	code := c.code
	c.mu.Unlock()
	for code != 0 {
		select {
		case frame := <-c.pong:
			_, _ = w.Write(frame)
		case frame := <-c.out:
			_, _ = w.Write(frame)
		default:
			_, _ = w.Write(appendFrame(nil, ws.Close, closePayload(code)))
			_ = w.Flush()
			return
		}
	}
}

// beat sends heartbeats, and ends the connection if the server is silent
// behind one, or if ctx ends. It returns when the connection is over.
func (c *conn) beat(ctx context.Context) {
	every := c.socket.opts.Heartbeat
	patience := min(every, c.socket.opts.Timeout)
	tick := time.NewTimer(max(every, 0))
	defer tick.Stop()
	if every < 0 {
		tick.Stop()
	}
	asked, heard := false, uint64(0)
	for {
		select {
		case <-c.done:
			return
		case <-ctx.Done():
			c.fail(ErrClosed, closeNormal)
			return
		case <-tick.C:
		}
		switch {
		case !asked:
			heard = c.heard.Load()
			c.sendNow(wire.ClientMessage{
				Ref: c.socket.nextRef(), Topic: wire.String(wire.TopicHeartbeat), Event: wire.EventHeartbeat, Payload: wire.Payload{Data: emptyObject},
			})
			tick.Reset(patience)
		case c.heard.Load() == heard:
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

// encodeFrame makes the frame of a message.
func encodeFrame(m wire.ClientMessage) ([]byte, error) {
	data, isBinary, err := wire.V2.AppendClient(nil, m)
	if err != nil {
		return nil, fmt.Errorf("client: event %q: %w", m.Event, err)
	}
	op := byte(ws.Text)
	if isBinary {
		op = ws.Binary
	}
	return appendFrame(make([]byte, 0, len(data)+2+binary.MaxVarintLen64), op, data), nil
}

// sendNow sends a message of our own unless too much waits to be written:
// nobody waits for it.
func (c *conn) sendNow(m wire.ClientMessage) {
	frame, err := encodeFrame(m)
	if err != nil {
		return // a topic that cannot be encoded was never joined
	}
	select {
	case c.out <- frame:
	default:
	}
}

// errNotSent says that the connection ended before a message was sent.
var errNotSent = errors.New("client: not sent: the connection is over")

// send has a message written, waiting for room until ctx ends.
func (c *conn) send(ctx context.Context, m wire.ClientMessage) error {
	frame, err := encodeFrame(m)
	if err != nil {
		return err
	}
	select {
	case <-c.done:
		return errNotSent
	default:
	}
	select {
	case c.out <- frame:
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
