package client

import (
	"bytes"
	"context"
	"encoding/json/jsontext"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/roost-dev/roost/wire"
)

// The rules of spec/protocol.md §15.

type device struct{ On string }

// replicaTest is a replica that is told by hand, and writes down what it tells.
type replicaTest struct {
	*Presence[device]

	lines []string
}

func newReplicaTest() *replicaTest {
	ch := &Channel{topic: "t", opts: (&ChannelOptions{Inbox: 3, InboxBytes: 200}).withDefaults()}
	r := &replicaTest{Presence: newPresence[device](ch)}
	r.listener = &listener{channel: ch}
	on := func(metas []PresenceMeta[device]) string {
		var all []string
		for _, m := range metas {
			all = append(all, m.Ref+m.Value.On)
		}
		return strings.Join(all, ",")
	}
	r.OnJoin(func(_ context.Context, c PresenceChange[device]) {
		r.writef("+%s %s: %s", c.Key, on(c.Metas), on(c.Now.Metas))
	})
	r.OnLeave(func(_ context.Context, c PresenceChange[device]) {
		r.writef("-%s %s: %s", c.Key, on(c.Metas), on(c.Now.Metas))
	})
	r.OnUpdate(func(_ context.Context, key string, before, after PresenceMeta[device]) {
		r.writef("~%s %s: %s", key, on([]PresenceMeta[device]{before}), on([]PresenceMeta[device]{after}))
	})
	r.OnSync(func(context.Context) { r.writef(".") })
	return r
}

func (r *replicaTest) writef(format string, args ...any) {
	r.lines = append(r.lines, fmt.Sprintf(format, args...))
}

// entries writes "ada:1,2 bob:3<2" as JSON: keys with the refs of their metas, and those that these take the place of.
func entries(short string) string {
	var all []string
	for e := range strings.FieldsSeq(short) {
		key, refs, _ := strings.Cut(e, ":")
		var metas []string
		for ref := range strings.SplitSeq(refs, ",") {
			ref, prev, updated := strings.Cut(ref, "<")
			if updated {
				ref += `","phx_ref_prev":"` + prev
			}
			metas = append(metas, `{"On":"","phx_ref":"`+ref+`"}`)
		}
		all = append(all, fmt.Sprintf(`%q:{"metas":[%s]}`, key, strings.Join(metas, ",")))
	}
	return "{" + strings.Join(all, ",") + "}"
}

func event(name, payload string) item {
	return item{kind: itemEvent, event: name, payload: wire.Payload{Data: []byte(payload)}}
}

// take takes "s ada:1" for a state, "d ada:1 | bob:2" for joins and leaves, and "r" for a rejoin.
func (r *replicaTest) play(t *testing.T, step string) error {
	t.Helper()
	r.lines = nil
	kind, rest, _ := strings.Cut(step, " ")
	switch kind {
	case "s":
		return r.take(t.Context(), event(eventState, entries(rest)))
	case "d":
		joins, leaves, _ := strings.Cut(rest, "|")
		return r.take(t.Context(), event(eventDiff, `{"joins":`+entries(joins)+`,"leaves":`+entries(leaves)+`}`))
	default:
		return r.take(t.Context(), item{kind: itemRejoin})
	}
}

