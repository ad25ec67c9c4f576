package client

import (
	"bytes"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"fmt"
	"time"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/wire"
)

// encode encodes what goes to the server.
func encode(v any) (wire.Payload, error) {
	switch v := v.(type) {
	case roost.Payload:
		return wire.Payload(v), nil
	case []byte:
		return wire.Payload{Data: v, Binary: true}, nil
	case nil:
		return wire.Payload{Data: []byte("{}")}, nil
	}
	data, err := json.Marshal(v)
	return wire.Payload{Data: data}, err
}

// decode decodes what came from the server. Its errors hold nothing of the
// payload.
func decode[T any](p wire.Payload) (T, error) {
	var v T
	switch dst := any(&v).(type) {
	case *roost.Payload:
		*dst = roost.Payload(p)
		return v, nil
	case *[]byte:
		if !p.Binary {
			return v, errors.New("JSON came, not bytes")
		}
		*dst = p.Data
		return v, nil
	}
	if p.Binary {
		return v, fmt.Errorf("bytes came, not the JSON of a %T", v)
	}
	err := json.Unmarshal(p.Data, &v)
	if semantic, ok := errors.AsType[*json.SemanticError](err); ok {
		return v, fmt.Errorf("JSON %v at %q does not fit a Go %v", semantic.JSONKind, semantic.JSONPointer, semantic.GoType)
	}
	if err != nil {
		return v, fmt.Errorf("the JSON does not fit a %T", v)
	}
	return v, nil
}

// decodeReply decodes the reply to an event.
func decodeReply[R any](event string, m wire.ServerMessage) (R, error) {
	var reply R
	if m.Status != wire.StatusOK {
		return reply, replyError(m)
	}
	switch any(reply).(type) {
	case roost.Ack, roost.NoReply:
		return reply, nil
	}
	reply, err := decode[R](m.Payload)
	if err != nil {
		err = fmt.Errorf("client: the reply to %q: %w", event, err)
	}
	return reply, err
}

// roomFor checks that a member of the protocol's can be added to what the
// application sends.
func roomFor(p wire.Payload, name string) (wire.Payload, error) {
	object := jsontext.Value(bytes.TrimSpace(p.Data))
	if p.Binary || object.Kind() != '{' || !object.IsValid() {
		return p, fmt.Errorf("it is no JSON object, and so has no room for the member %q, which the protocol adds", name)
	}
	p.Data = object
	if _, _, has := p.Cut(name); has {
		return p, fmt.Errorf("it has a member %q, which the protocol adds", name)
	}
	return p, nil
}

// withMember adds a member of the protocol's.
func withMember(p wire.Payload, name string, value any) (wire.Payload, error) {
	p, err := roomFor(p, name)
	if err != nil {
		return p, err
	}
	member, err := json.Marshal(value)
	p, _ = p.With(name, member)
	return p, err
}

// replyError is the error that a reply with another status than ok is, or the
// end of a conversation.
func replyError(m wire.ServerMessage) *roost.Error {
	details, err := decode[map[string]any](m.Payload)
	if err != nil {
		return &roost.Error{Reason: m.Status}
	}
	reason, ok := details["reason"].(string)
	if !ok {
		return &roost.Error{Reason: m.Status, Details: details}
	}
	delete(details, "reason")
	ms, _ := details[retryMember].(float64)
	if ms > 0 {
		delete(details, retryMember)
	}
	if len(details) == 0 {
		details = nil
	}
	const most = 1e9 // milliseconds, as the protocol has it
	return &roost.Error{Reason: reason, Details: details, RetryAfter: time.Duration(min(max(ms, 0), most)) * time.Millisecond}
}
