package redis_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"

	"github.com/roost-dev/roost/adapters/redis"
	"github.com/roost-dev/roost/pubsub"
)

// A Redis that is away is no error: the node serves its own clients, and goes
// on trying.
func ExampleNew() {
	ctx := context.Background()
	quiet := slog.New(slog.DiscardHandler)
	adapter, err := redis.New("redis://user:password@127.0.0.1:1", &redis.Options{Logger: quiet}) // where nobody is
	if err != nil {
		log.Fatal(err)
	}
	ps, err := pubsub.New(&pubsub.Options{Node: "web-1", Adapter: adapter, Logger: quiet})
	if err != nil {
		log.Fatal(err)
	}
	defer ps.Close(ctx)
	fmt.Println(ps.Info().Engine.State == pubsub.StateUp)

	_, err = redis.New("http://127.0.0.1", nil)
	fmt.Println(err != nil) // it says what is wrong
	// Output:
	// false
	// true
}
