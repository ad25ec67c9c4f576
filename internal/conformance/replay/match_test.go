package replay

import (
	"testing"
	"time"
)

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

func TestOnlyPresencesChangePlaces(t *testing.T) {
	const (
		state  = `["1",null,"room:p","presence_state",{}]`
		other  = `["1",null,"room:q","presence_state",{}]`
		diffA  = `[null,null,"room:p","presence_diff",{"joins":{"a":{}},"leaves":{}}]`
		diffB  = `[null,null,"room:p","presence_diff",{"joins":{"b":{}},"leaves":{}}]`
		reply  = `["1","1","room:p","phx_reply",{"response":{},"status":"ok"}]`
		state1 = `{"event":"presence_state","payload":{},"ref":null,"topic":"room:p"}`
		diff1  = `{"event":"presence_diff","payload":{},"ref":null,"topic":"room:p"}`
	)
	for _, c := range []struct {
		name string
		want []string
		gap  time.Duration // between the recorded messages
		got  string
		at   int // -1: an error
	}{
		{"in order", []string{diffA, state}, 0, diffA, 0},
		{"state before a diff", []string{diffA, state}, time.Second, state, 1},
		{"state before two diffs", []string{diffA, diffB, state}, 0, state, 2},
		{"state before a diff, v1", []string{diff1, state1}, 0, state1, 1},
		{"diffs of one moment", []string{diffA, diffB}, time.Millisecond, diffB, 1},
		{"diffs of two moments", []string{diffA, diffB}, time.Second, diffB, -1},
		{"state of another topic", []string{diffA, other}, 0, other, -1},
		{"anything before a reply", []string{reply, state}, 0, state, -1},
		{"over a reply", []string{diffA, reply, state}, 0, state, -1},
		{"a reply before anything", []string{state, reply}, 0, reply, -1},
		{"something else", []string{diffA, state}, 0, reply, -1},
	} {
		var want []expectation
		for i, w := range c.want {
			want = append(want, expectation{value(t, w), time.Duration(i) * c.gap})
		}
		at, err := newBindings().pick(want, value(t, c.got))
		if err != nil {
			at = -1
		}
		if at != c.at {
			t.Errorf("%s: got %d, want %d (%v)", c.name, at, c.at, err)
		}
	}
}

func TestAFailedComparisonBindsNothing(t *testing.T) {
	b := newBindings()
	want := []expectation{{value: value(t, `[{"phx_ref":"a"},1]`)}}
	if _, err := b.pick(want, value(t, `[{"phx_ref":"x"},2]`)); err == nil {
		t.Fatal("1 is not 2")
	}
	if _, err := b.pick(want, value(t, `[{"phx_ref":"y"},1]`)); err != nil {
		t.Error(err)
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
