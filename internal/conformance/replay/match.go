package replay

import (
	"encoding/json/jsontext"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/big"
	"slices"
	"strings"
)

// A number is a JSON number as it was written.
type number string

// parse reads one JSON value into nil, bool, string, number, []any and map[string]any. Invalid JSON, duplicate names
// and anything behind the value are errors.
func parse(text string) (any, error) {
	d := jsontext.NewDecoder(strings.NewReader(text))
	v, err := parseValue(d)
	if err != nil {
		return nil, fmt.Errorf("not JSON: %w: %s", err, clip(text))
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("more than one JSON value: %s", clip(text))
	}
	return v, nil
}

func parseValue(d *jsontext.Decoder) (any, error) {
	token, err := d.ReadToken()
	if err != nil {
		return nil, err
	}
	switch token.Kind() {
	case '[':
		list := []any{}
		for d.PeekKind() != ']' {
			v, err := parseValue(d)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err := d.ReadToken()
		return list, err
	case '{':
		object := map[string]any{}
		for d.PeekKind() != '}' {
			name, err := d.ReadToken()
			if err != nil {
				return nil, err
			}
			key := name.String()
			if object[key], err = parseValue(d); err != nil {
				return nil, err
			}
		}
		_, err := d.ReadToken()
		return object, err
	case '"':
		return token.String(), nil
	case '0':
		return number(token.String()), nil
	case 'n':
		return nil, nil
	}
	return token.Bool(), nil
}

// bindings remembers what the values that differ from run to run stand for: recorded to replayed, one to one.
type bindings struct {
	replayed map[string]string // by recorded value
	recorded map[string]string // by replayed value
}

func newBindings() *bindings {
	return &bindings{map[string]string{}, map[string]string{}}
}

func (b *bindings) clone() *bindings {
	return &bindings{maps.Clone(b.replayed), maps.Clone(b.recorded)}
}

// bind says that the two stand for the same thing, which must not contradict what was said before.
func (b *bindings) bind(want, got string) error {
	if known, ok := b.replayed[want]; ok && known != got {
		return fmt.Errorf("got %q, but the recorded %q was %q before", got, want, known)
	}
	if known, ok := b.recorded[got]; ok && known != want {
		return fmt.Errorf("got %q a second time: it stood for the recorded %q, not for %q", got, known, want)
	}
	b.replayed[want], b.recorded[got] = got, want
	return nil
}

// substitute puts replayed values in the place of recorded ones, for what the client sends.
func (b *bindings) substitute(text string) string {
	for want, got := range b.replayed {
		text = strings.ReplaceAll(text, want, got)
	}
	return text
}

// match compares a received JSON value with the recorded one, binding what is free. The error says where they differ.
func (b *bindings) match(want, got any) error {
	switch want := want.(type) {
	case map[string]any:
		return b.matchObject(want, got)
	case []any:
		list, ok := got.([]any)
		if !ok || len(list) != len(want) {
			return differ(want, got)
		}
		for i := range want {
			if err := b.match(want[i], list[i]); err != nil {
				return fmt.Errorf("[%d]%w", i, err)
			}
		}
		return nil
	case number:
		if n, ok := got.(number); !ok || !sameNumber(want, n) {
			return differ(want, got)
		}
		return nil
	}
	if want != got {
		return differ(want, got)
	}
	return nil
}

func (b *bindings) matchObject(want map[string]any, got any) error {
	object, ok := got.(map[string]any)
	if !ok || len(object) != len(want) {
		return differ(want, got)
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		value, ok := object[name]
		if !ok {
			return differ(want, got)
		}
		if err := b.matchMember(name, want[name], value); err != nil {
			return fmt.Errorf(".%s%w", name, err)
		}
	}
	return nil
}

// matchMember knows the members that are free.
func (b *bindings) matchMember(name string, want, got any) error {
	switch name {
	case "phx_ref", "phx_ref_prev", "token", "online_at":
	default:
		return b.match(want, got)
	}
	w, ok1 := want.(string)
	g, ok2 := got.(string)
	if !ok1 || !ok2 || g == "" {
		return differ(want, got)
	}
	if name != "online_at" {
		if err := b.bind(w, g); err != nil {
			return fmt.Errorf(": %w", err)
		}
		return nil
	}
	if strings.Trim(g, "0123456789") != "" {
		return differ("seconds in decimal digits", got)
	}
	return nil
}

func differ(want, got any) error {
	return fmt.Errorf(": want %s, got %s", clip(fmt.Sprint(want)), clip(fmt.Sprint(got)))
}

// sameNumber compares by value, however the two are written.
func sameNumber(a, b number) bool {
	if a == b {
		return true
	}
	x, ok1 := new(big.Rat).SetString(string(a))
	y, ok2 := new(big.Rat).SetString(string(b))
	return ok1 && ok2 && x.Cmp(y) == 0
}
