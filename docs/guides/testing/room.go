// Package testing is the code of the guide: rooms, to be tested.
package testing

import (
	"context"
	"time"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/presence"
	"github.com/roost-dev/roost/pubsub"
)

// The contract of "room:{id}".
var (
	Say   = roost.NewIn[Words, Receipt]("say")
	Said  = roost.NewOut[Words]("said")
	Alone = roost.NewOut[struct{}]("alone")
)

type (
	// Words are what somebody says.
	Words struct {
		By   string `json:"by"`
		Text string `json:"text"`
	}

	// Receipt says how much this page has said.
	Receipt struct {
		Count int `json:"count"`
	}

	// Person is what presence tells of a page.
	Person struct {
		Device string `json:"device"`
	}
)

// Validate is called by Roost on what a client sent.
func (w Words) Validate() error {
	if w.Text == "" {
		return roost.Invalid("text", "must not be empty")
	}
	return nil
}

// talk is the state of one page's conversation.
type talk struct {
	name    string
	said    int
	silence *roost.Timer
}

type silent struct{}

// NewServer returns a server of rooms, and who is in them.
func NewServer(ps *pubsub.PubSub) (*roost.Server[string], *presence.Presence[Person]) {
	people := presence.New[Person](ps, nil)
	rooms := roost.NewHandler(func(ctx context.Context, ch *roost.Channel[talk], s *roost.Socket[string], _ struct{}) (roost.Ack, error) {
		if ch.Param("id") == "private" {
			return roost.Ack{}, &roost.Error{Reason: "unauthorized"}
		}
		ch.State = talk{name: s.Assigns, silence: ch.SendAfter(silent{}, 10*time.Minute)}
		if err := people.Track(ctx, ch, s.Assigns, Person{Device: "phone"}); err != nil {
			return roost.Ack{}, err
		}
		return roost.Ack{}, people.PushState(ctx, ch)
	}, nil)
	rooms.HandleIn(Say, func(ctx context.Context, ch *roost.Channel[talk], w Words) (Receipt, error) {
		ch.State.silence.Stop()
		ch.State.silence = ch.SendAfter(silent{}, 10*time.Minute)
		ch.State.said++
		return Receipt{Count: ch.State.said}, ch.Broadcast(ctx, Said, Words{By: ch.State.name, Text: w.Text})
	})
	rooms.HandleInfo(func(ctx context.Context, ch *roost.Channel[talk], _ silent) error {
		if err := ch.Push(ctx, Alone, struct{}{}); err != nil {
			return err
		}
		return roost.Stop(nil)
	})
	rooms.Emits(Said, Alone)

	connect := func(_ context.Context, r *roost.ConnectRequest) (string, error) {
		if r.Param("name") == "" {
			return "", &roost.Error{Reason: "who are you?"}
		}
		return r.Param("name"), nil
	}
	server := roost.NewServer(connect, &roost.Options[string]{
		PubSub: ps, Secret: "the same on all nodes", ID: func(name string) string { return "user:" + name },
	})
	server.Handle("room:{id}", rooms)
	return server, people
}
