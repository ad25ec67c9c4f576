package pubsub_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/roost-dev/roost/pubsub"
)

// ear is a subscriber that notes the events it hears.
type ear struct {
	mu     sync.Mutex
	events []string
	then   func(m *pubsub.Message) // called with each message, outside of mu
}

func (e *ear) Deliver(m *pubsub.Message) {
	e.mu.Lock()
	e.events = append(e.events, m.Event)
	e.mu.Unlock()
	if e.then != nil {
		e.then(m)
	}
}

func (e *ear) heard() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	events := e.events
	e.events = nil
	return events
}

func expect(t *testing.T, who string, e *ear, want ...string) {
	t.Helper()
	if got := e.heard(); !slices.Equal(got, want) {
		t.Errorf("%s heard %q, want %q", who, got, want)
	}
}

func broadcast(t *testing.T, ps *pubsub.PubSub, m *pubsub.Message) {
	t.Helper()
	if err := ps.Broadcast(t.Context(), m); err != nil {
		t.Error(err)
	}
}

func TestBroadcastReachesTheSubscribersOfItsTopicBeforeItReturns(t *testing.T) {
	ps := pubsub.Local()
	var a, b, other ear
	ps.Subscribe("room", &a)
	ps.Subscribe("room", &b)
	ps.Subscribe("room:1", &other)
	broadcast(t, ps, &pubsub.Message{Topic: "room", Event: "first"})
	broadcast(t, ps, &pubsub.Message{Topic: "room", Event: "second"})
	broadcast(t, ps, &pubsub.Message{Topic: "nobody", Event: "third"})
	ps.BroadcastLocal(&pubsub.Message{Topic: "room", Event: "fourth"})
	expect(t, "a", &a, "first", "second", "fourth")
	expect(t, "b", &b, "first", "second", "fourth")
	expect(t, "who listens elsewhere", &other)
}

func TestFromLeavesOutOneSubscription(t *testing.T) {
	ps := pubsub.Local()
	var sender, other ear
	own := ps.Subscribe("room", &sender)
	ps.Subscribe("room", &other)
	elsewhere := ps.Subscribe("hall", &other)
	broadcast(t, ps, &pubsub.Message{Topic: "room", Event: "mine", From: own})
	broadcast(t, ps, &pubsub.Message{Topic: "room", Event: "from the hall", From: elsewhere})
	expect(t, "the sender", &sender, "from the hall")
	expect(t, "the other", &other, "mine", "from the hall")

	second := ps.Subscribe("room", &sender)
	broadcast(t, ps, &pubsub.Message{Topic: "room", Event: "twice", From: own})
	expect(t, "the sender's second subscription", &sender, "twice")
	own.Unsubscribe()
	broadcast(t, ps, &pubsub.Message{Topic: "room", Event: "gone", From: own})
	expect(t, "the sender's second subscription", &sender, "gone")
	second.Unsubscribe()
}

func TestAnEndedSubscriptionHearsNothing(t *testing.T) {
	ps := pubsub.Local()
	var e ear
	first, second := ps.Subscribe("room", &e), ps.Subscribe("room", &e)
	if n := ps.Subscribers("room"); n != 2 {
		t.Errorf("%d subscriptions, want 2", n)
	}
	broadcast(t, ps, &pubsub.Message{Topic: "room", Event: "both"})
	first.Unsubscribe()
	first.Unsubscribe()
	broadcast(t, ps, &pubsub.Message{Topic: "room", Event: "one"})
	second.Unsubscribe()
	broadcast(t, ps, &pubsub.Message{Topic: "room", Event: "none"})
	expect(t, "the subscriber", &e, "both", "both", "one")
	if n := ps.Subscribers("room"); n != 0 {
		t.Errorf("%d subscriptions, want none", n)
	}
	ps.Subscribe("room", &e)
	broadcast(t, ps, &pubsub.Message{Topic: "room", Event: "again"})
	expect(t, "the subscriber", &e, "again")
}

func TestAMessageNeedsATopic(t *testing.T) {
	err := pubsub.Local().Broadcast(t.Context(), &pubsub.Message{Event: "lost"})
	if err == nil || !strings.Contains(err.Error(), "topic") {
		t.Errorf("error %v does not name the topic", err)
	}
}

// No lock is held over a delivery: what a subscriber does while it hears a
// message neither blocks nor changes who hears this message.
func TestSubscribersMaySubscribeAndUnsubscribeWhileTheyHear(t *testing.T) {
	ps := pubsub.Local()
	var subs [3]*pubsub.Subscription
	var ears [3]ear
	late := &ear{}
	var once sync.Once
	for i := range ears {
		ears[i].then = func(*pubsub.Message) {
			once.Do(func() {
				for _, s := range subs {
					s.Unsubscribe()
				}
				ps.Subscribe("room", late)
				ps.Subscribe("hall", late)
				if n := ps.Subscribers("room"); n != 1 {
					t.Errorf("%d subscriptions within a delivery, want 1", n)
				}
			})
		}
		subs[i] = ps.Subscribe("room", &ears[i])
	}
	broadcast(t, ps, &pubsub.Message{Topic: "room", Event: "first"})
	for i := range ears {
		expect(t, "who was there", &ears[i], "first")
	}
	expect(t, "who came meanwhile", late)
	broadcast(t, ps, &pubsub.Message{Topic: "room", Event: "second"})
	for i := range ears {
		expect(t, "who left", &ears[i])
	}
	expect(t, "who came meanwhile", late, "second")
}

// Subscribers come and go while several publish: those who stay hear each
// publisher's messages complete and in order.
func TestEachPublishersOrderHoldsAmongComingAndGoing(t *testing.T) {
	const publishers, messages = 4, 500
	ps := pubsub.Local()
	var stays [3]ear
	for i := range stays {
		ps.Subscribe("room", &stays[i])
	}
	stop := make(chan struct{})
	var churn, publish sync.WaitGroup
	for range 2 {
		churn.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					ps.Subscribe("room", &ear{}).Unsubscribe()
				}
			}
		})
	}
	for p := range publishers {
		publish.Go(func() {
			for i := range messages {
				_ = ps.Broadcast(context.Background(), &pubsub.Message{Topic: "room", Event: fmt.Sprintf("%d %d", p, i)})
			}
		})
	}
	publish.Wait()
	close(stop)
	churn.Wait()
	for i := range stays {
		var next [publishers]int
		for _, event := range stays[i].heard() {
			var p, n int
			if _, err := fmt.Sscan(event, &p, &n); err != nil || n != next[p] {
				t.Fatalf("heard %q, want message %d of publisher %d (%v)", event, next[p], p, err)
			}
			next[p]++
		}
		if next != [publishers]int{messages, messages, messages, messages} {
			t.Errorf("of %d messages each, heard %v", messages, next)
		}
	}
}

func TestCloseOfALocalPubSubLeavesItsSubscriptions(t *testing.T) {
	ps := pubsub.Local()
	var e ear
	ps.Subscribe("room", &e)
	if err := ps.Close(t.Context()); err != nil {
		t.Error(err)
	}
	broadcast(t, ps, &pubsub.Message{Topic: "room", Event: "still here"})
	expect(t, "the subscriber", &e, "still here")
}
