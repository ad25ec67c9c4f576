package presence_test

import (
	"context"
	"encoding/json/v2"
	"fmt"
	"log"

	"github.com/roost-dev/roost/presence"
	"github.com/roost-dev/roost/pubsub"
)

type Viewer struct {
	Device string `json:"device"`
}

func Example() {
	ctx := context.Background()
	ps := pubsub.Local()
	viewers := presence.New[Viewer](ps, nil)
	defer viewers.Close(ctx)

	// In an application these are channels, and the calls are in join.
	phone, laptop := join(ps, "videos:42"), join(ps, "videos:42")
	for device, session := range map[string]*conversation{"phone": phone, "laptop": laptop} {
		if err := viewers.Track(ctx, session, "ann", Viewer{Device: device}); err != nil {
			log.Fatal(err)
		}
		if err := viewers.PushState(ctx, session); err != nil {
			log.Fatal(err)
		}
	}
	ann, _ := viewers.Get("videos:42", "ann")
	fmt.Println("viewers:", viewers.Count("videos:42"), "sessions of ann:", len(ann.Metas))

	phone.end() // her conversation is over
	for key, viewer := range viewers.List("videos:42") {
		fmt.Println(key, "is at the", viewer.Metas[0].Value.Device)
	}
	// Output:
	// viewers: 1 sessions of ann: 2
	// ann is at the laptop
}

// An Entry encodes as clients know it from presence_state.
func ExampleEntry() {
	entry := presence.Entry[Viewer]{
		Metas: []presence.Meta[Viewer]{{Ref: "GOqex4nJOAjhWgMC", Value: Viewer{Device: "phone"}}},
		Extra: map[string]string{"name": "Ann"},
	}
	b, err := json.Marshal(entry)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(b))
	// Output:
	// {"metas":[{"device":"phone","phx_ref":"GOqex4nJOAjhWgMC"}],"name":"Ann"}
}
