package presence

import (
	"cmp"
	"slices"

	"github.com/roost-dev/roost/presence/replica"
)

// moves is what became of this node's presences since the replica was told,
// by the ref that each has now, or had if it has ended. What came and went in
// between is not in it, so there are never more of them than presences then
// and now.
type moves[M any] map[string]*move[M]

type move[M any] struct {
	topic     string
	old, next *item[M] // nil: it came; it went
	seq       uint64   // of what came, before it was replaced
}

func (ms moves[M]) join(topic string, it *item[M]) {
	ms[it.Ref] = &move[M]{topic: topic, next: it, seq: it.seq}
}

func (ms moves[M]) replace(topic string, old, next *item[M]) {
	m := ms[old.Ref]
	if m == nil {
		m = &move[M]{topic: topic, old: old}
	}
	delete(ms, old.Ref)
	m.next = next
	ms[next.Ref] = m
}

func (ms moves[M]) leave(topic string, it *item[M]) {
	m := ms[it.Ref]
	if m == nil {
		ms[it.Ref] = &move[M]{topic: topic, old: it}
		return
	}
	delete(ms, it.Ref)
	if m.old != nil {
		m.next = nil
		ms[m.old.Ref] = m
	}
}

// forget takes out what came and is not to be told of any more.
func (ms moves[M]) forget(it *item[M]) {
	if m := ms[it.Ref]; m != nil && m.old == nil {
		delete(ms, it.Ref)
	}
}

// tell tells the replica, of joins in their order.
func (ms moves[M]) tell(r *replica.Replica) {
	var coming []*move[M]
	for _, m := range ms {
		if m.next == nil {
			r.Remove(m.topic, m.old.Ref)
			continue
		}
		coming = append(coming, m)
	}
	slices.SortFunc(coming, func(a, b *move[M]) int { return cmp.Compare(a.seq, b.seq) })
	for _, m := range coming {
		if m.old == nil {
			r.Add(m.topic, m.next.entry())
		} else {
			r.Replace(m.topic, m.old.Ref, m.next.entry())
		}
	}
}

// entry returns the item as other nodes get it.
func (it *item[M]) entry() replica.Entry {
	return replica.Entry{
		Ref:     it.Ref,
		PrevRef: it.PrevRef,
		Key:     it.key,
		Meta:    withoutRefs(it.encoded, it.Ref, it.PrevRef),
	}
}
