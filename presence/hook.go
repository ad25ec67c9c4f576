package presence

import (
	"fmt"
	"maps"
	"runtime/debug"
)

// hook is what OnChange is still to be told, guarded by the topic's lock.
type hook[M any] struct {
	untold  changes[M]
	now     map[string][]*item[M]
	keys    int
	running bool
}

// report hands a diff that clients have got to OnChange.
func (t *topic[M]) report(d *diff[M]) {
	if t.p.opts.OnChange == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	h := &t.hook
	h.untold.merge(d)
	h.keys = d.keys
	if h.now == nil {
		h.now = make(map[string][]*item[M])
	}
	maps.Copy(h.now, d.now)
	if !h.running {
		h.running = true
		t.p.crew.fork()
		go t.tell()
	}
}

// tell calls OnChange until there is nothing more to tell.
func (t *topic[M]) tell() {
	defer t.p.crew.done()
	for {
		c, ok := t.nextChange()
		if !ok {
			return
		}
		t.callOnChange(c)
	}
}

func (t *topic[M]) nextChange() (Change[M], bool) {
	t.mu.Lock()
	defer t.unlock()
	h := &t.hook
	if h.untold.empty() {
		h.running, h.now = false, nil
		return Change[M]{}, false
	}
	d := h.untold.take()
	c := Change[M]{
		Topic:  t.name,
		Joins:  entriesOf(d.joins),
		Leaves: entriesOf(d.leaves),
		Now:    make(map[string]Entry[M]),
		Keys:   h.keys,
	}
	for _, groups := range [][]group[M]{d.joins, d.leaves} {
		for _, g := range groups {
			if metas := h.now[g.key]; len(metas) > 0 {
				c.Now[g.key] = entryOf(metas)
			}
		}
	}
	h.now = nil
	return c, true
}

func (t *topic[M]) callOnChange(c Change[M]) {
	defer func() {
		if v := recover(); v != nil {
			t.p.opts.Logger.Error("presence: OnChange panicked",
				"topic", t.name, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
		}
	}()
	t.p.opts.OnChange(t.p.ctx, c)
}
