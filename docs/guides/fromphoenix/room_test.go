package fromphoenix

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/client"
	"github.com/roost-dev/roost/presence"
	"github.com/roost-dev/roost/pubsub"
	"github.com/roost-dev/roost/roosttest"
	"github.com/roost-dev/roost/token"
)

// subscribeAndJoin is a socket of a user with a channel joined.
func subscribeAndJoin(t *testing.T, ps *pubsub.PubSub, userID int64, topic string) (*roosttest.Client, *roosttest.Channel) {
	t.Helper()
	tracker := presence.New[Meta](ps, nil)
	t.Cleanup(func() { tracker.Close(context.Background()) })
	server := roost.NewServer(func(context.Context, *roost.ConnectRequest) (UserSocket, error) { return UserSocket{userID}, nil },
		&roost.Options[UserSocket]{PubSub: ps, ID: func(UserSocket) string { return "users_socket:1" }})
	server.Handle("room:{id}", newRoomChannel(tracker))
	socket := roosttest.Connect(t, server, nil)
	return socket, socket.Join(topic, nil)
}

func TestNewMsgIsBroadcastToTheRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, room := subscribeAndJoin(t, pubsub.Local(), 1, "room:lobby")
		room.Call(NewMsg, Msg{Body: "hello"})
		if got := room.ExpectBroadcast(Msgs); got.Body != "hello" {
			t.Errorf("the room got %+v", got)
		}
	})
}

func TestItTicksAndBans(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ps := pubsub.Local()
		socket, room := subscribeAndJoin(t, ps, 1, "room:lobby")
		time.Sleep(time.Minute)
		if got := room.ExpectPush(Warn); got.Text != "you wrote 0 times" {
			t.Errorf("told %+v", got)
		}
		Invite.Broadcast(t.Context(), ps, "room:lobby", Invitation{UserID: 2})
		Invite.Broadcast(t.Context(), ps, "room:lobby", Invitation{UserID: 1})
		if got := room.ExpectPush(Invite); got.UserID != 1 {
			t.Errorf("invited %+v", got)
		}
		if err := ban(t.Context(), ps, 1); err != nil {
			t.Fatal(err)
		}
		room.ExpectBroadcast(Warn)
		socket.ExpectDisconnect()
	})
}

func TestTheEndpointTakesPhoenixsTokens(t *testing.T) {
	const secretKeyBase = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	ps := pubsub.Local()
	tracker := presence.New[Meta](ps, nil)
	site := httptest.NewServer(newEndpoint(ps, tracker, secretKeyBase))
	defer site.Close()
	tok, err := token.NewSigner[int64](secretKeyBase, "user socket", nil).Sign(1)
	if err != nil {
		t.Fatal(err)
	}
	url := strings.Replace(site.URL, "http", "ws", 1) + "/socket/websocket?token="
	socket, err := client.Dial(t.Context(), url+tok, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close(t.Context())
	if _, err := socket.Channel("room:lobby", nil).Join[roost.Ack](t.Context(), nil); err != nil {
		t.Error(err)
	}
	if _, err := socket.Channel("room:private", nil).Join[roost.Ack](t.Context(), nil); err == nil || !strings.Contains(err.Error(), "unauthorized") {
		t.Errorf("let into the private room: %v", err)
	}
	if _, err := client.Dial(t.Context(), url+"wrong", nil); err == nil {
		t.Error("let in with a wrong token")
	}
}
