package pubsub

import (
	"sync"
	"sync/atomic"
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

	memoMu sync.Mutex // held by whoever computes a memo
	memos  atomic.Pointer[memo]
}

// memo is one derived form of a message, in a list that only grows.
type memo struct {
	key, value any
	next       *memo
}

// Memo returns what build made of m under key, calling build only the first
// time: an encoded frame, or a decoded value, is made once per node and
// shared by all subscribers. key must be comparable; as with context keys,
// use a type of your own. It may be called from any goroutine, and blocks
// while another one builds.
func (m *Message) Memo(key any, build func() any) any {
	if v, ok := m.memo(key); ok {
		return v
	}
	m.memoMu.Lock()
	defer m.memoMu.Unlock()
	if v, ok := m.memo(key); ok {
		return v
	}
	v := build()
	m.memos.Store(&memo{key: key, value: v, next: m.memos.Load()})
	return v
}

func (m *Message) memo(key any) (any, bool) {
	for e := m.memos.Load(); e != nil; e = e.next {
		if e.key == key {
			return e.value, true
		}
	}
	return nil, false
}
