package roost

import (
	"strings"
	"testing"
)

func TestPatternMatchesTopics(t *testing.T) {
	tests := []struct {
		pattern, topic string
		match          bool
		params         string // name=value, in order
	}{
		{"lobby", "lobby", true, ""},
		{"lobby", "lobby:x", false, ""},
		{"lobby", "lobb", false, ""},
		{"echo:*", "echo:", true, "*="},
		{"echo:*", "echo:1:2", true, "*=1:2"},
		{"echo:*", "echo", false, ""},
		{"foo*", "foo", true, "*="},
		{"foo*", "foobar:1", true, "*=bar:1"},
		{"foo*", "fo", false, ""},
		{"*", "anything:at all", true, "*=anything:at all"},
		{"videos:{id}", "videos:42", true, "id=42"},
		{"videos:{id}", "videos:", false, ""},
		{"videos:{id}", "videos:42:chat", false, ""},
		{"videos:{id}:chat", "videos:42:chat", true, "id=42"},
		{"videos:{id}:chat", "videos:42:talk", false, ""},
		{"a:{x}:{y}", "a:1:2", true, "x=1 y=2"},
		{"files:{path...}", "files:a:b", true, "path=a:b"},
		{"files:{path...}", "files:", false, ""},
		{"{kind}:1", "room:1", true, "kind=room"},
		{"a::b", "a::b", true, ""},
		{"a:{x}:b*", "a:1:bc", true, "x=1 *=c"},
	}
	for _, tt := range tests {
		p := parsePattern(tt.pattern)
		var params []string
		got := p.match(tt.topic, func(name, value string) { params = append(params, name+"="+value) })
		if got != tt.match {
			t.Errorf("%q matches %q: %v, want %v", tt.pattern, tt.topic, got, tt.match)
		}
		if got && strings.Join(params, " ") != tt.params {
			t.Errorf("%q on %q: params %q, want %q", tt.pattern, tt.topic, params, tt.params)
		}
	}
}

func TestBadPatternsPanicWithTheirText(t *testing.T) {
	for _, text := range []string{"", "a:{", "a:{}", "a:{x", "a:{x}:{x}", "a:{x...}:b", "a:*:b", "a*b", "a:{x}y", "x{y}", "{*}"} {
		func() {
			defer func() {
				if r := recover(); r == nil {
					t.Errorf("pattern %q was accepted", text)
				} else if s, _ := r.(string); text != "" && !strings.Contains(s, text) {
					t.Errorf("pattern %q: the panic does not name it: %v", text, r)
				}
			}()
			parsePattern(text)
		}()
	}
}

func TestMoreSpecificPatternCoversLess(t *testing.T) {
	tests := []struct {
		p, q               string
		overlaps           bool
		pCoversQ, qCoversP bool
	}{
		{"a:*", "a:b", true, true, false},
		{"a:*", "a:{x}", true, true, false},
		{"a:{x}", "a:b", true, true, false},
		{"a:{x}", "a:{y}", true, true, true},
		{"a:{x}:c", "a:b:{y}", true, false, false},
		{"a:*", "b:*", false, false, false},
		{"*", "a:{x}:c", true, true, false},
		{"foo*", "foo:bar", true, true, false},
		{"foo*", "foobar*", true, true, false},
		{"foo*", "fob*", false, false, false},
		{"a:b*", "a:{x}", true, false, false},
		{"a:{x}", "a:{x}:b", false, false, false},
		{"a:*", "a", false, false, false},
	}
	for _, tt := range tests {
		p, q := parsePattern(tt.p), parsePattern(tt.q)
		if got := p.overlaps(&q); got != tt.overlaps {
			t.Errorf("%q overlaps %q: %v, want %v", tt.p, tt.q, got, tt.overlaps)
		}
		if got := q.overlaps(&p); got != tt.overlaps {
			t.Errorf("%q overlaps %q: %v, want %v", tt.q, tt.p, got, tt.overlaps)
		}
		if !tt.overlaps {
			continue
		}
		if got := p.covers(&q); got != tt.pCoversQ {
			t.Errorf("%q covers %q: %v, want %v", tt.p, tt.q, got, tt.pCoversQ)
		}
		if got := q.covers(&p); got != tt.qCoversP {
			t.Errorf("%q covers %q: %v, want %v", tt.q, tt.p, got, tt.qCoversP)
		}
	}
}

// FuzzPattern checks that any pattern either panics or keeps its promises
// about any topic: what covers matches whatever the covered one matches, and
// patterns that share a topic overlap.
func FuzzPattern(f *testing.F) {
	f.Add("a:*", "a:{x}", "a:1")
	f.Add("foo*", "foo:{x...}", "foo:b:c")
	f.Add("a:{x}:c", "a:b:{y}", "a:b:c")
	f.Fuzz(func(t *testing.T, a, b, topic string) {
		p, ok := tryPattern(a)
		if !ok {
			return
		}
		q, ok := tryPattern(b)
		if !ok {
			return
		}
		inP, inQ := p.match(topic, nil), q.match(topic, nil)
		if inP && inQ && !p.overlaps(&q) {
			t.Errorf("%q and %q both match %q, but do not overlap", a, b, topic)
		}
		if inQ && !inP && p.covers(&q) && p.restName == "*" == (q.restName == "*") {
			t.Errorf("%q covers %q, but does not match %q", a, b, topic)
		}
	})
}

func tryPattern(text string) (p pattern, ok bool) {
	defer func() { ok = recover() == nil }()
	return parsePattern(text), true
}
