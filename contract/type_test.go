package contract_test

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/roost-dev/roost/contract"
)

type (
	text   string
	list   []list
	point  struct{ X, Y int8 }
	page   struct{ Points []point }
	own    struct{}
	second struct{ T time.Time }
	paged  [2]*page
	// marked is of bytes that are text each.
	marked         []letter
	letter         byte
	generic[T any] struct{ V T }
)

func (own) MarshalJSON() ([]byte, error)    { return []byte("1"), nil }
func (second) MarshalText() ([]byte, error) { return nil, nil }
func (letter) MarshalText() ([]byte, error) { return nil, nil }

// form writes a type in short: what follows a name in brackets is what it
// stands for.
func form(c *contract.Contract, t contract.Type, seen ...string) string {
	s := string(t.Kind)
	switch {
	case t.Kind == contract.Named && slices.Contains(seen, t.Ref):
		s = t.Ref
	case t.Kind == contract.Named:
		s = fmt.Sprintf("%s(%s)", t.Ref, form(c, c.Types[t.Ref], append(seen, t.Ref)...))
	case t.Kind == contract.Object:
		var fields []string
		for _, f := range t.Fields {
			optional := ""
			if f.Optional {
				optional = "?"
			}
			fields = append(fields, f.Name+optional+" "+form(c, f.Type, seen...))
		}
		if t.Elem != nil {
			fields = append(fields, "* "+form(c, *t.Elem, seen...))
		}
		s = "{" + strings.Join(fields, ", ") + "}"
	case t.Elem != nil:
		s += " of " + form(c, *t.Elem, seen...)
	}
	if t.Format != "" {
		s += " " + t.Format
	}
	if t.Len != nil {
		s += fmt.Sprint(" of length ", *t.Len)
	}
	if t.Null {
		s += " or null"
	}
	return strings.ReplaceAll(s, "github.com/roost-dev/roost/contract_test.", "")
}

func TestForms(t *testing.T) {
	for _, test := range []struct {
		of    reflect.Type
		wants string
	}{
		{reflect.TypeFor[bool](), "boolean"},
		{reflect.TypeFor[string](), "string"},
		{reflect.TypeFor[int](), "integer int64"},
		{reflect.TypeFor[uint](), "integer uint64"},
		{reflect.TypeFor[int8](), "integer int8"},
		{reflect.TypeFor[uint32](), "integer uint32"},
		{reflect.TypeFor[float32](), "number float32"},
		{reflect.TypeFor[any](), "any"},
		{reflect.TypeFor[error](), "any"},
		{reflect.TypeFor[*int](), "integer int64 or null"},
		{reflect.TypeFor[**int](), "integer int64 or null"},
		{reflect.TypeFor[[]byte](), "string base64"},
		{reflect.TypeFor[[3]byte](), "string base64 of length 3"},
		{reflect.TypeFor[[]string](), "list of string"},
		{reflect.TypeFor[[2]string](), "list of string of length 2"},
		{reflect.TypeFor[map[string]bool](), "map of boolean"},
		{reflect.TypeFor[map[int]*bool](), "map of boolean or null"},
		{reflect.TypeFor[map[netip.Addr]int](), "map of integer int64"},
		{reflect.TypeFor[map[time.Time]int](), "map of integer int64"},
		{reflect.TypeFor[map[own]int](), "map of integer int64"},
		{reflect.TypeFor[time.Time](), "string date-time"},
		{reflect.TypeFor[*time.Time](), "string date-time or null"},
		{reflect.TypeFor[jsontext.Value](), "any"},
		{reflect.TypeFor[netip.Addr](), "net/netip.Addr(string)"},
		{reflect.TypeFor[struct{}](), "{}"},
		{reflect.TypeFor[text](), "text(string)"},
		{reflect.TypeFor[own](), "own(any)"},
		{reflect.TypeFor[*own](), "own(any) or null"},
		{reflect.TypeFor[second](), "second(string)"},
		{reflect.TypeFor[marked](), "marked(list of letter(string))"},
		{reflect.TypeFor[list](), "list(list of list)"},
		{reflect.TypeFor[page](), "page({Points list of point({X integer int8, Y integer int8})})"},
		{reflect.TypeFor[paged](), "paged(list of page({Points list of point({X integer int8, Y integer int8})}) or null of length 2)"},
		{reflect.TypeFor[generic[text]](), "generic[text]({V text(string)})"},
		{reflect.TypeFor[struct {
			A int       `json:",omitzero"`
			B *int      `json:",omitzero"`
			C *int      `json:",omitempty"`
			D int       `json:",omitempty"` // a number is never empty,
			E bool      `json:",omitempty"` // nor is a boolean,
			F [1]int    `json:",omitempty"` // nor a list that has elements
			G string    `json:",omitempty"`
			H []int     `json:",omitempty"`
			I any       `json:",omitempty"`
			J own       `json:",omitempty"`
			K second    `json:",omitempty"`
			L struct{}  `json:",omitempty"`
			M point     `json:",omitempty"`
			N time.Time `json:",omitempty"`
			O int       `json:",omitempty,string"`
		}](), "{A? integer int64, B? integer int64, C? integer int64, D integer int64, E boolean, F list of integer int64 of length 1, " +
			"G? string, H? list of integer int64, I? any, J? own(any), K? second(string), L? {}, " +
			"M point({X integer int8, Y integer int8}), N string date-time, O string integer}"},
		{reflect.TypeFor[struct {
			A int      `json:",string"`
			B *float64 `json:",string"`
		}](), "{A string integer, B string number or null}"},
		{reflect.TypeFor[struct {
			A    int
			Rest map[string]bool `json:",embed"`
		}](), "{A integer int64, * boolean}"},
		{reflect.TypeFor[struct {
			Rest jsontext.Value `json:",embed"`
		}](), "{* any}"},
		{reflect.TypeFor[struct{ *point }](), "{X? integer int8, Y? integer int8}"},
	} {
		c := &contract.Contract{}
		got, err := c.Type(test.of)
		if err != nil || form(c, got) != test.wants {
			t.Errorf("%v is\n\t%s (%v), want\n\t%s", test.of, form(c, got), err, test.wants)
		}
	}
}

