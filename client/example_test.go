package client_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"time"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/client"
	"github.com/roost-dev/roost/history"
	"github.com/roost-dev/roost/presence"
	"github.com/roost-dev/roost/pubsub"
)

// A contract, which the server and its clients share.
var (
	Annotate  = roost.NewIn[Annotation, Receipt]("annotate")
	Typing    = roost.NewIn[struct{}, roost.NoReply]("typing")
	Annotated = roost.NewOut[Annotation]("annotated")
)

type (
	Annotation struct{ Body string }
	Receipt    struct{ ID int64 }
	JoinVideo  struct{ Name string }
	Video      struct{ Title string }
	Viewer     struct{ Typing bool }
)

// serveVideos serves videos, whose annotations are kept and whose viewers are known, and returns the URL of their socket.
func serveVideos() (socketURL string, stop func()) {
	ps, err := pubsub.New(&pubsub.Options{History: []history.Keep{{Topics: []string{"videos:*"}}}})
	if err != nil {
		log.Fatal(err)
	}
	viewers := presence.New[Viewer](ps, nil)
	type channel = roost.Channel[string] // of a viewer, by name
	var annotations atomic.Int64
	videos := roost.NewHandler(func(ctx context.Context, ch *channel, _ *roost.Socket[string], p JoinVideo) (Video, error) {
		ch.State = p.Name
		video := Video{Title: "Video " + ch.Param("id")}
		if p.Name == "" {
			return video, nil
		}
		return video, errors.Join(viewers.PushState(ctx, ch), viewers.Track(ctx, ch, p.Name, Viewer{}))
	}, nil)
	videos.HandleIn(Annotate, func(ctx context.Context, ch *channel, a Annotation) (Receipt, error) {
		if a.Body == "" {
			return Receipt{}, &roost.Error{Reason: "empty"}
		}
		return Receipt{ID: annotations.Add(1)}, ch.Broadcast(ctx, Annotated, a)
	})
	videos.HandleIn(Typing, func(ctx context.Context, ch *channel, _ struct{}) (roost.NoReply, error) {
		return roost.NoReply{}, viewers.Update(ctx, ch, ch.State, func(Viewer) Viewer { return Viewer{Typing: true} })
	})
	videos.Emits(Annotated)
	server := roost.NewServer(func(_ context.Context, r *roost.ConnectRequest) (string, error) { return r.AuthToken, nil },
		&roost.Options[string]{PubSub: ps, AuthToken: true})
	server.Handle("videos:{id}", videos)
	site := httptest.NewServer(server)
	return strings.Replace(site.URL, "http", "ws", 1) + "/socket/websocket", func() {
		_ = server.Shutdown(context.Background())
		site.Close()
	}
}

// dialVideos connects to videos.
func dialVideos(ctx context.Context) (socket *client.Socket, stop func()) {
	url, stopServing := serveVideos()
	socket, err := client.Dial(ctx, url, nil)
	if err != nil {
		log.Fatal(err)
	}
	return socket, func() {
		_ = socket.Close(ctx)
		stopServing()
	}
}

