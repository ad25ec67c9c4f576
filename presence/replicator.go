package presence

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/roost-dev/roost/internal/cluster"
	"github.com/roost-dev/roost/presence/replica"
)

const (
	// linger is how long a node goes on wanting a topic that its last session
	// has left: whoever reloads a page need not have everything sent anew.
	linger = 5 * time.Second

	// opening is how long clients of a topic that is new to this node wait for
	// what other nodes have on it, so that they do not see a room empty that
	// is not. Who has anything answers well within it. On a node that is too
	// busy to take what came they wait until it has, but not longer than
	// openingMost.
	opening     = 100 * time.Millisecond
	openingMost = 2 * time.Second

	// inboxLen and inboxBytes bound what waits for the replica. What comes
	// while it is full is dropped, and found missing at the next tick.
	inboxLen   = 4096
	inboxBytes = 32 << 20
)

// replicator is a tracker's part in the cluster. Its goroutine is the only one
// that touches the replica: it tells it what happens here, and passes on what
// comes of that. It has no delays of its own; what gathers while it is busy
// leaves together.
type replicator[M any] struct {
	p       *Presence[M]
	cluster *cluster.Cluster
	service string
	unwatch func()
	wake    chan struct{}
	misfit  sync.Once // a meta that does not decode is logged

	// Used by the goroutine only.
	replica *replica.Replica
	alarm   *time.Timer // goes when a topic opens
	failed  time.Time   // when it was last logged that a message could not be sent

	mu     sync.Mutex // guards the rest; taken after a topic's mu
	news   news[M]
	vacant map[string]time.Time // wanted topics without sessions, since when
	unopen map[string]time.Time // wanted topics whose clients are told nothing yet, since when
	peers  map[cluster.ID]bool  // the nodes that are up
	met    time.Time            // when the last of them came
	inbox  int                  // the bytes of news.messages
	stats  Stats
	over   bool
}

// news is what has happened since the replica was last told.
type news[M any] struct {
	own       moves[M]
	wants     []string // topics; each is wanted until it was vacant for linger
	vacated   []string // topics that were
	opened    []string // topics whose clients may be told what came up to now
	messages  []message
	nodes     map[cluster.ID]bool // that came or went: whether they are there
	leaving   []cluster.ID
	recovered bool
	dropped   uint64
}

type message struct {
	from    cluster.ID
	payload []byte
}

func newReplicator[M any](p *Presence[M], c *cluster.Cluster) *replicator[M] {
	r := &replicator[M]{
		p:       p,
		cluster: c,
		service: "presence:" + p.opts.Name,
		wake:    make(chan struct{}, 1),
		alarm:   time.NewTimer(time.Hour),
		replica: replica.New(replica.NodeID(c.Self().ID), nil),
		news:    newNews[M](),
		unopen:  make(map[string]time.Time),
		vacant:  make(map[string]time.Time),
		peers:   make(map[cluster.ID]bool),
	}
	return r
}

// start joins the trackers of this name on other nodes.
func (r *replicator[M]) start() {
	r.register()
	r.unwatch = r.cluster.Watch(r.observe)
	r.p.crew.begin()
	go r.run()
}

func (r *replicator[M]) register() {
	defer func() {
		if v := recover(); v != nil {
			panic(fmt.Sprintf("presence: a second tracker named %q on one PubSub: give each its own Options.Name (%v)", r.p.opts.Name, v))
		}
	}()
	r.cluster.Handle(r.service, r.receive)
	r.cluster.Serve(r.service, r.p.answerList)
}

// subject names who is concerned by a topic of this tracker, by a role. The
// name's length is in it, since both may have any characters.
func (r *replicator[M]) subject(role, topic string) string {
	return role + ":" + strconv.Itoa(len(r.p.opts.Name)) + ":" + r.p.opts.Name + ":" + topic
}

func (r *replicator[M]) watchers(topic string) string { return r.subject("p", topic) }
func (r *replicator[M]) owners(topic string) string   { return r.subject("o", topic) }

