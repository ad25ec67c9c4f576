package transport

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The bounds of [ParseParams]. A query over one of them is an error.
const (
	maxParams     = 1000 // pairs in one query
	maxParamDepth = 32   // brackets in one key
)

// ParseParams parses the query of a connect request into the params that the
// connect callback sees (spec/protocol.md §1). A value is a string, a []any
// or a map[string]any:
//
//	a=1            "a": "1"
//	a              "a": ""
//	a[b]=1&a[c]=2  "a": {"b": "1", "c": "2"}
//	a[]=1&a[]=2    "a": ["1", "2"]
//	a[][b]=1       "a": [{"b": "1"}]; every a[][...] means the same map
//
// Where pairs contradict each other, by giving a value twice or by using one
// key as two of value, list and map, the last one wins. A plus is a space. A
// percent sign without two hexadecimal digits behind it stands for itself.
//
// It is an error, to be answered with HTTP status 400, if a key or a value is
// not valid UTF-8, if there are more than 1,000 pairs, or if a key has more
// than 32 brackets.
func ParseParams(rawQuery string) (map[string]any, error) {
	root := paramLevel{}
	n := 0
	for pair := range strings.SplitSeq(rawQuery, "&") {
		if pair == "" {
			continue
		}
		if n++; n > maxParams {
			return nil, fmt.Errorf("query has more than %d parameters", maxParams)
		}
		rawKey, rawValue, _ := strings.Cut(pair, "=")
		key, value := unescapeParam(rawKey), unescapeParam(rawValue)
		if !utf8.ValidString(key) || !utf8.ValidString(value) {
			return nil, fmt.Errorf("query parameter %.40q is not valid UTF-8", key)
		}
		path := splitParamKey(key)
		if len(path) > maxParamDepth+1 {
			return nil, fmt.Errorf("query parameter %.40q is nested deeper than %d", path[0], maxParamDepth)
		}
		root.set(path, value)
	}
	return root.fieldValues(), nil
}

// paramLevel is what the pairs seen so far say of one key. Both readings are
// kept, since the last pair decides between list and map.
type paramLevel struct {
	fields map[string]any // string or *paramLevel
	items  []any          // string or *paramLevel
	nested *paramLevel    // the item that all of a[][...] mean
	isList bool
}

// set stores value at path below l, whose first step is always a field; an
// empty step further down is an item of a list.
func (l *paramLevel) set(path []string, value string) {
	last := len(path) - 1
	for i, step := range path[:last] {
		if l.isList = i > 0 && step == ""; l.isList {
			l = l.nestedItem()
		} else {
			l = l.nestedField(step)
		}
	}
	if l.isList = last > 0 && path[last] == ""; l.isList {
		l.items = append(l.items, value)
	} else {
		l.setField(path[last], value)
	}
}

func (l *paramLevel) nestedItem() *paramLevel {
	if l.nested == nil {
		l.nested = &paramLevel{}
		l.items = append(l.items, l.nested)
	}
	return l.nested
}

func (l *paramLevel) nestedField(name string) *paramLevel {
	if below, ok := l.fields[name].(*paramLevel); ok {
		return below
	}
	below := &paramLevel{}
	l.setField(name, below)
	return below
}

func (l *paramLevel) setField(name string, value any) {
	if l.fields == nil {
		l.fields = make(map[string]any)
	}
	l.fields[name] = value
}

// value returns l as a list or a map.
func (l *paramLevel) value() any {
	if !l.isList {
		return l.fieldValues()
	}
	list := make([]any, len(l.items))
	for i, item := range l.items {
		list[i] = paramValue(item)
	}
	return list
}

func (l *paramLevel) fieldValues() map[string]any {
	fields := make(map[string]any, len(l.fields))
	for name, field := range l.fields {
		fields[name] = paramValue(field)
	}
	return fields
}

func paramValue(v any) any {
	if below, ok := v.(*paramLevel); ok {
		return below.value()
	}
	return v
}

// splitParamKey splits "a[b][]" into "a", "b" and "". A key that is not of
// that form is one step.
func splitParamKey(key string) []string {
	head, rest, ok := strings.Cut(key, "[")
	if !ok || head == "" || !strings.HasSuffix(rest, "]") {
		return []string{key}
	}
	steps := strings.SplitN(strings.TrimSuffix(rest, "]"), "][", maxParamDepth+1)
	return append([]string{head}, steps...)
}

// unescapeParam undoes the escapes of a query; those that are none stay.
func unescapeParam(s string) string {
	if !strings.ContainsAny(s, "%+") {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch c {
		case '+':
			c = ' '
		case '%':
			if i+2 >= len(s) {
				break
			}
			if escaped, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				c, i = byte(escaped), i+2
			}
		}
		b.WriteByte(c)
	}
	return b.String()
}