type (
	Base  struct{ A, B, Deep string }
	base  struct{ A, C string }
	Other struct {
		Base `json:"base"`

		D string
	}
	Same1 struct{ Twice, E string }
	Same2 struct {
		Twice string
		F     string `json:"E"`
	}
	Self struct {
		*Self

		G string
	}
)

// The fields, and their order, are those that encoding/json/v2 encodes.
func TestFieldsAreThoseThatAreEncoded(t *testing.T) {
	for _, v := range []any{
		struct {
			B string
			Base
			A string
		}{},
		struct {
			base

			A string `json:"-"`
			X string `json:"x"`
			y string
		}{},
		struct{ Other }{},
		struct {
			Same1
			Same2
		}{},
		struct {
			Base
			Embedded base     `json:",embed"`
			Deep     struct{} `json:"deep"`
		}{},
		struct {
			Last string `json:"a"`
			One  string `json:"A_1-ö$"`
			Two  string `json:",case:ignore"`
		}{},
		struct {
			*Base `json:",embed"`
			Self
		}{Base: &Base{}},
	} {
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		c := &contract.Contract{}
		got, err := c.Type(reflect.TypeOf(v))
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, f := range got.Fields {
			names = append(names, f.Name)
		}
		if want := encodedNames(t, data); !slices.Equal(names, want) {
			t.Errorf("%T has the fields %q, want %q", v, names, want)
		}
	}
}

// encodedNames returns the names of an object in their order.
func encodedNames(t *testing.T, data []byte) []string {
	t.Helper()
	var names []string
	for pos := jsontext.NewDecoder(strings.NewReader(string(data))); ; {
		token, err := pos.ReadToken()
		if err != nil {
			return names
		}
		if pos.StackDepth() != 1 {
			continue
		}
		if _, n := pos.StackIndex(1); n%2 == 1 {
			names = append(names, token.String())
		}
	}
}

func TestTypesThatJSONHasNoFormFor(t *testing.T) {
	type twice struct{ A int }
	var other any
	{
		type twice struct{ B int }
		other = twice{}
	}
	for _, test := range []struct {
		of    reflect.Type
		wants string
	}{
		{reflect.TypeFor[chan int](), "no form for a chan int"},
		{reflect.TypeFor[complex128](), "no form for a complex128"},
		{reflect.TypeFor[map[bool]int](), "no form for the keys of a map[bool]int"},
		{reflect.TypeFor[map[point]int](), "no form for the keys of a map[contract_test.point]int"},
		{reflect.TypeFor[struct{ Wait time.Duration }](), "say its unit in the field's name (field Wait of struct"},
		{reflect.TypeFor[struct{ Fs []func() }](), "no form for a func() (an element of []func()) (field Fs of struct"},
		{reflect.TypeFor[map[string]chan int](), "no form for a chan int (a value of map[string]chan int)"},
		{reflect.TypeFor[struct {
			A string `json:",string"`
		}](), "the option string of its tag is for numbers, not for a string (field A of struct"},
		{reflect.TypeFor[struct {
			A int `json:"a,omitEmpty"`
		}](), "specify `omitempty` instead"},
		{reflect.TypeFor[struct {
			A int `json:"x"`
			B int `json:"x"`
		}](), `conflict over JSON object name "x"`},
		{reflect.TypeFor[struct{ a int }](), "no exported fields"},
		{reflect.StructOf([]reflect.StructField{
			{Name: "A", Type: reflect.TypeFor[twice]()},
			{Name: "B", Type: reflect.TypeOf(other)},
		}), "two types are named"},
	} {
		c := &contract.Contract{}
		for range 2 { // a second time no less
			if _, err := c.Type(test.of); err == nil || !strings.Contains(err.Error(), test.wants) {
				t.Errorf("%v: the error is %v, want it to say %q", test.of, err, test.wants)
			}
		}
	}
}
