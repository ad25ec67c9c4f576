package nats

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/roost-dev/roost/history"
	"github.com/roost-dev/roost/pubsub"
)

// errTrimmed says that events went while they were read.
var errTrimmed = errors.New("nats: events are trimmed faster than they can be read")

// maxReads is how often a page is read anew because all of it was trimmed
// meanwhile.
const maxReads = 32

// Read implements [history.Log].
func (l *eventLog) Read(ctx context.Context, topic string, after history.Position, limit int) (history.Page, error) {
	if limit <= 0 {
		return history.Page{}, fmt.Errorf("nats: a limit of %d events: it must be positive", limit)
	}
	rule, err := l.ruleFor(topic)
	if err != nil {
		return history.Page{}, err
	}
	for n := range maxReads {
		r := &reading{log: l, topic: topic, after: after, limit: limit, hurry: n > 0}
		err := l.insist(ctx, func(ctx context.Context) (err error) {
			if r.stream, err = l.open(ctx, rule); err != nil {
				return err
			}
			r.subject = r.stream.subject(topic)
			return r.read(ctx)
		})
		switch {
		case err == nil:
			return r.page, nil
		case !errors.Is(err, errTrimmed):
			return history.Page{}, err
		}
		limit = min(limit, 4)
	}
	return history.Page{}, errTrimmed
}

// fillTime ends a page that takes longer, well before an attempt does.
const fillTime = attemptTimeout / 4

// reading is one attempt to read a page.
type reading struct {
	log     *eventLog
	stream  *stream
	topic   string
	subject string
	after   history.Position
	limit   int
	hurry   bool // the oldest events go faster than they can be read
	page    history.Page
}

// read reads what is behind the event at the given position, which must be
// there still: only then is nothing behind it gone. Its being there before and
// after tells that nothing went meanwhile, either.
func (r *reading) read(ctx context.Context) error {
	last, err := r.log.get(ctx, r.stream, query{LastBySubject: r.subject})
	if err != nil {
		return err
	}
	r.page = history.Page{Last: r.stream.positionOf(r.topic, last)}
	switch {
	case r.after == r.page.Last || last == nil && r.after.IsZero():
		return nil
	case !r.after.IsZero() && r.after.Epoch != r.page.Last.Epoch, r.after.Seq > r.page.Last.Seq:
		return r.gone()
	}
	start, err := r.next(ctx, r.after.Seq)
	if err == nil && start != nil && r.hurry {
		start, err = r.later(ctx, start, last)
	}
	switch {
	case err != nil:
		return err
	case start == nil:
		return errTrimmed
	case r.after.Seq > 0 && start.seq != r.after.Seq, r.after.Seq == 0 && r.after.Epoch != "" && !start.first:
		return r.gone()
	}
	if err := r.fill(ctx, start); err != nil {
		return err
	}
	return r.recheck(ctx, start)
}

// later returns an event between the oldest and the last that will be there for
// a while, for who reads from the oldest.
func (r *reading) later(ctx context.Context, oldest, last *stored) (*stored, error) {
	if !r.after.IsZero() {
		return oldest, nil
	}
	m, err := r.next(ctx, oldest.seq+(last.seq-oldest.seq)/2)
	if err != nil || m == nil || m.seq >= last.seq {
		return oldest, err
	}
	return m, nil
}

func (r *reading) gone() error { return fmt.Errorf("nats: position %v: %w", r.after, history.ErrGone) }

func (r *reading) next(ctx context.Context, seq uint64) (*stored, error) {
	return r.log.next(ctx, r.stream, r.subject, seq)
}

// fill adds to the page what is behind start, and start itself if it is the
// first event of the topic and not behind the reader.
func (r *reading) fill(ctx context.Context, start *stored) error {
	began, previous := time.Now(), start.seq
	if start.first && r.after.Seq == 0 {
		if err := r.add(start, 0); err != nil {
			return err
		}
	}
	for len(r.page.Entries) < r.limit && previous < r.page.Last.Seq {
		m, err := r.next(ctx, previous+1)
		if err != nil {
			return err
		}
		if m == nil {
			return errTrimmed
		}
		if m.seq > r.page.Last.Seq {
			break
		}
		if err := r.add(m, previous); err != nil {
			return err
		}
		previous = m.seq
		if time.Since(began) > fillTime {
			break
		}
	}
	return nil
}

func (r *reading) add(m *stored, previous uint64) error {
	var e pubsub.Envelope
	if err := e.UnmarshalBinary(m.data); err != nil || e.Topic != r.topic {
		return fmt.Errorf("nats: message %d of stream %s is not an event of topic %q", m.seq, r.stream.name, r.topic)
	}
	r.page.Entries = append(r.page.Entries, history.Entry{
		Name: e.Event, Payload: e.Payload, Binary: e.Binary, Sender: e.ID,
		Position: history.Position{Epoch: epochOf(r.stream.name, r.topic, m.life), Seq: m.seq},
		Previous: previous,
	})
	return nil
}

// recheck sees to it that nothing that the page lacks was trimmed while it was
// read. Who reads from the oldest event gets what is behind the one that is the
// oldest now.
func (r *reading) recheck(ctx context.Context, start *stored) error {
	oldest, err := r.next(ctx, start.seq)
	switch {
	case err != nil:
		return err
	case oldest != nil && oldest.seq == start.seq:
		return nil
	case !r.after.IsZero():
		return r.gone()
	case oldest == nil:
		return errTrimmed
	}
	r.page.Entries = slices.DeleteFunc(r.page.Entries, func(e history.Entry) bool { return e.Position.Seq <= oldest.seq })
	if len(r.page.Entries) == 0 {
		return errTrimmed
	}
	return nil
}
