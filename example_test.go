package roost_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/pubsub"
	"github.com/roost-dev/roost/roosttest"
)

// A contract: each event's name, bound to its types.
var (
	Post   = roost.NewIn[PostInput, Posted]("post")
	Posts  = roost.NewOut[PostShown]("posted")
	Export = roost.NewIn[ExportInput, Exported]("export")
)

type (
	PostInput   struct{ Body string }
	Posted      struct{ ID int }
	PostShown   struct{ By, Body string }
	ExportInput struct{ Format string }
	Exported    struct{ URL string }
)

// Validate makes the empty post an error reply that names the field.
func (p PostInput) Validate() error {
	if p.Body == "" {
		return roost.Invalid("Body", "must not be empty")
	}
	return nil
}

// Author is who a socket belongs to; Board is the state of one conversation.
type (
	Author struct{ Name string }
	Board  struct {
		author Author
		posts  int
	}
)

func connect(_ context.Context, r *roost.ConnectRequest) (Author, error) {
	return Author{Name: r.Param("name")}, nil
}

func joinBoard(_ context.Context, ch *roost.Channel[Board], s *roost.Socket[Author], _ struct{}) (roost.Ack, error) {
	if ch.Param("id") == "private" {
		return roost.Ack{}, &roost.Error{Reason: "unauthorized"}
	}
	ch.State.author = s.Assigns
	return roost.Ack{}, nil
}

func post(ctx context.Context, ch *roost.Channel[Board], p PostInput) (Posted, error) {
	ch.State.posts++
	err := ch.Broadcast(ctx, Posts, PostShown{By: ch.State.author.Name, Body: p.Body})
	return Posted{ID: ch.State.posts}, err
}

// A server with one kind of topic, tested as a client sees it. In a program it
// is mounted on any mux: mux.Handle("/socket/", server).
func Example() {
	t := example{}
	defer t.end()

	boards := roost.NewHandler(joinBoard, nil)
	boards.HandleIn(Post, post)
	boards.Emits(Posts)
	server := roost.NewServer(connect, nil)
	server.Handle("board:{id}", boards)

	ada := roosttest.Connect(&t, server, &roosttest.Options{Params: map[string]string{"name": "Ada"}})
	bob := roosttest.Connect(&t, server, &roosttest.Options{Params: map[string]string{"name": "Bob"}})
	board, same := ada.Join("board:1", nil), bob.Join("board:1", nil)

	fmt.Println(board.Call(Post, PostInput{Body: "hello"}))
	fmt.Println(same.ExpectBroadcast(Posts))
	fmt.Println(board.CallError(Post, PostInput{}).Details["error"])
	fmt.Println(ada.JoinError("board:private", nil))
	// Output:
	// {1}
	// {Ada hello}
	// must not be empty
	// unauthorized
}

// What happens elsewhere, in an HTTP handler or a job, is told by the PubSub
// that servers share. It needs no server.
func ExampleOut_Broadcast() {
	t := example{}
	defer t.end()

	boards := roost.NewHandler(joinBoard, nil)
	boards.Emits(Posts)
	ps := pubsub.Local()
	server := roost.NewServer(connect, &roost.Options[Author]{PubSub: ps})
	server.Handle("board:{id}", boards)
	board := roosttest.Connect(&t, server, nil).Join("board:1", nil)

	err := Posts.Broadcast(context.Background(), ps, "board:1", PostShown{By: "a job", Body: "good morning"})
	fmt.Println(board.ExpectBroadcast(Posts), err)
	// Output: {a job good morning} <nil>
}

