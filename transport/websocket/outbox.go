package websocket

import (
	"encoding/binary"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/roost-dev/roost/transport"
)

// pieceSize is how much of a large frame is written under one deadline.
const pieceSize = 64 << 10

// outbox is what waits to be written. The mutex of its connection guards it.
type outbox struct {
	queue    [][]byte // frames, shared with other connections; those before first are gone
	first    int
	queued   int    // bytes of queue and of what is being written of it
	taken    int    // of these, what is being written
	answer   []byte // the pong to be sent, if any: a ping that was not answered before the next is forgotten
	question bool   // a ping is to be sent
	writing  bool   // the goroutine of write exists
}

func (o *outbox) push(frame []byte) {
	o.queue = append(o.queue, frame)
	o.queued += len(frame)
}

// drop forgets what nobody has begun to write.
func (o *outbox) drop() {
	o.queue, o.first = nil, 0
	o.queued = o.taken
}

// shift removes the first n frames. It moves the others only when they are
// fewer than those that are gone, so that a long queue costs no more per frame
// than a short one.
func (o *outbox) shift(n int) {
	clear(o.queue[o.first : o.first+n])
	o.first += n
	if left := len(o.queue) - o.first; left <= o.first {
		copy(o.queue, o.queue[o.first:])
		clear(o.queue[left:])
		o.queue, o.first = o.queue[:left], 0
	}
	if len(o.queue) == 0 && cap(o.queue) > 16 {
		o.queue = nil // idle connections stay small
	}
}

// take removes from the outbox what is to be written next: whole frames, put
// together in buf, or one frame that is too large for it.
func (o *outbox) take(buf []byte) []byte {
	o.queued -= o.taken
	o.taken = 0
	b := buf[:0]
	if len(o.answer) > 0 {
		b = append(b, o.answer...)
		o.answer = o.answer[:0]
	}
	if o.question {
		b = append(b, 0x80|opPing, 0)
		o.question = false
	}
	waiting := o.queue[o.first:]
	if len(b) == 0 && len(waiting) > 0 && len(waiting[0]) > cap(b) {
		b = waiting[0]
		o.taken = len(b)
		o.shift(1)
		return b
	}
	n, before := 0, len(b)
	for n < len(waiting) && len(b)+len(waiting[n]) <= cap(b) {
		b = append(b, waiting[n]...)
		n++
	}
	o.taken = len(b) - before
	o.shift(n)
	return b
}

// pong answers a ping, ahead of what waits.
func (c *conn) pong(payload []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return
	}
	c.out.answer = append(append(c.out.answer[:0], 0x80|opPong, byte(len(payload))), payload...)
	c.startWriter()
}

// ping sends a ping, ahead of what waits.
func (c *conn) ping() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return
	}
	c.out.question = true
	c.startWriter()
}

// startWriter makes sure that somebody writes. c.mu is held.
func (c *conn) startWriter() {
	if !c.out.writing {
		c.out.writing = true
		c.writers.Go(c.write)
	}
}

// write writes until the outbox is empty. Behind a close frame it closes its
// side of the connection, so that the client need not wait for the end.
func (c *conn) write() {
	buf := getBuffer()
	defer putBuffer(buf)
	for {
		b, last := c.next(buf[:])
		switch {
		case len(b) > 0:
			if err := c.writeAll(b); err != nil {
				c.cut(err)
				return
			}
		case last:
			if half, ok := c.nc.(halfCloser); ok {
				_ = half.CloseWrite() // the connection is cut soon, either way
			}
			return
		default:
			return
		}
	}
}

// next returns what to write. Nothing ends the writer: for good if last, and
// else until there is something again.
func (c *conn) next(buf []byte) (b []byte, last bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if b = c.out.take(buf); len(b) == 0 {
		c.out.writing = c.closing // nobody comes after the last
	}
	return b, c.closing
}

// writeAll writes b; its deadline moves on with each piece that is taken. It
// overrides what deadline the HTTP server may have left behind.
func (c *conn) writeAll(b []byte) error {
	for len(b) > 0 {
		piece := b[:min(len(b), pieceSize)]
		c.mu.Lock()
		deadline := time.Now().Add(writeTimeout)
		if c.closing {
			deadline = c.closeBy
		}
		err := c.nc.SetWriteDeadline(deadline)
		c.mu.Unlock()
		if err != nil {
			return err
		}
		if _, err := c.nc.Write(piece); err != nil {
			return err
		}
		b = b[len(piece):]
	}
	return nil
}

// closeFrame makes a close frame. A reason that is too long is shortened, and
// made UTF-8, since clients would take it for a violation.
func closeFrame(code transport.CloseCode, reason string) []byte {
	const longest = maxControl - 2
	reason = strings.ToValidUTF8(reason, "\uFFFD")
	if len(reason) > longest {
		n := longest
		for !utf8.RuneStart(reason[n]) {
			n--
		}
		reason = reason[:n]
	}
	b := appendHeader(make([]byte, 0, 4+len(reason)), 0x80|opClose, 2+len(reason))
	b = binary.BigEndian.AppendUint16(b, uint16(code))
	return append(b, reason...)
}
