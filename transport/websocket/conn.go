package websocket

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
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

// conn is one connection. The goroutine of run owns reading and the end of
// the session; a goroutine of write exists while there is something to write.
type conn struct {
	h       *Handler
	nc      net.Conn
	src     source
	in      parser
	session transport.Session

	compressMax int       // longest payload to compress; 0 if not negotiated
	heard       time.Time // when the last bytes came
	pinged      time.Time
	peerClosed  bool // the client's close frame came
	broken      bool // what comes now cannot be parsed

	writers sync.WaitGroup // the goroutine of write

	mu      sync.Mutex // guards what follows
	out     outbox
	closing bool      // nothing more is received, nothing more can be sent
	cause   error     // why, for the session; nil in good order
	closeBy time.Time // when the connection is cut, once closing
}

func newConn(h *Handler, nc net.Conn, compress bool, compressMax int) *conn {
	c := &conn{h: h, nc: nc, src: newSource(nc), in: parser{limit: h.cfg.MaxMessage, deflate: compress}}
	if compress {
		c.compressMax = compressMax
	}
	return c
}

// run receives until the connection ends, early first, tells the session, and
// sees the connection out.
func (c *conn) run(early []byte) {
	defer c.h.leave(c)
	c.heard = time.Now()
	err := c.receive(early)
	c.session.Closed(err)
	c.linger()
	hangUp(c.nc)
	c.writers.Wait()
}

// receive delivers messages until nothing more is to be received, and returns
// why, which is nil in good order.
func (c *conn) receive(early []byte) (cause error) {
	defer func() {
		if p := recover(); p != nil {
			c.h.cfg.Logger.Error("websocket: panic in a session", "panic", p, "stack", string(debug.Stack()))
			cause = fmt.Errorf("websocket: panic in a session: %v", p)
			c.broken = true // what followed in the buffer is lost
			c.close(&closeError{transport.CloseInternalError, "internal error"}, cause)
		}
	}()
	c.consume(early)
	c.watch()
	for !c.isClosing() {
		buf, n, err := c.src.read()
		if n > 0 {
			c.heard = time.Now()
			c.consume(buf[:n])
		}
		c.src.done(buf)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			c.onSilence()
		case errors.Is(err, io.EOF):
			c.cut(errNoClose)
		case err != nil:
			c.cut(err)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cause
}

// consume handles what in completes. On a connection that is closing only the
// client's close frame still means something.
func (c *conn) consume(in []byte) {
	for len(in) > 0 && !c.broken && !c.peerClosed {
		ev, rest, ok, err := c.in.next(in)
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

// watch sets the deadline of reading to when silence next means something.
// It is not moved each time that something comes, but when it has passed.
func (c *conn) watch() {
	var at time.Time
	if idle := c.h.cfg.IdleTimeout; idle > 0 {
		at = c.heard.Add(idle)
	}
	if ping := c.nextPing(); !ping.IsZero() && (at.IsZero() || ping.Before(at)) {
		at = ping
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closing {
		_ = c.nc.SetReadDeadline(at) // fails only on a connection whose reads fail too
	}
}

// nextPing returns when the client is to be sent a ping if it stays silent.
func (c *conn) nextPing() time.Time {
	switch {
	case c.h.cfg.Ping <= 0:
		return time.Time{}
	case c.pinged.After(c.heard):
		return c.pinged.Add(c.h.cfg.Ping)
	}
	return c.heard.Add(c.h.cfg.Ping)
}

// onSilence handles the deadline that watch has set, or one that was set to
// wake up the reader because the connection is closing.
func (c *conn) onSilence() {
	now := time.Now()
	if idle := c.h.cfg.IdleTimeout; idle > 0 && now.Sub(c.heard) >= idle {
		c.fail(errIdle)
		return
	}
	if at := c.nextPing(); !at.IsZero() && !now.Before(at) {
		c.pinged = now
		c.ping()
	}
	c.watch()
}

// linger waits for the end of the client, for at most closeTimeout since the
// close, and lets what is still to be written go out. Closing at once might
// take the close frame away from a client that is still sending: its kernel
// forgets what it has not read when it is answered with a reset.
func (c *conn) linger() {
	c.mu.Lock()
	_ = c.nc.SetReadDeadline(c.closeBy)
	c.mu.Unlock()
	_, canHalfClose := c.nc.(halfCloser)
	for canHalfClose || !c.peerClosed {
		buf, n, err := c.src.read()
		c.consume(buf[:n])
		c.src.done(buf)
		if err != nil {
			break
		}
	}
	c.writers.Wait() // ends by closeBy
}

// Send implements [transport.Conn].
func (c *conn) Send(f *transport.Frame) error {
	b := f.WebSocket()
	if n := len(f.Payload()); n >= compressMin && n <= c.compressMax {
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
	switch {
	case c.closing:
	case c.out.queued > c.h.cfg.Outbox:
		c.out.drop()
		c.closeLocked(errSlow, errSlow)
	default:
		c.out.push(b)
		c.startWriter()
	}
}

// SendBurst implements [transport.Conn].
func (c *conn) SendBurst(b *transport.Burst) error {
	if c.compressMax > 0 {
		return b.Each(c.Send) // some may be compressed; they leave together all the same
	}
	c.enqueue(b.WebSocket())
	return nil
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
	c.closeBy = time.Now().Add(closeTimeout)
	c.out.push(closeFrame(with.code, with.reason))
	_ = c.nc.SetWriteDeadline(c.closeBy)
	_ = c.nc.SetReadDeadline(time.Unix(1, 0)) // wakes the reader up
	c.startWriter()
}

// cut ends the connection without a word. If it was not closing, cause is
// what the session is told.
func (c *conn) cut(cause error) {
	c.mu.Lock()
	if !c.closing {
		c.closing = true
		c.cause = cause
	}
	c.out.drop()
	c.mu.Unlock()
	hangUp(c.nc)
}

func (c *conn) isClosing() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closing
}

// halfCloser is a connection whose writing side can be closed on its own.
type halfCloser interface{ CloseWrite() error }

// hangUp closes nc without waiting for anything. The Close of a TLS
// connection would wait for a peer that does not read to take an alert.
func hangUp(nc net.Conn) {
	if t, ok := nc.(*tls.Conn); ok {
		nc = t.NetConn()
	}
	_ = nc.Close() // there is nobody to tell
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
