package pubsub

import (
	"context"
	"fmt"
	"sync"

	"github.com/roost-dev/roost/history"
)

// How events that are kept reach their subscribers: through the log. It gives
// each its position, and all subscribers get them in that order.

// Keeps reports whether events of a topic are kept.
func (ps *PubSub) Keeps(topic string) bool { return ps.rules.ForTopic(topic) != nil }

// KeepsEvent reports whether this event of a topic is kept.
func (ps *PubSub) KeepsEvent(topic, event string) bool { return ps.rules.For(topic, event) != nil }

// Log is where events are kept: nil without [Options].History.
func (ps *PubSub) Log() history.Log { return ps.log }

// broadcastKept appends m to the log and delivers it behind all that was
// appended before it.
func (ps *PubSub) broadcastKept(ctx context.Context, m *Message) error {
	entry, err := ps.log.Append(ctx, m.Topic, history.Event{Name: m.Event, Payload: m.Payload, Binary: m.Binary, Sender: m.Sender})
	if err != nil {
		return fmt.Errorf("pubsub: nobody was sent the event: %w", err)
	}
	m.Position, m.Previous = entry.Position, entry.Previous
	if g := ps.topics.find(m.Topic); g != nil && g.tail != nil {
		g.tail.deliver(ps, m)
	}
	return nil
}

// openTail has a topic's first subscriber begin at the end of the log. What was
// appended before and is still on its way is not for him. It is called under
// the locks of g.
func (ps *PubSub) openTail(g *group[Subscriber]) {
	if !ps.Keeps(g.name) {
		return
	}
	last, err := ps.log.Last(context.Background(), g.name)
	if err != nil {
		ps.logger.Error("pubsub: the end of a topic's log is not known", "topic", g.name, "error", err)
		return
	}
	g.tail = &tail{last: last, delivered: last}
}

// tail is the end of a topic's log as far as it was delivered on this node.
type tail struct {
	mu         sync.Mutex       // guards what follows
	last       history.Position // of the last event that is delivered or waiting
	delivered  history.Position
	waiting    []*Message
	delivering bool
	moved      *sync.Cond // for who waits for a delivery; nil if nobody did
}

// deliver delivers m in its turn, and returns once it is delivered. Whoever
// comes first delivers for those that come meanwhile.
func (t *tail) deliver(ps *PubSub, m *Message) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.line(ps, m)
	if t.delivering {
		for t.delivering && t.behind(m.Position) {
			t.wait()
		}
		return
	}
	t.delivering = true
	for len(t.waiting) > 0 {
		next := t.waiting[0]
		t.waiting[0] = nil
		t.waiting = t.waiting[1:]
		t.mu.Unlock()
		ps.BroadcastLocal(next)
		t.mu.Lock()
		t.delivered = next.Position
		if t.moved != nil {
			t.moved.Broadcast()
		}
	}
	t.delivering, t.waiting = false, nil
}

// behind reports whether what has this position is still to be delivered. An
// epoch is followed by another only once all of it is delivered.
func (t *tail) behind(p history.Position) bool {
	return t.delivered.Epoch != p.Epoch || t.delivered.Seq < p.Seq
}

func (t *tail) wait() {
	if t.moved == nil {
		t.moved = sync.NewCond(&t.mu)
	}
	t.moved.Wait()
}

// line puts m in line, unless it stands there already, behind what was
// appended before it: if that is still on its way, it is read from the log.
// The caller holds t.mu.
func (t *tail) line(ps *PubSub, m *Message) {
	if m.Position.Epoch != t.last.Epoch { // a new life of the log
		t.last = history.Position{Epoch: m.Position.Epoch}
	}
	if m.Position.Seq <= t.last.Seq {
		return // somebody behind it in the log has read it from there
	}
	if m.Previous != t.last.Seq {
		t.fill(ps, m)
	}
	t.waiting = append(t.waiting, m)
	t.last = m.Position
}

// fill puts in line what is between the tail and m. What the log does not have
// any more is missed by subscribers, who see it by [Message].Previous.
func (t *tail) fill(ps *PubSub, m *Message) {
	for t.last.Seq < m.Previous {
		const pageSize = 256
		page, err := ps.log.Read(context.Background(), m.Topic, t.last, pageSize)
		if err != nil || len(page.Entries) == 0 {
			ps.logger.Warn("pubsub: events of a topic were trimmed before they were delivered", "topic", m.Topic)
			return
		}
		for _, e := range page.Entries {
			if e.Position.Seq > m.Previous {
				return
			}
			t.waiting = append(t.waiting, messageOf(m.Topic, &e))
			t.last = e.Position
		}
	}
}

func messageOf(topic string, e *history.Entry) *Message {
	return &Message{
		Topic: topic, Event: e.Name, Payload: e.Payload, Binary: e.Binary,
		Sender: e.Sender, Position: e.Position, Previous: e.Previous,
	}
}

// Missed returns messages that are behind a position in a topic's log, oldest
// first, at most limit of them, and the position of the topic's last one. It
// fails as [history.Log].Read does. It may wait for an engine until ctx ends.
func (ps *PubSub) Missed(ctx context.Context, topic string, after history.Position, limit int) ([]*Message, history.Position, error) {
	page, err := ps.log.Read(ctx, topic, after, limit)
	if err != nil {
		return nil, history.Position{}, err
	}
	messages := make([]*Message, len(page.Entries))
	for i := range page.Entries {
		messages[i] = messageOf(topic, &page.Entries[i])
	}
	return messages, page.Last, nil
}
