package contracts

import (
	"encoding/json/jsontext"
	"regexp"
	"slices"
	"strings"

	"github.com/roost-dev/roost/contract"
)

// namedType declares a type.
func (w *tsWriter) namedType(name string, t contract.Type) {
	w.linef(``)
	w.doc(t.Doc)
	if t.Kind == contract.Object {
		w.linef(`export interface %s %s`, name, w.object(t))
	} else {
		w.linef(`export type %s = %s`, name, w.got(t))
	}
}

// sent is got for what clients send.
func (w *tsWriter) sent(t contract.Type) string {
	if t.Kind == contract.Bytes {
		return "ArrayBuffer | ArrayBufferView"
	}
	return w.got(t)
}

// got writes a type that clients get.
func (w *tsWriter) got(t contract.Type) string {
	text := w.withoutNull(t)
	if t.Null && t.Kind != contract.Any {
		text += " | null"
	}
	return text
}

func (w *tsWriter) withoutNull(t contract.Type) string {
	switch t.Kind {
	case contract.Named:
		return w.names[t.Ref]
	case contract.Object:
		return w.object(t)
	case contract.Map:
		return "{ [key: string]: " + w.got(*t.Elem) + " }"
	case contract.List:
		return w.list(t)
	case contract.String:
		return "string"
	case contract.Integer, contract.Number:
		return "number"
	case contract.Boolean:
		return "boolean"
	case contract.Bytes:
		return "ArrayBuffer"
	default:
		return "unknown"
	}
}

// maxTuple is how many elements a list of fixed length may have to be written
// as a tuple.
const maxTuple = 8

func (w *tsWriter) list(t contract.Type) string {
	elem := w.got(*t.Elem)
	if t.Len != nil && *t.Len <= maxTuple {
		return "[" + strings.Join(slices.Repeat([]string{elem}, *t.Len), ", ") + "]"
	}
	if strings.Contains(elem, " | ") {
		elem = "(" + elem + ")"
	}
	return elem + "[]"
}

// object writes the fields of an object on lines of their own.
func (w *tsWriter) object(t contract.Type) string {
	if len(t.Fields) == 0 && t.Elem == nil {
		return "{}"
	}
	inner := &tsWriter{indent: w.indent + "  ", types: w.types, names: w.names}
	for _, f := range t.Fields {
		optional := ""
		if f.Optional {
			optional = "?"
		}
		inner.doc(f.Doc)
		inner.linef(`%s%s: %s`, key(f.Name), optional, inner.got(f.Type))
	}
	if t.Elem != nil {
		inner.linef(`[field: string]: unknown`) // of any type, since the fields above are among them
	}
	return "{\n" + inner.b.String() + w.indent + "}"
}

// mayBeEmpty reports whether {} is one of the values.
func (w *tsWriter) mayBeEmpty(t contract.Type) bool {
	t = w.resolve(t)
	required := func(f contract.Field) bool { return !f.Optional }
	return t.Kind != contract.Bytes && !slices.ContainsFunc(t.Fields, required)
}

// resolve returns what a named type stands for.
func (w *tsWriter) resolve(t contract.Type) contract.Type {
	if t.Kind == contract.Named {
		return w.types[t.Ref]
	}
	return t
}

var identifier = regexp.MustCompile(`^[\p{L}_$][\p{L}\p{Nd}_$]*$`)

// key writes the name of a property.
func key(name string) string {
	if identifier.MatchString(name) {
		return name
	}
	return quote(name)
}

// property writes the access to a property.
func property(name string) string {
	if identifier.MatchString(name) {
		return "." + name
	}
	return "[" + quote(name) + "]"
}

// quote writes a string; JSON is a subset of JavaScript.
func quote(s string) string {
	quoted, _ := jsontext.AppendQuote(nil, s)
	return string(quoted)
}

// escape is for what is constant in a template literal.
var escape = strings.NewReplacer("\\", "\\\\", "`", "\\`", "${", "\\${")

// doc writes a comment of Go as one of TypeScript.
func (w *tsWriter) doc(text string) {
	if text == "" {
		return
	}
	text = strings.ReplaceAll(text, "*/", "*\\/")
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if rest, is := strings.CutPrefix(line, "Deprecated: "); is {
			lines[i] = "@deprecated " + rest
		}
	}
	if len(lines) == 1 {
		w.linef(`/** %s */`, lines[0])
		return
	}
	w.linef(`/**`)
	for _, line := range lines {
		w.linef(`%s`, strings.TrimRight(" * "+line, " "))
	}
	w.linef(` */`)
}
