package client

import "github.com/roost-dev/roost/wire"

// itemKind is what an item tells.
type itemKind uint8

const (
	itemEvent     itemKind = iota
	itemPosition           // nothing but a position
	itemRecovered          // all that was missed was told
	itemGap                // something is lost
	itemRejoin             // the reply to a join after the first
	itemError              // an interruption
)

// item is something that callbacks are to be told.
type item struct {
	kind     itemKind
	event    string
	payload  wire.Payload
	position string // where the channel stands when it was told; empty: where it stood
	n        int
	err      error
}

// inbox is what waits for the callbacks. Its fields but the channels are
// guarded by the channel's mutex.
type inbox struct {
	maxLen, maxBytes int

	items   []item // from first on
	first   int
	bytes   int
	ended   bool // nothing more comes
	dropped bool // nothing more is told

	filled chan struct{} // has a token if something changed for who takes
	room   chan struct{} // has a token if there may be room for another conversation
}

func newInbox(maxLen, maxBytes int) inbox {
	return inbox{maxLen: maxLen, maxBytes: maxBytes, filled: make(chan struct{}, 1), room: make(chan struct{}, 1)}
}

func (b *inbox) len() int { return len(b.items) - b.first }

// hasRoom reports whether another conversation may begin.
func (b *inbox) hasRoom() bool { return b.ended || b.len() <= b.maxLen/2 && b.bytes <= b.maxBytes/2 }

// admit puts an item if there is room for it.
func (b *inbox) admit(it item) bool {
	if b.len() >= b.maxLen || b.len() > 0 && b.bytes+len(it.payload.Data) > b.maxBytes {
		return false
	}
	b.put(it)
	return true
}

// put puts an item of which there are a few in each conversation; another begins
// only when there is room.
func (b *inbox) put(it item) {
	if b.ended {
		return
	}
	if b.first > len(b.items)/2 && len(b.items) == cap(b.items) { // rather than grow
		n := copy(b.items, b.items[b.first:])
		clear(b.items[n:])
		b.items, b.first = b.items[:n], 0
	}
	b.items = append(b.items, it)
	b.bytes += len(it.payload.Data)
	signal(b.filled)
}

// end has nothing more put, and if drop nothing more taken.
func (b *inbox) end(drop bool) {
	b.ended, b.dropped = true, drop
	signal(b.filled)
	signal(b.room)
}

// take takes the next item. over says that there will be none.
func (b *inbox) take() (it item, ok, over bool) {
	switch {
	case b.dropped:
		return item{}, false, true
	case b.len() == 0:
		return item{}, false, b.ended
	}
	it = b.items[b.first]
	b.items[b.first] = item{}
	b.first++
	b.bytes -= len(it.payload.Data)
	if b.len() == 0 {
		b.items, b.first = b.items[:0], 0
	}
	if b.hasRoom() {
		signal(b.room)
	}
	return it, true, false
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// awaitRoom waits until there is room for another conversation's events, or the
// channel is over.
func (ch *Channel) awaitRoom() {
	for {
		ch.mu.Lock()
		has := ch.inbox.hasRoom()
		ch.mu.Unlock()
		if has {
			return
		}
		<-ch.inbox.room
	}
}

// dispatch calls the callbacks, until the channel is over.
func (ch *Channel) dispatch() {
	defer ch.quiet()
	for {
		ch.mu.Lock()
		it, ok, over := ch.inbox.take()
		ch.mu.Unlock()
		switch {
		case over:
			return
		case !ok:
			<-ch.inbox.filled
			continue
		}
		if ch.shared != nil {
			ch.shared.tell(ch.calling, it)
		} else {
			ch.listener.tell(ch.calling, it)
		}
		if it.position != "" {
			ch.mu.Lock()
			ch.history.handled = it.position
			ch.mu.Unlock()
		}
	}
}
