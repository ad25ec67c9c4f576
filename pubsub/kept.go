package pubsub

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/roost-dev/roost/history"
)

// How events that are kept reach their subscribers: through the log. It gives
// each its position, and all subscribers get them in that order.

// Keeps reports whether events of a topic are kept.
func (ps *PubSub) Keeps(topic string) bool { return ps.rules.ForTopic(topic) != nil }

// KeptTopics returns the topics that are kept, as [Options].History names them:
// read only.
func (ps *PubSub) KeptTopics() []string { return ps.rules.Topics() }

// KeepsEvent reports whether this event of a topic is kept.
func (ps *PubSub) KeepsEvent(topic, event string) bool { return ps.rules.For(topic, event) != nil }

// Log is where events are kept: nil without [Options].History.
func (ps *PubSub) Log() history.Log { return ps.log }

// GapSubscriber is a [Subscriber] that wants to know when kept messages are
// lost to it: the topic's log does not reach back to what it got last.
type GapSubscriber interface {
	Subscriber

	// Gap is called as Deliver is.
	Gap()
}

// keep opens the log.
func (ps *PubSub) keep(opts *Options) error {
	rules, err := history.NewRules(opts.History)
	if err != nil {
		return fmt.Errorf("pubsub: Options.History: %w", err)
	}
	ps.rules = rules
	ps.topics.opened = ps.openTail
	if ps.adapter == nil {
		ps.log = history.NewMemory(rules, &history.MemoryOptions{Bytes: opts.HistoryBytes})
		return nil
	}
	adapter, ok := ps.adapter.(LogAdapter)
	if !ok {
		return fmt.Errorf("pubsub: Options.History: %T keeps no history", ps.adapter)
	}
	if ps.engineLog, err = adapter.OpenLog(rules); err != nil {
		return fmt.Errorf("pubsub: Options.History: %w", err)
	}
	ps.log = ps.engineLog
	return nil
}

// broadcastKept appends m to the log and delivers it behind all that was
// appended before it.
func (ps *PubSub) broadcastKept(ctx context.Context, m *Message) error {
	entry, err := ps.log.Append(ctx, m.Topic, history.Event{Name: m.Event, Payload: m.Payload, Binary: m.Binary, Sender: m.Sender})
	if err != nil {
		return fmt.Errorf("pubsub: nobody was sent the event: %w", err)
	}
	m.Position, m.Previous = entry.Position, entry.Previous
	if g := ps.topics.find(m.Topic); g != nil && g.tail != nil {
		g.tail.appended(ctx, m)
	}
	return nil
}

// arriveKept takes what a node has appended.
func (ps *PubSub) arriveKept(e *Envelope) {
	g := ps.topics.find(e.Topic)
	if g == nil || g.tail == nil {
		return // nobody is there any more
	}
	g.tail.arrived(&Message{
		Topic: e.Topic, Event: e.Event, Payload: e.Payload, Binary: e.Binary,
		Sender: e.ID, Position: e.Position, Previous: e.Previous,
	})
}

// openTail has a topic's first subscriber begin at the end of the log. What was
// appended before and is still on its way is not for him. Where the end of an
// engine's log is, is found out by Settle or shows with the first message. It
// is called under the locks of g.
func (ps *PubSub) openTail(g *group[Subscriber]) {
	if !ps.Keeps(g.name) {
		return
	}
	g.tail = &tail{ps: ps, group: g}
	if ps.engineLog != nil {
		return
	}
	last, err := ps.log.Last(context.Background(), g.name)
	if err != nil {
		ps.logger.Error("pubsub: the end of a topic's log is not known", "topic", g.name, "error", err)
		return
	}
	g.tail.known, g.tail.last, g.tail.delivered = true, last, last
}

const (
	// comparePeriod is how often the tails are compared with the engine's
	// logs. A difference that is there twice is a loss.
	comparePeriod = 2 * time.Second

	// compareSoon is how long after the engine's return a second look is taken.
	compareSoon = 250 * time.Millisecond

	// compareMost is how many topics are asked for at a time.
	compareMost = 1000
)

// watchTails finds what was lost at the end of a log, where nothing comes
// behind it that would tell.
func (ps *PubSub) watchTails() {
	timer := time.NewTimer(comparePeriod)
	defer timer.Stop()
	for {
		next := comparePeriod
		select {
		case <-ps.closing.Done():
			return
		case <-ps.compareNow:
			next = compareSoon
		case <-timer.C:
		}
		ps.compareTails()
		timer.Reset(next)
	}
}

func (ps *PubSub) compareTails() {
	for groups := range slices.Chunk(ps.topics.all(func(g *group[Subscriber]) bool { return g.tail != nil }), compareMost) {
		topics := make([]string, len(groups))
		for i, g := range groups {
			topics[i] = g.name
		}
		lasts, err := ps.engineLog.Lasts(ps.closing, topics)
		if err != nil {
			return // the engine is away; it is tried again
		}
		for i, last := range lasts {
			groups[i].tail.compare(last)
		}
	}
}
