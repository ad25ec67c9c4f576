package contracts

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/roost-dev/roost/contract"
)

// typeNames gives each type of a contract a name of its own: its Go name or,
// where several have that, or it is reserved, with as much of its package's
// path before it as tells them apart.
func typeNames(c *contract.Contract, reserved ...string) map[string]string {
	refs := slices.Sorted(maps.Keys(c.Types))
	depth := map[string]int{}
	for deeper := true; deeper; {
		deeper = false
		for name, same := range groupBy(refs, func(ref string) string { return typeName(ref, depth[ref]) }) {
			other := func(ref string) bool { return !strings.EqualFold(ref, same[0]) }
			if !slices.ContainsFunc(same, other) && !slices.Contains(reserved, name) {
				continue // one type, or an exported one and one that is not
			}
			for _, ref := range same {
				if depth[ref] <= len(pathWords(ref)) {
					depth[ref]++
					deeper = true
				}
			}
		}
	}
	return distinct(groupBy(refs, func(ref string) string { return typeName(ref, depth[ref]) }))
}

// typeName turns "example.com/shop/live.Page[example.com/shop/live.Order]"
// into PageOrder, and into PageLiveOrder, then LivePageShopLiveOrder with more
// words of the paths.
func typeName(ref string, words int) string {
	outer, arguments, generic := strings.Cut(ref, "[")
	if !generic {
		return qualified(outer, words)
	}
	var name strings.Builder
	name.WriteString(qualified(outer, max(words-1, 0)))
	for argument := range strings.SplitSeq(strings.TrimSuffix(arguments, "]"), ",") {
		name.WriteString(camelCase(qualified(argument, words), true))
	}
	return name.String()
}

// qualified is a name with the last words of its path before it.
func qualified(name string, words int) string {
	dot := strings.LastIndexByte(name, '.')
	path := pathWords(name)
	short := upperFirst(name[dot+1:])
	for _, word := range slices.Backward(path[len(path)-min(words, len(path)):]) {
		short = upperFirst(word) + short
	}
	return short
}

// pathWords returns the import path of a type, in words.
func pathWords(ref string) []string {
	outer, _, _ := strings.Cut(ref, "[")
	return words(outer[:max(strings.LastIndexByte(outer, '.'), 0)])
}

// channelNames gives each channel a name in camel case: by what is constant in
// its pattern, and by the rest as well unless it is the shortest with that name.
func channelNames(c *contract.Contract) map[string]string {
	topics := make([]string, len(c.Channels))
	for i, channel := range c.Channels {
		topics[i] = channel.Topic
	}
	slices.SortStableFunc(topics, func(a, b string) int { return strings.Count(a, ":") - strings.Count(b, ":") })
	short := groupBy(topics, func(topic string) string { return channelName(topic, false) })
	long := groupBy(topics, func(topic string) string {
		name := channelName(topic, false)
		same := short[name]
		if same[0] == topic && (len(same) == 1 || strings.Count(same[1], ":") > strings.Count(topic, ":")) {
			return name
		}
		return channelName(topic, true)
	})
	return distinct(long)
}

// distinct turns groups by their names into names, numbered if need be.
func distinct(groups map[string][]string) map[string]string {
	names := map[string]string{}
	for name, same := range groups {
		for i, s := range same {
			names[s] = name
			if i > 0 {
				names[s] = fmt.Sprintf("%s%d", name, i+1)
			}
		}
	}
	return names
}

func channelName(topic string, whole bool) string {
	var constant, all []string
	for _, p := range parseTopic(topic) {
		all = append(all, p.literal, p.name)
		constant = append(constant, p.literal)
	}
	name := camelCase(strings.Join(constant, " "), false)
	if whole || name == "" {
		name = camelCase(strings.Join(all, " "), false)
	}
	first, size := utf8.DecodeRuneInString(name)
	if !unicode.IsLetter(first) {
		return "channel" + name
	}
	name = string(unicode.ToLower(first)) + name[size:]
	if slices.Contains(reservedWords, name) {
		return name + "Channel"
	}
	return name
}

// A topicPart is a part of a topic pattern between colons: something constant,
// then perhaps a parameter.
type topicPart struct{ literal, name string }

func parseTopic(topic string) []topicPart {
	var parts []topicPart
	for text := range strings.SplitSeq(topic, ":") {
		if name, isName := strings.CutPrefix(text, "{"); isName {
			name = strings.TrimSuffix(strings.TrimSuffix(name, "}"), "...")
			parts = append(parts, topicPart{name: name})
		} else if literal, isRest := strings.CutSuffix(text, "*"); isRest {
			parts = append(parts, topicPart{literal, restName(parts)})
		} else {
			parts = append(parts, topicPart{literal: text})
		}
	}
	return parts
}

// restName names what a star stands for, after the other parameters.
func restName(parts []topicPart) string {
	name := "rest"
	for i := 2; slices.ContainsFunc(parts, func(p topicPart) bool { return p.name == name }); i++ {
		name = fmt.Sprint("rest", i)
	}
	return name
}

// reservedWords are those that no function of JavaScript may be named.
var reservedWords = strings.Fields(`arguments await break case catch class const continue debugger default delete do else enum
	eval export extends false finally for function if implements import in instanceof interface let new null package private
	protected public return static super switch this throw true try typeof var void while with yield`)

func words(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

func camelCase(s string, upper bool) string {
	var b strings.Builder
	for i, word := range words(s) {
		if i > 0 || upper {
			word = upperFirst(word)
		}
		b.WriteString(word)
	}
	return b.String()
}

func upperFirst(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(first)) + s[size:]
}

func groupBy(all []string, key func(string) string) map[string][]string {
	groups := map[string][]string{}
	for _, s := range all {
		groups[key(s)] = append(groups[key(s)], s)
	}
	return groups
}
