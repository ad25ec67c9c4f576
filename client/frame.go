package client

import (
	"bufio"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/roost-dev/roost/internal/ws"
)

// WebSocket framing (RFC 6455 §5), as a client has to do it.

// The close codes that a client uses.
const (
	closeNormal   = 1000
	closeProtocol = 1002
	closeNoStatus = 1005 // stands for a close frame without a code
	closeInvalid  = 1007
	closeTooBig   = 1009
)

// maxControl is the longest payload of a control frame.
const maxControl = 125

// appendFrame appends a whole message, or a control frame, masked so that
// nobody on the way can be made to see what an application wants him to. A
// message that is compressed has rsv1 in its op.
func appendFrame(dst []byte, op byte, payload []byte) []byte {
	const masked = 0x80
	dst = append(dst, 0x80|op)
	switch n := len(payload); {
	case n < 126:
		dst = append(dst, masked|byte(n))
	case n < 1<<16:
		dst = binary.BigEndian.AppendUint16(append(dst, masked|126), uint16(n))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, masked|127), uint64(n))
	}
	var mask [4]byte
	_, _ = rand.Read(mask[:]) // never fails
	dst = append(dst, mask[:]...)
	start := len(dst)
	dst = append(dst, payload...)
	ws.Toggle(dst[start:], mask)
	return dst
}

// closePayload is the payload of a close frame.
func closePayload(code int) []byte {
	if code == closeNoStatus {
		return nil
	}
	return binary.BigEndian.AppendUint16(nil, uint16(code))
}

// reader takes the server's messages out of its frames. One goroutine uses it.
type reader struct {
	r       *bufio.Reader
	max     int            // bytes of a message
	deflate bool           // messages may be compressed
	pong    func(p []byte) // answers a ping
}

// frame is the head of a frame.
type frame struct {
	op         byte
	fin        bool
	compressed bool
	length     uint64
}

func (f frame) isControl() bool { return f.op >= ws.Close }

// message returns the next message, put together of its fragments; its memory
// is the caller's. It answers pings on the way. An error is a [*CloseError] for
// the server's close frame, a *protocolError, or that of the stream.
func (r *reader) message() (data []byte, isBinary bool, err error) {
	var kind byte // of the message under way; 0: there is none
	var compressed bool
	for {
		f, err := r.head()
		if err != nil {
			return nil, false, err
		}
		if f.isControl() {
			if err := r.control(f); err != nil {
				return nil, false, err
			}
			continue
		}
		switch {
		case f.op == ws.Continuation && kind == 0:
			return nil, false, &protocolError{closeProtocol, "a fragment without a beginning"}
		case f.op != ws.Continuation && kind != 0:
			return nil, false, &protocolError{closeProtocol, "a message in the middle of another"}
		case f.compressed && f.op == ws.Continuation:
			return nil, false, &protocolError{closeProtocol, "a frame with reserved bits"}
		case f.length > uint64(r.max-len(data)):
			return nil, false, tooLarge(r.max)
		}
		if kind == 0 {
			kind, compressed = f.op, f.compressed
		}
		if data, err = r.payload(data, int(f.length)); err != nil {
			return nil, false, err
		}
		if f.fin {
			if compressed {
				data, err = inflate(data, r.max)
			}
			return data, kind == ws.Binary, err
		}
	}
}

// head reads and checks the head of a frame.
func (r *reader) head() (frame, error) {
	var b [8]byte
	if err := r.full(b[:2]); err != nil {
		return frame{}, err
	}
	f := frame{op: b[0] & 0x0F, fin: b[0]&0x80 != 0, compressed: b[0]&rsv1 != 0, length: uint64(b[1] & 0x7F)}
	switch {
	case b[0]&0x30 != 0 || f.compressed && (!r.deflate || f.isControl()):
		return frame{}, &protocolError{closeProtocol, "a frame with reserved bits"}
	case b[1]&0x80 != 0:
		return frame{}, &protocolError{closeProtocol, "a masked frame"}
	case f.op > ws.Binary && f.op < ws.Close || f.op > ws.Pong:
		return frame{}, &protocolError{closeProtocol, fmt.Sprintf("a frame of the unknown kind %d", f.op)}
	case f.isControl() && (!f.fin || f.length > maxControl):
		return frame{}, &protocolError{closeProtocol, "a control frame that is fragmented or too long"}
	}
	var wide int
	var least uint64
	switch f.length {
	case 126:
		wide, least = 2, 126
	case 127:
		wide, least = 8, 1<<16
	default:
		return f, nil
	}
	b = [8]byte{}
	if err := r.full(b[8-wide:]); err != nil {
		return frame{}, err
	}
	if f.length = binary.BigEndian.Uint64(b[:]); f.length < least || f.length>>63 != 0 {
		return frame{}, &protocolError{closeProtocol, "a frame whose length is written wrongly"}
	}
	return f, nil
}

// control handles a control frame.
func (r *reader) control(f frame) error {
	p, err := r.payload(nil, int(f.length))
	switch {
	case err != nil:
		return err
	case f.op == ws.Ping:
		r.pong(p)
		return nil
	case f.op == ws.Pong:
		return nil
	case len(p) == 0:
		return &CloseError{Code: closeNoStatus}
	case len(p) == 1:
		return &protocolError{closeProtocol, "a close frame with half a code"}
	}
	code := int(binary.BigEndian.Uint16(p))
	if code < 1000 || code >= 5000 || code >= 1004 && code <= 1006 || code >= 1015 && code < 3000 {
		return &protocolError{closeProtocol, fmt.Sprintf("a close frame with the code %d", code)}
	}
	return closedBy(code, strings.ToValidUTF8(string(p[2:]), "\ufffd"))
}

// payload appends n bytes to dst. It makes room as they come: the length is
// only what the server says.
func (r *reader) payload(dst []byte, n int) ([]byte, error) {
	for n > 0 {
		step := min(n, 64<<10)
		start := len(dst)
		dst = slices.Grow(dst, step)[:start+step]
		if err := r.full(dst[start:]); err != nil {
			return nil, err
		}
		n -= step
	}
	return dst, nil
}

// full fills b. There is no good place for a stream to end: there should have
// been a close frame.
func (r *reader) full(b []byte) error {
	_, err := io.ReadFull(r.r, b)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return fmt.Errorf("client: the connection was lost: %w", err)
	}
	return nil
}
