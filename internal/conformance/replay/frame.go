package replay

import (
	"bufio"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
)

// Opcodes of RFC 6455, section 5.2.
const (
	opContinuation = 0x0
	opText         = 0x1
	opBinary       = 0x2
	opClose        = 0x8
	opPing         = 0x9
	opPong         = 0xA
)

// A frame is one WebSocket frame as it stands on the wire, or the end of the stream.
type frame struct {
	first   byte // FIN, RSV and opcode
	payload []byte
	end     error // why no more frames come; the other fields are then empty
}

func (f frame) fin() bool    { return f.first&0x80 != 0 }
func (f frame) rsv() byte    { return f.first >> 4 & 7 }
func (f frame) opcode() byte { return f.first & 0xF }

// kind names the frame as the recordings do.
func (f frame) kind() string {
	if f.end != nil {
		return "tcp_eof"
	}
	switch f.opcode() {
	case opText:
		return "text"
	case opBinary:
		return "binary"
	case opClose:
		return "close"
	case opPing:
		return "ping"
	case opPong:
		return "pong"
	}
	return fmt.Sprintf("opcode %d", f.opcode())
}

func (f frame) String() string {
	switch f.kind() {
	case "tcp_eof":
		return fmt.Sprintf("end of stream (%v)", f.end)
	case "text":
		return "text " + clip(string(f.payload))
	case "close":
		if len(f.payload) >= 2 {
			return fmt.Sprintf("close %d %q", f.closeCode(), f.payload[2:])
		}
	}
	return f.kind() + " " + clip(fmt.Sprintf("%x", f.payload))
}

// closeCode returns the code of a close frame, 1005 if it carries none.
func (f frame) closeCode() int {
	if len(f.payload) < 2 {
		return 1005
	}
	return int(binary.BigEndian.Uint16(f.payload))
}

// encodeFrame makes a client's frame, which is masked unless opts say otherwise. The frame need not be legal.
func encodeFrame(opcode byte, payload []byte, opts FrameOpts) []byte {
	first := opcode | opts.RSV<<4
	if opts.Fin == nil || *opts.Fin {
		first |= 0x80
	}
	var masked byte = 0x80
	if opts.Mask != nil && !*opts.Mask {
		masked = 0
	}
	dst := []byte{first}
	switch n := len(payload); {
	case n < 126:
		dst = append(dst, masked|byte(n))
	case n < 1<<16:
		dst = binary.BigEndian.AppendUint16(append(dst, masked|126), uint16(n))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, masked|127), uint64(n))
	}
	if masked == 0 {
		return append(dst, payload...)
	}
	var key [4]byte
	binary.BigEndian.PutUint32(key[:], rand.Uint32())
	dst = append(dst, key[:]...)
	for i, b := range payload {
		dst = append(dst, b^key[i&3])
	}
	return dst
}

// readFrame reads one frame of a server. A frame that a server must not send is an error.
func readFrame(r *bufio.Reader) (frame, error) {
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return frame{}, err
	}
	if head[1]&0x80 != 0 {
		return frame{}, errors.New("the server masked a frame")
	}
	size := uint64(head[1])
	var wide [8]byte
	switch size {
	case 126:
		if _, err := io.ReadFull(r, wide[6:]); err != nil {
			return frame{}, err
		}
		size = binary.BigEndian.Uint64(wide[:])
	case 127:
		if _, err := io.ReadFull(r, wide[:]); err != nil {
			return frame{}, err
		}
		size = binary.BigEndian.Uint64(wide[:])
	}
	const most = 64 << 20
	if size > most {
		return frame{}, fmt.Errorf("the server announced a frame of %d bytes", size)
	}
	f := frame{first: head[0], payload: make([]byte, size)}
	if f.opcode() >= opClose && (size > 125 || !f.fin()) {
		return frame{}, fmt.Errorf("the server sent a long or fragmented control frame (%d bytes)", size)
	}
	_, err := io.ReadFull(r, f.payload)
	return f, err
}

// An inflater undoes permessage-deflate (RFC 7692) for the messages of one direction.
type inflater struct {
	takeover bool   // messages refer back to former ones
	window   []byte // the last 32 KiB of what came out, if takeover
}

// inflate returns the decompressed payload of one message.
func (i *inflater) inflate(payload []byte) ([]byte, error) {
	// The sender cut these four bytes off; the empty final block after them lets the reader end.
	in := io.MultiReader(bytes.NewReader(payload), bytes.NewReader([]byte{0, 0, 0xff, 0xff, 1, 0, 0, 0xff, 0xff}))
	out, err := io.ReadAll(flate.NewReaderDict(in, i.window))
	if err != nil {
		return nil, fmt.Errorf("the server sent a bad compressed message: %w", err)
	}
	if i.takeover {
		i.window = append(i.window, out...)
		i.window = i.window[max(0, len(i.window)-32<<10):]
	}
	return out, nil
}
