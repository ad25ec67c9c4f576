package pubsub

import (
	"context"
	"errors"

	"github.com/roost-dev/roost/history"
)

// Adapter carries envelopes between nodes. Without one a PubSub is alone in
// its process. Implementations live in modules of their own.
//
// A subject is a name that nodes share. It may hold any characters, and no two
// things share one: every topic has its own, and so has every node.
//
// Delivery is at most once, and what one goroutine publishes on one subject
// arrives in that order, from each node. Losses are allowed only where the
// engine fails; an adapter counts in [Health] what it knows to be lost.
type Adapter interface {
	// Start is called once, before any other method. It connects to the
	// engine in the background: an engine that is away is no error, but
	// shows in Health and is tried again until Close. An error means that
	// the adapter is misconfigured.
	Start(r Receiver) error

	// Interest says that this node wants a subject, or no longer wants it.
	// Calls for one subject come in order, under a lock, so Interest must
	// queue and return, never wait. Interest outlives the engine's absence.
	Interest(subject string, wanted bool)

	// Settle returns once the engine knows all that was said by Interest
	// before, so that what other nodes publish from now on arrives. It fails
	// at once if the engine is away, and when ctx ends. Many callers at a
	// time share one exchange with the engine.
	Settle(ctx context.Context) error

	// Publish sends an envelope to the other nodes interested in its subject.
	// It does not wait for the engine: while that is away, envelopes wait in
	// a buffer of bounded bytes, and when it is full, or for longer than the
	// adapter's patience, Publish fails with an error that wraps
	// [ErrUnavailable]. It may block shortly on a busy engine, until ctx
	// ends. An error means that other nodes may not get the envelope.
	// The envelope and its payload are not used after Publish returned.
	Publish(ctx context.Context, e *Envelope) error

	// Health says how the engine is. It is called from any goroutine, also
	// after Close, and does not block.
	Health() Health

	// Close stops the adapter, sends what is buffered if the engine is there,
	// and waits for its goroutines until ctx ends. Nothing is given to the
	// receiver after it. Closing again does nothing.
	Close(ctx context.Context) error
}

// LogAdapter is an adapter whose engine keeps what is broadcast.
//
// What any node appends to the log of a topic is brought to each node that
// wants the topic's subject ([TopicSubject]), to the one that appended it too,
// by [Receiver].Receive, as an envelope of [KindKept] with Position and
// Previous, in the log's order. Losses are no errors: they show by Previous,
// and are then read from the log.
type LogAdapter interface {
	Adapter

	// OpenLog makes the log ready for these rules. It is called once, before
	// Start, and does not wait for the engine. An error says what the rules or
	// the adapter's options ask in vain. Until Start, and while the engine is
	// away, the log's methods fail with errors that wrap [ErrUnavailable]; an
	// append that the engine may have taken, with [history.ErrUncertain].
	OpenLog(rules *history.Rules) (EngineLog, error)
}

// EngineLog is the log of an engine.
type EngineLog interface {
	history.Log

	// Lasts is Last for many topics in few exchanges with the engine: the
	// answers are in the order of the topics. It is called every few seconds
	// with all topics that this node wants.
	Lasts(ctx context.Context, topics []string) ([]history.Position, error)
}

// Receiver takes what an adapter brings.
type Receiver interface {
	// Receive takes what another node published on a subject that this node
	// wants: from one goroutine at a time for each subject, in each
	// publisher's order, and never what this node published itself. It does
	// not block for long. The receiver keeps the envelope.
	Receive(e *Envelope)

	// Recovered says that the engine is there again after it was away, and
	// that what was published meanwhile may be lost. It does not block.
	Recovered()
}

// ErrUnavailable is wrapped by errors of publications that the engine did not
// take because it is away.
var ErrUnavailable = errors.New("the cluster's engine is away")

// ErrTooLarge is wrapped by errors of publications that the engine does not
// take because of their size.
var ErrTooLarge = errors.New("the message is larger than the cluster's engine takes")

// Health is how an adapter's engine is.
type Health struct {
	State  State
	Engine string // what it is, for people: "nats", "nats embedded", "redis", "redis cluster"
	Detail string // why the state is not StateUp, for people; no secrets

	// Peers is what the engine itself is connected to: addresses of servers
	// of an external engine, names of the other nodes of an embedded one.
	Peers []string

	Pending    int    // envelopes that wait for the engine to come back
	Lost       uint64 // envelopes known not to have been sent, or not to have been received, since the start
	Reconnects uint64 // how often the engine came back
}

// State is how well an engine works.
type State uint8

// The states of an engine.
const (
	StateConnecting State = iota // it was never there yet
	StateUp                      // all is well
	StateDegraded                // away, or some of it is; the adapter is at it
	StateClosed
)

func (s State) String() string {
	switch s {
	case StateConnecting:
		return "connecting"
	case StateUp:
		return "up"
	case StateDegraded:
		return "degraded"
	case StateClosed:
		return "closed"
	}
	return "unknown"
}
