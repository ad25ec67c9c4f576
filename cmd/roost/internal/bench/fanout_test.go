//go:build linux

package bench

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/roost-dev/roost/cmd/roost/internal/load"
)

// newFan is a fanout to two subscribers, without a server, that sent so many broadcasts.
func newFan(t *testing.T, sent uint64) *fan {
	t.Helper()
	payload, err := padded(64)
	if err != nil {
		t.Fatal(err)
	}
	f := &fan{
		fanout: &fanout{topic: "echo:bench", event: "shout"}, next: make([]uint64, 2), sent: sent,
		payload: numbered{[]byte(payload), strings.Index(payload, placeholder)},
	}
	for n := range sent {
		f.recent[n] = broadcast{due: time.Now(), left: 2}
	}
	return f
}

// get has a subscriber get a broadcast.
func (f *fan) get(subscriber int, n uint64) {
	payload := strings.Replace(string(f.payload.text), placeholder, fmt.Sprintf("%010d", n), 1)
	f.Message(&load.Conn{ID: subscriber}, fmt.Appendf(nil, `[null,null,"echo:bench","shout",%s]`, payload))
}

func TestABroadcastIsDoneWhenAllSubscribersHaveIt(t *testing.T) {
	f := newFan(t, 3)
	f.get(0, 0)
	f.get(0, 1)
	f.get(1, 0)
	if f.done != 1 || f.err != nil {
		t.Errorf("%d are done, %v", f.done, f.err)
	}
	f.get(1, 1)
	f.get(1, 2)
	f.get(0, 2)
	if f.done != 3 || f.err != nil {
		t.Errorf("%d are done, %v", f.done, f.err)
	}
}

func TestFanoutNotices(t *testing.T) {
	message := func(text string) func(*fan) {
		return func(f *fan) { f.Message(&load.Conn{}, []byte(text)) }
	}
	for name, test := range map[string]struct {
		happen func(f *fan)
		want   string
	}{
		"a loss":                  {func(f *fan) { f.get(0, 0); f.get(0, 2) }, "got broadcast 2 and lacks 1 before it"},
		"a duplicate":             {func(f *fan) { f.get(0, 0); f.get(0, 0) }, "got broadcast 0 after 0"},
		"another's turn":          {func(f *fan) { f.get(1, 0); f.get(1, 1); f.get(0, 1) }, "subscriber 0 got broadcast 1 and lacks 0"},
		"a duplicate of the last": {func(f *fan) { f.get(0, 0); f.get(0, 1); f.get(0, 2); f.get(0, 2) }, "got broadcast 2 after 2"},
		"what was never sent":     {func(f *fan) { f.get(0, 0); f.get(0, 1); f.get(0, 2); f.get(0, 3) }, "which was not sent"},
		"a payload changed":       {message(`[null,null,"echo:bench","shout",{"n":"0000000000","p":"y"}]`), "which nobody sent"},
		"another topic":           {message(`[null,null,"echo:other","shout",{}]`), `echo:other`},
		"an end":                  {message(`["1","1","echo:bench","phx_error",{}]`), `phx_error`},
		"a refused push":          {message(`["1","s","echo:bench","phx_reply",{"status":"error","response":{}}]`), `phx_reply`},
		"no message":              {message(`{}`), "subscriber 0"},
		"a lost connection":       {func(f *fan) { f.Closed(&load.Conn{ID: 1}, &load.CloseError{Code: 1013}) }, "1013"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFan(t, 3)
			test.happen(f)
			if f.err == nil || !strings.Contains(f.err.Error(), test.want) {
				t.Errorf("%v, want %q", f.err, test.want)
			}
		})
	}
}

func TestFanoutTakesWhatServersMayDo(t *testing.T) {
	f := newFan(t, 1)
	for _, text := range []string{
		`[null,"beat","phoenix","phx_reply",{"status":"ok","response":{}}]`,
		`["1","s","echo:bench","phx_reply",{"status":"ok","response":{}}]`,
		`[null,null,"echo:bench","presence_diff",{"joins":{},"leaves":{}}]`,
	} {
		f.Message(&load.Conn{}, []byte(text))
	}
	p := strings.Repeat("x", 64-len(`{"n":"0000000000","p":""}`))
	f.Message(&load.Conn{}, fmt.Appendf(nil, `[null,null,"echo:bench","shout",{"p": "%s", "n": "0000000000"}]`, p))
	if f.err != nil || f.next[0] != 1 {
		t.Errorf("subscriber 0 got %d broadcasts, %v", f.next[0], f.err)
	}
}
