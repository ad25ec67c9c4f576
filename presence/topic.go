package presence

import (
	"sync"
	"time"

	"github.com/roost-dev/roost/pubsub"
)

// topic is who is present on one topic, and its sender, which tells clients.
//
// All that clients get of a topic passes through its sender, one batch at a
// time: the diff of what is pending, then the list for those who asked, which
// is made at the same moment as the diff. So a list never has what no diff
// will tell the end of, and no diff behind a list is older than it.
type topic[M any] struct {
	p    *Presence[M]
	name string

	mu       sync.RWMutex // guards the rest
	state    state[M]
	sessions map[string]*session[M] // by id, those that were ever tracked, or make the node want the topic
	wanting  map[string]Session     // by id, those to get presence_state
	dead     bool                   // no longer in p.topics
	sender   phase
	timer    *time.Timer // of a waiting sender
	nextDiff time.Time   // the window's end
	hook     hook[M]
	remote   *remote[M] // nil: this node does not want it, or is alone

	extras map[string]*extra // by key; changed by the sender only

	// Used by the sender only.
	lateFetch      <-chan struct{} // closed when a Fetch given up on returns
	encoded        []byte          // the last presence_state; nil: make it anew
	encodedVersion uint64
}

// phase is what a topic's sender does.
type phase uint8

const (
	idle phase = iota
	waiting
	sending
)

// session is the presences of one conversation on one topic. It stays until
// the conversation ends, so that it is hooked to the end only once.
type session[M any] struct {
	id   string
	keys map[string]*held[M]
}

// held is a session's presence under one key.
type held[M any] struct {
	item  *item[M]
	shown bool // in the state; not while the session joins
}

func newItem[M any](key string, meta M, object []byte, prev string) *item[M] {
	ref := newRef()
	return &item[M]{
		Ref:     ref,
		PrevRef: prev,
		Value:   meta,
		key:     key,
		encoded: withRefs(object, ref, prev),
	}
}

// hold notes that the session is to be present, or returns nil if it is.
func (ss *session[M]) hold(it *item[M]) *held[M] {
	if ss.keys[it.key] != nil {
		return nil
	}
	h := &held[M]{item: it}
	ss.keys[it.key] = h
	return h
}

// session returns the session with this id, and whether it is new. As all
// methods up to list it is called under the lock.
func (t *topic[M]) session(id string) (ss *session[M], isNew bool) {
	if ss := t.sessions[id]; ss != nil {
		return ss, false
	}
	if t.sessions == nil {
		t.sessions = make(map[string]*session[M])
	}
	ss = &session[M]{id: id, keys: make(map[string]*held[M], 1)}
	t.sessions[id] = ss
	if r := t.p.replicator; r != nil && t.remote == nil {
		t.remote = &remote[M]{items: make(map[string]*item[M]), opens: r.want(t.name)}
	}
	return ss, true
}

// replace updates a presence from old, unless it has changed since.
func (t *topic[M]) replace(h *held[M], old *item[M], meta M, object []byte) bool {
	if h.item != old {
		return false
	}
	prev := old.PrevRef
	if h.shown {
		prev = t.state.lastTold(old)
	}
	h.item = newItem(old.key, meta, object, prev)
	if h.shown {
		t.state.replace(old, h.item)
		if r := t.p.replicator; r != nil {
			r.update(t.name, old, h.item)
		}
	}
	return true
}

// drop ends a session's presence under key.
func (t *topic[M]) drop(id, key string) {
	ss := t.sessions[id]
	if ss == nil || ss.keys[key] == nil {
		return
	}
	h := ss.keys[key]
	delete(ss.keys, key)
	if !h.shown {
		return
	}
	t.state.remove(h.item)
	if r := t.p.replicator; r != nil {
		r.leave(t.name, h.item)
	}
}

// want notes that the session is to get the list.
func (t *topic[M]) want(id string, s Session) {
	if t.wanting == nil {
		t.wanting = make(map[string]Session)
	}
	t.wanting[id] = s
	t.wake()
}

func (t *topic[M]) list() map[string]Entry[M] {
	list := make(map[string]Entry[M], len(t.state.entries))
	metas := make([]Meta[M], 0, t.state.metas) // one allocation for all
	for key, e := range t.state.entries {
		start := len(metas)
		for _, it := range e.metas {
			metas = append(metas, it.Meta)
		}
		list[key] = Entry[M]{Metas: metas[start:len(metas):len(metas)], Extra: t.extraOf(key)}
	}
	return list
}

func (t *topic[M]) extraOf(key string) any {
	if x := t.extras[key]; x != nil {
		return x.value
	}
	return nil
}

// show makes a held presence one that others see, once the session has
// joined; it may have been dropped meanwhile.
func (t *topic[M]) show(ss *session[M], h *held[M]) {
	t.mu.Lock()
	defer t.unlock()
	if h.shown || ss.keys[h.item.key] != h {
		return
	}
	h.shown = true
	t.state.add(h.item)
	if r := t.p.replicator; r != nil {
		r.join(t.name, h.item)
	}
}

