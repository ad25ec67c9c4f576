package web

import (
	"html/template"
	"strings"

	"github.com/roost-dev/roost/examples/rumbl/field"
)

// formFields are the fields of all forms, in the order in which they stand on
// their pages, with what the pages call them.
var formFields = []struct{ name, label string }{
	{"username", "Username"},
	{"name", "Name"},
	{"password", "Password"},
	{"old_password", "Current password"},
	{"new_password", "New password"},
	{"url", "Address"},
	{"title", "Title"},
	{"category", "Category"},
	{"description", "Description"},
}

// fieldProblem is what is wrong with a field, as a sentence.
type fieldProblem struct{ Field, Text string }

// summary returns what is wrong with a form, in the order of its fields.
func summary(problems field.Errors) []fieldProblem {
	var all []fieldProblem
	for _, f := range formFields {
		if what := problems[f.name]; what != "" {
			all = append(all, fieldProblem{f.name, f.label + " " + what + "."})
		}
	}
	return all
}

// problem returns what is wrong with the named field, for the paragraph below
// it, or nil.
func problem(problems field.Errors, name string) *fieldProblem {
	for _, p := range summary(problems) {
		if p.Field == name {
			return &p
		}
	}
	return nil
}

// describe returns the attributes that tie a field to its problem and to its
// hint, for those who do not see where they stand.
func describe(problems field.Errors, name string, hints ...string) template.HTMLAttr {
	var attributes string
	if problems[name] != "" {
		attributes = ` aria-invalid="true"`
		hints = append([]string{name + "-problem"}, hints...)
	}
	if len(hints) > 0 {
		attributes += ` aria-describedby="` + strings.Join(hints, " ") + `"`
	}
	return template.HTMLAttr(attributes) //nolint:gosec // of names that templates spell out
}
