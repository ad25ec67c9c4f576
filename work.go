package roost

import (
	"reflect"
	"sync"

	"github.com/roost-dev/roost/internal/ledger"
	"github.com/roost-dev/roost/pubsub"
	"github.com/roost-dev/roost/transport"
)

// work is what a conversation has to do and to say. It is there from the first
// piece of work until there is none, and then serves another conversation. The
// conversation's mutex guards it.
type work struct {
	mailbox  mailbox
	out      []outgoing
	flushing bool  // out is being worked off
	turn     *turn // what is being handled now
}

// outgoing is one step of what a conversation has to say while it may not say
// it yet: while it joins, or behind an intercepted broadcast of its own.
type outgoing struct {
	frame   *transport.Frame
	message *pubsub.Message // to be intercepted first
	then    func()
}

// turn is the push being handled.
type turn struct {
	mail   mail
	marked *ledger.Push // nil: the push has no mark
	reply  reflect.Type // of the event
	answer *answer      // once taken along
	after  []func()     // to be run behind the reply
}

// works are those that nobody has a use for now.
var works = sync.Pool{New: func() any { return new(work) }}

// working returns the conversation's work. The caller holds mu, and sees to it
// that a worker comes.
func (c *conversation) working() *work {
	if c.work == nil {
		c.work = works.Get().(*work)
	}
	return c.work
}

// says reports whether something waits to be said, or is about to be. The
// caller holds mu.
func (c *conversation) says() bool {
	return c.work != nil && (len(c.work.out) > 0 || c.work.flushing)
}

// release gives back work that is done.
func (w *work) release() {
	const keep = 64
	mailbox := w.mailbox.reuse(keep)
	*w = work{mailbox: mailbox}
	works.Put(w)
}

// end drops what is still to be done, and returns the mail of it.
func (w *work) end() []mail {
	w.out = nil
	return w.mailbox.drain()
}
