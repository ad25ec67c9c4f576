package etf

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"math/big"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// read parses one term after the version byte into any.
func read(t testing.TB, b string) (any, error) {
	t.Helper()
	codec, err := NewCodec[any]()
	if err != nil {
		t.Fatal(err)
	}
	term, err := Parse([]byte("\x83" + b))
	if err != nil {
		return nil, err
	}
	return codec.Decode(term)
}

func compressed(size int, term string) string {
	var z bytes.Buffer
	w := zlib.NewWriter(&z)
	w.Write([]byte(term))
	w.Close()
	return string(binary.BigEndian.AppendUint32([]byte{80}, uint32(size))) + z.String()
}

func TestReadsEveryFormOfATerm(t *testing.T) {
	long := strings.Repeat("x", 300)
	huge, _ := new(big.Int).SetString("-18446744073709551616", 10)
	for name, c := range map[string]struct {
		term string
		want any
	}{
		"small integer":              {"a\xff", int64(255)},
		"integer":                    {"b\xff\xff\xff\xfe", int64(-2)},
		"small big":                  {"n\x05\x00\x00\x00\x00\x00\x01", int64(1) << 32},
		"small big, lowest int64":    {"n\x08\x01\x00\x00\x00\x00\x00\x00\x00\x80", int64(-1) << 63},
		"small big with zeros":       {"n\x0a\x00\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00", int64(7)},
		"small big of no bytes":      {"n\x00\x01", int64(0)},
		"beyond 64 bits":             {"n\x09\x01\x00\x00\x00\x00\x00\x00\x00\x00\x01", huge},
		"large big":                  {"o\x00\x00\x00\x01\x01\x05", int64(-5)},
		"float":                      {"F\x3f\xf8\x00\x00\x00\x00\x00\x00", 1.5},
		"atom, Latin-1":              {"d\x00\x03h\xe9!", "hé!"},
		"small atom, Latin-1":        {"s\x02\xe9\xff", "éÿ"},
		"atom":                       {"v\x00\x03h\xc3\xa9", "hé"},
		"small atom":                 {"w\x02ok", "ok"},
		"true":                       {"d\x00\x04true", true},
		"false":                      {"w\x05false", false},
		"nil":                        {"s\x03nil", nil},
		"binary":                     {"m\x00\x00\x01\x2c" + long, long},
		"binary that reads true":     {"m\x00\x00\x00\x04true", "true"},
		"empty list":                 {"j", []any{}},
		"list":                       {"l\x00\x00\x00\x02a\x01jj", []any{int64(1), []any{}}},
		"list of bytes":              {"k\x00\x02\x00\xff", []any{int64(0), int64(255)}},
		"small tuple":                {"h\x02a\x01w\x01x", []any{int64(1), "x"}},
		"large tuple":                {"i\x00\x00\x00\x01a\x01", []any{int64(1)}},
		"map with atoms and strings": {"t\x00\x00\x00\x02w\x01aa\x01m\x00\x00\x00\x01bj", map[string]any{"a": int64(1), "b": []any{}}},
		"compressed":                 {compressed(305, "m\x00\x00\x01\x2c"+long), long},
	} {
		if got, err := read(t, c.term); err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %#v, %v; want %#v", name, got, err, c.want)
		}
	}
}

func TestRefusesWhatIsNoTermAndSaysWhy(t *testing.T) {
	sum := compressed(2, "a\x01")
	nested := strings.Repeat("h\x01", MaxDepth+2) + "a\x01"
	for name, c := range map[string]struct{ term, want string }{
		"nothing":                      {"", "cut short"},
		"a number cut short":           {"b\x00\x00", "cut short"},
		"a length cut short":           {"m\x00\x00", "cut short"},
		"a list without its end":       {"l\x00\x00\x00\x01a\x01", "cut short"},
		"more text than there is":      {"m\xff\xff\xff\xffabc", "a length of 4294967295 where 3 bytes remain"},
		"more elements than bytes":     {"l\xff\xff\xff\xffj", "a length of 4294967295 where 1 bytes remain"},
		"more pairs than bytes":        {"t\xff\xff\xff\xffj", "a length of 4294967295 where 1 bytes remain"},
		"more elements than terms":     {"i\x00\x00\x00\x02a\x01", "cut short"},
		"a big integer cut short":      {"n\x04\x00\x01\x02\x03", "cut short"},
		"a bigger integer than any":    {"o\x00\x00\x04\x01\x00" + strings.Repeat("\x01", 1025), "the limit is 1024"},
		"a float that is not a number": {"F\x7f\xf8\x00\x00\x00\x00\x00\x00", "not finite"},
		"an infinite float":            {"F\xff\xf0\x00\x00\x00\x00\x00\x00", "not finite"},
		"an improper list":             {"l\x00\x00\x00\x01a\x01a\x02", "improper"},
		"a pid":                        {"gw\x04node\x00\x00\x00\x01\x00\x00\x00\x00\x00", "tag 103"},
		"too deep":                     {nested, "deeper than"},
		"something behind":             {"a\x01a\x02", "2 bytes follow"},
		"an integer as a key":          {"t\x00\x00\x00\x01a\x01a\x01", "with an integer as a key"},
		"a key twice":                  {"t\x00\x00\x00\x02w\x01aa\x01m\x00\x00\x00\x01aa\x02", "the same name"},
		"compressed, nothing":          {"P\x00\x00", "cut short"},
		"compressed, too large":        {compressed(MaxInflated+1, "a\x01"), "the limit is"},
		"compressed, larger than said": {compressed(1, "a\x01"), "longer than it says"},
		"compressed, less than said":   {compressed(3, "a\x01"), "its 3 bytes"},
		"compressed, not zlib":         {"P\x00\x00\x00\x02a\x01", "does not inflate"},
		"compressed, with a wrong sum": {sum[:len(sum)-1] + string(sum[len(sum)-1]^1), "damaged"},
		"compressed, something behind": {sum + "x", "longer than it says"},
		"compressed twice":             {compressed(len(compressed(2, "a\x01")), compressed(2, "a\x01")), "tag 80"},
	} {
		if got, err := read(t, c.term); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %#v, %v; want an error with %q", name, got, err, c.want)
		}
	}
	for _, data := range []string{"", "\x82a\x01", "not etf"} {
		if _, err := Parse([]byte(data)); err == nil || !strings.Contains(err.Error(), "131") {
			t.Errorf("%q: %v, want an error about the version", data, err)
		}
	}
}

