package wire

import (
	"bytes"
	"encoding/json/jsontext"
	"errors"
	"fmt"
)

// maxDepth bounds how deep arrays and objects may nest in one element of a
// frame, so that no frame makes a stack grow without bound.
const maxDepth = 1000

// elements are the raw JSON values of a text frame, in the order of version 2.
// The optional one of version 1, join_ref, is nil if it is missing.
type elements [5][]byte

const (
	joinRefElement = iota
	refElement
	topicElement
	eventElement
	payloadElement
)

// elementNames are the names of the elements in errors, and in version 1.
var elementNames = [...]string{"join_ref", "ref", "topic", "event", "payload"}

// scan finds the elements of a frame, and checks that it is valid JSON.
func (e *elements) scan(v Version, data []byte) error {
	if v == V1 {
		return e.scanV1(data)
	}
	return e.scanV2(data)
}

// envelope decodes all elements but the payload.
func (e *elements) envelope() [4]Value {
	return parseValues((*[4][]byte)(e[:payloadElement]))
}

// scanner finds where the values of a JSON text begin and end. It is lenient
// for the sake of speed: it takes commas and colons for white space, and does
// not look into strings, numbers and brackets. What it finds in a valid text
// is right; whether the text is valid, close says, once.
type scanner struct {
	data []byte
	pos  int
	err  error
}

var (
	errBroken  = errors.New("no JSON value")
	errTooDeep = fmt.Errorf("frame is nested too deep: an element takes %d levels of arrays and objects", maxDepth)
)

// open enters the array or object that the text is, if bracket opens it.
func (s *scanner) open(bracket byte) bool {
	s.skipSpace()
	if s.pos == len(s.data) || s.data[s.pos] != bracket {
		return false
	}
	s.pos++
	return true
}

// more reports whether there is another value in front of the closing bracket.
func (s *scanner) more(bracket byte) bool {
	s.skipSpace()
	if s.pos == len(s.data) && s.err == nil {
		s.err = errBroken
	}
	return s.err == nil && s.data[s.pos] != bracket
}

// value goes over one value and returns its text.
func (s *scanner) value() []byte {
	s.skipSpace()
	start, depth := s.pos, 0
	for s.pos < len(s.data) {
		switch s.data[s.pos] {
		case '"':
			s.skipString()
		case '[', '{':
			if depth++; depth > maxDepth {
				s.err = errTooDeep
				return nil
			}
			s.pos++
		case ']', '}':
			depth--
			s.pos++
		case ' ', '\t', '\n', '\r', ',', ':':
			s.pos++
		default:
			s.skipScalar()
		}
		if depth <= 0 {
			return s.data[start:s.pos:s.pos]
		}
	}
	s.err = errBroken
	return nil
}

func (s *scanner) skipSpace() {
	for ; s.pos < len(s.data); s.pos++ {
		switch s.data[s.pos] {
		case ' ', '\t', '\n', '\r', ',', ':':
		default:
			return
		}
	}
}

// skipString goes behind the string that begins at pos.
func (s *scanner) skipString() {
	for s.pos++; s.pos < len(s.data); s.pos++ {
		switch s.data[s.pos] {
		case '\\':
			s.pos++
		case '"':
			s.pos++
			return
		}
	}
	s.pos = len(s.data) // a backslash at the end leads one further
	s.err = errBroken
}

// skipScalar goes behind the number or the literal that begins at pos.
func (s *scanner) skipScalar() {
	for ; s.pos < len(s.data); s.pos++ {
		switch s.data[s.pos] {
		case ' ', '\t', '\n', '\r', ',', ':', '"', '[', ']', '{', '}':
			return
		}
	}
}

// close ends the scan, and reports what is wrong with the text: what the
// scanner came upon, or that it is not one valid JSON value in UTF-8 and
// without duplicate names. The error says where and holds nothing of the text,
// since errors are logged and payloads must not be.
func (s *scanner) close() error {
	if errors.Is(s.err, errTooDeep) {
		return s.err
	}
	if s.err == nil && jsontext.Value(s.data).IsValid() {
		return nil
	}
	d := jsontext.NewDecoder(bytes.NewReader(s.data))
	err := d.SkipValue()
	if err == nil {
		return fmt.Errorf("frame goes on behind its JSON value, which ends at byte %d", d.InputOffset())
	}
	at := d.InputOffset()
	if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		at = syntax.ByteOffset
	}
	if errors.Is(err, jsontext.ErrDuplicateName) {
		return fmt.Errorf("frame has an object with the same name twice, at byte %d", at)
	}
	return fmt.Errorf("frame is not valid JSON, at byte %d", at)
}

// scanReply takes the payload of a phx_reply, which is valid JSON, apart. It
// is not ok if it is no object with a status and a response.
func scanReply(payload []byte) (status string, response []byte, ok bool) {
	s := scanner{data: payload}
	if !s.open('{') {
		return "", nil, false
	}
	for s.more('}') {
		name := unquote(s.value())
		value := s.value()
		switch string(name) {
		case "status":
			status = string(unquote(value))
		case "response":
			response = value
		}
	}
	return status, response, status != "" && response != nil
}

// unquote returns the characters of a raw string, and nothing for what is none.
func unquote(raw []byte) []byte {
	if len(raw) < 2 || raw[0] != '"' {
		return nil
	}
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1]
	}
	unquoted, err := jsontext.AppendUnquote(nil, raw)
	if err != nil {
		return nil
	}
	return unquoted
}
