package nats

import (
	"context"
	"errors"
	"fmt"
	"slices"

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
	for range maxReads {
		var page history.Page
		err := l.insist(ctx, func(ctx context.Context) error {
			s, err := l.open(ctx, rule)
			if err != nil {
				return err
			}
			page, err = l.readFrom(ctx, s, topic, after, limit)
			return err
		})
		if !errors.Is(err, errTrimmed) {
			return page, err
		}
		limit = max(1, limit/2)
	}
	return history.Page{}, errTrimmed
}

// readFrom reads what is behind the event at the given position, which must be
// there still: only then is nothing behind it gone. Its being there before and
// after tells that nothing went meanwhile, either.
func (l *eventLog) readFrom(ctx context.Context, s *stream, topic string, after history.Position, limit int) (history.Page, error) {
	subject := s.subject(topic)
	m, err := l.get(ctx, s, query{LastBySubject: subject})
	if err != nil {
		return history.Page{}, err
	}
	page := history.Page{Last: s.positionOf(topic, m)}
	switch {
	case after == page.Last || m == nil && after.IsZero():
		return page, nil
	case !after.IsZero() && after.Epoch != page.Last.Epoch, after.Seq > page.Last.Seq:
		return history.Page{}, fmt.Errorf("nats: position %v: %w", after, history.ErrGone)
	}
	start, err := l.next(ctx, s, subject, after.Seq)
	switch {
	case err != nil:
		return history.Page{}, err
	case start == nil:
		return history.Page{}, errTrimmed
	case after.Seq > 0 && start.seq != after.Seq, after.Seq == 0 && after.Epoch != "" && !start.first:
		return history.Page{}, fmt.Errorf("nats: position %v: %w", after, history.ErrGone)
	}
	if err := l.fill(ctx, s, topic, &page, start, after, limit); err != nil {
		return history.Page{}, err
	}
	err = l.recheck(ctx, s, subject, &page, start, after)
	return page, err
}

// recheck sees to it that nothing that a page lacks was trimmed while it was
// read. Who reads from the oldest event gets what is behind the one that is the
// oldest now.
func (l *eventLog) recheck(ctx context.Context, s *stream, subject string, page *history.Page, start *stored, after history.Position) error {
	oldest, err := l.next(ctx, s, subject, start.seq)
	switch {
	case err != nil:
		return err
	case oldest != nil && oldest.seq == start.seq:
		return nil
	case !after.IsZero():
		return fmt.Errorf("nats: position %v: %w", after, history.ErrGone)
	case oldest == nil:
		return errTrimmed
	}
	page.Entries = slices.DeleteFunc(page.Entries, func(e history.Entry) bool { return e.Position.Seq <= oldest.seq })
	if len(page.Entries) == 0 {
		return errTrimmed
	}
	return nil
}

// fill adds to a page what is behind start, and start itself if it is the first
// event of the topic and not behind the reader.
func (l *eventLog) fill(ctx context.Context, s *stream, topic string, page *history.Page, start *stored, after history.Position, limit int) error {
	previous := start.seq
	if after.Seq == 0 && start.first {
		if err := s.add(page, topic, start, 0); err != nil {
			return err
		}
	}
	for len(page.Entries) < limit && previous < page.Last.Seq {
		m, err := l.next(ctx, s, s.subject(topic), previous+1)
		if err != nil {
			return err
		}
		if m == nil {
			return errTrimmed
		}
		if m.seq > page.Last.Seq {
			break
		}
		if err := s.add(page, topic, m, previous); err != nil {
			return err
		}
		previous = m.seq
	}
	return nil
}

func (s *stream) add(page *history.Page, topic string, m *stored, previous uint64) error {
	var e pubsub.Envelope
	if err := e.UnmarshalBinary(m.data); err != nil || e.Topic != topic {
		return fmt.Errorf("nats: message %d of stream %s is not an event of topic %q", m.seq, s.name, topic)
	}
	page.Entries = append(page.Entries, history.Entry{
		Event:    history.Event{Name: e.Event, Payload: e.Payload, Binary: e.Binary, Sender: e.ID},
		Position: history.Position{Epoch: epochOf(s.name, topic, m.life), Seq: m.seq},
		Previous: previous,
	})
	return nil
}
