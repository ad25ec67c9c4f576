package pubsub_test

import (
	"context"
	"fmt"
	"log"

	"github.com/roost-dev/roost/history"
	"github.com/roost-dev/roost/pubsub"
	"github.com/roost-dev/roost/pubsub/pubsubtest"
)

type printer struct{ name string }

func (p printer) Deliver(m *pubsub.Message) {
	fmt.Printf("%s: %s %s\n", p.name, m.Event, m.Payload)
}

// One PubSub connects all that are to hear each other: servers, trackers of
// presence, and whoever publishes. This is what they do with it.
func Example() {
	ctx := context.Background()
	ps := pubsub.Local()
	subscription := ps.Subscribe("room:1", printer{"ann"})

	say := func(text string) {
		if err := ps.Broadcast(ctx, &pubsub.Message{Topic: "room:1", Event: "said", Payload: []byte(text)}); err != nil {
			log.Fatal(err)
		}
	}
	say(`{"text":"hello"}`)
	subscription.Unsubscribe()
	say(`{"text":"nobody listens"}`)
	// Output:
	// ann: said {"text":"hello"}
}

func ExampleLocal() {
	ps := pubsub.Local()
	ps.Subscribe("room:1", printer{"ann"})
	fmt.Println(ps.Subscribers("room:1"), ps.Subscribers("room:2"))
	// Output: 1 0
}

// With an adapter, which connects nodes, and with topics whose events are kept,
// so that clients catch up on what they missed.
func ExampleNew() {
	ctx := context.Background()
	bus := &pubsubtest.Bus{} // of this process; in a program nats.Embed, nats.New or redis.New
	web1, err := pubsub.New(&pubsub.Options{Node: "web-1", Adapter: bus.Node()})
	if err != nil {
		log.Fatal(err)
	}
	defer web1.Close(ctx)
	web2, err := pubsub.New(&pubsub.Options{Node: "web-2", Adapter: bus.Node()})
	if err != nil {
		log.Fatal(err)
	}
	defer web2.Close(ctx)
	heard := make(chan string)
	subscription := web2.Subscribe("room:1", teller(heard))
	if err := subscription.Settle(ctx); err != nil { // until the others know
		log.Fatal(err)
	}

	if err := web1.Broadcast(ctx, &pubsub.Message{Topic: "room:1", Event: "hello", Payload: []byte(`{}`)}); err != nil {
		log.Fatal(err)
	}
	fmt.Println(<-heard)

	alone, err := pubsub.New(&pubsub.Options{History: []history.Keep{{Topics: []string{"videos:*"}, Count: 100}}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(alone.Keeps("videos:1"), alone.Keeps("room:1"))
	// Output:
	// hello
	// true false
}

type teller chan string

func (t teller) Deliver(m *pubsub.Message) { t <- m.Event }

// An adapter of one's own that keeps history finds the topics among subjects.
func ExampleTopicSubject() {
	fmt.Println(pubsub.TopicSubject("room:1"))
	// Output: t:room:1
}

func ExamplePubSub_Broadcast() {
	ps := pubsub.Local()
	ann := ps.Subscribe("room:1", printer{"ann"})
	ps.Subscribe("room:1", printer{"bob"})

	ctx := context.Background()
	hello := &pubsub.Message{Topic: "room:1", Event: "hello", Payload: []byte(`{"by":"ann"}`), From: ann}
	if err := ps.Broadcast(ctx, hello); err != nil {
		log.Fatal(err)
	}
	// Output:
	// bob: hello {"by":"ann"}
}
