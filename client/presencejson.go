package client

import (
	"bytes"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"fmt"

	"github.com/roost-dev/roost/wire"
)

// How presences are read (spec/protocol.md §14). The JSON is valid: wire has
// seen to that.

// decodeState decodes a presence_state. Entries may come with an error: that of
// a meta that does not fit M.
func decodeState[M any](p wire.Payload) ([]PresenceEntry[M], error) {
	if p.Binary {
		return nil, errors.New("bytes came, not JSON")
	}
	return decodeEntries[M](p.Data)
}

// decodeDiff decodes a presence_diff, which may come with an error as well.
func decodeDiff[M any](p wire.Payload) (*diff[M], error) {
	var d struct {
		Joins  jsontext.Value `json:"joins"`
		Leaves jsontext.Value `json:"leaves"`
	}
	if p.Binary || json.Unmarshal(p.Data, &d) != nil || d.Joins == nil || d.Leaves == nil {
		return nil, errors.New("it has no joins and leaves")
	}
	joins, problem := decodeEntries[M](d.Joins)
	leaves, err := decodeEntries[M](d.Leaves)
	switch {
	case joins == nil:
		return nil, problem
	case leaves == nil:
		return nil, err
	case problem == nil:
		problem = err
	}
	return &diff[M]{joins, leaves}, problem
}

// decodeEntries keeps the order in which the entries are written. They are not
// nil unless the object is no good.
func decodeEntries[M any](object jsontext.Value) ([]PresenceEntry[M], error) {
	entries := []PresenceEntry[M]{}
	var problem error
	err := eachMember(object, func(key string, value jsontext.Value) error {
		e, misfit, err := decodeEntry[M](key, value)
		if problem == nil {
			problem = misfit
		}
		entries = append(entries, e)
		return err
	})
	if err != nil {
		return nil, err
	}
	return entries, problem
}

func decodeEntry[M any](key string, object jsontext.Value) (e PresenceEntry[M], misfit, err error) {
	e.Key = key
	var metas []jsontext.Value
	e.extra, err = takeMembers(object, func(name string, value jsontext.Value) (bool, error) {
		if name != "metas" {
			return false, nil
		}
		return true, json.Unmarshal(value, &metas)
	})
	if err != nil || len(metas) == 0 {
		return e, nil, errors.New("an entry has no metas")
	}
	refs := make(map[string]bool, len(metas))
	for _, raw := range metas {
		m, err := decodeMeta[M](raw, &misfit)
		if err != nil {
			return e, nil, err
		}
		if !refs[m.Ref] {
			refs[m.Ref] = true
			e.Metas = append(e.Metas, m)
		}
	}
	return e, misfit, nil
}

func decodeMeta[M any](object jsontext.Value, misfit *error) (m PresenceMeta[M], err error) {
	rest, err := takeMembers(object, func(name string, value jsontext.Value) (bool, error) {
		switch name {
		case "phx_ref":
			return true, json.Unmarshal(value, &m.Ref)
		case "phx_ref_prev":
			return true, json.Unmarshal(value, &m.PrevRef)
		}
		return false, nil
	})
	if err != nil || m.Ref == "" {
		return m, errors.New("a meta has no phx_ref")
	}
	if m.Value, err = decode[M](wire.Payload{Data: rest}); err != nil {
		*misfit = fmt.Errorf("a meta: %w", err)
	}
	return m, nil
}

// takeMembers returns an object without the members that take takes.
func takeMembers(object jsontext.Value, take func(name string, value jsontext.Value) (bool, error)) (rest jsontext.Value, err error) {
	rest = append(make(jsontext.Value, 0, len(object)), '{')
	err = eachMember(object, func(name string, value jsontext.Value) error {
		taken, err := take(name, value)
		if taken || err != nil {
			return err
		}
		if len(rest) > 1 {
			rest = append(rest, ',')
		}
		if rest, err = jsontext.AppendQuote(rest, name); err != nil {
			return err
		}
		rest = append(append(rest, ':'), value...)
		return nil
	})
	return append(rest, '}'), err
}

// eachMember calls f for each member of an object, in order. The value is good
// until f returns.
func eachMember(object jsontext.Value, f func(name string, value jsontext.Value) error) error {
	d := jsontext.NewDecoder(bytes.NewReader(object))
	if t, err := d.ReadToken(); err != nil || t.Kind() != '{' {
		return errors.New("something is no JSON object")
	}
	for d.PeekKind() != '}' {
		name, err := d.ReadToken()
		if err != nil {
			return err
		}
		key := name.String()
		value, err := d.ReadValue()
		if err != nil {
			return err
		}
		if err := f(key, value); err != nil {
			return err
		}
	}
	return nil
}
