package roosttest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/roosttest"
)

// The contract of the rooms that the examples test.
var (
	Say  = roost.NewIn[Words, roost.Ack]("say")
	Said = roost.NewOut[Words]("said")
)

// Words are what somebody says.
type Words struct{ By, Text string }

func newRooms() *roost.Server[string] {
	rooms := roost.NewHandler(func(_ context.Context, ch *roost.Channel[string], s *roost.Socket[string], _ struct{}) (roost.Ack, error) {
		if ch.Param("id") == "private" {
			return roost.Ack{}, &roost.Error{Reason: "unauthorized"}
		}
		ch.State = s.Assigns
		return roost.Ack{}, nil
	}, nil)
	rooms.HandleIn(Say, func(ctx context.Context, ch *roost.Channel[string], w Words) (roost.Ack, error) {
		if w.Text == "" {
			return roost.Ack{}, &roost.Error{Reason: "say something"}
		}
		return roost.Ack{}, ch.Broadcast(ctx, Said, Words{By: ch.State, Text: w.Text})
	})
	rooms.Emits(Said)
	server := roost.NewServer(func(_ context.Context, r *roost.ConnectRequest) (string, error) {
		if r.Param("name") == "" {
			return "", errors.New("who are you?")
		}
		return r.Param("name"), nil
	}, nil)
	server.Handle("room:{id}", rooms)
	return server
}

// In a test this stands in a bubble: synctest.Test(t, func(t *testing.T) { ... }).
func Example() {
	t := &tester{} // the *testing.T
	defer t.end()

	server := newRooms()
	ada := roosttest.Connect(t, server, &roosttest.Options{Params: map[string]string{"name": "Ada"}})
	bob := roosttest.Connect(t, server, &roosttest.Options{Params: map[string]string{"name": "Bob"}})
	room, same := ada.Join("room:1", nil), bob.Join("room:1", nil)

	room.Call(Say, Words{Text: "hello"})
	fmt.Println(same.ExpectBroadcast(Said))
	fmt.Println(room.CallError(Say, Words{}))
	bob.Close()
	// Output:
	// {Ada hello}
	// say something
}

// A client may be refused by a topic, and leave one.
func ExampleConnect() {
	t := &tester{}
	defer t.end()

	ada := roosttest.Connect(t, newRooms(), &roosttest.Options{Params: map[string]string{"name": "Ada"}})
	fmt.Println(ada.JoinError("room:private", nil))
	room := ada.Join("room:1", nil)
	room.Push(Say, Words{Text: "hello"})  // does not wait
	fmt.Println(room.Next(), room.Next()) // the order in which things came
	room.Leave()
	// Output:
	// unauthorized
	// said phx_reply
}

func ExampleConnectError() {
	t := &tester{}
	defer t.end()

	fmt.Println(roosttest.ConnectError(t, newRooms(), nil))
	// Output: who are you?
}

// tester stands in for the *testing.T that a test has.
type tester struct {
	testing.TB

	cleanups []func()
}

func (t *tester) Helper()                           {}
func (t *tester) Cleanup(f func())                  { t.cleanups = append(t.cleanups, f) }
func (t *tester) Errorf(format string, args ...any) { fmt.Printf(format+"\n", args...) }
func (t *tester) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

func (t *tester) end() {
	for _, cleanup := range slices.Backward(t.cleanups) {
		cleanup()
	}
}
