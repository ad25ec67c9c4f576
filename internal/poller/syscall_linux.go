package poller

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// These system calls do not wait, and are made for each message. So they are
// made without telling the scheduler, whose part would cost as much as theirs.

// rawLimit is up to how many bytes a call is over in microseconds.
const rawLimit = 32 << 10

// receive reads from a socket into b, which is not empty.
func receive(fd int32, b []byte) (int, unix.Errno) {
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd),
		uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), unix.MSG_DONTWAIT, 0, 0) //nolint:gosec // b is a slice of that length
	return int(n), errno
}

// send writes b, which is not empty, to a socket. A large b is written in the
// view of the scheduler.
func send(fd int32, b []byte) (int, unix.Errno) {
	call := unix.RawSyscall6
	if len(b) > rawLimit {
		call = unix.Syscall6
	}
	n, _, errno := call(unix.SYS_SENDTO, uintptr(fd),
		uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0) //nolint:gosec // b is a slice of that length
	return int(n), errno
}

// poll returns how many events an epoll has, of which it stores the first.
func poll(epoll int, events *[batch]unix.EpollEvent) int {
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(epoll),
		uintptr(unsafe.Pointer(events)), batch, 0, 0, 0) //nolint:gosec // events is an array of that length
	if errno != 0 {
		return 0
	}
	return int(n)
}
