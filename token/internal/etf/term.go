// Package etf reads and writes the part of Erlang's external term format that tokens are made of: integers, floats, atoms,
// binaries, lists, tuples and maps. A [Codec] maps it to the Go values of one type.
//
// Everything read is treated as hostile: nesting, claimed lengths, big integers and compressed terms are bounded before
// anything is allocated for them, and memory stays within a small multiple of the (inflated) input.
package etf

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

const (
	// MaxDepth bounds how deeply lists, tuples and maps nest in a value. The tuple around it may be one more.
	MaxDepth = 128
	// MaxInflated bounds a compressed term after inflating, in bytes.
	MaxInflated = 256 << 10
	// MaxBig bounds the magnitude of a big integer, in bytes.
	MaxBig = 1024
	// MaxFree is how much memory a value may take, in bytes, besides 64 times the size of its term.
	MaxFree = 256 << 10
)

const (
	version       = 131
	tagCompressed = 80
)

// Term is one well-formed term as [Parse] returns it. Its methods report false when the term is of another kind.
type Term []byte

// Parse returns the single term in data, which starts with the version byte and may be compressed. The term is well-formed as
// a whole, down to its last element. It shares memory with data unless it was compressed.
func Parse(data []byte) (Term, error) {
	if len(data) == 0 || data[0] != version {
		return nil, fmt.Errorf("not an external term: it must start with the byte %d", version)
	}
	data = data[1:]
	if len(data) > 0 && data[0] == tagCompressed {
		var err error
		if data, err = inflate(data[1:]); err != nil {
			return nil, err
		}
	}
	r := reader{data}
	if err := r.skip(MaxDepth + 1); err != nil {
		return nil, err
	}
	if len(r.rest) > 0 {
		return nil, fmt.Errorf("%d bytes follow the term", len(r.rest))
	}
	return Term(data), nil
}

// Tuple appends the elements of the tuple t to dst.
func (t Term) Tuple(dst []Term) ([]Term, bool) {
	r := reader{t}
	h, err := r.head()
	if err != nil || h.kind != kindTuple {
		return dst, false
	}
	for range h.n {
		e, err := r.term()
		if err != nil {
			return dst, false
		}
		dst = append(dst, e)
	}
	return dst, true
}

// Lookup returns the value under the atom key in the map t.
func (t Term) Lookup(key string) (Term, bool) {
	r := reader{t}
	h, err := r.head()
	if err != nil || h.kind != kindMap {
		return nil, false
	}
	for range h.n {
		k, err := r.term()
		if err != nil {
			return nil, false
		}
		v, err := r.term()
		if err != nil {
			return nil, false
		}
		if k.IsAtom(key) {
			return v, true
		}
	}
	return nil, false
}

// Int returns the integer t if it fits into 64 bits.
func (t Term) Int() (int64, bool) {
	r := reader{t}
	h, err := r.head()
	return h.i, err == nil && h.kind == kindInt
}

// Float returns the float t.
func (t Term) Float() (float64, bool) {
	r := reader{t}
	h, err := r.head()
	return h.f, err == nil && h.kind == kindFloat
}

// IsAtom reports whether t is the atom of that name.
func (t Term) IsAtom(name string) bool {
	r := reader{t}
	h, err := r.head()
	return err == nil && h.kind == kindAtom && h.text() == name
}

// inflate returns the term that follows tagCompressed in b: its size in four bytes, then a zlib stream.
func inflate(b []byte) ([]byte, error) {
	if len(b) < 4 {
		return nil, errShort
	}
	size := binary.BigEndian.Uint32(b)
	if size > MaxInflated {
		return nil, fmt.Errorf("a compressed term of %d bytes; the limit is %d", size, MaxInflated)
	}
	src := bytes.NewReader(b[4:])
	z, err := zlib.NewReader(src)
	if err != nil {
		return nil, fmt.Errorf("a compressed term does not inflate: %w", err)
	}
	term := make([]byte, size)
	if _, err := io.ReadFull(z, term); err != nil {
		return nil, fmt.Errorf("a compressed term does not inflate to its %d bytes: %w", size, err)
	}
	// Only the read that meets the end checks the checksum.
	if _, err := io.ReadFull(z, make([]byte, 1)); err != io.EOF || src.Len() > 0 {
		return nil, errors.New("a compressed term is damaged or longer than it says")
	}
	return term, nil
}
