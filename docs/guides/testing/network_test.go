package testing

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/client"
	"github.com/roost-dev/roost/pubsub"
)

func TestTheRoomOverTheNetwork(t *testing.T) {
	ctx := t.Context()
	server, people := NewServer(pubsub.Local())
	site := httptest.NewServer(server)
	t.Cleanup(func() {
		server.Shutdown(context.Background())
		people.Close(context.Background())
		site.Close()
	})

	socket, err := client.Dial(ctx, strings.Replace(site.URL, "http", "ws", 1)+"/socket/websocket?name=Ada", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close(ctx)
	room := socket.Channel("room:1", nil)
	heard := make(chan Words, 10)
	room.On(Said, func(_ context.Context, w Words) { heard <- w })
	if _, err := room.Join[roost.Ack](ctx, nil); err != nil {
		t.Fatal(err)
	}
	if receipt, err := room.Call(ctx, Say, Words{Text: "hello"}); err != nil || receipt.Count != 1 {
		t.Errorf("the receipt says %d (%v)", receipt.Count, err)
	}
	if got := <-heard; got.By != "Ada" {
		t.Errorf("heard %+v", got)
	}
}
