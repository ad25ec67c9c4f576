//go:build linux

package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/roost-dev/roost/cmd/roost/internal/load"
	"github.com/roost-dev/roost/internal/ws"
	"github.com/roost-dev/roost/wire"
)

// A crowd is connections that enter: each connects and, if there is a topic for it, joins it. Their IDs count from 0.
type crowd struct {
	fault
	rig    *rig
	loop   *load.Loop
	topic  func(id int) string // nil: they only connect
	params string              // of their joins
	at     func(id int) *load.Target
	count  int // connections that are to enter
	conns  []*load.Conn
	inside int // those that are done with it
}

// crowd is one that is still to enter.
func (r *rig) crowd(loop *load.Loop, n int, topic func(id int) string) *crowd {
	return &crowd{rig: r, loop: loop, topic: topic, params: "{}", count: n, conns: make([]*load.Conn, 0, n)}
}

// enter has n connections enter, so many at a time as the rig says, and returns when all have.
func (r *rig) enter(ctx context.Context, loop *load.Loop, n int, topic func(id int) string) (*crowd, error) {
	c := r.crowd(loop, n, topic)
	return c, c.enter(ctx)
}

// enterAt is enter for connections that do not all go to the loop's target. at may be nil.
func (r *rig) enterAt(
	ctx context.Context, loop *load.Loop, n int, topic func(id int) string, at func(id int) *load.Target,
) (*crowd, error) {
	c := r.crowd(loop, n, topic)
	c.at = at
	return c, c.enter(ctx)
}

func (c *crowd) enter(ctx context.Context) error {
	c.loop.Handle(c)
	r, n := c.rig, c.count
	progressed, inside := time.Now(), 0
	return c.loop.Run(ctx, func(now time.Time) (time.Time, bool, error) {
		if c.inside > inside {
			progressed, inside = now, c.inside
			r.bar.at("connecting", float64(inside), float64(n))
		}
		if now.Sub(progressed) > r.timeout {
			return now, false, fmt.Errorf("%w: %d of %d connections entered, and no other within %v", errTimeout, inside, n, r.timeout)
		}
		for len(c.conns) < n && len(c.conns)-c.inside < r.atOnce && c.err == nil {
			conn, err := c.dial(len(c.conns))
			if err != nil {
				return now, false, fmt.Errorf("connection %d: %w", len(c.conns), err)
			}
			c.conns = append(c.conns, conn)
		}
		return time.Time{}, c.inside == n, c.err
	})
}

func (c *crowd) dial(id int) (*load.Conn, error) {
	if c.at == nil {
		return c.loop.Dial(id)
	}
	return c.loop.DialTo(c.at(id), id)
}

// Opened implements [load.Handler].
func (c *crowd) Opened(conn *load.Conn) {
	if c.topic == nil {
		c.inside++
		return
	}
	frame, err := joinFrame(c.topic(conn.ID), c.params)
	if err != nil {
		c.reportf("%w", err)
		return
	}
	conn.Send(frame)
}

// Message implements [load.Handler].
func (c *crowd) Message(conn *load.Conn, text []byte) {
	m, err := wire.V2.DecodeServer(text, false)
	if err != nil {
		c.reportf("%w", err)
		return
	}
	ref, _ := m.Ref.Text()
	if m.Event != wire.EventReply || ref != joinRef {
		return // what a channel pushes after its join
	}
	if m.Status != wire.StatusOK {
		c.reportf("the join of %s was refused: %s", c.topic(conn.ID), m.Payload.Data)
		return
	}
	c.inside++
}

// Closed implements [load.Handler].
func (c *crowd) Closed(conn *load.Conn, err error) { c.reportf("connection %d: %w", conn.ID, err) }

// joinFrame is the frame that joins a topic.
func joinFrame(topic, params string) ([]byte, error) {
	text, err := push(topic, wire.EventJoin, joinRef, params)
	return ws.AppendClient(nil, ws.Text, text), err
}
