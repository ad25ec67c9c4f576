package wire

import (
	"errors"
	"fmt"
	"unicode/utf8"
)

// The kinds of binary frames: their first byte (spec/protocol.md §7).
const (
	kindPush          = 0
	kindReply         = 1
	kindBroadcast     = 2
	kindKeptBroadcast = 5
	kindKeptPush      = 6
	kindMarkedPush    = 7
)

// maxField is the length in bytes that a field of a binary frame may have.
const maxField = 255

// field is a field of the header of a binary frame to be encoded.
type field struct {
	name, text string
	err        error
}

// refField makes a field of a value. Its bytes need not be UTF-8: a ref goes
// back to where it came from. A number is its digits, and null is empty.
func refField(name string, v Value) field {
	f := field{name: name, text: v.text}
	if v.isComposite() {
		f.err = fmt.Errorf("wire: %s is an array or an object, which a binary frame cannot take", name)
	}
	return f
}

// topicField makes a field of a topic, which is a string but for broken clients.
func topicField(v Value) field {
	if topic, ok := v.Text(); ok {
		return textField("topic", topic)
	}
	return refField("topic", v)
}

// textField makes a field of a text.
func textField(name, text string) field {
	f := field{name: name, text: text}
	if !utf8.ValidString(text) {
		f.err = fmt.Errorf("wire: %s is not valid UTF-8", name)
	}
	return f
}

// appendBinary appends a frame: its kind, the lengths of its fields, the
// fields, and the data up to the end of the frame. On an error it returns dst.
func appendBinary(dst []byte, kind byte, data []byte, fields ...field) ([]byte, bool, error) {
	frame := append(dst, kind)
	for _, f := range fields {
		if f.err != nil {
			return dst, false, f.err
		}
		if len(f.text) > maxField {
			return dst, false, fmt.Errorf("wire: %s is %d bytes, a binary frame takes at most %d", f.name, len(f.text), maxField)
		}
		frame = append(frame, byte(len(f.text)))
	}
	for _, f := range fields {
		frame = append(frame, f.text...)
	}
	return append(frame, data...), true, nil
}

// parseBinary takes a frame apart into its fields, of which there are n, and
// its data. The fields share one allocation.
func parseBinary(frame []byte, n int) (fields [5]string, data []byte, err error) {
	header := 1 + n
	if len(frame) < header {
		return fields, nil, fmt.Errorf("binary frame of kind %d is %d bytes, shorter than its header", frame[0], len(frame))
	}
	end := header
	for _, length := range frame[1:header] {
		end += int(length)
	}
	if len(frame) < end {
		return fields, nil, fmt.Errorf("binary frame of kind %d is %d bytes, shorter than its fields", frame[0], len(frame))
	}
	all := string(frame[header:end])
	for i, length := range frame[1:header] {
		fields[i], all = all[:length], all[length:]
	}
	return fields, frame[end:len(frame):len(frame)], nil
}

// fieldValue makes a value of a field. An empty one stands for null.
func fieldValue(text string) Value {
	if text == "" {
		return Value{}
	}
	return String(text)
}

// parseClientBinary decodes what a client may send: a push with a ref, and
// perhaps a mark.
func parseClientBinary(frame []byte) (ClientMessage, error) {
	if len(frame) == 0 {
		return ClientMessage{}, errors.New("binary frame is empty")
	}
	count := 4
	switch frame[0] {
	case kindPush:
	case kindMarkedPush:
		count = 5
	default:
		return ClientMessage{}, fmt.Errorf("binary frame has the kind %d, a client sends kind 0 or 7", frame[0])
	}
	fields, data, err := parseBinary(frame, count)
	if err != nil {
		return ClientMessage{}, err
	}
	topic, event := fields[2], fields[3]
	switch {
	case !utf8.ValidString(topic):
		return ClientMessage{}, errors.New("topic is not valid UTF-8")
	case count == 5 && fields[4] == "":
		return ClientMessage{}, errors.New("marked push has no mark")
	}
	if !utf8.ValidString(event) {
		event = "" // as in text: not a string, so no event that anybody handles
	}
	return ClientMessage{
		JoinRef: fieldValue(fields[0]),
		Ref:     fieldValue(fields[1]),
		Topic:   String(topic),
		Event:   event,
		Payload: Payload{Data: data, Binary: true},
		Mark:    fields[4],
	}, nil
}

// parseServerBinary decodes what a server may send.
func parseServerBinary(frame []byte) (ServerMessage, error) {
	if len(frame) == 0 {
		return ServerMessage{}, errors.New("binary frame is empty")
	}
	counts := [...]int{kindPush: 3, kindReply: 4, kindBroadcast: 2, kindKeptBroadcast: 3, kindKeptPush: 4}
	kind := int(frame[0])
	if kind >= len(counts) || counts[kind] == 0 {
		return ServerMessage{}, fmt.Errorf("binary frame has the unknown kind %d", kind)
	}
	f, data, err := parseBinary(frame, counts[kind])
	if err != nil {
		return ServerMessage{}, err
	}
	m := ServerMessage{Payload: Payload{Data: data, Binary: true}}
	switch kind {
	case kindPush:
		m.JoinRef, m.Topic, m.Event = fieldValue(f[0]), String(f[1]), f[2]
	case kindReply:
		m.JoinRef, m.Ref, m.Topic = fieldValue(f[0]), fieldValue(f[1]), String(f[2])
		m.Event, m.Status = EventReply, f[3]
	case kindBroadcast:
		m.Topic, m.Event = String(f[0]), f[1]
	case kindKeptBroadcast:
		m.Ref, m.Topic, m.Event = fieldValue(f[0]), String(f[1]), f[2]
	case kindKeptPush:
		m.JoinRef, m.Ref, m.Topic, m.Event = fieldValue(f[0]), fieldValue(f[1]), String(f[2]), f[3]
	}
	isKept := kind == kindKeptBroadcast || kind == kindKeptPush
	switch {
	case !utf8.ValidString(m.Topic.text):
		return ServerMessage{}, errors.New("topic is not valid UTF-8")
	case !utf8.ValidString(m.Event):
		return ServerMessage{}, errors.New("event is not valid UTF-8")
	case !utf8.ValidString(m.Status):
		return ServerMessage{}, errors.New("status is not valid UTF-8")
	case kind == kindReply && m.Status == "":
		return ServerMessage{}, errors.New("reply has no status")
	case isKept && m.Ref.IsNull():
		return ServerMessage{}, errors.New("kept event has no position")
	case isKept && !utf8.ValidString(m.Ref.text):
		return ServerMessage{}, errors.New("position is not valid UTF-8")
	}
	return m, nil
}
