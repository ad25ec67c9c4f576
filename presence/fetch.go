package presence

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
)

var (
	errFetchBusy = errors.New("an earlier call that was late has not returned yet")
	errFetchExit = errors.New("it did not return but ended its goroutine")
)

// decorate asks Fetch for what the batch needs: the keys that joined, and for
// a list those that it failed for.
func (t *topic[M]) decorate(b *batch[M]) {
	if t.p.opts.Fetch == nil {
		return
	}
	wanted := make(map[string]Entry[M])
	for _, g := range b.joins {
		wanted[g.key] = entryOf(b.now[g.key])
	}
	for _, g := range b.state {
		if t.extras[g.key] == nil {
			wanted[g.key] = entryOf(g.metas)
		}
	}
	if len(wanted) == 0 {
		return
	}
	values, err := t.fetch(wanted)
	if err != nil {
		b.bare = true
		t.p.opts.Logger.Error("presence: Fetch failed, clients do without",
			"topic", t.name, "keys", len(wanted), "error", err)
		return
	}
	t.keep(wanted, values)
}

// keep notes what Fetch said about the keys it was asked about.
func (t *topic[M]) keep(wanted map[string]Entry[M], values map[string]any) {
	fresh := make(map[string]*extra, len(wanted))
	for key := range wanted {
		x, err := newExtra(values[key])
		if err != nil {
			t.p.opts.Logger.Error("presence: Fetch returned something unusable, clients do without",
				"topic", t.name, "error", err)
			x = &extra{}
		}
		fresh[key] = x
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.extras == nil {
		t.extras = make(map[string]*extra)
	}
	maps.Copy(t.extras, fresh)
}

type fetched struct {
	values map[string]any
	err    error
}

// fetch calls Fetch and contains it.
func (t *topic[M]) fetch(wanted map[string]Entry[M]) (map[string]any, error) {
	select {
	case <-t.lateFetch:
		t.lateFetch = nil
	default:
		if t.lateFetch != nil {
			return nil, errFetchBusy
		}
	}
	ctx, cancel := t.p.ctx, context.CancelFunc(func() {})
	if timeout := t.p.opts.FetchTimeout; timeout > 0 {
		ctx, cancel = context.WithTimeout(ctx, timeout)
	}
	defer cancel()
	result := make(chan fetched, 1)
	over := make(chan struct{})
	t.p.crew.fork()
	go func() {
		defer t.p.crew.done()
		defer close(over)
		r := fetched{err: errFetchExit}
		defer func() { result <- r }()
		r = t.callFetch(ctx, wanted)
	}()
	select {
	case r := <-result:
		return r.values, r.err
	case <-ctx.Done():
		t.lateFetch = over
		return nil, context.Cause(ctx)
	}
}

func (t *topic[M]) callFetch(ctx context.Context, wanted map[string]Entry[M]) (r fetched) {
	defer func() {
		if v := recover(); v != nil {
			r = fetched{err: fmt.Errorf("panic: %v\n%s", v, debug.Stack())}
		}
	}()
	values, err := t.p.opts.Fetch(ctx, t.name, wanted)
	return fetched{values, err}
}
