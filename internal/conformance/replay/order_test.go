package replay

import (
	"slices"
	"testing"
	"time"
)

func TestOnlyWhatIsNotOrderedChangesPlaces(t *testing.T) {
	const (
		state  = `["1",null,"room:p","presence_state",{}]`
		other  = `["1",null,"room:q","presence_state",{}]`
		diffA  = `[null,null,"room:p","presence_diff",{"joins":{"a":{"metas":[1]}},"leaves":{}}]`
		diffB  = `[null,null,"room:p","presence_diff",{"joins":{"b":{"metas":[2]}},"leaves":{}}]`
		diffA2 = `[null,null,"room:p","presence_diff",{"joins":{"a":{"metas":[3]}},"leaves":{}}]`
		both   = `[null,null,"room:p","presence_diff",{"joins":{"a":{"metas":[1]},"b":{"metas":[2]}},"leaves":{}}]`
		bothA  = `[null,null,"room:p","presence_diff",{"joins":{"a":{"metas":[1,3]}},"leaves":{}}]`
		bothA2 = `[null,null,"room:p","presence_diff",{"joins":{"a":{"metas":[3,1]}},"leaves":{}}]`
		reply  = `["1","1","room:p","phx_reply",{"response":{},"status":"ok"}]`
		beat   = `[null,"2","phoenix","phx_reply",{"response":{},"status":"ok"}]`
		beat2  = `[null,"3","phoenix","phx_reply",{"response":{},"status":"ok"}]`
		state1 = `{"event":"presence_state","payload":{},"ref":null,"topic":"room:p"}`
		diff1  = `{"event":"presence_diff","payload":{"joins":{"a":{"metas":[1]}}},"ref":null,"topic":"room:p"}`
		more1  = `{"event":"presence_diff","payload":{"joins":{"a":{"metas":[2]}}},"ref":null,"topic":"room:p"}`
		both1  = `{"event":"presence_diff","payload":{"joins":{"a":{"metas":[1,2]}}},"ref":null,"topic":"room:p"}`
	)
	for _, c := range []struct {
		name  string
		want  []string
		gap   time.Duration // between the recorded messages
		got   string
		found []int // none: an error
	}{
		{"in order", []string{diffA, state}, 0, diffA, []int{0}},
		{"state before a diff", []string{diffA, state}, time.Second, state, []int{1}},
		{"state before two diffs", []string{diffA, diffB, state}, 0, state, []int{2}},
		{"state before a diff, v1", []string{diff1, state1}, 0, state1, []int{1}},
		{"diffs of one moment", []string{diffA, diffB}, time.Millisecond, diffB, []int{1}},
		{"diffs of one moment in one", []string{diffA, diffB}, time.Millisecond, both, []int{0, 1}},
		{"diffs of one key in one", []string{diffA, diffA2}, time.Millisecond, bothA, []int{0, 1}},
		{"diffs of one key in one, the other way", []string{diffA, diffA2}, time.Millisecond, bothA2, []int{0, 1}},
		{"diffs of one moment in one, v1", []string{diff1, more1}, 0, both1, []int{0, 1}},
		{"diffs of two moments", []string{diffA, diffB}, time.Second, diffB, nil},
		{"diffs of two moments in one", []string{diffA, diffB}, time.Second, both, nil},
		{"more than was recorded", []string{diffA, state}, 0, both, nil},
		{"state of another topic", []string{diffA, other}, 0, other, nil},
		{"anything before a reply", []string{reply, state}, 0, state, nil},
		{"over a reply", []string{diffA, reply, state}, 0, state, nil},
		{"a reply before anything", []string{state, reply}, 0, reply, nil},
		{"a heartbeat's answer before others", []string{reply, state, beat}, 0, beat, []int{2}},
		{"others before a heartbeat's answer", []string{beat, reply}, 0, reply, []int{1}},
		{"answers to two heartbeats", []string{beat, beat2}, 0, beat2, nil},
		{"an answer to a later heartbeat", []string{reply, beat}, time.Second, beat, nil},
		{"something else", []string{diffA, state}, 0, reply, nil},
		{"something too many", nil, 0, reply, nil},
	} {
		var want []expectation
		for i, w := range c.want {
			want = append(want, expectation{value(t, w), time.Duration(i) * c.gap})
		}
		found, err := newBindings().pick(want, value(t, c.got))
		if !slices.Equal(found, c.found) || (err == nil) != (c.found != nil) {
			t.Errorf("%s: got %d, want %d (%v)", c.name, found, c.found, err)
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
