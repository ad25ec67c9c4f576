package roost

import (
	"context"
	"fmt"
	"reflect"

	"github.com/roost-dev/roost/pubsub"
	"github.com/roost-dev/roost/wire"
)

// Handler is the callbacks for one topic pattern. A is the type of the
// socket's assigns, S of a conversation's state. Make it with [NewHandler],
// add callbacks, and mount it with [Server.Handle]; after that it must not
// change. It may be mounted more than once.
//
// The callbacks of one conversation run one at a time, in the order in which
// what they are about arrived; they may block without delaying anything but
// their own conversation. Their ctx ends with the conversation. A panic in
// one ends its conversation with phx_error, is logged with its stack, and
// harms nobody else.
type Handler[A, S any] struct{ r *routine }

// HandlerOptions configures a [Handler].
type HandlerOptions struct{}

// routine is a handler with its types erased: what runs a conversation.
type routine struct {
	newChannel func() *conversation
	join       func(ctx context.Context, c *conversation, params wire.Payload) (wire.Payload, error)
	ins        map[string]*inHandler
	anyIn      func(ctx context.Context, c *conversation, m *Message) error
	infos      map[reflect.Type]func(ctx context.Context, c *conversation, v any) error
	events     map[string]func(ctx context.Context, c *conversation, m *pubsub.Message) error
	outs       map[string]outHandler
	anyOut     outHandler
	terminate  func(ctx context.Context, c *conversation, why Reason)
	params     reflect.Type // of the join, and what it replies
	joined     reflect.Type
	emits      map[string]reflect.Type // the payloads
	metas      []reflect.Type
	mounted    bool
}

type inHandler struct {
	call    func(ctx context.Context, c *conversation, p wire.Payload) (wire.Payload, error)
	payload reflect.Type
	reply   reflect.Type
}

// outHandler turns a broadcast into what this one client gets, if anything.
type outHandler func(ctx context.Context, c *conversation, m *pubsub.Message) (event string, p wire.Payload, deliver bool, err error)

// NewHandler makes a handler of its join callback, which decides who may join
// a topic. join returns the reply for the client, or an error to refuse.
//
// While join runs its topic is subscribed already, and what arrives is held:
// nothing falls between a snapshot read in join and the first live event.
// Within join, Push, Send and Subscribe take effect with the reply and are
// undone by a refusal; Broadcast goes at once. join must return within
// [Options].JoinTimeout; beyond it the client is told "join timeout", and
// what join still returns is dropped.
//
// It panics if P or R is no payload type; see [NewIn].
func NewHandler[A, S, P, R any](
	join func(ctx context.Context, ch *Channel[S], s *Socket[A], params P) (R, error),
	opts *HandlerOptions,
) *Handler[A, S] {
	if join == nil {
		panic("roost: NewHandler needs a join callback")
	}
	mustPayload[P]("phx_join")
	if !isReplyMarker[R]() {
		mustPayload[R]("phx_join")
	}
	r := &routine{
		ins:    map[string]*inHandler{},
		infos:  map[reflect.Type]func(context.Context, *conversation, any) error{},
		events: map[string]func(context.Context, *conversation, *pubsub.Message) error{},
		outs:   map[string]outHandler{},
		emits:  map[string]reflect.Type{},
		params: reflect.TypeFor[P](),
		joined: reflect.TypeFor[R](),
	}
	r.newChannel = func() *conversation {
		ch := &Channel[S]{}
		ch.c.channel = ch
		return &ch.c
	}
	r.join = func(ctx context.Context, c *conversation, params wire.Payload) (wire.Payload, error) {
		p, err := decodePayload[P](params)
		if err != nil {
			return wire.Payload{}, err
		}
		reply, err := join(ctx, c.channel.(*Channel[S]), c.socket.user.(*Socket[A]), p)
		if err != nil {
			return wire.Payload{}, err
		}
		return encodePayload(reply)
	}
	return &Handler[A, S]{r}
}

