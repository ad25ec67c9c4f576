package contracts

import (
	"testing"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/presence"
	"github.com/roost-dev/roost/pubsub"
	"github.com/roost-dev/roost/roosttest"
)

func TestWhatTheContractSaysIsServed(t *testing.T) {
	ps := pubsub.Local()
	app := &App{viewers: presence.New[Viewer](ps, nil)}
	server := roost.NewServer(app.connect, &roost.Options[string]{PubSub: ps})
	app.mount(server)
	named := func(name string) *roosttest.Options {
		return &roosttest.Options{Params: map[string]string{"name": name}}
	}
	ada := roosttest.Connect(t, server, named("Ada")).Join("rooms:1", JoinRoom{})
	bob := roosttest.Connect(t, server, named("Bob")).Join("rooms:1", JoinRoom{})
	if got := ada.Call(Say, MessageInput{Text: "hello"}); got.ID != 1 {
		t.Errorf("the receipt is %+v", got)
	}
	if got, want := bob.ExpectBroadcast(Said), (Message{ID: 1, By: "Ada", Text: "hello"}); got != want {
		t.Errorf("Bob was told %+v, want %+v", got, want)
	}
}
