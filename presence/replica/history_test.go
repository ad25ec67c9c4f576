package replica

import (
	"cmp"
	"container/heap"
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strconv"
	"testing"
)

// Whatever the network and the nodes do, what a node's changes add up to is
// what it holds. And 5 s after the last fault everybody
// holds what the living have, and nothing else.
func TestHistories(t *testing.T) {
	first, histories := rand.Uint64(), uint64(150)
	if os.Getenv("ROOST_SOAK") != "" {
		histories = 5000
	}
	if seed, err := strconv.ParseUint(os.Getenv("ROOST_SEED"), 10, 64); err == nil {
		first, histories = seed, 1 // to see a failure again
	}
	for i := range histories {
		seed := first + i
		if t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) { playHistory(t, seed) }); t.Failed() {
			return
		}
	}
}

// These are the same in every run; the others are new ones.
func TestKnownHistories(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) { playHistory(t, seed) })
	}
}

// Times are in virtual milliseconds.
const (
	period    = 1000 // of digests
	heartbeat = 500
	lease     = 2500
	faults    = 10_000 // how long they last
	healed    = 5000   // until when all must be well again
)

// world is a cluster in virtual time with a faulty network.
type world struct {
	t      *testing.T
	rand   *rand.Rand
	opts   *Options
	now    int
	events events
	serial int
	topics []string
	hosts  []*host
	loss   map[[2]int]float64 // by hosts, one way
	faulty bool
	traces map[byte]int // messages by kind
	large  int          // the largest payload
}

// host is a machine on which one incarnation follows another.
type host struct {
	*node

	place  int
	alive  bool
	paused bool
	inbox  []mail
	heard  map[NodeID]int // when
}

type mail struct {
	from    NodeID
	payload []byte // nil: a heartbeat
}

func playHistory(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 4))
	w := &world{
		t: t, rand: r, faulty: true, traces: make(map[byte]int), loss: make(map[[2]int]float64),
		opts: &Options{
			MaxMessage:    []int{0, 150, 400, 2000}[r.IntN(4)],
			MaxTombstones: []int{0, 1, 4}[r.IntN(3)],
		},
	}
	for i := range 1 + r.IntN(8) {
		w.topics = append(w.topics, fmt.Sprintf("room:%d", i))
	}
	for i := range 2 + r.IntN(5) {
		h := &host{place: i}
		w.hosts = append(w.hosts, h)
		w.start(h)
		w.at(r.IntN(period), func() { w.tick(h) })
		w.at(r.IntN(heartbeat), func() { w.beat(h) })
	}
	w.at(0, w.act)
	w.at(0, w.fault)
	w.runUntil(faults)
	w.heal()
	w.runUntil(w.now + healed)
	w.converged()
	w.runUntil(w.now + 2*period)
	w.idle()
}

// events is a heap by time, then by order of origin.
type events []event

type event struct {
	at, serial int
	do         func()
}

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(e[i].at, e[j].at), cmp.Compare(e[i].serial, e[j].serial)) < 0
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}

func (w *world) at(after int, do func()) {
	w.serial++
	heap.Push(&w.events, event{w.now + after, w.serial, do})
}

func (w *world) runUntil(end int) {
	for len(w.events) > 0 && w.events[0].at <= end {
		e := heap.Pop(&w.events).(event)
		w.now = e.at
		e.do()
	}
	w.now = end
}

func (w *world) chance(p float64) bool { return w.rand.Float64() < p }

func (w *world) start(h *host) {
	w.serial++
	h.node = newNode(w.t, NodeID(fmt.Sprintf("node%d.%d", h.place, w.serial)), w.opts)
	h.alive, h.paused, h.inbox = true, false, nil
	h.heard = make(map[NodeID]int)
}

// beat says that the host is there, and finds those that are not.
func (w *world) beat(h *host) {
	w.at(heartbeat, func() { w.beat(h) })
	if !h.alive || h.paused {
		return
	}
	for _, to := range w.hosts {
		if to != h {
			w.carry(h, to, nil)
		}
	}
	for _, other := range w.hosts { // in an order that does not vary
		for id, at := range h.heard {
			if id == other.self && w.now-at > lease {
				delete(h.heard, id)
				h.Down(id)
			}
		}
	}
	w.buryDead(h)
	w.flush(h)
}

