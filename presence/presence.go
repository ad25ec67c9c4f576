// Package presence tells everybody on a topic who else is there: across
// sessions, with details, as Phoenix.Presence does (spec/protocol.md §14).
//
// A conversation is tracked under a key with a meta; several conversations
// may share a key, as the devices of one user do. A conversation that ends,
// for whatever reason, is no longer present. Clients get the whole list once,
// as presence_state, and then the differences, as presence_diff.
//
// Changes count at once: List sees them when Track returns. Clients are told
// by a goroutine of the topic: of the first change at once, of those of the
// next [Options.Window] together. Whatever a client is told, the lists and
// differences it got so far, in the order in which it got them, add up to who
// was present when the last of them was made.
//
// With an adapter, the trackers of one name on all nodes are one. A node holds
// the presences of other nodes on the topics that it wants: those that a
// session on it was tracked on or asked for the list of, until a few seconds
// after the last such session has ended. Of other topics it knows its own
// presences only, which are none, and [Presence.ListAll] asks the others.
// Changes reach other nodes as soon as the network takes them there, and their
// clients as those of their own node do. What is lost on the way is found
// missing and asked for within a quarter of the lease (see [pubsub.Options]).
// Presences of a node that crashed leave after a lease, all in one diff; those
// of one that stops leave with it, or after the grace given to
// [pubsub.PubSub.Leave]. A node that was cut off comes back with those who are
// there then.
package presence

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"sync"

	"github.com/roost-dev/roost/pubsub"
)

// Errors of a [Presence]. What is returned wraps them.
var (
	ErrAlreadyTracked = errors.New("presence: already tracked; use Update to change the meta")
	ErrNotTracked     = errors.New("presence: not tracked")
	ErrClosed         = errors.New("presence: closed")
)

// Session is the conversation that a presence belongs to: a
// *roost.Channel[S]. None of its methods may block, and the tracker calls
// them without holding a lock.
type Session interface {
	// ID returns what no other conversation of this process has.
	ID() string

	// Topic returns the topic of the conversation.
	Topic() string

	// AfterJoin runs f now if the conversation has joined; with the join
	// reply, before anything else is delivered, if it is still joining; and
	// never if the join is refused. Several run in the order of the calls.
	AfterJoin(f func())

	// AfterReply runs f behind the reply to the push that the session's
	// callback is handling, if it is handling one, or soon; at once else.
	AfterReply(f func())

	// OnEnd runs f once when the conversation ends for whatever reason, a
	// refused join among them; at once if it has ended already.
	OnEnd(f func())

	// PushEncoded pushes an event whose payload is JSON already to this
	// conversation's client, after everything delivered to it before. It is
	// called from a goroutine of the tracker. payload is shared: read only.
	PushEncoded(ctx context.Context, event string, payload []byte) error
}

// Presence tracks who is present on which topic, with metas of type M. Make
// one for each kind of meta and close it at the end, before the PubSub. All
// methods may be called from any goroutine; none but Close and ListAll blocks.
type Presence[M any] struct {
	ps     *pubsub.PubSub
	opts   Options[M]
	crew   *crew
	ctx    context.Context // of Fetch, OnChange and pushes
	cancel context.CancelFunc

	replicator *replicator[M] // nil: there is no adapter

	mu     sync.RWMutex // guards topics; taken after a topic's mu
	topics map[string]*topic[M]
}

// New makes a tracker whose diffs go out through ps. M must be a struct or a
// map that encodes to a JSON object without the fields phx_ref and
// phx_ref_prev; New panics if it is of another type.
func New[M any](ps *pubsub.PubSub, opts *Options[M]) *Presence[M] {
	if ps == nil {
		panic("presence: New needs the PubSub that the server uses")
	}
	checkMeta[M]()
	p := &Presence[M]{ps: ps, crew: newCrew(), topics: make(map[string]*topic[M])}
	if opts != nil {
		p.opts = *opts
	}
	if p.opts.FetchTimeout == 0 {
		p.opts.FetchTimeout = defaultFetchTimeout
	}
	if p.opts.Window == 0 {
		p.opts.Window = defaultWindow
	}
	if p.opts.Logger == nil {
		p.opts.Logger = slog.Default()
	}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	if c := ps.Cluster(); c != nil {
		p.replicator = newReplicator(p, c)
		p.replicator.start()
	}
	return p
}

