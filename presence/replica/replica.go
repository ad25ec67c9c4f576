package replica

import (
	"cmp"
	"maps"
	"slices"
)

// NodeID names one incarnation of a node: random, and another one after every
// restart.
type NodeID string

// Entry is one presence: a meta of one session under a key.
type Entry struct {
	// Ref is unique in the cluster, for ever: an update has another one.
	Ref string

	// PrevRef is the ref that an update took the place of; empty if there was
	// none that clients knew.
	PrevRef string

	Key string

	// Meta is the encoded meta, which the replica does not look into. It is
	// shared: read only.
	Meta []byte
}

// Options configures a [Replica]. The zero value has all defaults.
type Options struct {
	// MaxMessage bounds the payload of one message, in bytes; what is larger
	// is split. A single entry that is larger travels alone, whatever its
	// size. 0: 256 KiB.
	MaxMessage int

	// MaxTombstones bounds how many topics without an own presence any more
	// are remembered for peers that have not heard of it. A peer that is
	// further behind starts anew, which costs it more but loses nothing.
	// 0: 65,536.
	MaxTombstones int
}

const (
	defaultMaxMessage    = 256 << 10
	defaultMaxTombstones = 1 << 16
)

// Replica is one node's part of the cluster's presence. Make one with [New].
//
// No method blocks, and none may be called while another one runs: whoever
// owns the replica serializes calls. What a call causes is gathered until
// [Replica.Take].
type Replica struct {
	self NodeID
	opts Options

	own writer

	wants         map[digest]*want
	wantsByNumber sequence[want]
	wanted        uint64 // the number of the last want
	peers         map[NodeID]*peer
	tally         tally // of what is held

	// What Take has to do.
	asking     []*want
	queue      []*peer
	requests   map[NodeID]*request
	requesters []NodeID // of requests, in order
	out        Output
}

// want is a topic that the node wants. If it stops to and begins again that is
// another want, with a larger number.
type want struct {
	topic  string
	digest digest
	number uint64
}

// request is what another node asked for since the last Take.
type request struct {
	pull   *pull // the last one
	topics []string
	asked  map[string]bool // topics
}

// New makes the replica of the incarnation self, which must never have had
// another one. opts may be nil.
func New(self NodeID, opts *Options) *Replica {
	r := &Replica{
		self:     self,
		own:      writer{topics: make(map[digest]*own)},
		wants:    make(map[digest]*want),
		peers:    make(map[NodeID]*peer),
		requests: make(map[NodeID]*request),
	}
	if opts != nil {
		r.opts = *opts
	}
	if r.opts.MaxMessage <= 0 {
		r.opts.MaxMessage = defaultMaxMessage
	}
	if r.opts.MaxTombstones <= 0 {
		r.opts.MaxTombstones = defaultMaxTombstones
	}
	return r
}

// Want makes the node hold what others have on the topic, and asks them for
// it. Whoever calls it has subscribed to the topic's watchers subject before,
// so that no delta falls between the snapshots and the subscription. It does
// nothing if the topic is wanted already.
func (r *Replica) Want(topic string) {
	d := digestOf(topic)
	if r.wants[d] != nil {
		return
	}
	r.wanted++
	w := &want{topic: topic, digest: d, number: r.wanted}
	r.wants[d] = w
	r.wantsByNumber.push(w.number, w)
	r.asking = append(r.asking, w)
}

// Unwant drops all that is held of the topic. It reports no leaves: nothing
// is told of a topic that is not wanted, and what was not taken yet of it
// never will be.
func (r *Replica) Unwant(topic string) {
	d := digestOf(topic)
	w := r.wants[d]
	if w == nil {
		return
	}
	delete(r.wants, d)
	r.wantsByNumber.drop(w.number)
	for _, p := range r.peers {
		p.drop(d)
	}
	r.asking = slices.DeleteFunc(r.asking, func(asking *want) bool { return asking == w })
	r.out.Changes = slices.DeleteFunc(r.out.Changes, func(c Change) bool { return c.Topic == topic })
}

// Up tells that a node is there, and has its presences pulled at once. It may
// be called again at any time. What comes from a node that is not up is
// answered, but not applied.
func (r *Replica) Up(node NodeID) {
	if node == r.self {
		return
	}
	p := r.peers[node]
	if p == nil {
		p = &peer{node: node, held: make(map[digest]*held), empty: make(map[digest]*held)}
		r.peers[node] = p
	}
	r.pullFrom(p)
}

