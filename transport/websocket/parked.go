package websocket

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// pieceSize is how much of a large frame is written under one deadline.
const pieceSize = 64 << 10

// parked is a line that any net.Conn can be: a goroutine is parked in its
// reads, and a second one exists while there is something to write.
type parked struct {
	conn
	nc      net.Conn
	src     source
	writers sync.WaitGroup // the goroutine of write, which exists while there is an outbox
}

func newParked(h *Handler, nc net.Conn) *conn {
	p := &parked{h: h, nc: nc, src: newSource(nc)}
	p.line = p
	return &p.conn
}

func (p *parked) greet(answer []byte) error { return p.writeAll(answer) }

func (p *parked) start(early []byte) { go p.run(early) }

func (p *parked) discard() {
	hangUp(p.nc)
	p.writers.Wait()
}

// run receives until the connection ends, tells the session, and sees the
// connection out.
func (p *parked) run(early []byte) {
	defer p.h.leave(&p.conn)
	p.heard = p.h.clock()
	p.deliver(early)
	p.receive()
	p.session.Closed(p.why())
	p.linger()
	hangUp(p.nc)
	p.writers.Wait()
}

// receive delivers messages until nothing more is to be received.
func (p *parked) receive() {
	p.watch()
	for !p.isClosing() {
		buf, n, err := p.src.read()
		if n > 0 {
			p.heard = p.h.clock()
			p.deliver(buf[:n])
		}
		p.src.done(buf)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			p.watch()
		case errors.Is(err, io.EOF):
			p.cut(errNoClose)
		case err != nil:
			p.cut(err)
		}
	}
}

// watch sets the deadline of reading to when silence next means something.
// It is not moved each time that something comes, but when it has passed.
func (p *parked) watch() {
	var at time.Time
	if next := p.onSilence(p.h.clock()); next > 0 {
		at = p.h.began.Add(next)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closing {
		_ = p.nc.SetReadDeadline(at) // fails only on a connection whose reads fail too
	}
}

// linger waits for the end of the client, for at most closeTimeout since the
// close, and lets what is still to be written go out. Closing at once might
// take the close frame away from a client that is still sending: its kernel
// forgets what it has not read when it is answered with a reset.
func (p *parked) linger() {
	p.mu.Lock()
	_ = p.nc.SetReadDeadline(p.h.began.Add(p.closeBy))
	p.mu.Unlock()
	_, canHalfClose := p.nc.(halfCloser)
	for canHalfClose || !p.peerClosed {
		buf, n, err := p.src.read()
		p.deliver(buf[:n])
		p.src.done(buf)
		if err != nil {
			break
		}
	}
	p.writers.Wait() // ends by closeBy
}

func (p *parked) send(frame []byte) {
	if p.out == nil {
		p.out = newOutbox()
		p.writers.Go(p.write)
	}
	p.out.push(frame)
}

func (p *parked) sendAll(frames [][]byte) {
	for _, frame := range frames {
		p.send(frame) // the goroutine writes what waits as one
	}
}

func (p *parked) finish(frame []byte) {
	p.send(frame)
	_ = p.nc.SetWriteDeadline(p.h.began.Add(p.closeBy))
	_ = p.nc.SetReadDeadline(time.Unix(1, 0)) // wakes the reader up
}

func (p *parked) sever() { hangUp(p.nc) }

// write writes until the outbox is empty.
func (p *parked) write() {
	buf := getBuffer()
	defer putBuffer(buf)
	written := 0
	for {
		b, last := p.next(buf[:], written)
		if len(b) == 0 {
			if half, ok := p.nc.(halfCloser); ok && last {
				_ = half.CloseWrite() // the connection is cut soon, either way
			}
			return
		}
		if err := p.writeAll(b); err != nil {
			p.cut(err)
			return
		}
		written = len(b)
	}
}

// next takes what has been written from the outbox, and returns what is to be
// written now. Nothing ends the writer: for good if last, and else until there
// is something again.
func (p *parked) next(buf []byte, written int) (b []byte, last bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.out.consume(written)
	if b = p.out.peek(buf); len(b) == 0 {
		p.out.release()
		p.out = nil
	}
	return b, p.closing
}

// writeAll writes b; its deadline moves on with each piece that is taken. It
// overrides what deadline the HTTP server may have left behind.
func (p *parked) writeAll(b []byte) error {
	for len(b) > 0 {
		piece := b[:min(len(b), pieceSize)]
		p.mu.Lock()
		deadline := p.h.clock() + writeTimeout
		if p.closing {
			deadline = p.closeBy
		}
		err := p.nc.SetWriteDeadline(p.h.began.Add(deadline))
		p.mu.Unlock()
		if err != nil {
			return err
		}
		if _, err := p.nc.Write(piece); err != nil {
			return err
		}
		b = b[len(piece):]
	}
	return nil
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
