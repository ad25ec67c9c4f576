package etf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"unicode/utf8"
)

const (
	tagFloat         = 70
	tagSmallInt      = 97
	tagInt           = 98
	tagAtom          = 100
	tagSmallTuple    = 104
	tagLargeTuple    = 105
	tagNil           = 106
	tagString        = 107
	tagList          = 108
	tagBinary        = 109
	tagSmallBig      = 110
	tagLargeBig      = 111
	tagSmallAtom     = 115
	tagMap           = 116
	tagAtomUTF8      = 118
	tagSmallAtomUTF8 = 119
)

// kind is what a term is, whatever tag it was written with.
type kind uint8

const (
	kindInt kind = iota // an integer of 64 bits
	kindBig             // an integer beyond them
	kindFloat
	kindAtom
	kindBinary
	kindString // a list of bytes in its short form; not a string
	kindList
	kindTuple
	kindMap
)

// String names the kind for messages.
func (k kind) String() string {
	return [...]string{"an integer", "a big integer", "a float", "an atom", "a binary", "a list", "a list", "a tuple", "a map"}[k]
}

// head is one term without its children, which follow it in the reader.
type head struct {
	kind   kind
	latin1 bool    // atom: data is Latin-1 and not ASCII
	neg    bool    // big
	tail   bool    // list: one more term follows its elements
	n      int     // list, tuple: elements; map: pairs. Never more than the bytes that remain.
	i      int64   // int
	f      float64 // float, finite
	data   []byte  // atom, binary, string: the bytes; big: the magnitude, little-endian, its last byte not zero
}

// is reports whether h is the atom name, which is ASCII.
func (h *head) is(name string) bool { return h.kind == kindAtom && string(h.data) == name }

// text returns the name of an atom or the bytes of a binary.
func (h *head) text() string {
	if !h.latin1 {
		return string(h.data)
	}
	runes := make([]rune, len(h.data))
	for i, b := range h.data {
		runes[i] = rune(b)
	}
	return string(runes)
}

// len returns the number of elements of a list or tuple in any form.
func (h *head) len() int {
	if h.kind == kindString {
		return len(h.data)
	}
	return h.n
}

var (
	errShort = errors.New("the term is cut short")
	errDepth = fmt.Errorf("lists, tuples and maps nest deeper than %d", MaxDepth)
)

// reader reads terms off the front of rest.
type reader struct{ rest []byte }

// term reads one whole term.
func (r *reader) term() (Term, error) {
	start := r.rest
	if err := r.skip(MaxDepth + 1); err != nil {
		return nil, err
	}
	return Term(start[:len(start)-len(r.rest)]), nil
}

// skip reads one whole term that nests at most depth deep.
func (r *reader) skip(depth int) error {
	h, err := r.head()
	if err != nil {
		return err
	}
	children := h.n
	switch h.kind {
	case kindList, kindTuple:
	case kindMap:
		children *= 2
	default:
		return nil
	}
	if depth == 0 {
		return errDepth
	}
	for range children {
		if err := r.skip(depth - 1); err != nil {
			return err
		}
	}
	return r.end(h)
}

// end reads what follows the last element of a list: in a proper one, the empty list.
func (r *reader) end(h head) error {
	if !h.tail {
		return nil
	}
	tag, err := r.take(1)
	if err != nil {
		return err
	}
	if tag[0] != tagNil {
		return errors.New("an improper list has no Go equivalent")
	}
	return nil
}