// end drops all presences of a session that has ended. On a node that is about
// to stop nobody sees it go: its client is on the way to another node, and so
// are those who could see it.
func (t *topic[M]) end(ss *session[M]) {
	t.mu.Lock()
	defer t.unlock()
	if !t.p.replicator.leaving() {
		for key := range ss.keys {
			t.drop(ss.id, key)
		}
	}
	delete(t.sessions, ss.id)
	if t.remote != nil && len(t.sessions) == 0 {
		t.p.replicator.vacate(t.name)
	}
	t.announce()
}

// unlock unlocks the topic, and lets it go if nothing holds it any more.
func (t *topic[M]) unlock() {
	done := len(t.sessions) == 0 && t.sender == idle && !t.hook.running
	wanted := t.remote != nil || !t.state.pending.empty()
	if !t.dead && done && (!wanted || t.p.crew.isClosed()) {
		t.dead = true
		t.p.remove(t)
	}
	t.mu.Unlock()
}

// announce starts the sender if something has changed.
func (t *topic[M]) announce() {
	if !t.state.pending.empty() {
		t.wake()
	}
}

// wake starts the sender.
func (t *topic[M]) wake() {
	if t.sender != idle || !t.p.crew.begin() {
		return
	}
	if wait := t.wait(); wait > 0 {
		t.rest(wait)
		return
	}
	t.sender = sending
	go t.send()
}

// wait returns how long the sender has to wait: for the window's end, and for
// what other nodes have on a topic that is new to this one.
func (t *topic[M]) wait() time.Duration {
	var until time.Time
	if !t.state.pending.empty() {
		until = t.nextDiff
	}
	if t.remote != nil && t.remote.opens.After(until) {
		until = t.remote.opens
	}
	if until.IsZero() || t.p.crew.isClosed() {
		return 0
	}
	return time.Until(until)
}

func (t *topic[M]) rest(wait time.Duration) {
	t.sender = waiting
	t.timer = time.AfterFunc(wait, t.send)
}

// open lets clients be told of the topic.
func (t *topic[M]) open() {
	t.mu.Lock()
	if t.remote != nil {
		t.remote.opens = time.Time{}
	}
	t.unlock()
	t.flush()
}

// flush makes a waiting sender look now whether it may send.
func (t *topic[M]) flush() {
	t.mu.Lock()
	defer t.unlock()
	if t.sender == waiting && t.timer.Stop() {
		t.sender = sending
		go t.send()
	}
}

// batch is what the sender sends at one moment.
type batch[M any] struct {
	*diff[M]
	wanting map[string]Session
	version uint64
	state   []group[M] // everybody, if there is no encoded list that fits
	bare    bool       // somebody's extra is missing
}

// send is the sender: it sends until nothing is left, or not before the
// window's end.
func (t *topic[M]) send() {
	for {
		b := t.next()
		if b == nil {
			return
		}
		t.decorate(b)
		if !b.empty() {
			t.p.ps.BroadcastLocal(&pubsub.Message{
				Topic:   t.name,
				Event:   EventDiff,
				Payload: encodeDiff(b.diff, t.extras),
			})
			t.report(b.diff)
		}
		if len(b.wanting) > 0 {
			t.p.ps.Flush(t.name) // the list must not overtake a diff
		}
		t.pushState(b)
		t.forget(b.diff)
	}
}

// next takes what is to be sent. With nil the sender's work is over.
func (t *topic[M]) next() *batch[M] {
	t.mu.Lock()
	defer t.unlock()
	if t.state.pending.empty() && len(t.wanting) == 0 {
		t.sender = idle
		t.p.crew.done()
		return nil
	}
	if wait := t.wait(); wait > 0 {
		t.rest(wait)
		return nil
	}
	t.sender = sending
	b := &batch[M]{diff: t.state.take(), wanting: t.wanting, version: t.state.version}
	t.wanting = nil
	if !b.empty() && t.p.opts.Window > 0 {
		t.nextDiff = time.Now().Add(t.p.opts.Window)
	}
	if t.encodedVersion != b.version {
		t.encoded = nil
	}
	if len(b.wanting) > 0 && t.encoded == nil {
		b.state = t.state.all()
	}
	return b
}

// pushState gives the list to those who want it.
func (t *topic[M]) pushState(b *batch[M]) {
	if len(b.wanting) == 0 {
		return
	}
	if t.encoded == nil {
		t.encoded, t.encodedVersion = encodeState(b.state, t.extras), b.version
	}
	for _, s := range b.wanting {
		if err := s.PushEncoded(t.p.ctx, EventState, t.encoded); err != nil {
			t.p.opts.Logger.Debug("presence: state not pushed", "topic", t.name, "error", err)
		}
	}
	if b.bare {
		t.encoded = nil // Fetch gets another chance for the next one
	}
}

// forget drops what Fetch said about keys that are gone.
func (t *topic[M]) forget(d *diff[M]) {
	if len(t.extras) == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, g := range d.leaves {
		if len(d.now[g.key]) == 0 {
			delete(t.extras, g.key)
		}
	}
}
