package wire

import (
	"bytes"
	"encoding/json/jsontext"
)

// How what the protocol adds to the objects of an application is put in, and
// taken out.

// Cut takes a member out of a JSON object, if it has it. What is no object, or
// invalid, it leaves alone.
func (p Payload) Cut(name string) (value jsontext.Value, rest Payload, found bool) {
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
	return value, Payload{Data: append(bytes.Clone(p.Data[:from]), after...)}, true
}

// With adds a member to a JSON object that does not have it. It reports false
// for what is no object; white space before one is too much.
func (p Payload) With(name string, value jsontext.Value) (Payload, bool) {
	if p.Binary || len(p.Data) < 2 || p.Data[0] != '{' {
		return p, false
	}
	data := make([]byte, 0, len(p.Data)+len(name)+len(value)+len(`"":,`))
	data = append(data, `{"`+name+`":`...)
	data = append(data, value...)
	if !bytes.HasPrefix(bytes.TrimSpace(p.Data[1:]), []byte("}")) {
		data = append(data, ',')
	}
	return Payload{Data: append(data, p.Data[1:]...)}, true
}
