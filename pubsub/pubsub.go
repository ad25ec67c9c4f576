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
	"sync/atomic"
	"time"

	"github.com/roost-dev/roost/history"
	"github.com/roost-dev/roost/internal/cluster"
)

// PubSub connects publishers and subscribers. Make one per process with
// [New] and hand it to servers, presence trackers and domain code. All
// methods may be called from any goroutine.
type PubSub struct {
	topics *registry[Subscriber]
	ids    *registry[Commanded]
	rules  *history.Rules // nil: nothing is kept
	log    history.Log    // nil with it

	engineLog  EngineLog     // log, if an engine keeps it
	compareNow chan struct{} // the engine is back
	closing    context.Context
	shut       context.CancelFunc
	tasks      sync.WaitGroup   // end with closing
	tasksMu    sync.Mutex       // makes one of closing and adding to tasks
	adapter    Adapter          // nil: this node is alone
	cluster    *cluster.Cluster // nil with it
	logger     *slog.Logger
	buffers    sync.Pool // *[]*member[Subscriber], for snapshots

	received atomic.Uint64 // envelopes of other nodes

	sourcesMu sync.Mutex     // guards sources, which is copied to be changed
	sources   []SocketSource // of the servers on this node
}

// Options configures a [PubSub]. The zero value is a PubSub of one process.
type Options struct {
	// Adapter carries messages to other nodes. nil: there are none. A PubSub
	// starts it and closes it.
	Adapter Adapter

	// Node is what people call this node among others, in health and logs.
	// Each should have its own. Default: the random id of its run.
	Node string

	// Lease is how long a node may be silent before the others take it for
	// dead and drop its presences. It says four times in a lease that it
	// lives. All nodes should have the same. Default 4 s; with an adapter only.
	Lease time.Duration

	// History says which events of which topics are kept, so that clients that
	// were away catch up. They are kept in the memory of this process, or with
	// an adapter by its engine; one whose engine cannot is an error. nil: none.
	History []history.Keep

	// HistoryBytes bounds what is kept in memory of all topics together.
	// Beyond it the topics that were not used for the longest time are
	// forgotten. Default 64 MiB.
	HistoryBytes int

	// Logger takes what no caller can be told. nil: slog.Default().
	Logger *slog.Logger
}

// Subscriber receives the messages of the topics it subscribed to.
type Subscriber interface {
	// Deliver takes m, on the publisher's goroutine, the adapter's, or that
	// of a large topic; from one goroutine at a time for the messages of one
	// publisher. It must not block and must not publish. It may still be
	// called by each publication in flight after the subscription has ended.
	Deliver(m *Message)
}

// BatchSubscriber is a Subscriber that has a better way to take several
// messages at once than one by one.
type BatchSubscriber interface {
	Subscriber

	// DeliverBatch takes the messages of b, in their order. It is called as
	// Deliver is.
	DeliverBatch(b *Batch)
}

