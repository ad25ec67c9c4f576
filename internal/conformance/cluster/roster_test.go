//go:build linux

package cluster

import (
	"encoding/json/v2"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// A meta is one session of a user in a room.
type meta struct {
	Ref    string `json:"phx_ref"`
	Status string `json:"status"`
}

// presences is who is in a room, by user, as clients hold it and as presence_state says it.
type presences map[string]struct {
	Metas []meta `json:"metas"`
}

// A roster is a client's list of who is in a room, kept as phoenix.js keeps it (spec/protocol.md §15), also across joins.
type roster struct {
	mu      sync.Mutex // guards what follows
	synced  bool       // a state came in this join
	pending []diff     // diffs that came before it
	list    map[string][]meta
	err     error    // the first payload that is not what clients expect
	came    []string // refs of sessions that came, observers apart
	left    int      // sessions that went
	gone    []string // users whose last session went, by a diff
}

type diff struct {
	Joins  presences `json:"joins"`
	Leaves presences `json:"leaves"`
}

func newRoster() *roster { return &roster{list: make(map[string][]meta)} }

// observerPrefix begins the users of those who look at a list and leave. What they find is measured without them.
const observerPrefix = "observer-"

func isObserver(user string) bool { return strings.HasPrefix(user, observerPrefix) }

// rejoin tells that the room is about to be joined, perhaps again.
func (r *roster) rejoin() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.synced = false
}

// handle takes an event of the room. It returns users whom a state does not have any more who were there in the join before.
func (r *roster) handle(event string, payload []byte) (missing []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch event {
	case "presence_state":
		var state presences
		r.decode(payload, &state)
		gone := len(r.gone)
		r.apply(r.difference(state))
		missing = slices.Clone(r.gone[gone:])
		r.gone = r.gone[:gone]
		r.synced = true
		for _, d := range r.pending {
			r.apply(d)
		}
		r.pending = nil
	case "presence_diff":
		var d diff
		r.decode(payload, &d)
		if r.synced {
			r.apply(d)
		} else {
			r.pending = append(r.pending, d)
		}
	}
	return missing
}

func (r *roster) decode(payload []byte, v any) {
	if err := json.Unmarshal(payload, v); err != nil && r.err == nil {
		r.err = fmt.Errorf("%w: %s", err, payload)
	}
}

// difference is what leads from the list to state.
func (r *roster) difference(state presences) diff {
	d := diff{Joins: presences{}, Leaves: presences{}}
	for user, metas := range r.list {
		p := state[user]
		if p.Metas = without(metas, state[user].Metas); len(p.Metas) > 0 {
			d.Leaves[user] = p
		}
	}
	for user, p := range state {
		if p.Metas = without(p.Metas, r.list[user]); len(p.Metas) > 0 {
			d.Joins[user] = p
		}
	}
	return d
}

func (r *roster) apply(d diff) {
	for user, p := range d.Joins {
		r.note(user, without(p.Metas, r.list[user]), nil)
		r.list[user] = append(without(r.list[user], p.Metas), p.Metas...)
	}
	for user, p := range d.Leaves {
		here := r.list[user]
		if here == nil {
			continue
		}
		stay := without(here, p.Metas)
		r.note(user, nil, without(here, stay))
		if r.list[user] = stay; len(stay) == 0 {
			delete(r.list, user)
			if !isObserver(user) {
				r.gone = append(r.gone, user)
			}
		}
	}
}

func (r *roster) note(user string, came, left []meta) {
	if isObserver(user) {
		return
	}
	for _, m := range came {
		r.came = append(r.came, user+" "+m.Ref)
	}
	r.left += len(left)
}

// without returns the metas that are not among others.
func without(metas, others []meta) []meta {
	return slices.DeleteFunc(slices.Clone(metas), func(m meta) bool {
		return slices.ContainsFunc(others, func(o meta) bool { return o.Ref == m.Ref })
	})
}

// A view is a roster at one moment, without observers.
type view struct {
	refs             map[string]bool // by user and ref
	came, left, gone int             // how many had, by then
	err              error
}

func (r *roster) view() view {
	r.mu.Lock()
	defer r.mu.Unlock()
	v := view{refs: make(map[string]bool), came: len(r.came), left: r.left, gone: len(r.gone), err: r.err}
	for user, metas := range r.list {
		for _, m := range metas {
			if !isObserver(user) {
				v.refs[user+" "+m.Ref] = true
			}
		}
	}
	return v
}

// cameSince returns the sessions that came after v, as often as they did.
func (r *roster) cameSince(v view) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.came[v.came:])
}

// goneSince returns the users whose last session went after v.
func (r *roster) goneSince(v view) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.gone[v.gone:])
}

// statuses is what is in a list, without the refs that only servers know: by user the statuses of the sessions, in order.
func statuses(list map[string][]meta) map[string][]string {
	all := make(map[string][]string)
	for user, metas := range list {
		for _, m := range metas {
			if !isObserver(user) {
				all[user] = append(all[user], m.Status)
			}
		}
		slices.Sort(all[user])
	}
	return all
}

func (r *roster) statuses() map[string][]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return statuses(r.list)
}
