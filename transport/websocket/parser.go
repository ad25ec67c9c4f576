package websocket

import (
	"encoding/binary"
	"fmt"
	"math"
	"sync"

	"github.com/roost-dev/roost/transport"
)

// The opcodes of RFC 6455 §5.2.
const (
	opContinuation = 0x0
	opText         = 0x1
	opBinary       = 0x2
	opClose        = 0x8
	opPing         = 0x9
	opPong         = 0xA
)

// maxControl is the longest payload of a control frame (RFC 6455 §5.5).
const maxControl = 125

// event is what a parser found: a whole message, or a control frame.
type event struct {
	op         byte // opText, opBinary, opClose, opPing or opPong
	compressed bool // data is to be inflated first
	data       []byte
}

// closeError is a reason to end a connection: the code and the words that
// the client is told.
type closeError struct {
	code   transport.CloseCode
	reason string
}

func (e *closeError) Error() string { return fmt.Sprintf("websocket: closed %d: %s", e.code, e.reason) }

func protocolError(reason string) *closeError {
	return &closeError{transport.CloseProtocolError, reason}
}

// parsers are those that are between two messages, as those of idle
// connections always are.
var parsers = sync.Pool{New: func() any { return new(parser) }}

// parser turns the bytes of a client into events. It reads nothing itself: it
// is given what has come, in pieces of any size, and keeps what it has no use
// for yet. It is not usable after an error.
type parser struct {
	limit   int  // of the payload of a message, all fragments together
	deflate bool // compressed messages were negotiated

	head  [14]byte // the header of the current frame, as far as it has come
	headN uint8
	body  bool // the header is complete, and left counts
	key   [4]byte
	left  int // bytes of the current frame's payload still to come

	message    []byte // the payloads of the current message so far
	messageOp  byte   // its opcode, or 0 when no message is under way
	compressed bool
	control    []byte // the payload of a control frame that came in pieces
}

// between reports whether nothing has come of the next message.
func (p *parser) between() bool {
	return p.headN == 0 && !p.body && p.messageOp == 0 && len(p.control) == 0
}

// next consumes the beginning of in up to the end of an event. rest is what
// follows it. ok is false when all of in was consumed before an event was
// complete. The data of an event may lie in in, which next unmasks in place,
// and is good until the next call.
func (p *parser) next(in []byte) (ev event, rest []byte, ok bool, err *closeError) {
	for {
		if !p.body {
			if in, err = p.header(in); err != nil || !p.body {
				return event{}, nil, false, err
			}
		}
		n := min(len(in), p.left)
		piece := in[:n]
		in = in[n:]
		p.key = mask(p.key, piece)
		p.left -= n
		p.body = p.left > 0
		if ev, ok = p.take(piece); ok || len(in) == 0 {
			return ev, in, ok, nil
		}
	}
}

// take adds a piece of payload to the message or control frame that it
// belongs to, and returns that once it is complete.
func (p *parser) take(piece []byte) (event, bool) {
	op := p.head[0] & 0xF
	last := !p.body
	if op >= opClose {
		data := join(&p.control, piece, last)
		return event{op: op, data: data}, last
	}
	last = last && p.head[0]&0x80 != 0
	data := join(&p.message, piece, last)
	ev := event{op: p.messageOp, compressed: p.compressed, data: data}
	if last {
		p.messageOp = 0
	}
	return ev, last
}

// join appends piece to kept. With the last piece it returns the whole and
// empties kept; a whole that is one piece is not copied.
func join(kept *[]byte, piece []byte, last bool) []byte {
	if last && len(*kept) == 0 {
		return piece
	}
	*kept = append(*kept, piece...)
	if !last {
		return nil
	}
	whole := *kept
	*kept = nil
	return whole
}

// header consumes the beginning of in up to the end of the current frame's
// header, and sets p.body once it is complete.
func (p *parser) header(in []byte) (rest []byte, err *closeError) {
	if p.headN < 2 {
		if in = p.fill(in, 2); p.headN < 2 {
			return nil, nil
		}
		if err := p.check(); err != nil {
			return nil, err
		}
	}
	size := uint8(2 + len(p.key))
	switch p.head[1] & 0x7F {
	case 126:
		size += 2
	case 127:
		size += 8
	}
	if in = p.fill(in, size); p.headN < size {
		return nil, nil
	}
	p.key = [4]byte(p.head[size-4 : size])
	p.headN = 0
	p.body = true
	return in, p.begin()
}