// New starts a PubSub. It fails only if the adapter does.
func New(opts *Options) (*PubSub, error) {
	if opts == nil {
		opts = &Options{}
	}
	ps := &PubSub{adapter: opts.Adapter, logger: opts.Logger, compareNow: make(chan struct{}, 1)}
	ps.closing, ps.shut = context.WithCancel(context.Background())
	if ps.logger == nil {
		ps.logger = slog.Default()
	}
	ps.buffers.New = func() any { return new([]*member[Subscriber]) }
	var topics, ids func(string, bool)
	if a := ps.adapter; a != nil {
		topics = func(name string, wanted bool) { a.Interest(TopicSubject(name), wanted) }
		ids = (&buckets{interest: a.Interest}).want
	}
	ps.topics = newRegistry[Subscriber](topics)
	ps.ids = newRegistry[Commanded](ids)
	if opts.History != nil {
		if err := ps.keep(opts); err != nil {
			return nil, err
		}
	}
	if ps.adapter != nil {
		ps.cluster = cluster.New(bus{ps.adapter}, &cluster.Options{Name: opts.Node, Lease: opts.Lease, Logger: ps.logger})
		ps.cluster.Serve(socketService, ps.answerSockets)
		if err := ps.adapter.Start(receiver{ps}); err != nil {
			return nil, err
		}
		ps.cluster.Start()
	}
	if ps.engineLog != nil {
		ps.goUntilClose(ps.watchTails)
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
	member member[Subscriber]
}

// Subscribe makes s a receiver of topic until the subscription ends. One
// subscriber may subscribe to a topic twice, and then receives twice. It does
// not block.
func (ps *PubSub) Subscribe(topic string, s Subscriber) *Subscription {
	sub := &Subscription{ps: ps, member: member[Subscriber]{receiver: s}}
	ps.topics.add(topic, &sub.member)
	return sub
}

// Unsubscribe ends the subscription; ending it again does nothing.
func (s *Subscription) Unsubscribe() { s.ps.topics.remove(&s.member) }

// Subscribers returns the number of subscriptions to topic on this node.
func (ps *PubSub) Subscribers(topic string) int { return ps.topics.count(topic) }

// Broadcast delivers m to the subscribers of its topic, on this node and,
// through the adapter, on others. While the adapter's engine is away, this
// node's subscribers get m all the same, and what is for other nodes waits
// for it in a bounded buffer. An error says that other nodes may not get m; it
// wraps [ErrUnavailable] if the engine is the reason.
//
// An event that is kept ([Options].History) goes through the topic's log, and
// reaches all subscribers in the log's order. If it cannot be appended nobody
// gets it, and Broadcast says why.
//
// On a topic of up to 64 subscribers those of this node have m when Broadcast
// returns. A larger topic has a sender of its own: Broadcast returns when m
// stands in its queue, and waits, briefly, while that is full.
func (ps *PubSub) Broadcast(ctx context.Context, m *Message) error {
	if m.Topic == "" {
		return errors.New("pubsub: a message needs a topic")
	}
	if ps.rules.For(m.Topic, m.Event) != nil {
		return ps.broadcastKept(ctx, m)
	}
	ps.BroadcastLocal(m)
	if ps.adapter == nil {
		return nil
	}
	return ps.adapter.Publish(ctx, &Envelope{
		Subject: TopicSubject(m.Topic),
		Kind:    KindMessage,
		Topic:   m.Topic,
		Event:   m.Event,
		Payload: m.Payload,
		Binary:  m.Binary,
	})
}

// BroadcastLocal delivers m to the subscribers on this node only, as Broadcast
// does.
func (ps *PubSub) BroadcastLocal(m *Message) {
	if g := ps.topics.find(m.Topic); g != nil {
		ps.deliverTo(g, m)
	}
}

// deliverTo delivers m to the members of a group.
func (ps *PubSub) deliverTo(g *group[Subscriber], m *Message) {
	buf := ps.buffers.Get().(*[]*member[Subscriber])
	members, inline := ps.enqueue(g, m, *buf)
	if inline {
		for _, member := range members {
			if !m.leavesOut(member) {
				member.receiver.Deliver(m)
			}
		}
	}
	ps.recycle(buf, members)
}

// recycle gives a snapshot back. The pool must not keep subscribers alive.
func (ps *PubSub) recycle(buf *[]*member[Subscriber], members []*member[Subscriber]) {
	clear(members)
	*buf = members[:0]
	ps.buffers.Put(buf)
}

// receiver is what the adapter sees of a PubSub.
type receiver struct{ ps *PubSub }

// Receive implements [Receiver].
func (r receiver) Receive(e *Envelope) {
	ps := r.ps
	ps.received.Add(1)
	switch e.Kind {
	case KindMessage:
		ps.BroadcastLocal(&Message{Topic: e.Topic, Event: e.Event, Payload: e.Payload, Binary: e.Binary})
	case KindDisconnect, KindKick:
		ps.command(Command{Kind: e.Kind, ID: e.ID, Topic: e.Topic, Reason: e.Reason})
	case KindKept:
		ps.arriveKept(e)
	case KindNode:
		ps.cluster.Receive(e.Payload)
	default:
		// A newer release may know more kinds than this one.
		ps.logger.Warn("pubsub: envelope of an unknown kind ignored", "kind", int(e.Kind))
	}
}

// Recovered implements [Receiver].
func (r receiver) Recovered() {
	r.ps.cluster.Recovered()
	select {
	case r.ps.compareNow <- struct{}{}:
	default: // it is about to look
	}
}

// Close says goodbye to the other nodes and stops the adapter. Subscriptions on
// this node go on.
func (ps *PubSub) Close(ctx context.Context) error {
	if ps.adapter == nil {
		return nil
	}
	ps.tasksMu.Lock()
	ps.shut()
	ps.tasksMu.Unlock()
	err := errors.Join(ps.cluster.Close(ctx), ps.adapter.Close(ctx))
	ps.tasks.Wait() // they wait for nothing but closing and the adapter
	return err
}

// goUntilClose runs f, which ends with closing, unless Close was called.
func (ps *PubSub) goUntilClose(f func()) bool {
	ps.tasksMu.Lock()
	defer ps.tasksMu.Unlock()
	if ps.closing.Err() != nil {
		return false
	}
	ps.tasks.Go(f)
	return true
}
