package presence_test

import (
	"context"
	"encoding/json/v2"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/roost-dev/roost/presence"
	"github.com/roost-dev/roost/pubsub"
)

var lastID atomic.Int64

// conversation is a [presence.Session] with a client at its other end, whose
// messages it keeps.
type conversation struct {
	topic string
	id    string

	mu     sync.Mutex
	phase  string // joining, joined, ended
	onJoin []func()
	onEnd  []func()
	inbox  []message
	sub    *pubsub.Subscription
}

type message struct {
	event   string
	payload string
}

// join makes a conversation that has joined.
func join(ps *pubsub.PubSub, topic string) *conversation {
	c := knock(ps, topic)
	c.accept()
	return c
}

// knock makes a conversation that is still joining.
func knock(ps *pubsub.PubSub, topic string) *conversation {
	c := &conversation{topic: topic, id: fmt.Sprint(lastID.Add(1)), phase: "joining"}
	c.sub = ps.Subscribe(topic, c)
	return c
}

func (c *conversation) ID() string    { return c.id }
func (c *conversation) Topic() string { return c.topic }

func (c *conversation) AfterJoin(f func()) {
	c.mu.Lock()
	phase := c.phase
	if phase == "joining" {
		c.onJoin = append(c.onJoin, f)
	}
	c.mu.Unlock()
	if phase == "joined" {
		f()
	}
}

func (c *conversation) AfterReply(f func()) { f() }
func (c *conversation) OnEnd(f func()) {
	c.mu.Lock()
	phase := c.phase
	if phase != "ended" {
		c.onEnd = append(c.onEnd, f)
	}
	c.mu.Unlock()
	if phase == "ended" {
		f()
	}
}

func (c *conversation) PushEncoded(_ context.Context, event string, payload []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase != "joined" {
		return errors.New("not joined")
	}
	c.inbox = append(c.inbox, message{event, string(payload)})
	return nil
}

func (c *conversation) Deliver(m *pubsub.Message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase != "ended" {
		c.inbox = append(c.inbox, message{m.Event, string(m.Payload)})
	}
}

func (c *conversation) accept() {
	c.mu.Lock()
	c.phase = "joined"
	fs := c.onJoin
	c.mu.Unlock()
	for _, f := range fs {
		f()
	}
}

// end ends the conversation; of one that is joining it refuses the join.
func (c *conversation) end() {
	c.sub.Unsubscribe()
	c.mu.Lock()
	c.phase = "ended"
	fs := c.onEnd
	c.onEnd = nil
	c.mu.Unlock()
	for _, f := range fs {
		f()
	}
}

func (c *conversation) received() []message {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.inbox)
}

// payloads returns and forgets the payloads received of an event.
func (c *conversation) payloads(event string) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var payloads []string
	for _, m := range c.inbox {
		if m.event == event {
			payloads = append(payloads, m.payload)
		}
	}
	c.inbox = nil
	return payloads
}

type (
	object    = map[string]any
	presences = map[string]object
)

// client keeps presences as clients do (spec/protocol.md §15).
type client struct {
	t       testing.TB
	state   presences
	pending []object
	synced  bool // got a state in this join
}

func (c *client) take(m message) {
	switch m.event {
	case presence.EventState:
		var state presences
		c.decode(m.payload, &state)
		c.syncState(state)
		c.synced = true
		for _, d := range c.pending {
			c.syncDiff(d)
		}
		c.pending = nil
	case presence.EventDiff:
		var d object
		c.decode(m.payload, &d)
		if c.synced {
			c.syncDiff(d)
		} else {
			c.pending = append(c.pending, d)
		}
	}
}

func (c *client) decode(payload string, v any) {
	if err := json.Unmarshal([]byte(payload), v); err != nil {
		c.t.Errorf("payload is not what clients expect: %v\n%s", err, payload)
	}
}

func (c *client) syncState(state presences) {
	joins, leaves := object{}, object{}
	for key, p := range c.state {
		if state[key] == nil {
			leaves[key] = any(p)
		}
	}
	for key, p := range state {
		current := c.state[key]
		if current == nil {
			joins[key] = any(p)
			continue
		}
		if joined := without(metasOf(p), refsOf(current)); len(joined) > 0 {
			joins[key] = withMetas(p, joined)
		}
		if left := without(metasOf(current), refsOf(p)); len(left) > 0 {
			leaves[key] = withMetas(current, left)
		}
	}
	c.syncDiff(object{"joins": joins, "leaves": leaves})
}

func (c *client) syncDiff(d object) {
	if c.state == nil {
		c.state = presences{}
	}
	for key, v := range d["joins"].(object) {
		p := v.(object)
		old := without(metasOf(c.state[key]), refsOf(p))
		c.state[key] = withMetas(p, append(old, metasOf(p)...))
	}
	for key, v := range d["leaves"].(object) {
		p := c.state[key]
		if p == nil {
			continue
		}
		left := without(metasOf(p), refsOf(v.(object)))
		c.state[key] = withMetas(p, left)
		if len(left) == 0 {
			delete(c.state, key)
		}
	}
}

// metas returns all that the client knows as the set of its metas, encoded.
func (c *client) metas() map[string]bool {
	all := make(map[string]bool)
	for key, p := range c.state {
		for _, m := range metasOf(p) {
			all[key+" "+encode(c.t, m)] = true
		}
	}
	return all
}

// listed returns a tracker's list in the same form.
func listed[M any](t testing.TB, list map[string]presence.Entry[M]) map[string]bool {
	all := make(map[string]bool)
	for key, e := range list {
		for _, m := range e.Metas {
			all[key+" "+encode(t, m)] = true
		}
	}
	return all
}

func encode(t testing.TB, v any) string {
	b, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		t.Errorf("cannot encode %v: %v", v, err)
	}
	var fields any
	if err := json.Unmarshal(b, &fields); err != nil {
		t.Errorf("cannot decode %s: %v", b, err)
	}
	b, _ = json.Marshal(fields, json.Deterministic(true)) // sorted
	return string(b)
}

func metasOf(p object) []any {
	metas, _ := p["metas"].([]any)
	return slices.Clone(metas)
}

func withMetas(p object, metas []any) object {
	p = maps.Clone(p)
	p["metas"] = metas
	return p
}

func refsOf(p object) map[any]bool {
	refs := make(map[any]bool)
	for _, m := range metasOf(p) {
		refs[m.(object)["phx_ref"]] = true
	}
	return refs
}

func without(metas []any, refs map[any]bool) []any {
	return slices.DeleteFunc(metas, func(m any) bool { return refs[m.(object)["phx_ref"]] })
}
