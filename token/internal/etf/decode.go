package etf

import (
	"encoding"
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"slices"
)

// Two keys of an Erlang map can be one in Go, an atom and a binary of the same name.
var errDuplicate = errors.New("two keys of a map have the same name")

// decoder reads terms that Parse has checked, so that nesting is bounded and every length is true. What remains is that a Go
// value can be far larger than its term, as a struct is than a map without keys.
type decoder struct {
	reader
	budget int // bytes that may still be allocated for elements
}

func newDecoder(t Term) *decoder { return &decoder{reader{t}, MaxFree + 64*len(t)} }

// charge takes n values of a type off the budget.
func (d *decoder) charge(n int, t reflect.Type) error {
	size := max(1, int(t.Size()))
	if n > d.budget/size {
		return fmt.Errorf("%d values of %s would take much more memory than their term", n, t)
	}
	d.budget -= n * size
	return nil
}

// decode reads the rest of the term whose front is h into v, whose type the plan is for.
func (d *decoder) decode(p *plan, h head, v reflect.Value) error {
	if h.is("nil") {
		switch v.Kind() {
		case reflect.Pointer, reflect.Interface, reflect.Slice, reflect.Map:
			return nil // v is fresh, and so nil
		}
		return mismatch(h, p)
	}
	switch p.form {
	case pointer:
		if err := d.charge(1, p.typ.Elem()); err != nil {
			return err
		}
		e := reflect.New(p.typ.Elem())
		v.Set(e)
		return d.decode(p.elem, h, e.Elem())
	case anything:
		x, err := d.any(h)
		if err == nil {
			v.Set(reflect.ValueOf(x))
		}
		return err
	case list:
		return d.list(p, h, v)
	case mapping:
		return d.mapping(p, h, v)
	case structure:
		return d.structure(p, h, v)
	}
	return scalar(p, h, v)
}

// scalar stores a term without children.
func scalar(p *plan, h head, v reflect.Value) error {
	isText := h.kind == kindBinary || h.kind == kindAtom && !h.is("true") && !h.is("false")
	switch {
	case p.form == boolean && (h.is("true") || h.is("false")):
		v.SetBool(h.is("true"))
	case p.form == integer && h.kind == kindInt && !v.OverflowInt(h.i):
		v.SetInt(h.i)
	case p.form == unsigned && h.kind == kindInt && h.i >= 0 && !v.OverflowUint(uint64(h.i)):
		v.SetUint(uint64(h.i))
	case p.form == unsigned && h.kind == kindBig:
		u, ok := h.magnitude()
		if !ok || h.neg || v.OverflowUint(u) {
			return mismatch(h, p)
		}
		v.SetUint(u)
	case p.form == bigInteger && (h.kind == kindInt || h.kind == kindBig):
		v.Addr().Interface().(*big.Int).Set(h.bigInt())
	case p.form == float && h.kind == kindFloat && !v.OverflowFloat(h.f):
		v.SetFloat(h.f)
	case p.form == float && h.kind == kindInt && exact(h.i):
		v.SetFloat(float64(h.i))
	case p.form == text && isText:
		v.SetString(h.text())
	case p.form == octets && h.kind == kindBinary && v.Kind() == reflect.Slice:
		v.SetBytes(slices.Clone(h.data))
	case p.form == octets && h.kind == kindBinary && v.Len() == len(h.data):
		copy(v.Bytes(), h.data)
	case p.form == marshaler && isText:
		if err := v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(h.text())); err != nil {
			// The cause may quote the text.
			return fmt.Errorf("a text that is not a %s", p.typ)
		}
	default:
		return mismatch(h, p)
	}
	return nil
}

// any reads the rest of a term as the Go value that is nearest to it.
func (d *decoder) any(h head) (any, error) {
	switch h.kind {
	case kindInt:
		return h.i, nil
	case kindBig:
		return h.bigInt(), nil
	case kindFloat:
		return h.f, nil
	case kindBinary:
		return h.text(), nil
	case kindMap:
		return d.anyMap(h)
	case kindAtom:
		switch {
		case h.is("nil"):
			return nil, nil
		case h.is("true"), h.is("false"):
			return h.is("true"), nil
		}
		return h.text(), nil
	}
	return d.anyList(h)
}

