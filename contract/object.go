package contract

import (
	"cmp"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// object is the form of a struct. Which of its fields there are is what
// encoding/json/v2 says under "JSON Representation of Go structs".
func (c *Contract) object(t reflect.Type) (Type, error) {
	if err := json.Unmarshal([]byte("{}"), reflect.New(t).Interface()); err != nil {
		return Type{}, fmt.Errorf("contract: %w", err) // a tag is wrong, or there are no fields
	}
	object := Type{Kind: Object}
	for _, f := range dominant(fieldsOf(t)) {
		field, err := c.field(f)
		if err != nil {
			return Type{}, fmt.Errorf("%w (field %s of %v)", err, f.Name, f.owner)
		}
		if f.rest {
			object.Elem = &field.Type
		} else {
			object.Fields = append(object.Fields, field)
		}
	}
	return object, nil
}

// A goField is a field of a struct, or of one that is embedded in it.
type goField struct {
	reflect.StructField

	owner   reflect.Type
	index   []int // from the outermost struct
	name    string
	tagged  bool // with a name
	options []string
	rest    bool // holds the fields that have none of their own
	mayLack bool // in a struct that is embedded by a pointer, which may be nil
}

func (f goField) has(option string) bool { return slices.Contains(f.options, option) }

// fieldsOf returns all fields, the hidden ones among them, level by level.
func fieldsOf(root reflect.Type) []goField {
	type level struct {
		t       reflect.Type
		index   []int
		again   bool // a struct that was met before: its fields hide each other, those embedded in it need no second look
		mayLack bool
	}
	var fields []goField
	seen := map[reflect.Type]bool{root: true}
	for queue := []level{{t: root}}; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		for i := range at.t.NumField() {
			f := goField{StructField: at.t.Field(i), owner: at.t, index: append(slices.Clip(at.index), i), mayLack: at.mayLack}
			tag := f.Tag.Get("json")
			if tag == "-" || !f.IsExported() && !f.Anonymous {
				continue
			}
			options := strings.Split(tag, ",")
			f.name, f.tagged, f.options = cmp.Or(options[0], f.Name), options[0] != "", options[1:]
			embedded := indirect(f.Type)
			switch {
			case !f.has("embed") && (!f.Anonymous || f.tagged):
				fields = append(fields, f)
			case embedded.Kind() != reflect.Struct:
				f.rest = true
				fields = append(fields, f)
			case !at.again:
				queue = append(queue, level{embedded, f.index, seen[embedded], at.mayLack || embedded != f.Type})
				seen[embedded] = true
			}
		}
	}
	return fields
}

// dominant leaves out the fields that others hide, and returns the rest in the
// order of the source.
func dominant(fields []goField) []goField {
	groups := map[string][]goField{}
	for _, f := range fields {
		name := f.name
		if f.rest {
			name = "\xff" // no name of a field: it is not UTF-8
		}
		groups[name] = append(groups[name], f)
	}
	var visible []goField
	for _, group := range groups {
		slices.SortStableFunc(group, func(a, b goField) int {
			return cmp.Or(cmp.Compare(len(a.index), len(b.index)), -cmp.Compare(btoi(a.tagged), btoi(b.tagged)))
		})
		first := group[0]
		if len(group) == 1 || len(first.index) != len(group[1].index) || !first.rest && first.tagged != group[1].tagged {
			visible = append(visible, first)
		}
	}
	slices.SortFunc(visible, func(a, b goField) int { return slices.Compare(a.index, b.index) })
	return visible
}

func (c *Contract) field(f goField) (Field, error) {
	field := Field{Name: f.name, Source: source(f)}
	if f.rest {
		if t := indirect(f.Type); t != reflect.TypeFor[jsontext.Value]() {
			var err error
			field.Type, err = c.Type(t.Elem())
			return field, err
		}
		field.Type = Type{Kind: Any}
		return field, nil
	}
	t, err := c.Type(f.Type)
	if err != nil {
		return field, err
	}
	if f.has("string") {
		switch form := c.resolve(t); form.Kind {
		case Integer, Number:
			t = Type{Kind: String, Null: t.Null, Format: string(form.Kind)}
		case Any: // it may do as it is told
		default:
			return field, fmt.Errorf("contract: the option string of its tag is for numbers, not for a %v", f.Type)
		}
	}
	omitted := f.has("omitzero") || f.has("omitempty") && c.mayBeEmpty(f.Type, t)
	if omitted && f.Type.Kind() == reflect.Pointer {
		t.Null = false // nil is what is left out
	}
	field.Type, field.Optional = t, omitted || f.mayLack
	return field, nil
}

// mayBeEmpty reports whether some value of t is encoded as null, "", {} or [].
func (c *Contract) mayBeEmpty(t reflect.Type, form Type) bool {
	switch form = c.resolve(form); {
	case form.Null, form.Kind == Any, form.Kind == String && form.Format == "":
		return true
	case form.Kind == Object:
		return form.Elem != nil || !slices.ContainsFunc(form.Fields, func(f Field) bool { return !f.Optional })
	}
	switch t.Kind() { // the form of a type that refers to itself may not be known yet
	case reflect.Slice, reflect.Map:
		return true
	case reflect.Array:
		return t.Len() == 0
	default:
		return false
	}
}

// resolve returns what a named type stands for.
func (c *Contract) resolve(t Type) Type {
	if t.Kind != Named {
		return t
	}
	form := c.Types[t.Ref]
	form.Null = t.Null
	return form
}

func source(f goField) string {
	if f.owner.Name() == "" {
		return f.Name
	}
	return f.owner.PkgPath() + "." + f.owner.Name() + "." + f.Name
}

// indirect is what may be embedded as itself or by a pointer.
func indirect(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer && t.Name() == "" {
		return t.Elem()
	}
	return t
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
