package roost

import (
	"bytes"
	"encoding/json/jsontext"

	"github.com/roost-dev/roost/wire"
)

// How what the protocol adds to the objects of an application is taken out of
// them, and put in.

// cutMember takes a member out of a JSON object, if it has it. What is no
// object, or invalid, it leaves alone.
func cutMember(p wire.Payload, name string) (value jsontext.Value, rest wire.Payload, found bool) {
	if p.Binary || !bytes.Contains(p.Data, []byte(`"`+name+`"`)) {
		return nil, p, false
	}
	d := jsontext.NewDecoder(bytes.NewReader(p.Data))
	if t, err := d.ReadToken(); err != nil || t.Kind() != '{' {
		return nil, p, false
	}
	var from, to int64 // of the member, with the comma before it
	first := false
	for n := 0; d.PeekKind() != '}'; n++ {
		start := d.InputOffset()
		t, err := d.ReadToken()
		if err != nil {
			return nil, p, false
		}
		is := t.String() == name
		v, err := d.ReadValue()
		if err != nil {
			return nil, p, false
		}
		if is {
			value, found = v.Clone(), true
			from, to, first = start, d.InputOffset(), n == 0
		}
	}
	if !found {
		return nil, p, false
	}
	after := p.Data[to:]
	if first {
		after = bytes.TrimPrefix(bytes.TrimLeft(after, " \t\r\n"), []byte(","))
	}
	return value, wire.Payload{Data: append(bytes.Clone(p.Data[:from]), after...)}, true
}

// addMember adds a member to a JSON object. It reports false for what is none.
func addMember(p wire.Payload, name string, value []byte) (wire.Payload, bool) {
	if p.Binary || len(p.Data) < 2 || p.Data[0] != '{' {
		return p, false
	}
	data := make([]byte, 0, len(p.Data)+len(name)+len(value)+len(`"":,`))
	data = append(data, `{"`+name+`":`...)
	data = append(data, value...)
	if rest := bytes.TrimSpace(p.Data[1:]); rest[0] != '}' {
		data = append(data, ',')
	}
	return wire.Payload{Data: append(data, p.Data[1:]...)}, true
}
