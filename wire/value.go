package wire

import (
	"bytes"
	"encoding/json/jsontext"
)

// Value is a JSON value kept as it came, so that it can be given back as it
// came: refs may be of any type (spec/protocol.md §6). Two values are equal
// (==) if they are the same to the protocol: 17 and "17" differ, null and an
// absent value are one, and a string is equal however it was escaped and
// whether it came in a text or in a binary frame. Anything else is compared by
// its text without white space: 1 and 1.0 differ. A string out of a binary
// frame may hold bytes that are not UTF-8, which only another binary frame can
// take. The zero Value is null.
type Value struct {
	text string // the characters of a string, or the JSON text of anything else
	kind valueKind
}

type valueKind uint8

const (
	kindNull valueKind = iota
	kindString
	kindJSON
)

// String makes a value of a string.
func String(s string) Value { return Value{text: s, kind: kindString} }

// IsNull reports whether v is null or absent.
func (v Value) IsNull() bool { return v.kind == kindNull }

// Text returns the string that v is, and whether it is one. The string of
// anything else is empty.
func (v Value) Text() (s string, ok bool) {
	if v.kind != kindString {
		return "", false
	}
	return v.text, true
}

// isComposite reports whether v is an object or an array.
func (v Value) isComposite() bool {
	return v.kind == kindJSON && (v.text[0] == '{' || v.text[0] == '[')
}

// parseValues decodes valid JSON texts; one that is missing (nil) is null. The
// values hold parts of one string: a frame costs one allocation.
func parseValues(raws *[4][]byte) (values [4]Value) {
	var stack [128]byte
	buf := stack[:0]
	var ends [4]int
	for i, raw := range raws {
		if raw != nil {
			buf, values[i].kind = appendValue(buf, raw)
		}
		ends[i] = len(buf)
	}
	all := string(buf)
	start := 0
	for i, end := range ends {
		values[i].text = all[start:end]
		start = end
	}
	return values
}

// appendValue appends the text that a Value of raw, which is valid JSON, has.
func appendValue(dst, raw []byte) ([]byte, valueKind) {
	switch raw[0] {
	case 'n':
		return dst, kindNull
	case '"':
		if bytes.IndexByte(raw, '\\') < 0 {
			return append(dst, raw[1:len(raw)-1]...), kindString
		}
		dst, _ = jsontext.AppendUnquote(dst, raw) // cannot fail: raw is valid
		return dst, kindString
	case '{', '[':
		compact := jsontext.Value(bytes.Clone(raw))
		_ = compact.Compact() // cannot fail: raw is valid
		return append(dst, compact...), kindJSON
	default:
		return append(dst, raw...), kindJSON
	}
}
