package wire

import (
	"errors"
	"fmt"
	"strings"
)

// Version is a version of the protocol. It is constant for a connection: the
// one that the client asked for when it connected.
type Version uint8

// The versions there are. The zero Version is none of them, and must not be used.
const (
	V1 Version = 1 // objects in text, without binary payloads (spec/protocol.md §5)
	V2 Version = 2 // arrays in text, and binary frames (spec/protocol.md §6, §7)
)

// ErrBinaryV1 says that a message with a binary payload was to be encoded for
// a peer that speaks version 1.
var ErrBinaryV1 = errors.New("wire: version 1 has no binary payloads")

// Negotiate returns the version that serves a client with this vsn, which is
// a semantic version of three numbers: 1.0.x or 2.0.x. Anything else, the
// empty string too, is an error and refuses the connection; a client that
// gives no vsn at all speaks "1.0.0" (spec/protocol.md §2).
func Negotiate(vsn string) (Version, error) {
	version := V1
	rest, ok := strings.CutPrefix(vsn, "1.0.")
	if !ok {
		version = V2
		rest, ok = strings.CutPrefix(vsn, "2.0.")
	}
	if !ok || !isPatch(rest) {
		return 0, fmt.Errorf("vsn %.20q is not supported, 1.0.x and 2.0.x are", vsn)
	}
	return version, nil
}

// String returns the version as a client asks for it in vsn: "1.0.0" or "2.0.0".
func (v Version) String() string {
	switch v {
	case V1:
		return "1.0.0"
	case V2:
		return "2.0.0"
	default:
		return fmt.Sprintf("Version(%d)", uint8(v))
	}
}

// DecodeClient decodes a frame that a client sent; binary says which kind of
// frame it came in. Version 1 has no binary frames and takes JSON out of them
// too. The payload shares memory with data; all else is copied, into one string
// that lives as long as any part of it is kept.
//
// An error means that the frame is malformed, which ends the connection: it is
// not one valid JSON value, not an array of five or an object with the four
// keys, nested too deep (1,000 levels), or not a whole binary push. It says
// what is wrong in words for the client to read.
func (v Version) DecodeClient(data []byte, binary bool) (ClientMessage, error) {
	if binary && v != V1 {
		return parseClientBinary(data)
	}
	var e elements
	if err := e.scan(v, data); err != nil {
		return ClientMessage{}, err
	}
	values := e.envelope()
	event, _ := values[eventElement].Text()
	return ClientMessage{
		JoinRef: values[joinRefElement],
		Ref:     values[refElement],
		Topic:   values[topicElement],
		Event:   event,
		Payload: Payload{Data: e[payloadElement]},
	}, nil
}

// AppendPush appends the frame of a push to one client: an event that is no
// reply. Version 1 has no place for the joinRef.
//
// This and all other Append methods append to dst, which may be nil, and
// report whether the frame is to be sent as a binary one, as a message with a
// binary payload is. On an error they return dst as it was: the payload is
// not JSON of the kind the message takes, a text is not UTF-8, a field of a
// binary frame is longer than 255 bytes, or [ErrBinaryV1].
func (v Version) AppendPush(dst []byte, joinRef Value, topic, event string, p Payload) (frame []byte, binary bool, err error) {
	if p.Binary && v != V1 {
		return appendBinary(dst, kindPush, p.Data,
			refField("join_ref", joinRef), textField("topic", topic), textField("event", event))
	}
	if err := mustBeObject(p); err != nil {
		return dst, false, err
	}
	return v.appendText(dst, &ServerMessage{JoinRef: joinRef, Topic: String(topic), Event: event, Payload: p})
}

// AppendReply appends the frame of a reply: the response p, which may be any
// JSON, to the message with this ref. The status must not be empty.
func (v Version) AppendReply(dst []byte, joinRef, ref, topic Value, status string, p Payload) (frame []byte, binary bool, err error) {
	if status == "" {
		return dst, false, errors.New("wire: a reply needs a status")
	}
	if p.Binary && v != V1 {
		return appendBinary(dst, kindReply, p.Data,
			refField("join_ref", joinRef), refField("ref", ref), topicField(topic), textField("status", status))
	}
	return v.appendText(dst, &ServerMessage{
		JoinRef: joinRef, Ref: ref, Topic: topic, Event: EventReply, Status: status, Payload: p,
	})
}

// AppendBroadcast appends the frame of a broadcast, which is the same for all
// clients of a version.
func (v Version) AppendBroadcast(dst []byte, topic, event string, p Payload) (frame []byte, binary bool, err error) {
	if p.Binary && v != V1 {
		return appendBinary(dst, kindBroadcast, p.Data, textField("topic", topic), textField("event", event))
	}
	return v.AppendPush(dst, Value{}, topic, event, p)
}

