package replay

import (
	"cmp"
	"slices"
	"time"
)

const (
	// deliberate is the least pause of a recording that belongs to the scenario. Shorter ones, before a frame, only gave
	// stray frames time to arrive; for that settle is enough.
	deliberate = time.Second
	settle     = 30 * time.Millisecond

	// slack is how much later than in the recording something may happen that waits for a clock.
	slack = 1500 * time.Millisecond
)

// An op is a step to do, or the beginning or the end of one that overlaps others.
type op struct {
	step  *Step
	phase phase
	pause time.Duration // since the op before, in the recording
}

type phase int

const (
	whole phase = iota
	begin
	finish
)

// schedule puts the steps in the order in which they are done. The recording lists a request where its answer came; one
// that other steps overtook must begin before them.
func schedule(steps []Step) []op {
	var ops []op
	begun := map[int]bool{}
	for i := range steps {
		s := &steps[i]
		if s.Dir == "note" && cutNote.FindString(s.Note) == "" {
			continue
		}
		var overtaken []*Step
		for j := i + 1; j < len(steps); j++ {
			if later := &steps[j]; later.Dir == "http" && later.began() < s.began() && !begun[j] {
				overtaken = append(overtaken, later)
				begun[j] = true
			}
		}
		slices.SortStableFunc(overtaken, func(a, b *Step) int { return cmp.Compare(a.began(), b.began()) })
		for _, o := range overtaken {
			ops = append(ops, op{step: o, phase: begin})
		}
		if begun[i] {
			ops = append(ops, op{step: s, phase: finish})
		} else {
			ops = append(ops, op{step: s})
		}
	}
	setPauses(ops)
	return ops
}

func setPauses(ops []op) {
	var last time.Duration
	for i := range ops {
		o := &ops[i]
		from, to := o.step.began(), o.step.at()
		switch o.phase {
		case begin:
			to = from
		case finish:
			from = to
		}
		if i > 0 {
			o.pause = max(0, from-last)
		}
		last = max(last, to)
	}
}

// delay is how long to wait before the op.
func (o op) delay() time.Duration {
	if o.phase == finish {
		return 0
	}
	switch o.step.Dir {
	case "http", "server_action":
		return o.pause // how messages gather in polls depends on it
	case "connect", "send", "note":
		if o.pause >= deliberate {
			return o.pause
		}
		return min(o.pause, settle)
	}
	return 0
}

// waitsForClock reports whether the ops are about time: something in them waits for longer than it takes to settle.
func waitsForClock(ops []op) bool {
	return slices.ContainsFunc(ops, func(o op) bool { return o.pause >= deliberate })
}
