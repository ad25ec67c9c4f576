// Package fromphoenix is the code of the guide: a Phoenix application's channel, in Go.
package fromphoenix

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/presence"
	"github.com/roost-dev/roost/pubsub"
	"github.com/roost-dev/roost/token"
)

// UserSocket is who a socket belongs to: what socket.assigns was.
type UserSocket struct {
	UserID int64
}

// newEndpoint mounts the socket, and routes topics to channels.
func newEndpoint(ps *pubsub.PubSub, tracker *presence.Presence[Meta], secretKeyBase string) http.Handler {
	users := token.NewSigner[int64](secretKeyBase, "user socket", &token.Options{MaxAge: 14 * 24 * time.Hour})
	connect := func(_ context.Context, r *roost.ConnectRequest) (UserSocket, error) {
		id, err := users.Verify(r.Param("token"))
		return UserSocket{UserID: id}, err
	}
	socket := roost.NewServer(connect, &roost.Options[UserSocket]{
		PubSub: ps,
		ID:     func(s UserSocket) string { return fmt.Sprintf("users_socket:%d", s.UserID) },
	})
	socket.Handle("room:{id}", newRoomChannel(tracker))

	mux := http.NewServeMux()
	mux.Handle("/socket/", socket)
	return mux
}

// The events of a room, which were patterns in handle_in and strings in push and broadcast.
var (
	NewMsg = roost.NewIn[Msg, roost.Ack]("new_msg")
	Msgs   = roost.NewOut[Msg]("new_msg")
	Invite = roost.NewOut[Invitation]("user_invited")
	Warn   = roost.NewOut[Warning]("warning")
)

type (
	// Msg is what somebody writes.
	Msg struct {
		Body string `json:"body"`
	}

	// Invitation is told to everybody, and seen by whom it is for.
	Invitation struct {
		UserID int64 `json:"user_id"`
	}

	// Warning is a word of the server.
	Warning struct {
		Text string `json:"text"`
	}

	// Meta is what presence tells of a session.
	Meta struct {
		OnlineAt int64 `json:"online_at"`
	}

	// room is the state of a channel: what it put into its socket.assigns.
	room struct {
		userID int64
		count  int
	}

	// tick is what a channel sends to itself.
	tick struct{}
)

func newRoomChannel(tracker *presence.Presence[Meta]) *roost.Handler[UserSocket, room] {
	h := roost.NewHandler(func(ctx context.Context, ch *roost.Channel[room], s *roost.Socket[UserSocket], _ struct{}) (roost.Ack, error) {
		if ch.Param("id") == "private" {
			return roost.Ack{}, &roost.Error{Reason: "unauthorized"}
		}
		ch.State.userID = s.Assigns.UserID
		ch.SendAfter(tick{}, time.Minute)
		if err := tracker.Track(ctx, ch, strconv.FormatInt(s.Assigns.UserID, 10), Meta{OnlineAt: time.Now().Unix()}); err != nil {
			return roost.Ack{}, err
		}
		return roost.Ack{}, tracker.PushState(ctx, ch)
	}, nil)
	h.HandleIn(NewMsg, func(ctx context.Context, ch *roost.Channel[room], m Msg) (roost.Ack, error) {
		ch.State.count++
		return roost.Ack{}, ch.Broadcast(ctx, Msgs, m)
	})
	h.HandleInfo(func(ctx context.Context, ch *roost.Channel[room], _ tick) error {
		ch.SendAfter(tick{}, time.Minute)
		return ch.Push(ctx, Warn, Warning{Text: fmt.Sprintf("you wrote %d times", ch.State.count)})
	})
	h.HandleOut(Invite, func(_ context.Context, ch *roost.Channel[room], i Invitation) (Invitation, bool, error) {
		return i, i.UserID == ch.State.userID, nil
	})
	h.Emits(Msgs, Invite, Warn)
	return h
}

// ban is what a controller does.
func ban(ctx context.Context, ps *pubsub.PubSub, userID int64) error {
	if err := Warn.Broadcast(ctx, ps, "room:lobby", Warning{Text: "somebody was banned"}); err != nil {
		return err
	}
	return ps.Disconnect(ctx, fmt.Sprintf("users_socket:%d", userID))
}
