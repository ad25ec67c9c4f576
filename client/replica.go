package client

import (
	"container/list"
	"encoding/json/jsontext"
	"slices"

	"github.com/roost-dev/roost/wire"
)

// PresenceEntry is one key that is present, for example a user, with a meta for
// each of his sessions. It is what the server's package presence calls an Entry.
type PresenceEntry[M any] struct {
	Key   string
	Metas []PresenceMeta[M] // oldest first; an updated meta keeps its place

	extra jsontext.Value
}

// Extra decodes what the server added to the key, by presence.Options.Fetch or
// Phoenix's fetch/2: the members that the entry has beside its metas.
func (e PresenceEntry[M]) Extra[T any]() (T, error) {
	if e.extra == nil {
		return decode[T](wire.Payload{Data: emptyObject})
	}
	return decode[T](wire.Payload{Data: e.extra})
}

// PresenceMeta is one session's presence under a key. It is what the server's
// package presence calls a Meta.
type PresenceMeta[M any] struct {
	// Ref is unique to this meta: an update gives it another one.
	Ref string

	// PrevRef is the ref that an update took the place of; empty if there was
	// none.
	PrevRef string

	// Value is what was tracked.
	Value M
}

// PresenceChange is sessions that joined, or left, under a key.
type PresenceChange[M any] struct {
	Key   string
	Metas []PresenceMeta[M] // of these sessions

	// Now is the entry of the key right after that. In a diff that has both,
	// who joins is there before others leave.
	Now PresenceEntry[M]
}

// diff is who joined and who left.
type diff[M any] struct{ joins, leaves []PresenceEntry[M] }

// told is something that callbacks are to be told of a key.
type told[M any] struct {
	PresenceChange[M]

	kind   toldKind
	before PresenceMeta[M] // of an update
}

type toldKind uint8

const (
	toldJoin toldKind = iota
	toldLeave
	toldUpdate
)

// replica is who is present as far as is known. Entries are replaced when they
// change: what was given away stays as it is.
type replica[M any] struct {
	entries map[string]*list.Element
	order   *list.List // of PresenceEntry[M], oldest first
}

func newReplica[M any]() replica[M] {
	return replica[M]{entries: map[string]*list.Element{}, order: list.New()}
}

func (r *replica[M]) get(key string) (PresenceEntry[M], bool) {
	el := r.entries[key]
	if el == nil {
		return PresenceEntry[M]{Key: key}, false
	}
	return el.Value.(PresenceEntry[M]), true
}

func (r *replica[M]) list() []PresenceEntry[M] {
	all := make([]PresenceEntry[M], 0, len(r.entries))
	for el := r.order.Front(); el != nil; el = el.Next() {
		all = append(all, el.Value.(PresenceEntry[M]))
	}
	return all
}

func (r *replica[M]) put(e PresenceEntry[M]) {
	if el := r.entries[e.Key]; el != nil {
		el.Value = e
		return
	}
	r.entries[e.Key] = r.order.PushBack(e)
}

func (r *replica[M]) remove(key string) {
	r.order.Remove(r.entries[key])
	delete(r.entries, key)
}

// sync makes it what the server says it is, by the diff between the two.
func (r *replica[M]) sync(state []PresenceEntry[M]) []told[M] {
	there := make(map[string]PresenceEntry[M], len(state))
	for _, e := range state {
		there[e.Key] = e
	}
	d := diff[M]{joins: state}
	for el := r.order.Front(); el != nil; el = el.Next() {
		e := el.Value.(PresenceEntry[M])
		stays := index(there[e.Key].Metas)
		e.Metas = without(e.Metas, func(m PresenceMeta[M]) bool { return stays(m.Ref) >= 0 })
		if len(e.Metas) > 0 {
			d.leaves = append(d.leaves, e)
		}
	}
	return r.apply(&d)
}

// apply applies a diff, joins first.
func (r *replica[M]) apply(d *diff[M]) (all []told[M]) {
	for _, e := range d.joins {
		all = r.join(e, all)
	}
	for _, e := range d.leaves {
		all = r.leave(e, all)
	}
	return all
}

// join puts what is new under a key. A meta that names one that is there as its
// former self takes its place.
func (r *replica[M]) join(e PresenceEntry[M], all []told[M]) []told[M] {
	current, _ := r.get(e.Key)
	at := index(current.Metas)
	metas := slices.Clone(current.Metas)
	var joined []PresenceMeta[M]
	updates := len(all)
	for _, m := range e.Metas {
		if at(m.Ref) >= 0 {
			continue
		}
		if i := at(m.PrevRef); i >= 0 && metas[i].Ref == m.PrevRef {
			all = append(all, told[M]{PresenceChange[M]{Key: e.Key, Metas: []PresenceMeta[M]{m}}, toldUpdate, metas[i]})
			metas[i] = m
			continue
		}
		joined = append(joined, m)
	}
	if len(joined) == 0 && len(all) == updates {
		return all
	}
	e.Metas = append(metas, joined...)
	r.put(e)
	if len(joined) > 0 {
		all = append(all, told[M]{PresenceChange: PresenceChange[M]{e.Key, joined, e}, kind: toldJoin})
	}
	return all
}

// leave takes out what is gone, and the key with its last meta.
func (r *replica[M]) leave(gone PresenceEntry[M], all []told[M]) []told[M] {
	e, ok := r.get(gone.Key)
	if !ok {
		return all
	}
	at := index(gone.Metas)
	left := without(e.Metas, func(m PresenceMeta[M]) bool { return at(m.Ref) < 0 })
	if len(left) == 0 {
		return all
	}
	e.Metas = without(e.Metas, func(m PresenceMeta[M]) bool { return at(m.Ref) >= 0 })
	if len(e.Metas) == 0 {
		r.remove(e.Key)
	} else {
		r.put(e)
	}
	return append(all, told[M]{PresenceChange: PresenceChange[M]{e.Key, left, e}, kind: toldLeave})
}

func without[M any](metas []PresenceMeta[M], drop func(PresenceMeta[M]) bool) []PresenceMeta[M] {
	var rest []PresenceMeta[M]
	for _, m := range metas {
		if !drop(m) {
			rest = append(rest, m)
		}
	}
	return rest
}

// index returns what finds a meta by its ref; -1 if it is not there.
func index[M any](metas []PresenceMeta[M]) func(ref string) int {
	if len(metas) < 8 {
		return func(ref string) int {
			return slices.IndexFunc(metas, func(m PresenceMeta[M]) bool { return m.Ref == ref })
		}
	}
	at := make(map[string]int, len(metas))
	for i, m := range metas {
		at[m.Ref] = i
	}
	return func(ref string) int {
		if i, ok := at[ref]; ok {
			return i
		}
		return -1
	}
}
