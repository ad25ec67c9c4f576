package websocket

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/roost-dev/roost/transport"
)

const (
	// writeTimeout is how long a client may take nothing of what is written.
	writeTimeout = 30 * time.Second

	// closeTimeout bounds everything that follows a close: what was sent
	// before it, the close frame, and the wait for the client's end.
	closeTimeout = 5 * time.Second
)

var (
	errAborted = errors.New("websocket: connection aborted by the server")
	errNoClose = errors.New("websocket: the client went away without a close frame")
	errSlow    = &closeError{transport.CloseSlow, "slow reader"}
	errIdle    = &closeError{transport.CloseGoingAway, "idle timeout"}
)

// conn is one connection, whatever carries its bytes. One goroutine at a time
// reads it and owns the end of the session: its own, or the poller's.
//
// An idle connection is little more than this struct, so it is kept small.
type conn struct {
	h       *Handler
	line    line
	session transport.Session

	in          *parser       // while a message is under way
	heard       time.Duration // when the last bytes came, on the handler's clock
	pinged      time.Duration
	compressMax int32 // longest payload to compress; 0 if not negotiated
	place       int32 // in h.conns, whose mutex guards it
	peerClosed  bool  // the client's close frame came
	broken      bool  // what comes now cannot be parsed

	mu      sync.Mutex    // guards what follows
	closing bool          // nothing more is received, nothing more can be sent
	out     *outbox       // while something waits to be written
	cause   error         // why it is closing, for the session; nil in good order
	closeBy time.Duration // when the connection is cut, once closing
}

// line carries the bytes of a connection. Its methods do not block, and are
// called with the connection's mutex held, but for the first three.
type line interface {
	// greet writes the answer to the handshake.
	greet(answer []byte) error

	// start begins to read, early first. The line tells the session of its
	// end, and the handler.
	start(early []byte)

	// discard ends a line that was not started.
	discard()

	// send writes a frame, or leaves it in the outbox to be written soon.
	send(frame []byte)

	// sendAll writes frames as send does, but as one.
	sendAll(frames [][]byte)

	// finish sends the last frame and makes the reader notice that the
	// connection is closing. Behind the frame the line closes its side of the
	// connection, so that the client need not wait for the end.
	finish(frame []byte)

	// sever ends the connection without a word.
	sever()
}

// deliver handles what in completes. A panic in the session ends its
// connection alone.
func (c *conn) deliver(in []byte) {
	defer func() {
		if p := recover(); p != nil {
			c.h.cfg.Logger.Error("websocket: panic in a session", "panic", p, "stack", string(debug.Stack()))
			c.broken = true // what followed in the buffer is lost
			c.close(&closeError{transport.CloseInternalError, "internal error"}, fmt.Errorf("websocket: panic in a session: %v", p))
		}
	}()
	p := c.in
	if p == nil {
		p = parsers.Get().(*parser)
		p.limit, p.deflate = c.h.cfg.MaxMessage, c.compressMax > 0
	}
	c.consume(p, in)
	c.in = nil
	switch {
	case c.broken:
	case p.between():
		parsers.Put(p)
	default:
		c.in = p
	}
}

// consume handles what in completes. On a connection that is closing only the
// client's close frame still means something.
func (c *conn) consume(p *parser, in []byte) {
	for len(in) > 0 && !c.broken && !c.peerClosed {
		ev, rest, ok, err := p.next(in)
		switch {
		case err != nil:
			c.broken = true
			c.fail(err)
			return
		case !ok:
			return
		case ev.op == opClose:
			c.peerClosed = true
			c.onClose(ev.data)
		case c.isClosing():
		case ev.op == opPing:
			c.pong(ev.data)
		case ev.op != opPong:
			c.onMessage(ev)
		}
		in = rest
	}
}

func (c *conn) onMessage(ev event) {
	if ev.compressed {
		buf := inflated.Get().(*bytes.Buffer)
		defer putInflated(buf)
		if err := inflate(buf, ev.data, c.h.cfg.MaxMessage); err != nil {
			c.fail(err)
			return
		}
		ev.data = buf.Bytes()
	}
	if ev.op == opText && !utf8.Valid(ev.data) {
		c.fail(&closeError{transport.CloseInvalidPayload, "text is not UTF-8"})
		return
	}
	if err := c.session.Receive(ev.data, ev.op == opBinary); err != nil {
		c.close(&closeError{transport.CloseInternalError, err.Error()}, err)
	}
}

// onClose answers the client's close frame (RFC 6455 §5.5.1): with 1000
// whatever the code, as Phoenix does, unless it is malformed.
func (c *conn) onClose(data []byte) {
	switch {
	case len(data) == 1, len(data) > 1 && !validCloseCode(binary.BigEndian.Uint16(data)):
		c.fail(protocolError("invalid close code"))
	case len(data) > 2 && !utf8.Valid(data[2:]):
		c.fail(&closeError{transport.CloseInvalidPayload, "close reason is not UTF-8"})
	default:
		c.close(&closeError{code: transport.CloseNormal}, nil)
	}
}

