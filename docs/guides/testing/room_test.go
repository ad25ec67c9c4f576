package testing

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roost-dev/roost/pubsub"
	"github.com/roost-dev/roost/roosttest"
)

// as is somebody who comes to a server.
func as(name string) *roosttest.Options {
	return &roosttest.Options{Params: map[string]string{"name": name}}
}

// start starts a server, which the test ends.
func start(t *testing.T, ps *pubsub.PubSub) roosttest.Server {
	server, people := NewServer(ps)
	t.Cleanup(func() { people.Close(context.Background()) })
	return server
}

func TestWhatIsSaidReachesTheRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := start(t, pubsub.Local())
		ada := roosttest.Connect(t, server, as("Ada")).Join("room:1", nil)
		bob := roosttest.Connect(t, server, as("Bob")).Join("room:1", nil)

		if got := ada.Call(Say, Words{Text: "hello"}); got.Count != 1 {
			t.Errorf("the receipt says %d", got.Count)
		}
		if got := bob.ExpectBroadcast(Said); got != (Words{By: "Ada", Text: "hello"}) {
			t.Errorf("Bob heard %+v", got)
		}
	})
}

func TestNobodyIsHeardWhoSaysNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := start(t, pubsub.Local())
		ada := roosttest.Connect(t, server, as("Ada")).Join("room:1", nil)
		ada.ExpectEvent("presence_state")
		ada.ExpectEvent("presence_diff")

		if refusal := ada.CallError(Say, Words{}); refusal.Details["field"] != "text" {
			t.Errorf("refused for %v", refusal)
		}
		ada.ExpectNothing()
	})
}

func TestStrangersAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := start(t, pubsub.Local())
		if err := roosttest.ConnectError(t, server, nil); !strings.Contains(err.Error(), "who are you?") {
			t.Errorf("refused for %v", err)
		}
		ada := roosttest.Connect(t, server, as("Ada"))
		if refusal := ada.JoinError("room:private", nil); refusal.Reason != "unauthorized" {
			t.Errorf("refused for %v", refusal)
		}
	})
}

func TestTenMinutesOfSilenceEndAConversation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := start(t, pubsub.Local())
		ada := roosttest.Connect(t, server, as("Ada")).Join("room:1", nil)
		time.Sleep(9 * time.Minute) // takes no time
		ada.Call(Say, Words{Text: "still here"})
		time.Sleep(9 * time.Minute)
		ada.Call(Say, Words{Text: "and here"})
		time.Sleep(10 * time.Minute)
		ada.ExpectPush(Alone)
		ada.ExpectClose()
	})
}

func TestAJobSpeaksToARoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ps := pubsub.Local()
		ada := roosttest.Connect(t, start(t, ps), as("Ada")).Join("room:1", nil)
		if err := Said.Broadcast(t.Context(), ps, "room:1", Words{By: "a job", Text: "good morning"}); err != nil {
			t.Fatal(err)
		}
		if got := ada.ExpectBroadcast(Said); got.By != "a job" {
			t.Errorf("Ada heard %+v", got)
		}
	})
}
