package replay

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"time"
)

// clientKey is the Sec-WebSocket-Key of all recordings.
const clientKey = "MDEyMzQ1Njc4OWFiY2RlZg=="

// ioTimeout bounds each write and each answer; nothing in a recording takes longer.
const ioTimeout = 15 * time.Second

// A conn is the client's end of one WebSocket. One goroutine reads it; close ends and awaits that goroutine.
type conn struct {
	nc      net.Conn
	frames  chan frame // what came, in order; the last one has end set
	done    chan struct{}
	inflate *inflater // nil without permessage-deflate
	reader  sync.WaitGroup

	mu      sync.Mutex // guards writes and what follows
	closed  bool       // a close frame was sent
	closing bool       // the client's close frame came first, so that the server's one is an answer
}

// dial sends the upgrade request of a step and returns the answer, and the connection if that is 101.
func dial(ctx context.Context, addr string, step *Step, subst func(string) string) (*conn, *Response, error) {
	headers := [][2]string{
		{"host", addr}, {"upgrade", "websocket"}, {"connection", "Upgrade"},
		{"sec-websocket-key", clientKey}, {"sec-websocket-version", "13"},
	}
	nc, err := send(ctx, addr, request{"GET", subst(step.URL), mergeHeaders(headers, step.Headers, subst), nil})
	if err != nil {
		return nil, nil, err
	}
	br := bufio.NewReader(nc)
	res, err := readResponse(br, "GET")
	if err != nil || res.Status != http.StatusSwitchingProtocols {
		nc.Close()
		return nil, res, err
	}
	nc.SetDeadline(time.Time{})
	c := &conn{nc: nc, frames: make(chan frame, 1024), done: make(chan struct{})}
	if ext, ok := res.header("sec-websocket-extensions"); ok {
		c.inflate = &inflater{takeover: !strings.Contains(ext, "server_no_context_takeover")}
	}
	c.reader.Go(func() { c.read(br) })
	return c, res, nil
}

// read hands over every message and control frame until the stream ends.
func (c *conn) read(br *bufio.Reader) {
	var message frame // the fragments of a data message so far
	for {
		f, err := readFrame(br)
		if err != nil {
			c.deliver(frame{end: err})
			return
		}
		if f.opcode() < opClose {
			if f.opcode() == opContinuation {
				message.payload = append(message.payload, f.payload...)
			} else {
				message = f
			}
			if !f.fin() {
				continue
			}
			message.first |= 0x80
			f = message
		}
		if f.rsv() == 4 && c.inflate != nil {
			if f.payload, err = c.inflate.inflate(f.payload); err != nil {
				c.deliver(frame{end: err})
				return
			}
		}
		c.deliver(f)
		if f.opcode() == opClose {
			c.answerClose(f.payload[:min(2, len(f.payload))])
		}
	}
}

func (c *conn) deliver(f frame) {
	select {
	case c.frames <- f:
	case <-c.done:
	}
}

// send writes one frame as the client's own doing.
func (c *conn) send(opcode byte, payload []byte, opts FrameOpts) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if opcode == opClose {
		c.closed, c.closing = true, true
	}
	return c.write(encodeFrame(opcode, payload, opts))
}

// answerClose ends the closing handshake that the server began, if it did.
func (c *conn) answerClose(code []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.closed = true
		c.write(encodeFrame(opClose, code, FrameOpts{})) // the server need not wait for it, so it may fail
	}
}

func (c *conn) write(raw []byte) error {
	c.nc.SetWriteDeadline(time.Now().Add(ioTimeout))
	_, err := c.nc.Write(raw)
	return err
}

// beganClose reports whether the client closed first.
func (c *conn) beganClose() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closing
}

// next returns the next frame, or false when none comes in time.
func (c *conn) next(within time.Duration) (frame, bool) {
	select {
	case f := <-c.frames: // what has come counts, however little time is left
		return f, true
	default:
	}
	select {
	case f := <-c.frames:
		return f, true
	case <-time.After(within):
		return frame{}, false
	}
}

// close cuts the TCP connection, as a client does that goes away without a word.
func (c *conn) close() {
	select {
	case <-c.done:
		return
	default:
	}
	close(c.done)
	c.nc.Close()
	c.reader.Wait()
}

// orderlyEnd reports whether the stream ended as TCP streams end. A reset is one if it did not take the close frame
// away, which the caller has then read.
func orderlyEnd(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET)
}
