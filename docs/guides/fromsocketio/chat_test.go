package fromsocketio

import (
	"testing"
	"testing/synctest"

	"github.com/roost-dev/roost/presence"
	"github.com/roost-dev/roost/pubsub"
	"github.com/roost-dev/roost/roosttest"
	"github.com/roost-dev/roost/token"
)

const secret = "made at random, for this test"

func TestChat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ps, err := newPubSub()
		if err != nil {
			t.Fatal(err)
		}
		online := presence.New[Online](ps, nil)
		defer online.Close(t.Context())
		server := newServer(ps, online, secret)
		enter := func(name string) (*roosttest.Client, *roosttest.Channel) {
			tok, err := token.NewSigner[User](secret, "user", nil).Sign(User{Name: name})
			if err != nil {
				t.Fatal(err)
			}
			socket := roosttest.Connect(t, server, &roosttest.Options{AuthToken: tok})
			return socket, socket.Join("chat:general", nil)
		}
		_, ada := enter("Ada")
		eves, eve := enter("Eve")

		if got := ada.Call(Message, Text{Text: "hello", By: "Bob"}); got.ID != 1 {
			t.Errorf("acknowledged %+v", got)
		}
		if got := eve.ExpectBroadcast(Messages); got != (Text{By: "Ada", Text: "hello"}) {
			t.Errorf("Eve got %+v", got)
		}
		if refusal := ada.CallError(Message, Text{}); refusal.Details["field"] != "text" {
			t.Errorf("refused for %v", refusal)
		}
		ada.Push(Cursor, Point{X: 1, Y: 2})
		if got := eve.ExpectBroadcast(Cursors); got.X != 1 {
			t.Errorf("Eve got %+v", got)
		}

		if err := expel(t.Context(), ps, "Eve", "general"); err != nil {
			t.Fatal(err)
		}
		eve.ExpectClose()
		if got := ada.ExpectBroadcast(Messages); got.By != "Ada" {
			t.Errorf("Ada got %+v", got)
		}
		if got := ada.ExpectBroadcast(Messages); got.Text != "Eve was banned" {
			t.Errorf("Ada got %+v", got)
		}
		eves.Join("chat:other", nil) // the socket goes on
	})
}

func TestStrangersAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newServer(pubsub.Local(), nil, secret)
		if err := roosttest.ConnectError(t, server, &roosttest.Options{AuthToken: "made up"}); err == nil {
			t.Error("let in")
		}
	})
}
