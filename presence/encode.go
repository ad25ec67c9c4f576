package presence

import (
	"bytes"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"fmt"
	"unicode/utf8"
)

var (
	errNotObject     = errors.New("does not encode to a JSON object")
	errReservedField = errors.New("presence: the meta has a field phx_ref or phx_ref_prev; these are the tracker's own")
	errMetasField    = errors.New("presence: Fetch returned a field metas; that is the tracker's own")
)

// MarshalJSON encodes the entry as clients see it.
func (e Entry[M]) MarshalJSON() ([]byte, error) {
	x, err := newExtra(e.Extra)
	if err != nil {
		return nil, err
	}
	buf := []byte(`{"metas":[`)
	for i, m := range e.Metas {
		if i > 0 {
			buf = append(buf, ',')
		}
		b, err := m.MarshalJSON()
		if err != nil {
			return nil, err
		}
		buf = append(buf, b...)
	}
	buf = append(buf, ']')
	buf = x.appendTo(buf)
	return append(buf, '}'), nil
}

// MarshalJSON encodes the meta as clients see it: the value's fields, with
// phx_ref and perhaps phx_ref_prev.
func (m Meta[M]) MarshalJSON() ([]byte, error) {
	object, err := encodeMeta(m.Value)
	if err != nil {
		return nil, err
	}
	return withRefs(object, m.Ref, m.PrevRef), nil
}

// encodeMeta encodes a meta without its refs, and sees to it that they fit.
func encodeMeta(meta any) ([]byte, error) {
	object, err := encodeObject(meta)
	if err != nil {
		return nil, fmt.Errorf("presence: meta: %w", err)
	}
	// Encoded JSON is valid, unless a name now comes twice.
	if !jsontext.Value(withRefs(object, "r", "p")).IsValid() {
		return nil, errReservedField
	}
	return object, nil
}

func encodeObject(v any) ([]byte, error) {
	b, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return nil, err
	}
	if kind := jsontext.Value(b).Kind(); kind != '{' {
		return nil, fmt.Errorf("%T %w but to a %v", v, errNotObject, kind)
	}
	return b, nil
}

// withRefs returns a copy of an encoded meta with its refs.
func withRefs(object []byte, ref, prev string) []byte {
	buf := make([]byte, 0, len(object)+len(`,"phx_ref":"","phx_ref_prev":""`)+len(ref)+len(prev))
	buf = append(buf, object[:len(object)-1]...)
	if len(object) > len(`{}`) {
		buf = append(buf, ',')
	}
	buf = append(buf, `"phx_ref":"`...)
	buf = append(buf, ref...)
	if prev != "" {
		buf = append(buf, `","phx_ref_prev":"`...)
		buf = append(buf, prev...)
	}
	return append(buf, `"}`...)
}

// withoutRefs returns a copy of an encoded meta as it was without its refs.
func withoutRefs(encoded []byte, ref, prev string) []byte {
	n := len(encoded) - len(`"phx_ref":""}`) - len(ref)
	if prev != "" {
		n -= len(`,"phx_ref_prev":""`) + len(prev)
	}
	object := bytes.TrimSuffix(encoded[:n], []byte{','})
	return append(append(make([]byte, 0, len(object)+1), object...), '}')
}

// extra is what Fetch had to say about a key.
type extra struct {
	value  any
	fields []byte // the members of an encoded object, without its braces
}

func newExtra(value any) (*extra, error) {
	x := &extra{value: value}
	if value == nil {
		return x, nil
	}
	object, err := encodeObject(value)
	if err != nil {
		return nil, fmt.Errorf("presence: what Fetch returned: %w", err)
	}
	x.fields = object[1 : len(object)-1]
	probe := append(x.appendTo([]byte(`{"metas":0`)), '}')
	if !jsontext.Value(probe).IsValid() {
		return nil, errMetasField
	}
	return x, nil
}

func (x *extra) appendTo(buf []byte) []byte {
	if x == nil || len(x.fields) == 0 {
		return buf
	}
	return append(append(buf, ','), x.fields...)
}

// encodeDiff makes the payload of a presence_diff.
func encodeDiff[M any](d *diff[M], extras map[string]*extra) []byte {
	size := len(`{"joins":,"leaves":}`) + sizeOf(d.joins, extras) + sizeOf(d.leaves, extras)
	buf := append(make([]byte, 0, size), `{"joins":`...)
	buf = appendGroups(buf, d.joins, extras)
	buf = append(buf, `,"leaves":`...)
	buf = appendGroups(buf, d.leaves, extras)
	return append(buf, '}')
}

// encodeState makes the payload of a presence_state.
func encodeState[M any](groups []group[M], extras map[string]*extra) []byte {
	return appendGroups(make([]byte, 0, sizeOf(groups, extras)), groups, extras)
}

func appendGroups[M any](buf []byte, groups []group[M], extras map[string]*extra) []byte {
	buf = append(buf, '{')
	for i, g := range groups {
		if i > 0 {
			buf = append(buf, ',')
		}
		buf, _ = jsontext.AppendQuote(buf, g.key) // checked by checkKey
		buf = append(buf, `:{"metas":[`...)
		for j, it := range g.metas {
			if j > 0 {
				buf = append(buf, ',')
			}
			buf = append(buf, it.encoded...)
		}
		buf = append(buf, ']')
		buf = extras[g.key].appendTo(buf)
		buf = append(buf, '}')
	}
	return append(buf, '}')
}

// sizeOf returns about how long the groups are when encoded.
func sizeOf[M any](groups []group[M], extras map[string]*extra) int {
	n := len(`{}`)
	for _, g := range groups {
		n += len(`"":{"metas":[]},`) + len(g.key)
		for _, it := range g.metas {
			n += len(it.encoded) + 1
		}
		if x := extras[g.key]; x != nil {
			n += len(x.fields) + 1
		}
	}
	return n
}

func checkKey(key string) error {
	switch {
	case key == "":
		return errors.New("presence: the key is empty; it should name who is present")
	case !utf8.ValidString(key):
		return fmt.Errorf("presence: the key %q is not valid UTF-8", key)
	}
	return nil
}
