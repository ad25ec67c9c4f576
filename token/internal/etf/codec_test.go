package etf

import (
	"encoding/hex"
	"math"
	"math/big"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"
)

type role uint8

type color string

type inner struct {
	Deep string `json:"deep"`
}

type everything struct {
	inner
	Bool   bool
	Int8   int8
	Uint   uint64 `json:"uint"`
	Float  float32
	Text   color
	List   []int16
	Pair   [2]bool
	Bytes  []byte
	Hash   [4]byte
	Roles  []role
	Map    map[color]*int
	Big    *big.Int
	Whole  big.Int
	Addr   netip.Addr
	At     map[string]time.Time
	Any    any
	Next   *everything
	Empty  string `json:",omitempty"`
	Zero   inner  `json:"zero,omitzero"`
	Hidden int    `json:"-"`
	Dash   int    `json:"-,"`
	own    int
}

// roundTrip writes v and reads it again.
func roundTrip[T any](t *testing.T, v T) T {
	t.Helper()
	codec, err := NewCodec[T]()
	if err != nil {
		t.Fatal(err)
	}
	b, err := codec.Append(nil, v)
	if err != nil {
		t.Fatal(err)
	}
	term, err := Parse(append([]byte{version}, b...))
	if err != nil {
		t.Fatal(err)
	}
	got, err := codec.Decode(term)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func check[T any](t *testing.T, v T) {
	t.Helper()
	if got := roundTrip(t, v); !reflect.DeepEqual(got, v) {
		t.Errorf("%#v came back as %#v", v, got)
	}
}

func TestValuesComeBackAsTheyWent(t *testing.T) {
	seven := 7
	huge := new(big.Int).Lsh(big.NewInt(-3), 8*300)
	check(t, everything{
		inner: inner{"x"}, Bool: true, Int8: math.MinInt8, Uint: math.MaxUint64, Float: 0.1, Text: "t", List: []int16{1, -1},
		Pair: [2]bool{true, false}, Bytes: []byte{0}, Hash: [4]byte{1, 2, 3, 4}, Roles: []role{9},
		Map: map[color]*int{"a": &seven, "b": nil}, Big: huge, Whole: *big.NewInt(5), Addr: netip.MustParseAddr("::1"),
		At: map[string]time.Time{"t": time.Unix(1, 2).UTC()}, Any: "any", Dash: 1,
		Next: &everything{List: []int16{}, Bytes: []byte{}, Roles: []role{}, Map: map[color]*int{}, At: map[string]time.Time{}},
	})
	check(t, [2]byte{1, 2})
	check(t, map[string][2]byte{"not addressable": {1, 2}})
	check(t, map[string]big.Int{"not addressable": *big.NewInt(3)})
	check[any](t, nil)
	check[*string](t, nil)
	check(t, struct{}{})
	for _, i := range []int64{0, 255, 256, -1, math.MaxInt32, math.MaxInt32 + 1, math.MinInt32, math.MinInt32 - 1, math.MaxInt64, math.MinInt64} {
		check(t, i)
	}
}

func TestFieldsThatAreNotExportedOrTaggedAwayStayBehind(t *testing.T) {
	if got := roundTrip(t, everything{own: 1, Hidden: 2, Dash: 3}); got.own != 0 || got.Hidden != 0 || got.Dash != 3 {
		t.Errorf("%+v", got)
	}
}

func TestFieldsAreOmittedAsTheirTagsSay(t *testing.T) {
	type fields struct {
		A string `json:"a,omitempty"`
		B []int  `json:"b,omitempty"`
		C inner  `json:"c,omitzero"`
		D *int   `json:"d,omitempty"`
		E int    `json:"e"`
	}
	codec, _ := NewCodec[fields]()
	b, err := codec.Append(nil, fields{B: []int{}})
	if want := "t\x00\x00\x00\x01m\x00\x00\x00\x01ea\x00"; err != nil || string(b) != want {
		t.Errorf("%q, %v; want %q", b, err, want)
	}
}

func TestIntegersAreWrittenInErlangsShortestForm(t *testing.T) {
	for i, want := range map[int64]string{
		0: "6100", 255: "61ff", 256: "6200000100", -1: "62ffffffff", math.MaxInt32: "627fffffff", math.MinInt32: "6280000000",
		math.MaxInt32 + 1: "6e040000000080", math.MinInt32 - 1: "6e040101000080", math.MinInt64: "6e08010000000000000080",
	} {
		if got := hex.EncodeToString(AppendInt(nil, i)); got != want {
			t.Errorf("%d: %s, want %s", i, got, want)
		}
	}
}

func TestNilSlicesAndMapsAreWrittenEmpty(t *testing.T) {
	if got := roundTrip(t, []int(nil)); got == nil || len(got) > 0 {
		t.Errorf("%#v", got)
	}
	if got := roundTrip(t, map[string]int(nil)); got == nil || len(got) > 0 {
		t.Errorf("%#v", got)
	}
}

func TestMapsAndStructsOfTheSameKeysAreTheSameBytes(t *testing.T) {
	structs, _ := NewCodec[struct {
		Z int `json:"z"`
		A int `json:"a"`
	}]()
	maps, _ := NewCodec[map[string]int]()
	a, _ := structs.Append(nil, struct {
		Z int `json:"z"`
		A int `json:"a"`
	}{1, 2})
	b, _ := maps.Append(nil, map[string]int{"z": 1, "a": 2})
	if string(a) != string(b) {
		t.Errorf("%x and %x", a, b)
	}
}

func decodeError[T any](t *testing.T, term, want string) {
	t.Helper()
	codec, err := NewCodec[T]()
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := Parse([]byte("\x83" + term))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := codec.Decode(parsed); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%T: %#v, %v; want an error with %q", got, got, err, want)
	}
}