// validCloseCode reports whether a peer may send code (RFC 6455 §7.4).
func validCloseCode(code uint16) bool {
	switch {
	case code >= 3000 && code <= 4999:
		return true
	case code == 1004, code == 1005, code == 1006:
		return false
	}
	return code >= 1000 && code <= 1014
}

// onSilence closes a connection whose client has been silent for too long, or
// sends it a ping when it is time. It returns when to look again, or 0 for
// never. The reader calls it.
func (c *conn) onSilence(now time.Duration) (next time.Duration) {
	idle := c.h.cfg.IdleTimeout
	if idle > 0 {
		if next = c.heard + idle; now >= next {
			c.fail(errIdle)
			return 0
		}
	}
	every := c.h.cfg.Ping
	if every <= 0 {
		return next
	}
	at := max(c.heard, c.pinged) + every
	if now >= at {
		c.pinged = now
		c.ping()
		at = now + every
	}
	if next == 0 || at < next {
		return at
	}
	return next
}

// Send implements [transport.Conn].
func (c *conn) Send(f *transport.Frame) error {
	b := f.WebSocket()
	if n := len(f.Payload()); n >= compressMin && n <= int(c.compressMax) {
		if compressed := f.Compressed(deflateFrame); compressed != nil {
			b = compressed
		}
	}
	c.enqueue(b)
	return nil
}

// enqueue sees to it that b, one or more whole frames, is written.
func (c *conn) enqueue(b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.takesMore() {
		c.line.send(b)
	}
}

// takesMore reports whether something can be sent, and closes a connection that
// is too slow for it. The caller holds mu.
func (c *conn) takesMore() bool {
	if c.closing {
		return false
	}
	if c.out != nil && c.out.queued > c.h.cfg.Outbox {
		c.out.drop()
		c.closeLocked(errSlow, transport.ErrSlow)
		return false
	}
	return true
}

// SendBurst implements [transport.Conn].
func (c *conn) SendBurst(b *transport.Burst) error {
	if c.compressMax > 0 {
		return b.Each(c.Send) // some may be compressed; they leave together all the same
	}
	if b.Next == nil {
		c.enqueue(b.WebSocket())
		return nil
	}
	var pieces [][]byte
	for ; b != nil; b = b.Next {
		pieces = append(pieces, b.WebSocket())
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.takesMore() {
		c.line.sendAll(pieces)
	}
	return nil
}

// CarriesBytes implements [transport.Conn].
func (c *conn) CarriesBytes() bool { return true }

// Waiting implements [transport.Conn].
func (c *conn) Waiting() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.out == nil {
		return 0
	}
	return c.out.queued
}

// pong answers a ping, ahead of what waits.
func (c *conn) pong(payload []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closing:
	case c.out != nil:
		c.out.answer = appendPong(c.out.answer[:0], payload)
	default:
		c.sendControl(appendPong(nil, payload))
	}
}

// ping sends a ping, ahead of what waits.
func (c *conn) ping() {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closing:
	case c.out != nil:
		c.out.question = true
	default:
		c.sendControl(pingFrame)
	}
}

// sendControl sends a control frame when nothing else waits.
func (c *conn) sendControl(frame []byte) {
	c.line.send(frame)
	if c.out != nil {
		c.out.lead = 1 // the next one comes behind it
	}
}

// Close implements [transport.Conn].
func (c *conn) Close(code transport.CloseCode, reason string) {
	c.close(&closeError{code, reason}, nil)
}

// fail closes the connection for a reason of its own.
func (c *conn) fail(why *closeError) { c.close(why, why) }

// close sends a close frame behind what was sent and lets nothing follow.
// cause is what the session is told.
func (c *conn) close(with *closeError, cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closeLocked(with, cause)
}

func (c *conn) closeLocked(with *closeError, cause error) {
	if c.closing {
		return
	}
	c.closing = true
	c.cause = cause
	c.closeBy = c.h.clock() + closeTimeout
	c.line.finish(closeFrame(with.code, with.reason))
}

// cut ends the connection without a word. If it was not closing, cause is
// what the session is told.
func (c *conn) cut(cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cutLocked(cause)
}

func (c *conn) cutLocked(cause error) {
	if !c.closing {
		c.closing = true
		c.cause = cause
	}
	if c.out != nil {
		c.out.drop()
	}
	c.line.sever()
}

func (c *conn) isClosing() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closing
}

// why returns what the session is told.
func (c *conn) why() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cause
}

// inflated holds buffers for messages that came compressed.
var inflated = sync.Pool{New: func() any { return new(bytes.Buffer) }}

func putInflated(buf *bytes.Buffer) {
	if buf.Cap() > bufferSize {
		return
	}
	buf.Reset()
	inflated.Put(buf)
}
