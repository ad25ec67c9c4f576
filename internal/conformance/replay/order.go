package replay

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"
)

// An expectation is a recorded message that is still to come.
type expectation struct {
	value any
	at    time.Duration // when it was recorded
}

// sameMoment is how close together two messages were recorded that one moment caused.
const sameMoment = 5 * time.Millisecond

// pick finds which of the messages still to come, in their recorded order, a received one is, and binds what is free in
// it. It is the first, unless that one may come later. It is two if the server told of two changes of presence that one
// moment caused in one message (docs/differences.md).
func (b *bindings) pick(want []expectation, got any) ([]int, error) {
	if len(want) == 0 {
		return nil, fmt.Errorf(": nothing more expected, got %s", clip(fmt.Sprint(got)))
	}
	var first error
	for i, w := range want {
		if slices.ContainsFunc(want[:i], func(before expectation) bool { return !mayCross(before, w) }) {
			continue
		}
		err := b.try(w.value, got)
		if err == nil {
			return []int{i}, nil
		}
		first = cmp.Or(first, err)
	}
	if len(want) > 1 && b.matchTogether(want[0], want[1], got) {
		return []int{0, 1}, nil
	}
	return nil, first
}

// try is match, but binds nothing if it fails.
func (b *bindings) try(want, got any) error {
	trial := b.clone()
	err := trial.match(want, got)
	if err == nil {
		*b = *trial
	}
	return err
}

// mayCross reports whether two messages of one connection may change places, since they come from different processes:
// a diff of presences and the state it belongs to; two diffs that one moment caused; and the answer to a heartbeat, which
// waits for no conversation.
func mayCross(a, b expectation) bool {
	m, n := headOf(a.value), headOf(b.value)
	atOnce := (a.at - b.at).Abs() <= sameMoment
	switch {
	case m.topic == "phoenix" || n.topic == "phoenix":
		return m.topic != n.topic && atOnce
	case m.topic != n.topic || !m.isPresence() || !n.isPresence():
		return false
	}
	return m.event != n.event || m.event == "presence_diff" && atOnce
}

// matchTogether compares a received diff with two recorded ones that one moment caused, in one or the other order.
func (b *bindings) matchTogether(first, second expectation, got any) bool {
	m, n := headOf(first.value), headOf(second.value)
	if m != n || m.event != "presence_diff" || (first.at-second.at).Abs() > sameMoment {
		return false
	}
	return b.try(together(first.value, second.value), got) == nil || b.try(together(second.value, first.value), got) == nil
}

// A head is what a message is about. Topic and event are strings but in answers to malformed messages.
type head struct{ topic, event any }

func (h head) isPresence() bool { return h.event == "presence_state" || h.event == "presence_diff" }

// headOf looks at a parsed text frame of either serializer.
func headOf(message any) head {
	switch m := message.(type) {
	case []any:
		if len(m) == 5 {
			return head{fmt.Sprint(m[2]), m[3]}
		}
	case map[string]any:
		return head{fmt.Sprint(m["topic"]), m["event"]}
	}
	return head{}
}

// together returns the first of two diffs with the metas of the second behind its own.
func together(a, b any) any {
	switch m := a.(type) {
	case []any:
		return append(slices.Clone(m[:4]), together(m[4], b.([]any)[4]))
	case map[string]any:
		sum, other := maps.Clone(m), b.(map[string]any)
		for name, value := range other {
			mine, both := sum[name]
			metas, isList := value.([]any)
			switch mineMetas, _ := mine.([]any); {
			case !both:
				sum[name] = value
			case isList:
				sum[name] = slices.Concat(mineMetas, metas)
			default:
				sum[name] = together(mine, value)
			}
		}
		return sum
	}
	return a
}
