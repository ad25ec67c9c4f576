//go:build linux

// Package poll is the little of Linux that the load client and the bare server need: an epoll instance, and reading and writing
// sockets without the Go runtime in between. Nothing in it is safe for use by several goroutines at once.
package poll

import (
	"fmt"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What a descriptor is watched for, and what an [Event] tells.
const (
	In  = unix.EPOLLIN | unix.EPOLLRDHUP
	Out = unix.EPOLLOUT
)

// A Poller is an epoll instance, level-triggered.
type Poller struct {
	fd     int
	events []unix.EpollEvent
}

// An Event says that a descriptor is ready.
type Event = unix.EpollEvent

// New makes a Poller that tells at most batch events at a time.
func New(batch int) (*Poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll_create1: %w", err)
	}
	return &Poller{fd: fd, events: make([]unix.EpollEvent, batch)}, nil
}

// Add watches fd. Its events come with key and gen in their Fd and Pad, which are the caller's to choose; they end when
// fd is closed.
func (p *Poller) Add(fd int, events uint32, key, gen int32) error {
	return unix.EpollCtl(p.fd, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: events, Fd: key, Pad: gen})
}

// Change watches fd, which was added, for other events.
func (p *Poller) Change(fd int, events uint32, key, gen int32) error {
	return unix.EpollCtl(p.fd, unix.EPOLL_CTL_MOD, fd, &unix.EpollEvent{Events: events, Fd: key, Pad: gen})
}

// Wait blocks until there are events, at most for timeout, and returns them. They are valid until the next call.
func (p *Poller) Wait(timeout time.Duration) ([]Event, error) {
	// epoll_wait counts in milliseconds, which is too coarse for sending at a rate.
	limit := unix.NsecToTimespec(max(0, timeout).Nanoseconds())
	n, _, errno := unix.Syscall6(unix.SYS_EPOLL_PWAIT2, uintptr(p.fd),
		uintptr(unsafe.Pointer(unsafe.SliceData(p.events))), uintptr(len(p.events)), //nolint:gosec // a system call
		uintptr(unsafe.Pointer(&limit)), 0, 0) //nolint:gosec // a system call
	runtime.KeepAlive(&limit)
	switch errno {
	case 0:
		return p.events[:n], nil
	case unix.EINTR:
		return nil, nil
	case unix.ENOSYS:
		return nil, fmt.Errorf("epoll_pwait2: %w; Linux 5.11 or newer is needed", errno)
	}
	return nil, fmt.Errorf("epoll_pwait2: %w", errno)
}

// Close frees the epoll instance. What it watched stays open.
func (p *Poller) Close() { Close(p.fd) }

// Close closes a descriptor. What a socket has to say of its end, reading and writing have said.
func Close(fd int) { _ = unix.Close(fd) }

// Send writes what fd takes of b without blocking, as send(2) does, and returns how much that was. The errno is EAGAIN
// if it takes nothing now.
func Send(fd int, b []byte) (int, unix.Errno) {
	n, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd),
		uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), //nolint:gosec // a system call
		unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}

// Receive reads into b without blocking, as recv(2) does, and returns how much: 0 at the end of the stream. The errno
// is EAGAIN if there is nothing to read.
func Receive(fd int, b []byte) (int, unix.Errno) {
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd),
		uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), //nolint:gosec // a system call
		unix.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}
