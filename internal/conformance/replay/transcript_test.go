package replay

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const recordings = "../../../spec/transcripts"

func load(t *testing.T, name string) Transcript {
	t.Helper()
	tr, err := Load(filepath.Join(recordings, name))
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func TestElidedFramesAreRestoredToTheirSize(t *testing.T) {
	var restored int
	for _, s := range load(t, "21_max_frame_size.json").Steps {
		_, size, elided, err := cutElision(s.Data)
		if err != nil {
			t.Fatal(err)
		}
		if !elided {
			continue
		}
		restored++
		payload, err := s.Payload()
		if err != nil || len(payload) != size {
			t.Errorf("%v: %d bytes, %v; want %d", &s, len(payload), err, size)
		}
		if s.Kind == "text" {
			if _, err := parse(string(payload)); err != nil {
				t.Errorf("%v: %v", &s, err)
			}
		}
	}
	if restored == 0 {
		t.Error("nothing was elided")
	}
}

func TestFragmentsOfARestoredMessageFitTogether(t *testing.T) {
	var message []byte
	for _, s := range load(t, "21_max_frame_size.json").Steps {
		if s.Kind != "raw_frame" {
			continue
		}
		payload, err := s.Payload()
		if err != nil {
			t.Fatal(err)
		}
		message = append(message, payload...)
		if s.Opts.Fin == nil {
			if _, err := parse(string(message)); err != nil {
				t.Errorf("%v: %v", &s, err)
			}
			message = nil
		}
	}
}

func TestRequestsThatOverlapBeginInTheirOrder(t *testing.T) {
	tr := load(t, "33_longpoll_timing.json")
	var ops []string
	for _, o := range schedule(tr.Steps[3:]) {
		ops = append(ops, fmt.Sprint([]string{"do", "begin", "finish"}[o.phase], " ", o.step.Index))
	}
	got := strings.Join(ops, ", ")
	// The broadcast (4) wakes the poll (5). The first of two polls (22) ends last, and the post (20) answers the second (21).
	for _, want := range []string{"do 3, begin 5, do 4, finish 5, do 6", "do 19, begin 22, begin 21, do 20, finish 21, finish 22"} {
		if !strings.Contains(got, want) {
			t.Errorf("want %s in %s", want, got)
		}
	}
}

func TestOnlyScenariosAboutTimeWaitForIt(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(recordings, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no recordings: %v", err)
	}
	var timed []string
	for _, file := range files {
		tr := load(t, filepath.Base(file))
		if waitsForClock(schedule(tr.Steps)) {
			timed = append(timed, tr.Name)
		}
	}
	if want := []string{"23_idle_timeout.json", "33_longpoll_timing.json"}; !slices.Equal(timed, want) {
		t.Errorf("got %v, want %v", timed, want)
	}
}

func TestASplitTranscriptKeepsEachStepOnce(t *testing.T) {
	tr := load(t, "23_idle_timeout.json")
	parts := tr.Split([][]string{{"A"}, {"D"}})
	if len(parts) != 3 {
		t.Fatalf("%d parts", len(parts))
	}
	var indexes []int
	for _, p := range parts {
		for _, s := range p.Steps {
			indexes = append(indexes, s.Index)
		}
	}
	slices.Sort(indexes)
	for i := range tr.Steps {
		if indexes[i] != i {
			t.Fatalf("steps %v", indexes)
		}
	}
	if action := parts[1].Steps[3]; action.Dir != "server_action" {
		t.Errorf("the action belongs to D, who sees what it does; got %v", &action)
	}
	if first := schedule(parts[1].Steps)[0]; first.pause != 0 {
		t.Errorf("a part begins at once, not after %v", first.pause)
	}
}

func TestADifferenceChangesOnlyItsFile(t *testing.T) {
	tr := load(t, "23_idle_timeout.json")
	edit := func(t *Transcript) {
		t.Step(1).Code = 1001
		t.Replace(2, 3, Step{Dir: "recv", Kind: "text"}, Step{Dir: "recv", Kind: "tcp_eof"})
		t.Step(6).Code = 1001
	}
	got := tr.With([]Difference{{File: "another.json", Edit: edit}})
	if len(got.Steps) != len(tr.Steps) || got.Steps[1].Code != 1002 {
		t.Error("a difference of another file has an effect")
	}
	got = tr.With([]Difference{{File: tr.Name, Edit: edit}})
	if len(got.Steps) != len(tr.Steps)+1 || got.Steps[1].Code != 1001 || got.Steps[7].Code != 1001 {
		t.Errorf("not edited: %v", got.Steps[:8])
	}
	if s := got.Steps[2]; s.Conn != "A" || s.at() != 2003*time.Millisecond {
		t.Errorf("the step put in is %v at %v", &s, s.at())
	}
	if tr.Steps[1].Code != 1002 {
		t.Error("the original was changed")
	}
}
