package transport

import (
	"encoding/binary"
	"sync"
)

// Headroom is the number of bytes that must be free in front of a payload
// given to [NewFrame]: room for the longest WebSocket header that a server
// writes (RFC 6455 §5.2, unmasked).
const Headroom = 10

// Frame is one message in its wire form, ready to be written. It is encoded
// and framed once and shared by all its receivers, so nobody may change it.
type Frame struct {
	buf    []byte // headroom, then payload
	start  int    // where the WebSocket header begins in buf
	binary bool

	compressOnce sync.Once
	compressed   []byte
}

// NewFrame makes a frame of buf, whose first [Headroom] bytes are free and
// whose rest is the payload. It takes buf over. binary says that the payload
// is to be sent as a binary message, and not as text.
func NewFrame(buf []byte, binary bool) *Frame {
	f := &Frame{buf: buf, binary: binary}
	f.start = putHeader(buf, opcode(binary))
	return f
}

// Payload returns the message itself. It is shared: read only.
func (f *Frame) Payload() []byte { return f.buf[Headroom:] }

// Binary reports whether the message is binary, and not text.
func (f *Frame) Binary() bool { return f.binary }

// WebSocket returns the message as one unfragmented, unmasked WebSocket
// frame. It is shared: read only.
func (f *Frame) WebSocket() []byte { return f.buf[f.start:] }

// Compressed returns what compress makes of the payload, computed at the
// first call and shared by all connections, so every caller of one program
// must pass the same function. nil means that the frame goes out as it is.
func (f *Frame) Compressed(compress func(f *Frame) []byte) []byte {
	f.compressOnce.Do(func() { f.compressed = compress(f) })
	return f.compressed
}

func opcode(isBinary bool) byte {
	if isBinary {
		return 0x2
	}
	return 0x1
}

// putHeader writes the header of a final frame to the end of the headroom of
// buf, and returns where it begins.
func putHeader(buf []byte, opcode byte) int {
	const fin = 0x80
	n := len(buf) - Headroom
	switch {
	case n < 126:
		buf[Headroom-2], buf[Headroom-1] = fin|opcode, byte(n)
		return Headroom - 2
	case n < 1<<16:
		buf[Headroom-4], buf[Headroom-3] = fin|opcode, 126
		binary.BigEndian.PutUint16(buf[Headroom-2:], uint16(n))
		return Headroom - 4
	default:
		buf[0], buf[1] = fin|opcode, 127
		binary.BigEndian.PutUint64(buf[2:], uint64(n))
		return 0
	}
}
