package testing

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roost-dev/roost/pubsub"
	"github.com/roost-dev/roost/pubsub/pubsubtest"
	"github.com/roost-dev/roost/roosttest"
)

// node starts a server on a node of its own.
func node(t *testing.T, bus *pubsubtest.Bus, name string) (roosttest.Server, *pubsub.PubSub) {
	ps, err := pubsub.New(&pubsub.Options{Node: name, Adapter: bus.Node(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ps.Close(context.Background()) })
	return start(t, ps), ps
}

func TestNodesAreOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := &pubsubtest.Bus{}
		first, ps := node(t, bus, "first")
		second, _ := node(t, bus, "second")
		ada := roosttest.Connect(t, first, as("Ada")).Join("room:1", nil)
		bobs := roosttest.Connect(t, second, as("Bob"))
		bob := bobs.Join("room:1", nil)

		ada.Call(Say, Words{Text: "hello"})
		if got := bob.ExpectBroadcast(Said); got.By != "Ada" {
			t.Errorf("Bob heard %+v", got)
		}
		if err := ps.Disconnect(t.Context(), "user:Bob"); err != nil {
			t.Fatal(err)
		}
		bobs.ExpectDisconnect()
	})
}

func TestARoomGoesOnWithoutTheEngine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := &pubsubtest.Bus{}
		first, _ := node(t, bus, "first")
		ada := roosttest.Connect(t, first, as("Ada")).Join("room:1", nil)
		bus.EngineAway()
		time.Sleep(time.Minute)
		ada.Push(Say, Words{Text: "is anybody here?"})
		ada.ExpectBroadcast(Said)
		bus.EngineBack()
	})
}