func Example() {
	url, stop := serveVideos()
	defer stop()
	ctx := context.Background()

	socket, err := client.Dial(ctx, url, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer socket.Close(ctx)

	heard := make(chan Annotation)
	channel := socket.Channel("videos:42", nil)
	channel.On(Annotated, func(_ context.Context, a Annotation) { heard <- a })

	video, err := channel.Join[Video](ctx, nil)
	fmt.Println(video.Title, err)
	receipt, err := channel.Call(ctx, Annotate, Annotation{Body: "look"})
	fmt.Println(receipt.ID, err)
	fmt.Println((<-heard).Body)
	// Output:
	// Video 42 <nil>
	// 1 <nil>
	// look
}

// Tokens expire, so each connection is made with one of its own. An error of the function ends the try.
func ExampleDial() {
	url, stop := serveVideos()
	defer stop()
	ctx := context.Background()

	socket, err := client.Dial(ctx, url, &client.Options{
		AuthToken: func(context.Context) (string, error) { return "from where tokens are made", nil },
		OnOpen:    func() { fmt.Println("connected") },
		OnClose:   func(err error) { fmt.Println("disconnected:", err) },
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(socket.Close(ctx))
	// Output:
	// connected
	// disconnected: client: closed
	// <nil>
}

// A socket behind a proxy that lets no WebSocket through goes by long polling if it may, and all else is the same.
func ExampleDial_longPolling() {
	url, stop := serveVideos()
	defer stop()
	ctx := context.Background()
	noWebSockets := noUpgrades{http.DefaultTransport}

	_, err := client.Dial(ctx, url, &client.Options{Transport: noWebSockets})
	fmt.Println(err)
	socket, err := client.Dial(ctx, url, &client.Options{Transport: noWebSockets, LongPollFallback: 3 * time.Second})
	if err != nil {
		log.Fatal(err)
	}
	defer socket.Close(ctx)
	video, err := socket.Channel("videos:42", nil).Join[Video](ctx, nil)
	fmt.Println(video.Title, err, socket.LongPolling())
	// Output:
	// client: the server refused the connection: HTTP 403 Forbidden
	// Video 42 <nil> true
}

// noUpgrades is such a proxy.
type noUpgrades struct{ http.RoundTripper }

func (p noUpgrades) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Header.Get("Upgrade") != "" {
		return &http.Response{StatusCode: http.StatusForbidden, Body: http.NoBody}, nil
	}
	return p.RoundTripper.RoundTrip(r)
}

// What a client that runs for months may want: tokens that are made anew, a way around bad proxies, retries of its own.
func ExampleOptions() {
	url, stop := serveVideos()
	defer stop()
	ctx := context.Background()

	socket, err := client.Dial(ctx, url, &client.Options{
		AuthToken:        func(context.Context) (string, error) { return "from where tokens are made", nil },
		LongPollFallback: 3 * time.Second,
		Compress:         true,
		Reconnect:        func(n int) time.Duration { return time.Duration(min(n, 30)) * time.Second },
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(socket.LongPolling(), socket.Close(ctx))
	// Output:
	// false <nil>
}

// A laptop that wakes up need not wait for the next heartbeat to know whether it is still connected.
func ExampleSocket_Probe() {
	ctx := context.Background()
	socket, stop := dialVideos(ctx)
	defer stop()

	took, err := socket.Probe(ctx)
	fmt.Println(took > 0, err)
	// Output:
	// true <nil>
}

// A program that is started again goes on where it was, if it has kept the position.
func ExampleChannelOptions() {
	ctx := context.Background()
	socket, stop := dialVideos(ctx)
	defer stop()
	before := socket.Channel("videos:42", &client.ChannelOptions{History: true})
	if _, err := before.Join[Video](ctx, nil); err != nil {
		log.Fatal(err)
	}
	position := before.Position()
	if _, err := before.Call(ctx, Annotate, Annotation{Body: "missed"}); err != nil {
		log.Fatal(err)
	}
	_ = before.Leave(ctx)

	heard := make(chan Annotation, 1)
	after := socket.Channel("videos:42", &client.ChannelOptions{After: position})
	after.On(Annotated, func(_ context.Context, a Annotation) { heard <- a })
	if _, err := after.Join[Video](ctx, nil); err != nil {
		log.Fatal(err)
	}
	fmt.Println((<-heard).Body)
	// Output:
	// missed
}

// Where a server no longer has what was missed, the program is told, and starts from what the join replied.
func ExampleChannel_OnGap() {
	ctx := context.Background()
	socket, stop := dialVideos(ctx)
	defer stop()
	other, stopOther := dialVideos(ctx) // another server, which has a history of its own
	defer stopOther()
	elsewhere := other.Channel("videos:42", &client.ChannelOptions{History: true})
	if _, err := elsewhere.Join[Video](ctx, nil); err != nil {
		log.Fatal(err)
	}

	gap := make(chan string, 1)
	channel := socket.Channel("videos:42", &client.ChannelOptions{After: elsewhere.Position()})
	channel.OnGap(func(context.Context) { gap <- "something was missed for good" })
	video, err := channel.Join[Video](ctx, nil)
	fmt.Println(<-gap)
	fmt.Println("all there is to know:", video.Title, err)
	// Output:
	// something was missed for good
	// all there is to know: Video 42 <nil>
}

// The server's refusals are errors of its own type; they end nothing.
func ExampleChannel_Call() {
	ctx := context.Background()
	socket, stop := dialVideos(ctx)
	defer stop()
	channel := socket.Channel("videos:42", nil)
	if _, err := channel.Join[Video](ctx, nil); err != nil {
		log.Fatal(err)
	}

	_, err := channel.Call(ctx, Annotate, Annotation{})
	if refusal, ok := errors.AsType[*roost.Error](err); ok {
		fmt.Println("refused:", refusal.Reason)
	}
	// Output:
	// refused: empty
}

// A call that must not get lost, nor take effect twice, whatever breaks meanwhile; and events that are not missed.
func ExampleChannel_CallOnce() {
	ctx := context.Background()
	socket, stop := dialVideos(ctx)
	defer stop()
	heard := make(chan Annotation)
	channel := socket.Channel("videos:42", &client.ChannelOptions{History: true, Outbox: 100})
	channel.On(Annotated, func(_ context.Context, a Annotation) { heard <- a })
	channel.OnGap(func(context.Context) { fmt.Println("something was missed for good") })
	if _, err := channel.Join[Video](ctx, nil); err != nil {
		log.Fatal(err)
	}

	receipt, err := channel.CallOnce(ctx, Annotate, Annotation{Body: "once"})
	if errors.Is(err, client.ErrOutcomeUnknown) {
		fmt.Println("it was annotated once, or not at all")
	}
	fmt.Println(receipt.ID, err)
	fmt.Println((<-heard).Body)
	// Output:
	// 1 <nil>
	// once
}

// What nobody answers is pushed. Nothing is lost but this push if the connection breaks just then.
func ExampleChannel_Push() {
	ctx := context.Background()
	socket, stop := dialVideos(ctx)
	defer stop()
	channel := socket.Channel("videos:42", nil)
	if _, err := channel.Join[Video](ctx, JoinVideo{Name: "ada"}); err != nil {
		log.Fatal(err)
	}
	fmt.Println(channel.Push(ctx, Typing, struct{}{}))
	// Output:
	// <nil>
}

// Who is there can be asked at any time. It is what the server has told so far.
func ExamplePresence() {
	ctx := context.Background()
	socket, stop := dialVideos(ctx)
	defer stop()

	channel := socket.Channel("videos:42", nil)
	viewers := channel.Presence[Viewer]()
	known := make(chan struct{}, 2)
	viewers.OnSync(func(context.Context) { known <- struct{}{} })
	if _, err := channel.Join[Video](ctx, JoinVideo{Name: "ada"}); err != nil {
		log.Fatal(err)
	}
	for viewers.Count() == 0 { // who has just come is in the state or in the difference that follows
		<-known
	}
	ada, here := viewers.Get("ada")
	fmt.Println(here, ada.Metas[0].Value.Typing)
	_, here = viewers.Get("bob")
	fmt.Println(here)
	// Output:
	// true false
	// false
}

// Who watches the video, kept up to date.
func ExampleChannel_Presence() {
	ctx := context.Background()
	socket, stop := dialVideos(ctx)
	defer stop()

	channel := socket.Channel("videos:42", nil)
	viewers := channel.Presence[Viewer]()
	told := make(chan string)
	viewers.OnJoin(func(_ context.Context, c client.PresenceChange[Viewer]) {
		told <- fmt.Sprintf("%s joined, with %d sessions now", c.Key, len(c.Now.Metas))
	})
	viewers.OnUpdate(func(_ context.Context, key string, _, after client.PresenceMeta[Viewer]) {
		told <- fmt.Sprintf("%s is typing: %v", key, after.Value.Typing)
	})
	if _, err := channel.Join[Video](ctx, JoinVideo{Name: "ada"}); err != nil {
		log.Fatal(err)
	}
	fmt.Println(<-told)
	if err := channel.Push(ctx, Typing, struct{}{}); err != nil {
		log.Fatal(err)
	}
	fmt.Println(<-told)
	for _, viewer := range viewers.List() {
		fmt.Println(viewer.Key, len(viewer.Metas))
	}
	// Output:
	// ada joined, with 1 sessions now
	// ada is typing: true
	// ada 1
}

// Two parts of a program that want the same topic, and do not know of each other.
func ExampleSocket_Share() {
	ctx := context.Background()
	socket, stop := dialVideos(ctx)
	defer stop()

	heard := make(chan string)
	list := socket.Share("videos:42", nil)
	list.On(Annotated, func(_ context.Context, a Annotation) { heard <- "list: " + a.Body })
	counter := socket.Share("videos:42", nil)
	counter.On(Annotated, func(_ context.Context, a Annotation) { heard <- "counter: one more" })
	for _, part := range []*client.Shared{list, counter} {
		if _, err := part.Join[Video](ctx, nil); err != nil {
			log.Fatal(err)
		}
	}
	if _, err := list.Call(ctx, Annotate, Annotation{Body: "look"}); err != nil {
		log.Fatal(err)
	}
	fmt.Println(<-heard)
	fmt.Println(<-heard)
	fmt.Println(list.Leave(ctx), counter.Joined()) // the other part stays
	// Output:
	// list: look
	// counter: one more
	// <nil> true
}
