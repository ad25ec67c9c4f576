package client_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http/httptest"
	"strings"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/client"
	"github.com/roost-dev/roost/history"
	"github.com/roost-dev/roost/pubsub"
)

// A contract, which the server and its clients share.
var (
	Annotate  = roost.NewIn[Annotation, Receipt]("annotate")
	Annotated = roost.NewOut[Annotation]("annotated")
)

type (
	Annotation struct{ Body string }
	Receipt    struct{ ID int }
	Video      struct{ Title string }
)

// newVideos serves videos, whose annotations are kept.
func newVideos() (*roost.Server[string], error) {
	ps, err := pubsub.New(&pubsub.Options{History: []history.Keep{{Topics: []string{"videos:*"}}}})
	if err != nil {
		return nil, err
	}
	type channel = roost.Channel[int]
	videos := roost.NewHandler(func(_ context.Context, ch *channel, _ *roost.Socket[string], _ struct{}) (Video, error) {
		return Video{Title: "Video " + ch.Param("id")}, nil
	}, nil)
	videos.HandleIn(Annotate, func(ctx context.Context, ch *channel, a Annotation) (Receipt, error) {
		if a.Body == "" {
			return Receipt{}, &roost.Error{Reason: "empty"}
		}
		ch.State++
		return Receipt{ID: ch.State}, ch.Broadcast(ctx, Annotated, a)
	})
	videos.Emits(Annotated)
	server := roost.NewServer(func(context.Context, *roost.ConnectRequest) (string, error) { return "", nil }, &roost.Options[string]{PubSub: ps})
	server.Handle("videos:{id}", videos)
	return server, nil
}

func Example() {
	ctx := context.Background()
	server, err := newVideos()
	if err != nil {
		log.Fatal(err)
	}
	site := httptest.NewServer(server)
	defer site.Close()
	defer server.Shutdown(ctx)

	socket, err := client.Dial(ctx, strings.Replace(site.URL, "http", "ws", 1)+"/socket/websocket", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer socket.Close(ctx)

	heard := make(chan Annotation)
	channel := socket.Channel("videos:42", &client.ChannelOptions{History: true, Outbox: 100})
	channel.On(Annotated, func(_ context.Context, a Annotation) { heard <- a })
	channel.OnGap(func(context.Context) { fmt.Println("something was missed for good") })

	video, err := channel.Join[Video](ctx, nil)
	fmt.Println(video.Title, err)
	receipt, err := channel.Call(ctx, Annotate, Annotation{Body: "look"})
	fmt.Println(receipt.ID, err)
	fmt.Println((<-heard).Body)

	receipt, err = channel.CallOnce(ctx, Annotate, Annotation{Body: "once, whatever breaks"})
	if errors.Is(err, client.ErrOutcomeUnknown) {
		fmt.Println("it was annotated once, or not at all")
	}
	fmt.Println(receipt.ID, err)
	fmt.Println((<-heard).Body)

	_, err = channel.Call(ctx, Annotate, Annotation{})
	if refusal, ok := errors.AsType[*roost.Error](err); ok {
		fmt.Println("refused:", refusal.Reason)
	}
	// Output:
	// Video 42 <nil>
	// 1 <nil>
	// look
	// 2 <nil>
	// once, whatever breaks
	// refused: empty
}
