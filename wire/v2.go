package wire

import (
	"errors"
	"fmt"
)

// scanV2 finds the elements of an array of version 2 (spec/protocol.md §6).
// Further elements are ignored.
func (e *elements) scanV2(data []byte) error {
	s := scanner{data: data}
	if !s.open('[') {
		return errors.New("frame is not a JSON array")
	}
	n := 0
	for ; s.more(']'); n++ {
		value := s.value()
		if n < len(e) {
			e[n] = value
		}
	}
	if err := s.close(); err != nil {
		return err
	}
	if n < len(e) {
		return fmt.Errorf("frame has %d elements, not the 5 of [join_ref, ref, topic, event, payload]", n)
	}
	return nil
}

// arrayV2 appends [join_ref,ref,topic,event,payload].
func (e *textEncoder) arrayV2(m *ServerMessage) {
	e.raw("[")
	e.value("join_ref", m.JoinRef)
	e.raw(",")
	e.value("ref", m.Ref)
	e.raw(",")
	e.value("topic", m.Topic)
	e.raw(",")
	e.string("event", m.Event)
	e.raw(",")
	e.payload(m.Status, m.Payload.Data)
	e.raw("]")
}