func TestRulesOfPresence(t *testing.T) {
	type step struct{ comes, told string }
	for name, steps := range map[string][]step{
		"the first state joins all, in order": {{"s bob:1 ada:2,3", "+bob 1: 1; +ada 2,3: 2,3; ."}},
		"an empty state":                      {{"s", "."}},
		"another session of a key":            {{"s ada:1", "+ada 1: 1; ."}, {"d ada:2", "+ada 2: 1,2; ."}, {"d | ada:1", "-ada 1: 2; ."}, {"d | ada:2", "-ada 2: ; ."}},
		"joins come before leaves":            {{"s ada:1", "+ada 1: 1; ."}, {"d ada:2 | ada:1", "+ada 2: 1,2; -ada 1: 2; ."}},
		"an update keeps its place":           {{"s ada:1,2", "+ada 1,2: 1,2; ."}, {"d ada:3<1 | ada:1", "~ada 1: 3; ."}, {"d ada:4", "+ada 4: 3,2,4; ."}},
		"an update of what is not known":      {{"s ada:1", "+ada 1: 1; ."}, {"d ada:4<3 | ada:3", "+ada 4: 1,4; ."}},
		"who is known does not join again":    {{"s ada:1", "+ada 1: 1; ."}, {"d ada:1", "."}},
		"who is not known does not leave":     {{"s ada:1", "+ada 1: 1; ."}, {"d | bob:1", "."}, {"d | ada:2", "."}},
		"diffs wait for the state": {
			{"d bob:2", ""}, {"d | ada:1", ""},
			{"s ada:1", "+ada 1: 1; +bob 2: 2; -ada 1: ; ."}, {"d cyd:3", "+cyd 3: 3; ."},
		},
		"a rejoin waits for its own state": {
			{"s ada:1 bob:2", "+ada 1: 1; +bob 2: 2; ."}, {"d cyd:3", "+cyd 3: 3; ."}, {"r", ""}, {"d dan:4", ""},
			{"s ada:5<1 cyd:3", "~ada 1: 5; -bob 2: ; +dan 4: 4; ."},
		},
		"diffs of a former join are dropped": {{"d bob:2", ""}, {"r", ""}, {"s ada:1", "+ada 1: 1; ."}},
		"a state in between":                 {{"s ada:1", "+ada 1: 1; ."}, {"s ada:2", "+ada 2: 1,2; -ada 1: 2; ."}},
		"keys of all kinds":                  {{"s __proto__:1 constructor:2", "+__proto__ 1: 1; +constructor 2: 2; ."}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReplicaTest()
			for _, s := range steps {
				if err := r.play(t, s.comes); err != nil {
					t.Errorf("%s: %v", s.comes, err)
				}
				if got := strings.Join(r.lines, "; "); got != s.told {
					t.Errorf("%s: told %q, want %q", s.comes, got, s.told)
				}
			}
		})
	}
}

// Diffs that wait are bounded; if some are lost, so is what the state lacks, and the channel joins anew.
func TestDiffsBeforeTheStateAreBounded(t *testing.T) {
	for name, diffs := range map[string][]string{
		"number": {"d a:1", "d a:2", "d a:3", "d a:4"},
		"bytes":  {"d a:1", "d a:2,3,4,5,6,7,8,9,10,11,12,13,14,15"},
	} {
		r := newReplicaTest()
		cv := &conversation{over: make(chan struct{})}
		r.channel.inbox, r.channel.changed, r.channel.current = newInbox(10, 1000), make(chan struct{}), cv
		for i, diff := range diffs {
			if err := r.play(t, diff); (err != nil) != (i == len(diffs)-1) {
				t.Errorf("%s: %s: %v", name, diff, err)
			}
		}
		if err := r.play(t, "d a:99"); err != nil || len(r.queue) > 0 || cv.err != nil {
			t.Errorf("%s: %v, %d wait, the conversation broke off with %v", name, err, len(r.queue), cv.err)
		}
		if err := r.play(t, "s b:1"); err != nil || !errors.Is(cv.err, ErrOverrun) {
			t.Errorf("%s: %v, the conversation broke off with %v", name, err, cv.err)
		}
	}
}

