package transport

import (
	"encoding/json/v2"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestParamsFollowTheQuerySemanticsOfPlug(t *testing.T) {
	type m = map[string]any
	type l = []any
	tests := []struct {
		name  string
		query string
		want  m
	}{
		{"an empty query is an empty map", "", m{}},
		{"pairs", "foo=bar&baz=bat", m{"foo": "bar", "baz": "bat"}},
		{"empty pairs are skipped", "&x=1&&y=2&", m{"x": "1", "y": "2"}},
		{"a key without a value", "key&other=", m{"key": "", "other": ""}},
		{"an empty key", "=value", m{"": "value"}},
		{"a value with an equals sign", "a=b=c", m{"a": "b=c"}},
		{"maps", "u[name]=a&u[age]=17&u[address][street]=s", m{"u": m{"name": "a", "age": "17", "address": m{"street": "s"}}}},
		{"lists", "a[]=1&a[]=2&b[]", m{"a": l{"1", "2"}, "b": l{""}}},
		{"lists in maps", "x[y][z][]=1&x[y][z][]=2", m{"x": m{"y": m{"z": l{"1", "2"}}}}},
		{"lists in lists", "x[][][]=1&x[][][]=2", m{"x": l{l{l{"1", "2"}}}}},
		{"a map in a list", "x[][a]=1&x[][b]=2&x[]=3", m{"x": l{m{"a": "1", "b": "2"}, "3"}}},
		{"brackets may be escaped", "a%5Bb%5D=c&d%5B%5D=e", m{"a": m{"b": "c"}, "d": l{"e"}}},

		{"the last value wins", "a=1&a=2", m{"a": "2"}},
		{"the last nested value wins", "a[b]=1&a[b]=2", m{"a": m{"b": "2"}}},
		{"map after list", "x[]=1&x[y]=1", m{"x": m{"y": "1"}}},
		{"list after map", "x[y]=1&x[]=1", m{"x": l{"1"}}},
		{"list, map, list", "x[]=1&x[y]=2&x[]=3", m{"x": l{"1", "3"}}},
		{"map after value", "x=1&x[y]=1", m{"x": m{"y": "1"}}},
		{"value after map", "x[y]=1&x=1", m{"x": "1"}},
		{"value after a list of maps", "x[y][][w]=2&x[y]=1", m{"x": m{"y": "1"}}},

		{"plus is a space", "my+field=a+b", m{"my field": "a b"}},
		{"escapes", "a=q1%212%22%27w%245%267%2Fz8%29%3F", m{"a": "q1!2\"'w$5&7/z8)?"}},
		{"upper and lower case hexadecimal", "a=%c3%A5", m{"a": "å"}},
		{"bad escapes stand for themselves", "a=%zz&b=%&c=%4&d=%%41&e=%4g&f=%-1&g=%0x1", m{"a": "%zz", "b": "%", "c": "%4", "d": "%A", "e": "%4g", "f": "%-1", "g": "%0x1"}},
		{"unescaped UTF-8", "a=å", m{"a": "å"}},
		{"a semicolon is a character", "a=1;b=2", m{"a": "1;b=2"}},

		{"a bracket at the front is no nesting", "[a]=1&[]=2", m{"[a]": "1", "[]": "2"}},
		{"an unclosed bracket is no nesting", "a[b=1&a]=2", m{"a[b": "1", "a]": "2"}},
		{"text behind the bracket is no nesting", "a[b]c=1", m{"a[b]c": "1"}},
		{"one bracket within another", "a[b[c]]=1", m{"a": m{"b[c]": "1"}}},
		{"numbers are keys", "a[0]=x", m{"a": m{"0": "x"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseParams(tt.query)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("ParseParams(%q)\n got %v\nwant %v", tt.query, got, tt.want)
			}
		})
	}
}

func TestParamsThatAreNotUTF8AreAnError(t *testing.T) {
	for _, query := range []string{"a=%ff", "%ff=a", "a=\xff", "a=%c3", "ok=1&a=%ed%a0%80"} {
		if got, err := ParseParams(query); err == nil || !strings.Contains(err.Error(), "UTF-8") {
			t.Errorf("ParseParams(%q) = %v, %v; want an error that says UTF-8", query, got, err)
		}
	}
}

func TestParamsAreBounded(t *testing.T) {
	pairs := func(n int) string { return strings.Repeat("a=1&", n) }
	nested := func(n int) string { return "a" + strings.Repeat("[b]", n) + "=1" }
	for _, ok := range []string{pairs(maxParams), nested(maxParamDepth)} {
		if _, err := ParseParams(ok); err != nil {
			t.Errorf("a query at the bound is refused: %v", err)
		}
	}
	for _, over := range []string{pairs(maxParams + 1), nested(maxParamDepth + 1), nested(100_000), strings.Repeat("k", 100_000) + "=%ff"} {
		_, err := ParseParams(over)
		if err == nil {
			t.Fatal("a query over the bound is accepted")
		}
		if len(err.Error()) > 200 {
			t.Errorf("the error repeats the query: %d bytes", len(err.Error()))
		}
	}
}

// The recorded server took the last of repeated versions, and tolerated bad
// escapes but not bad UTF-8.
func TestParamsAgreeWithTheRecordedConnects(t *testing.T) {
	type connect struct {
		URL      string `json:"url"`
		Dir      string `json:"dir"`
		Response struct {
			Status int `json:"status"`
		} `json:"response"`
	}
	data, err := os.ReadFile("../spec/transcripts/04_vsn.json")
	if err != nil {
		t.Fatal(err)
	}
	var steps []connect
	if err := json.Unmarshal(data, &steps); err != nil {
		t.Fatal(err)
	}
	wantVsn := map[string]string{
		"vsn=2.0.0&vsn=1.0.0": "1.0.0",
		"vsn=1.0.0&vsn=2.0.0": "2.0.0",
		"vsn=2.0.0%2Bbuild":   "2.0.0+build",
		"vsn=+2.0.0":          " 2.0.0",
		"vsn[]=2.0.0":         "[2.0.0]",
		"a=%zz&vsn=2.0.0":     "2.0.0",
	}
	seen := 0
	for _, step := range steps {
		if step.Dir != "connect" {
			continue
		}
		_, query, _ := strings.Cut(step.URL, "?")
		params, err := ParseParams(query)
		if refused := step.Response.Status == 400; (err != nil) != refused {
			t.Errorf("%q: recorded status %d, ParseParams error %v", query, step.Response.Status, err)
		}
		if want, ok := wantVsn[query]; ok {
			seen++
			if got := fmt.Sprint(params["vsn"]); got != want {
				t.Errorf("%q: vsn is %q, want %q", query, got, want)
			}
		}
	}
	if seen != len(wantVsn) {
		t.Errorf("found %d of %d recorded queries", seen, len(wantVsn))
	}
}

func FuzzParseParams(f *testing.F) {
	for _, query := range []string{"", "a=1&a[b]=2&a[]=3", "a[][b][]=%41+", "%ff=%zz", "[]=&]=&a[=", strings.Repeat("a[b]", 40)} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		params, err := ParseParams(query)
		if (params == nil) == (err == nil) {
			t.Fatalf("ParseParams(%q) = %v, %v", query, params, err)
		}
		checkParam(t, params, maxParamDepth+1)
	})
}

// checkParam fails t unless v is made of the documented types, of valid
// UTF-8, and not deeper than depth.
func checkParam(t *testing.T, v any, depth int) {
	t.Helper()
	if depth < 0 {
		t.Fatal("params are nested too deep")
	}
	switch v := v.(type) {
	case string:
		if !utf8.ValidString(v) {
			t.Fatalf("%q is not valid UTF-8", v)
		}
	case []any:
		for _, item := range v {
			checkParam(t, item, depth-1)
		}
	case map[string]any:
		for key, field := range v {
			checkParam(t, key, depth)
			checkParam(t, field, depth-1)
		}
	default:
		t.Fatalf("unexpected type %T", v)
	}
}
