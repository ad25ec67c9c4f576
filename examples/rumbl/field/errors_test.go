package field_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/roost-dev/roost/examples/rumbl/field"
)

func TestLineSaysWhatIsWrong(t *testing.T) {
	tests := []struct {
		name, value, want string
	}{
		{"within bounds", "Ada", ""},
		{"counted in characters, not bytes", strings.Repeat("ö", 5), ""},
		{"empty", "", "must not be empty"},
		{"only space", " \t ", "must not be empty"},
		{"nothing to be seen", "\u200b\u2060", "must not be empty"},
		{"an emoji that is joined", "👩\u200d🚀", ""},
		{"turned around", "a\u202eb", "must not contain control characters"},
		{"too short", "A", "must have at least 2 characters"},
		{"too long", "Adaada", "must have at most 5 characters, and has 6"},
		{"two lines", "A\nb", "must not contain control characters"},
		{"invalid UTF-8", "A\xffb", "must be valid text (UTF-8)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			problems := field.Errors{}
			problems.Line("name", tt.value, 2, 5)
			if got := problems["name"]; got != tt.want {
				t.Errorf("Line(%q): problem %q, want %q", tt.value, got, tt.want)
			}
		})
	}
}

func TestTextKeepsLinesAndTrims(t *testing.T) {
	problems := field.Errors{}
	got := problems.Text("body", "  one\r\ntwo  ", 1, 10)
	if want := "one\ntwo"; got != want || problems.Err() != nil {
		t.Errorf("Text = %q, %v; want %q, no problem", got, problems.Err(), want)
	}
}

func TestErrIsNilWithoutProblemsAndFoundByErrorsAs(t *testing.T) {
	problems := field.Errors{}
	if err := problems.Err(); err != nil {
		t.Fatalf("Err() = %v without problems", err)
	}
	problems.Add("b", "is late")
	problems.Add("a", "is early")
	problems.Add("a", "is also odd")
	err := problems.Err()
	if got, want := err.Error(), "a is early; b is late"; got != want {
		t.Errorf("Error() = %q, want %q", got, want)
	}
	if _, ok := errors.AsType[field.Errors](err); !ok {
		t.Error("errors.AsType does not find field.Errors")
	}
}
