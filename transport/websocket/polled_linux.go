package websocket

import (
	"errors"
	"io"
	"net"
	"os"
	"time"

	"github.com/roost-dev/roost/internal/poller"
)

const (
	// moment is how soon one frame has to follow another to be of the same
	// burst, in microseconds. The first of a burst is written by who sends it,
	// at once. The others gather until the poller's loop gets to writing them
	// together, which costs less from the second frame on, a thread's waking
	// included.
	moment = 20

	// fairShare is how many times a loop reads one connection before it
	// turns to the others.
	fairShare = 4
)

// polled is a line that costs nothing while it is idle: a loop of the poller
// watches the descriptor, and reads it with a buffer of its own. What is sent
// is written by the sender, as far as the kernel takes it.
type polled struct {
	conn
	fd   poller.Descriptor // guarded by conn.mu as it asks for
	sent uint32            // when the last frame was, in microseconds that begin anew every 71 minutes

	// Used by the loop only.
	told    bool // the session knows of the end
	endNear bool // the end comes behind what can be read
	ended   bool // the client will send no more

	severed bool // nothing can be written or read; guarded by conn.mu
}

// newPolled returns nil if nc has to be a parked line.
func newPolled(h *Handler, nc net.Conn) *conn {
	if h.cfg.NoPoller || !poller.CanTake(nc) {
		return nil
	}
	p := &polled{h: h}
	p.line = p
	if err := h.pollers.take(h, &p.fd, nc, p); err != nil {
		h.cfg.Logger.Warn("websocket: a connection gets a goroutine of its own, since the poller cannot take it", "error", err)
		return nil
	}
	return &p.conn
}

var errNotGreeted = errors.New("websocket: the client did not take the answer to its handshake")

func (p *polled) greet(answer []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	n, err := p.fd.Write(answer)
	if err == nil && n < len(answer) {
		err = errNotGreeted // some hundred bytes, the first of the connection
	}
	return err
}

func (p *polled) start(early []byte) {
	p.heard = p.h.clock()
	if len(early) > 0 {
		p.deliver(early)
	}
	p.mu.Lock()
	err := p.fd.Start() // from here on the loop owns the reading
	p.mu.Unlock()
	if err != nil {
		p.h.cfg.Logger.Error("websocket: cannot watch a connection", "error", err)
		p.cut(err)
		p.settle()
	}
}

func (p *polled) discard() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fd.Close()
	p.h.pollers.release(p.h)
}

// Ready implements [poller.Owner].
func (p *polled) Ready(what poller.Ready, turn *poller.Turn) {
	if what&(poller.Writable|poller.Woken) != 0 {
		p.mu.Lock()
		p.flush()
		p.mu.Unlock()
	}
	if what&poller.Ended != 0 {
		p.endNear = true
	}
	if what&(poller.Readable|poller.Woken) != 0 && !p.ended {
		p.read(turn)
	}
	if what&(poller.Woken|poller.Due) != 0 {
		p.watch(turn.Now)
	}
	p.settle()
}

