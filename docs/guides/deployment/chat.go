package main

import (
	"context"
	"net"
	"strings"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/presence"
	"github.com/roost-dev/roost/pubsub"
	"github.com/roost-dev/roost/token"
)

// The contract of "room:{name}".
var (
	Say  = roost.NewIn[Words, roost.Ack]("say")
	Said = roost.NewOut[Words]("said")
)

// Words are what somebody says.
type Words struct {
	By   string `json:"by"`
	Text string `json:"text"`
}

// Here is what presence tells of somebody in a room.
type Here struct {
	From string `json:"from"`
}

// visitor is who a socket belongs to.
type visitor struct {
	Name string
	From string // the address of the visitor's machine
}

func newServer(ps *pubsub.PubSub, people *presence.Presence[Here], secret string) *roost.Server[visitor] {
	tokens := token.NewSigner[string](secret, "user socket", nil)
	connect := func(_ context.Context, r *roost.ConnectRequest) (visitor, error) {
		name, err := tokens.Verify(r.AuthToken)
		return visitor{Name: name, From: from(r)}, err
	}
	join := func(ctx context.Context, ch *roost.Channel[string], s *roost.Socket[visitor], _ struct{}) (roost.Ack, error) {
		ch.State = s.Assigns.Name
		if err := people.Track(ctx, ch, s.Assigns.Name, Here{From: s.Assigns.From}); err != nil {
			return roost.Ack{}, err
		}
		return roost.Ack{}, people.PushState(ctx, ch)
	}
	rooms := roost.NewHandler(join, nil)
	rooms.HandleIn(Say, func(ctx context.Context, ch *roost.Channel[string], w Words) (roost.Ack, error) {
		return roost.Ack{}, ch.Broadcast(ctx, Said, Words{By: ch.State, Text: w.Text})
	})
	rooms.Emits(Said)

	server := roost.NewServer(connect, &roost.Options[visitor]{
		PubSub: ps, Secret: secret, AuthToken: true,
		ID: func(v visitor) string { return "user:" + v.Name },
	})
	server.Handle("room:{name}", rooms)
	return server
}

// from is where a client connects from, as the proxy in front says: the last address of X-Forwarded-For is what the proxy added,
// and those before it are what the client made up.
func from(r *roost.ConnectRequest) string {
	forwarded := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	if last := strings.TrimSpace(forwarded[len(forwarded)-1]); last != "" {
		return last
	}
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	return host
}