// checkMeta panics if no meta of type M can be tracked, as far as its type
// and its zero value show. Other troubles are errors of Track.
func checkMeta[M any]() {
	if kind := reflect.TypeFor[M]().Kind(); kind != reflect.Struct && kind != reflect.Map {
		panic(fmt.Sprintf("presence: metas must be a struct or a map, not %v", reflect.TypeFor[M]()))
	}
	var zero M
	if _, err := encodeMeta(zero); errors.Is(err, errNotObject) || errors.Is(err, errReservedField) {
		panic(err)
	}
}

// Track makes the session present on its topic under key, until it ends or
// [Presence.Untrack] is called. Within a join it takes effect with the join
// reply, and not at all if the join is refused. It returns
// [ErrAlreadyTracked] if the session is tracked under key already, and an
// error if meta does not encode to a JSON object. A session that has ended
// is not tracked.
func (p *Presence[M]) Track(ctx context.Context, s Session, key string, meta M) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if err := checkKey(key); err != nil {
		return err
	}
	object, err := encodeMeta(meta)
	if err != nil {
		return err
	}
	if p.crew.isClosed() {
		return ErrClosed
	}
	t := p.lock(s.Topic())
	ss, isNew := t.session(s.ID())
	held := ss.hold(newItem(key, meta, object, ""))
	t.unlock()
	if held == nil {
		return fmt.Errorf("%w: key %q on topic %q", ErrAlreadyTracked, key, t.name)
	}
	if isNew {
		s.OnEnd(func() { t.end(ss) })
	}
	s.AfterJoin(func() {
		t.show(ss, held)
		s.AfterReply(func() { p.announce(t.name) })
	})
	return nil
}

// Update replaces the meta of the session under key by what change makes of
// it. change may be called again if somebody else updates the same meta
// meanwhile, and must not modify what it is given. It returns [ErrNotTracked]
// if the session is not tracked under key, and an error if the meta does not
// encode to a JSON object.
func (p *Presence[M]) Update(ctx context.Context, s Session, key string, change func(meta M) M) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if p.crew.isClosed() {
		return ErrClosed
	}
	topic, id := s.Topic(), s.ID()
	for {
		held, old := p.held(topic, id, key)
		if held == nil {
			return fmt.Errorf("%w: key %q on topic %q", ErrNotTracked, key, topic)
		}
		meta := change(old.Value)
		object, err := encodeMeta(meta)
		if err != nil {
			return err
		}
		if p.update(topic, held, old, meta, object) {
			s.AfterReply(func() { p.announce(topic) })
			return nil
		}
	}
}

// Untrack ends the session's presence under key. If there is none it does
// nothing.
func (p *Presence[M]) Untrack(_ context.Context, s Session, key string) error {
	topic, id := s.Topic(), s.ID()
	t := p.lock(topic)
	t.drop(id, key)
	t.unlock()
	s.AfterReply(func() { p.announce(topic) })
	return nil
}

// announce has clients told what has changed on a topic.
func (p *Presence[M]) announce(topic string) {
	if t := p.find(topic); t != nil {
		t.mu.Lock()
		defer t.unlock()
		t.announce()
	}
}

