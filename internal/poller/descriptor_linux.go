package poller

import (
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Descriptor is a connection's place in a loop. The zero value owns nothing;
// it must not be copied.
//
// Read and SetDeadline are for the owner within a call of the loop, as is Close
// once Start was called: a descriptor is closed by nobody but who reads it. All
// other methods may be called from any goroutine if the owner sees to it, by a
// mutex, that none of them overlaps with another or with Close. Else bytes
// could go to whichever connection has the number next.
type Descriptor struct {
	loop    *loop
	timer   spoke
	fd      int32
	slot    uint32 // in the loop's table
	started bool
	armed   bool
	closed  bool
	queued  bool // to be woken; guarded by the loop's mutex
}

// Start has the loop watch the descriptor, beginning with a call as of Wake.
// What came before is not missed.
func (d *Descriptor) Start() error {
	if d.closed {
		return errClosed
	}
	if err := d.loop.add(d); err != nil {
		return os.NewSyscallError("epoll_ctl", err)
	}
	d.started = true
	d.Wake()
	return nil
}

// Read reads what is there, once, without waiting. n is 0 when nothing is. The
// end is io.EOF.
func (d *Descriptor) Read(b []byte) (n int, err error) {
	for {
		n, errno := receive(d.fd, b)
		switch {
		case errno == unix.EINTR:
		case errno == unix.EAGAIN:
			return 0, nil
		case errno != 0:
			return 0, os.NewSyscallError("recvfrom", errno)
		case n == 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}

// Write writes as much of b as the kernel takes at once, which may be nothing.
func (d *Descriptor) Write(b []byte) (n int, err error) {
	if d.closed {
		return 0, errClosed
	}
	if len(b) == 0 {
		return 0, nil
	}
	for {
		n, errno := send(d.fd, b)
		switch errno {
		case 0:
			return n, nil
		case unix.EINTR:
		case unix.EAGAIN:
			return 0, nil
		default:
			return 0, os.NewSyscallError("sendto", errno)
		}
	}
}

// Arm says whether the owner wants to hear when the kernel takes bytes again.
func (d *Descriptor) Arm(on bool) error {
	if d.armed == on || d.closed {
		return nil
	}
	d.armed = on
	if !d.started {
		return nil
	}
	return os.NewSyscallError("epoll_ctl", d.loop.control(unix.EPOLL_CTL_MOD, d))
}

// Wake has the owner called soon. Before Start and after Close it does nothing.
func (d *Descriptor) Wake() {
	if d.started && !d.closed {
		d.loop.wake(d)
	}
}

// CloseWrite lets the peer read the end behind what was written.
func (d *Descriptor) CloseWrite() { d.shutdown(unix.SHUT_WR) }

// Shutdown ends the connection in both directions without closing the
// descriptor: the owner will read the end.
func (d *Descriptor) Shutdown() { d.shutdown(unix.SHUT_RDWR) }

func (d *Descriptor) shutdown(how int) {
	if !d.closed {
		_ = unix.Shutdown(int(d.fd), how) // fails on a connection that has ended already
	}
}

// SetDeadline has the owner called at the given time of the poller's clock, or
// a little later, and before it where it is far away. There is one deadline, and
// no way to clear it.
func (d *Descriptor) SetDeadline(at time.Duration) { d.loop.wheel.set(&d.timer, at) }

// Close closes the descriptor and forgets it.
func (d *Descriptor) Close() {
	if d.closed {
		return
	}
	if d.started {
		d.loop.remove(d)
	}
	d.closed = true
	_ = unix.Close(int(d.fd)) // the number is free again, whatever it returns
}