// fill takes from in what is missing of the first size bytes of a header.
func (p *parser) fill(in []byte, size uint8) (rest []byte) {
	n := copy(p.head[p.headN:size], in)
	p.headN += uint8(n)
	return in[n:]
}

// check looks at the first two bytes of a header, which say all that can be
// wrong with it but the size.
func (p *parser) check() *closeError {
	op, fin := p.head[0]&0xF, p.head[0]&0x80 != 0
	rsv1 := p.head[0]&0x40 != 0
	starts := op == opText || op == opBinary
	switch {
	case p.head[0]&0x30 != 0, rsv1 && !p.deflate:
		return protocolError("reserved bits are set")
	case rsv1 && !starts:
		return protocolError("only the first frame of a message can say that it is compressed")
	case op > opPong || op > opBinary && op < opClose:
		return protocolError(fmt.Sprintf("unknown opcode %d", op))
	case p.head[1]&0x80 == 0:
		return protocolError("frame is not masked")
	case op >= opClose && !fin:
		return protocolError("control frame is fragmented")
	case op >= opClose && p.head[1]&0x7F > maxControl:
		return protocolError("control frame of more than 125 bytes")
	case op == opContinuation && p.messageOp == 0:
		return protocolError("continuation without a beginning")
	case starts && p.messageOp != 0:
		return protocolError("new message before the end of the last")
	}
	return nil
}

// begin takes the size of the current frame's payload from its header.
func (p *parser) begin() *closeError {
	size := uint64(p.head[1] & 0x7F)
	switch size {
	case 126:
		size = uint64(binary.BigEndian.Uint16(p.head[2:]))
	case 127:
		if size = binary.BigEndian.Uint64(p.head[2:]); size > math.MaxInt64 {
			return protocolError("length with its highest bit set")
		}
	}
	op := p.head[0] & 0xF
	if op == opText || op == opBinary {
		p.messageOp = op
		p.compressed = p.head[0]&0x40 != 0
	}
	if op < opClose && size > uint64(p.room()-len(p.message)) {
		return tooBig(p.limit)
	}
	p.left = int(size)
	return nil
}

// room is how many bytes the payload of the current message may have. A
// compressed one may be a little larger than what it holds; that has its own
// check, at inflation.
func (p *parser) room() int {
	if slack := p.limit/8 + 64; p.compressed && p.limit < math.MaxInt-slack {
		return p.limit + slack
	}
	return p.limit
}

func tooBig(limit int) *closeError {
	return &closeError{transport.CloseTooBig, fmt.Sprintf("message of more than %d bytes", limit)}
}

// mask applies key to b in place (RFC 6455 §5.3), and returns key as it is to
// be applied to what follows b.
func mask(key [4]byte, b []byte) [4]byte {
	n := len(b)
	if n >= 8 {
		half := uint64(binary.LittleEndian.Uint32(key[:]))
		whole := half | half<<32
		for len(b) >= 32 {
			binary.LittleEndian.PutUint64(b, binary.LittleEndian.Uint64(b)^whole)
			binary.LittleEndian.PutUint64(b[8:], binary.LittleEndian.Uint64(b[8:])^whole)
			binary.LittleEndian.PutUint64(b[16:], binary.LittleEndian.Uint64(b[16:])^whole)
			binary.LittleEndian.PutUint64(b[24:], binary.LittleEndian.Uint64(b[24:])^whole)
			b = b[32:]
		}
		for len(b) >= 8 {
			binary.LittleEndian.PutUint64(b, binary.LittleEndian.Uint64(b)^whole)
			b = b[8:]
		}
	}
	for i := range b {
		b[i] ^= key[i%4]
	}
	// What was done in words is a multiple of 4, so key still lines up.
	turn := n % 4
	return [4]byte{key[turn%4], key[(turn+1)%4], key[(turn+2)%4], key[(turn+3)%4]}
}
