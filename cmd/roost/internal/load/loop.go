//go:build linux

package load

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"github.com/roost-dev/roost/cmd/roost/internal/poll"
	"github.com/roost-dev/roost/internal/ws"
	"github.com/roost-dev/roost/wire"
)

const (
	readBuffer = 256 << 10 // what is read at a time, in bytes
	batch      = 16 << 10  // events at a time
	longestNap = 100 * time.Millisecond
	maxUnsent  = 1 << 20          // what a connection that the server does not read may hold back, in bytes
	beatEvery  = 25 * time.Second // Phoenix ends a connection that is silent for 60 s
)

// A Handler is told what happens to connections. Its methods are called by the goroutine that runs the loop and must not block.
type Handler interface {
	// Opened says that the server accepted c.
	Opened(c *Conn)
	// Message hands over a message of the server, which is valid until it returns.
	Message(c *Conn, text []byte)
	// Closed says that the server ended c, or never accepted it, and why; err is never nil. It is not called for a
	// connection that the client ended with [Conn.Close], but for one that it asked the server to end with
	// [Conn.Leave].
	Closed(c *Conn, err error)
}

// A Loop is connections, to one target as a rule, and the one goroutine that serves them all. Only that goroutine may use it.
type Loop struct {
	// Sources is how many of the addresses 127.0.0.1, 127.0.0.2, ... connections come from in turn, if the target is on
	// this machine; 0 leaves the address to the kernel. At most 254.
	Sources int
	// ReadEvery makes the loop look at its sockets so often and no oftener; 0 is at once. On one machine with the
	// server, a client that wakes for each message takes the CPU that the server would need.
	ReadEvery time.Duration

	target   *Target
	handler  Handler
	poller   *poll.Poller
	conns    []*Conn // by slot; nil where one is free
	free     []int32
	dialed   int
	buf      []byte
	read     time.Time
	passed   time.Time // when it last looked at its sockets
	unsent   []*Conn   // have something in out that was not tried yet
	nextBeat time.Time
	beat     []byte
}

// NewLoop makes a loop that connects to target. The caller must close it.
func NewLoop(target *Target) (*Loop, error) {
	beat, _, err := wire.V2.AppendClient(nil, wire.ClientMessage{
		Ref: wire.String("beat"), Topic: wire.String(wire.TopicHeartbeat), Event: wire.EventHeartbeat, Payload: wire.Payload{Data: []byte("{}")},
	})
	if err != nil {
		return nil, err
	}
	poller, err := poll.New(batch)
	if err != nil {
		return nil, err
	}
	return &Loop{
		Sources: 200, target: target, poller: poller,
		buf: make([]byte, readBuffer), beat: ws.AppendClient(nil, ws.Text, beat),
	}, nil
}

// Handle has h told from now on.
func (l *Loop) Handle(h Handler) { l.handler = h }

// Read is when the bytes were read whose messages are being handed over.
func (l *Loop) Read() time.Time { return l.read }

// Dial begins another connection. The handler hears of it.
func (l *Loop) Dial(id int) (*Conn, error) { return l.DialTo(l.target, id) }

// DialTo is Dial to another target than the loop's.
func (l *Loop) DialTo(target *Target, id int) (*Conn, error) {
	l.dialed++
	fd, err := target.dial(l.dialed, l.Sources)
	if err != nil {
		return nil, err
	}
	c := &Conn{ID: id, loop: l, target: target, fd: fd, state: dialing, gen: int32(l.dialed)}
	if n := len(l.free); n > 0 {
		c.slot, l.free = l.free[n-1], l.free[:n-1]
		l.conns[c.slot] = c
	} else {
		c.slot = int32(len(l.conns))
		l.conns = append(l.conns, c)
	}
	if err := l.poller.Add(fd, poll.Out, c.slot, c.gen); err != nil {
		c.Close()
		return nil, fmt.Errorf("epoll_ctl: %w", err)
	}
	return c, nil
}

// Run serves the connections until step says that it is done, or fails, or ctx ends. It calls step after each batch of
// events, and at the latest at the time that step returned, or after 100 ms.
func (l *Loop) Run(ctx context.Context, step func(now time.Time) (wake time.Time, done bool, err error)) error {
	// A thread of its own waits and wakes for the price of the system call.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		now := time.Now()
		wake, done, err := step(now)
		if done || err != nil {
			return err
		}
		l.flush()
		l.keepAlive(now)
		nap := longestNap
		if !wake.IsZero() {
			nap = min(nap, time.Until(wake))
		}
		events, err := l.wait(nap)
		if err != nil {
			return err
		}
		for _, e := range events {
			if c := l.conns[e.Fd]; c != nil && c.gen == e.Pad { // another may have taken the slot of one that just ended
				c.ready(e.Events)
			}
		}
	}
}

// wait returns the next events, or none after nap.
func (l *Loop) wait(nap time.Duration) ([]poll.Event, error) {
	if l.ReadEvery > 0 {
		if pause := l.ReadEvery - time.Since(l.passed); pause > 0 {
			rest := unix.NsecToTimespec(max(0, min(pause, nap)).Nanoseconds())
			if _ = unix.Nanosleep(&rest, nil); nap < pause { // a signal may cut it short, which does no harm
				return nil, nil
			}
			nap -= pause
		}
		defer func() { l.passed = time.Now() }()
	}
	return l.poller.Wait(nap)
}

// flush sends what was queued since.
func (l *Loop) flush() {
	for _, c := range l.unsent {
		c.queued = false
		c.flush()
	}
	clear(l.unsent)
	l.unsent = l.unsent[:0]
}

// keepAlive sends the heartbeats that are due.
func (l *Loop) keepAlive(now time.Time) {
	if now.Before(l.nextBeat) {
		return
	}
	l.nextBeat = now.Add(time.Second)
	for _, c := range l.conns {
		if c != nil && c.state == open && now.Sub(c.beat) >= beatEvery {
			c.beat = now
			c.Send(l.beat)
		}
	}
}

// Close ends all connections without a word.
func (l *Loop) Close() {
	for _, c := range l.conns {
		if c != nil {
			c.Close()
		}
	}
	l.poller.Close()
}
