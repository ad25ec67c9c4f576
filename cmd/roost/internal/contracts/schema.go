package contracts

import (
	"encoding/json/jsontext"
	"math"
	"net/url"
	"strconv"

	"github.com/roost-dev/roost/contract"
)

// object is one of JSON, written with its names sorted.
type object map[string]any

// schemas turns the types of a contract into JSON Schemas of draft 7, which is
// what AsyncAPI goes by.
type schemas struct {
	names map[string]string // of named types
}

func (s schemas) named(t contract.Type) object {
	schema := s.of(t)
	if t.Doc != "" {
		schema["description"] = t.Doc
	}
	return schema
}

// of returns the schema of a type.
func (s schemas) of(t contract.Type) object {
	schema := s.withoutNull(t)
	if t.Null && t.Kind != contract.Any {
		return object{"anyOf": []object{schema, {"type": "null"}}}
	}
	return schema
}

func (s schemas) withoutNull(t contract.Type) object {
	switch t.Kind {
	case contract.Named:
		return ref("components", "schemas", s.names[t.Ref])
	case contract.Object:
		return s.object(t)
	case contract.Map:
		return object{"type": "object", "additionalProperties": s.of(*t.Elem)}
	case contract.List:
		schema := object{"type": "array", "items": s.of(*t.Elem)}
		if t.Len != nil {
			schema["minItems"], schema["maxItems"] = *t.Len, *t.Len
		}
		return schema
	case contract.String:
		return stringSchema(t)
	case contract.Integer:
		low, high := bounds(t.Format)
		return object{"type": "integer", "format": t.Format, "minimum": low, "maximum": high}
	case contract.Number:
		return object{"type": "number", "format": map[string]string{"float32": "float", "float64": "double"}[t.Format]}
	case contract.Boolean:
		return object{"type": "boolean"}
	case contract.Bytes:
		return object{"type": "string", "format": "binary"}
	default:
		return object{}
	}
}

func stringSchema(t contract.Type) object {
	schema := object{"type": "string"}
	switch t.Format {
	case "base64":
		schema["contentEncoding"] = "base64"
		if t.Len != nil {
			length := (*t.Len + 2) / 3 * 4
			schema["minLength"], schema["maxLength"] = length, length
		}
	case "integer":
		schema["pattern"] = `^-?(0|[1-9][0-9]*)$`
	case "number":
		schema["pattern"] = `^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`
	case "":
	default:
		schema["format"] = t.Format
	}
	return schema
}

func (s schemas) object(t contract.Type) object {
	schema := object{"type": "object"}
	properties, required := object{}, []string{}
	for _, f := range t.Fields {
		property := s.of(f.Type)
		if f.Doc != "" {
			if _, isRef := property["$ref"]; isRef { // which nothing may stand beside
				property = object{"allOf": []object{property}}
			}
			property["description"] = f.Doc
		}
		properties[f.Name] = property
		if !f.Optional {
			required = append(required, f.Name)
		}
	}
	if len(properties) > 0 {
		schema["properties"] = properties
	}
	if len(required) > 0 {
		schema["required"] = required
	}
	if t.Elem != nil {
		schema["additionalProperties"] = s.of(*t.Elem)
	}
	return schema
}

// bounds returns the least and the greatest number of a Go type.
func bounds(format string) (low, high jsontext.Value) {
	n := bits[format]
	if format[0] == 'u' {
		return jsontext.Value("0"), jsontext.Value(strconv.FormatUint(math.MaxUint64>>(64-n), 10))
	}
	return jsontext.Value(strconv.FormatInt(-1<<n, 10)), jsontext.Value(strconv.FormatInt(1<<n-1, 10))
}

// ref points to another part of the document: a JSON Pointer, as the fragment
// of a URI.
func ref(path ...string) object {
	var pointer jsontext.Pointer
	for _, name := range path {
		pointer = pointer.AppendToken(name)
	}
	return object{"$ref": (&url.URL{Fragment: string(pointer)}).String()}
}
