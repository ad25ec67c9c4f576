package wire

import "testing"

func TestCutTakesAMemberOut(t *testing.T) {
	for _, test := range []struct{ data, value, rest string }{
		{`{"k":1}`, `1`, `{}`},
		{`{"k":{"k":2},"a":3}`, `{"k":2}`, `{"a":3}`},
		{`{"a":1,"k":[2],"b":3}`, `[2]`, `{"a":1,"b":3}`},
		{` { "a" : 1 , "k" : "x" } `, `"x"`, ` { "a" : 1 } `},
		{` { "k" : "x" , "a" : 1 } `, `"x"`, ` { "a" : 1 } `},
		{`{"\u006b":1,"a":"\"k\""}`, ``, `{"\u006b":1,"a":"\"k\""}`}, // as nobody writes it
		{`{"a":{"k":1}}`, ``, `{"a":{"k":1}}`},
		{`{"a":1}`, ``, `{"a":1}`},
		{`["k"]`, ``, `["k"]`},
		{`{"k":1`, ``, `{"k":1`},
		{`{"k"`, ``, `{"k"`},
	} {
		value, rest, found := Payload{Data: []byte(test.data)}.Cut("k")
		if string(value) != test.value || string(rest.Data) != test.rest || found != (test.value != "") {
			t.Errorf("%s: cut %s and left %s, found %v", test.data, value, rest.Data, found)
		}
	}
	if _, rest, found := (Payload{Data: []byte(`{"k":1}`), Binary: true}).Cut("k"); found || !rest.Binary {
		t.Error("a member was cut out of bytes")
	}
}

func TestWithAddsAMember(t *testing.T) {
	for _, test := range []struct{ data, want string }{
		{`{}`, `{"k":[1]}`},
		{`{ }`, `{"k":[1] }`},
		{`{"a":1}`, `{"k":[1],"a":1}`},
		{`{ "a":1} `, `{"k":[1], "a":1} `},
		{`[]`, ``},
		{`null`, ``},
		{`1`, ``},
		{` {}`, ``},
		{``, ``},
	} {
		got, ok := Payload{Data: []byte(test.data)}.With("k", []byte(`[1]`))
		if ok != (test.want != "") || ok && string(got.Data) != test.want {
			t.Errorf("%s: got %s, %v; want %s", test.data, got.Data, ok, test.want)
		}
	}
	if _, ok := (Payload{Data: []byte(`{}`), Binary: true}).With("k", []byte(`1`)); ok {
		t.Error("a member was added to bytes")
	}
}
