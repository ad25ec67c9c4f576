//go:build linux

package bench

import (
	"bytes"
	"strings"
	"testing"
)

func TestTheMedianOfEachFigureCounts(t *testing.T) {
	got := medians([]figures{{{"a", 1}, {"b", 30}}, {{"a", 3}, {"b", 10}}, {{"a", 2}, {"b", 20}}})
	if a, _ := got.get("a"); a != 2 {
		t.Errorf("a is %g", a)
	}
	if b, _ := got.get("b"); b != 20 {
		t.Errorf("b is %g", b)
	}
	if m := median([]float64{4, 1, 3, 2}); m != 2.5 {
		t.Errorf("the median of four is %g", m)
	}
}

func TestAResultIsATableOrALineOfJSON(t *testing.T) {
	res := &result{
		Workload: "rr", Server: "here", Rounds: 3, Figures: figures{{"replies_per_second", 80123.4}, {"p50_ms", 1.25}},
		Beside: "floor", BareLoop: figures{{"replies_per_second", 100000}}, TimesThese: figures{{"replies_per_second", 0.8}},
	}
	var table, line bytes.Buffer
	if err := res.print(&table); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"rr, medians of 3", "replies per second  80,123  100,000   0.80", "p50 ms    1.25"} {
		if !strings.Contains(table.String(), want) {
			t.Errorf("%q is not in\n%s", want, &table)
		}
	}
	if err := printJSON(&line, res); err != nil {
		t.Fatal(err)
	}
	want := `{"workload":"rr","server":"here","rounds":3,"figures":{"replies_per_second":80123.4,"p50_ms":1.25},` +
		`"beside":"floor","bare_loop":{"replies_per_second":100000},"times_bare_loop":{"replies_per_second":0.8}}` + "\n"
	if line.String() != want {
		t.Errorf("%s, want %s", &line, want)
	}
}

func TestNumbersForPeople(t *testing.T) {
	for v, want := range map[float64]string{0: "0.00", 1.234: "1.23", 123.4: "123", 999.7: "1,000", 1000: "1,000", 1234567.8: "1,234,568"} {
		if got := human(v); got != want {
			t.Errorf("%g: %s, want %s", v, got, want)
		}
	}
}

func TestAPromiseIsMetByItsFigureOrItsShareOfTheFloor(t *testing.T) {
	for name, test := range map[string]struct {
		promise  promise
		measured float64
		times    float64
		met      bool
	}{
		"enough":             {promise{target: 100, least: true}, 100, 0, true},
		"too little":         {promise{target: 100, least: true}, 99, 0, false},
		"low enough":         {promise{target: 100}, 100, 0, true},
		"too much":           {promise{target: 100}, 101, 0, false},
		"too little, shared": {promise{target: 100, least: true, share: 0.7}, 50, 0.7, true},
		"too small a share":  {promise{target: 100, least: true, share: 0.7}, 50, 0.69, false},
		"too much, shared":   {promise{target: 100, share: 1.4}, 200, 1.4, true},
		"too large a share":  {promise{target: 100, share: 1.4}, 200, 1.41, false},
		"a ratio":            {promise{target: 1.15, ratio: true}, 9, 1.15, true},
		"too high a ratio":   {promise{target: 1.15, ratio: true}, 1, 1.16, false},
	} {
		test.promise.figure = "f"
		v := test.promise.judge(&result{Figures: figures{{"f", test.measured}}, TimesThese: figures{{"f", test.times}}})
		if v.Met != test.met {
			t.Errorf("%s: %+v", name, v)
		}
	}
}

// A star says that a share of the floor is enough.
func TestTheSetPromisesEachThingOnce(t *testing.T) {
	seen := map[string]bool{}
	for _, trial := range trials(1, 1) {
		for _, p := range trial.promises {
			if seen[p.what] || p.target <= 0 || (p.share > 0) != strings.HasSuffix(p.what, "*") || (p.share > 0 || p.ratio) && trial.beside == nil {
				t.Errorf("%+v", p)
			}
			seen[p.what] = true
		}
	}
}
