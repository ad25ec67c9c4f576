//go:build linux

package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/roost-dev/roost/cmd/roost/internal/load"
	"github.com/roost-dev/roost/wire"
)

// rr has each socket push and wait for the reply, over and over.
type rr struct {
	sockets     int
	topic       string
	event       string
	size        int // of a payload, in bytes
	outstanding int // pushes of a socket
	warmup      time.Duration
	duration    time.Duration
}

// An exchange is an rr under way. The pushes of each socket are numbered from 0, and the number is the ref.
type exchange struct {
	fault
	*rr
	loop      *load.Loop
	frame     *template
	known     numbered      // a reply
	next      []uint64      // by ID of a connection: the number that is answered next
	sent      [][]time.Time // by ID and number
	sending   bool
	measuring bool
	replies   uint64 // while measuring
	waiting   int    // pushes without a reply yet
	delays    histogram
}

func (w *rr) run(ctx context.Context, r *rig) (figures, error) {
	if w.outstanding < 1 || w.sockets < 1 {
		return nil, errors.New("-sockets and -outstanding are at least 1")
	}
	loop, err := r.loop(ctx)
	if err != nil {
		return nil, err
	}
	defer loop.Close()
	x := &exchange{rr: w, loop: loop, next: make([]uint64, w.sockets), sent: make([][]time.Time, w.sockets), sending: true}
	payload := fmt.Sprintf(`{"p":"%0*d"}`, max(1, w.size-len(`{"p":""}`)), 0)
	if x.frame, err = newTemplate(w.topic, w.event, placeholder, payload); err != nil {
		return nil, err
	}
	crowd, err := r.enter(ctx, loop, w.sockets, func(int) string { return w.topic })
	if err != nil {
		return nil, err
	}
	loop.Handle(x)
	now := time.Now()
	for _, c := range crowd.conns {
		x.sent[c.ID] = make([]time.Time, w.outstanding)
		for n := range uint64(w.outstanding) {
			x.push(c, n, now)
		}
	}
	return x.measure(ctx, r)
}

func (x *exchange) push(c *load.Conn, n uint64, now time.Time) {
	x.sent[c.ID][n%uint64(x.outstanding)] = now
	x.waiting++
	c.Queue(x.frame.with(n))
}

// measure warms up, measures, and waits for the last replies.
func (x *exchange) measure(ctx context.Context, r *rig) (figures, error) {
	warm := time.Now().Add(x.warmup)
	end := warm.Add(x.duration)
	until := func(then time.Time) func(time.Time) (time.Time, bool, error) {
		return func(now time.Time) (time.Time, bool, error) {
			r.bar.at("pushing", float64(x.warmup+x.duration-end.Sub(now)), float64(x.warmup+x.duration))
			return then, !now.Before(then), x.err
		}
	}
	if err := x.loop.Run(ctx, until(warm)); err != nil {
		return nil, err
	}
	m, err := r.meter()
	if err != nil {
		return nil, err
	}
	x.measuring = true
	if err := x.loop.Run(ctx, until(end)); err != nil {
		return nil, err
	}
	x.measuring, x.sending = false, false
	wall, cpu, err := m.since()
	if err != nil {
		return nil, err
	}
	limit := time.Now().Add(r.timeout)
	err = x.loop.Run(ctx, func(now time.Time) (time.Time, bool, error) {
		if now.After(limit) {
			return now, false, fmt.Errorf("%w: %d replies are missing after %v", errTimeout, x.waiting, r.timeout)
		}
		return limit, x.waiting == 0, x.err
	})
	out := figures{{"replies_per_second", float64(x.replies) / wall.Seconds()}}
	out = append(out, m.perMillion(cpu, x.replies)...)
	return append(out, latencies(&x.delays)...), err
}

// Opened implements [load.Handler].
func (x *exchange) Opened(*load.Conn) {}

// Closed implements [load.Handler].
func (x *exchange) Closed(c *load.Conn, err error) { x.reportf("socket %d: %w", c.ID, err) }

// Message implements [load.Handler].
func (x *exchange) Message(c *load.Conn, text []byte) {
	want := x.next[c.ID]
	got, ok := x.known.match(text)
	if !ok {
		if got, ok = x.decode(c, text, want); !ok {
			return
		}
	}
	if got != want || x.waiting == 0 {
		x.reportf("socket %d got the reply to push %d and waits for that to %d", c.ID, got, want)
		return
	}
	now := x.loop.Read()
	x.next[c.ID]++
	x.waiting--
	if x.measuring {
		x.replies++
		x.delays.add(now.Sub(x.sent[c.ID][want%uint64(x.outstanding)]))
	}
	if x.sending {
		x.push(c, want+uint64(x.outstanding), now)
	}
}

// decode returns the number of a reply that looks otherwise than those before.
func (x *exchange) decode(c *load.Conn, text []byte, want uint64) (uint64, bool) {
	m, err := wire.V2.DecodeServer(text, false)
	if err != nil {
		x.reportf("socket %d: %w", c.ID, err)
		return 0, false
	}
	if topic, _ := m.Topic.Text(); topic == wire.TopicHeartbeat {
		return 0, false
	}
	ref, _ := m.Ref.Text()
	n, ok := number([]byte(ref))
	if m.Event != wire.EventReply || m.Status != wire.StatusOK || !ok || len(ref) != digits {
		x.reportf("socket %d got %.200s", c.ID, text)
		return 0, false
	}
	if n == want {
		x.known.learn(text, n)
	}
	return n, true
}