// List returns who is present on a topic, by key: on all nodes, if this one
// wants the topic. What a node has only just begun to want is complete after a
// round trip; see [Presence.ListAll] for what it does not want.
func (p *Presence[M]) List(topic string) map[string]Entry[M] {
	t := p.find(topic)
	if t == nil {
		return map[string]Entry[M]{}
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.list()
}

// Get returns what is present on a topic under key, and whether anything is.
// It knows what [Presence.List] does.
func (p *Presence[M]) Get(topic, key string) (Entry[M], bool) {
	t := p.find(topic)
	if t == nil {
		return Entry[M]{}, false
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	metas := t.state.metasOf(key)
	if len(metas) == 0 {
		return Entry[M]{}, false
	}
	e := entryOf(metas)
	e.Extra = t.extraOf(key)
	return e, true
}

// Count returns the number of keys that are present on a topic. It knows what
// [Presence.List] does.
func (p *Presence[M]) Count(topic string) int {
	t := p.find(topic)
	if t == nil {
		return 0
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	return len(t.state.entries)
}

// PushState sends presence_state to the session's client, within a join after
// the join reply. It goes out behind the diff that has the changes made so
// far, that is, not later than Window and the time that Fetch takes; another
// call until then adds nothing. The list is encoded once for all who ask for
// it between two changes.
//
// The first clients of a topic on a node that has others beside it are told
// nothing for 100 ms, in which the others answer who is there, since they would
// see the room empty otherwise. An answer that takes longer comes as a diff. On
// a node that has just started they wait for a quarter of the lease, since it
// does not know all others yet.
func (p *Presence[M]) PushState(ctx context.Context, s Session) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if p.crew.isClosed() {
		return ErrClosed
	}
	if p.replicator != nil {
		p.attend(s)
	}
	s.AfterJoin(func() {
		topic, id := s.Topic(), s.ID()
		t := p.lock(topic)
		defer t.unlock()
		t.want(id, s)
	})
	return nil
}

// attend has this node want the session's topic until the session ends.
func (p *Presence[M]) attend(s Session) {
	t := p.lock(s.Topic())
	ss, isNew := t.session(s.ID())
	t.unlock()
	if isNew {
		s.OnEnd(func() { t.end(ss) })
	}
}

// MetaType returns the type of the metas. It may be called on nil, so that a
// handler can be described before there is a tracker.
func (*Presence[M]) MetaType() reflect.Type { return reflect.TypeFor[M]() }

// Close sends what is pending and waits until ctx ends for all that is under
// way, Fetch and OnChange included. After it clients are told nothing more,
// though sessions that end still disappear from the list. For other nodes all
// that is present here ends with it, unless [pubsub.PubSub.Leave] was called;
// what they do is not listed here any more. An error says that something is
// still under way; its ctx has ended.
func (p *Presence[M]) Close(ctx context.Context) error {
	p.crew.close()
	for _, t := range p.all() {
		t.flush()
	}
	if p.replicator != nil {
		p.replicator.close()
	}
	defer p.cancel()
	if err := p.crew.wait(ctx); err != nil {
		return fmt.Errorf("presence: not all was sent, or Fetch or OnChange did not return: %w", err)
	}
	return nil
}

// held returns the session's presence under key and its meta at the moment.
func (p *Presence[M]) held(topic, id, key string) (*held[M], *item[M]) {
	t := p.find(topic)
	if t == nil {
		return nil, nil
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	ss := t.sessions[id]
	if ss == nil || ss.keys[key] == nil {
		return nil, nil
	}
	h := ss.keys[key]
	return h, h.item
}

// update puts a new meta in the place of old, and reports whether old was
// still there.
func (p *Presence[M]) update(topic string, h *held[M], old *item[M], meta M, object []byte) bool {
	t := p.lock(topic)
	defer t.unlock()
	return t.replace(h, old, meta, object)
}

// find returns the topic if anybody is there. It may have died since.
func (p *Presence[M]) find(name string) *topic[M] {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.topics[name]
}

// lock returns the topic, alive and locked. The caller unlocks it by its
// unlock method, which lets it die if it is of no more use.
func (p *Presence[M]) lock(name string) *topic[M] {
	for {
		t := p.find(name)
		if t == nil {
			t = p.create(name)
		}
		t.mu.Lock()
		if !t.dead {
			return t
		}
		t.mu.Unlock()
	}
}

func (p *Presence[M]) create(name string) *topic[M] {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.topics[name]
	if t == nil {
		t = &topic[M]{p: p, name: name}
		p.topics[name] = t
	}
	return t
}

func (p *Presence[M]) remove(t *topic[M]) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.topics, t.name)
}

func (p *Presence[M]) all() []*topic[M] {
	p.mu.RLock()
	defer p.mu.RUnlock()
	topics := make([]*topic[M], 0, len(p.topics))
	for _, t := range p.topics {
		topics = append(topics, t)
	}
	return topics
}
