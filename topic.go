package roost

import (
	"fmt"
	"strings"
)

// maxTopic bounds a topic that can be joined, in bytes.
const maxTopic = 4096

// pattern is a parsed topic pattern: segments between colons, each a literal
// or a {name}, and perhaps a rest that matches everything.
type pattern struct {
	text     string
	segments []segment
	rest     bool   // ends in * or {name...}
	prefix   string // what the rest must begin with: "foo*"
	restName string // "*" or the name
}

type segment struct {
	literal string
	name    string // of a {name}; empty for a literal
}

// parsePattern panics on a bad pattern: it is a mistake in the program.
func parsePattern(text string) pattern {
	p := pattern{text: text}
	if text == "" {
		panic("roost: a topic pattern must not be empty")
	}
	names := map[string]bool{}
	parts := strings.Split(text, ":")
	for i, part := range parts {
		last := i == len(parts)-1
		name, isName := strings.CutPrefix(part, "{")
		switch {
		case isName:
			name, closed := strings.CutSuffix(name, "}")
			name, isRest := strings.CutSuffix(name, "...")
			if !closed || name == "" || strings.ContainsAny(name, "{}*.") || names[name] || isRest && !last {
				panic(fmt.Sprintf("roost: topic pattern %q: bad segment %q; write {name}, each name once, or {name...} at the end", text, part))
			}
			names[name] = true
			if isRest {
				p.rest, p.restName = true, name
			} else {
				p.segments = append(p.segments, segment{name: name})
			}
		case last && strings.HasSuffix(part, "*"):
			p.rest, p.restName, p.prefix = true, "*", strings.TrimSuffix(part, "*")
			mustLiteral(text, p.prefix)
		default:
			mustLiteral(text, part)
			p.segments = append(p.segments, segment{literal: part})
		}
	}
	return p
}

// keptPattern is the pattern of topics that a [history.Keep] names: only a star
// at the very end is special there.
func keptPattern(topic string) pattern {
	p := pattern{text: topic}
	parts := strings.Split(topic, ":")
	last := len(parts) - 1
	p.prefix, p.rest = strings.CutSuffix(parts[last], "*")
	if p.rest {
		p.restName, parts = "*", parts[:last]
	} else {
		p.prefix = ""
	}
	for _, part := range parts {
		p.segments = append(p.segments, segment{literal: part})
	}
	return p
}

func mustLiteral(text, part string) {
	if strings.ContainsAny(part, "{}*") {
		panic(fmt.Sprintf("roost: topic pattern %q: bad segment %q; * stands at the very end, {name} between colons", text, part))
	}
}

// match reports whether p matches topic, and calls found with each name.
func (p *pattern) match(topic string, found func(name, value string)) bool {
	rest := topic
	for i, s := range p.segments {
		part, after, more := strings.Cut(rest, ":")
		lastSegment := i == len(p.segments)-1 && !p.rest
		if more == lastSegment { // too many segments, or too few
			return false
		}
		if s.name == "" && part != s.literal || s.name != "" && part == "" {
			return false
		}
		if s.name != "" && found != nil {
			found(s.name, part)
		}
		rest = after
	}
	if !p.rest {
		return true
	}
	if !strings.HasPrefix(rest, p.prefix) || p.restName != "*" && rest == "" {
		return false
	}
	if found != nil {
		found(p.restName, rest[len(p.prefix):])
	}
	return true
}

// covers reports whether p matches every topic that q matches.
func (p *pattern) covers(q *pattern) bool {
	for i, s := range p.segments {
		if i >= len(q.segments) {
			return false
		}
		if s.name == "" && (q.segments[i].name != "" || q.segments[i].literal != s.literal) {
			return false
		}
	}
	n := len(p.segments)
	if !p.rest {
		return !q.rest && len(q.segments) == n
	}
	if len(q.segments) == n {
		return q.rest && strings.HasPrefix(q.prefix, p.prefix)
	}
	next := q.segments[n]
	return p.prefix == "" || next.name == "" && strings.HasPrefix(next.literal, p.prefix)
}

// overlaps reports whether some topic matches both p and q.
func (p *pattern) overlaps(q *pattern) bool {
	n := min(len(p.segments), len(q.segments))
	for i := range n {
		a, b := p.segments[i], q.segments[i]
		if a.name == "" && b.name == "" && a.literal != b.literal {
			return false
		}
	}
	if len(p.segments) > len(q.segments) {
		p, q = q, p
	}
	if len(p.segments) == len(q.segments) {
		if p.rest && q.rest {
			return strings.HasPrefix(p.prefix, q.prefix) || strings.HasPrefix(q.prefix, p.prefix)
		}
		return !p.rest && !q.rest
	}
	if !p.rest {
		return false
	}
	next := q.segments[n]
	return next.name != "" || strings.HasPrefix(next.literal, p.prefix)
}
