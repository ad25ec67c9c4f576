//go:build linux

package bench

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// Parts of the kernel's answer about a socket: a header, then attributes.
const (
	diagRequestSize = 56  // struct inet_diag_req_v2
	diagSize        = 72  // struct inet_diag_msg
	diagSourcePort  = 4   // in it, and the destination's behind it
	diagInfo        = 2   // the attribute with struct tcp_info
	infoReceived    = 128 // in that: tcpi_bytes_received
	established     = 1
	diagTimeout     = 5 * time.Second
)

// received returns how many bytes the TCP connections of this machine to or from one of the ports have received, over
// IPv4, both ends of those on loopback: each byte counts once. The kernel knows without anybody's help.
func received(ports []int) (sum uint64, err error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return 0, fmt.Errorf("the kernel does not tell about sockets: %w", err)
	}
	defer func() { _ = unix.Close(fd) }() // it was only read from
	timeout := unix.NsecToTimeval(diagTimeout.Nanoseconds())
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout); err != nil {
		return 0, err
	}
	if err := unix.Sendto(fd, diagRequest(), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return 0, fmt.Errorf("asking the kernel about sockets: %w", err)
	}
	buf := make([]byte, 64<<10)
	for {
		n, _, err := unix.Recvfrom(fd, buf, 0)
		if err != nil {
			return 0, fmt.Errorf("the kernel about sockets: %w", err)
		}
		more, err := messages(buf[:n], func(body []byte) { sum += diagnosed(body, ports) })
		if err != nil || !more {
			return sum, err
		}
	}
}

// diagRequest asks for all established TCP connections over IPv4.
func diagRequest() []byte {
	b := make([]byte, 0, unix.NLMSG_HDRLEN+diagRequestSize)
	b = binary.NativeEndian.AppendUint32(b, uint32(cap(b)))
	b = binary.NativeEndian.AppendUint16(b, unix.SOCK_DIAG_BY_FAMILY)
	b = binary.NativeEndian.AppendUint16(b, unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
	b = append(b, 0, 0, 0, 0, 0, 0, 0, 0) // sequence number and port
	b = append(b, unix.AF_INET, unix.IPPROTO_TCP, 1<<(diagInfo-1), 0)
	b = binary.NativeEndian.AppendUint32(b, 1<<established)
	return b[:cap(b)]
}

// messages takes the kernel's messages apart, and reports whether more are to come.
func messages(b []byte, each func(body []byte)) (more bool, err error) {
	for len(b) >= unix.NLMSG_HDRLEN {
		size := int(binary.NativeEndian.Uint32(b))
		if size < unix.NLMSG_HDRLEN || size > len(b) {
			return false, fmt.Errorf("the kernel about sockets: a message of %d bytes in %d", size, len(b))
		}
		switch body := b[unix.NLMSG_HDRLEN:size]; binary.NativeEndian.Uint16(b[4:]) {
		case unix.NLMSG_DONE:
			return false, nil
		case unix.NLMSG_ERROR:
			return false, fmt.Errorf("the kernel about sockets: %w", unix.Errno(-int32(binary.NativeEndian.Uint32(body))))
		default:
			each(body)
		}
		b = b[min(len(b), aligned(size)):]
	}
	return true, nil
}

func aligned(size int) int { return (size + 3) &^ 3 }

// diagnosed returns what a connection has received if it is of one of the ports.
func diagnosed(body []byte, ports []int) uint64 {
	if len(body) < diagSize {
		return 0
	}
	source, destination := int(binary.BigEndian.Uint16(body[diagSourcePort:])), int(binary.BigEndian.Uint16(body[diagSourcePort+2:]))
	if !slices.Contains(ports, source) && !slices.Contains(ports, destination) {
		return 0
	}
	for attrs := body[diagSize:]; len(attrs) >= unix.SizeofRtAttr; {
		size, kind := int(binary.NativeEndian.Uint16(attrs)), binary.NativeEndian.Uint16(attrs[2:])
		if size < unix.SizeofRtAttr || size > len(attrs) {
			return 0
		}
		if value := attrs[unix.SizeofRtAttr:size]; kind == diagInfo && len(value) >= infoReceived+8 {
			return binary.NativeEndian.Uint64(value[infoReceived:])
		}
		attrs = attrs[min(len(attrs), aligned(size)):]
	}
	return 0
}