func TestNestsAsDeepAsItSays(t *testing.T) {
	codec, _ := NewCodec[any]()
	var v any = int64(1)
	for range MaxDepth {
		v = []any{v}
	}
	b, err := codec.Append(AppendTuple(AppendVersion(nil), 1), v)
	if err != nil {
		t.Fatal(err)
	}
	term, err := Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	parts, _ := term.Tuple(nil)
	if got, err := codec.Decode(parts[0]); err != nil || !reflect.DeepEqual(got, v) {
		t.Errorf("%v", err)
	}
	if _, err := codec.Append(nil, []any{v}); err == nil {
		t.Error("one level more was written")
	}
}

// What a small term makes of memory is what it claims; the worst are those that are cheap to write and dear to hold.
func TestHostileTermsTakeLittleMemory(t *testing.T) {
	const size = 1 << 20
	count := string(binary.BigEndian.AppendUint32(nil, size))
	type large struct {
		A [1000]int64
		B map[string]int
	}
	into := map[string]func(Term) error{"any": decodeInto[any], "large": decodeInto[[]large], "map of large": decodeInto[map[string]large]}
	for name, term := range map[string]string{
		"a list of empty lists":      "l" + count + strings.Repeat("j", size+1),
		"a list of empty maps":       "l" + string(binary.BigEndian.AppendUint32(nil, size/5)) + strings.Repeat("t\x00\x00\x00\x00", size/5) + "j",
		"a tuple of bytes":           "k\xff\xff" + strings.Repeat("x", 65535),
		"a map of the same key":      "t" + string(binary.BigEndian.AppendUint32(nil, size/3)) + strings.Repeat("w\x00j", size/3),
		"lists that claim all ahead": strings.Repeat("l\x00\x00\xff\xff", 100) + strings.Repeat("j", 70000),
	} {
		data := []byte("\x83" + term)
		for target, decode := range into {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			if parsed, err := Parse(data); err == nil {
				decode(parsed)
			}
			runtime.ReadMemStats(&after)
			if used, limit := after.TotalAlloc-before.TotalAlloc, uint64(MaxFree+100*len(data)); used > limit {
				t.Errorf("%s into %s: %d bytes for a term of %d", name, target, used, len(data))
			}
		}
	}
}

func decodeInto[T any](t Term) error {
	codec, err := NewCodec[T]()
	if err == nil {
		_, err = codec.Decode(t)
	}
	return err
}

func FuzzDecodeTerm(f *testing.F) {
	for _, seed := range []string{
		"a\x01", "b\xff\xff\xff\xfe", "n\x01\x00\x05", "o\x00\x00\x00\x01\x01\x05", "F\x3f\xf8\x00\x00\x00\x00\x00\x00", "d\x00\x03h\xe9!",
		"s\x03nil", "w\x04true", "m\x00\x00\x00\x02id", "j", "l\x00\x00\x00\x01a\x01j", "k\x00\x02\x00\xff", "h\x02a\x01j", "i\x00\x00\x00\x00",
		"t\x00\x00\x00\x02w\x04Texta\x01m\x00\x00\x00\x04Listl\x00\x00\x00\x01a\x01j", compressed(2, "a\x01"),
	} {
		f.Add([]byte("\x83" + seed))
	}
	values, err := NewCodec[any]()
	if err != nil {
		f.Fatal(err)
	}
	structs, err := NewCodec[everything]()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		term, err := Parse(data)
		if err != nil {
			return
		}
		term.Tuple(nil)
		term.Lookup("data")
		structs.Decode(term)
		v, err := values.Decode(term)
		if err != nil {
			return
		}
		b, err := values.Append(nil, v)
		if err != nil {
			if strings.Contains(err.Error(), "deeper") {
				return // one level is kept for the tuple around a value
			}
			t.Fatalf("%#v was read and cannot be written: %v", v, err)
		}
		w, err := values.Decode(Term(b))
		if err != nil || !reflect.DeepEqual(v, w) {
			t.Fatalf("%#v came back as %#v, %v", v, w, err)
		}
		if again, _ := values.Append(nil, w); !slices.Equal(again, b) {
			t.Fatalf("%x the first time, %x the second", b, again)
		}
	})
}
