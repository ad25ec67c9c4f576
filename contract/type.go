package contract

import (
	"encoding"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"reflect"
	"time"
)

// Type returns the form of values of type t, and adds to c.Types the named
// types that it refers to. The error names the field that JSON has no form for.
func (c *Contract) Type(t reflect.Type) (Type, error) {
	switch {
	case t.Kind() == reflect.Pointer:
		elem, err := c.Type(t.Elem())
		elem.Null = true
		return elem, err
	case t.PkgPath() == "", t == reflect.TypeFor[jsontext.Value](), t == reflect.TypeFor[time.Time]():
		return c.form(t)
	}
	name := t.PkgPath() + "." + t.Name()
	switch known := c.goTypes[name]; known {
	case t:
	case nil:
		if c.goTypes == nil {
			c.goTypes = map[string]reflect.Type{}
		}
		if c.Types == nil {
			c.Types = map[string]Type{}
		}
		c.goTypes[name] = t // before its fields, which may refer to it
		form, err := c.form(t)
		if err != nil {
			delete(c.goTypes, name)
			return Type{}, err
		}
		c.Types[name] = form
	default:
		return Type{}, fmt.Errorf("contract: two types are named %s, in functions: declare them outside", name)
	}
	return Type{Kind: Named, Ref: name}, nil
}

var (
	ownJSON = []reflect.Type{
		reflect.TypeFor[json.MarshalerTo](), reflect.TypeFor[json.Marshaler](),
		reflect.TypeFor[json.UnmarshalerFrom](), reflect.TypeFor[json.Unmarshaler](),
	}
	ownText = []reflect.Type{
		reflect.TypeFor[encoding.TextAppender](), reflect.TypeFor[encoding.TextMarshaler](),
		reflect.TypeFor[encoding.TextUnmarshaler](),
	}
)

func implementsAny(t reflect.Type, interfaces []reflect.Type) bool {
	for _, i := range interfaces {
		if t.Implements(i) || reflect.PointerTo(t).Implements(i) {
			return true
		}
	}
	return false
}

// form is Type for what a named type stands for.
func (c *Contract) form(t reflect.Type) (Type, error) {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return Type{Kind: String, Format: "date-time"}, nil
	case implementsAny(t, ownJSON):
		return Type{Kind: Any}, nil
	case implementsAny(t, ownText):
		return Type{Kind: String}, nil
	case t == reflect.TypeFor[time.Duration]():
		return Type{}, fmt.Errorf("contract: JSON has no form for a %v: send a number, and say its unit in the field's name", t)
	}
	switch t.Kind() {
	case reflect.Bool:
		return Type{Kind: Boolean}, nil
	case reflect.String:
		return Type{Kind: String}, nil
	case reflect.Int:
		return Type{Kind: Integer, Format: "int64"}, nil
	case reflect.Uint, reflect.Uintptr:
		return Type{Kind: Integer, Format: "uint64"}, nil
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return Type{Kind: Integer, Format: t.Kind().String()}, nil
	case reflect.Float32, reflect.Float64:
		return Type{Kind: Number, Format: t.Kind().String()}, nil
	case reflect.Interface:
		return Type{Kind: Any}, nil
	case reflect.Struct:
		return c.object(t)
	case reflect.Map:
		return c.mapForm(t)
	case reflect.Slice, reflect.Array:
		return c.list(t)
	}
	return Type{}, fmt.Errorf("contract: JSON has no form for a %v", t)
}

func (c *Contract) list(t reflect.Type) (Type, error) {
	// encoding/json/v2 goes by the kind of the elements, unless they have JSON of their own.
	if e := t.Elem(); e.Kind() == reflect.Uint8 && !implementsAny(e, ownJSON) && !implementsAny(e, ownText) {
		bytes := Type{Kind: String, Format: "base64"}
		if t.Kind() == reflect.Array {
			bytes.Len = new(t.Len())
		}
		return bytes, nil
	}
	elem, err := c.Type(t.Elem())
	if err != nil {
		return Type{}, fmt.Errorf("%w (an element of %v)", err, t)
	}
	list := Type{Kind: List, Elem: &elem}
	if t.Kind() == reflect.Array {
		list.Len = new(t.Len())
	}
	return list, nil
}

func (c *Contract) mapForm(t reflect.Type) (Type, error) {
	key, err := c.form(t.Key())
	if err != nil {
		return Type{}, err
	}
	switch key.Kind {
	case Boolean, Object, List, Map:
		return Type{}, fmt.Errorf("contract: JSON has no form for the keys of a %v", t)
	}
	elem, err := c.Type(t.Elem())
	if err != nil {
		return Type{}, fmt.Errorf("%w (a value of %v)", err, t)
	}
	return Type{Kind: Map, Elem: &elem}, nil
}
