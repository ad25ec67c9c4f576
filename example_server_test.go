package roost_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/client"
	"github.com/roost-dev/roost/history"
	"github.com/roost-dev/roost/pubsub"
	"github.com/roost-dev/roost/roosttest"
	"github.com/roost-dev/roost/token"
)

var unlogged = slog.New(slog.DiscardHandler)

// A server is an http.Handler for any mux. The connect callback decides who may
// open a socket; what it returns is there in each join.
func ExampleNewServer() {
	ctx := context.Background()
	tokens := token.NewSigner[Author]("made at random, for this example", "user socket", nil)
	boards := roost.NewHandler(joinBoard, nil)
	boards.HandleIn(Post, post)
	boards.Emits(Posts)
	server := roost.NewServer(func(_ context.Context, r *roost.ConnectRequest) (Author, error) {
		return tokens.Verify(r.AuthToken)
	}, &roost.Options[Author]{AuthToken: true})
	server.Handle("board:{id}", boards)

	mux := http.NewServeMux()
	mux.Handle("/socket/", server) // /socket/websocket and /socket/longpoll
	mux.Handle("GET /readyz", server.Readyz())
	site := httptest.NewServer(mux)
	defer site.Close()
	defer server.Shutdown(ctx) // before the HTTP server

	socket, err := client.Dial(ctx, strings.Replace(site.URL, "http", "ws", 1)+"/socket/websocket", &client.Options{
		AuthToken: func(context.Context) (string, error) { return tokens.Sign(Author{Name: "Ada"}) },
	})
	if err != nil {
		log.Fatal(err)
	}
	defer socket.Close(ctx)
	board := socket.Channel("board:1", nil)
	heard := make(chan PostShown, 1)
	board.On(Posts, func(_ context.Context, p PostShown) { heard <- p })
	_, err = board.Join[roost.Ack](ctx, nil)
	fmt.Println(err)
	fmt.Println(board.Call(ctx, Post, PostInput{Body: "hello"}))
	fmt.Println(<-heard)
	// Output:
	// <nil>
	// {1} <nil>
	// {Ada hello}
}

// The zero value of each option is its default; a negative number means off.
func ExampleOptions() {
	t := example{}
	defer t.end()

	server := roost.NewServer(connect, &roost.Options[Author]{
		MaxChannels: 1,
		Messages:    roost.Rate{PerSecond: 50, Burst: 100},
		WebSocket:   roost.WebSocket{IdleTimeout: 2 * time.Minute, Compress: true},
		LongPoll:    roost.LongPoll{Off: true},
		Trace: roost.Trace{
			Joined: func(j roost.JoinedInfo) { fmt.Println("joined", j.Topic, j.Err) },
		},
	})
	server.Handle("board:{id}", roost.NewHandler(joinBoard, nil))
	socket := roosttest.Connect(&t, server, nil)

	socket.Join("board:1", nil)
	fmt.Println(socket.JoinError("board:2", nil))
	// Output:
	// joined board:1 <nil>
	// too many channels joined
}

// A client that was away, and says where it stood, gets what it missed from
// the topic's history. Anybody else needs a snapshot.
func ExampleChannel_Resumed() {
	t := example{}
	defer t.end()

	type news struct{ Text string }
	type joined struct{ Snapshot []string }
	told := roost.NewOut[news]("told")
	ps, err := pubsub.New(&pubsub.Options{History: []history.Keep{{Topics: []string{"room:*"}}}})
	if err != nil {
		log.Fatal(err)
	}
	rooms := roost.NewHandler(func(_ context.Context, ch *roost.Channel[int], _ *roost.Socket[string], _ struct{}) (joined, error) {
		if ch.Resumed() {
			return joined{}, nil // what was missed follows
		}
		return joined{Snapshot: []string{"all", "so far"}}, nil
	}, nil)
	rooms.Emits(told)
	server := roost.NewServer(func(context.Context, *roost.ConnectRequest) (string, error) { return "", nil }, &roost.Options[string]{PubSub: ps})
	server.Handle("room:{id}", rooms)

	// As a client of Roost asks for history (spec/protocol.md §20).
	type history struct {
		Position string `json:"position"`
	}
	type reply struct {
		joined

		History history `json:"_history"`
	}
	first := roosttest.Connect(&t, server, nil)
	got := first.Join("room:1", map[string]any{"_history": true}).JoinReply[reply]()
	fmt.Println(got.Snapshot)
	first.Close()
	told.Broadcast(context.Background(), ps, "room:1", news{"this was missed"})

	again := roosttest.Connect(&t, server, nil).Join("room:1", map[string]any{"_history": map[string]string{"after": got.History.Position}})
	fmt.Println(again.JoinReply[reply]().Snapshot)
	fmt.Println(again.ExpectBroadcast(told).Text)
	// Output:
	// [all so far]
	// []
	// this was missed
}

