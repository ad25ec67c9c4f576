package poller

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Poller is a set of loops. Its methods may be called from any goroutine.
type Poller struct {
	clock func() time.Duration
	loops []*loop
	turn  atomic.Uint32 // the loop that gets the next connection
	wg    sync.WaitGroup
}

// New starts a poller with n loops. clock tells the time by which deadlines
// are set; it never goes back. An error means that the system has no
// descriptors left.
func New(n int, clock func() time.Duration) (*Poller, error) {
	p := &Poller{clock: clock}
	for range n {
		l, err := newLoop(clock)
		if err != nil {
			for _, l := range p.loops {
				l.free()
			}
			return nil, fmt.Errorf("poller: %w", err)
		}
		p.loops = append(p.loops, l)
	}
	for _, l := range p.loops {
		p.wg.Go(l.run)
	}
	return p, nil
}

// Close ends the loops, and waits for that. Every descriptor must be closed
// before. It must not be called by an owner of one.
func (p *Poller) Close() {
	for _, l := range p.loops {
		l.stop()
	}
	p.wg.Wait()
}

// CanTake reports whether nc is a plain TCP or Unix connection. One that wraps
// another may have read ahead of it, or change what passes through it.
func CanTake(nc net.Conn) bool {
	switch nc.(type) {
	case *net.TCPConn, *net.UnixConn:
		return true
	}
	return false
}

// Take makes d the connection of nc, for which [CanTake] holds. nc is closed, so
// that the runtime no longer watches it and nobody else uses it; the connection
// goes on. Nothing is read before [Descriptor.Start]. After an error, which
// means that the system has no descriptors left, nc is as it was.
func (p *Poller) Take(d *Descriptor, nc net.Conn, owner Owner) error {
	raw, err := nc.(syscall.Conn).SyscallConn()
	if err != nil {
		return err
	}
	fd := -1
	var dupErr error
	err = raw.Control(func(old uintptr) { fd, dupErr = unix.FcntlInt(old, unix.F_DUPFD_CLOEXEC, 0) })
	if err = cmp.Or(err, os.NewSyscallError("fcntl", dupErr)); err != nil {
		return err
	}
	_ = nc.Close() // which has no effect but on the descriptor that was duplicated
	d.loop = p.loops[p.turn.Add(1)%uint32(len(p.loops))]
	d.fd = int32(fd)
	d.timer.owner = owner
	return nil
}

// errClosed is what a closed descriptor says.
var errClosed = errors.New("poller: use of a closed descriptor")
