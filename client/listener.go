package client

import (
	"context"
	"encoding/json/jsontext"
	"fmt"
	"sync/atomic"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/wire"
)

// callback takes a payload that it may not be able to decode.
type callback = func(context.Context, wire.Payload) error

// follower is a [Presence] of any type.
type follower interface {
	take(ctx context.Context, it item) error
	seed(raw *Presence[jsontext.Value])
}

// listener is the callbacks of one who hears a channel: its own, or those of a
// part of the program that shares it.
type listener struct {
	channel *Channel
	begun   atomic.Bool // joining: what follows is constant then

	presences   []follower // told first
	events      map[string][]callback
	onRejoin    []callback
	onRecovered []func(context.Context, int)
	onGap       []func(context.Context)
	onError     []func(context.Context, error)
}

// On calls f for each event of this name, pushed or broadcast. T may be
// [roost.Payload] to get payloads as they are. One that does not fit T is told
// to OnError. f's context ends when the channel is left or the socket closed;
// so do those of the other callbacks.
func (l *listener) On[T any](out roost.Out[T], f func(ctx context.Context, v T)) {
	l.mustNotRun("On")
	if l.events == nil {
		l.events = map[string][]callback{}
	}
	l.events[out.Name()] = append(l.events[out.Name()], typed(f))
}

// OnRejoin calls f with the reply of each join after the first, before the
// events that follow it, and behind OnGap.
func (l *listener) OnRejoin[R any](f func(ctx context.Context, reply R)) {
	l.mustNotRun("OnRejoin")
	l.onRejoin = append(l.onRejoin, typed(f))
}

// OnRecovered calls f when all was told that the topic's history had for the
// channel since it was interrupted: n events, those before this call.
func (l *listener) OnRecovered(f func(ctx context.Context, n int)) {
	l.mustNotRun("OnRecovered")
	l.onRecovered = append(l.onRecovered, f)
}

// OnGap calls f where events are lost. The channel is joined again, and the
// topic's history does not reach back to where it was: what f needs instead is
// in the reply for OnRejoin, which comes next, or the server sends it. Or an
// event is such that the connection cannot carry it.
func (l *listener) OnGap(f func(ctx context.Context)) {
	l.mustNotRun("OnGap")
	l.onGap = append(l.onGap, f)
}

// OnError calls f when the conversation is interrupted, by a lost connection, a
// crash on the server, or [ErrOverrun]; when joining again failed, with a
// [*roost.Error] if the server refused; and for an event that could not be
// decoded. The channel goes on trying: f may leave it. Without OnError these are
// logged.
func (l *listener) OnError(f func(ctx context.Context, err error)) {
	l.mustNotRun("OnError")
	l.onError = append(l.onError, f)
}

func typed[T any](f func(context.Context, T)) callback {
	return func(ctx context.Context, p wire.Payload) error {
		v, err := decode[T](p)
		if err == nil {
			f(ctx, v)
		}
		return err
	}
}

func (l *listener) mustNotRun(method string) {
	if l.begun.Load() {
		panic(fmt.Sprintf("client: %s of %q comes after Join, so events may be missed: call it before", method, l.channel.topic))
	}
}

// tell calls the callbacks that an item is for.
func (l *listener) tell(ctx context.Context, it item) {
	for _, who := range l.presences {
		if err := who.take(ctx, it); err != nil {
			l.tellError(ctx, fmt.Errorf("client: event %q: %w", it.event, err))
		}
	}
	switch it.kind {
	case itemEvent:
		l.tellPayload(ctx, it, l.events[it.event])
	case itemRejoin:
		l.tellPayload(ctx, it, l.onRejoin)
	case itemRecovered:
		for _, f := range l.onRecovered {
			f(ctx, it.n)
		}
	case itemGap:
		for _, f := range l.onGap {
			f(ctx)
		}
	case itemError:
		l.tellError(ctx, it.err)
	case itemPosition:
	}
}

func (l *listener) tellPayload(ctx context.Context, it item, callbacks []callback) {
	for _, f := range callbacks {
		err := f(ctx, it.payload)
		switch {
		case err == nil:
		case it.kind == itemRejoin:
			l.tellError(ctx, fmt.Errorf("client: the reply to a join: %w", err))
		default:
			l.tellError(ctx, fmt.Errorf("client: event %q: %w", it.event, err))
		}
	}
}

func (l *listener) tellError(ctx context.Context, err error) {
	if len(l.onError) == 0 {
		l.channel.socket.opts.Logger.Warn("client: a channel was interrupted", "topic", l.channel.topic, "error", err)
	}
	for _, f := range l.onError {
		f(ctx, err)
	}
}