// read delivers what has come. The loop is told of bytes once; so it reads on
// until there are no more, or fewer than asked for: the next will be news. But
// an end that came along with them is no news then, so if there is one it reads
// up to it.
func (p *polled) read(turn *poller.Turn) {
	for range fairShare {
		n, err := p.fd.Read(turn.Buf)
		if n > 0 {
			p.heard = turn.Now
			p.deliver(turn.Buf[:n])
		}
		switch {
		case err != nil:
			p.end(err)
			return
		case n == 0, n < len(turn.Buf) && !p.endNear:
			return
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fd.Wake()
}

// end handles the end of what the client sends. If the connection is closing
// in good order, what is still to be written goes out all the same.
func (p *polled) end(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	if errors.Is(err, io.EOF) {
		if p.closing {
			return
		}
		err = errNoClose
	}
	p.severed = true // settle closes the descriptor next: no need to shut it down
	p.cutLocked(err)
}

// settle tells the session of the end as soon as the connection is closing,
// and gives the line up when it is over.
func (p *polled) settle() {
	p.mu.Lock()
	closing, cause := p.closing, p.cause
	if closing && p.out != nil && !p.out.stuck {
		p.flush()
	}
	p.mu.Unlock()
	if !closing {
		return
	}
	if !p.told {
		p.told = true
		p.session.Closed(cause)
	}
	p.mu.Lock()
	over := p.severed || p.ended && p.out == nil
	if over {
		p.severed = true
		p.fd.Close()
	}
	p.mu.Unlock()
	if over {
		p.h.pollers.release(p.h)
		p.h.leave(&p.conn)
	}
}

// watch handles the deadlines that have passed, and sets the next.
func (p *polled) watch(now time.Duration) {
	next := time.Duration(0)
	if !p.isClosing() {
		next = p.onSilence(now)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	at := time.Duration(0)
	switch {
	case p.closing:
		at = p.closeBy
	case p.out != nil:
		at = p.out.moved + writeTimeout
	}
	if at > 0 && now >= at {
		p.cutLocked(os.ErrDeadlineExceeded)
		return
	}
	if at > 0 && (next == 0 || at < next) {
		next = at
	}
	if next > 0 && !p.severed {
		p.fd.SetDeadline(next)
	}
}

// send writes at once, but for the later frames of a burst.
func (p *polled) send(frame []byte) {
	if p.out != nil {
		p.out.push(frame)
		if !p.out.stuck && p.out.queued >= bufferSize {
			p.flush() // the loop is busy elsewhere; it is not the client that is slow
		}
		return
	}
	now := p.h.clock()
	micros := uint32(now / time.Microsecond)
	inBurst := micros-p.sent < moment
	p.sent = micros
	n := 0
	if !inBurst {
		var err error
		n, err = p.fd.Write(frame)
		switch {
		case err != nil:
			p.cutLocked(err)
			return
		case n == len(frame):
			return
		}
		p.arm(true)
	}
	p.out = newOutbox()
	p.out.moved, p.out.stuck = now, !inBurst
	p.out.push(frame)
	p.out.consume(n)
	p.fd.Wake() // to write, or to set the deadline of what is stuck
}

// sendAll writes at once, put together in a buffer that is used again.
func (p *polled) sendAll(frames [][]byte) {
	if p.out == nil {
		p.out = newOutbox()
		p.out.moved = p.h.clock()
		p.sent = uint32(p.out.moved / time.Microsecond)
	}
	for _, frame := range frames {
		p.out.push(frame)
	}
	if p.out.stuck {
		return
	}
	p.flush()
	if p.out != nil {
		p.fd.Wake() // to set the deadline of what is stuck
	}
}

// flush writes what the kernel takes of the outbox. Behind the last frame of
// a closing connection it closes its side. p.mu is held.
func (p *polled) flush() {
	if p.out == nil || p.severed {
		return
	}
	buf := getBuffer()
	defer putBuffer(buf)
	for {
		b := p.out.peek(buf[:])
		if len(b) == 0 {
			break
		}
		n, err := p.fd.Write(b)
		if err != nil {
			p.cutLocked(err)
			return
		}
		p.out.consume(n)
		if n > 0 {
			p.out.moved = p.h.clock()
		}
		if p.out.stuck = n < len(b); p.out.stuck {
			p.arm(true)
			return
		}
	}
	p.out.release()
	p.out = nil
	p.arm(false)
	if p.closing {
		p.fd.CloseWrite()
	}
}

func (p *polled) arm(on bool) {
	if err := p.fd.Arm(on); err != nil {
		p.cutLocked(err)
	}
}

// finish leaves the frame to the loop, which has to be woken up anyway: who
// closes many connections is through with them sooner.
func (p *polled) finish(frame []byte) {
	if p.out == nil {
		p.out = newOutbox()
		p.out.moved = p.h.clock()
	}
	p.out.push(frame)
	p.fd.Wake()
}

func (p *polled) sever() {
	if p.severed {
		return
	}
	p.severed = true
	p.fd.Shutdown()
	p.fd.Wake()
}