// HandleIn sets the callback for an event that clients push. What it returns
// is the reply. An error is the error reply: an [*Error] as it is, any other
// as reason "internal" and logged; the conversation goes on. A payload that
// does not decode, or does not validate, never gets here: the client is told
// which field was wrong.
//
// It panics if the event has a callback already.
func (h *Handler[A, S]) HandleIn[P, R any](in In[P, R], f func(ctx context.Context, ch *Channel[S], p P) (R, error)) {
	h.mustBeOpen("HandleIn", f == nil)
	if _, taken := h.r.ins[in.name]; taken || in.name == "" {
		panic(fmt.Sprintf("roost: HandleIn of %q twice, or of an event not made with NewIn", in.name))
	}
	noReply := reflect.TypeFor[R]() == reflect.TypeFor[NoReply]()
	h.r.ins[in.name] = &inHandler{
		payload: reflect.TypeFor[P](),
		reply:   reflect.TypeFor[R](),
		call: func(ctx context.Context, c *conversation, raw wire.Payload) (wire.Payload, error) {
			p, err := decodePayload[P](raw)
			if err != nil {
				return wire.Payload{}, err
			}
			reply, err := f(ctx, c.channel.(*Channel[S]), p)
			if noReply || err != nil && !endsInOrder(err) {
				return wire.Payload{}, err
			}
			encoded, encodeErr := encodePayload(reply)
			if encodeErr != nil {
				return wire.Payload{}, fmt.Errorf("roost: reply to %q: %w", in.name, encodeErr)
			}
			return encoded, err
		},
	}
}

// HandleAny sets the callback for every event without one of its own: the
// untyped door, for code that passes events on. m.Reply answers; returning an
// error answers too, unless m was answered, and Stop ends the conversation
// without an answer of its own.
func (h *Handler[A, S]) HandleAny(f func(ctx context.Context, ch *Channel[S], m *Message) error) {
	h.mustBeOpen("HandleAny", f == nil)
	h.r.anyIn = func(ctx context.Context, c *conversation, m *Message) error {
		return f(ctx, c.channel.(*Channel[S]), m)
	}
}

// HandleInfo sets the callback for Go values of type T that come from within
// the process: by [Channel.Send], [Channel.SendAfter] or [Channel.Go]. A
// value of a type without a callback is logged. An error is logged.
func (h *Handler[A, S]) HandleInfo[T any](f func(ctx context.Context, ch *Channel[S], v T) error) {
	h.mustBeOpen("HandleInfo", f == nil)
	t := reflect.TypeFor[T]()
	if _, taken := h.r.infos[t]; taken {
		panic(fmt.Sprintf("roost: HandleInfo of %v twice", t))
	}
	if t.Kind() == reflect.Interface {
		panic(fmt.Sprintf("roost: HandleInfo of the interface %v: values are told apart by their own type", t))
	}
	h.r.infos[t] = func(ctx context.Context, c *conversation, v any) error {
		return f(ctx, c.channel.(*Channel[S]), v.(T))
	}
}

// HandleEvent sets the callback for an event of other topics, those that the
// conversation subscribed to with [Channel.Subscribe]. v is decoded once per
// node and shared by all: it must not be changed. An error is logged.
func (h *Handler[A, S]) HandleEvent[T any](out Out[T], f func(ctx context.Context, ch *Channel[S], topic string, v T) error) {
	h.mustBeOpen("HandleEvent", f == nil)
	if _, taken := h.r.events[out.name]; taken || out.name == "" {
		panic(fmt.Sprintf("roost: HandleEvent of %q twice, or of an event not made with NewOut", out.name))
	}
	h.r.events[out.name] = func(ctx context.Context, c *conversation, m *pubsub.Message) error {
		v, err := decodeShared[T](m)
		if err != nil {
			return err
		}
		return f(ctx, c.channel.(*Channel[S]), m.Topic, v)
	}
}

// HandleOut intercepts a broadcast of the event on the conversation's own
// topic before its client gets it: the callback returns what this client is
// to see, and whether it is to see it at all. v is decoded once per node and
// shared by all: it must not be changed. An error drops the event for this
// client and is logged.
//
// An intercepted event waits its turn in the mailbox, so events that are not
// intercepted overtake it; what the conversation itself broadcasts, pushes
// and replies keeps its order all the same.
func (h *Handler[A, S]) HandleOut[T any](out Out[T], f func(ctx context.Context, ch *Channel[S], v T) (T, bool, error)) {
	h.mustBeOpen("HandleOut", f == nil)
	if _, taken := h.r.outs[out.name]; taken || out.name == "" {
		panic(fmt.Sprintf("roost: HandleOut of %q twice, or of an event not made with NewOut", out.name))
	}
	h.r.mustEmit(out)
	h.r.outs[out.name] = func(ctx context.Context, c *conversation, m *pubsub.Message) (string, wire.Payload, bool, error) {
		v, err := decodeShared[T](m)
		if err != nil {
			return "", wire.Payload{}, false, err
		}
		v, deliver, err := f(ctx, c.channel.(*Channel[S]), v)
		if err != nil || !deliver {
			return "", wire.Payload{}, false, err
		}
		p, err := encodeEvent(m.Event, v)
		return m.Event, p, true, err
	}
}

