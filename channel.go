package roost

import (
	"context"
	"fmt"
	"time"

	"github.com/roost-dev/roost/pubsub"
)

// Channel is one socket's conversation on one topic. S is its state, which
// its callbacks own: they run one at a time, so State needs no lock, and
// nobody else may touch it. All methods may be called from any goroutine.
type Channel[S any] struct {
	// State is the conversation's state; join sets it.
	State S

	c conversation
}

func (ch *Channel[S]) conversation() *conversation { return &ch.c }

// Topic returns the topic that the client joined.
func (ch *Channel[S]) Topic() string { return ch.c.topic }

// Param returns what {name} in the handler's pattern stands for in the topic,
// "*" for the rest. It is empty for a name that the pattern does not have.
func (ch *Channel[S]) Param(name string) string {
	value := ""
	ch.c.route.pattern.match(ch.c.topic, func(n, v string) {
		if n == name {
			value = v
		}
	})
	return value
}

// ID returns a string that no other conversation has, in any process.
func (ch *Channel[S]) ID() string { return ch.c.id() }

// PubSub returns what the server publishes by.
func (ch *Channel[S]) PubSub() *pubsub.PubSub { return ch.c.socket.server.pubsub }

// Push sends the event to this conversation's client alone. The event must be
// declared with [Handler.Emits]. It does not block: a client that does not
// read is disconnected once its outbox is full. It returns [ErrEnded] if the
// conversation is over, and an error for a payload that cannot be encoded.
func (ch *Channel[S]) Push[T any](ctx context.Context, out Out[T], v T) error {
	if err := ch.c.mayEmit(out.name); err != nil {
		return err
	}
	p, err := encodeEvent(out.name, v)
	if err != nil {
		return err
	}
	return ch.c.push(out.name, p)
}

// PushEncoded is Push for packages that encode by themselves, such as
// presence: payload is a JSON object, shared by many pushes, and must not
// change any more. The event needs no declaration.
func (ch *Channel[S]) PushEncoded(ctx context.Context, event string, payload []byte) error {
	return ch.c.pushJSON(event, payload)
}

// Broadcast sends the event to all subscribers of the conversation's topic on
// all nodes, this client included. Errors and blocking are as for
// [Out.Broadcast].
func (ch *Channel[S]) Broadcast[T any](ctx context.Context, out Out[T], v T) error {
	return broadcast(ctx, &ch.c, out, v, true)
}

// BroadcastFrom is Broadcast to all but this conversation. The user's other
// sockets do get the event.
func (ch *Channel[S]) BroadcastFrom[T any](ctx context.Context, out Out[T], v T) error {
	return broadcast(ctx, &ch.c, out, v, false)
}

func broadcast[T any](ctx context.Context, c *conversation, out Out[T], v T, self bool) error {
	if err := c.mayEmit(out.name); err != nil {
		return err
	}
	m, err := out.message(c.topic, v)
	if err != nil {
		return err
	}
	return c.broadcast(ctx, m, self)
}

// Send puts v into the conversation's mailbox, for the HandleInfo callback of
// its type. It returns [ErrEnded] if the conversation is over; a full mailbox
// ends the conversation.
func (ch *Channel[S]) Send(v any) error { return ch.c.info(v) }

// SendAfter is Send after d. The timer is stopped with the conversation. The
// number of timers is not bounded but by what you start, as is that of
// goroutines of [Channel.Go]: do not start one for each message of a client.
func (ch *Channel[S]) SendAfter(v any, d time.Duration) *Timer { return ch.c.sendAfter(v, d) }

// Go runs f on a goroutine of its own, and sends the value it returns to the
// conversation, for the HandleInfo callback of its type; nil sends nothing.
// An error is logged, [Stop] ends the conversation. ctx ends with the
// conversation. Unlike one in a goroutine that you start yourself, a panic in
// f ends only the conversation.
func (ch *Channel[S]) Go(f func(ctx context.Context) (any, error)) { ch.c.spawn(f) }

// Subscribe has events of another topic sent to the conversation, for its
// HandleEvent callbacks; events without one are dropped. It ends with the
// conversation, or by the returned function. What is broadcast on any node
// once it has returned arrives, for which it may wait for the cluster's engine,
// up to a second.
func (ch *Channel[S]) Subscribe(topic string) (unsubscribe func()) { return ch.c.subscribe(topic) }

// Resumed reports, within join and after, whether the client was here before,
// said where it stood in the topic's history, and gets all that it missed
// behind the join reply. If not it should be given a snapshot: it is here for
// the first time, does not ask for history, or was away for longer than that
// reaches back.
func (ch *Channel[S]) Resumed() bool { return ch.c.resumed() }

// AfterReply runs f behind the reply to the push that is being handled, so that
// its client sees the answer before what else comes of its push: at once if
// none is being handled, and after 10 ms if the callback takes longer. f must
// not block.
func (ch *Channel[S]) AfterReply(f func()) { ch.c.afterReply(f) }

// AfterJoin runs f once the conversation has joined: at once if it has, right
// behind the join reply if join still runs, never if the join is refused. f
// must not block. Nothing bounds how many are registered.
func (ch *Channel[S]) AfterJoin(f func()) { ch.c.afterJoin(f) }

// OnEnd runs f when the conversation ends for whatever reason, at once if it
// has ended. Unlike OnTerminate, f may run while a callback still does, on
// any goroutine, and must not block. Nothing bounds how many are registered.
func (ch *Channel[S]) OnEnd(f func()) { ch.c.onEnd(f) }

// mayEmit checks an event against the handler's declaration.
func (c *conversation) mayEmit(event string) error {
	if _, declared := c.route.routine.emits[event]; !declared {
		return fmt.Errorf("roost: event %q is not declared: add it to Emits of the handler of %q", event, c.route.pattern.text)
	}
	return nil
}
