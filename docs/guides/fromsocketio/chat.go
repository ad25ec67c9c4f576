// Package fromsocketio is the code of the guide: the usual Socket.IO chat, in Go.
package fromsocketio

import (
	"context"
	"errors"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/history"
	"github.com/roost-dev/roost/presence"
	"github.com/roost-dev/roost/pubsub"
	"github.com/roost-dev/roost/token"
)

// The events of "chat:{room}".
var (
	Message  = roost.NewIn[Text, Stored]("chat message")
	Messages = roost.NewOut[Text]("chat message")
	Cursor   = roost.NewIn[Point, roost.NoReply]("cursor")
	Cursors  = roost.NewOut[Point]("cursor")
)

type (
	// Text is what somebody writes.
	Text struct {
		By   string `json:"by"`
		Text string `json:"text"`
	}

	// Stored acknowledges a Text.
	Stored struct {
		ID int `json:"id"`
	}

	// Point is where somebody points.
	Point struct {
		X int `json:"x"`
		Y int `json:"y"`
	}

	// User is who a socket belongs to: what socket.data was.
	User struct {
		Name string `json:"name"`
	}

	// Online is what presence tells of a socket in a room.
	Online struct {
		Device string `json:"device"`
	}

	// chat is the state of a socket in a room.
	chat struct {
		user User
		sent int
	}
)

// newPubSub recovers what was missed, as connectionStateRecovery does.
func newPubSub() (*pubsub.PubSub, error) {
	return pubsub.New(&pubsub.Options{History: []history.Keep{
		{Topics: []string{"chat:*"}, Events: []string{Messages.Name()}},
	}})
}

func newServer(ps *pubsub.PubSub, online *presence.Presence[Online], secret string) *roost.Server[User] {
	users := token.NewSigner[User](secret, "user", nil)

	// io.use((socket, next) => ...)
	connect := func(_ context.Context, r *roost.ConnectRequest) (User, error) {
		return users.Verify(r.AuthToken)
	}
	server := roost.NewServer(connect, &roost.Options[User]{
		PubSub: ps, Secret: secret, AuthToken: true,
		ID: func(u User) string { return "user:" + u.Name },
	})
	server.Handle("chat:{room}", newChat(online))
	return server
}

func newChat(online *presence.Presence[Online]) *roost.Handler[User, chat] {
	h := roost.NewHandler(func(ctx context.Context, ch *roost.Channel[chat], s *roost.Socket[User], _ struct{}) (roost.Ack, error) {
		ch.State.user = s.Assigns
		if err := online.Track(ctx, ch, s.Assigns.Name, Online{Device: "laptop"}); err != nil {
			return roost.Ack{}, err
		}
		return roost.Ack{}, online.PushState(ctx, ch)
	}, nil)

	// socket.on("chat message", (text, callback) => { io.to(room).emit("chat message", text); callback({ id }) })
	h.HandleIn(Message, func(ctx context.Context, ch *roost.Channel[chat], t Text) (Stored, error) {
		if t.Text == "" {
			return Stored{}, roost.Invalid("text", "must not be empty")
		}
		ch.State.sent++
		return Stored{ID: ch.State.sent}, ch.Broadcast(ctx, Messages, Text{By: ch.State.user.Name, Text: t.Text})
	})

	// socket.on("cursor", (point) => socket.to(room).emit("cursor", point))
	h.HandleIn(Cursor, func(ctx context.Context, ch *roost.Channel[chat], p Point) (roost.NoReply, error) {
		return roost.NoReply{}, ch.BroadcastFrom(ctx, Cursors, p)
	})
	h.Emits(Messages, Cursors)
	return h
}

// announce is what is said from an HTTP handler or a job: io.to(room).emit(...).
func announce(ctx context.Context, ps *pubsub.PubSub, room, text string) error {
	return Messages.Broadcast(ctx, ps, "chat:"+room, Text{By: "server", Text: text})
}

// expel is io.in(user).socketsLeave(room), and tells why.
func expel(ctx context.Context, ps *pubsub.PubSub, user, room string) error {
	return errors.Join(
		ps.Kick(ctx, "user:"+user, "chat:"+room, "banned from this room"),
		announce(ctx, ps, room, user+" was banned"),
	)
}