// receive takes what another node's replica sent. It does not block.
func (r *replicator[M]) receive(from cluster.ID, payload []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.news.messages) >= inboxLen || r.inbox+len(payload) > inboxBytes {
		r.news.dropped++
		return
	}
	r.news.messages = append(r.news.messages, message{from, payload})
	r.inbox += len(payload)
	r.rouse()
}

// observe takes what happens among the nodes. It does not block.
func (r *replicator[M]) observe(e cluster.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch e.Kind {
	case cluster.Up:
		r.news.nodes[e.Member.ID], r.peers[e.Member.ID] = true, true
		r.met = time.Now()
	case cluster.Down:
		r.news.nodes[e.Member.ID] = false
		delete(r.peers, e.Member.ID)
	case cluster.Recovered:
		r.news.recovered = true
	}
	if e.Member.Leaving {
		r.news.leaving = append(r.news.leaving, e.Member.ID)
	}
	r.rouse()
}

// want has this node hold a topic, and returns by when its clients are told of
// it at the latest. As the next ones it is called under the topic's lock.
func (r *replicator[M]) want(topic string) (opens time.Time) {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.news.wants = append(r.news.wants, topic)
	r.rouse()
	if r.opens(now).After(now) {
		r.unopen[topic] = now
		opens = now.Add(openingMost)
	}
	return opens
}

// opens returns from when on clients may be told of a topic that is wanted
// since then. A node that has just started does not know all others yet. The
// caller holds mu.
func (r *replicator[M]) opens(since time.Time) time.Time {
	opens := r.cluster.Self().Since.Add(r.cluster.Lease() / 4)
	if len(r.peers) == 0 {
		return opens
	}
	for _, t := range []time.Time{since, r.met} {
		if t = t.Add(opening); t.After(opens) {
			opens = t
		}
	}
	return opens
}

// vacate notes that the last session has left a topic.
func (r *replicator[M]) vacate(topic string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.vacant[topic] = time.Now()
}

func (r *replicator[M]) join(topic string, it *item[M]) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.news.own.join(topic, it)
	r.rouse()
}

func (r *replicator[M]) update(topic string, old, next *item[M]) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.news.own.replace(topic, old, next)
	r.rouse()
}

// leaving reports whether this node is about to stop, among others.
func (r *replicator[M]) leaving() bool { return r != nil && r.cluster.Leaving() }

// leave tells the other nodes of an end, unless this one is about to stop: its
// users will be back elsewhere, and until then nobody is to see them leave.
func (r *replicator[M]) leave(topic string, it *item[M]) {
	stopping := r.cluster.Leaving()
	r.mu.Lock()
	defer r.mu.Unlock()
	if stopping {
		r.news.own.forget(it)
		return
	}
	r.news.own.leave(topic, it)
	r.rouse()
}

