package testing

import (
	"context"
	"net/http/httptest"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/client"
	"github.com/roost-dev/roost/history"
	"github.com/roost-dev/roost/pubsub"
	"github.com/roost-dev/roost/roosttest"
)

func TestWhoLosesTheConnectionMissesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		ps, err := pubsub.New(&pubsub.Options{History: []history.Keep{{Topics: []string{"room:*"}}}})
		if err != nil {
			t.Fatal(err)
		}
		server, people := NewServer(ps)
		t.Cleanup(func() {
			server.Shutdown(context.Background())
			people.Close(context.Background())
			ps.Close(context.Background())
		})

		site := httptest.NewTestServer(t, server)
		socket, err := client.Dial(ctx, "ws://example.com/socket/websocket?name=Ada", &client.Options{Transport: site.Client().Transport})
		if err != nil {
			t.Fatal(err)
		}
		defer socket.Close(ctx)
		room := socket.Channel("room:1", &client.ChannelOptions{History: true, Outbox: 10})
		var heard []string
		room.On(Said, func(_ context.Context, w Words) { heard = append(heard, w.Text) })
		if _, err := room.Join[roost.Ack](ctx, nil); err != nil {
			t.Fatal(err)
		}
		bob := roosttest.Connect(t, server, as("Bob")).Join("room:1", nil)

		if err := ps.Disconnect(ctx, "user:Ada"); err != nil {
			t.Fatal(err)
		}
		bob.Call(Say, Words{Text: "while Ada is away"})
		if _, err := room.CallOnce(ctx, Say, Words{Text: "here again"}); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if want := []string{"while Ada is away", "here again"}; !slices.Equal(heard, want) {
			t.Errorf("Ada heard %q, want %q", heard, want)
		}
	})
}
