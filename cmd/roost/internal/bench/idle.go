//go:build linux

package bench

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// idle measures what connections cost that do nothing.
type idle struct {
	connections int
	topic       string
	perTopic    int // connections that share a topic
	settle      time.Duration
}

func (w *idle) run(ctx context.Context, r *rig) (figures, error) {
	if w.connections < 1 {
		return nil, errors.New("-connections is at least 1")
	}
	loop, err := r.loop(ctx)
	if err != nil {
		return nil, err
	}
	defer loop.Close()
	collects, err := r.server.collect(ctx)
	if err != nil {
		return nil, err
	}
	var before memory
	if r.server.proc.known() {
		if before, err = r.server.proc.memory(); err != nil {
			return nil, err
		}
	}
	m, err := r.meter()
	if err != nil {
		return nil, err
	}
	crowd, err := r.enter(ctx, loop, w.connections, func(id int) string { return fmt.Sprintf("%s-%d", w.topic, id/max(1, w.perTopic)) })
	if err != nil {
		return nil, err
	}
	wall, cpu, err := m.since()
	if err != nil {
		return nil, err
	}
	out := figures{{"connects_and_joins_per_second", float64(w.connections) / wall.Seconds()}}
	if !r.server.proc.known() {
		return out, w.wait(ctx, crowd)
	}
	out = append(out, figure{"cpu_ms_per_connect_and_join", cpu.Seconds() * 1000 / float64(w.connections)})
	m, err = r.meter()
	if err != nil {
		return nil, err
	}
	if err := w.wait(ctx, crowd); err != nil {
		return nil, err
	}
	wall, cpu, err = m.since()
	if err != nil {
		return nil, err
	}
	out = append(out, figure{"idle_cpu_percent", 100 * cpu.Seconds() / max(wall.Seconds(), 1e-9)})
	sizes, err := w.memory(ctx, r, before, collects)
	return append(out, sizes...), err
}

// wait does what a client does that is silent: nothing but heartbeats.
func (w *idle) wait(ctx context.Context, c *crowd) error {
	end := time.Now().Add(w.settle)
	return c.loop.Run(ctx, func(now time.Time) (time.Time, bool, error) {
		c.rig.bar.at("settling", float64(w.settle-end.Sub(now)), float64(w.settle))
		return end, !now.Before(end), c.err
	})
}

// memory is what the server has more than before for each connection: as it stands, and after it freed what it can.
func (w *idle) memory(ctx context.Context, r *rig, before memory, collects bool) (figures, error) {
	settled, err := r.server.proc.memory()
	if err != nil {
		return nil, err
	}
	each := func(after, before float64) float64 { return (after - before) / float64(w.connections) }
	out := figures{{"settled_bytes_per_connection", each(settled.resident, before.resident)}}
	if !collects {
		return out, nil
	}
	told, err := r.server.info(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := r.server.collect(ctx); err != nil {
		return nil, err
	}
	collected, err := r.server.proc.memory()
	if err != nil {
		return nil, err
	}
	return append(out,
		figure{"collected_bytes_per_connection", each(collected.resident, before.resident)},
		figure{"collected_anonymous_bytes_per_connection", each(collected.anonymous, before.anonymous)},
		figure{"goroutines", float64(told.Goroutines)}), nil
}
