package wire

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"
)

// textEncoder appends the JSON of a frame, and keeps the first error.
type textEncoder struct {
	buf []byte
	err error
}

// newTextEncoder makes room for a frame of the usual size with this payload.
func newTextEncoder(dst []byte, p Payload) *textEncoder {
	return &textEncoder{buf: slices.Grow(dst, len(p.Data)+128)}
}

// frame returns what was appended to dst, or dst and the first error.
func (e *textEncoder) frame(dst []byte) (frame []byte, binary bool, err error) {
	if e.err != nil {
		return dst, false, e.err
	}
	return e.buf, false, nil
}

func (e *textEncoder) raw(text string) {
	e.buf = append(e.buf, text...)
}

// value appends a value, called name in an error.
func (e *textEncoder) value(name string, v Value) {
	switch v.kind {
	case kindString:
		e.string(name, v.text)
	case kindJSON:
		e.raw(v.text)
	default:
		e.raw("null")
	}
}

// payload appends the data of a message, or the status and response of a reply.
func (e *textEncoder) payload(status string, data []byte) {
	if len(data) == 0 && e.err == nil {
		e.err = errors.New("wire: payload is empty, not JSON")
	}
	if status == "" {
		e.buf = append(e.buf, data...)
		return
	}
	e.raw(`{"response":`)
	e.buf = append(e.buf, data...)
	e.raw(`,"status":`)
	e.string("status", status)
	e.raw(`}`)
}

// string appends a quoted string, called name in an error. It escapes what
// JSON wants escaped and nothing else, in the way that Phoenix does.
func (e *textEncoder) string(name, s string) {
	if !utf8.ValidString(s) && e.err == nil {
		e.err = fmt.Errorf("wire: %s is not valid UTF-8, which a text frame cannot take", name)
	}
	e.buf = append(e.buf, '"')
	start := 0
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' {
			e.buf = appendEscape(append(e.buf, s[start:i]...), c)
			start = i + 1
		}
	}
	e.buf = append(e.buf, s[start:]...)
	e.buf = append(e.buf, '"')
}

func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\b':
		return append(dst, `\b`...)
	case '\f':
		return append(dst, `\f`...)
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	default:
		return fmt.Appendf(dst, `\u%04X`, c)
	}
}

// mustBeObject refuses a JSON payload that is no object, which a client cannot
// be sent but in a reply (spec/protocol.md §6). It leaves binary ones alone.
func mustBeObject(p Payload) error {
	if !p.Binary && !bytes.HasPrefix(bytes.TrimLeft(p.Data, " \t\r\n"), []byte("{")) {
		return errors.New("wire: payload of a push or a broadcast must be a JSON object")
	}
	return nil
}