// A reply that takes its time is given later, from any goroutine, and the
// conversation goes on meanwhile.
func ExampleDefer() {
	t := example{}
	defer t.end()

	boards := roost.NewHandler(joinBoard, nil)
	boards.HandleIn(Post, post)
	boards.Emits(Posts)
	release := make(chan string)
	boards.HandleIn(Export, func(_ context.Context, ch *roost.Channel[Board], p ExportInput) (Exported, error) {
		later := roost.Defer[Exported](ch)
		ch.Go(func(context.Context) (any, error) {
			return nil, later.Reply(Exported{URL: <-release + "." + p.Format})
		})
		return Exported{}, roost.ErrLater
	})
	server := roost.NewServer(connect, nil)
	server.Handle("board:{id}", boards)
	board := roosttest.Connect(&t, server, nil).Join("board:1", nil)

	export := board.Push(Export, ExportInput{Format: "pdf"})
	fmt.Println(board.Call(Post, PostInput{Body: "meanwhile"}))
	release <- "/files/7"
	fmt.Println(export.Reply())
	// Output:
	// {1}
	// {/files/7.pdf}
}

// A broadcast may be changed for each receiver, or kept from some.
func ExampleHandler_HandleOut() {
	t := example{}
	defer t.end()

	boards := roost.NewHandler(joinBoard, nil)
	boards.HandleOut(Posts, func(_ context.Context, ch *roost.Channel[Board], p PostShown) (PostShown, bool, error) {
		if p.By == ch.State.author.Name {
			p.By = "you"
		}
		return p, !strings.Contains(p.Body, "psst"), nil
	})
	server := roost.NewServer(connect, nil)
	server.Handle("board:{id}", boards)
	ada := roosttest.Connect(&t, server, &roosttest.Options{Params: map[string]string{"name": "Ada"}}).Join("board:1", nil)
	bob := roosttest.Connect(&t, server, &roosttest.Options{Params: map[string]string{"name": "Bob"}}).Join("board:1", nil)

	for _, body := range []string{"psst!", "hello"} {
		Posts.Broadcast(context.Background(), server.PubSub(), "board:1", PostShown{By: "Ada", Body: body})
	}
	fmt.Println(ada.ExpectPush(Posts), bob.ExpectPush(Posts))
	// Output: {you hello} {Ada hello}
}

// What clients are to know: roost contract asks the application for this, and
// writes it as TypeScript.
func ExampleServer_Contract() {
	boards := roost.NewHandler(joinBoard, nil)
	boards.HandleIn(Post, post)
	boards.Emits(Posts)
	server := roost.NewServer(connect, nil)
	server.Handle("board:{id}", boards)

	c, err := server.Contract()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, channel := range c.Channels {
		fmt.Println("on", channel.Topic)
		for _, in := range channel.In {
			fmt.Println("clients push", in.Event, c.Types[in.Payload.Ref].Fields[0].Name)
		}
		for _, out := range channel.Out {
			fmt.Println("clients get", out.Event)
		}
	}
	// Output:
	// on board:{id}
	// clients push post Body
	// clients get posted
}

// A conversation is ended, or all sockets of a user are closed, by the
// socket's id and from anywhere.
func Example_kick() {
	t := example{}
	defer t.end()

	boards := roost.NewHandler(joinBoard, nil)
	ended := make(chan roost.Reason, 1)
	boards.OnTerminate(func(_ context.Context, _ *roost.Channel[Board], why roost.Reason) { ended <- why })
	ps := pubsub.Local()
	server := roost.NewServer(connect, &roost.Options[Author]{
		PubSub: ps,
		ID:     func(a Author) string { return "author:" + a.Name },
	})
	server.Handle("board:{id}", boards)
	eve := roosttest.Connect(&t, server, &roosttest.Options{Params: map[string]string{"name": "Eve"}})
	board := eve.Join("board:1", nil)

	ps.Kick(context.Background(), "author:Eve", "board:1", "banned from this board")
	board.ExpectClose()
	fmt.Println(<-ended)
	ps.Disconnect(context.Background(), "author:Eve")
	fmt.Println(eve.ExpectDisconnect())
	// Output:
	// kicked
	// 1001
}

// example stands in for the *testing.T that a test has.
type example struct {
	testing.TB
	cleanups []func()
}

func (t *example) Helper()                           {}
func (t *example) Cleanup(f func())                  { t.cleanups = append(t.cleanups, f) }
func (t *example) Errorf(format string, args ...any) { fmt.Printf(format+"\n", args...) }
func (t *example) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

func (t *example) end() {
	for _, cleanup := range slices.Backward(t.cleanups) {
		cleanup()
	}
}
