//go:build linux

package torture

import (
	"context"
	"fmt"
	"net/url"
	"sync"
	"testing"
	"time"
)

// A publisher numbers events on a topic, from 1, and says one at a time, each at some node.
type publisher struct {
	topic string
	nodes []*node
	draw  func(n int) int

	turn sync.Mutex // held by who publishes
	mu   sync.Mutex // guards what follows
	said []event    // the number is the index and 1
}

// An event is what is known of one that was published.
type event struct {
	binary  bool
	certain bool // it was acknowledged; otherwise it may be in the log, or come into it later
}

// events returns what was published.
func (p *publisher) events() []event {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]event(nil), p.said...)
}

// publish publishes until ctx ends, with pauses between none and twice the mean.
func (p *publisher) publish(ctx context.Context, pause time.Duration) {
	for ctx.Err() == nil {
		_ = p.next(context.WithoutCancel(ctx), p.draw(4) == 0) // it is uncertain then
		select {
		case <-ctx.Done():
		case <-time.After(time.Duration(p.draw(int(2 * pause)))):
		}
	}
}

// burst publishes several events without a pause, until one fails.
func (p *publisher) burst(ctx context.Context, events int) {
	for range events {
		if ctx.Err() != nil || p.next(context.WithoutCancel(ctx), false) != nil {
			return
		}
	}
}

// next publishes one event. After an error it may have been published all the same.
func (p *publisher) next(ctx context.Context, binary bool) error {
	p.turn.Lock()
	defer p.turn.Unlock()
	p.mu.Lock()
	p.said = append(p.said, event{binary: binary})
	n := len(p.said)
	p.mu.Unlock()
	params := url.Values{"topic": {p.topic}}
	action := "broadcast"
	if binary {
		action = "broadcast_bin"
		params.Set("event", "bytes")
		params.Set("hex", fmt.Sprintf("%08x", n))
	} else {
		params.Set("event", "text")
		params.Set("payload", fmt.Sprintf(`{"n":%d}`, n))
	}
	err := p.nodes[p.draw(len(p.nodes))].admin(ctx, action, params)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.said[n-1].certain = err == nil
	return err
}

// last publishes an event that is certain, and returns its number.
func (p *publisher) last(t *testing.T) int {
	t.Helper()
	await(t, answerWithin, "an event to be published on "+p.topic, func() bool { return p.next(t.Context(), false) == nil })
	return len(p.events())
}
