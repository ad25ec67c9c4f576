package history_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/roost-dev/roost/history"
)

// A reader that was away catches up from where it stood, or is told that it
// came too late.
func Example() {
	rules, err := history.NewRules([]history.Keep{{Topics: []string{"videos:*"}, Count: 3}})
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	logs := history.NewMemory(rules, nil)
	say := func(text string) history.Position {
		e, err := logs.Append(ctx, "videos:1", history.Event{Name: "said", Payload: []byte(text)})
		if err != nil {
			log.Fatal(err)
		}
		return e.Position
	}
	catchUp := func(after history.Position) {
		page, err := logs.Read(ctx, "videos:1", after, 100)
		if errors.Is(err, history.ErrGone) {
			fmt.Println("too late")
			return
		}
		for _, e := range page.Entries {
			fmt.Printf("%s %s\n", e.Name, e.Payload)
		}
	}

	seen := say(`{"n":1}`)
	say(`{"n":2}`)
	say(`{"n":3}`)
	catchUp(seen)
	say(`{"n":4}`)
	say(`{"n":5}`)
	catchUp(seen)
	// Output:
	// said {"n":2}
	// said {"n":3}
	// too late
}

func ExampleNewRules() {
	rules, err := history.NewRules([]history.Keep{
		{Topics: []string{"videos:live"}, Events: []string{"annotation_added"}, Count: 100},
		{Topics: []string{"videos:*", "lobby"}},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(rules.For("videos:live", "annotation_added").Count)
	fmt.Println(rules.For("videos:live", "typing") == nil) // the first rule for the topic is the only one
	fmt.Println(rules.For("videos:7", "typing").Count)
	fmt.Println(rules.For("videos:7", "presence_diff") == nil)
	// Output:
	// 100
	// true
	// 1000
	// true
}

// A log in memory begins anew with the process: positions of another life are
// gone, and whoever has one is told.
func ExampleNewMemory() {
	rules, err := history.NewRules([]history.Keep{{Topics: []string{"*"}}})
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	before := history.NewMemory(rules, nil)
	said, err := before.Append(ctx, "room:1", history.Event{Name: "said", Payload: []byte(`{}`)})
	if err != nil {
		log.Fatal(err)
	}
	last, err := before.Last(ctx, "room:1")
	fmt.Println(last == said.Position, err)

	restarted := history.NewMemory(rules, &history.MemoryOptions{Bytes: 16 << 20})
	_, err = restarted.Read(ctx, "room:1", said.Position, 100)
	fmt.Println(errors.Is(err, history.ErrGone))
	// Output:
	// true <nil>
	// true
}

// Clients keep a position as a string.
func ExampleParsePosition() {
	p, err := history.ParsePosition(history.Position{Epoch: "k3Jx", Seq: 42}.String())
	fmt.Println(p.Epoch, p.Seq, err)

	_, err = history.ParsePosition("42")
	fmt.Println(err != nil)
	// Output:
	// k3Jx 42 <nil>
	// true
}
