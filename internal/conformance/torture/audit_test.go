//go:build linux

package torture

import (
	"fmt"
	"slices"
)

// An account is what one channel was told, if nothing is wrong with it.
type account struct {
	events, twice, recoveries, late, gaps, skipped int // late: of the events, as the server counts

	all   between
	texts between // as if there were nothing else, since some connections carry nothing else
}

// between has the uncertain events that were told behind each certain one, wherever no gap was told before the next.
type between struct {
	told   map[int][]int
	behind int
	open   []int
	gap    bool
}

func (b *between) certain(n int) {
	if !b.gap {
		b.told[b.behind] = b.open
	}
	b.behind, b.open, b.gap = n, nil, false
}

func (a *account) add(b account) {
	a.events += b.events
	a.twice += b.twice
	a.recoveries += b.recoveries
	a.late += b.late
	a.gaps += b.gaps
	a.skipped += b.skipped
}

// An auditor goes through what a channel was told of a topic's events. Certain ones must come in order and once, and all of them,
// but for a gap that was told in its place. An uncertain one may come or not, anywhere, but once.
type auditor struct {
	account

	kind   kind
	events []event
	seen   map[int]bool
	last   int // the event that was told last
	skips  int // events that the connection could not carry
}

// audit returns what a channel's notes come to, or what is wrong with them. It was told at least of the last event, or of one behind it.
func audit(k kind, events []event, last int, told []note) (account, error) {
	a := &auditor{kind: k, events: events, seen: make(map[int]bool)}
	a.all.told, a.texts.told = make(map[int][]int), make(map[int][]int)
	for i, n := range told {
		if err := a.take(n); err != nil {
			return a.account, fmt.Errorf("%w; it was told %v", err, told[max(0, i-20):i+1])
		}
	}
	if missing := a.missing(last + 1); len(missing) > 0 && !a.all.gap {
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
		a.late += n.N
	case "gap":
		a.gaps++
		a.all.gap, a.texts.gap = true, true
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
	e := a.events[n-1]
	if !e.certain {
		a.all.open = append(a.all.open, n)
		if !e.binary {
			a.texts.open = append(a.texts.open, n)
		}
		return nil
	}
	if n < a.all.behind {
		return fmt.Errorf("event %d came behind %d", n, a.all.behind)
	}
	if !a.all.gap {
		if err := a.whole(n); err != nil {
			return err
		}
	}
	a.skips = 0
	a.all.certain(n)
	if !e.binary {
		a.texts.certain(n)
	}
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
	for m := a.all.behind + 1; m < n; m++ {
		if a.events[m-1].certain {
			missing = append(missing, m)
		}
	}
	return missing
}

// An agreement is what all channels of a topic must agree on: which of the uncertain events are in its log, and where.
type agreement struct{ all, texts map[int]testimony }

type testimony struct {
	who  string
	told []int
}

func newAgreement() *agreement { return &agreement{make(map[int]testimony), make(map[int]testimony)} }

// agree fails if what a channel was told is not what others were.
func (a *agreement) agree(who string, k kind, acc account) error {
	if k.transport != "LongPoll" {
		if err := compare(a.all, who, acc.all); err != nil {
			return err
		}
	}
	return compare(a.texts, who, acc.texts)
}

func compare(known map[int]testimony, who string, b between) error {
	for behind, told := range b.told {
		other, ok := known[behind]
		switch {
		case !ok:
			known[behind] = testimony{who, told}
		case !slices.Equal(other.told, told):
			return fmt.Errorf("behind event %d it was told %v, which is uncertain, and %s was told %v", behind, told, other.who, other.told)
		}
	}
	return nil
}
