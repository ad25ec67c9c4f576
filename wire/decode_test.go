package wire_test

import (
	"strings"
	"testing"

	"github.com/roost-dev/roost/wire"
)

func TestDecodeClient(t *testing.T) {
	null := wire.Value{}
	tests := []struct {
		name    string
		version wire.Version
		frame   string
		binary  bool
		want    plain
	}{
		{"array", wire.V2, `["1","12","room:1","new_msg",{"a":1}]`, false,
			plain{wire.String("1"), wire.String("12"), wire.String("room:1"), "new_msg", "", `{"a":1}`, false}},
		{"array with white space", wire.V2, " [ \"1\" ,\n\"12\",\t\"t\",\"e\" , { } ] \r\n", false,
			plain{wire.String("1"), wire.String("12"), wire.String("t"), "e", "", `{ }`, false}},
		{"array of more than five", wire.V2, `[null,null,"t","e",{},"extra",[{}]]`, false,
			plain{null, null, wire.String("t"), "e", "", `{}`, false}},
		{"refs and topic of other types", wire.V2, `[17,true,{ "a": [1, 2] },"e",null]`, false,
			plain{raw(t, "17"), raw(t, "true"), raw(t, `{"a":[1,2]}`), "e", "", `null`, false}},
		{"event that is not a string", wire.V2, `["1","2","t",5,"p"]`, false,
			plain{wire.String("1"), wire.String("2"), wire.String("t"), "", "", `"p"`, false}},
		{"escaped strings", wire.V2, `["\u0031","\"\\\/\b","\ud83d\ude00é","\u0065",-1.50e+3]`, false,
			plain{wire.String("1"), wire.String("\"\\/\b"), wire.String("😀é"), "e", "", `-1.50e+3`, false}},
		{"payload full of brackets in strings", wire.V2, `[null,null,"t]","e",{"]}\"":["[{\\"]}]`, false,
			plain{null, null, wire.String("t]"), "e", "", `{"]}\"":["[{\\"]}`, false}},
		{"object", wire.V1, `{"topic":"t","event":"e","payload":[1],"ref":"3","join_ref":"1"}`, false,
			plain{wire.String("1"), wire.String("3"), wire.String("t"), "e", "", `[1]`, false}},
		{"object without join_ref", wire.V1, `{"topic":"t","event":"e","payload":{},"ref":null}`, false,
			plain{null, null, wire.String("t"), "e", "", `{}`, false}},
		{"object with other keys, some of them escaped", wire.V1,
			`{"x":{"topic":"no"},"ref":3,"\u0074opic":"t","":[],"payload":0,"event":"e"}`, false,
			plain{null, raw(t, "3"), wire.String("t"), "e", "", `0`, false}},
		{"object in a binary frame", wire.V1, `{"topic":"t","event":"e","payload":{},"ref":"1"}`, true,
			plain{null, wire.String("1"), wire.String("t"), "e", "", `{}`, false}},
		{"binary push", wire.V2, "\x00\x02\x03\x05\x0512123topicevent\x65\x66\x67", true,
			plain{wire.String("12"), wire.String("123"), wire.String("topic"), "event", "", "\x65\x66\x67", true}},
		{"binary push without refs and data", wire.V2, "\x00\x00\x00\x01\x01te", true,
			plain{null, null, wire.String("t"), "e", "", "", true}},
		{"binary push with refs that are not UTF-8", wire.V2, "\x00\x01\x01\x01\x01\xff\xfetex", true,
			plain{wire.String("\xff"), wire.String("\xfe"), wire.String("t"), "e", "", "x", true}},
		{"binary push with an event that is not UTF-8", wire.V2, "\x00\x01\x01\x01\x0112t\xffx", true,
			plain{wire.String("1"), wire.String("2"), wire.String("t"), "", "", "x", true}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m, err := test.version.DecodeClient([]byte(test.frame), test.binary)
			if err != nil {
				t.Fatal(err)
			}
			if got := plainClient(m); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestDecodeClientSaysWhatIsMalformed(t *testing.T) {
	tests := []struct {
		version wire.Version
		frame   string
		binary  bool
		want    string
	}{
		{wire.V2, ``, false, "frame is not a JSON array"},
		{wire.V2, `{}`, false, "frame is not a JSON array"},
		{wire.V2, "\ufeff[1,2,3,4,5]", false, "frame is not a JSON array"},
		{wire.V2, `[]`, false, "frame has 0 elements, not the 5 of [join_ref, ref, topic, event, payload]"},
		{wire.V2, `[1,2,3,4]`, false, "frame has 4 elements, not the 5 of [join_ref, ref, topic, event, payload]"},
		{wire.V2, `["1","2","t","e",{}`, false, "frame is not valid JSON, at byte 19"},
		{wire.V2, `["1","2","t","e",{}]x`, false, "frame goes on behind its JSON value, which ends at byte 20"},
		{wire.V2, `["1","2","t","e",{}][]`, false, "frame goes on behind its JSON value, which ends at byte 20"},
		{wire.V2, `["1" "2","t","e",{}]`, false, "frame is not valid JSON, at byte 5"},
		{wire.V2, `["1",,"2","t","e",{}]`, false, "frame is not valid JSON, at byte 5"},
		{wire.V2, `,["1","2","t","e",{}]`, false, "frame is not valid JSON, at byte 0"},
		{wire.V2, `["1","2","t","e",{"a":"\ud800"}]`, false, "frame is not valid JSON, at byte 23"},
		{wire.V2, `["1","2","t","e",{"a":1,"a":2}]`, false, "frame has an object with the same name twice, at byte 24"},
		{wire.V2, "[\"1\",\"2\",\"t\xff\",\"e\",{}]", false, "frame is not valid JSON, at byte 11"},
		{wire.V2, `["1","2","t","e",{},tru]`, false, "frame is not valid JSON, at byte 23"},
		{wire.V1, `[]`, false, "frame is not a JSON object"},
		{wire.V1, `{}`, false, `frame has no key "ref"`},
		{wire.V1, `{"topic":"t","ref":"1","event":"e"}`, false, `frame has no key "payload"`},
		{wire.V1, `{"topic":"t","topic":"t","event":"e","payload":{},"ref":"1"}`, false, "frame has an object with the same name twice, at byte 13"},
		{wire.V1, `{"topic"}`, false, "frame is not valid JSON, at byte 8"},
		{wire.V1, "\x00\x00\x00\x01\x01te", true, "frame is not a JSON object"},
		{wire.V2, "", true, "binary frame is empty"},
		{wire.V2, "\x00", true, "binary frame of kind 0 is 1 bytes, shorter than its header"},
		{wire.V2, "\x00\x01\x01\x01\x0112t", true, "binary frame of kind 0 is 8 bytes, shorter than its fields"},
		{wire.V2, "\x01\x01\x01\x01\x0112te", true, "binary frame has the kind 1, a client sends kind 0 or 7"},
		{wire.V2, `[null,"1","phoenix","heartbeat",{}]`, true, "binary frame has the kind 91, a client sends kind 0 or 7"},
		{wire.V2, "\x00\x01\x01\x01\x0112\xffe", true, "topic is not valid UTF-8"},
	}
	for _, test := range tests {
		m, err := test.version.DecodeClient([]byte(test.frame), test.binary)
		if err == nil || err.Error() != test.want {
			t.Errorf("%v of %q: error = %v, want %s", test.version, test.frame, err, test.want)
		}
		if got := plainClient(m); got != (plain{}) {
			t.Errorf("%v of %q: an error came with the message %+v", test.version, test.frame, got)
		}
	}
}

func TestElementsNestUpToABound(t *testing.T) {
	nested := func(n int) []byte {
		return []byte(`["1","2","t","e",` + strings.Repeat(`{"a":[`, n/2) + strings.Repeat(`]}`, n/2) + `]`)
	}
	if _, err := wire.V2.DecodeClient(nested(1000), false); err != nil {
		t.Errorf("1000 levels: %v", err)
	}
	const want = "frame is nested too deep: an element takes 1000 levels of arrays and objects"
	_, err := wire.V2.DecodeClient(nested(1002), false)
	wantError(t, err, want)
	_, err = wire.V2.DecodeClient([]byte(`[`+strings.Repeat("[", 1_000_000)), false)
	wantError(t, err, want)
	_, err = wire.V1.DecodeServer([]byte(`{"x":`+strings.Repeat("[", 1_000_000)), false)
	wantError(t, err, want)
}

func TestDecodeServer(t *testing.T) {
	null := wire.Value{}
	tests := []struct {
		name    string
		version wire.Version
		frame   string
		binary  bool
		want    plain
	}{
		{"reply", wire.V2, `["1","2","t","phx_reply",{"response":{"a":1},"status":"ok"}]`, false,
			plain{wire.String("1"), wire.String("2"), wire.String("t"), "phx_reply", "ok", `{"a":1}`, false}},
		{"reply with its keys in another order and escaped", wire.V2, `["1","2","t","phx_reply",{"st\u0061tus":"\u006fk","x":0,"response":null}]`, false,
			plain{wire.String("1"), wire.String("2"), wire.String("t"), "phx_reply", "ok", `null`, false}},
		{"phx_reply that is no reply", wire.V2, `["1",null,"t","phx_reply",{"status":1,"response":2}]`, false,
			plain{wire.String("1"), null, wire.String("t"), "phx_reply", "", `{"status":1,"response":2}`, false}},
		{"phx_reply that is not even an object", wire.V2, `["1",null,"t","phx_reply",[]]`, false,
			plain{wire.String("1"), null, wire.String("t"), "phx_reply", "", `[]`, false}},
		{"reply to a broken topic", wire.V2, `[null,17,["a"],"phx_reply",{"response":{},"status":"error"}]`, false,
			plain{null, raw(t, "17"), raw(t, `["a"]`), "phx_reply", "error", `{}`, false}},
		{"push", wire.V2, `["1",null,"t","e",{}]`, false,
			plain{wire.String("1"), null, wire.String("t"), "e", "", `{}`, false}},
		{"object", wire.V1, `{"event":"phx_reply","payload":{"response":{},"status":"ok"},"ref":"1","topic":"t"}`, false,
			plain{null, wire.String("1"), wire.String("t"), "phx_reply", "ok", `{}`, false}},
		{"binary push", wire.V2, "\x00\x02\x05\x0512topicevent\x65\x66\x67", true,
			plain{wire.String("12"), null, wire.String("topic"), "event", "", "\x65\x66\x67", true}},
		{"binary reply", wire.V2, "\x01\x02\x03\x05\x0212123topicok\x65\x66\x67", true,
			plain{wire.String("12"), wire.String("123"), wire.String("topic"), "phx_reply", "ok", "\x65\x66\x67", true}},
		{"binary broadcast", wire.V2, "\x02\x05\x05topicevent\x65\x66\x67", true,
			plain{null, null, wire.String("topic"), "event", "", "\x65\x66\x67", true}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m, err := test.version.DecodeServer([]byte(test.frame), test.binary)
			if err != nil {
				t.Fatal(err)
			}
			if got := plainServer(m); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestDecodeServerSaysWhatIsMalformed(t *testing.T) {
	tests := []struct {
		frame  string
		binary bool
		want   string
	}{
		{`{}`, false, "frame is not a JSON array"},
		{`["1","2","t",null,{}]`, false, "event is not a string"},
		{"", true, "binary frame is empty"},
		{"\x03\x01\x01\x01\x0112te", true, "binary frame has the unknown kind 3"},
		{"\x02\x05", true, "binary frame of kind 2 is 2 bytes, shorter than its header"},
		{"\x02\x05\x05topicevent"[:12], true, "binary frame of kind 2 is 12 bytes, shorter than its fields"},
		{"\x02\x01\x01\xffe", true, "topic is not valid UTF-8"},
		{"\x02\x01\x01t\xff", true, "event is not valid UTF-8"},
		{"\x01\x00\x00\x01\x01t\xff", true, "status is not valid UTF-8"},
		{"\x01\x00\x00\x01\x00t", true, "reply has no status"},
		{"\x05\x00\x01\x01te", true, "kept event has no position"},
		{"\x06\x01\x00\x01\x011te", true, "kept event has no position"},
		{"\x06\x01\x01\x01\x011\xffte", true, "position is not valid UTF-8"},
	}
	for _, test := range tests {
		_, err := wire.V2.DecodeServer([]byte(test.frame), test.binary)
		if err == nil || err.Error() != test.want {
			t.Errorf("%q: error = %v, want %s", test.frame, err, test.want)
		}
	}
}

func TestErrorsHoldNoPayload(t *testing.T) {
	const secret = "hunter2"
	for _, payload := range []string{
		`{"` + secret + `":1,"` + secret + `":2}`,
		`{"password":"` + secret + `\x"}`,
		`{"password":"` + secret,
		`{"password":"\ud800` + secret + `"}`,
		`{"` + secret + `":{"` + secret + `":x}}`,
	} {
		_, err := wire.V2.DecodeClient([]byte(`["1","2","t","e",`+payload+`]`), false)
		if err == nil {
			t.Errorf("%s was decoded", payload)
		} else if strings.Contains(err.Error(), secret) {
			t.Errorf("the error tells the payload: %v", err)
		}
	}
}

func TestPayloadSharesMemoryWithTheFrameAndNothingElseDoes(t *testing.T) {
	frame := []byte(`["1","12","room:1","new_msg",{"a":1},"x"]`)
	m, err := wire.V2.DecodeClient(frame, false)
	if err != nil {
		t.Fatal(err)
	}
	_ = append(m.Payload.Data, "???"...)
	if !strings.HasSuffix(string(frame), `},"x"]`) {
		t.Errorf("appending to the payload wrote into the frame: %s", frame)
	}
	for i := range frame {
		frame[i] = '*'
	}
	want := plain{wire.String("1"), wire.String("12"), wire.String("room:1"), "new_msg", "", "*******", false}
	if got := plainClient(m); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestValuesAreEqualIfTheyAreTheSameToTheProtocol(t *testing.T) {
	classes := [][]wire.Value{
		{{}, raw(t, `null`)},
		{wire.String(""), raw(t, `""`)},
		{wire.String("17"), raw(t, `"17"`), raw(t, `"\u00317"`), binaryRef(t, "17")},
		{raw(t, `17`), raw(t, ` 17 `)},
		{raw(t, `17.0`)},
		{raw(t, `true`)},
		{wire.String("true")},
		{raw(t, `{"a":[1,"x y"]}`), raw(t, `{ "a" : [ 1, "x y" ] }`)},
		{raw(t, `{"a":[1,"xy"]}`)},
	}
	for i, class := range classes {
		for j, other := range classes {
			for _, a := range class {
				for _, b := range other {
					if (a == b) != (i == j) {
						t.Errorf("%+v == %+v is %t", a, b, a == b)
					}
				}
			}
		}
	}
}

func TestOnlyAStringHasText(t *testing.T) {
	if s, ok := raw(t, `"a\nb"`).Text(); s != "a\nb" || !ok {
		t.Errorf("Text of a string = %q, %t", s, ok)
	}
	for _, json := range []string{`null`, `17`, `["a"]`} {
		if s, ok := raw(t, json).Text(); s != "" || ok {
			t.Errorf("Text of %s = %q, %t", json, s, ok)
		}
	}
}

func binaryRef(t *testing.T, ref string) wire.Value {
	t.Helper()
	m, err := wire.V2.DecodeClient([]byte("\x00\x00"+string(rune(len(ref)))+"\x01\x01"+ref+"te"), true)
	if err != nil {
		t.Fatal(err)
	}
	return m.Ref
}
