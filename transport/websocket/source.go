package websocket

import (
	"net"
	"sync"
)

// bufferSize is the size of the pooled buffers that reads and writes go
// through.
const bufferSize = 16 << 10

// source is the reading side of a connection.
type source interface {
	// read waits until something comes, and returns it as the first n bytes
	// of buf, good until buf is given back with done. n may be positive along
	// with an error.
	read() (buf []byte, n int, err error)

	done(buf []byte)
}

// newSource returns a source that holds no buffer while it waits, where the
// kind of connection and the system allow it. Only the plain types of package
// net do: a connection that wraps one may have read ahead of it.
func newSource(nc net.Conn) source {
	switch plain := nc.(type) {
	case *net.TCPConn:
		if raw, err := plain.SyscallConn(); err == nil {
			return newRawSource(nc, raw)
		}
	case *net.UnixConn:
		if raw, err := plain.SyscallConn(); err == nil {
			return newRawSource(nc, raw)
		}
	}
	return &streamSource{nc: nc}
}

// streamSource reads from any connection. It waits with a small buffer of its
// own and takes a large one while more is to be expected.
type streamSource struct {
	nc    net.Conn
	more  bool // the last read filled its buffer
	small [512]byte
}

func (s *streamSource) read() (buf []byte, n int, err error) {
	buf = s.small[:]
	if s.more {
		buf = getBuffer()[:]
	}
	n, err = s.nc.Read(buf)
	s.more = n == len(buf)
	return buf, n, err
}

func (s *streamSource) done(buf []byte) {
	if len(buf) == bufferSize {
		putBuffer((*[bufferSize]byte)(buf))
	}
}

var buffers = sync.Pool{New: func() any { return new([bufferSize]byte) }}

func getBuffer() *[bufferSize]byte  { return buffers.Get().(*[bufferSize]byte) }
func putBuffer(b *[bufferSize]byte) { buffers.Put(b) }
