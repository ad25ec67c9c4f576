//go:build linux

package bench

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/roost-dev/roost/cmd/roost/internal/load"
	"github.com/roost-dev/roost/internal/ws"
)

// interest has the first node begin to listen to topics that no other node wants.
type interest struct {
	topics int
}

// topicsPerConn is how many conversations a connection has: fewer than servers allow.
const topicsPerConn = 50

func (w interest) run(ctx context.Context, f *fleet) (figures, error) {
	loop, err := f.rig.loop(ctx)
	if err != nil {
		return nil, err
	}
	defer loop.Close()
	crowd, err := f.rig.enter(ctx, loop, (w.topics+topicsPerConn-1)/topicsPerConn, nil)
	if err != nil {
		return nil, err
	}
	before, err := f.heaps(ctx)
	if err != nil {
		return nil, err
	}
	g, err := f.gauge(ctx)
	if err != nil {
		return nil, err
	}
	j := &joining{}
	loop.Handle(j)
	for t := range w.topics {
		frame, err := joinFrame(fmt.Sprintf("echo:wanted-%d", t), "{}")
		if err != nil {
			return nil, err
		}
		crowd.conns[t/topicsPerConn].Queue(frame)
	}
	if err := j.wait(ctx, loop, f.rig, "joining topics", func() bool { return j.accepted == w.topics }); err != nil {
		return nil, err
	}
	e, err := g.since(ctx)
	if err != nil {
		return nil, err
	}
	grown, err := f.grown(ctx, before, w.topics)
	if err != nil {
		return nil, err
	}
	count := float64(w.topics)
	out := figures{
		{"topic_cpu_ms", e.cpu.Seconds() * 1000 / count},
		{"topic_heap_bytes_there", grown[0]},
	}
	if others := grown[1:]; len(others) > 0 {
		out = append(out,
			figure{"topic_heap_bytes_elsewhere", mean(others)},
			figure{"topic_bytes_to_each_node", e.bytes / count / float64(len(others))})
	}
	return out, nil
}

// rooms has users enter rooms on the first node, each of which has one user on the second node. Further nodes have no
// part in it.
type rooms struct {
	rooms int
	users int // that enter each
}

func (w rooms) run(ctx context.Context, f *fleet) (figures, error) {
	loop, err := f.rig.loop(ctx)
	if err != nil {
		return nil, err
	}
	defer loop.Close()
	// One in each room is elsewhere, and there before.
	elsewhere := f.targets[min(1, len(f.targets)-1)]
	crowd, err := f.rig.enterAt(ctx, loop, w.rooms*(1+w.users), nil, func(id int) *load.Target {
		if id < w.rooms {
			return elsewhere
		}
		return f.targets[0]
	})
	if err != nil {
		return nil, err
	}
	j := &joining{knows: make([]map[string]bool, w.rooms)}
	loop.Handle(j)
	enter := func(from, to int) error {
		for _, c := range crowd.conns[from:to] {
			frame, err := joinFrame(fmt.Sprintf("room:bench-%d", c.ID%w.rooms), `{"user":"`+userName(c.ID)+`"}`)
			if err != nil {
				return err
			}
			c.Queue(frame)
		}
		return j.wait(ctx, loop, f.rig, "entering rooms", func() bool { return j.accepted == to && j.allKnow(to/w.rooms) })
	}
	if err := enter(0, w.rooms); err != nil {
		return nil, err
	}
	before, err := f.heaps(ctx)
	if err != nil {
		return nil, err
	}
	g, err := f.gauge(ctx)
	if err != nil {
		return nil, err
	}
	if err := enter(w.rooms, len(crowd.conns)); err != nil {
		return nil, err
	}
	e, err := g.since(ctx)
	if err != nil {
		return nil, err
	}
	grown, err := f.grown(ctx, before, w.rooms*w.users)
	return w.figures(e, grown), err
}

func (w rooms) figures(e effort, grown []float64) figures {
	count := float64(w.rooms * w.users)
	out := figures{
		{"presence_cpu_ms", e.cpu.Seconds() * 1000 / count},
		{"presence_heap_bytes_there", grown[0]},
	}
	if len(grown) > 1 {
		out = append(out, figure{"presence_heap_bytes_where_wanted", grown[1]})
	}
	if len(grown) > 2 {
		out = append(out, figure{"presence_heap_bytes_elsewhere", mean(grown[2:])})
	}
	return append(out, figure{"presence_messages", e.messages / count}, figure{"presence_bytes", e.bytes / count})
}

// A joining is connections that join topics. Of those with an ID in knows it is noted who they know to be present.
type joining struct {
	fault

	accepted int
	knows    []map[string]bool // by ID
}

// wait runs the loop until done, and as long as something comes.
func (j *joining) wait(ctx context.Context, loop *load.Loop, r *rig, doing string, done func() bool) error {
	limit := time.Now().Add(r.timeout)
	return loop.Run(ctx, func(now time.Time) (time.Time, bool, error) {
		r.bar.at(doing, float64(j.accepted), 0)
		if now.After(limit) {
			return now, false, fmt.Errorf("%w: %s, %d joins were accepted", errTimeout, doing, j.accepted)
		}
		return limit, done(), j.err
	})
}

// allKnow reports whether all whose knowledge is noted know so many.
func (j *joining) allKnow(users int) bool {
	for _, known := range j.knows {
		if len(known) != users {
			return false
		}
	}
	return true
}

// Opened implements [load.Handler].
func (j *joining) Opened(*load.Conn) {}

// Closed implements [load.Handler].
func (j *joining) Closed(c *load.Conn, err error) { j.reportf("connection %d: %w", c.ID, err) }

// Message implements [load.Handler].
func (j *joining) Message(c *load.Conn, text []byte) {
	m, err := ws.Split(text)
	if err != nil {
		j.reportf("connection %d: %w", c.ID, err)
		return
	}
	scan := scanState
	switch string(m.Event) {
	case `"phx_reply"`:
		if string(m.Topic) == `"phoenix"` {
			return
		}
		if !bytes.Contains(m.Payload, []byte(`"status":"ok"`)) {
			j.reportf("a join was refused: %s", m.Payload)
		}
		j.accepted++
		return
	case `"presence_diff"`:
		scan = scanDiff
	case `"presence_state"`:
	default:
		j.reportf("connection %d got %.200s", c.ID, text)
		return
	}
	if c.ID >= len(j.knows) {
		return
	}
	if j.knows[c.ID] == nil {
		j.knows[c.ID] = make(map[string]bool)
	}
	err = scan(m.Payload, func(key, _ []byte) error {
		j.knows[c.ID][string(key)] = true
		return nil
	})
	if err != nil {
		j.reportf("connection %d: %w", c.ID, err)
	}
}
