package presence_test

import (
	"context"
	"encoding/json/v2"
	"errors"
	"fmt"
	"log"
	"time"

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

// Fetch adds what is the same for all sessions of a user, for a whole crowd at
// once; OnChange is told what happened.
func ExampleNew() {
	ctx := context.Background()
	ps := pubsub.Local()
	names := map[string]string{"7": "Ann"}
	changed := make(chan string)
	viewers := presence.New[Viewer](ps, &presence.Options[Viewer]{
		Fetch: func(_ context.Context, _ string, presences map[string]presence.Entry[Viewer]) (map[string]any, error) {
			extra := map[string]any{}
			for id := range presences { // one query, in an application
				extra[id] = map[string]string{"name": names[id]}
			}
			return extra, nil
		},
		OnChange: func(_ context.Context, c presence.Change[Viewer]) {
			changed <- fmt.Sprintf("%d came, %d went, %d here", len(c.Joins), len(c.Leaves), c.Keys)
		},
	})
	defer viewers.Close(ctx)

	phone := join(ps, "videos:42")
	if err := viewers.Track(ctx, phone, "7", Viewer{Device: "phone"}); err != nil {
		log.Fatal(err)
	}
	fmt.Println(<-changed)
	ann, _ := viewers.Get("videos:42", "7")
	fmt.Println(ann.Extra)
	phone.end()
	fmt.Println(<-changed)
	// Output:
	// 1 came, 0 went, 1 here
	// map[name:Ann]
	// 0 came, 1 went, 0 here
}

// A meta is replaced as a whole, by what is made of the one before.
func ExamplePresence_Update() {
	ctx := context.Background()
	ps := pubsub.Local()
	viewers := presence.New[Viewer](ps, nil)
	defer viewers.Close(ctx)
	session := join(ps, "videos:42")
	if err := viewers.Track(ctx, session, "ann", Viewer{Device: "phone"}); err != nil {
		log.Fatal(err)
	}

	err := viewers.Update(ctx, session, "ann", func(v Viewer) Viewer {
		v.Device += ", upside down"
		return v
	})
	ann, _ := viewers.Get("videos:42", "ann")
	fmt.Println(ann.Metas[0].Value.Device, err)

	err = viewers.Update(ctx, session, "bob", func(v Viewer) Viewer { return v })
	fmt.Println(errors.Is(err, presence.ErrNotTracked))
	// Output:
	// phone, upside down <nil>
	// true
}

// An operator asks all nodes, also about topics that nobody on this one is on.
func ExamplePresence_ListAll() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second) // for nodes that do not answer
	defer cancel()
	ps := pubsub.Local()
	viewers := presence.New[Viewer](ps, nil)
	defer viewers.Close(ctx)
	for _, name := range []string{"ann", "bob"} {
		if err := viewers.Track(ctx, join(ps, "videos:42"), name, Viewer{Device: "phone"}); err != nil {
			log.Fatal(err)
		}
	}

	all, err := viewers.ListAll(ctx, "videos:42", 10)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(all.Count, len(all.List), all.Missing)
	// Output: 2 2 []
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
