package pubsub

import (
	"sync"
	"sync/atomic"

	"github.com/roost-dev/roost/history"
)

// Message is one event on its way to everybody who subscribed to its topic.
// From the moment it is published it is shared by all of them: read only.
type Message struct {
	Topic string
	Event string

	// Payload is a JSON object, or the application's own bytes if Binary.
	Payload []byte
	Binary  bool

	// From is the subscription that the message is not delivered to: the
	// sender's own (broadcast_from). nil leaves nobody out. It means
	// something on the sender's node only, which is where the sender is.
	From *Subscription

	// Sender names the conversation that a kept message is not for, on
	// whatever node and whenever it is read. Subscribers look at it
	// themselves, since they must know of each position. Empty: it is for all.
	Sender string

	// Position is where a kept message stands in its topic's log, and Previous
	// the sequence number of the one before it: a subscriber that has not seen
	// that one has missed something. PubSub sets them. Position is zero for
	// what is not kept.
	Position history.Position
	Previous uint64

	memos
}

// leavesOut reports whether the message is not for a subscription.
func (m *Message) leavesOut(s *member[Subscriber]) bool {
	return m.From != nil && &m.From.member == s
}

// Batch is several messages of one topic, in their order, delivered together.
// It is shared by all subscribers: read only.
type Batch struct {
	Messages []*Message
	More     bool // of [PubSub.Missed]: there is something behind them in the log

	memos
}

// memos is what was derived of a message or a batch: a list that only grows.
type memos struct {
	building sync.Mutex // held by whoever computes a memo
	first    atomic.Pointer[memo]
}

type memo struct {
	key, value any
	next       *memo
}

// Memo returns what build made of the message or batch under key, calling
// build only the first time: an encoded frame, or a decoded value, is made
// once per node and shared by all subscribers. key must be comparable; as
// with context keys, use a type of your own. It may be called from any
// goroutine, and blocks while another one builds; build must not ask for a
// memo of the same message.
func (m *memos) Memo(key any, build func() any) any {
	if v, ok := m.find(key); ok {
		return v
	}
	m.building.Lock()
	defer m.building.Unlock()
	if v, ok := m.find(key); ok {
		return v
	}
	v := build()
	m.first.Store(&memo{key: key, value: v, next: m.first.Load()})
	return v
}

func (m *memos) find(key any) (any, bool) {
	for e := m.first.Load(); e != nil; e = e.next {
		if e.key == key {
			return e.value, true
		}
	}
	return nil, false
}
