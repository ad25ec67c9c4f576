package pubsub

import (
	"context"
	"fmt"
	"slices"
	"weak"

	"github.com/roost-dev/roost/history"
)

// missedBytes bounds the payloads of a batch that Missed returns, but for one
// message that is larger by itself.
const missedBytes = 64 << 10

// Missed returns messages that are behind a position in a topic's log, oldest
// first: at most limit of them, and 64 KiB of payloads; none if there are no
// more. It fails as [history.Log].Read does. Many who ask for the same, after
// the engine or a node was away, get the same batch, and it is read from the
// log once. It may wait for the engine until ctx ends.
func (ps *PubSub) Missed(ctx context.Context, topic string, after history.Position, limit int) (*Batch, error) {
	if limit <= 0 {
		return nil, fmt.Errorf("pubsub: limit is %d: it must be positive", limit)
	}
	g := ps.topics.find(topic)
	if g == nil || g.tail == nil {
		messages, last, err := ps.read(ctx, topic, after, limit)
		if err != nil {
			return nil, err
		}
		messages, more := firstOf(messages, last, limit)
		return &Batch{Messages: messages, More: more}, nil
	}
	if ps.engineLog == nil {
		return g.tail.missedInMemory(ctx, after, limit)
	}
	return g.tail.missed(ctx, after, limit)
}

// missed returns what the tail has, or else reads it from the engine's log,
// once for all who ask.
func (t *tail) missed(ctx context.Context, after history.Position, limit int) (*Batch, error) {
	if b, ok := t.since(after, limit); ok {
		return b, nil
	}
	t.reading.Lock()
	defer t.reading.Unlock()
	if b, ok := t.since(after, limit); ok {
		return b, nil // somebody has read it meanwhile
	}
	messages, last, err := t.ps.read(ctx, t.group.name, after, max(limit, fillPage))
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	to := t.last
	if len(t.recent.messages) > 0 {
		to = t.recent.begin()
	}
	t.recent.prepend(messages, to)
	return t.batch(messages, last, limit), nil
}

// since returns what was delivered behind a position, if the tail has all of it.
func (t *tail) since(after history.Position, limit int) (b *Batch, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.known && after == t.last {
		return &Batch{}, true
	}
	messages, ok := t.recent.behind(after)
	if !ok || !t.known || t.recent.end() != t.last {
		return nil, false
	}
	return t.batch(messages, t.last, limit), true
}

// missedInMemory reads from a log in memory, which says whether it reaches back
// so far. The messages themselves are made once for all who ask until the
// garbage collector comes by; so they are within its bound, and nobody has to
// drop them.
func (t *tail) missedInMemory(ctx context.Context, after history.Position, limit int) (*Batch, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	page, err := t.ps.log.Read(ctx, t.group.name, after, 1)
	if err != nil || len(page.Entries) == 0 {
		return &Batch{}, err
	}
	last := page.Last
	after = history.Position{Epoch: last.Epoch, Seq: page.Entries[0].Previous}
	held := t.held.Value()
	if held == nil {
		held = &stretch{}
		t.held = weak.Make(held)
	}
	messages, ok := held.behind(after)
	switch {
	case ok && (len(messages) >= limit || held.end() == last):
	case ok:
		var more []*Message
		if more, last, err = t.ps.read(ctx, t.group.name, held.end(), fillPage); err != nil {
			return nil, err
		}
		messages = slices.Concat(messages, more)
		held.add(more...)
	default:
		size, begin := fillPage, held.begin()
		if begin.Epoch == after.Epoch && begin.Seq > after.Seq {
			size = int(min(fillPage, begin.Seq-after.Seq)) // the rest is held
		}
		if messages, last, err = t.ps.read(ctx, t.group.name, after, size); err != nil {
			return nil, err
		}
		held.prepend(messages, begin)
		if shared, ok := held.behind(after); ok {
			messages = shared
			break
		}
		*held = stretch{}
		held.add(messages...)
	}
	return t.batch(messages, last, limit), nil
}

// batch makes a batch of the first of messages, or returns what it made last if
// that is the same. The caller holds mu.
func (t *tail) batch(messages []*Message, last history.Position, limit int) *Batch {
	messages, more := firstOf(messages, last, limit)
	if given := t.given.Value(); given != nil && given.More == more && slices.Equal(given.Messages, messages) {
		return given
	}
	b := &Batch{Messages: slices.Clone(messages), More: more}
	t.given = weak.Make(b)
	return b
}

// firstOf returns the first of messages, as many as make a batch, and whether
// there are more behind them in the log, which ends at last.
func firstOf(messages []*Message, last history.Position, limit int) (first []*Message, more bool) {
	n, size := 0, 0
	for n < min(len(messages), limit) && (n == 0 || size+len(messages[n].Payload) <= missedBytes) {
		size += len(messages[n].Payload)
		n++
	}
	return messages[:n], n > 0 && messages[n-1].Position.Seq < last.Seq
}

// read reads messages from the log, and where that ends.
func (ps *PubSub) read(
	ctx context.Context, topic string, after history.Position, limit int,
) (messages []*Message, last history.Position, err error) {
	page, err := ps.log.Read(ctx, topic, after, limit)
	if err != nil {
		return nil, last, err
	}
	messages = make([]*Message, len(page.Entries))
	for i := range page.Entries {
		messages[i] = messageOf(topic, &page.Entries[i])
	}
	return messages, page.Last, nil
}

func messageOf(topic string, e *history.Entry) *Message {
	return &Message{
		Topic: topic, Event: e.Name, Payload: e.Payload, Binary: e.Binary,
		Sender: e.Sender, Position: e.Position, Previous: e.Previous,
	}
}
