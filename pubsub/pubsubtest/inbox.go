package pubsubtest

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/roost-dev/roost/pubsub"
)

// inboxSize is the number of envelopes that wait for a node or are on their
// way to it. Whoever publishes to a node with a full inbox waits.
const inboxSize = 1024

// inbox is what a node is to get.
type inbox struct {
	arrivals []arrival          // by due and number
	count    uint64             // of arrivals ever
	last     map[lane]time.Time // the latest that is due on a lane, if that is to come
}

// lane is what keeps its order.
type lane struct {
	from    *Node
	subject string
}

type arrival struct {
	due      time.Time
	number   uint64
	lane     lane
	envelope *pubsub.Envelope // nil: the engine is back
}

func (a arrival) compare(b arrival) int {
	return cmp.Or(a.due.Compare(b.due), cmp.Compare(a.number, b.number))
}

// put is called with the node's mu held.
func (in *inbox) put(a arrival) {
	in.count++
	a.number = in.count
	at, _ := slices.BinarySearchFunc(in.arrivals, a, arrival.compare)
	in.arrivals = slices.Insert(in.arrivals, at, a)
}

// accept takes what another node sent.
func (n *Node) accept(ctx context.Context, l lane, e *pubsub.Envelope, delay time.Duration, reorder bool) error {
	select {
	case n.slots <- struct{}{}:
	default:
		if n.isPaused() {
			return nil // lost
		}
		select {
		case n.slots <- struct{}{}:
		case <-n.ctx.Done():
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.access == away {
		<-n.slots
		return nil // lost
	}
	due := time.Now().Add(delay)
	if last := n.last[l]; last.After(due) {
		if !reorder {
			due = last
		}
	} else {
		n.last[l] = due
	}
	n.put(arrival{due: due, lane: l, envelope: e})
	n.rouse()
	return nil
}

// next takes out what is to be delivered now. If there is nothing it returns
// how long to wait, 0 for as long as nothing changes.
func (n *Node) next() (a arrival, ok bool, wait time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.resumed != nil || len(n.arrivals) == 0 {
		return a, false, 0
	}
	a = n.arrivals[0]
	if wait = time.Until(a.due); wait > 0 {
		return a, false, wait
	}
	n.arrivals[0] = arrival{}
	n.arrivals = n.arrivals[1:]
	n.release(a)
	return a, true, 0
}

// release forgets an arrival. The caller holds mu.
func (n *Node) release(a arrival) {
	if a.envelope == nil {
		return
	}
	<-n.slots
	if n.last[a.lane].Equal(a.due) {
		delete(n.last, a.lane) // others that are due then come before all that is put from now on
	}
}

func (n *Node) deliver(r pubsub.Receiver) {
	for n.ctx.Err() == nil {
		a, ok, wait := n.next()
		switch {
		case ok && a.envelope == nil:
			r.Recovered()
		case ok:
			r.Receive(a.envelope)
		default:
			n.sleep(wait)
		}
	}
}

func (n *Node) sleep(d time.Duration) {
	var due <-chan time.Time
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-due:
	case <-n.signal:
	case <-n.ctx.Done():
	}
}
