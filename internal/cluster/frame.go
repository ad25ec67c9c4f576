package cluster

import (
	"encoding/binary"
	"errors"
)

// op tells what a frame is. Numbers are never reused; those unknown to a node
// are ignored, since nodes of two releases talk to each other.
type op byte

const (
	opHeartbeat op = 1 // body: introduction
	opGoodbye   op = 2 // body: introduction
	opMessage   op = 3 // to service
	opCall      op = 4 // to service, as number
	opAnswer    op = 5 // to the call with that number
	opFailure   op = 6 // body: why there is no answer
	opCancel    op = 7 // the caller of number gave up
	opUnserved  op = 8 // to the call with that number: there is no such service
)

// frame is what one node says to others.
type frame struct {
	op      op
	from    ID
	number  uint64
	service string
	body    []byte
}

func (f frame) encode() []byte {
	b := make([]byte, 0, 1+len(f.from)+len(f.service)+len(f.body)+3*binary.MaxVarintLen64)
	b = append(b, byte(f.op))
	b = binary.AppendUvarint(b, uint64(len(f.from)))
	b = append(b, f.from...)
	b = binary.AppendUvarint(b, f.number)
	b = binary.AppendUvarint(b, uint64(len(f.service)))
	b = append(b, f.service...)
	return append(b, f.body...)
}

var errFrame = errors.New("cluster: frame is cut off, or from nobody")

// decodeFrame reads a frame. Its body shares memory with b.
func decodeFrame(b []byte) (f frame, err error) {
	if len(b) == 0 {
		return f, errFrame
	}
	f.op, b = op(b[0]), b[1:]
	from, b, err := decodeString(b)
	if err != nil || from == "" {
		return f, errFrame
	}
	number, n := binary.Uvarint(b)
	if n <= 0 {
		return f, errFrame
	}
	service, b, err := decodeString(b[n:])
	if err != nil {
		return f, err
	}
	f.from, f.number, f.service, f.body = ID(from), number, service, b
	return f, nil
}

func decodeString(b []byte) (s string, rest []byte, err error) {
	size, n := binary.Uvarint(b)
	if n <= 0 || size > uint64(len(b)-n) {
		return "", nil, errFrame
	}
	b = b[n:]
	return string(b[:size]), b[size:], nil
}
