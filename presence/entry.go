package presence

import (
	"crypto/rand"
	"encoding/base64"
)

// The events that a tracker sends (spec/protocol.md §14).
const (
	EventState = "presence_state" // everybody, to one client
	EventDiff  = "presence_diff"  // who joined and who left, to all clients
)

// Entry is one key of a topic: usually a user, with a meta for each of his
// sessions. It encodes to JSON as clients see it: {"metas": [...], ...extra}.
type Entry[M any] struct {
	Metas []Meta[M] // oldest first; an updated meta keeps its place

	// Extra is what Fetch returned for the key. It is nil without a Fetch,
	// until the key has been announced to clients, in what Fetch is given,
	// and in a [Change].
	Extra any
}

// Meta is one session's presence under a key.
type Meta[M any] struct {
	// Ref is unique to this meta: an update gives it another one.
	Ref string

	// PrevRef is the ref that an update took the place of; empty if there was
	// none that clients knew.
	PrevRef string

	// Value is what was tracked. It is shared: read only, as far as it holds
	// maps, slices or pointers. One of another node is what the encoded meta
	// decodes to, and zero if it does not.
	Value M
}

// Change is what happened on a topic between two calls of OnChange. What came
// and went in between is not in it.
type Change[M any] struct {
	Topic  string
	Joins  map[string]Entry[M] // per key the metas that came
	Leaves map[string]Entry[M] // per key the metas that went

	// Now has all metas that the keys of Joins and Leaves have after the
	// change. A key that is not in it is gone. A key is new if it is not in
	// Leaves and has as many metas here as in Joins.
	Now map[string]Entry[M]

	// Keys is the number of keys on the topic after the change; at 0 nobody
	// is left.
	Keys int
}

// newRef makes a phx_ref: 12 bytes in 16 characters, like Phoenix's, but all
// of them random, so that they are unique among nodes without a clock.
func newRef() string {
	var b [12]byte
	rand.Read(b[:]) // never fails
	return base64.URLEncoding.EncodeToString(b[:])
}

func entryOf[M any](metas []*item[M]) Entry[M] {
	e := Entry[M]{Metas: make([]Meta[M], len(metas))}
	for i, it := range metas {
		e.Metas[i] = it.Meta
	}
	return e
}

func entriesOf[M any](groups []group[M]) map[string]Entry[M] {
	entries := make(map[string]Entry[M], len(groups))
	for _, g := range groups {
		entries[g.key] = entryOf(g.metas)
	}
	return entries
}
