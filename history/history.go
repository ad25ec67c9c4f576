// Package history keeps what was broadcast, so that a client that was away
// can catch up: a log for each topic, whose positions only grow.
//
// A reader remembers the position of the last event it has seen and reads on
// from there. Either it gets everything behind it, in order, or it is told
// that the log does not reach back so far ([ErrGone]). It is never given an
// event twice, and never misses one without being told.
package history

import (
	"context"
	"errors"
)

// Log keeps events by topic, as [Rules] say. Implementations are in memory
// ([Memory]), and with adapters on their engines. All methods may be called
// from any goroutine, and may wait for an engine until ctx ends.
//
// What Append has returned is there for each Read and Last that begins
// afterwards, on any node. The events of a topic have one order, in which
// their positions grow; what one goroutine appends stays in its order.
//
// A log never keeps less of a topic than its rule says, unless it is lost, or
// dropped whole because all topics together are bounded; either begins
// another epoch. It may keep more for a few seconds where an engine trims in
// the background, and for good where it cannot bound a topic in bytes.
type Log interface {
	// Append adds an event to a topic's log and returns it with the position
	// that it got. An error says that it is not in the log, or, if it wraps
	// [ErrUncertain], that it may be. An event that no rule keeps is an error.
	Append(ctx context.Context, topic string, e Event) (Entry, error)

	// Read returns what is behind a position, oldest first: at most limit
	// events, which must be positive, or fewer, but some if there are any. At
	// the zero Position it begins with the oldest event that is kept.
	//
	// It fails with [ErrGone] if something behind the position is not kept any
	// more, or if the position is not one of this topic's log: of another
	// topic, of another epoch, or from the future. A topic that no rule keeps
	// is another error.
	Read(ctx context.Context, topic string, after Position, limit int) (Page, error)

	// Last returns the position of the topic's last event, which may have been
	// trimmed since. A topic without events has one too: what comes is behind
	// it. A topic that no rule keeps is an error.
	Last(ctx context.Context, topic string) (Position, error)
}

// Errors of logs. What is returned wraps them.
var (
	// ErrGone says that a log does not reach back to a position.
	ErrGone = errors.New("history: the log does not reach back to this position")

	// ErrUncertain says that nobody knows whether an event was appended: the
	// engine did not answer. Whoever appends it again may have it twice.
	ErrUncertain = errors.New("history: the engine did not say whether it has the event")
)

// Event is what is kept. It is shared: read only.
type Event struct {
	Name string // of the event

	// Payload is a JSON object, or the application's own bytes if Binary. A
	// log in memory keeps the slice itself, and so the array behind it.
	Payload []byte
	Binary  bool

	// Sender names the client session that the event is not for
	// (broadcast_from); empty: it is for all.
	Sender string
}

// Entry is an event in a topic's log.
type Entry struct {
	Event
	Position Position

	// Previous is the sequence number of the event before it in the topic's
	// log, trimmed or not; 0 if it is the first of its epoch. Whoever has seen
	// that one has missed nothing.
	Previous uint64
}

// Page is a piece of a topic's log.
type Page struct {
	Entries []Entry

	// Last is the position of the topic's last event when the page was read.
	// There is more to read if there are entries and it is not that of the
	// last of them. A page without entries has the reader at its end.
	Last Position
}
