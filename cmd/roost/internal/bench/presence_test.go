//go:build linux

package bench

import (
	"strings"
	"testing"

	"github.com/roost-dev/roost/cmd/roost/internal/load"
)

const (
	stateOfFirst = `["1",null,"room:x","presence_state",{"u000000":{"metas":[{"phx_ref":"A","online_at":"1"}]}}]`
	diffOfSecond = `[null,null,"room:x","presence_diff",{"joins":{"u000001":{"metas":[{"x":[1,{"y":"}"}],"phx_ref":"B"}],"user":{"name":"b"}}},"leaves":{}}]`
	stateOfBoth  = `["1",null,"room:x","presence_state",{"u000001":{"metas":[{"phx_ref":"B"}]},"u000000":{"metas":[{"phx_ref":"A"}]}}]`
)

func TestAGuestIsCompleteWithItsStateAndAllUsers(t *testing.T) {
	p := newParty(2)
	tell := func(id int, text string) { p.Message(&load.Conn{ID: id}, []byte(text)) }
	for i, step := range []struct {
		id       int
		text     string
		complete int
	}{
		{0, stateOfFirst, 0},
		{0, stateOfFirst, 0}, // nothing new
		{0, diffOfSecond, 1},
		{0, diffOfSecond, 1},
		{1, diffOfSecond, 1},
		{1, strings.Replace(diffOfSecond, `u000001":{"metas":[{"x":[1,{"y":"}"}],"phx_ref":"B"`, `u000000":{"metas":[{"phx_ref":"A"`, 1), 1}, // no state yet
		{1, stateOfBoth, 2},
	} {
		tell(step.id, step.text)
		if p.err != nil || p.complete != step.complete {
			t.Fatalf("step %d: %d are complete, want %d; %v", i, p.complete, step.complete, p.err)
		}
	}
}

func TestPresenceNotices(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"a user with two refs": {strings.Replace(stateOfBoth, `"A"`, `"C"`, 1), "two phx_refs"},
		"a user listed twice":  {strings.Replace(stateOfFirst, `{"phx_ref":"A"`, `{"phx_ref":"A"},{"phx_ref":"D"`, 1), "two phx_refs"},
		"a stranger":           {strings.Replace(stateOfFirst, "u000000", "anon", 1), `nobody is called "anon"`},
		"a number too high":    {strings.Replace(stateOfFirst, "u000000", "u000002", 1), "nobody is called"},
		"somebody leaving":     {`[null,null,"room:x","presence_diff",{"joins":{},"leaves":{"u000000":{"metas":[{"phx_ref":"A"}]}}}]`, "somebody left, and nobody should: u000000"},
		"a meta without a ref": {strings.Replace(stateOfFirst, "phx_ref", "ref", 1), "not the JSON of presences"},
		"a refused join":       {`["1","1","room:x","phx_reply",{"status":"error","response":{"reason":"no"}}]`, "refused"},
		"broken JSON":          {`["1",null,"room:x","presence_state",{"u000000":{"metas":[{"phx_ref":"A"}]]`, "not the JSON of presences"},
		"an end":               {`["1","1","room:x","phx_close",{}]`, "phx_close"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newParty(2)
			p.Message(&load.Conn{}, []byte(stateOfFirst))
			p.Message(&load.Conn{}, []byte(test.text))
			if p.err == nil || !strings.Contains(p.err.Error(), test.want) {
				t.Errorf("%v, want %q", p.err, test.want)
			}
		})
	}
}

// FuzzPresences looks for input that panics or never ends.
func FuzzPresences(f *testing.F) {
	f.Add([]byte(`{"joins":{"a":{"metas":[{"phx_ref":"A","n":[1,2.5,true,null,{"x":"\""}]}]}},"leaves":{ }}`))
	f.Add([]byte(`{"a":{"metas":[{"phx_ref":`))
	f.Fuzz(func(_ *testing.T, text []byte) {
		ignore := func([]byte, []byte) error { return nil }
		_ = scanState(text, ignore) // any error will do
		_ = scanDiff(text, ignore)
	})
}
