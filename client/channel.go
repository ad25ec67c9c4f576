package client

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/wire"
)

// Channel is the client's side of a topic: conversation after conversation with
// the server, until it is left or the server ends it in good order. Make it with
// [Socket.Channel], say what is to be called, and join it.
//
// The On methods are called before [Channel.Join], and panic behind it: no event
// is missed. All others may be called from any goroutine.
type Channel struct {
	socket *Socket
	topic  string
	opts   ChannelOptions
	done   chan struct{}

	ctx     context.Context // ends when the channel is over
	cancel  context.CancelFunc
	calling context.Context // the callbacks': ends when no further one is called
	quiet   context.CancelFunc

	listener
	shared *share // whose parts hear what comes; nil: this channel's own callbacks do

	mu       sync.Mutex    // guards what follows
	err      error         // why it is over
	joining  *conversation // asked for, not answered
	current  *conversation // that goes on
	changed  chan struct{} // closed and made anew when err or current changes
	reply    wire.Payload  // of the first join
	accepted bool          // there was one
	history  history
	inbox    inbox
	outbox   outbox
}

// conversation is one join of a channel.
type conversation struct {
	conn *conn
	ref  wire.Value
	over chan struct{} // closed with err
	err  error         // why it broke off
}

func newChannel(s *Socket, topic string, opts ChannelOptions) *Channel {
	ch := &Channel{
		socket:  s,
		topic:   topic,
		opts:    opts,
		done:    make(chan struct{}),
		changed: make(chan struct{}),
		history: history{on: opts.History, received: opts.After, handled: opts.After},
		inbox:   newInbox(opts.Inbox, opts.InboxBytes),
		outbox:  newOutbox(opts.Outbox),
	}
	ch.listener = listener{channel: ch}
	values := context.WithoutCancel(s.ctx)
	ch.ctx, ch.cancel = context.WithCancel(values)
	ch.calling, ch.quiet = context.WithCancel(values)
	return ch
}

// Topic returns the topic.
func (ch *Channel) Topic() string { return ch.topic }

// Join joins the topic and returns the server's reply; params are encoded as
// JSON, nil is {}. From then on the channel joins again by itself after each
// interruption. Join waits for a connection if there is none.
//
// A refusal is a [*roost.Error]; after it, as after any error, the channel is
// over: make a new one to try again. Call it once.
func (ch *Channel) Join[R any](ctx context.Context, params any) (R, error) {
	p, err := ch.join(ctx, params)
	if err != nil {
		var none R
		return none, err
	}
	reply, err := decode[R](p)
	if err != nil {
		ch.giveUp()
		return reply, fmt.Errorf("client: the reply to the join of %q: %w", ch.topic, err)
	}
	return reply, nil
}

func (ch *Channel) join(ctx context.Context, params any) (wire.Payload, error) {
	first, err := encode(params)
	if err != nil {
		return first, fmt.Errorf("client: the parameters for %q: %w", ch.topic, err)
	}
	if ch.begun.Swap(true) {
		return first, fmt.Errorf("client: the channel for %q was joined before: it rejoins by itself, "+
			"and a new one is made with Socket.Channel", ch.topic)
	}
	if err := ch.begin(first); err != nil {
		return first, err
	}
	reply, err := ch.accept(ctx)
	if err != nil {
		ch.giveUp()
	}
	return reply, err
}

// begin has the channel joined, now and later.
func (ch *Channel) begin(first wire.Payload) error {
	err := ch.socket.add(ch, func() { ch.run(first) })
	if err != nil {
		ch.end(err)
		close(ch.done)
	}
	return err
}

// accept waits until the channel is joined, or was, and returns the reply.
func (ch *Channel) accept(ctx context.Context) (wire.Payload, error) {
	ctx, cancel := ch.socket.bound(ctx)
	defer cancel()
	_, err := ch.await(ctx, nil)
	ch.mu.Lock()
	defer ch.mu.Unlock()
	if ch.accepted { // and perhaps over already
		err = nil
	}
	return ch.reply, err
}

// giveUp leaves without waiting.
func (ch *Channel) giveUp() {
	if cv := ch.end(ErrClosed); cv != nil {
		cv.conn.sendNow(ch.leaving(cv))
	}
}

// Call pushes an event and returns its reply. It waits for the channel to be
// joined if need be. The reply may be a [*roost.Error]; other errors are
// [ErrInterrupted], that of ctx, one that wraps context.DeadlineExceeded after
// [Options].Timeout, and why the channel is over. For an event without a reply
// use Push.
func (ch *Channel) Call[P, R any](ctx context.Context, in roost.In[P, R], v P) (R, error) {
	var reply R
	if _, none := any(reply).(roost.NoReply); none {
		return reply, fmt.Errorf("client: event %q has no reply to wait for: use Push", in.Name())
	}
	m, err := ch.push(ctx, in.Name(), v, true)
	if err != nil {
		return reply, err
	}
	return decodeReply[R](in.Name(), m)
}

