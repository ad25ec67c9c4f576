// Package pubsub takes messages from publishers to the subscribers of their
// topic, on this node and, with an [Adapter], on all nodes.
//
// Delivery is at most once. What one goroutine publishes on one topic reaches
// each subscriber in that order; two publishers have no order between them.
package pubsub

import (
	"context"
	"errors"
	"log/slog"
	"sync"
)

// PubSub connects publishers and subscribers. Make one per process with
// [New] and hand it to servers, presence trackers and domain code. All
// methods may be called from any goroutine.
type PubSub struct {
	topics  *registry[Subscriber]
	ids     *registry[Commanded]
	adapter Adapter
	logger  *slog.Logger
	buffers sync.Pool // *[]*member[Subscriber], for the snapshots of Broadcast
}

// Options configures a [PubSub]. The zero value is a PubSub of one process.
type Options struct {
	// Adapter carries messages to other nodes. nil: there are none.
	Adapter Adapter

	// Logger takes what no caller can be told. nil: slog.Default().
	Logger *slog.Logger
}

// Subscriber receives the messages of the topics it subscribed to.
type Subscriber interface {
	// Deliver takes m, on the publisher's goroutine or the adapter's. It must
	// not block and must not publish. It may still be called once by each
	// publication in flight after the subscription has ended.
	Deliver(m *Message)
}

// New starts a PubSub. It fails only if the adapter does.
func New(opts *Options) (*PubSub, error) {
	if opts == nil {
		opts = &Options{}
	}
	ps := &PubSub{adapter: opts.Adapter, logger: opts.Logger}
	if ps.logger == nil {
		ps.logger = slog.Default()
	}
	ps.buffers.New = func() any { return new([]*member[Subscriber]) }
	var topics, ids func(string, bool)
	if a := ps.adapter; a != nil {
		topics = func(name string, wanted bool) { a.Interest(topicSubject(name), wanted) }
		ids = func(name string, wanted bool) { a.Interest(idSubject(name), wanted) }
	}
	ps.topics = newRegistry[Subscriber](topics)
	ps.ids = newRegistry[Commanded](ids)
	if ps.adapter != nil {
		if err := ps.adapter.Start(ps.receive); err != nil {
			return nil, err
		}
	}
	return ps, nil
}

// Local returns a PubSub of this process alone.
func Local() *PubSub {
	ps, err := New(nil)
	if err != nil {
		panic(err) // only an adapter can fail
	}
	return ps
}

// Subscription is one subscriber's interest in one topic.
type Subscription struct {
	ps     *PubSub
	member *member[Subscriber]
}

// Subscribe makes s a receiver of topic until the subscription ends. One
// subscriber may subscribe to a topic twice, and then receives twice. It does
// not block.
func (ps *PubSub) Subscribe(topic string, s Subscriber) *Subscription {
	return &Subscription{ps: ps, member: ps.topics.add(topic, s)}
}

// Unsubscribe ends the subscription; ending it again does nothing.
func (s *Subscription) Unsubscribe() { s.ps.topics.remove(s.member) }

// Subscribers returns the number of subscriptions to topic on this node.
func (ps *PubSub) Subscribers(topic string) int { return ps.topics.count(topic) }

// Broadcast delivers m to the subscribers of its topic: to those on this node
// before it returns, and to other nodes through the adapter, which may block
// until ctx ends. An error says that other nodes may not get m; on this node
// it has been delivered.
func (ps *PubSub) Broadcast(ctx context.Context, m *Message) error {
	if m.Topic == "" {
		return errors.New("pubsub: a message needs a topic")
	}
	ps.BroadcastLocal(m)
	if ps.adapter == nil {
		return nil
	}
	return ps.adapter.Publish(ctx, &Envelope{
		Subject: topicSubject(m.Topic),
		Kind:    KindMessage,
		Topic:   m.Topic,
		Event:   m.Event,
		Payload: m.Payload,
		Binary:  m.Binary,
	})
}

// BroadcastLocal delivers m to the subscribers on this node only.
func (ps *PubSub) BroadcastLocal(m *Message) {
	buf := ps.buffers.Get().(*[]*member[Subscriber])
	members := ps.topics.snapshot(m.Topic, (*buf)[:0])
	var from *member[Subscriber]
	if m.From != nil {
		from = m.From.member
	}
	for _, member := range members {
		if member != from {
			member.receiver.Deliver(m)
		}
	}
	clear(members) // the pool must not keep subscribers alive
	*buf = members
	ps.buffers.Put(buf)
}

// receive takes what another node published.
func (ps *PubSub) receive(e *Envelope) {
	switch e.Kind {
	case KindMessage:
		ps.BroadcastLocal(&Message{Topic: e.Topic, Event: e.Event, Payload: e.Payload, Binary: e.Binary})
	case KindDisconnect, KindKick:
		ps.command(Command{Kind: e.Kind, ID: e.ID, Topic: e.Topic, Reason: e.Reason})
	default:
		// A newer release may know more kinds than this one.
		ps.logger.Warn("pubsub: envelope of an unknown kind ignored", "kind", int(e.Kind))
	}
}

// Close stops the adapter. Subscriptions on this node go on.
func (ps *PubSub) Close(ctx context.Context) error {
	if ps.adapter == nil {
		return nil
	}
	return ps.adapter.Close(ctx)
}