// buryDead lets go of incarnations whose host has another one.
func (w *world) buryDead(h *host) {
	var dead []NodeID
	for id, at := range h.heard {
		if w.now-at > lease {
			dead = append(dead, id)
		}
	}
	slices.Sort(dead)
	for _, id := range dead {
		delete(h.heard, id)
		h.Down(id)
	}
}

// tick is regular only on a machine whose clock is.
func (w *world) tick(h *host) {
	next := period
	if w.faulty && w.chance(0.3) {
		next = w.rand.IntN(3 * period)
	}
	w.at(next, func() { w.tick(h) })
	if h.alive && !h.paused {
		h.Tick()
		w.send(h)
		h.check()
	}
}

// flush sends what a host has to send. Now and then it comes to it later.
func (w *world) flush(h *host) {
	if w.faulty && w.chance(0.2) {
		return
	}
	w.send(h)
	if w.chance(0.1) {
		h.check()
	}
}

func (w *world) send(h *host) {
	for _, m := range h.take() {
		w.traces[m.Payload[1]]++
		w.large = max(w.large, len(m.Payload))
		for _, to := range w.hosts {
			if to.alive && len(receivers([]*node{to.node}, m)) > 0 {
				w.carry(h, to, m.Payload)
			}
		}
	}
}

// carry brings a message to a host, or not, or twice. Heartbeats are not late:
// a failure detector numbers them, so that old ones say nothing.
func (w *world) carry(from, to *host, payload []byte) {
	if from != to && w.chance(w.loss[[2]int{from.place, to.place}]) {
		return
	}
	m, receiver := mail{from.self, payload}, to.node
	copies, most := 1, 20
	if w.faulty && w.chance(0.1) && payload != nil {
		copies, most = 2, []int{100, 5000}[w.rand.IntN(2)]
	}
	for range copies {
		w.at(1+w.rand.IntN(most), func() {
			switch {
			case !to.alive || to.node != receiver:
			case to.paused:
				to.inbox = append(to.inbox, m)
			default:
				w.receive(to, m)
				w.flush(to)
			}
		})
	}
}

func (w *world) receive(h *host, m mail) {
	if m.payload == nil {
		w.hear(h, m.from)
		return
	}
	if err := h.Receive(m.from, m.payload); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) hear(h *host, id NodeID) {
	if _, up := h.heard[id]; !up {
		h.Up(id)
	}
	h.heard[id] = w.now
}

// act lets somebody do something to his presences or wants.
func (w *world) act() {
	if !w.faulty {
		return
	}
	w.at(1+w.rand.IntN(100), w.act)
	for range 1 + w.rand.IntN(8)/7 { // now and then several things at once
		w.actOnce()
	}
}

func (w *world) actOnce() {
	h := w.hosts[w.rand.IntN(len(w.hosts))]
	if !h.alive || h.paused {
		return
	}
	topic := w.topics[w.rand.IntN(len(w.topics))]
	mine := h.Own(topic)
	switch n := w.rand.IntN(20); {
	case n < 5:
		h.Add(topic, w.entry(""))
	case n < 9 && len(mine) > 0:
		old := mine[w.rand.IntN(len(mine))].Ref
		h.Replace(topic, old, w.entry(old))
	case n < 13 && len(mine) > 0:
		h.Remove(topic, mine[w.rand.IntN(len(mine))].Ref)
	case n == 13:
		for range w.rand.IntN(30) {
			h.Add(topic, w.entry(""))
		}
	case n == 14:
		for _, e := range mine {
			h.Remove(topic, e.Ref)
		}
	case n < 18:
		h.want(topic)
	case n >= 18:
		h.unwant(topic)
	}
	w.flush(h)
}

func (w *world) entry(prev string) Entry {
	w.serial++
	return Entry{
		Ref: fmt.Sprintf("ref%d", w.serial), PrevRef: prev,
		Key:  fmt.Sprintf("user%d", w.rand.IntN(5)),
		Meta: fmt.Appendf(nil, "%0*d", w.rand.IntN(40), w.serial),
	}
}

