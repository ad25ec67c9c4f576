package pubsub

import (
	"runtime"
	"slices"
	"sync"
)

// How a topic reaches many subscribers.
//
// To few, a publisher delivers on its own goroutine. To many, that would hold
// it for milliseconds, and two publishers would do the same work side by
// side. So a large topic has a queue and, while there is something in it, a
// goroutine that passes over the subscribers. What is published during a pass
// goes out together in the next: a subscriber that takes batches gets it with
// one write. Nothing waits to be collected.
const (
	// inlineMost is how many subscribers a publisher serves itself.
	inlineMost = 64

	// queueLen and queueBytes bound what waits for the next pass. Publishers
	// wait while it is full; a pass never waits for a subscriber.
	queueLen   = 1024
	queueBytes = 4 << 20

	// batchBytes bounds the payloads of one pass, so that what is encoded
	// together stays small beside a connection's outbox.
	batchBytes = 128 << 10

	// shareLeast is how many subscribers are worth a further core.
	shareLeast = 512
)

// queue is what waits for the next pass over a group, whose mutex guards it.
type queue struct {
	messages []*Message
	bytes    int
	last     uint64     // number of the last message that ever came in
	passed   uint64     // number of the last message that was delivered
	passing  bool       // the goroutine of pass exists
	moved    *sync.Cond // for who waits for room, or a delivery; nil if nobody did
}

// wait waits until something has moved. g.mu is held.
func (q *queue) wait(mu sync.Locker) {
	if q.moved == nil {
		q.moved = sync.NewCond(mu)
	}
	q.moved.Wait()
}

func (q *queue) move() {
	if q.moved != nil {
		q.moved.Broadcast()
	}
}

func (q *queue) full() bool { return len(q.messages) >= queueLen || q.bytes >= queueBytes }

func (q *queue) put(m *Message) {
	q.messages = append(q.messages, m)
	q.bytes += len(m.Payload)
	q.last++
}

// take removes what the next pass delivers, and returns the number of its
// first message.
func (q *queue) take() (batch []*Message, first uint64) {
	n, size := 0, 0
	for n < len(q.messages) && (n == 0 || size+len(q.messages[n].Payload) <= batchBytes) {
		size += len(q.messages[n].Payload)
		n++
	}
	first = q.last - uint64(len(q.messages)) + 1
	batch = slices.Clip(q.messages[:n])
	q.messages = q.messages[n:]
	if len(q.messages) == 0 {
		q.messages = nil
	}
	q.bytes -= size
	q.move()
	return batch, first
}

// enqueue has m delivered by g's own goroutine if there are many members. If
// there are few it returns them, in buf, for the caller to serve inline.
func (ps *PubSub) enqueue(g *group[Subscriber], m *Message, buf []*member[Subscriber]) (members []*member[Subscriber], inline bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	q := &g.queue
	if !q.passing && len(g.members) <= inlineMost {
		return append(buf, g.members...), true
	}
	for q.full() {
		q.wait(&g.mu)
	}
	q.put(m)
	if !q.passing {
		q.passing = true
		go ps.pass(g)
	}
	return buf, false
}

// pass delivers what is queued until nothing is. Nothing that it calls blocks,
// so it ends by itself, soon after the last publication.
func (ps *PubSub) pass(g *group[Subscriber]) {
	buf := ps.buffers.Get().(*[]*member[Subscriber])
	members := (*buf)[:0]
	for {
		g.mu.Lock()
		if len(g.queue.messages) == 0 {
			g.queue.passing = false
			g.mu.Unlock()
			ps.recycle(buf, members)
			return
		}
		batch, first := g.queue.take()
		clear(members)
		members = append(members[:0], g.members...)
		g.mu.Unlock()
		deliver(&Batch{Messages: batch}, first, members)
		g.mu.Lock()
		g.queue.passed = first + uint64(len(batch)) - 1
		g.queue.move()
		g.mu.Unlock()
	}
}

// Flush waits until what was published on topic before has been delivered on
// this node. On a topic of up to 64 subscribers that is so already.
func (ps *PubSub) Flush(topic string) {
	g := ps.topics.find(topic)
	if g == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for last := g.queue.last; g.queue.passing && g.queue.passed < last; {
		g.queue.wait(&g.mu)
	}
}

// deliver takes b to all members, over as many cores as are worth it.
func deliver(b *Batch, first uint64, members []*member[Subscriber]) {
	shares := min(runtime.GOMAXPROCS(0), 1+len(members)/shareLeast)
	senders := b.senders()
	var others sync.WaitGroup
	for i := range shares {
		part := members[i*len(members)/shares : (i+1)*len(members)/shares]
		if i == shares-1 {
			b.deliverTo(part, first, senders)
			break
		}
		others.Go(func() { b.deliverTo(part, first, senders) })
	}
	others.Wait()
}

// senders returns the subscriptions that some message of b leaves out.
func (b *Batch) senders() []*member[Subscriber] {
	var senders []*member[Subscriber]
	for _, m := range b.Messages {
		if m.From != nil && !slices.Contains(senders, &m.From.member) {
			senders = append(senders, &m.From.member)
		}
	}
	return senders
}

func (b *Batch) deliverTo(members []*member[Subscriber], first uint64, senders []*member[Subscriber]) {
	for _, member := range members {
		if len(b.Messages) > 1 && member.since < first && !slices.Contains(senders, member) {
			if s, ok := member.receiver.(BatchSubscriber); ok {
				s.DeliverBatch(b)
				continue
			}
		}
		for i, m := range b.Messages {
			if member.since < first+uint64(i) && !m.leavesOut(member) {
				member.receiver.Deliver(m)
			}
		}
	}
}
