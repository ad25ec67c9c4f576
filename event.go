package roost

import (
	"context"
	"encoding/json/v2"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/roost-dev/roost/pubsub"
	"github.com/roost-dev/roost/wire"
)

// In is an event that clients push: its name, bound to the type of its
// payload P and of its reply R. R is [Ack] for an empty reply and [NoReply]
// for none.
type In[P, R any] struct{ name string }

// NewIn names an event that clients push. It panics on an empty name, one
// that the protocol reserves, and on types that are no payload: P and R must
// be structs, maps with string keys, []byte, or [Payload].
func NewIn[P, R any](name string) In[P, R] {
	mustEventName(name)
	mustPayload[P](name)
	if !isReplyMarker[R]() {
		mustPayload[R](name)
	}
	return In[P, R]{name}
}

// Name returns the event's name on the wire.
func (in In[P, R]) Name() string { return in.name }

// Out is an event that the server pushes or broadcasts: its name, bound to
// the type of its payload.
type Out[T any] struct{ name string }

// NewOut names an event that the server pushes or broadcasts. It panics as
// [NewIn] does.
func NewOut[T any](name string) Out[T] {
	mustEventName(name)
	mustPayload[T](name)
	return Out[T]{name}
}

// Name returns the event's name on the wire.
func (out Out[T]) Name() string { return out.name }

// Broadcast sends the event to all subscribers of topic on all nodes, from
// anywhere: an HTTP handler, a job, a process without a [Server]. It returns
// once subscribers on this node have been served. It blocks only if ps
// reaches other nodes and their way is full, until ctx ends; an error then
// says that other nodes may not get the event.
func (out Out[T]) Broadcast(ctx context.Context, ps *pubsub.PubSub, topic string, v T) error {
	m, err := out.message(topic, v)
	if err != nil {
		return err
	}
	return ps.Broadcast(ctx, m)
}

func (out Out[T]) message(topic string, v T) (*pubsub.Message, error) {
	p, err := encodeEvent(out.name, v)
	if err != nil {
		return nil, err
	}
	return &pubsub.Message{Topic: topic, Event: out.name, Payload: p.Data, Binary: p.Binary}, nil
}

// Event is an [Out] of any type, for lists of them.
type Event interface {
	Name() string
	payload() reflect.Type // only Out is an Event
}

func (out Out[T]) payload() reflect.Type { return reflect.TypeFor[T]() }

// Ack is the reply of an event that is only acknowledged: ok with {}.
type Ack struct{}

// NoReply is the reply of an event that gets none. A failure still answers.
type NoReply struct{}

// Payload is data as it is on the wire, for code that passes events on
// without knowing them. Prefer a type of your own: what a client made up
// should not be forwarded unread.
type Payload struct {
	// Data is JSON text, or bytes of any kind if Binary.
	Data   []byte
	Binary bool
}

// validator is what payload types may have to check what decoding cannot.
type validator interface{ Validate() error }

func mustEventName(name string) {
	switch {
	case name == "":
		panic("roost: an event needs a name")
	case name == wire.KeyHistory:
		panic(fmt.Sprintf("roost: event %q: this name belongs to the history of topics", name))
	case strings.HasPrefix(name, "phx_"):
		panic(fmt.Sprintf("roost: event %q: names that begin with phx_ belong to the protocol", name))
	}
}

func mustPayload[T any](event string) {
	t := reflect.TypeFor[T]()
	switch {
	case t == reflect.TypeFor[Payload](), t == reflect.TypeFor[[]byte]():
	case t.Kind() == reflect.Struct:
	case t.Kind() == reflect.Map && t.Key().Kind() == reflect.String:
	default:
		panic(fmt.Sprintf("roost: event %q: %v is no payload; use a struct, a map with string keys, or []byte", event, t))
	}
}

func isReplyMarker[R any]() bool {
	t := reflect.TypeFor[R]()
	return t == reflect.TypeFor[Ack]() || t == reflect.TypeFor[NoReply]()
}

// decodePayload decodes what a client sent into a T. Its errors are for the
// client.
func decodePayload[T any](p wire.Payload) (T, error) {
	v, err := decode[T](p)
	if err != nil {
		return v, err
	}
	return v, validate(&v)
}

// decode is decodePayload for what a server sent: nobody validates that.
func decode[T any](p wire.Payload) (T, error) {
	var v T
	switch dst := any(&v).(type) {
	case *Payload:
		*dst = Payload(p)
		return v, nil
	case *[]byte:
		if !p.Binary {
			return v, Invalid("", "expected a binary payload, got JSON")
		}
		*dst = p.Data
		return v, nil
	}
	if p.Binary {
		return v, Invalid("", "expected a JSON payload, got binary")
	}
	if err := json.Unmarshal(p.Data, &v); err != nil {
		return v, invalidJSON(err)
	}
	return v, nil
}

func validate(v any) error {
	checked, ok := v.(validator)
	if !ok {
		return nil
	}
	err := checked.Validate()
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return &Error{Reason: "invalid payload", Details: map[string]any{"error": err.Error()}}
}

// invalidJSON names the field that did not fit, and what was expected of it.
func invalidJSON(err error) *Error {
	e, ok := errors.AsType[*json.SemanticError](err)
	if !ok {
		return &Error{Reason: "invalid payload", Details: map[string]any{"error": "not valid JSON"}, Cause: err}
	}
	field := strings.ReplaceAll(strings.TrimPrefix(string(e.JSONPointer), "/"), "/", ".")
	problem := "has the wrong type"
	if e.GoType != nil {
		problem = "expected " + jsonName(e.GoType)
		if e.JSONKind != 0 {
			problem += ", got " + e.JSONKind.String()
		}
	}
	invalid := Invalid(field, problem)
	invalid.Cause = err
	return invalid
}

// jsonName says in the client's words what a Go type decodes from.
func jsonName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Pointer:
		return jsonName(t.Elem())
	case reflect.Bool:
		return "a boolean"
	case reflect.String:
		return "a string"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return "an integer"
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "a positive integer"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Struct, reflect.Map:
		return "an object"
	default:
		return "another value"
	}
}

// encodeEvent encodes the payload of a push or broadcast.
func encodeEvent(event string, v any) (wire.Payload, error) {
	p, err := encodePayload(v)
	if err != nil {
		return p, fmt.Errorf("roost: event %q: %w", event, err)
	}
	if !p.Binary && (len(p.Data) == 0 || p.Data[0] != '{') {
		return p, fmt.Errorf("roost: event %q: the payload of a push or broadcast must be a JSON object or bytes", event)
	}
	return p, nil
}

// encodePayload encodes any payload; that of a reply may be any JSON value.
func encodePayload(v any) (wire.Payload, error) {
	switch v := v.(type) {
	case Payload:
		return wire.Payload(v), nil
	case []byte:
		return wire.Payload{Data: v, Binary: true}, nil
	case nil, Ack, NoReply:
		return wire.Payload{Data: emptyObject}, nil
	}
	data, err := json.Marshal(v)
	return wire.Payload{Data: data}, err
}

// emptyObject is shared: read only.
var emptyObject = []byte("{}")
