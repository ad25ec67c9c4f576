//go:build linux

package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/roost-dev/roost/cmd/roost/internal/load"
	"github.com/roost-dev/roost/internal/ws"
	"github.com/roost-dev/roost/wire"
)

// storm has connections come and go: each connects, joins, leaves and closes.
type storm struct {
	cycles int
	topic  string
}

// leaveRef is the ref of each leave.
const leaveRef = "2"

// A gale is a storm under way.
type gale struct {
	fault
	join, leave []byte
	begun, over int
}

func (w *storm) run(ctx context.Context, r *rig) (figures, error) {
	if w.cycles < 1 {
		return nil, errors.New("-cycles is at least 1")
	}
	loop, err := r.loop(ctx)
	if err != nil {
		return nil, err
	}
	defer loop.Close()
	g := &gale{}
	if g.join, err = joinFrame(w.topic, "{}"); err != nil {
		return nil, err
	}
	text, err := push(w.topic, wire.EventLeave, leaveRef, "{}")
	if err != nil {
		return nil, err
	}
	g.leave = ws.AppendClient(nil, ws.Text, text)
	loop.Handle(g)
	m, err := r.meter()
	if err != nil {
		return nil, err
	}
	if err := loop.Run(ctx, g.step(r, loop, w.cycles)); err != nil {
		return nil, err
	}
	wall, cpu, err := m.since()
	out := figures{{"cycles_per_second", float64(w.cycles) / wall.Seconds()}}
	if m.proc.known() {
		out = append(out, figure{"cpu_ms_per_cycle", cpu.Seconds() * 1000 / float64(w.cycles)})
	}
	return out, err
}

// step keeps so many cycles going as the rig says.
func (g *gale) step(r *rig, loop *load.Loop, cycles int) func(time.Time) (time.Time, bool, error) {
	progressed, over := time.Now(), 0
	return func(now time.Time) (time.Time, bool, error) {
		if g.over > over {
			progressed, over = now, g.over
			r.bar.at("storming", float64(over), float64(cycles))
		}
		if now.Sub(progressed) > r.timeout {
			return now, false, fmt.Errorf("%w: %d of %d cycles are over, and no other within %v", errTimeout, over, cycles, r.timeout)
		}
		for g.begun < cycles && g.begun-g.over < r.atOnce && g.err == nil {
			if _, err := loop.Dial(g.begun); err != nil {
				return now, false, fmt.Errorf("connection %d: %w", g.begun, err)
			}
			g.begun++
		}
		return time.Time{}, g.over == cycles, g.err
	}
}

// Opened implements [load.Handler].
func (g *gale) Opened(c *load.Conn) { c.Send(g.join) }

// Message implements [load.Handler].
func (g *gale) Message(c *load.Conn, text []byte) {
	m, err := wire.V2.DecodeServer(text, false)
	if err != nil {
		g.reportf("connection %d: %w", c.ID, err)
		return
	}
	if m.Event != wire.EventReply {
		return // what a channel pushes, and phx_close
	}
	switch ref, _ := m.Ref.Text(); {
	case m.Status != wire.StatusOK:
		g.reportf("connection %d got %.200s", c.ID, text)
	case ref == joinRef:
		c.Send(g.leave)
	case ref == leaveRef:
		c.Leave()
	}
}

// Closed implements [load.Handler].
func (g *gale) Closed(c *load.Conn, err error) {
	if end, ok := errors.AsType[*load.CloseError](err); ok && end.Code == 1000 {
		g.over++
		return
	}
	g.reportf("connection %d: %w", c.ID, err)
}
