package roost_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/roosttest"
)

// newRooms serves the topics of one handler to anybody.
func newRooms(h *roost.Handler[string, int]) *roost.Server[string] {
	server := roost.NewServer(func(_ context.Context, r *roost.ConnectRequest) (string, error) { return r.Param("name"), nil }, nil)
	server.Handle("room:{id}", h)
	return server
}

// joinRoom lets everybody in.
func joinRoom(context.Context, *roost.Channel[int], *roost.Socket[string], struct{}) (roost.Ack, error) {
	return roost.Ack{}, nil
}

// A join callback decides who may enter a topic, sets the conversation's state,
// and replies. Its parameters are decoded and validated before.
func ExampleNewHandler() {
	t := example{}
	defer t.end()

	type params struct {
		Page int `json:"page"`
	}
	type joined struct {
		Greeting string `json:"greeting"`
	}
	rooms := roost.NewHandler(func(_ context.Context, ch *roost.Channel[int], s *roost.Socket[string], p params) (joined, error) {
		if ch.Param("id") == "private" {
			return joined{}, &roost.Error{Reason: "unauthorized"}
		}
		ch.State = p.Page
		return joined{Greeting: fmt.Sprintf("%s is on page %d of %s", s.Assigns, ch.State, ch.Topic())}, nil
	}, nil)
	socket := roosttest.Connect(&t, newRooms(rooms), &roosttest.Options{Params: map[string]string{"name": "Ada"}})

	fmt.Println(socket.Join("room:1", params{Page: 7}).JoinReply[joined]().Greeting)
	fmt.Println(socket.JoinError("room:private", params{}))
	fmt.Println(socket.JoinError("room:1", map[string]string{"page": "seven"}).Details["field"])
	// Output:
	// Ada is on page 7 of room:1
	// unauthorized
	// page
}

// An event that clients push is its name, and the types of its payload and of
// its reply: a struct, Ack for an empty one, NoReply for none.
func ExampleNewIn() {
	t := example{}
	defer t.end()

	type sum struct {
		A, B int
	}
	type total struct {
		Total int
	}
	add := roost.NewIn[sum, total]("add")
	remember := roost.NewIn[total, roost.Ack]("remember")
	forget := roost.NewIn[struct{}, roost.NoReply]("forget")

	rooms := roost.NewHandler(joinRoom, nil)
	rooms.HandleIn(add, func(_ context.Context, ch *roost.Channel[int], s sum) (total, error) {
		return total{ch.State + s.A + s.B}, nil
	})
	rooms.HandleIn(remember, func(_ context.Context, ch *roost.Channel[int], in total) (roost.Ack, error) {
		ch.State = in.Total
		return roost.Ack{}, nil
	})
	rooms.HandleIn(forget, func(_ context.Context, ch *roost.Channel[int], _ struct{}) (roost.NoReply, error) {
		ch.State = 0
		return roost.NoReply{}, nil
	})
	room := roosttest.Connect(&t, newRooms(rooms), nil).Join("room:1", nil)

	fmt.Println(room.Call(add, sum{1, 2}).Total)
	room.Call(remember, total{10})
	fmt.Println(room.Call(add, sum{1, 2}).Total)
	room.Push(forget, struct{}{})
	fmt.Println(room.Call(add, sum{1, 2}).Total)
	// Output:
	// 3
	// 13
	// 3
}

// An event of the server is its name and the type of its payload. A handler
// declares those that its conversations push and broadcast.
func ExampleNewOut() {
	t := example{}
	defer t.end()

	type weather struct {
		Sky string
	}
	changed := roost.NewOut[weather]("weather")
	rooms := roost.NewHandler(func(ctx context.Context, ch *roost.Channel[int], _ *roost.Socket[string], _ struct{}) (roost.Ack, error) {
		return roost.Ack{}, ch.Push(ctx, changed, weather{"blue"}) // behind the join reply, to this client alone
	}, nil)
	rooms.Emits(changed)
	server := newRooms(rooms)
	room := roosttest.Connect(&t, server, nil).Join("room:1", nil)

	fmt.Println(room.ExpectPush(changed).Sky)
	changed.Broadcast(context.Background(), server.PubSub(), "room:1", weather{"gray"}) // to all on the topic
	fmt.Println(room.ExpectBroadcast(changed).Sky)
	// Output:
	// blue
	// gray
}

// sit is an event whose payload has rules.
type sit struct {
	Row int `json:"row"`
}

func (s sit) Validate() error {
	if s.Row < 1 {
		return roost.Invalid("row", "must be 1 or more")
	}
	return nil
}

// What a client sends is checked before it reaches a callback.
func ExampleInvalid() {
	t := example{}
	defer t.end()

	event := roost.NewIn[sit, roost.Ack]("sit")
	rooms := roost.NewHandler(joinRoom, nil)
	rooms.HandleIn(event, func(_ context.Context, ch *roost.Channel[int], s sit) (roost.Ack, error) {
		ch.State = s.Row // is 1 or more
		return roost.Ack{}, nil
	})
	room := roosttest.Connect(&t, newRooms(rooms), nil).Join("room:1", nil)

	refusal := room.CallError(event, sit{})
	fmt.Println(refusal.Reason, refusal.Details["field"], refusal.Details["error"])
	refusal = room.PushRaw("sit", map[string]string{"row": "front"}).Error()
	fmt.Println(refusal.Reason, refusal.Details["field"])
	// Output:
	// invalid payload row must be 1 or more
	// invalid payload row
}

