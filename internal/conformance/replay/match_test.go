package replay

import "testing"

func value(t *testing.T, text string) any {
	t.Helper()
	v, err := parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestMessagesAreComparedByMeaning(t *testing.T) {
	for _, c := range []struct {
		name, want, got string
		same            bool
	}{
		{"order of names", `{"a":1,"b":[2]}`, `{"b":[2],"a":1}`, true},
		{"spelling of a string", `["é/"]`, `["\u00e9\/"]`, true},
		{"spelling of a number", `[1.0e3,-0.0]`, `[1000,0]`, true},
		{"big numbers are exact", `[12345678901234567890123]`, `[12345678901234567890124]`, false},
		{"null is not absent", `{"a":null}`, `{}`, false},
		{"number against string", `[1]`, `["1"]`, false},
		{"an element too many", `[1]`, `[1,2]`, false},
		{"a member too many", `{"a":1}`, `{"a":1,"b":2}`, false},
		{"order of elements", `[1,2]`, `[2,1]`, false},
		{"online_at is any second", `{"online_at":"1795421919"}`, `{"online_at":"1"}`, true},
		{"but a string of digits", `{"online_at":"1795421919"}`, `{"online_at":1}`, false},
		{"phx_ref is free", `{"phx_ref":"a"}`, `{"phx_ref":"x"}`, true},
		{"but not empty", `{"phx_ref":"a"}`, `{"phx_ref":""}`, false},
		{"the same phx_ref stays the same", `[{"phx_ref":"a"},{"phx_ref_prev":"a"}]`, `[{"phx_ref":"x"},{"phx_ref_prev":"y"}]`, false},
		{"different ones stay different", `[{"phx_ref":"a"},{"phx_ref":"b"}]`, `[{"phx_ref":"x"},{"phx_ref":"x"}]`, false},
	} {
		if err := newBindings().match(value(t, c.want), value(t, c.got)); (err == nil) != c.same {
			t.Errorf("%s: want %s, got %s: %v", c.name, c.want, c.got, err)
		}
	}
}

func TestBadJSONIsAnError(t *testing.T) {
	for _, text := range []string{``, `[`, `[1]x`, `{"a":1,"a":2}`, `["\ud800"]`, "[\"\xff\"]"} {
		if v, err := parse(text); err == nil {
			t.Errorf("%q: got %v", text, v)
		}
	}
}

func TestRecordedValuesAreSentAsTheirReplayedOnes(t *testing.T) {
	b := newBindings()
	if err := b.match(value(t, `{"token":"OLD"}`), value(t, `{"token":"new"}`)); err != nil {
		t.Fatal(err)
	}
	if got := b.substitute("/socket/longpoll?token=OLD&a=token"); got != "/socket/longpoll?token=new&a=token" {
		t.Errorf("got %s", got)
	}
}
