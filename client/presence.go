package client

import (
	"context"
	"encoding/json/jsontext"
	"fmt"
	"sync"

	"github.com/roost-dev/roost/wire"
)

// The events that bring presences (spec/protocol.md §14).
const (
	eventState = "presence_state"
	eventDiff  = "presence_diff"
)

// Presence is a replica of who is present on a channel's topic, kept up to date
// by what the server sends (spec/protocol.md §14, §15). M is the type of the
// metas that the server tracks. Make it with the channel's method Presence.
//
// The On methods are called before Join, and panic behind it. List, Get and
// Count may be called from any goroutine, callbacks too: they show what there is
// after the whole of the event that is being told. While a channel is
// interrupted they show what there was.
//
// A change costs as much as it is large, however many are present.
type Presence[M any] struct {
	channel  *Channel
	listener *listener
	onJoin   []func(ctx context.Context, c PresenceChange[M])
	onLeave  []func(ctx context.Context, c PresenceChange[M])
	onUpdate []func(ctx context.Context, key string, before, after PresenceMeta[M])
	onSync   []func(ctx context.Context)

	// Of the goroutine that tells, but for mu.
	pending bool           // no state has come since the channel joined last
	queue   []wire.Payload // the diffs meanwhile
	queued  int            // bytes in it
	overran bool           // there were more
	mu      sync.Mutex     // guards state
	state   replica[M]
}

// Presence returns a replica of who is present on the topic, for a server that
// sends presence_state and presence_diff. Call it before Join. An event that is
// not as it should be is told to OnError and skipped; a meta that does not fit M
// is told there too, and has the zero value.
//
// The diffs that come before the state are kept, as many as fit the channel's
// inbox; with more the channel joins anew, which OnError tells with
// [ErrOverrun].
func (l *listener) Presence[M any]() *Presence[M] {
	l.mustNotRun("Presence")
	p := newPresence[M](l.channel)
	p.listener = l
	l.presences = append(l.presences, p)
	return p
}

func newPresence[M any](ch *Channel) *Presence[M] {
	return &Presence[M]{channel: ch, pending: true, state: newReplica[M]()}
}

// OnJoin calls f for each key under which sessions have joined. They are the
// key's first if it has no other metas now.
//
// When the channel has joined, or joined again, the differences between what
// was known and what is are told in the same way.
func (p *Presence[M]) OnJoin(f func(ctx context.Context, c PresenceChange[M])) {
	p.listener.mustNotRun("Presence.OnJoin")
	p.onJoin = append(p.onJoin, f)
}

// OnLeave calls f for each key under which sessions have left. If it has no
// metas now the key is gone.
func (p *Presence[M]) OnLeave(f func(ctx context.Context, c PresenceChange[M])) {
	p.listener.mustNotRun("Presence.OnLeave")
	p.onLeave = append(p.onLeave, f)
}

// OnUpdate calls f for each session whose meta has changed. Where phoenix.js
// tells of an update as a join and a leave, OnJoin and OnLeave hear nothing of
// it.
func (p *Presence[M]) OnUpdate(f func(ctx context.Context, key string, before, after PresenceMeta[M])) {
	p.listener.mustNotRun("Presence.OnUpdate")
	p.onUpdate = append(p.onUpdate, f)
}

// OnSync calls f behind the other callbacks of each event, when everything is
// told.
func (p *Presence[M]) OnSync(f func(ctx context.Context)) {
	p.listener.mustNotRun("Presence.OnSync")
	p.onSync = append(p.onSync, f)
}

// List returns who is present, who came first first. It is a copy; what its
// values hold is shared: read only.
func (p *Presence[M]) List() []PresenceEntry[M] {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state.list()
}

// Get returns the entry of a key. ok is false if it is not present.
func (p *Presence[M]) Get(key string) (e PresenceEntry[M], ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state.get(key)
}

// Count returns the number of keys that are present.
func (p *Presence[M]) Count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.state.entries)
}

// take implements [follower].
func (p *Presence[M]) take(ctx context.Context, it item) error {
	switch {
	case it.kind == itemRejoin:
		// Diffs of a former join are older than the state to come.
		p.pending, p.overran = true, false
		p.clearQueue()
		return nil
	case it.kind == itemEvent && it.event == eventState:
		return p.takeState(ctx, it.payload)
	case it.kind == itemEvent && it.event == eventDiff && p.pending:
		return p.enqueue(it.payload)
	case it.kind == itemEvent && it.event == eventDiff:
		d, err := decodeDiff[M](it.payload)
		if d != nil {
			p.tell(ctx, p.change(func() []told[M] { return p.state.apply(d) }))
		}
		return err
	}
	return nil
}

func (p *Presence[M]) takeState(ctx context.Context, payload wire.Payload) error {
	entries, problem := decodeState[M](payload)
	if entries == nil {
		return problem
	}
	var diffs []*diff[M]
	for _, queued := range p.queue {
		d, err := decodeDiff[M](queued)
		if d != nil {
			diffs = append(diffs, d)
		}
		if problem == nil {
			problem = err
		}
	}
	p.pending = false
	p.clearQueue()
	p.tell(ctx, p.change(func() []told[M] {
		all := p.state.sync(entries)
		for _, d := range diffs {
			all = append(all, p.state.apply(d)...)
		}
		return all
	}))
	if p.overran { // the state may lack what is lost
		p.overran = false
		p.channel.restart()
	}
	return problem
}

func (p *Presence[M]) enqueue(diff wire.Payload) error {
	opts := &p.channel.opts
	switch {
	case p.overran:
		return nil
	case len(p.queue) >= opts.Inbox, len(p.queue) > 0 && p.queued+len(diff.Data) > opts.InboxBytes:
		p.overran = true
		p.clearQueue()
		return fmt.Errorf("too many came before a %s", eventState)
	}
	p.queue = append(p.queue, diff)
	p.queued += len(diff.Data)
	return nil
}

func (p *Presence[M]) clearQueue() { p.queue, p.queued = nil, 0 }

func (p *Presence[M]) change(f func() []told[M]) []told[M] {
	p.mu.Lock()
	defer p.mu.Unlock()
	return f()
}

func (p *Presence[M]) tell(ctx context.Context, all []told[M]) {
	for _, t := range all {
		switch t.kind {
		case toldJoin:
			for _, f := range p.onJoin {
				f(ctx, t.PresenceChange)
			}
		case toldLeave:
			for _, f := range p.onLeave {
				f(ctx, t.PresenceChange)
			}
		case toldUpdate:
			for _, f := range p.onUpdate {
				f(ctx, t.Key, t.before, t.Metas[0])
			}
		}
	}
	for _, f := range p.onSync {
		f(ctx)
	}
}

// seed implements [follower]: it begins with what another replica has, of which
// nobody is told.
func (p *Presence[M]) seed(raw *Presence[jsontext.Value]) {
	entries := raw.List()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pending, p.overran = raw.pending, raw.overran
	p.queue, p.queued = append([]wire.Payload(nil), raw.queue...), raw.queued
	for _, e := range entries {
		typed := PresenceEntry[M]{Key: e.Key, extra: e.extra}
		for _, m := range e.Metas {
			value, _ := decode[M](wire.Payload{Data: m.Value})
			typed.Metas = append(typed.Metas, PresenceMeta[M]{Ref: m.Ref, PrevRef: m.PrevRef, Value: value})
		}
		p.state.put(typed)
	}
}
