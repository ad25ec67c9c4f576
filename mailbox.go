package roost

import (
	"github.com/roost-dev/roost/pubsub"
	"github.com/roost-dev/roost/wire"
)

// mail is one thing that a conversation has to handle.
type mail struct {
	kind    mailKind
	ref     wire.Value      // of a push or a leave
	event   string          // of a push
	payload wire.Payload    // of a push
	mark    string          // of a push of bytes
	value   any             // of an info
	message *pubsub.Message // of an event or an intercepted broadcast
}

type mailKind uint8

const (
	mailPush  mailKind = iota + 1 // an event of the client
	mailInfo                      // a Go value from within the process
	mailEvent                     // an event of another topic
	mailOut                       // a broadcast of the own topic that is intercepted
	mailLeave                     // the client leaves
	mailDrain                     // the server shuts down
)

// control reports whether the mail is taken even by a full mailbox: there is
// at most a handful of it, and it ends the conversation.
func (m *mail) control() bool { return m.kind >= mailLeave && m.kind <= mailDrain }

// size is what the mail counts towards the bound in bytes.
func (m *mail) size() int {
	const overhead = 128
	n := overhead + len(m.event) + len(m.payload.Data)
	if m.message != nil {
		n += len(m.message.Payload)
	}
	return n
}

// mailbox is a queue bounded in number and bytes. Its owner guards it.
type mailbox struct {
	items []mail
	head  int
	bytes int
}

// put appends m, and reports whether there was room. One mail larger than the
// bound in bytes is taken by an empty mailbox.
func (b *mailbox) put(m mail, maxItems, maxBytes int) bool {
	n, size := len(b.items)-b.head, m.size()
	if n > 0 && !m.control() && (n >= maxItems || b.bytes+size > maxBytes) {
		return false
	}
	if b.head > 0 && len(b.items) == cap(b.items) {
		b.items = append(b.items[:0], b.items[b.head:]...)
		clear(b.items[n:cap(b.items)])
		b.head = 0
	}
	b.items = append(b.items, m)
	b.bytes += size
	return true
}

// take removes the oldest mail.
func (b *mailbox) take() (mail, bool) {
	if b.head == len(b.items) {
		return mail{}, false
	}
	m := b.items[b.head]
	b.items[b.head] = mail{}
	b.head++
	b.bytes -= m.size()
	if b.head == len(b.items) {
		b.items, b.head = b.items[:0], 0
	}
	return m, true
}

// reuse returns an empty mailbox with the memory of b, which is empty, unless
// that is more than for the given number of mails.
func (b *mailbox) reuse(most int) mailbox {
	if cap(b.items) > most {
		return mailbox{}
	}
	return mailbox{items: b.items[:0]}
}

// drain empties the mailbox.
func (b *mailbox) drain() []mail {
	items := b.items[b.head:]
	*b = mailbox{}
	return items
}