// A push that the client marks takes effect once, however often it is sent. A
// handler need not know.
func ExampleMarkedPushes() {
	ctx := context.Background()
	type order struct{ Item int }
	type receipt struct{ Number int }
	buy := roost.NewIn[order, receipt]("buy")
	sold := 0
	rooms := roost.NewHandler(joinRoom, nil)
	ps := pubsub.Local()
	rooms.HandleIn(buy, func(context.Context, *roost.Channel[int], order) (receipt, error) {
		if sold++; sold == 1 {
			ps.Disconnect(ctx, "user:7") // the answer to the first order is lost with the connection
		}
		return receipt{sold}, nil
	})
	server := roost.NewServer(func(context.Context, *roost.ConnectRequest) (string, error) { return "", nil }, &roost.Options[string]{
		PubSub:       ps,
		ID:           func(string) string { return "user:7" },
		MarkedPushes: roost.MarkedPushes{For: time.Hour},
		Logger:       unlogged,
	})
	server.Handle("room:{id}", rooms)
	site := httptest.NewServer(server)
	defer site.Close()
	defer server.Shutdown(ctx)

	socket, err := client.Dial(ctx, strings.Replace(site.URL, "http", "ws", 1)+"/socket/websocket", &client.Options{Logger: unlogged})
	if err != nil {
		log.Fatal(err)
	}
	defer socket.Close(ctx)
	room := socket.Channel("room:1", &client.ChannelOptions{Outbox: 10})
	if _, err := room.Join[roost.Ack](ctx, nil); err != nil {
		log.Fatal(err)
	}
	fmt.Println(room.CallOnce(ctx, buy, order{Item: 7}))
	fmt.Println(room.CallOnce(ctx, buy, order{Item: 8}))
	// Output:
	// {1} <nil>
	// {2} <nil>
}

// Before a program ends its sockets are told to come back, elsewhere or later.
func ExampleServer_Shutdown() {
	t := example{}
	defer t.end()

	server := roost.NewServer(connect, nil)
	server.Handle("board:{id}", roost.NewHandler(joinBoard, nil))
	socket := roosttest.Connect(&t, server, nil)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()

	fmt.Println(server.Shutdown(ctx))
	fmt.Println(socket.ExpectDisconnect()) // clients come back after 1012
	// Output:
	// <nil>
	// 1012
}

// The transports can be mounted apart, at paths of any form; variables of the
// path join the connect params.
func ExampleServer_WebSocket() {
	ctx := context.Background()
	server := roost.NewServer(func(_ context.Context, r *roost.ConnectRequest) (Author, error) {
		fmt.Println(r.Transport, "of", r.Param("team"))
		return Author{}, nil
	}, nil)
	mux := http.NewServeMux()
	mux.Handle("/teams/{team}/live", server.WebSocket())
	mux.Handle("/teams/{team}/poll", server.LongPoll())
	site := httptest.NewServer(mux)
	defer site.Close()
	defer server.Shutdown(ctx)

	socket, err := client.Dial(ctx, strings.Replace(site.URL, "http", "ws", 1)+"/teams/blue/live", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer socket.Close(ctx)
	answer, err := http.Get(site.URL + "/teams/red/poll?vsn=2.0.0")
	if err != nil {
		log.Fatal(err)
	}
	defer answer.Body.Close()
	// Output:
	// websocket of blue
	// longpoll of red
}

// What load balancers and operators ask.
func ExampleServer_Readyz() {
	server := roost.NewServer(connect, nil)
	ask := func(h http.Handler) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
		fmt.Println(w.Code, strings.TrimSpace(w.Body.String()))
	}
	ask(server.Readyz())
	server.Shutdown(context.Background())
	ask(server.Readyz())
	ask(server.Healthz())
	// Output:
	// 200 {"status":"ok","sockets":0,"topics":0,"slow":0}
	// 503 {"status":"not ready","reasons":["shutting down"],"sockets":0,"topics":0,"slow":0}
	// 200 {"status":"ok","reasons":["shutting down"],"sockets":0,"topics":0,"slow":0}
}
