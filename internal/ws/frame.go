// Package ws frames WebSocket messages (RFC 6455 §5) for benchmarks and tests, whose two ends trust each other more than
// strangers may: it takes what is well formed, refuses what it cannot split, and checks no UTF-8.
package ws

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Opcodes.
const (
	Continuation = 0x0
	Text         = 0x1
	Binary       = 0x2
	Close        = 0x8
	Ping         = 0x9
	Pong         = 0xA
)

// MaxPayload is the length of the largest frame that [Next] takes, in bytes.
const MaxPayload = 64 << 20

// Mask is what all clients here mask with: a constant, so that a frame can be made before it is needed. It is not zero,
// so that a server has the work that it has with other clients.
var Mask = [4]byte{0x37, 0xfa, 0x21, 0x3d}

// ErrCompressed says that a frame has reserved bits set, which nobody asked for.
var ErrCompressed = errors.New("ws: a frame has reserved bits set")

// A Frame is one frame off the wire.
type Frame struct {
	Op      byte
	Fin     bool
	Payload []byte // shares memory with what it was read from
}

// AppendClient appends a whole message as a client sends it, masked with [Mask].
func AppendClient(dst []byte, op byte, payload []byte) []byte {
	dst = appendHeader(dst, op, len(payload), 0x80)
	dst = append(dst, Mask[:]...)
	start := len(dst)
	dst = append(dst, payload...)
	Toggle(dst[start:], Mask)
	return dst
}

// AppendServer appends a whole message as a server sends it.
func AppendServer(dst []byte, op byte, payload []byte) []byte {
	return append(appendHeader(dst, op, len(payload), 0), payload...)
}

func appendHeader(dst []byte, op byte, length int, masked byte) []byte {
	dst = append(dst, 0x80|op)
	switch {
	case length < 126:
		return append(dst, masked|byte(length))
	case length < 1<<16:
		return binary.BigEndian.AppendUint16(append(dst, masked|126), uint16(length))
	}
	return binary.BigEndian.AppendUint64(append(dst, masked|127), uint64(length))
}

// Toggle masks a payload, or unmasks a masked one, in place.
func Toggle(payload []byte, mask [4]byte) {
	wide := uint64(binary.LittleEndian.Uint32(mask[:]))
	wide |= wide << 32
	for len(payload) >= 8 {
		binary.LittleEndian.PutUint64(payload, binary.LittleEndian.Uint64(payload)^wide)
		payload = payload[8:]
	}
	for i := range payload {
		payload[i] ^= mask[i&3]
	}
}

// Next splits the first frame off buf, unmasking it in place, and returns how many bytes it took: 0 if it is not all there yet.
func Next(buf []byte) (Frame, int, error) {
	if len(buf) < 2 {
		return Frame{}, 0, nil
	}
	if buf[0]&0x70 != 0 {
		return Frame{}, 0, ErrCompressed
	}
	length, at := uint64(buf[1]&0x7F), 2
	switch length {
	case 126:
		if len(buf) < 4 {
			return Frame{}, 0, nil
		}
		length, at = uint64(binary.BigEndian.Uint16(buf[2:])), 4
	case 127:
		if len(buf) < 10 {
			return Frame{}, 0, nil
		}
		length, at = binary.BigEndian.Uint64(buf[2:]), 10
	}
	if length > MaxPayload {
		return Frame{}, 0, fmt.Errorf("ws: a frame of %d bytes is larger than %d", length, MaxPayload)
	}
	masked := buf[1]&0x80 != 0
	if masked {
		at += 4
	}
	end := at + int(length)
	if len(buf) < end {
		return Frame{}, 0, nil
	}
	payload := buf[at:end]
	if masked {
		Toggle(payload, [4]byte(buf[at-4:at]))
	}
	return Frame{Op: buf[0] & 0xF, Fin: buf[0]&0x80 != 0, Payload: payload}, end, nil
}