func TestPresencesThatAreBroken(t *testing.T) {
	good := `{"ada":{"metas":[{"phx_ref":"1"}]}}`
	for _, bad := range []string{
		`[]`, `{"ada":1}`, `{"ada":{}}`, `{"ada":{"metas":[]}}`, `{"ada":{"metas":{}}}`, `{"ada":{"metas":[1]}}`,
		`{"ada":{"metas":[{}]}}`, `{"ada":{"metas":[{"phx_ref":1}]}}`, `{"ada":{"metas":[{"phx_ref":""}]}}`,
	} {
		r := newReplicaTest()
		if err := r.take(t.Context(), event(eventState, bad)); err == nil || r.pending != true {
			t.Errorf("the state %s was taken: %v", bad, err)
		}
		if err := r.take(t.Context(), event(eventState, good)); err != nil {
			t.Error(err)
		}
		for _, diff := range []string{
			`{"joins":` + bad + `,"leaves":{}}`, `{"joins":{},"leaves":` + bad + `}`, `{"joins":{}}`, `{"leaves":{}}`, `[]`,
		} {
			if err := r.take(t.Context(), event(eventDiff, diff)); err == nil {
				t.Errorf("the diff %s was taken", diff)
			}
		}
		if all := r.List(); len(all) != 1 || all[0].Key != "ada" {
			t.Errorf("there is %v", all)
		}
	}
	r := newReplicaTest()
	if err := r.take(t.Context(), item{kind: itemEvent, event: eventState, payload: wire.Payload{Binary: true}}); err == nil {
		t.Error("bytes were taken")
	}
}

// A meta that does not fit is there all the same, and said to be no good.
func TestMetaThatDoesNotFit(t *testing.T) {
	r := newReplicaTest()
	err := r.take(t.Context(), event(eventState, `{"ada":{"metas":[{"phx_ref":"1","On":["secret"]},{"phx_ref":"2","On":"tv"}],"name":"Ada"}}`))
	if err == nil || !strings.Contains(err.Error(), `at "/On"`) || strings.Contains(err.Error(), "secret") {
		t.Errorf("state: %v", err)
	}
	if got := strings.Join(r.lines, "; "); got != "+ada 1,2tv: 1,2tv; ." {
		t.Errorf("told %q", got)
	}
	e, _ := r.Get("ada")
	if x, err := e.Extra[struct{ Name int }](); err != nil && strings.Contains(err.Error(), "Ada") {
		t.Errorf("extra: %v, %v", x, err)
	}
	if x, err := e.Extra[map[string]string](); err != nil || !maps.Equal(x, map[string]string{"name": "Ada"}) {
		t.Errorf("extra: %v, %v", x, err)
	}
}

// What was tracked comes back without what the protocol put in.
func TestMetasOfAnyType(t *testing.T) {
	p := newPresence[map[string]any](&Channel{})
	if err := p.take(t.Context(), event(eventState, `{"ada":{"metas":[{"phx_ref":"2","a":1,"phx_ref_prev":"1","b":{"phx_ref":"3"}}]}}`)); err != nil {
		t.Fatal(err)
	}
	want := PresenceMeta[map[string]any]{Ref: "2", PrevRef: "1", Value: map[string]any{"a": 1.0, "b": map[string]any{"phx_ref": "3"}}}
	if e, _ := p.Get("ada"); !reflect.DeepEqual(e.Metas, []PresenceMeta[map[string]any]{want}) {
		t.Errorf("got %v", e.Metas)
	}
}

