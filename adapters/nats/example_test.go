package nats_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"time"

	"github.com/roost-dev/roost/adapters/nats"
	"github.com/roost-dev/roost/pubsub"
)

// Two nodes of one program, with nothing else to run. The second knows of the
// first, which hears of it by that.
func ExampleEmbed() {
	ctx := context.Background()
	quiet := slog.New(slog.DiscardHandler)
	start := func(name string, peers ...string) (*pubsub.PubSub, string) {
		node := nats.Embed("127.0.0.1:0", &nats.EmbedOptions{
			Name:   name,
			Peers:  peers, // "10.0.0.11:6222", or "dns:roost-nodes:6222"
			Secret: "openssl rand -base64 32",
			Logger: quiet,
		})
		ps, err := pubsub.New(&pubsub.Options{Node: name, Adapter: node, Logger: quiet})
		if err != nil {
			log.Fatal(err)
		}
		return ps, node.Addr().String()
	}
	first, addr := start("web-1")
	defer first.Close(ctx)
	second, _ := start("web-2", addr)
	defer second.Close(ctx)

	for len(second.Info().Members) == 0 { // until they have met
		time.Sleep(10 * time.Millisecond)
	}
	heard := make(chan string)
	subscription := first.Subscribe("room:1", teller(heard))
	if err := subscription.Settle(ctx); err != nil { // until the other one knows
		log.Fatal(err)
	}
	if err := second.Broadcast(ctx, &pubsub.Message{Topic: "room:1", Event: "hello", Payload: []byte(`{}`)}); err != nil {
		log.Fatal(err)
	}
	fmt.Println(<-heard)
	// Output: hello
}

type teller chan string

func (t teller) Deliver(m *pubsub.Message) { t <- m.Event }

// Over a NATS that is there. One that is away is no error: the node serves its
// own clients, and goes on trying.
func ExampleNew() {
	ctx := context.Background()
	quiet := slog.New(slog.DiscardHandler)
	ps, err := pubsub.New(&pubsub.Options{
		Node:    "web-1",
		Adapter: nats.New("nats://user:password@127.0.0.1:1", &nats.Options{Logger: quiet}), // where nobody is
		Logger:  quiet,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer ps.Close(ctx)
	fmt.Println(ps.Info().Engine.Engine, ps.Info().Engine.State == pubsub.StateUp)

	_, err = pubsub.New(&pubsub.Options{Adapter: nats.New("http://127.0.0.1", nil)})
	fmt.Println(err != nil) // it says what is wrong
	// Output:
	// nats false
	// true
}