func (d *decoder) anyMap(h head) (any, error) {
	m := make(map[string]any, h.n)
	for range h.n {
		key, value, err := d.pair()
		if err != nil {
			return nil, err
		}
		name := key.text()
		if _, taken := m[name]; taken {
			return nil, errDuplicate
		}
		if m[name], err = d.any(value); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (d *decoder) anyList(h head) (any, error) {
	l := make([]any, h.len())
	for i := range l {
		e, err := d.element(h, i)
		if err != nil {
			return nil, err
		}
		if l[i], err = d.any(e); err != nil {
			return nil, err
		}
	}
	return l, d.end(h)
}

func (d *decoder) list(p *plan, h head, v reflect.Value) error {
	if h.kind != kindList && h.kind != kindTuple && h.kind != kindString {
		return mismatch(h, p)
	}
	n := h.len()
	if v.Kind() == reflect.Slice {
		if err := d.charge(n, p.typ.Elem()); err != nil {
			return err
		}
		v.Set(reflect.MakeSlice(p.typ, n, n))
	} else if n != v.Len() {
		return fmt.Errorf("a list of %d where %s is wanted", n, p.typ)
	}
	for i := range n {
		e, err := d.element(h, i)
		if err != nil {
			return err
		}
		if err := d.decode(p.elem, e, v.Index(i)); err != nil {
			return err
		}
	}
	return d.end(h)
}

func (d *decoder) mapping(p *plan, h head, v reflect.Value) error {
	if h.kind != kindMap {
		return mismatch(h, p)
	}
	if err := d.charge(h.n, p.typ.Elem()); err != nil {
		return err
	}
	v.Set(reflect.MakeMapWithSize(p.typ, h.n))
	for range h.n {
		name, e, err := d.pair()
		if err != nil {
			return err
		}
		key := reflect.ValueOf(name.text()).Convert(p.typ.Key())
		if v.MapIndex(key).IsValid() {
			return errDuplicate
		}
		value := reflect.New(p.typ.Elem()).Elem()
		if err := d.decode(p.elem, e, value); err != nil {
			return err
		}
		v.SetMapIndex(key, value)
	}
	return nil
}

func (d *decoder) structure(p *plan, h head, v reflect.Value) error {
	if h.kind != kindMap {
		return mismatch(h, p)
	}
	seen := make([]bool, len(p.fields))
	for range h.n {
		key, err := d.key()
		if err != nil {
			return err
		}
		i, known := p.find(key)
		if !known {
			if err := d.skip(MaxDepth); err != nil {
				return err
			}
			continue
		}
		if seen[i] {
			return errDuplicate
		}
		seen[i] = true
		e, err := d.head()
		if err != nil {
			return err
		}
		f := &p.fields[i]
		if err := d.decode(f.plan, e, v.FieldByIndex(f.path)); err != nil {
			return fmt.Errorf("field %q: %w", f.name, err)
		}
	}
	return nil
}

// find returns the field that is named as a key is.
func (p *plan) find(key head) (i int, known bool) {
	if key.latin1 {
		i, known = p.index[key.text()]
	} else {
		i, known = p.index[string(key.data)] // unlike text, allocates nothing
	}
	return i, known
}

// element reads the front of the i-th element of a list or tuple.
func (d *decoder) element(list head, i int) (head, error) {
	if list.kind == kindString {
		return head{kind: kindInt, i: int64(list.data[i])}, nil
	}
	return d.head()
}

// pair reads a map's key and the front of its value.
func (d *decoder) pair() (key, value head, err error) {
	if key, err = d.key(); err == nil {
		value, err = d.head()
	}
	return key, value, err
}

// key reads a map's key, an atom or a binary.
func (d *decoder) key() (head, error) {
	h, err := d.head()
	if err == nil && h.kind != kindAtom && h.kind != kindBinary {
		err = fmt.Errorf("a map with %s as a key: only atoms and binaries are supported", h.kind)
	}
	return h, err
}

// bigInt returns an integer of any size.
func (h *head) bigInt() *big.Int {
	if h.kind == kindInt {
		return big.NewInt(h.i)
	}
	b := slices.Clone(h.data)
	slices.Reverse(b)
	i := new(big.Int).SetBytes(b)
	if h.neg {
		i.Neg(i)
	}
	return i
}

// exact reports whether a float64 holds i without rounding.
func exact(i int64) bool { return i >= -1<<53 && i <= 1<<53 }

// mismatch names what was found and what was wanted, and never the value.
func mismatch(h head, p *plan) error {
	found := h.kind.String()
	switch {
	case h.is("nil"):
		found = "nil"
	case h.is("true"), h.is("false"):
		found = "a boolean"
	case (h.kind == kindInt || h.kind == kindBig) && (p.form == integer || p.form == unsigned || p.form == float):
		return fmt.Errorf("an integer that does not fit into %s", p.typ)
	case h.kind == kindBinary && p.form == octets:
		return fmt.Errorf("a binary of %d bytes where %s is wanted", len(h.data), p.typ)
	}
	return fmt.Errorf("%s where %s is wanted", found, p.typ)
}
