package main

import (
	"cmp"
	"context"
	"encoding/json/v2"
	"errors"
	"maps"
	"strconv"
	"time"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/presence"
)

// The events of Room.
var (
	setStatus    = roost.NewIn[newStatus, roost.Ack]("status")
	untrack      = roost.NewIn[nothing, roost.Ack]("untrack")
	list         = roost.NewIn[nothing, everybody]("list")
	tellSecret   = roost.NewIn[object, roost.NoReply]("secret")
	tellOthers   = roost.NewIn[object, roost.NoReply]("secret_from")
	shoutInRoom  = roost.NewIn[object, roost.NoReply]("shout")
	stopRoom     = roost.NewIn[nothing, roost.NoReply]("stop")
	crashRoom    = roost.NewIn[nothing, roost.NoReply]("crash")
	secret       = roost.NewOut[object]("secret")
	shoutedAloud = roost.NewOut[object]("shout")
)

type (
	object    = map[string]any
	everybody = map[string]presence.Entry[member]
	nothing   struct{}
)

type newStatus struct {
	Status string `json:"status"`
}

// member is the meta of a presence.
type member struct {
	OnlineAt string `json:"online_at"` // seconds since 1970
	Status   string `json:"status,omitzero"`
}

// room is the handler of the topics whose members see each other.
type room struct {
	members *presence.Presence[member]
}

// roomChannel is one member's conversation. Its state is the member's user.
type roomChannel = roost.Channel[string]

func newRoom(members *presence.Presence[member]) *roost.Handler[caller, string] {
	r := room{members}
	h := roost.NewHandler(r.join, nil)
	h.HandleIn(setStatus, r.setStatus)
	h.HandleIn(untrack, r.untrack)
	h.HandleIn(list, r.list)
	h.HandleIn(tellSecret, func(ctx context.Context, ch *roomChannel, p object) (roost.NoReply, error) {
		return roost.NoReply{}, ch.Broadcast(ctx, secret, p)
	})
	h.HandleIn(tellOthers, func(ctx context.Context, ch *roomChannel, p object) (roost.NoReply, error) {
		return roost.NoReply{}, ch.BroadcastFrom(ctx, secret, p)
	})
	h.HandleIn(shoutInRoom, func(ctx context.Context, ch *roomChannel, p object) (roost.NoReply, error) {
		return roost.NoReply{}, ch.Broadcast(ctx, shoutedAloud, p)
	})
	h.HandleIn(stopRoom, func(context.Context, *roomChannel, nothing) (roost.NoReply, error) {
		return roost.NoReply{}, roost.Stop(nil)
	})
	h.HandleIn(crashRoom, func(context.Context, *roomChannel, nothing) (roost.NoReply, error) {
		panic("the client asked for it")
	})
	h.HandleOut(secret, keepSecret)
	h.Emits(secret, shoutedAloud)
	return h
}

// join takes its params untyped, because the recorded application crashes where they are no object.
func (r room) join(ctx context.Context, ch *roomChannel, s *roost.Socket[caller], params roost.Payload) (roost.Ack, error) {
	if ch.Topic() == "room:private" {
		return roost.Ack{}, &roost.Error{Reason: "unauthorized"}
	}
	var p struct {
		User string `json:"user"`
	}
	if err := json.Unmarshal(params.Data, &p); params.Binary || err != nil {
		panic("a room was joined with params that are no object")
	}
	ch.State = p.User
	if ch.State == "" && s.Assigns.User != nil {
		ch.State = *s.Assigns.User
	}
	ch.State = cmp.Or(ch.State, "anon")
	online := member{OnlineAt: strconv.FormatInt(time.Now().Unix(), 10)}
	return roost.Ack{}, errors.Join(r.members.Track(ctx, ch, ch.State, online), r.members.PushState(ctx, ch))
}

func (r room) setStatus(ctx context.Context, ch *roomChannel, p newStatus) (roost.Ack, error) {
	return roost.Ack{}, r.members.Update(ctx, ch, ch.State, func(m member) member {
		m.Status = p.Status
		return m
	})
}

func (r room) untrack(ctx context.Context, ch *roomChannel, _ nothing) (roost.Ack, error) {
	return roost.Ack{}, r.members.Untrack(ctx, ch, ch.State)
}

func (r room) list(_ context.Context, ch *roomChannel, _ nothing) (everybody, error) {
	return r.members.List(ch.Topic()), nil
}

// keepSecret drops a secret for the user that it names, and tells the others whom it reached.
func keepSecret(_ context.Context, ch *roomChannel, p object) (object, bool, error) {
	if p["drop"] == ch.State {
		return nil, false, nil
	}
	p = maps.Clone(p) // it is shared
	p["for"] = ch.State
	return p, true, nil
}
