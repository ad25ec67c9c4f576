//go:build linux

package bench

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"
)

// miss fills a topic's log and then has somebody broadcast what others miss, exactly as missed; after is what these join
// with. The log's author stays until done is called.
func (w *history) miss(ctx context.Context, r *rig, topic string) (after string, missed [][]byte, done func(), err error) {
	a, err := w.author(ctx, r, topic)
	if err != nil {
		return "", nil, nil, err
	}
	if err := a.publish(ctx, w.most); err != nil {
		a.loop.Close()
		return "", nil, nil, err
	}
	after = fmt.Sprintf(`{"_history":{"after":%q}}`, a.position)
	if err := a.publish(ctx, w.missed); err != nil {
		a.loop.Close()
		return "", nil, nil, err
	}
	return after, a.texts, a.loop.Close, nil
}

// A joinKind is a way to join, compared with others.
type joinKind struct {
	name, topic, params string
	missed              [][]byte
	delays              histogram
}

// rejoins compares joins of connections that are open.
func (w *history) rejoins(ctx context.Context, r *rig) (figures, error) {
	topic := w.kept + "-join"
	after, missed, done, err := w.miss(ctx, r, topic)
	if err != nil {
		return nil, err
	}
	defer done()
	loop, err := r.loop(ctx)
	if err != nil {
		return nil, err
	}
	defer loop.Close()
	crowd, err := r.enter(ctx, loop, w.joins, nil)
	if err != nil {
		return nil, err
	}
	plain, rejoin := &joinKind{topic: topic, params: "{}"}, &joinKind{name: "rejoin", topic: topic, params: after, missed: missed}
	kinds := []*joinKind{
		plain, {name: "not_kept", topic: w.other + "-join", params: "{}"}, {name: "followed", topic: topic, params: follow}, rejoin,
	}
	var turns []figures
	for range w.turns {
		var turn figures
		for _, k := range kinds {
			cpu, err := w.joinOnce(ctx, r, crowd, k)
			if err != nil {
				return nil, err
			}
			turn = compare(turn, "join", k.name, "cpu_us", cpu.Seconds()*1e6/float64(w.joins))
		}
		turns = append(turns, turn)
	}
	out := medians(turns)
	return slices.Concat(out, delaysOf("join", &plain.delays), delaysOf("rejoin", &rejoin.delays)), nil
}

// joinOnce has all connections join and leave, and returns what the joins took of the server's CPU.
func (w *history) joinOnce(ctx context.Context, r *rig, c *crowd, k *joinKind) (time.Duration, error) {
	j, err := newRejoin(r, c.loop, w.joins, k.topic, k.params, k.missed)
	if err != nil {
		return 0, err
	}
	j.conns, j.delays = c.conns, &k.delays
	m, err := r.meter()
	if err != nil {
		return 0, err
	}
	if err := j.run(ctx); err != nil {
		return 0, err
	}
	_, cpu, err := m.since()
	if err != nil {
		return 0, err
	}
	return cpu, (&leaving{}).run(ctx, r, c.loop, c.conns, k.topic)
}

func delaysOf(name string, h *histogram) figures {
	return figures{
		{name + "_p50_ms", h.percentile(0.5).Seconds() * 1000},
		{name + "_p99_ms", h.percentile(0.99).Seconds() * 1000},
	}
}

// returns has all clients come back at once.
func (w *history) returns(ctx context.Context, r *rig) (figures, error) {
	topic := w.kept + "-return"
	after, missed, done, err := w.miss(ctx, r, topic)
	if err != nil {
		return nil, err
	}
	defer done()
	var turns []figures
	for range max(1, w.turns/2) {
		plain, err := w.comeBack(ctx, r, "come_back_plain", topic, "{}", nil)
		if err != nil {
			return nil, err
		}
		all, err := w.comeBack(ctx, r, "come_back", topic, after, missed)
		if err != nil {
			return nil, err
		}
		turns = append(turns, append(plain, all...))
	}
	return medians(turns), nil
}

// stormAtOnce is how many of a crowd connect or join at a time: more would overrun what the kernel lets wait to be accepted.
const stormAtOnce = 1000

func (w *history) comeBack(ctx context.Context, r *rig, name, topic, params string, missed [][]byte) (figures, error) {
	loop, err := r.loop(ctx)
	if err != nil {
		return nil, err
	}
	defer loop.Close()
	j, err := newRejoin(r, loop, w.clients, topic, params, missed)
	if err != nil {
		return nil, err
	}
	j.atOnce = max(r.atOnce, stormAtOnce)
	if err := r.calm(ctx); err != nil {
		return nil, err
	}
	own := &rig{server: &server{proc: process{os.Getpid()}}}
	theirs, err := r.meter()
	if err != nil {
		return nil, err
	}
	ours, err := own.meter()
	if err != nil {
		return nil, err
	}
	if err := j.run(ctx); err != nil {
		return nil, err
	}
	wall, cpu, err := theirs.since()
	if err != nil {
		return nil, err
	}
	_, clients, err := ours.since()
	out := figures{
		{name + "_seconds", wall.Seconds()},
		{name + "_server_cpu_seconds", cpu.Seconds()},
		{name + "_client_cpu_seconds", clients.Seconds()},
	}
	return append(out, delaysOf(name, j.delays)...), err
}

// calm waits until the server is through with what was done to it.
func (r *rig) calm(ctx context.Context) error {
	const look, little = 200 * time.Millisecond, 10 * time.Millisecond
	for limit := time.Now().Add(r.timeout); ; {
		m, err := r.meter()
		if err != nil {
			return err
		}
		if err := pause(ctx, look); err != nil {
			return err
		}
		_, cpu, err := m.since()
		if err != nil || cpu < little {
			return err
		}
		if time.Now().After(limit) {
			return fmt.Errorf("%w: the server is still busy", errTimeout)
		}
	}
}
