package main

import (
	"context"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"fmt"
	"time"

	"github.com/roost-dev/roost"
)

// A caller is what the application knows of a socket. Its fields are nil where the client did not say.
type caller struct {
	User      *string `json:"user"`
	AuthToken *string `json:"auth_token"`
}

// The events of Echo. Payloads are passed on as they came.
var (
	welcome = roost.NewOut[greeting]("welcome")
	pushed  = roost.NewOut[roost.Payload]("pushed")
	shout   = roost.NewOut[roost.Payload]("shout")
)

type greeting struct {
	Msg string `json:"msg"`
}

// echoChannel is a conversation that gives back what it is told. Its state is who is calling.
type echoChannel = roost.Channel[caller]

// newEcho makes the handler of the topics that give back what they are told. It is untyped on purpose: what comes is
// passed on, whatever it is.
func newEcho() *roost.Handler[caller, caller] {
	echo := roost.NewHandler(joinEcho, nil)
	echo.HandleAny(answerEcho)
	echo.Emits(welcome, pushed, shout)
	return echo
}

func joinEcho(ctx context.Context, ch *echoChannel, s *roost.Socket[caller], params roost.Payload) (roost.Payload, error) {
	ch.State = s.Assigns
	switch ch.Topic() {
	case "echo:join_crash":
		panic("echo:join_crash was joined")
	case "echo:join_error":
		return roost.Payload{}, &roost.Error{Reason: "nope", Details: map[string]any{"code": 42}}
	case "echo:join_reply":
		return encoded(map[string]any{"hello": "world", "params": jsontext.Value(params.Data)})
	case "echo:join_push":
		if err := ch.Push(ctx, welcome, greeting{"hi"}); err != nil {
			return roost.Payload{}, err
		}
	}
	return encoded(roost.Ack{})
}

// encoded makes a payload of v, for a reply whose form varies.
func encoded(v any) (roost.Payload, error) {
	data, err := json.Marshal(v)
	return roost.Payload{Data: data}, err
}

func answerEcho(ctx context.Context, ch *echoChannel, m *roost.Message) error {
	payload := roost.Payload{Data: m.Payload, Binary: m.Binary}
	switch m.Event {
	case "ping":
		return m.Reply("ok", payload)
	case "ping_bin":
		if !m.Binary {
			return m.Reply("ok", []byte{1, 2, 3, 0xff})
		}
		return m.Reply("ok", payload)
	case "err_bin":
		return m.Reply("error", payload)
	case "reply_atom":
		return m.Reply("ok", roost.Ack{})
	case "reply_custom":
		return m.Reply("custom_status", payload)
	case "err":
		return &roost.Error{Reason: "bad"}
	case "whoami":
		return m.Reply("ok", ch.State)
	case "async":
		later := m.Later()
		time.AfterFunc(50*time.Millisecond, func() { _ = later.Reply(payload) }) // the client may have left meanwhile
		return roost.ErrLater
	case "noreply":
		return nil
	case "shout", "shout_reply", "shout_from", "push", "push_reply":
		return sayEcho(ctx, ch, m, payload)
	}
	return endEcho(m, payload)
}

// sayEcho handles the events that send others.
func sayEcho(ctx context.Context, ch *echoChannel, m *roost.Message, payload roost.Payload) error {
	var err error
	switch m.Event {
	case "shout", "shout_reply":
		err = ch.Broadcast(ctx, shout, payload)
	case "shout_from":
		err = ch.BroadcastFrom(ctx, shout, payload)
	default:
		err = ch.Push(ctx, pushed, payload)
	}
	switch {
	case err != nil:
		return roost.Stop(err) // the payload is no object
	case m.Event == "shout_reply":
		return m.Reply("ok", roost.Ack{})
	case m.Event == "push_reply":
		return m.Reply("ok", payload)
	}
	return nil
}

// endEcho handles the events that end the conversation. An unknown event is one of them.
func endEcho(m *roost.Message, payload roost.Payload) error {
	switch m.Event {
	case "stop", "stop_shutdown":
		return roost.Stop(nil)
	case "stop_reply":
		if err := m.Reply("ok", payload); err != nil {
			return err
		}
		return roost.Stop(nil)
	case "stop_bad":
		return roost.Stop(errors.New("oops"))
	case "crash":
		panic("the client asked for it")
	}
	return roost.Stop(fmt.Errorf("no such event: %q", m.Event))
}