func TestAnotherTypeIsRefusedWithWhatWasFoundAndWanted(t *testing.T) {
	decodeError[int](t, "m\x00\x00\x00\x01x", "a binary where int is wanted")
	decodeError[int](t, "F\x3f\xf0\x00\x00\x00\x00\x00\x00", "a float where int is wanted")
	decodeError[int](t, "w\x03nil", "nil where int is wanted")
	decodeError[int8](t, "b\x00\x00\x00\x80", "an integer that does not fit into int8")
	decodeError[uint](t, "b\xff\xff\xff\xff", "an integer that does not fit into uint")
	decodeError[uint](t, "n\x09\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01", "an integer that does not fit into uint")
	decodeError[uint](t, "n\x08\x01\xff\xff\xff\xff\xff\xff\xff\xff", "an integer that does not fit into uint")
	decodeError[float64](t, "n\x07\x00\x01\x00\x00\x00\x00\x00\x20", "an integer that does not fit into float64")
	decodeError[float32](t, "F\x7f\xe0\x00\x00\x00\x00\x00\x00", "a float where float32 is wanted")
	decodeError[string](t, "w\x03nil", "nil where string is wanted")
	decodeError[string](t, "w\x04true", "a boolean where string is wanted")
	decodeError[string](t, "k\x00\x01x", "a list where string is wanted")
	decodeError[bool](t, "w\x03yes", "an atom where bool is wanted")
	decodeError[bool](t, "m\x00\x00\x00\x04true", "a binary where bool is wanted")
	decodeError[[]int](t, "t\x00\x00\x00\x00", "a map where []int is wanted")
	decodeError[[]int](t, "l\x00\x00\x00\x01jj", "a list where int is wanted")
	decodeError[[2]int](t, "h\x01a\x01", "a list of 1 where [2]int is wanted")
	decodeError[[2]byte](t, "m\x00\x00\x00\x01x", "a binary of 1 bytes where [2]uint8 is wanted")
	decodeError[[2]byte](t, "w\x03nil", "nil where [2]uint8 is wanted")
	decodeError[map[string]int](t, "j", "a list where map[string]int is wanted")
	decodeError[map[string]int](t, "t\x00\x00\x00\x02w\x01aa\x01m\x00\x00\x00\x01aa\x02", "the same name")
	decodeError[inner](t, "j", "a list where etf.inner is wanted")
	decodeError[inner](t, "t\x00\x00\x00\x01w\x04deepa\x01", `field "deep": an integer where string is wanted`)
	decodeError[inner](t, "t\x00\x00\x00\x02w\x04deepw\x01xs\x04deepw\x01x", "the same name")
	decodeError[inner](t, "t\x00\x00\x00\x01a\x01a\x01", "with an integer as a key")
	decodeError[time.Time](t, "m\x00\x00\x00\x06secret", "a text that is not a time.Time")
}

func TestReadsWhatElixirWritesDifferently(t *testing.T) {
	type target struct {
		Name  string
		Ratio float64
		Ids   []int
		Pair  [2]any
		Opt   *int
		Tags  []string
		Attrs map[string]string
	}
	codec, _ := NewCodec[target]()
	term, err := Parse([]byte("\x83t\x00\x00\x00\x08" +
		"w\x04Names\x03ann" + "w\x05Ratioa\x02" + "w\x03Idsk\x00\x02\x01\x02" + "w\x04Pairh\x02w\x02oka\x01" +
		"w\x03Optw\x03nil" + "w\x04Tagsw\x03nil" + "w\x05Attrst\x00\x00\x00\x01d\x00\x01\xe9w\x01x" +
		"w\x0a__struct__w\x08Elixir.U"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := codec.Decode(term)
	want := target{Name: "ann", Ratio: 2, Ids: []int{1, 2}, Pair: [2]any{"ok", int64(1)}, Attrs: map[string]string{"é": "x"}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
}

func typeError[T any](t *testing.T, want string) {
	t.Helper()
	if _, err := NewCodec[T](); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v: %v, want an error with %q", reflect.TypeFor[T](), err, want)
	}
}

func TestTypesWithoutAnEquivalentAreRefusedAtOnce(t *testing.T) {
	type loop *loop
	typeError[chan int](t, "cannot carry a chan")
	typeError[complex64](t, "cannot carry a complex64")
	typeError[error](t, "the only interface")
	typeError[map[int]int](t, "keys of a map in a token must be strings")
	typeError[**int](t, "a pointer to a pointer")
	typeError[*any](t, "a pointer to a pointer or interface")
	typeError[loop](t, "a pointer to a pointer")
	typeError[struct{ a int }](t, "no field of it is exported")
	typeError[struct{ A, B []func() }](t, "field A: func(): a token cannot carry a func")
	typeError[struct {
		inner
		Deep int `json:"deep"`
	}](t, `two fields are named "deep"`)
}

func TestAValueFarLargerThanItsTermIsRefused(t *testing.T) {
	type large struct{ A [1000]int64 }
	maps := strings.Repeat("t\x00\x00\x00\x00", 100)
	decodeError[[]large](t, "l\x00\x00\x00\x64"+maps+"j", "would take much more memory than their term")
	decodeError[[]*large](t, "l\x00\x00\x00\x64"+maps+"j", "would take much more memory than their term")
	decodeError[map[string]large](t, "t\x00\x00\x00\x64"+strings.Repeat("w\x01xt\x00\x00\x00\x00", 100), "would take much more memory than their term")
}
