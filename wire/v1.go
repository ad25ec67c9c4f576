package wire

import (
	"errors"
	"fmt"
)

// scanV1 finds the elements of an object of version 1 (spec/protocol.md §5).
// Other keys than those of the elements are ignored.
func (e *elements) scanV1(data []byte) error {
	s := scanner{data: data}
	if !s.open('{') {
		return errors.New("frame is not a JSON object")
	}
	for s.more('}') {
		name := s.value()
		value := s.value()
		if i := elementOf(name); i >= 0 {
			e[i] = value
		}
	}
	if err := s.close(); err != nil {
		return err
	}
	for i, raw := range e {
		if raw == nil && i != joinRefElement {
			return fmt.Errorf("frame has no key %q", elementNames[i])
		}
	}
	return nil
}

// elementOf returns which element has this raw name, -1 if none has.
func elementOf(name []byte) int {
	name = unquote(name)
	for i, n := range elementNames {
		if string(name) == n {
			return i
		}
	}
	return -1
}

// serverV1 appends {"event":..,"payload":..,"ref":..,"topic":..}.
func (e *textEncoder) serverV1(m *ServerMessage) {
	e.raw(`{"event":`)
	e.string("event", m.Event)
	e.raw(`,"payload":`)
	e.payload(m.Status, m.Payload.Data)
	e.raw(`,"ref":`)
	e.value("ref", m.Ref)
	e.raw(`,"topic":`)
	e.value("topic", m.Topic)
	e.raw(`}`)
}

// clientV1 appends {"topic":..,"event":..,"payload":..,"ref":..,"join_ref":..},
// without the join_ref if there is none.
func (e *textEncoder) clientV1(m *ClientMessage) {
	e.raw(`{"topic":`)
	e.value("topic", m.Topic)
	e.raw(`,"event":`)
	e.string("event", m.Event)
	e.raw(`,"payload":`)
	e.payload("", m.Payload.Data)
	e.raw(`,"ref":`)
	e.value("ref", m.Ref)
	if !m.JoinRef.IsNull() {
		e.raw(`,"join_ref":`)
		e.value("join_ref", m.JoinRef)
	}
	e.raw(`}`)
}
