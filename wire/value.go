package wire

// Value is a JSON value kept as it came, so that it can be given back as it
// came: refs may be of any type (spec/protocol.md §6). Two values are equal
// (==) if they are the same to the protocol: 17 and "17" differ, null and an
// absent value are one, and a string is equal however it was escaped and
// whether it came in a text or in a binary frame. The zero Value is null.
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

// Text returns the string that v is, and whether it is one.
func (v Value) Text() (s string, ok bool) { return v.text, v.kind == kindString }