// FuzzPresence looks for events after which what callbacks were told is not what is there, or a replica that came later differs.
func FuzzPresence(f *testing.F) {
	f.Add([]byte("s" + entries("ada:1,2 bob:3") + "\nd" + `{"joins":` + entries("ada:4<1 cyd:5") + `,"leaves":` + entries("ada:1 bob:3") + "}\nr\ns" + entries("ada:2")))
	f.Add([]byte(`d{"joins":{"a":{"metas":[{"phx_ref":"x","On":7}]}},"leaves":{}}` + "\ns{}\nr"))
	f.Add([]byte("s" + entries("a:1,1,1<1 a:2<1,3<2")))
	f.Fuzz(func(t *testing.T, data []byte) {
		ch := &Channel{opts: (*ChannelOptions)(nil).withDefaults()}
		p, raw, late := newPresence[device](ch), newPresence[jsontext.Value](ch), newPresence[device](ch)
		p.listener = &listener{channel: ch}
		known := map[string]map[string]bool{}
		p.OnJoin(func(_ context.Context, c PresenceChange[device]) {
			key := c.Key
			if known[key] == nil {
				known[key] = map[string]bool{}
			}
			for _, m := range c.Metas {
				if known[key][m.Ref] {
					t.Errorf("%q joined %q again", m.Ref, key)
				}
				known[key][m.Ref] = true
			}
		})
		p.OnUpdate(func(_ context.Context, key string, before, after PresenceMeta[device]) {
			if !known[key][before.Ref] || known[key][after.Ref] {
				t.Errorf("%q became %q under %q", before.Ref, after.Ref, key)
			}
			delete(known[key], before.Ref)
			known[key][after.Ref] = true
		})
		p.OnLeave(func(_ context.Context, c PresenceChange[device]) {
			key := c.Key
			for _, m := range c.Metas {
				if !known[key][m.Ref] {
					t.Errorf("%q left %q and was not there", m.Ref, key)
				}
				delete(known[key], m.Ref)
			}
			if len(known[key]) == 0 {
				delete(known, key)
			}
			if len(c.Now.Metas) != len(known[key]) {
				t.Errorf("%q has %d metas, and was told of %d", key, len(c.Now.Metas), len(known[key]))
			}
		})
		for n, line := range bytes.Split(data, []byte("\n")) {
			if len(line) == 0 || line[0] != 'r' && !jsontext.Value(line[1:]).IsValid() {
				continue
			}
			it := item{kind: itemRejoin}
			switch line[0] {
			case 's':
				it = event(eventState, string(line[1:]))
			case 'd':
				it = event(eventDiff, string(line[1:]))
			}
			_, _, _ = p.take(t.Context(), it), raw.take(t.Context(), it), late.take(t.Context(), it)
			if n == 0 {
				late = newPresence[device](ch)
				late.seed(raw)
			}
			wantKnown(t, p, known)
			if got, want := refsOf(raw), refsOf(p); !slices.Equal(got, want) {
				t.Errorf("with metas as they are there is %v, want %v", got, want)
			}
			if got, want := refsOf(late), refsOf(p); !slices.Equal(got, want) {
				t.Errorf("who came later has %v, want %v", got, want)
			}
		}
	})
}

func refsOf[M any](p *Presence[M]) (all []string) {
	for _, e := range p.List() {
		for _, m := range e.Metas {
			all = append(all, fmt.Sprintf("%q %q %q", e.Key, m.Ref, m.PrevRef))
		}
	}
	return all
}

func wantKnown(t *testing.T, p *Presence[device], known map[string]map[string]bool) {
	t.Helper()
	all := p.List()
	if len(all) != len(known) || len(all) != p.Count() {
		t.Fatalf("%d keys are there, and %d were told of", len(all), len(known))
	}
	for _, e := range all {
		for _, m := range e.Metas {
			if !known[e.Key][m.Ref] {
				t.Fatalf("%q is under %q, and was not told of", m.Ref, e.Key)
			}
		}
		if len(e.Metas) == 0 || len(e.Metas) != len(known[e.Key]) {
			t.Fatalf("%q has %d metas, and was told of %d", e.Key, len(e.Metas), len(known[e.Key]))
		}
	}
}

// A diff costs as much as it is large, however many are there.
func BenchmarkPresenceDiff(b *testing.B) {
	for _, users := range []int{30, 3000} {
		b.Run(fmt.Sprint(users), func(b *testing.B) {
			p := newPresence[device](&Channel{opts: (*ChannelOptions)(nil).withDefaults()})
			var state strings.Builder
			for n := range users {
				fmt.Fprintf(&state, "user%d:%d ", n, n)
			}
			if err := p.take(b.Context(), event(eventState, entries(state.String()))); err != nil {
				b.Fatal(err)
			}
			joins := event(eventDiff, `{"joins":`+entries("ada:x")+`,"leaves":{}}`)
			leaves := event(eventDiff, `{"joins":{},"leaves":`+entries("ada:x")+`}`)
			b.ReportAllocs()
			for b.Loop() {
				_, _ = p.take(b.Context(), joins), p.take(b.Context(), leaves)
			}
		})
	}
}
