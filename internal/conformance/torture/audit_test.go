//go:build linux

package torture

import (
	"fmt"
	"slices"
)

// An account is what one channel was told, if nothing is wrong with it.
type account struct {
	events, twice, recoveries, gaps, skipped int

	// between has the uncertain events that were told behind each certain one, wherever nothing is missing before the next.
	between map[int][]int
}

// An auditor goes through what a channel was told of a topic's events. Certain ones must come in order and once, and all of them,
// but for a gap that was told in its place. An uncertain one may come or not, anywhere, but once.
type auditor struct {
	account

	kind      kind
	events    []event
	seen      map[int]bool
	certain   int // the certain event that was told last
	last      int // the event that was told last
	gap       bool
	skips     int // events that the connection could not carry
	uncertain []int
}

// audit returns what a channel's notes come to, or what is wrong with them.
func audit(k kind, events []event, told []note) (account, error) {
	a := &auditor{kind: k, events: events, seen: make(map[int]bool), account: account{between: make(map[int][]int)}}
	for i, n := range told {
		if err := a.take(n); err != nil {
			return a.account, fmt.Errorf("%w; it was told %v", err, told[max(0, i-20):i+1])
		}
	}
	if missing := a.missing(len(events) + 1); len(missing) > 0 && !a.gap {
		return a.account, fmt.Errorf("%v are missing at the end", missing)
	}
	return a.account, nil
}

func (a *auditor) take(n note) error {
	switch n.Kind {
	case "event":
		return a.event(n.N)
	case "recovered":
		a.recoveries++
	case "gap":
		a.gaps++
		a.gap = true
	case "skipped":
		if a.kind.transport != "LongPoll" {
			return fmt.Errorf("a %s was told that it cannot carry an event", a.kind.transport)
		}
		a.skipped++
		a.skips++
	default:
		return fmt.Errorf("what is %q?", n.Kind)
	}
	return nil
}

func (a *auditor) event(n int) error {
	switch {
	case n < 1 || n > len(a.events):
		return fmt.Errorf("there is no event %d", n)
	case a.seen[n]:
		// The position of bytes comes behind them, and stock clients do not compare.
		if n == a.last && a.events[n-1].binary && a.kind.library == "phoenix" {
			a.twice++
			return nil
		}
		return fmt.Errorf("event %d came twice", n)
	}
	a.seen[n], a.last = true, n
	a.account.events++
	if !a.events[n-1].certain {
		a.uncertain = append(a.uncertain, n)
		return nil
	}
	if n < a.certain {
		return fmt.Errorf("event %d came behind %d", n, a.certain)
	}
	if !a.gap {
		if err := a.whole(n); err != nil {
			return err
		}
		a.between[a.certain] = a.uncertain
	}
	a.certain, a.uncertain, a.gap, a.skips = n, nil, false, 0
	return nil
}

// whole fails unless all is there from the last certain event to n, but for what the connection could not carry.
func (a *auditor) whole(n int) error {
	missing := a.missing(n)
	if slices.ContainsFunc(missing, func(m int) bool { return !a.events[m-1].binary }) || len(missing) > a.skips {
		return fmt.Errorf("%v are missing before event %d, which the connection could not carry %d of", missing, n, a.skips)
	}
	possible := len(missing)
	for i, e := range a.events {
		if e.binary && !e.certain && !a.seen[i+1] {
			possible++
		}
	}
	if a.skips > possible {
		return fmt.Errorf("%d events before %d were told to be lost to this connection, which only %d were", a.skips, n, possible)
	}
	return nil
}

// missing returns the certain events before n that were not told.
func (a *auditor) missing(n int) (missing []int) {
	for m := a.certain + 1; m < n; m++ {
		if a.events[m-1].certain {
			missing = append(missing, m)
		}
	}
	return missing
}

// An agreement is what all channels of a topic must agree on: which of the uncertain events are in its log, and where.
type agreement struct {
	events []event
	all    map[int]testimony
	texts  map[int]testimony // of these alone, since some connections carry nothing else
}

type testimony struct {
	who  string
	told []int
}

func newAgreement(events []event) *agreement {
	return &agreement{events, make(map[int]testimony), make(map[int]testimony)}
}

// agree fails if what a channel was told is not what others were.
func (a *agreement) agree(who string, k kind, acc account) error {
	for behind, told := range acc.between {
		if k.transport != "LongPoll" {
			if err := compare(a.all, behind, testimony{who, told}); err != nil {
				return err
			}
		}
		texts := slices.DeleteFunc(slices.Clone(told), func(n int) bool { return a.events[n-1].binary })
		if err := compare(a.texts, behind, testimony{who, texts}); err != nil {
			return err
		}
	}
	return nil
}

func compare(known map[int]testimony, behind int, told testimony) error {
	other, ok := known[behind]
	if !ok {
		known[behind] = told
		return nil
	}
	if !slices.Equal(other.told, told.told) {
		return fmt.Errorf("behind event %d it was told %v, which is uncertain, and %s was told %v", behind, told.told, other.who, other.told)
	}
	return nil
}

func (a *account) add(b account) {
	a.events += b.events
	a.twice += b.twice
	a.recoveries += b.recoveries
	a.gaps += b.gaps
	a.skipped += b.skipped
}
