package wire_test

import (
	"testing"

	"github.com/roost-dev/roost/wire"
)

// plain is a message of either side in a form that == compares.
type plain struct {
	joinRef, ref, topic wire.Value
	event, status, data string
	binary              bool
}

func plainClient(m wire.ClientMessage) plain {
	return plain{m.JoinRef, m.Ref, m.Topic, m.Event, "", string(m.Payload.Data), m.Payload.Binary}
}

func plainServer(m wire.ServerMessage) plain {
	return plain{m.JoinRef, m.Ref, m.Topic, m.Event, m.Status, string(m.Payload.Data), m.Payload.Binary}
}

func text(json string) wire.Payload   { return wire.Payload{Data: []byte(json)} }
func binary(data string) wire.Payload { return wire.Payload{Data: []byte(data), Binary: true} }

// raw makes a Value of any JSON, which only a decoder can.
func raw(t testing.TB, json string) wire.Value {
	t.Helper()
	m, err := wire.V2.DecodeClient([]byte(`[`+json+`,null,"t","e",{}]`), false)
	if err != nil {
		t.Fatalf("no value in %s: %v", json, err)
	}
	return m.JoinRef
}

func wantError(t testing.TB, err error, want string) {
	t.Helper()
	if err == nil || err.Error() != want {
		t.Errorf("error = %v, want %s", err, want)
	}
}

// appendServer encodes a message by the method that its shape asks for. A
// message with a ref that is no reply is the end of a channel, if the ref is the
// join_ref, or else an event that is kept. Version 1 does not tell them apart.
func appendServer(v wire.Version, m wire.ServerMessage) (frame []byte, binary bool, err error) {
	topic, _ := m.Topic.Text()
	switch {
	case m.Status != "":
		return v.AppendReply(nil, m.JoinRef, m.Ref, m.Topic, m.Status, m.Payload)
	case isKept(m):
		position, _ := m.Ref.Text()
		return v.AppendKept(nil, m.JoinRef, position, topic, m.Event, m.Payload)
	case !m.Ref.IsNull():
		return v.AppendEnd(nil, m.Ref, topic, m.Event, m.Payload)
	case m.JoinRef.IsNull():
		return v.AppendBroadcast(nil, topic, m.Event, m.Payload)
	default:
		return v.AppendPush(nil, m.JoinRef, topic, m.Event, m.Payload)
	}
}

// isKept reports whether a message that is no reply can only be an event that
// is kept.
func isKept(m wire.ServerMessage) bool {
	_, isText := m.Ref.Text()
	return isText && (m.Payload.Binary || m.Ref != m.JoinRef)
}
