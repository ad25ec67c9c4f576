package pubsub_test

import (
	"context"
	"fmt"
	"log"

	"github.com/roost-dev/roost/pubsub"
)

type printer struct{ name string }

func (p printer) Deliver(m *pubsub.Message) {
	fmt.Printf("%s: %s %s\n", p.name, m.Event, m.Payload)
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
