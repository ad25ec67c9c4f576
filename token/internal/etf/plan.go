package etf

import (
	"cmp"
	"encoding"
	"fmt"
	"math/big"
	"reflect"
	"slices"
	"strings"
)

// plan is how one Go type is written and read, worked out once.
type plan struct {
	typ    reflect.Type
	form   form
	elem   *plan          // pointer, list, mapping
	fields []field        // structure: sorted by name, the order in which Erlang writes keys
	index  map[string]int // structure: name to field
}

// form is what a Go type is to a codec.
type form uint8

const (
	boolean form = iota
	integer
	unsigned
	float
	text // a string
	octets
	bigInteger
	marshaler // writes and reads itself as text
	anything
	pointer
	list
	mapping
	structure
)

// field is one key of a structure.
type field struct {
	name      string
	path      []int
	plan      *plan
	omitEmpty bool
	omitZero  bool
}

func newPlan(t reflect.Type) (*plan, error) {
	if f, ok := leaf(t); ok {
		return &plan{typ: t, form: f}, nil
	}
	return planner{}.plan(t)
}

// leaf returns the form of a type that leads to no other.
func leaf(t reflect.Type) (form, bool) {
	switch {
	case t == reflect.TypeFor[big.Int]():
		return bigInteger, true
	case isText(t):
		return marshaler, true
	}
	switch t.Kind() {
	case reflect.Bool:
		return boolean, true
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return integer, true
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return unsigned, true
	case reflect.Float32, reflect.Float64:
		return float, true
	case reflect.String:
		return text, true
	case reflect.Slice, reflect.Array:
		return octets, t.Elem().Kind() == reflect.Uint8 && !isText(t.Elem())
	case reflect.Interface:
		return anything, t.NumMethod() == 0
	}
	return 0, false
}

// planner holds the plans under way, so that a recursive type meets its own.
type planner map[reflect.Type]*plan

func (ps planner) plan(t reflect.Type) (*plan, error) {
	if p, ok := ps[t]; ok {
		return p, nil
	}
	p := &plan{typ: t}
	ps[t] = p
	return p, ps.fill(p, t)
}

func (ps planner) fill(p *plan, t reflect.Type) (err error) {
	if f, ok := leaf(t); ok {
		p.form = f
		return nil
	}
	switch t.Kind() {
	case reflect.Pointer:
		p.form = pointer
		// A pointer to a pointer or to any could lead to itself without a list or map that would be counted as depth.
		if k := t.Elem().Kind(); k == reflect.Pointer || k == reflect.Interface {
			return fmt.Errorf("%s: a token cannot carry a pointer to a pointer or interface", t)
		}
		p.elem, err = ps.plan(t.Elem())
	case reflect.Slice, reflect.Array:
		p.form = list
		p.elem, err = ps.plan(t.Elem())
	case reflect.Map:
		p.form = mapping
		if t.Key().Kind() != reflect.String {
			return fmt.Errorf("%s: the keys of a map in a token must be strings", t)
		}
		p.elem, err = ps.plan(t.Elem())
	case reflect.Struct:
		p.form = structure
		err = ps.structure(p, t)
	case reflect.Interface:
		err = fmt.Errorf("%s: the only interface a token can carry is any", t)
	default:
		err = fmt.Errorf("%s: a token cannot carry a %s", t, t.Kind())
	}
	return err
}

// isText reports whether t writes and reads itself as text, as time.Time does.
func isText(t reflect.Type) bool {
	if t.Name() == "" || t.Kind() == reflect.Interface {
		return false
	}
	p := reflect.PointerTo(t)
	return p.Implements(reflect.TypeFor[encoding.TextMarshaler]()) && p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

func (ps planner) structure(p *plan, t reflect.Type) error {
	if err := ps.collect(p, t, nil); err != nil {
		return err
	}
	if len(p.fields) == 0 && t.NumField() > 0 {
		return fmt.Errorf("%s: no field of it is exported, so that a token would carry nothing", t)
	}
	slices.SortFunc(p.fields, func(a, b field) int { return cmp.Compare(a.name, b.name) })
	p.index = make(map[string]int, len(p.fields))
	for i, f := range p.fields {
		if _, taken := p.index[f.name]; taken {
			return fmt.Errorf("%s: two fields are named %q", t, f.name)
		}
		p.index[f.name] = i
	}
	return nil
}

// collect adds the fields of t, which lies at path within p.
func (ps planner) collect(p *plan, t reflect.Type, path []int) error {
	for sf := range t.Fields() {
		tag := sf.Tag.Get("json")
		if tag == "-" {
			continue
		}
		name, options, _ := strings.Cut(tag, ",")
		at := append(slices.Clone(path), sf.Index...)
		if sf.Anonymous && name == "" && sf.Type.Kind() == reflect.Struct && !isText(sf.Type) {
			if err := ps.collect(p, sf.Type, at); err != nil {
				return err
			}
			continue
		}
		if !sf.IsExported() {
			continue
		}
		fp, err := ps.plan(sf.Type)
		if err != nil {
			return fmt.Errorf("field %s: %w", sf.Name, err)
		}
		f := field{name: cmp.Or(name, sf.Name), path: at, plan: fp}
		for option := range strings.SplitSeq(options, ",") {
			f.omitEmpty = f.omitEmpty || option == "omitempty"
			f.omitZero = f.omitZero || option == "omitzero"
		}
		p.fields = append(p.fields, f)
	}
	return nil
}

// omits reports whether v is left out of the map.
func (f *field) omits(v reflect.Value) bool {
	if f.omitZero && v.IsZero() {
		return true
	}
	if !f.omitEmpty {
		return false
	}
	switch v.Kind() {
	case reflect.String, reflect.Slice, reflect.Array, reflect.Map:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}
