// Package field says what is wrong with the fields of a form, so that a page
// or an error reply can show each problem beside the field it is about.
package field

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Errors maps the name of a field to what is wrong with it, said to the person
// who filled it in. The zero value is not usable for writing; start from
// Errors{}. It is not safe for concurrent use.
type Errors map[string]string

// Add records a problem with the named field. The first problem of a field is
// kept, since later ones often follow from it.
func (e Errors) Add(name, problem string) {
	if _, ok := e[name]; !ok {
		e[name] = problem
	}
}

// Line checks a text of one line and returns it without surrounding space. It
// must be valid UTF-8 without control characters, and of least to most
// characters, something of which can be seen if there must be any; whatever is wrong is recorded under name.
func (e Errors) Line(name, value string, least, most int) string {
	return e.text(name, value, least, most, "")
}

// Text checks a text of any number of lines; otherwise it is like Line.
func (e Errors) Text(name, value string, least, most int) string {
	return e.text(name, strings.ReplaceAll(value, "\r\n", "\n"), least, most, "\n\t")
}

func (e Errors) text(name, value string, least, most int, control string) string {
	value = strings.TrimSpace(value)
	length := utf8.RuneCountInString(value)
	switch {
	case !utf8.ValidString(value):
		e.Add(name, "must be valid text (UTF-8)")
	case strings.ContainsFunc(value, func(r rune) bool {
		return unicode.IsControl(r) && !strings.ContainsRune(control, r) || turnsAround(r)
	}):
		e.Add(name, "must not contain control characters")
	case least > 0 && !strings.ContainsFunc(value, unicode.IsGraphic):
		e.Add(name, "must not be empty")
	case length < least:
		e.Add(name, fmt.Sprintf("must have at least %d characters", least))
	case length > most:
		e.Add(name, fmt.Sprintf("must have at most %d characters, and has %d", most, length))
	}
	return value
}

// turnsAround says whether r has what stands beside it read backwards, beyond
// the text that it is in: an embedding or an override of Unicode's.
func turnsAround(r rune) bool { return r >= '\u202a' && r <= '\u202e' }

// Err returns e, or nil if there is nothing wrong.
func (e Errors) Err() error {
	if len(e) == 0 {
		return nil
	}
	return e
}

// Error lists the problems by the name of their field.
func (e Errors) Error() string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(e)) {
		all = append(all, name+" "+e[name])
	}
	return strings.Join(all, "; ")
}