func (r *replicator[M]) rouse() {
	select {
	case r.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// close has the goroutine end.
func (r *replicator[M]) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.over = true
	r.rouse()
}

func (r *replicator[M]) run() {
	defer r.p.crew.done()
	timer := time.NewTimer(r.period())
	defer timer.Stop()
	defer r.alarm.Stop()
	for {
		tick := false
		select {
		case <-r.wake:
		case <-r.alarm.C:
		case <-timer.C:
			tick = true
			timer.Reset(r.period())
		}
		if over := r.work(tick); over {
			r.finish()
			return
		}
	}
}

// period is about a quarter of a lease, so that a message that was lost is
// missed, asked for and there within one.
func (r *replicator[M]) period() time.Duration {
	quarter := r.cluster.Lease() / 4
	return quarter*3/4 + rand.N(quarter/2+1)
}

// work tells the replica the news and does what it asks for.
func (r *replicator[M]) work(tick bool) (over bool) {
	n, over := r.take(tick)
	if n.dropped > 0 {
		r.p.opts.Logger.Warn("presence: this node is too busy for what others send; what was dropped will be asked for", "messages", n.dropped)
	}
	for node, up := range n.nodes {
		if up {
			r.replica.Up(replica.NodeID(node))
		} else {
			r.replica.Down(replica.NodeID(node))
		}
	}
	for _, node := range n.leaving {
		r.replica.Leaving(replica.NodeID(node))
	}
	if tick || n.recovered {
		r.replica.Tick()
	}
	for _, topic := range n.wants {
		r.cluster.Interest(r.watchers(topic), true)
		r.replica.Want(topic)
	}
	for _, topic := range n.vacated {
		if t := r.p.find(topic); t != nil && t.release() {
			r.replica.Unwant(topic)
			r.cluster.Interest(r.watchers(topic), false)
		}
	}
	n.own.tell(r.replica)
	for _, m := range n.messages {
		if err := r.replica.Receive(replica.NodeID(m.from), m.payload); err != nil {
			r.p.opts.Logger.Warn("presence: message of another node not understood", "node", m.from, "error", err)
		}
	}
	r.perform(r.replica.Take())
	for _, topic := range n.opened {
		if t := r.p.find(topic); t != nil {
			t.open()
		}
	}
	r.count(n.dropped)
	return over
}

func newNews[M any]() news[M] {
	return news[M]{own: make(moves[M]), nodes: make(map[cluster.ID]bool)}
}

// take takes the news. At a tick the topics that were vacant for long enough
// are in it: that they were wanted was so before, or is now.
func (r *replicator[M]) take(tick bool) (n news[M], over bool) {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	n, r.news, r.inbox = r.news, newNews[M](), 0
	next := time.Hour
	for topic, since := range r.unopen {
		if wait := r.opens(since).Sub(now); wait > 0 {
			next = min(next, wait)
			continue
		}
		n.opened = append(n.opened, topic)
		delete(r.unopen, topic)
	}
	r.alarm.Reset(next)
	if !tick {
		return n, r.over
	}
	for topic, since := range r.vacant {
		if time.Since(since) >= linger {
			n.vacated = append(n.vacated, topic)
			delete(r.vacant, topic)
		}
	}
	return n, r.over
}

// perform does what the replica asks for.
func (r *replicator[M]) perform(out replica.Output) {
	r.p.apply(out.Changes)
	for _, topic := range out.Owned {
		r.cluster.Interest(r.owners(topic), true)
	}
	for _, topic := range out.Disowned {
		r.cluster.Interest(r.owners(topic), false)
	}
	// One bound for all: an engine that hangs must not hold up the next news.
	ctx, cancel := context.WithTimeout(r.p.ctx, r.cluster.Lease()/4)
	defer cancel()
	for _, m := range out.Messages {
		r.send(ctx, &m)
	}
}

// send sends a message. If it cannot, the others find it missing later.
func (r *replicator[M]) send(ctx context.Context, m *replica.Message) {
	var err error
	switch m.To {
	case replica.Watchers:
		err = r.cluster.Publish(ctx, r.watchers(m.Topic), r.service, m.Payload)
	case replica.Owners:
		err = r.cluster.Publish(ctx, r.owners(m.Topic), r.service, m.Payload)
	case replica.ToNode:
		err = r.cluster.Send(ctx, cluster.ID(m.Node), r.service, m.Payload)
	}
	if err != nil && time.Since(r.failed) > time.Minute {
		r.failed = time.Now()
		r.p.opts.Logger.Warn("presence: other nodes could not be told of changes, and will ask for them; logged once a minute",
			"topic", m.Topic, "error", err)
	}
}

// finish takes this tracker out of the cluster. Its presences end for others
// with it, unless they are to stay until their users are back.
func (r *replicator[M]) finish() {
	r.unwatch()
	r.cluster.Unserve(r.service)
	r.cluster.Unhandle(r.service)
	// The name is used up: what another tracker said under it would be old
	// news for others, since its replica would count anew.
	r.cluster.Handle(r.service, func(cluster.ID, []byte) {})
	if !r.cluster.Leaving() {
		for _, topic := range r.replica.OwnTopics() {
			for _, e := range r.replica.Own(topic) {
				r.replica.Remove(topic, e.Ref)
			}
		}
	}
	r.perform(r.replica.Take())
	for _, topic := range r.replica.OwnTopics() {
		r.cluster.Interest(r.owners(topic), false)
	}
	for _, t := range r.p.all() {
		r.cluster.Interest(r.watchers(t.name), false)
	}
}