// Push pushes an event and does not wait for a reply: an error reply to it is
// logged. It waits for the channel to be joined, and for room among what is to
// be written. nil says that it is on its way: it is lost if the connection is.
func (ch *Channel) Push[P, R any](ctx context.Context, in roost.In[P, R], v P) error {
	_, err := ch.push(ctx, in.Name(), v, false)
	return err
}

func (ch *Channel) push(ctx context.Context, event string, v any, wait bool) (wire.ServerMessage, error) {
	p, err := encode(v)
	if err != nil {
		return wire.ServerMessage{}, fmt.Errorf("client: event %q: %w", event, err)
	}
	ctx, cancel := ch.socket.bound(ctx)
	defer cancel()
	var last *conversation
	for {
		cv, err := ch.await(ctx, last)
		if err != nil {
			return wire.ServerMessage{}, err
		}
		m := wire.ClientMessage{JoinRef: cv.ref, Ref: ch.socket.nextRef(), Topic: wire.String(ch.topic), Event: event, Payload: p}
		var reply wire.ServerMessage
		if wait {
			reply, err = cv.conn.call(ctx, m, cv, nil)
		} else {
			err = cv.conn.send(ctx, m)
		}
		if !errors.Is(err, errNotSent) {
			return reply, err
		}
		last = cv
	}
}

func errNotJoined(topic string) error {
	return fmt.Errorf("client: the channel for %q has not been joined: call Join first", topic)
}

// await returns the conversation that goes on, waiting for one, but not last.
func (ch *Channel) await(ctx context.Context, last *conversation) (*conversation, error) {
	for {
		ch.mu.Lock()
		cv, changed, err := ch.current, ch.changed, ch.err
		ch.mu.Unlock()
		switch {
		case err != nil:
			return nil, err
		case !ch.begun.Load():
			return nil, errNotJoined(ch.topic)
		case cv != nil && cv != last:
			return cv, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, fmt.Errorf("client: %q is not joined: %w", ch.topic, context.Cause(ctx))
		}
	}
}

// Position returns where the channel stands in the topic's history: behind the
// last event whose callbacks have returned. Kept, and given as
// [ChannelOptions].After, it carries on in another life of the program. It is
// empty without a history.
func (ch *Channel) Position() string {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	return ch.history.handled
}

// Joined reports whether a conversation goes on, as far as the client knows.
func (ch *Channel) Joined() bool {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	return ch.current != nil
}

// Leave leaves the topic: no further callback begins. It tells the server, and
// waits until that has answered or the connection is gone; an error says that
// ctx ended first. A callback may call it. One that runs may still run when
// Leave returns: [Channel.Done] tells.
func (ch *Channel) Leave(ctx context.Context) error {
	cv := ch.end(ErrClosed)
	if cv == nil {
		return nil
	}
	ctx, cancel := ch.socket.bound(ctx)
	defer cancel()
	_, err := cv.conn.call(ctx, ch.leaving(cv), nil, nil)
	if errors.Is(err, ErrInterrupted) || errors.Is(err, errNotSent) {
		return nil
	}
	return err
}

func (ch *Channel) leaving(cv *conversation) wire.ClientMessage {
	return wire.ClientMessage{
		JoinRef: cv.ref, Ref: ch.socket.nextRef(), Topic: wire.String(ch.topic),
		Event: wire.EventLeave, Payload: wire.Payload{Data: emptyObject},
	}
}

// Done is closed when the channel is over and its callbacks have returned. One
// that was never joined is never done.
func (ch *Channel) Done() <-chan struct{} { return ch.done }

// Err returns why the channel is over: [ErrClosed] if it was left or the socket
// closed, [ErrEnded] if the server ended it, what Join or [Socket.Err] returned.
// It is nil before.
func (ch *Channel) Err() error {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	return ch.err
}

// end ends the channel and returns the conversation that went on. The first
// reason counts. What waits for callbacks is dropped if it is ErrClosed, and
// delivered otherwise.
func (ch *Channel) end(err error) *conversation {
	ch.mu.Lock()
	cv := ch.current
	if ch.err != nil {
		ch.mu.Unlock()
		return nil
	}
	ch.err = err
	ch.current, ch.joining = nil, nil
	if cv != nil {
		cv.err = err
		close(cv.over)
	}
	ch.inbox.end(errors.Is(err, ErrClosed))
	ch.outbox.end(err)
	ch.wake()
	ch.mu.Unlock()
	ch.cancel()
	if errors.Is(err, ErrClosed) {
		ch.quiet()
	}
	ch.socket.remove(ch)
	return cv
}

// wake has everybody look again who waits for a change. The caller holds mu.
func (ch *Channel) wake() {
	close(ch.changed)
	ch.changed = make(chan struct{})
}