// fault lets something go wrong, or well again.
func (w *world) fault() {
	if !w.faulty {
		return
	}
	w.at(w.rand.IntN(3000), w.fault)
	h := w.hosts[w.rand.IntN(len(w.hosts))]
	switch w.rand.IntN(10) {
	case 0: // cut off, for shorter or longer than the lease
		w.cut(h, 1)
		w.at(w.rand.IntN(3*lease), func() { w.cut(h, 0) })
	case 1: // lossy, both ways or one
		for _, other := range w.hosts {
			w.loss[[2]int{h.place, other.place}] = 0.4 * w.rand.Float64()
			w.loss[[2]int{other.place, h.place}] = 0.4 * float64(w.rand.IntN(2)) * w.rand.Float64()
		}
	case 2:
		w.cut(h, 0)
	case 3, 4:
		w.pause(h)
	case 5, 6: // a crash
		h.alive = false
		w.at(w.rand.IntN(2*lease), func() {
			if !h.alive {
				w.start(h)
			}
		})
	case 7: // a planned stop
		for _, other := range w.hosts {
			if other.alive && !other.paused && other != h {
				delete(other.heard, h.self)
				other.Down(h.self)
				w.flush(other)
			}
		}
		w.start(h)
	case 8: // a planned stop with a grace, of which the next incarnation is told
		gone := h.self
		for _, other := range w.hosts {
			if other.alive && !other.paused && other != h {
				other.Leaving(gone)
				w.flush(other)
			}
		}
		w.start(h)
		if w.chance(0.7) {
			w.hear(h, gone)
			h.Leaving(gone)
		}
	case 9: // the announcement of one that does not stop yet
		for _, other := range w.hosts {
			other.Leaving(h.self)
		}
	}
}

func (w *world) cut(h *host, loss float64) {
	for _, other := range w.hosts {
		w.loss[[2]int{h.place, other.place}] = loss
		w.loss[[2]int{other.place, h.place}] = loss
	}
}

func (w *world) pause(h *host) {
	h.paused = true
	n := h.node
	w.at(w.rand.IntN(2*lease), func() {
		if h.node == n {
			w.resume(h)
		}
	})
}

// resume gives a host what came while it was paused, as far as the engine kept
// it. It may look at its leases before.
func (w *world) resume(h *host) {
	inbox := h.inbox
	h.paused, h.inbox = false, nil
	if w.chance(0.5) {
		w.buryDead(h)
	}
	if w.chance(0.5) {
		inbox = inbox[w.rand.IntN(len(inbox)+1):]
	}
	for _, m := range inbox {
		w.receive(h, m)
	}
	w.flush(h)
}

// heal ends all faults.
func (w *world) heal() {
	w.faulty = false
	clear(w.loss)
	for _, h := range w.hosts {
		if !h.alive && w.chance(0.5) {
			w.start(h)
		}
		if h.alive && h.paused {
			w.resume(h)
		}
		if h.alive {
			w.flush(h)
		}
	}
}

// converged fails unless every node holds, in their order, what the others
// that are alive have on the topics that it wants.
func (w *world) converged() {
	for _, h := range w.hosts {
		for _, topic := range w.topics {
			if !h.alive || !h.wanted[topic] {
				continue
			}
			want := make(map[NodeID][]Entry)
			for _, other := range w.hosts {
				if own := other.Own(topic); other.alive && other != h && len(own) > 0 {
					want[other.self] = own
				}
			}
			if got := h.Held(topic); !reflect.DeepEqual(got, want) {
				w.t.Fatalf("%s holds on %s\n%v\nwant\n%v", h.self, topic, got, want)
			}
		}
	}
}

// idle fails unless nodes at rest remember nothing but presences, and send
// nothing but small pulls and answers.
func (w *world) idle() {
	alive := 0
	for _, h := range w.hosts {
		if !h.alive {
			continue
		}
		alive++
		s := h.Stats()
		pairs, entries := 0, 0
		for _, topic := range w.topics {
			for _, held := range h.Held(topic) {
				pairs++
				entries += len(held)
			}
		}
		if s.Stale != 0 || s.Tombstones != 0 || s.HeldTopics != pairs || s.HeldEntries != entries {
			w.t.Fatalf("%s has left %+v, want %d pairs, %d entries", h.self, s, pairs, entries)
		}
	}
	w.traces, w.large = make(map[byte]int), 0
	w.runUntil(w.now + 3*period)
	pairs := alive * (alive - 1)
	pulls, answers := w.traces[kindPull], w.traces[kindAnswer]
	delete(w.traces, kindPull)
	delete(w.traces, kindAnswer)
	if pulls != 3*pairs || max(answers-pulls, pulls-answers) > pairs || len(w.traces) > 0 {
		w.t.Fatalf("%d idle pairs sent in 3 periods %d pulls, %d answers and by kind %v", pairs, pulls, answers, w.traces)
	}
	if w.large > 32 {
		w.t.Fatalf("idle nodes sent %d bytes in a message", w.large)
	}
}
