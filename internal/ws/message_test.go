package ws_test

import (
	"fmt"
	"testing"

	"github.com/roost-dev/roost/internal/ws"
)

func TestSplitFindsTheFieldsOfAMessage(t *testing.T) {
	for text, want := range map[string]string{
		`["1","2","t","e",{"a":[1,"]"]}]`: `"1" "2" "t" "e" {"a":[1,"]"]}`,
		`[null,0,"a:b","c",{}]`:           `null 0 "a:b" "c" {}`,
		`[1,17,"t,\"x","e\\",""]`:         `1 17 "t,\"x" "e\\" ""`,
	} {
		m, err := ws.Split([]byte(text))
		got := fmt.Sprintf("%s %s %s %s %s", m.JoinRef, m.Ref, m.Topic, m.Event, m.Payload)
		if err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", text, got, err, want)
		}
	}
}

func TestSplitRefusesWhatIsNoMessage(t *testing.T) {
	for _, text := range []string{``, `[`, `{}`, `[]`, `[null]`, `["1","2","t"]`, `["1,2,3,4]`, `["1""2","t","e",{}]`, `[[],"2","t","e",{}]`} {
		if m, err := ws.Split([]byte(text)); err == nil {
			t.Errorf("%s: %s", text, m)
		}
	}
}

// FuzzSplit looks for input that panics.
func FuzzSplit(f *testing.F) {
	f.Add([]byte(`["1","2","t","e",{}]`))
	f.Add([]byte(`[null,"\`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := ws.Split(text)
		if err == nil && len(m.JoinRef)+len(m.Ref)+len(m.Topic)+len(m.Event)+len(m.Payload)+6 != len(text) {
			t.Errorf("%q lost something: %q", text, m)
		}
	})
}