// HandleOutAny intercepts every broadcast without a [Handler.HandleOut] of its
// own, presence included. The callback may change m's Event, Payload and
// Binary for this client, but not the bytes of Payload, which are shared.
func (h *Handler[A, S]) HandleOutAny(f func(ctx context.Context, ch *Channel[S], m *Message) (deliver bool, err error)) {
	h.mustBeOpen("HandleOutAny", f == nil)
	h.r.anyOut = func(ctx context.Context, c *conversation, m *pubsub.Message) (string, wire.Payload, bool, error) {
		out := &Message{Topic: m.Topic, Event: m.Event, Payload: m.Payload, Binary: m.Binary}
		deliver, err := f(ctx, c.channel.(*Channel[S]), out)
		return out.Event, wire.Payload{Data: out.Payload, Binary: out.Binary}, deliver, err
	}
}

// OnTerminate sets the callback for the end of a conversation whose join was
// accepted. It runs last, once, after a running callback has returned; if
// that takes more than 5 s it is given up on. It runs after a panic too. What
// it pushes reaches the client after [Left], [Stopped] and [Errored], behind
// the final frame. Its ctx has not ended, but is bounded to 5 s.
func (h *Handler[A, S]) OnTerminate(f func(ctx context.Context, ch *Channel[S], why Reason)) {
	h.mustBeOpen("OnTerminate", f == nil)
	h.r.terminate = func(ctx context.Context, c *conversation, why Reason) {
		f(ctx, c.channel.(*Channel[S]), why)
	}
}

// Emits declares the events that conversations push and broadcast. Pushing
// another one is an error: what a client may receive can be read here.
func (h *Handler[A, S]) Emits(events ...Event) {
	h.mustBeOpen("Emits", false)
	for _, e := range events {
		if e.Name() == "" {
			panic("roost: Emits of an event not made with NewOut")
		}
		h.r.mustEmit(e)
	}
}

// mustEmit notes what e carries, which must be one thing.
func (r *routine) mustEmit(e Event) {
	if other, declared := r.emits[e.Name()]; declared && other != e.payload() {
		panic(fmt.Sprintf("roost: event %q is declared with payloads of two types: %v and %v", e.Name(), other, e.payload()))
	}
	r.emits[e.Name()] = e.payload()
}

// Tracks declares the presences that conversations are tracked by, each a
// *presence.Presence: what its metas are can be read in [Server.Contract]. It
// may be nil as long as it is typed, and changes nothing else.
func (h *Handler[A, S]) Tracks(presences ...interface{ MetaType() reflect.Type }) {
	h.mustBeOpen("Tracks", false)
	for _, p := range presences {
		h.r.metas = append(h.r.metas, p.MetaType())
	}
}

// mustBeOpen panics if the handler is complete, or the callback missing.
func (h *Handler[A, S]) mustBeOpen(method string, isNil bool) {
	switch {
	case h.r.mounted:
		panic("roost: a handler must be complete before Server.Handle")
	case isNil:
		panic("roost: " + method + " of a nil callback")
	}
}

// intercepts reports whether event goes through a callback on its way out.
func (r *routine) intercepts(event string) bool {
	if r.anyOut != nil {
		return true
	}
	_, ok := r.outs[event]
	return ok
}

func (r *routine) interceptsSome() bool { return r.anyOut != nil || len(r.outs) > 0 }

func (r *routine) outHandler(event string) outHandler {
	if f, ok := r.outs[event]; ok {
		return f
	}
	return r.anyOut
}

// sharedKey is where the decoded value of a message is kept, by type: two
// applications of one process may read one event differently.
type sharedKey struct{ t reflect.Type }

type sharedValue struct {
	v   any
	err error
}

// decodeShared decodes m once for all conversations of this node.
func decodeShared[T any](m *pubsub.Message) (T, error) {
	s := m.Memo(sharedKey{reflect.TypeFor[T]()}, func() any {
		v, err := decode[T](wire.Payload{Data: m.Payload, Binary: m.Binary})
		return sharedValue{v, err}
	}).(sharedValue)
	if s.err != nil {
		var zero T
		return zero, fmt.Errorf("roost: event %q on %q: %w", m.Event, m.Topic, s.err)
	}
	return s.v.(T), nil
}
