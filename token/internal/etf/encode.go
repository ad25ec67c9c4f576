package etf

import (
	"cmp"
	"encoding"
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"slices"
)

// AppendVersion appends the byte that starts a term on its own.
func AppendVersion(dst []byte) []byte { return append(dst, version) }

// AppendTuple appends the front of a tuple of n elements, at most 255; they are appended after it.
func AppendTuple(dst []byte, n uint8) []byte { return append(dst, tagSmallTuple, n) }

// AppendAtom appends an atom, whose name has at most 255 bytes.
func AppendAtom(dst []byte, name string) []byte {
	return append(append(dst, tagSmallAtomUTF8, uint8(len(name))), name...)
}

// AppendFloat appends a finite float.
func AppendFloat(dst []byte, f float64) []byte {
	return binary.BigEndian.AppendUint64(append(dst, tagFloat), math.Float64bits(f))
}

// AppendInt appends an integer in its shortest form.
func AppendInt(dst []byte, i int64) []byte {
	switch {
	case i >= 0 && i <= math.MaxUint8:
		return append(dst, tagSmallInt, uint8(i))
	case i >= math.MinInt32 && i <= math.MaxInt32:
		return binary.BigEndian.AppendUint32(append(dst, tagInt), uint32(i))
	case i < 0:
		return appendWord(dst, 1, -uint64(i))
	}
	return appendWord(dst, 0, uint64(i))
}

func appendUint(dst []byte, u uint64) []byte {
	if u <= math.MaxInt64 {
		return AppendInt(dst, int64(u))
	}
	return appendWord(dst, 0, u)
}

// appendWord appends an integer beyond 32 bits by its sign and magnitude.
func appendWord(dst []byte, sign byte, u uint64) []byte {
	start := len(dst)
	dst = append(dst, tagSmallBig, 0, sign)
	for ; u > 0; u >>= 8 {
		dst = append(dst, byte(u))
	}
	dst[start+1] = uint8(len(dst) - start - 3)
	return dst
}

func appendBig(dst []byte, i *big.Int) ([]byte, error) {
	if i.IsInt64() {
		return AppendInt(dst, i.Int64()), nil
	}
	b := i.Bytes()
	if len(b) > MaxBig {
		return dst, fmt.Errorf("an integer of %d bytes; the limit is %d", len(b), MaxBig)
	}
	slices.Reverse(b)
	if len(b) <= math.MaxUint8 {
		dst = append(dst, tagSmallBig, uint8(len(b)))
	} else {
		dst = binary.BigEndian.AppendUint32(append(dst, tagLargeBig), uint32(len(b)))
	}
	sign := byte(0)
	if i.Sign() < 0 {
		sign = 1
	}
	return append(append(dst, sign), b...), nil
}

func appendBinary[S ~string | ~[]byte](dst []byte, s S) []byte {
	return append(appendLength(dst, tagBinary, len(s)), s...)
}

func appendLength(dst []byte, tag byte, n int) []byte {
	return binary.BigEndian.AppendUint32(append(dst, tag), uint32(n))
}

// append appends v, whose type the plan is for. Lists and maps in it may nest depth deep.
func (p *plan) append(dst []byte, v reflect.Value, depth int) ([]byte, error) {
	switch p.form {
	case boolean:
		if v.Bool() {
			return AppendAtom(dst, "true"), nil
		}
		return AppendAtom(dst, "false"), nil
	case integer:
		return AppendInt(dst, v.Int()), nil
	case unsigned:
		return appendUint(dst, v.Uint()), nil
	case float:
		f := v.Float()
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return dst, fmt.Errorf("the float %v: a token carries only finite ones", f)
		}
		return AppendFloat(dst, f), nil
	case text:
		return appendBinary(dst, v.String()), nil
	case octets:
		return appendOctets(dst, v), nil
	case bigInteger:
		return appendBig(dst, addressable(v).Addr().Interface().(*big.Int))
	case marshaler:
		b, err := addressable(v).Addr().Interface().(encoding.TextMarshaler).MarshalText()
		if err != nil {
			return dst, fmt.Errorf("%s: %w", p.typ, err)
		}
		return appendBinary(dst, b), nil
	case anything:
		return appendAny(dst, v, depth)
	case pointer:
		if v.IsNil() {
			return AppendAtom(dst, "nil"), nil
		}
		return p.elem.append(dst, v.Elem(), depth)
	}
	if depth == 0 {
		return dst, fmt.Errorf("%w; does the value lead back to itself?", errDepth)
	}
	switch p.form {
	case list:
		return p.appendList(dst, v, depth-1)
	case mapping:
		return p.appendMap(dst, v, depth-1)
	}
	return p.appendStruct(dst, v, depth-1)
}

// appendAny plans the value within v on the spot: its type is known only now.
func appendAny(dst []byte, v reflect.Value, depth int) ([]byte, error) {
	if v.IsNil() {
		return AppendAtom(dst, "nil"), nil
	}
	p, err := newPlan(v.Elem().Type())
	if err != nil {
		return dst, err
	}
	return p.append(dst, v.Elem(), depth)
}

func appendOctets(dst []byte, v reflect.Value) []byte {
	dst = appendLength(dst, tagBinary, v.Len())
	if v.Kind() == reflect.Slice || v.CanAddr() {
		return append(dst, v.Bytes()...)
	}
	return append(dst, addressable(v).Bytes()...)
}

func (p *plan) appendList(dst []byte, v reflect.Value, depth int) ([]byte, error) {
	if v.Len() == 0 {
		return append(dst, tagNil), nil
	}
	dst = appendLength(dst, tagList, v.Len())
	var err error
	for i := range v.Len() {
		if dst, err = p.elem.append(dst, v.Index(i), depth); err != nil {
			return dst, err
		}
	}
	return append(dst, tagNil), nil
}

func (p *plan) appendMap(dst []byte, v reflect.Value, depth int) ([]byte, error) {
	type pair struct {
		key   string
		value reflect.Value
	}
	pairs := make([]pair, 0, v.Len())
	for k, e := range v.Seq2() {
		pairs = append(pairs, pair{k.String(), e})
	}
	slices.SortFunc(pairs, func(a, b pair) int { return cmp.Compare(a.key, b.key) })
	dst = appendLength(dst, tagMap, len(pairs))
	var err error
	for _, kv := range pairs {
		if dst, err = p.elem.append(appendBinary(dst, kv.key), kv.value, depth); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

func (p *plan) appendStruct(dst []byte, v reflect.Value, depth int) ([]byte, error) {
	count := len(dst) + 1
	dst = appendLength(dst, tagMap, 0)
	n := uint32(0)
	var err error
	for i := range p.fields {
		f := &p.fields[i]
		fv := v.FieldByIndex(f.path)
		if f.omits(fv) {
			continue
		}
		if dst, err = f.plan.append(appendBinary(dst, f.name), fv, depth); err != nil {
			return dst, fmt.Errorf("field %q: %w", f.name, err)
		}
		n++
	}
	binary.BigEndian.PutUint32(dst[count:], n)
	return dst, nil
}

// addressable returns v or, where v cannot be addressed, as in a map, a copy of it.
func addressable(v reflect.Value) reflect.Value {
	if v.CanAddr() {
		return v
	}
	c := reflect.New(v.Type()).Elem()
	c.Set(v)
	return c
}
