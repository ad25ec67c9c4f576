package etf

import (
	"fmt"
	"reflect"
)

// Codec maps the values of T to terms and back. It is immutable, and safe for use by several goroutines.
//
//	bool                        the atoms true and false
//	int*, uint*, big.Int        integer
//	float*                      float; an integer is read as one if that is exact
//	string                      binary; an atom other than nil, true and false is read as one
//	[]byte, [n]byte             binary
//	slices, arrays              list; a tuple is read as one
//	map[string]V, structs       map with binaries as keys; atoms are read too
//	pointers                    what they point to; nil is the atom nil
//	encoding.Text(Un)Marshaler  binary
//	any                         any of these
//
// Into any, integers are read as int64, larger ones as *big.Int, lists and tuples as []any, maps as map[string]any. Nil slices
// and maps are written empty. The atom nil is read into pointers, slices, maps and any.
//
// Fields of structs are named by their json tags, of which "-", omitempty and omitzero count as well. Embedded structs are
// flattened. Keys without a field are ignored.
type Codec[T any] struct{ root *plan }

// NewCodec returns the codec of T. The error says which part of T has no equivalent.
func NewCodec[T any]() (*Codec[T], error) {
	root, err := newPlan(reflect.TypeFor[T]())
	if err != nil {
		return nil, err
	}
	return &Codec[T]{root}, nil
}

// Append appends v as one term, without a version byte, to dst. Equal values give equal bytes.
func (c *Codec[T]) Append(dst []byte, v T) ([]byte, error) {
	return c.root.append(dst, reflect.ValueOf(&v).Elem(), MaxDepth)
}

// Decode returns the value of a term that comes from [Parse]. It shares no memory with the term.
func (c *Codec[T]) Decode(t Term) (T, error) {
	var v T
	d := newDecoder(t)
	h, err := d.head()
	if err == nil {
		err = d.decode(c.root, h, reflect.ValueOf(&v).Elem())
	}
	if err != nil {
		return *new(T), err
	}
	if len(d.rest) > 0 {
		return *new(T), fmt.Errorf("%d bytes follow the term", len(d.rest))
	}
	return v, nil
}
