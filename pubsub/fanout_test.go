package pubsub_test

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/roost-dev/roost/pubsub"
)

// crowd is more subscribers than a publisher serves itself.
const crowd = 200

// collector is a subscriber that takes batches. If hold is set it takes
// nothing until the channel is closed.
type collector struct {
	hold    chan struct{}
	mu      sync.Mutex
	events  []string
	batches int
}

func (c *collector) wait() {
	if c.hold != nil {
		<-c.hold
	}
}

func (c *collector) Deliver(m *pubsub.Message) {
	c.wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.events = append(c.events, m.Event)
}

func (c *collector) DeliverBatch(b *pubsub.Batch) {
	c.wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.batches++
	for _, m := range b.Messages {
		c.events = append(c.events, m.Event)
	}
}

func (c *collector) got() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.events)
}

func gather(ps *pubsub.PubSub, n int) ([]*collector, []*pubsub.Subscription) {
	all, subs := make([]*collector, n), make([]*pubsub.Subscription, n)
	for i := range all {
		all[i] = &collector{}
		subs[i] = ps.Subscribe("room", all[i])
	}
	return all, subs
}

func numbered(n int) []string {
	events := make([]string, n)
	for i := range events {
		events[i] = fmt.Sprint(i)
	}
	return events
}

func TestALargeTopicGetsEverythingInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ps := pubsub.Local()
		all, _ := gather(ps, crowd)
		want := numbered(500)
		for _, e := range want {
			broadcast(t, ps, &pubsub.Message{Topic: "room", Event: e})
		}
		synctest.Wait()
		for i, c := range all {
			if got := c.got(); !slices.Equal(got, want) {
				t.Fatalf("subscriber %d got %d messages: %v", i, len(got), got)
			}
		}
	})
}

func TestWhatIsPublishedDuringAPassGoesOutTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ps := pubsub.Local()
		all, _ := gather(ps, crowd)
		slow := &collector{hold: make(chan struct{})}
		ps.Subscribe("room", slow)
		want := numbered(10)
		for _, e := range want {
			broadcast(t, ps, &pubsub.Message{Topic: "room", Event: e}) // does not wait for the slow one
			synctest.Wait()
		}
		if got := all[0].got(); !slices.Equal(got, want[:1]) {
			t.Errorf("during the first pass %v had arrived, want the first message at once", got)
		}
		close(slow.hold)
		synctest.Wait()
		if got := all[0].got(); !slices.Equal(got, want) || all[0].batches != 1 {
			t.Errorf("got %v in %d batches, want the other nine in one", got, all[0].batches)
		}
	})
}

func TestPublishersWaitWhileTheQueueOfALargeTopicIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ps := pubsub.Local()
		all, _ := gather(ps, crowd)
		slow := &collector{hold: make(chan struct{})}
		ps.Subscribe("room", slow)
		const n = 3000
		var published atomic.Int64
		done := make(chan struct{})
		go func() {
			defer close(done)
			for _, e := range numbered(n) {
				ps.BroadcastLocal(&pubsub.Message{Topic: "room", Event: e})
				published.Add(1)
			}
		}()
		synctest.Wait()
		if got := published.Load(); got > 2100 { // the first pass may have taken as many
			t.Errorf("%d messages were published with a pass under way, the queue should hold 1024", got)
		}
		close(slow.hold)
		<-done
		synctest.Wait()
		for _, c := range append(all, slow) {
			if got := c.got(); !slices.Equal(got, numbered(n)) {
				t.Fatalf("a subscriber got %d of %d messages, or in another order", len(got), n)
			}
		}
	})
}

func TestALargeTopicLeavesOutTheSenderOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ps := pubsub.Local()
		all, subs := gather(ps, crowd)
		for i := range 100 {
			broadcast(t, ps, &pubsub.Message{Topic: "room", Event: fmt.Sprint(i), From: subs[i%3]})
		}
		synctest.Wait()
		for i, c := range all {
			want := slices.DeleteFunc(numbered(100), func(e string) bool {
				var n int
				fmt.Sscan(e, &n)
				return n%3 == i
			})
			if got := c.got(); !slices.Equal(got, want) {
				t.Fatalf("subscriber %d got %v", i, got)
			}
		}
	})
}

func TestWhoComesLaterGetsNothingThatWasPublishedBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ps := pubsub.Local()
		gather(ps, crowd)
		slow := &collector{hold: make(chan struct{})}
		ps.Subscribe("room", slow)
		for _, e := range []string{"a", "b", "c"} {
			broadcast(t, ps, &pubsub.Message{Topic: "room", Event: e})
		}
		synctest.Wait()
		late := &collector{}
		ps.Subscribe("room", late)
		for _, e := range []string{"d", "e"} {
			broadcast(t, ps, &pubsub.Message{Topic: "room", Event: e})
		}
		close(slow.hold)
		synctest.Wait()
		if got := late.got(); !slices.Equal(got, []string{"d", "e"}) {
			t.Errorf("got %v, want what was published after it came", got)
		}
	})
}

// A topic grows and shrinks around the size at which it gets a sender of its
// own; each publisher's order holds for those who stay.
func TestOrderHoldsWhileATopicGrowsAndShrinks(t *testing.T) {
	ps := pubsub.Local()
	all, _ := gather(ps, 60)
	const publishers, each = 3, 400
	var work, churn sync.WaitGroup
	stop := make(chan struct{})
	churn.Go(func() {
		for {
			_, subs := gather(ps, 10)
			for _, s := range subs {
				s.Unsubscribe()
			}
			select {
			case <-stop:
				return
			default:
			}
		}
	})
	for p := range publishers {
		work.Go(func() {
			for i := range each {
				ps.BroadcastLocal(&pubsub.Message{Topic: "room", Event: fmt.Sprintf("%d-%d", p, i)})
			}
		})
	}
	work.Wait()
	close(stop)
	churn.Wait()
	ps.Flush("room")
	for i, c := range all {
		next := make([]int, publishers)
		for _, e := range c.got() {
			var p, n int
			if _, err := fmt.Sscanf(e, "%d-%d", &p, &n); err != nil {
				continue
			}
			if n != next[p] {
				t.Fatalf("subscriber %d got %s, want %d-%d", i, e, p, next[p])
			}
			next[p]++
		}
		if !slices.Equal(next, []int{each, each, each}) {
			t.Fatalf("subscriber %d got %v of %d each", i, next, each)
		}
	}
}

func TestFlushWaitsForWhatWasPublishedBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ps := pubsub.Local()
		ps.Flush("nobody here")
		all, _ := gather(ps, crowd)
		slow := &collector{hold: make(chan struct{})}
		ps.Subscribe("room", slow)
		for _, e := range numbered(10) {
			broadcast(t, ps, &pubsub.Message{Topic: "room", Event: e})
		}
		flushed := make(chan int, 1)
		go func() {
			ps.Flush("room")
			flushed <- len(all[crowd-1].got())
		}()
		synctest.Wait()
		if len(flushed) != 0 {
			t.Error("Flush returned during a pass")
		}
		close(slow.hold)
		if n := <-flushed; n != 10 {
			t.Errorf("Flush returned after %d of 10 messages", n)
		}
	})
}