// Clients see what a callback says by an Error; of all others they learn
// nothing.
func ExampleError() {
	t := example{}
	defer t.end()

	open := roost.NewIn[struct{ Key string }, roost.Ack]("open")
	rooms := roost.NewHandler(joinRoom, nil)
	rooms.HandleIn(open, func(_ context.Context, _ *roost.Channel[int], p struct{ Key string }) (roost.Ack, error) {
		switch p.Key {
		case "wrong":
			return roost.Ack{}, &roost.Error{Reason: "locked", Details: map[string]any{"tries": 2}}
		case "broken":
			return roost.Ack{}, errors.New("the database says: connection refused") // logged
		}
		return roost.Ack{}, nil
	})
	server := roost.NewServer(func(context.Context, *roost.ConnectRequest) (string, error) { return "", nil },
		&roost.Options[string]{Logger: unlogged})
	server.Handle("room:{id}", rooms)
	room := roosttest.Connect(&t, server, nil).Join("room:1", nil)

	refusal := room.CallError(open, struct{ Key string }{"wrong"})
	fmt.Println(refusal.Reason, refusal.Details["tries"])
	fmt.Println(room.CallError(open, struct{ Key string }{"broken"}).Reason)
	// Output:
	// locked 2
	// internal
}

// A callback ends its conversation by Stop: behind the reply, and for good.
func ExampleStop() {
	t := example{}
	defer t.end()

	bye := roost.NewIn[struct{}, roost.Ack]("bye")
	rooms := roost.NewHandler(joinRoom, nil)
	rooms.HandleIn(bye, func(context.Context, *roost.Channel[int], struct{}) (roost.Ack, error) {
		return roost.Ack{}, roost.Stop(nil)
	})
	rooms.OnTerminate(func(_ context.Context, _ *roost.Channel[int], why roost.Reason) { fmt.Println(why) })
	room := roosttest.Connect(&t, newRooms(rooms), nil).Join("room:1", nil)

	room.Call(bye, struct{}{})
	room.ExpectClose()
	// Output: stopped
}

// What takes long runs on a goroutine of its own, and its result comes back as
// a value.
func ExampleChannel_Go() {
	t := example{}
	defer t.end()

	type answer struct{ Text string }
	ask := roost.NewIn[struct{}, roost.NoReply]("ask")
	answered := roost.NewOut[answer]("answered")
	rooms := roost.NewHandler(joinRoom, nil)
	rooms.HandleIn(ask, func(_ context.Context, ch *roost.Channel[int], _ struct{}) (roost.NoReply, error) {
		ch.Go(func(context.Context) (any, error) { // its context ends with the conversation
			return answer{"forty-two"}, nil
		})
		return roost.NoReply{}, nil
	})
	rooms.HandleInfo(func(ctx context.Context, ch *roost.Channel[int], a answer) error {
		ch.State++ // on the conversation's turn: no lock
		return ch.Push(ctx, answered, a)
	})
	rooms.Emits(answered)
	room := roosttest.Connect(&t, newRooms(rooms), nil).Join("room:1", nil)

	room.Push(ask, struct{}{})
	fmt.Println(room.ExpectPush(answered).Text)
	// Output: forty-two
}

// A conversation sends itself values, now or later.
func ExampleChannel_SendAfter() {
	t := example{}
	defer t.end()

	type tick struct{ N int }
	ticked := roost.NewOut[tick]("ticked")
	rooms := roost.NewHandler(func(_ context.Context, ch *roost.Channel[int], _ *roost.Socket[string], _ struct{}) (roost.Ack, error) {
		ch.SendAfter(tick{1}, time.Millisecond)
		return roost.Ack{}, nil
	}, nil)
	rooms.HandleInfo(func(ctx context.Context, ch *roost.Channel[int], now tick) error {
		if now.N < 3 {
			ch.SendAfter(tick{now.N + 1}, time.Millisecond)
		}
		return ch.Push(ctx, ticked, now)
	})
	rooms.Emits(ticked)
	room := roosttest.Connect(&t, newRooms(rooms), nil).Join("room:1", nil)

	fmt.Println(room.ExpectPush(ticked).N, room.ExpectPush(ticked).N, room.ExpectPush(ticked).N)
	// Output: 1 2 3
}

// A conversation hears events of other topics, and passes on what its client
// should know.
func ExampleChannel_Subscribe() {
	t := example{}
	defer t.end()

	type price struct{ Cents int }
	changed := roost.NewOut[price]("price")
	rooms := roost.NewHandler(func(_ context.Context, ch *roost.Channel[int], _ *roost.Socket[string], _ struct{}) (roost.Ack, error) {
		ch.Subscribe("stock:1")
		return roost.Ack{}, nil
	}, nil)
	rooms.HandleEvent(changed, func(ctx context.Context, ch *roost.Channel[int], topic string, p price) error {
		ch.State++
		return ch.Push(ctx, changed, p)
	})
	rooms.Emits(changed)
	server := newRooms(rooms)
	room := roosttest.Connect(&t, server, nil).Join("room:1", nil)

	changed.Broadcast(context.Background(), server.PubSub(), "stock:1", price{199})
	fmt.Println(room.ExpectPush(changed).Cents)
	// Output: 199
}

// The untyped door passes on what it does not know.
func ExampleHandler_HandleAny() {
	t := example{}
	defer t.end()

	rooms := roost.NewHandler(joinRoom, nil)
	rooms.HandleAny(func(_ context.Context, _ *roost.Channel[int], m *roost.Message) error {
		fmt.Printf("%s %s\n", m.Event, m.Payload)
		return m.Reply("ok", map[string]int{"bytes": len(m.Payload)})
	})
	room := roosttest.Connect(&t, newRooms(rooms), nil).Join("room:1", nil)

	fmt.Printf("%s\n", room.PushRaw("anything", map[string]bool{"at": true}).Reply().Data)
	// Output:
	// anything {"at":true}
	// {"bytes":11}
}
