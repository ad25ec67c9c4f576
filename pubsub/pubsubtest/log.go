package pubsubtest

import (
	"context"

	"github.com/roost-dev/roost/history"
	"github.com/roost-dev/roost/pubsub"
)

var _ pubsub.LogAdapter = (*Node)(nil)

// OpenLog makes the log that all nodes of the network share: what one appends
// is there for all at once, and is brought to those that want it, this node
// too, over links that may lose, repeat and delay it. The rules of the first
// node are those of all.
func (n *Node) OpenLog(rules *history.Rules) (pubsub.EngineLog, error) {
	b := n.bus
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.log == nil {
		b.rules, b.log = rules, history.NewMemory(rules, nil)
	}
	return &nodeLog{n}, nil
}

// ForgetLog has the engine lose its log, as a server does that is started
// anew without a disk: positions so far mean nothing any more. What was
// appended and is still on its way arrives.
func (b *Bus) ForgetLog() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.log = history.NewMemory(b.rules, nil)
}

// nodeLog is the network's log as one node sees it.
type nodeLog struct {
	*Node
}

func (l *nodeLog) shared() (*history.Memory, error) {
	if err := l.awake(); err != nil {
		return nil, err
	}
	l.mu.Lock()
	access := l.access
	l.mu.Unlock()
	if access != there {
		return nil, pubsub.ErrUnavailable
	}
	l.bus.mu.Lock()
	defer l.bus.mu.Unlock()
	return l.bus.log, nil
}

// Append implements [history.Log].
func (l *nodeLog) Append(ctx context.Context, topic string, e history.Event) (history.Entry, error) {
	log, err := l.shared()
	if err != nil {
		return history.Entry{}, err
	}
	l.bus.appending.Lock() // entries leave in the log's order
	defer l.bus.appending.Unlock()
	entry, err := log.Append(ctx, topic, e)
	if err != nil {
		return entry, err
	}
	envelope := &pubsub.Envelope{
		Subject: pubsub.TopicSubject(topic), Kind: pubsub.KindKept, Topic: topic, Event: e.Name, Payload: e.Payload, Binary: e.Binary,
		ID: e.Sender, Position: entry.Position, Previous: entry.Previous,
	}
	for _, to := range l.bus.interested(envelope.Subject, nil) {
		link, delays := l.bus.fate(l.Node, to)
		for _, delay := range delays {
			copied := *envelope
			// It is the engine that brings it, so it comes in the engine's order.
			if err := to.accept(context.WithoutCancel(ctx), lane{nil, envelope.Subject}, &copied, delay, link.Reorder); err != nil {
				continue // that node is gone
			}
		}
	}
	return entry, nil
}

// Read implements [history.Log].
func (l *nodeLog) Read(ctx context.Context, topic string, after history.Position, limit int) (history.Page, error) {
	log, err := l.shared()
	if err != nil {
		return history.Page{}, err
	}
	return log.Read(ctx, topic, after, limit)
}

// Last implements [history.Log].
func (l *nodeLog) Last(ctx context.Context, topic string) (history.Position, error) {
	log, err := l.shared()
	if err != nil {
		return history.Position{}, err
	}
	return log.Last(ctx, topic)
}

// Lasts implements [pubsub.EngineLog].
func (l *nodeLog) Lasts(ctx context.Context, topics []string) ([]history.Position, error) {
	lasts := make([]history.Position, len(topics))
	for i, topic := range topics {
		var err error
		if lasts[i], err = l.Last(ctx, topic); err != nil {
			return nil, err
		}
	}
	return lasts, nil
}
