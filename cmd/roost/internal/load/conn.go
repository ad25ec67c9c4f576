//go:build linux

package load

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sys/unix"

	"github.com/roost-dev/roost/cmd/roost/internal/poll"
	"github.com/roost-dev/roost/internal/ws"
)

// ErrUnread says that the server does not read what a connection sends.
var ErrUnread = errors.New("the server does not read: 1 MiB waits to be sent")

// A CloseError is the close frame that ended a connection.
type CloseError struct {
	Code   int // 1005 if the frame had none
	Reason string
}

func (e *CloseError) Error() string {
	return fmt.Sprintf("the server closed the connection with %d %q", e.Code, e.Reason)
}

type state uint8

const (
	dialing   state = iota // connect(2) is under way
	upgrading              // the request is sent
	open
	leaving // a close frame is sent
	closed
)

// A Conn is one WebSocket of a [Loop].
type Conn struct {
	// ID is the caller's.
	ID int

	loop    *Loop
	target  *Target
	fd      int
	slot    int32
	gen     int32
	state   state
	queued  bool // in loop.unsent
	blocked bool // the kernel takes nothing, so that the socket is watched for room
	in      []byte
	message []byte // the fragments of a message so far
	out     []byte
	beat    time.Time
}

// Send sends frames made by package ws as far as the kernel takes them now, and the rest later.
func (c *Conn) Send(frames []byte) {
	c.Queue(frames)
	if !c.queued {
		return
	}
	c.flush() // and again, with nothing to do, at the end of the batch
}

// Queue has frames sent after the events of this moment, together with what else is queued.
func (c *Conn) Queue(frames []byte) {
	if c.state == closed {
		return
	}
	c.out = append(c.out, frames...)
	if !c.queued && !c.blocked {
		c.queued = true
		c.loop.unsent = append(c.loop.unsent, c)
	}
}

// Leave sends a close frame; the handler hears of the end.
func (c *Conn) Leave() {
	if c.state == open {
		c.Send(ws.AppendClient(nil, ws.Close, []byte{1000 >> 8, 1000 & 0xFF}))
		c.state = leaving
	}
}

// Close ends the connection without a word. The handler hears nothing of it.
func (c *Conn) Close() {
	if c.state == closed {
		return
	}
	c.state = closed
	poll.Close(c.fd)
	c.loop.conns[c.slot] = nil
	c.loop.free = append(c.loop.free, c.slot)
}

func (c *Conn) fail(err error) {
	if c.state != closed {
		c.Close()
		c.loop.handler.Closed(c, err)
	}
}

// flush sends what it can.
func (c *Conn) flush() {
	if c.state == closed || c.state == dialing || c.blocked || len(c.out) == 0 {
		return
	}
	n, errno := poll.Send(c.fd, c.out)
	if errno != 0 && errno != unix.EAGAIN {
		c.fail(fmt.Errorf("write: %w", errno))
		return
	}
	rest := copy(c.out, c.out[n:])
	c.out = c.out[:rest]
	switch {
	case rest > maxUnsent:
		c.fail(ErrUnread)
	case rest > 0:
		c.blocked = true
		c.watch(poll.In | poll.Out)
	}
}

func (c *Conn) watch(events uint32) {
	if err := c.loop.poller.Change(c.fd, events, c.slot, c.gen); err != nil {
		c.fail(fmt.Errorf("epoll_ctl: %w", err))
	}
}

// ready serves an event.
func (c *Conn) ready(events uint32) {
	if c.state == dialing {
		c.connected()
		return
	}
	if events&unix.EPOLLOUT != 0 && c.blocked {
		c.blocked = false
		c.watch(poll.In)
		c.flush()
	}
	if events&^unix.EPOLLOUT != 0 && c.state != closed {
		c.receive()
	}
}

// connected sends the request once the kernel has connected.
func (c *Conn) connected() {
	code, err := unix.GetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && code != 0 {
		err = unix.Errno(code)
	}
	if err != nil {
		c.fail(fmt.Errorf("connect to %s: %w", c.target.Host, err))
		return
	}
	c.state = upgrading
	c.watch(poll.In)
	c.Send(c.target.request)
}

// receive reads once: if there is more, there will be another event.
func (c *Conn) receive() {
	l := c.loop
	n, errno := poll.Receive(c.fd, l.buf)
	l.read = time.Now()
	switch {
	case errno == unix.EAGAIN:
		return
	case errno != 0:
		c.fail(fmt.Errorf("read: %w", errno))
		return
	case n == 0:
		c.fail(io.ErrUnexpectedEOF)
		return
	}
	data := l.buf[:n]
	if len(c.in) > 0 {
		c.in = append(c.in, data...)
		data = c.in
	}
	used, err := c.consume(data)
	if err != nil {
		c.fail(err)
	}
	if c.state == closed {
		return
	}
	if rest := data[used:]; len(rest) == 0 {
		c.in = nil // most never need it again
	} else if used > 0 || len(c.in) == 0 {
		c.in = append(c.in[:0], rest...)
	}
}

// consume handles what is whole in data, and returns how much that was.
func (c *Conn) consume(data []byte) (used int, err error) {
	if c.state == upgrading {
		used, err = ws.Opened(data)
		if used == 0 || err != nil {
			return 0, err
		}
		c.state = open
		c.beat = c.loop.read
		c.loop.handler.Opened(c)
	}
	for c.state != closed {
		frame, n, err := ws.Next(data[used:])
		if n == 0 || err != nil {
			return used, err
		}
		used += n
		if frame.Op == ws.Text && frame.Fin { // as nearly always
			c.loop.handler.Message(c, frame.Payload)
		} else if err := c.other(frame); err != nil {
			return used, err
		}
	}
	return used, nil
}

// other handles a frame that is not a whole text message.
func (c *Conn) other(f ws.Frame) error {
	switch f.Op {
	case ws.Text, ws.Continuation:
		c.message = append(c.message, f.Payload...)
		if f.Fin {
			message := c.message
			c.message = nil
			c.loop.handler.Message(c, message)
		}
	case ws.Ping:
		c.Send(ws.AppendClient(nil, ws.Pong, f.Payload))
	case ws.Close:
		end := &CloseError{Code: 1005}
		if len(f.Payload) >= 2 {
			end.Code, end.Reason = int(binary.BigEndian.Uint16(f.Payload)), string(f.Payload[2:])
		}
		return end
	case ws.Binary:
		return errors.New("the server sent a binary message, which nothing here asks for")
	}
	return nil
}
