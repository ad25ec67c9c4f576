//go:build linux

package bench

import (
	"cmp"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// A figure is one thing measured. Its name ends with its unit.
type figure struct {
	name  string
	value float64
}

// figures are what was measured, in the order of their importance. In JSON they are an object.
type figures []figure

func (f figures) get(name string) (float64, bool) {
	i := slices.IndexFunc(f, func(x figure) bool { return x.name == name })
	if i < 0 {
		return 0, false
	}
	return f[i].value, true
}

// MarshalJSONTo writes an object of the figures.
func (f figures) MarshalJSONTo(enc *jsontext.Encoder) error {
	if err := enc.WriteToken(jsontext.BeginObject); err != nil {
		return err
	}
	for _, x := range f {
		if err := cmp.Or(enc.WriteToken(jsontext.String(x.name)), enc.WriteToken(jsontext.Float(x.value))); err != nil {
			return err
		}
	}
	return enc.WriteToken(jsontext.EndObject)
}

// A result is what came of one workload.
type result struct {
	Workload string  `json:"workload"`
	Server   string  `json:"server"`
	Rounds   int     `json:"rounds"`  // more than one: the figures are medians
	Figures  figures `json:"figures"` // of the server
	// Beside is what the bare loop reached in between, with its name.
	Beside     string  `json:"beside,omitzero"`
	BareLoop   figures `json:"bare_loop,omitzero"`
	TimesThese figures `json:"times_bare_loop,omitzero"` // the server's by those, medians of the rounds
}

// print writes a table for people.
func (r *result) print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	title := r.Workload
	if r.Rounds > 1 {
		title += fmt.Sprintf(", medians of %d", r.Rounds)
	}
	fmt.Fprintf(t, "%s\t%s\t", title, r.Server)
	if r.Beside != "" {
		fmt.Fprintf(t, "%s\tratio\t", r.Beside)
	}
	fmt.Fprintln(t)
	for _, f := range r.Figures {
		fmt.Fprintf(t, "%s\t%s\t", spaced(f.name), human(f.value))
		if value, ok := r.BareLoop.get(f.name); ok {
			ratio, _ := r.TimesThese.get(f.name)
			fmt.Fprintf(t, "%s\t%.2f\t", human(value), ratio)
		}
		fmt.Fprintln(t)
	}
	return t.Flush()
}

// printJSON writes the result on a line.
func printJSON(w io.Writer, v any) error {
	if err := json.MarshalWrite(w, v, json.Deterministic(true)); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func spaced(name string) string { return strings.ReplaceAll(name, "_", " ") }

// human shows four digits, the thousands apart.
func human(v float64) string {
	switch {
	case v >= 999.5:
		whole := strconv.FormatInt(int64(v+0.5), 10)
		for i := len(whole) - 3; i > 0; i -= 3 {
			whole = whole[:i] + "," + whole[i:]
		}
		return whole
	case v >= 99.995:
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

// medians returns the median of each figure over the rounds, which all measured the same.
func medians(rounds []figures) figures {
	if len(rounds) == 0 {
		return nil
	}
	out := slices.Clone(rounds[0])
	for i, f := range out {
		var values []float64
		for _, r := range rounds {
			if v, ok := r.get(f.name); ok {
				values = append(values, v)
			}
		}
		out[i].value = median(values)
	}
	return out
}

func median(values []float64) float64 {
	slices.Sort(values)
	middle := len(values) / 2
	if len(values)%2 == 1 {
		return values[middle]
	}
	return (values[middle-1] + values[middle]) / 2
}

// ratios returns each figure by the same one of another run of the same.
func ratios(of, by figures) figures {
	var out figures
	for _, f := range of {
		if v, ok := by.get(f.name); ok && v != 0 {
			out = append(out, figure{f.name, f.value / v})
		}
	}
	return out
}
