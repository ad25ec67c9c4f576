package nats

import (
	"context"
	"sync"
	"time"
)

// trims has old events taken away. This node does it for what it has appended:
// it needs to know only how long ago that was, and no clock but its own.
type trims struct {
	wake chan struct{} // tells run to look, holds one token

	mu    sync.Mutex // guards what follows
	lines map[*keptRule]*trimLine
}

// trimLine is what is to be trimmed of one rule, in the order of time.
type trimLine struct {
	due  []*trim
	open map[string]*trim // by subject: those that later events of it join
}

// trim takes away what is before an event of a topic. That one stays, as the
// marker.
type trim struct {
	stream  *stream
	subject string
	seq     uint64
	closes  time.Time // no event joins it after that
	due     time.Time
}

const (
	// trimGrain is the part of a rule's time by which events are kept too
	// long: those of a topic that come within so much of it go together.
	trimGrain = 64

	// maxTrims bounds what a node notes of a rule. What is not noted goes with
	// a later event of the topic, or when the stream's time is over.
	maxTrims = 1 << 18
)

func newTrims() *trims {
	return &trims{wake: make(chan struct{}, 1), lines: make(map[*keptRule]*trimLine)}
}

// note has what is before an event taken away when that is old.
func (t *trims) note(s *stream, subject string, seq uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	line := t.lines[s.rule]
	if line == nil {
		line = &trimLine{open: make(map[string]*trim)}
		t.lines[s.rule] = line
	}
	now := time.Now()
	if joined := line.open[subject]; joined != nil && joined.stream == s && now.Before(joined.closes) {
		joined.seq = max(joined.seq, seq)
		return
	}
	if len(line.due) >= maxTrims {
		return
	}
	closes := now.Add(s.rule.For / trimGrain)
	noted := &trim{s, subject, seq, closes, closes.Add(s.rule.For)}
	line.open[subject] = noted
	line.due = append(line.due, noted)
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// take returns what is due, and when to look again if nothing is.
func (t *trims) take(now time.Time) (due []*trim, after time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	after = time.Hour
	for _, line := range t.lines {
		for len(line.due) > 0 {
			first := line.due[0]
			if wait := first.due.Sub(now); wait > 0 {
				after = min(after, wait)
				break
			}
			line.due = line.due[1:]
			if line.open[first.subject] == first {
				delete(line.open, first.subject)
			}
			due = append(due, first)
		}
	}
	return due, after
}

// trim is the goroutine that takes away what is old.
func (l *eventLog) trim() {
	for {
		due, after := l.trims.take(time.Now())
		for _, t := range due {
			l.purge(t)
		}
		if len(due) > 0 {
			continue
		}
		timer := time.NewTimer(after)
		select {
		case <-l.link.ctx.Done():
			timer.Stop()
			return
		case <-l.trims.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// purge is tried once: another event of the topic has more taken away.
func (l *eventLog) purge(t *trim) {
	if t.seq <= 1 {
		return // nothing is before it, and to the server 1 is no number: it would take away all
	}
	err := l.try(l.link.ctx, func(ctx context.Context) error {
		return l.api(ctx, "STREAM.PURGE."+t.stream.name, map[string]any{"filter": t.subject, "seq": t.seq}, nil)
	})
	if err != nil && l.link.ctx.Err() == nil {
		l.link.report("nats: old events are not taken away", "error", err)
	}
}
