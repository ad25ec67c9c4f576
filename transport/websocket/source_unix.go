//go:build unix

package websocket

import (
	"io"
	"net"
	"os"
	"syscall"
)

// rawSource waits for a file descriptor to become readable, and takes a
// buffer only then.
type rawSource struct {
	raw   syscall.RawConn
	tryFn func(fd uintptr) bool // try, made once
	buf   *[bufferSize]byte
	n     int
	err   error
}

func newRawSource(_ net.Conn, raw syscall.RawConn) source {
	s := &rawSource{raw: raw}
	s.tryFn = s.try
	return s
}

func (s *rawSource) read() (buf []byte, n int, err error) {
	s.n, s.err = 0, nil
	if err := s.raw.Read(s.tryFn); err != nil {
		return nil, 0, err // the deadline passed, or the connection was closed
	}
	if s.err != nil {
		return nil, 0, s.err
	}
	return s.buf[:], s.n, nil
}

// try reads once. It returns false to be called again when fd is readable.
func (s *rawSource) try(fd uintptr) bool {
	s.buf = getBuffer()
	for {
		n, err := syscall.Read(int(fd), s.buf[:])
		switch {
		case err == syscall.EINTR:
			continue
		case n > 0:
			s.n = n
			return true
		}
		putBuffer(s.buf)
		s.buf = nil
		switch err {
		case syscall.EAGAIN:
			return false
		case nil:
			s.err = io.EOF
		default:
			s.err = os.NewSyscallError("read", err)
		}
		return true
	}
}

func (s *rawSource) done(buf []byte) {
	if buf != nil {
		s.buf = nil
		putBuffer((*[bufferSize]byte)(buf))
	}
}