// head reads the front of a term.
func (r *reader) head() (head, error) {
	tag, err := r.take(1)
	if err != nil {
		return head{}, err
	}
	switch tag[0] {
	case tagSmallInt, tagInt, tagFloat:
		return r.number(tag[0])
	case tagSmallBig:
		return r.big(1)
	case tagLargeBig:
		return r.big(4)
	case tagBinary:
		return r.bytes(kindBinary, 4)
	case tagString:
		return r.bytes(kindString, 2)
	case tagAtom:
		return r.latin1(2)
	case tagSmallAtom:
		return r.latin1(1)
	case tagAtomUTF8:
		return r.bytes(kindAtom, 2)
	case tagSmallAtomUTF8:
		return r.bytes(kindAtom, 1)
	case tagNil:
		return head{kind: kindList}, nil
	case tagList:
		return r.children(head{kind: kindList, tail: true}, 4)
	case tagSmallTuple:
		return r.children(head{kind: kindTuple}, 1)
	case tagLargeTuple:
		return r.children(head{kind: kindTuple}, 4)
	case tagMap:
		return r.children(head{kind: kindMap}, 4)
	}
	return head{}, fmt.Errorf("a term with tag %d: only integers, floats, atoms, binaries, lists, tuples and maps are supported", tag[0])
}

func (r *reader) number(tag byte) (head, error) {
	size := 1
	switch tag {
	case tagInt:
		size = 4
	case tagFloat:
		size = 8
	}
	b, err := r.take(size)
	if err != nil {
		return head{}, err
	}
	switch tag {
	case tagSmallInt:
		return head{kind: kindInt, i: int64(b[0])}, nil
	case tagInt:
		return head{kind: kindInt, i: int64(int32(binary.BigEndian.Uint32(b)))}, nil
	}
	f := math.Float64frombits(binary.BigEndian.Uint64(b))
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return head{}, errors.New("a float is not finite")
	}
	return head{kind: kindFloat, f: f}, nil
}

// big reads an integer of any size: its length in width bytes, its sign, its magnitude.
func (r *reader) big(width int) (head, error) {
	n, err := r.length(width)
	if err != nil {
		return head{}, err
	}
	b, err := r.take(1 + n)
	if err != nil {
		return head{}, err
	}
	neg, data := b[0] != 0, b[1:]
	for len(data) > 0 && data[len(data)-1] == 0 {
		data = data[:len(data)-1]
	}
	if len(data) > MaxBig {
		return head{}, fmt.Errorf("an integer of %d bytes; the limit is %d", len(data), MaxBig)
	}
	h := head{kind: kindBig, neg: neg, data: data}
	if u, ok := h.magnitude(); ok {
		switch {
		case !neg && u <= math.MaxInt64:
			return head{kind: kindInt, i: int64(u)}, nil
		case neg && u <= -math.MinInt64:
			return head{kind: kindInt, i: -int64(u)}, nil
		}
	}
	return h, nil
}

// magnitude returns the absolute value of a big integer if it fits into 64 bits.
func (h *head) magnitude() (uint64, bool) {
	if len(h.data) > 8 {
		return 0, false
	}
	var u uint64
	for _, b := range slices.Backward(h.data) {
		u = u<<8 | uint64(b)
	}
	return u, true
}

// bytes reads data whose length comes first, in width bytes.
func (r *reader) bytes(k kind, width int) (head, error) {
	n, err := r.length(width)
	if err != nil {
		return head{}, err
	}
	data, err := r.take(n)
	return head{kind: k, data: data}, err
}

// latin1 reads an atom of the older form.
func (r *reader) latin1(width int) (head, error) {
	h, err := r.bytes(kindAtom, width)
	h.latin1 = slices.ContainsFunc(h.data, func(b byte) bool { return b >= utf8.RuneSelf })
	return h, err
}

// children completes h with the number of its children, which comes in width bytes.
func (r *reader) children(h head, width int) (head, error) {
	n, err := r.length(width)
	h.n = n
	return h, err
}

// length reads a length of width bytes. Whatever it counts takes a byte at least, so that it is checked against what remains.
func (r *reader) length(width int) (int, error) {
	b, err := r.take(width)
	if err != nil {
		return 0, err
	}
	var n uint64
	for _, c := range b {
		n = n<<8 | uint64(c)
	}
	if n > uint64(len(r.rest)) {
		return 0, fmt.Errorf("a length of %d where %d bytes remain", n, len(r.rest))
	}
	return int(n), nil
}

func (r *reader) take(n int) ([]byte, error) {
	if n > len(r.rest) {
		return nil, errShort
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b, nil
}