// AppendKept appends the frame of an event that is kept, whose ref is its
// position (spec/protocol.md §20): a push with a join_ref, a broadcast without.
// A binary one has a kind of its own, for clients that asked for it.
func (v Version) AppendKept(dst []byte, joinRef Value, position, topic, event string, p Payload) (frame []byte, binary bool, err error) {
	switch {
	case !p.Binary || v == V1:
	case joinRef.IsNull():
		return appendBinary(dst, kindKeptBroadcast, p.Data,
			textField("position", position), textField("topic", topic), textField("event", event))
	default:
		return appendBinary(dst, kindKeptPush, p.Data, refField("join_ref", joinRef),
			textField("position", position), textField("topic", topic), textField("event", event))
	}
	if err := mustBeObject(p); err != nil {
		return dst, false, err
	}
	return v.appendText(dst, &ServerMessage{JoinRef: joinRef, Ref: String(position), Topic: String(topic), Event: event, Payload: p})
}

// AppendEnd appends the frame that ends a channel, phx_close or phx_error. Its
// ref is the join_ref, in version 1 too (spec/protocol.md §8). The payload
// must not be binary.
func (v Version) AppendEnd(dst []byte, joinRef Value, topic, event string, p Payload) (frame []byte, binary bool, err error) {
	if p.Binary {
		return dst, false, fmt.Errorf("wire: %s takes no binary payload", event)
	}
	if err := mustBeObject(p); err != nil {
		return dst, false, err
	}
	return v.appendText(dst, &ServerMessage{JoinRef: joinRef, Ref: joinRef, Topic: String(topic), Event: event, Payload: p})
}

// AppendClient appends the frame of a client's message, whose payload may be
// any JSON. The Mark goes with a payload of bytes only: JSON has it inside. A binary frame has no null: a join_ref or ref that is null is
// empty in it, which this package's DecodeClient takes for null, while Phoenix
// drops a push with an empty join_ref (spec/protocol.md §7).
func (v Version) AppendClient(dst []byte, m ClientMessage) (frame []byte, binary bool, err error) {
	switch {
	case m.Payload.Binary && v == V1:
		return dst, false, ErrBinaryV1
	case m.Payload.Binary:
		kind, fields := byte(kindPush), []field{
			refField("join_ref", m.JoinRef), refField("ref", m.Ref), topicField(m.Topic), textField("event", m.Event),
		}
		if m.Mark != "" {
			kind, fields = kindMarkedPush, append(fields, field{name: "mark", text: m.Mark})
		}
		return appendBinary(dst, kind, m.Payload.Data, fields...)
	}
	e := newTextEncoder(dst, m.Payload)
	if v == V1 {
		e.clientV1(&m)
	} else {
		e.arrayV2(&ServerMessage{JoinRef: m.JoinRef, Ref: m.Ref, Topic: m.Topic, Event: m.Event, Payload: m.Payload})
	}
	return e.frame(dst)
}

// DecodeServer decodes a frame that a server sent; binary says which kind of
// frame it came in. The payload shares memory with data, all else is copied.
// Servers of version 1 send no join_ref. An error says that the frame is
// malformed, as for DecodeClient, or that its event is not a string.
func (v Version) DecodeServer(data []byte, binary bool) (ServerMessage, error) {
	if binary && v != V1 {
		return parseServerBinary(data)
	}
	var e elements
	if err := e.scan(v, data); err != nil {
		return ServerMessage{}, err
	}
	values := e.envelope()
	event, ok := values[eventElement].Text()
	if !ok {
		return ServerMessage{}, errors.New("event is not a string")
	}
	m := ServerMessage{
		JoinRef: values[joinRefElement],
		Ref:     values[refElement],
		Topic:   values[topicElement],
		Event:   event,
		Payload: Payload{Data: e[payloadElement]},
	}
	if event == EventReply {
		if status, response, ok := scanReply(e[payloadElement]); ok {
			m.Status, m.Payload.Data = status, response
		}
	}
	return m, nil
}

func (v Version) appendText(dst []byte, m *ServerMessage) ([]byte, bool, error) {
	if m.Payload.Binary {
		return dst, false, ErrBinaryV1
	}
	e := newTextEncoder(dst, m.Payload)
	if v == V1 {
		e.serverV1(m)
	} else {
		e.arrayV2(m)
	}
	return e.frame(dst)
}

// isPatch reports whether s is the last number of a semantic version with what
// may follow it: 7, 7-rc.1, 7-rc.1+build. A pre-release of 0 comes before the
// version it is named after, and is not that version.
func isPatch(s string) bool {
	s, build, hasBuild := strings.Cut(s, "+")
	patch, pre, hasPre := strings.Cut(s, "-")
	switch {
	case patch == "" || !isNumber(patch):
		return false
	case hasPre && (patch == "0" || !areIdentifiers(pre, isPreRelease)):
		return false
	default:
		return !hasBuild || areIdentifiers(build, isIdentifier)
	}
}

func areIdentifiers(s string, valid func(string) bool) bool {
	for id := range strings.SplitSeq(s, ".") {
		if !valid(id) {
			return false
		}
	}
	return true
}

func isPreRelease(id string) bool {
	digits := strings.Trim(id, "0123456789") == ""
	return isIdentifier(id) && (!digits || isNumber(id))
}

func isIdentifier(id string) bool {
	return id != "" && strings.Trim(id, "0123456789-ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") == ""
}

func isNumber(s string) bool {
	return strings.Trim(s, "0123456789") == "" && (s == "0" || s[0] != '0')
}
