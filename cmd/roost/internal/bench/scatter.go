//go:build linux

package bench

import (
	"bytes"
	"context"
	"encoding/json/jsontext"
	"fmt"
	"strings"
	"time"

	"github.com/roost-dev/roost/cmd/roost/internal/load"
	"github.com/roost-dev/roost/wire"
)

// scatter broadcasts to many topics in turn, whose subscribers are on one node each, or on all.
type scatter struct {
	name        string
	topics      int
	subscribers int // of each topic
	size        int // of a payload, in bytes
	rate        float64
	warmup      time.Duration
	duration    time.Duration
	spread      bool
}

// A scattering is a scatter under way. Broadcasts on a topic are numbered from 0. The subscribers of topic t are those
// with the IDs from t*subscribers on, and the first of them broadcasts.
type scattering struct {
	fault
	scatter

	rig       *rig
	loop      *load.Loop
	conns     []*load.Conn
	frames    []*template // by topic
	known     []numbered  // by topic, what a delivery looks like
	payload   numbered
	sent      []uint64 // by topic
	next      []uint64 // by ID of a connection: the number that it gets next
	began     time.Time
	all       uint64 // broadcasts
	delivered uint64
}

func (w scatter) topic(t int) string { return fmt.Sprintf("echo:%s-%d", w.name, t) }

// node returns where a subscriber is.
func (w scatter) node(id, nodes int) int {
	topic, subscriber := id/w.subscribers, id%w.subscribers
	if w.spread {
		return (topic + subscriber) % nodes
	}
	return topic % nodes
}

func (w scatter) run(ctx context.Context, f *fleet) (figures, error) {
	loop, err := f.rig.loop(ctx)
	if err != nil {
		return nil, err
	}
	defer loop.Close()
	s := &scattering{
		scatter: w, rig: f.rig, loop: loop, known: make([]numbered, w.topics), sent: make([]uint64, w.topics),
		next: make([]uint64, w.topics*w.subscribers),
	}
	payload, err := padded(w.size)
	if err != nil {
		return nil, err
	}
	s.payload = numbered{[]byte(payload), strings.Index(payload, placeholder)}
	for t := range w.topics {
		frame, err := newTemplate(w.topic(t), "shout", "s", payload)
		if err != nil {
			return nil, err
		}
		s.frames = append(s.frames, frame)
	}
	crowd, err := f.rig.enterAt(ctx, loop, w.topics*w.subscribers,
		func(id int) string { return w.topic(id / w.subscribers) },
		func(id int) *load.Target { return f.targets[w.node(id, len(f.targets))] })
	if err != nil {
		return nil, err
	}
	s.conns = crowd.conns
	loop.Handle(s)
	return s.measure(ctx, f)
}

func (s *scattering) measure(ctx context.Context, f *fleet) (figures, error) {
	const readEvery = 5 * time.Millisecond // so that the client leaves the CPU to the nodes
	s.loop.ReadEvery = readEvery
	s.began = time.Now()
	warm := s.began.Add(s.warmup)
	if err := s.loop.Run(ctx, s.until(warm)); err != nil {
		return nil, err
	}
	g, err := f.gauge(ctx)
	if err != nil {
		return nil, err
	}
	delivered := s.delivered
	if err := s.loop.Run(ctx, s.until(time.Now().Add(s.duration))); err != nil {
		return nil, err
	}
	e, err := g.since(ctx)
	if err != nil {
		return nil, err
	}
	delivered = s.delivered - delivered
	broadcasts := float64(delivered) / float64(s.subscribers) // as far as they have come
	if err := s.drain(ctx); err != nil {
		return nil, err
	}
	return figures{
		{s.name + "_cpu_seconds_per_million", e.cpu.Seconds() / float64(delivered) * 1e6},
		{s.name + "_messages_per_broadcast", e.messages / broadcasts},
		{s.name + "_bytes_per_broadcast", e.bytes / broadcasts},
	}, nil
}

// until is a step that broadcasts what is due until end.
func (s *scattering) until(end time.Time) func(time.Time) (time.Time, bool, error) {
	return func(now time.Time) (time.Time, bool, error) {
		if s.err != nil || !now.Before(end) {
			return now, true, s.err
		}
		s.rig.bar.at(s.name, float64(now.Sub(s.began)), float64(s.warmup+s.duration))
		for {
			due := s.began.Add(time.Duration(float64(s.all) / s.rate * float64(time.Second)))
			if due.After(now) {
				return due, false, nil
			}
			t := int(s.all) % s.topics
			s.conns[t*s.subscribers].Queue(s.frames[t].with(s.sent[t]))
			s.sent[t]++
			s.all++
		}
	}
}

// drain waits until all is delivered, and a moment more for what should not come.
func (s *scattering) drain(ctx context.Context) error {
	limit, silent := time.Now().Add(s.rig.timeout), time.Now().Add(lastWords)
	return s.loop.Run(ctx, func(now time.Time) (time.Time, bool, error) {
		want := s.all * uint64(s.subscribers)
		if now.After(limit) {
			return now, false, fmt.Errorf("%w: %d of %d deliveries are missing", errTimeout, want-s.delivered, want)
		}
		return silent, s.delivered == want && now.After(silent), s.err
	})
}

// Opened implements [load.Handler].
func (s *scattering) Opened(*load.Conn) {}

// Closed implements [load.Handler].
func (s *scattering) Closed(c *load.Conn, err error) { s.reportf("subscriber %d: %w", c.ID, err) }

// Message implements [load.Handler].
func (s *scattering) Message(c *load.Conn, text []byte) {
	t := c.ID / s.subscribers
	n, ok := s.known[t].match(text)
	if !ok {
		if n, ok = s.read(c, t, text); !ok {
			return
		}
	}
	if n != s.next[c.ID] || n >= s.sent[t] {
		s.reportf("subscriber %d got broadcast %d of %s, and %d was next: lost, twice or out of order", c.ID, n, s.topic(t), s.next[c.ID])
		return
	}
	s.next[c.ID]++
	s.delivered++
}

// read decodes a message, and returns the number of the broadcast that it is, if it is one.
func (s *scattering) read(c *load.Conn, t int, text []byte) (n uint64, ok bool) {
	m, err := wire.V2.DecodeServer(text, false)
	if err != nil {
		s.reportf("subscriber %d: %w", c.ID, err)
		return 0, false
	}
	topic, _ := m.Topic.Text()
	if topic == wire.TopicHeartbeat {
		return 0, false
	}
	payload := jsontext.Value(bytes.Clone(m.Payload.Data))
	if err := payload.Canonicalize(); err != nil {
		s.reportf("subscriber %d: %w", c.ID, err)
		return 0, false
	}
	if n, ok = s.payload.match(payload); !ok || topic != s.topic(t) || m.Event != "shout" {
		s.reportf("subscriber %d got %.200s", c.ID, text)
		return 0, false
	}
	s.known[t].learn(text, n)
	return n, true
}