// Leaving tells that a node that is up is about to stop, or has, and that
// what is held of it is kept until Down. From now on this node answers for it
// as well as it can. If it has not been heard yet others are asked for what
// they hold of it. It does nothing if the node is not up.
func (r *Replica) Leaving(node NodeID) {
	p := r.peers[node]
	if p == nil || p.leaving {
		return
	}
	p.leaving = true
	if p.known {
		return
	}
	for w := range r.wantsByNumber.after(0) {
		if len(r.asking) >= maxAsked {
			break
		}
		if !slices.Contains(r.asking, w) {
			r.asking = append(r.asking, w)
		}
	}
}

// Down tells that a node is gone: what was held of it leaves.
func (r *Replica) Down(node NodeID) {
	p := r.peers[node]
	if p == nil {
		return
	}
	delete(r.peers, node)
	gone := slices.SortedFunc(maps.Values(p.held), func(a, b *held) int {
		return cmp.Compare(a.want.number, b.want.number)
	})
	for _, h := range gone {
		r.report(&Change{Topic: h.want.topic, Node: node, Leaves: p.drop(h.want.digest)})
	}
}

// Tick asks every node that is up what it changed, and again for what did not
// come. It is called once per digest period, about every second, and may be
// called in between, for example when the engine is back after a failure. A
// loss is repaired two round trips after the next tick.
func (r *Replica) Tick() {
	seen := r.own.clock
	for _, p := range r.peers {
		if p.pulled {
			seen = min(seen, p.theirs)
		}
	}
	r.own.buryUpTo(seen)
	for _, node := range slices.Sorted(maps.Keys(r.peers)) {
		p := r.peers[node]
		for h := range p.stale.after(0) {
			p.ask(h, false)
		}
		r.pullFrom(p)
	}
}

// Receive takes a message that was sent by the replica of from. payload is not
// kept. An error says that it is malformed; then nothing has changed. Messages
// of a kind that only newer releases know are ignored.
func (r *Replica) Receive(from NodeID, payload []byte) error {
	m, err := decode(payload)
	if err != nil || from == r.self {
		return err
	}
	switch m := m.(type) {
	case *ask:
		r.request(from).add(m.topics)
		return nil
	case *pull:
		r.request(from).pull = m
		return nil
	}
	writer := from
	if s, ok := m.(*snapshot); ok && s.writer != "" {
		writer = s.writer
	}
	p := r.peers[writer]
	if p == nil {
		return nil
	}
	switch m := m.(type) {
	case *delta:
		r.takeDelta(p, m)
	case *snapshot:
		r.takeSnapshot(p, from, m)
	case *answer:
		r.takeAnswer(p, m)
	}
	return nil
}

// Take returns what the calls since the last Take caused. It is called after
// every call or after several, as its owner likes: what is gathered meanwhile
// goes in fewer messages.
func (r *Replica) Take() Output {
	r.publish() // before the answers, which speak of what was published
	for _, node := range r.requesters {
		req := r.requests[node]
		delete(r.requests, node)
		if len(req.topics) > 0 {
			r.sendSnapshots(node, req.topics)
		}
		if req.pull != nil {
			r.sendAnswer(node, req.pull)
		}
	}
	r.requesters = nil
	for _, w := range r.asking {
		r.send(Message{To: Owners, Topic: w.topic, Payload: (&ask{topics: []string{w.topic}}).encode()})
	}
	r.asking = nil
	for _, p := range r.queue {
		p.queued = false
		if r.peers[p.node] != p {
			continue
		}
		if p.toPull {
			p.toPull = false
			r.sendPull(p)
		}
		r.askFor(p)
	}
	r.queue = nil
	out := r.out
	r.out = Output{}
	return out
}

func (r *Replica) request(node NodeID) *request {
	req := r.requests[node]
	if req == nil {
		req = &request{asked: make(map[string]bool)}
		r.requests[node] = req
		r.requesters = append(r.requesters, node)
	}
	return req
}

func (req *request) add(topics []string) {
	for _, topic := range topics {
		if !req.asked[topic] {
			req.asked[topic] = true
			req.topics = append(req.topics, topic)
		}
	}
}

func (r *Replica) pullFrom(p *peer) {
	p.toPull = true
	r.enqueue(p)
}

func (r *Replica) enqueue(p *peer) {
	if !p.queued {
		p.queued = true
		r.queue = append(r.queue, p)
	}
}

func (r *Replica) send(m Message) { r.out.Messages = append(r.out.Messages, m) }

func (r *Replica) report(c *Change) {
	if len(c.Joins)+len(c.Leaves)+len(c.Replaced) > 0 {
		r.out.Changes = append(r.out.Changes, *c)
	}
}
