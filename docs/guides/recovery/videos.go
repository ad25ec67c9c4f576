// Package recovery is the code of the guide: videos whose annotations nobody misses, and that are bought once.
package recovery

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/history"
	"github.com/roost-dev/roost/pubsub"
)

// The contract of "videos:{id}".
var (
	Annotate  = roost.NewIn[Annotation, roost.Ack]("annotate")
	Annotated = roost.NewOut[Annotation]("annotated")
	Buy       = roost.NewIn[Order, Receipt]("buy")
)

type (
	// Annotation is something said about a video.
	Annotation struct {
		ID   int    `json:"id"`
		Body string `json:"body"`
	}

	// Joined is the reply to a join: everything so far, unless what was missed follows.
	Joined struct {
		Snapshot []Annotation `json:"snapshot,omitempty"`
	}

	// Order is what a user wants to buy.
	Order struct {
		Item int `json:"item"`
	}

	// Receipt is what was bought.
	Receipt struct {
		Order string `json:"order"`
	}
)

// Shop is where annotations and orders are kept: a database.
type Shop struct {
	mu          sync.Mutex // guards the rest
	annotations []Annotation
	orders      int
}

// annotate keeps an annotation, and returns it with its id.
func (s *Shop) annotate(a Annotation) Annotation {
	s.mu.Lock()
	defer s.mu.Unlock()
	a.ID = len(s.annotations) + 1
	s.annotations = append(s.annotations, a)
	return a
}

// all returns what was kept.
func (s *Shop) all() []Annotation {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clip(s.annotations)
}

// buy takes an order.
func (s *Shop) buy() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.orders++
	return fmt.Sprintf("order %d", s.orders)
}

// newPubSub keeps what is said about videos for an hour.
func newPubSub() (*pubsub.PubSub, error) {
	return pubsub.New(&pubsub.Options{History: []history.Keep{
		{Topics: []string{"videos:*"}, Events: []string{Annotated.Name()}, Count: 500, For: time.Hour},
	}})
}

// New returns a server whose clients hear each other by ps.
func New(shop *Shop, ps *pubsub.PubSub) *roost.Server[string] {
	videos := roost.NewHandler(shop.join, nil)
	videos.HandleIn(Annotate, shop.handleAnnotate)
	videos.HandleIn(Buy, shop.handleBuy)
	videos.Emits(Annotated)
	server := roost.NewServer(connect, &roost.Options[string]{PubSub: ps, ID: func(user string) string { return "user:" + user }})
	server.Handle("videos:{id}", videos)
	return server
}

// connect believes whoever comes: see the guide to authentication.
func connect(_ context.Context, r *roost.ConnectRequest) (string, error) {
	return r.Param("user"), nil
}

func (s *Shop) join(_ context.Context, ch *roost.Channel[string], socket *roost.Socket[string], _ struct{}) (Joined, error) {
	ch.State = socket.Assigns
	if ch.Resumed() {
		return Joined{}, nil // what was missed follows behind this reply
	}
	return Joined{Snapshot: s.all()}, nil
}

func (s *Shop) handleAnnotate(ctx context.Context, ch *roost.Channel[string], a Annotation) (roost.Ack, error) {
	return roost.Ack{}, ch.Broadcast(ctx, Annotated, s.annotate(a))
}

// handleBuy runs once for each order that a client marked, however often that is sent.
func (s *Shop) handleBuy(_ context.Context, _ *roost.Channel[string], _ Order) (Receipt, error) {
	return Receipt{Order: s.buy()}, nil
}
