package history_test

import (
	"math"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/roost-dev/roost/history"
)

func positions() []history.Position {
	return []history.Position{
		{Epoch: "a", Seq: 0},
		{Epoch: "1", Seq: 5},
		{Epoch: "1e5", Seq: 5},
		{Epoch: "0x1", Seq: 14},
		{Epoch: "-1", Seq: 1},
		{Epoch: "Infinity", Seq: 1},
		{Epoch: "kT3_-b9Zq0aX", Seq: 35},
		{Epoch: "kT3_-b9Zq0aX", Seq: 36},
		{Epoch: strings.Repeat("z", 64), Seq: math.MaxUint64},
	}
}

func TestPositionsSurviveAsStrings(t *testing.T) {
	for _, p := range append(positions(), history.Position{}) {
		got, err := history.ParsePosition(p.String())
		if err != nil || got != p {
			t.Errorf("%+v is %q, which is read as %+v, error %v", p, p, got, err)
		}
	}
}

func TestPositionsAreWordsButNoNumbers(t *testing.T) {
	for _, p := range positions() {
		word := p.String()
		if len(word) > 100 || url.QueryEscape(word) != word || url.PathEscape(word) != word {
			t.Errorf("%q is not a short word that may stand in a URL", word)
		}
		_, floatErr := strconv.ParseFloat(word, 64)
		_, intErr := strconv.ParseInt(word, 0, 64)
		if floatErr == nil || intErr == nil {
			t.Errorf("%q can be read as a number", word)
		}
	}
}

func TestOnlyPositionsAreRead(t *testing.T) {
	for _, s := range []string{
		" ", "1", "12", "-1", "1.5", "null", "undefined", "[object Object]", "a", "a.", ".1.", "..", ".", "a.1", "a..", "a.1..", "a.1.1", "a.1.1.",
		" a.1.", "a.1. ", "a .1.", "a. 1.", "a.01.", "a.+1.", "a.-1.", "a.1_0.", "a.0x1.", "a.Z.", "a.ä.", "ä.1.", "a\x00.1.", "a\n.1.", "a/b.1.",
		"a%20.1.", "a.1.\n", "a.3w5e11264sgsg.", // 2^64
		strings.Repeat("z", 65) + ".1.", strings.Repeat("9", 1<<20), "a." + strings.Repeat("9", 1<<20) + ".", "\xff.1.",
	} {
		if p, err := history.ParsePosition(s); err == nil {
			t.Errorf("%.80q is read as %+v", s, p)
		} else if len(err.Error()) > 200 {
			t.Errorf("the error for %d bytes has %d", len(s), len(err.Error()))
		}
	}
}

func FuzzParsePosition(f *testing.F) {
	for _, p := range positions() {
		f.Add(p.String())
	}
	for _, s := range []string{"", ".", "a.01.", "a.1.1.", "-.z."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := history.ParsePosition(s)
		if err != nil {
			if p != (history.Position{}) {
				t.Errorf("%q gives %+v and error %v", s, p, err)
			}
			return
		}
		if p.String() != s || len(s) > 100 || p.IsZero() != (s == "") {
			t.Errorf("%q is read as %+v, and that is written %q", s, p, p)
		}
	})
}
