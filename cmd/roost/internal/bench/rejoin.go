//go:build linux

package bench

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"time"

	"github.com/roost-dev/roost/cmd/roost/internal/load"
	"github.com/roost-dev/roost/internal/ws"
	"github.com/roost-dev/roost/wire"
)

// A rejoin is connections that join a topic and get what they missed. Their IDs count from 0.
type rejoin struct {
	fault
	rig    *rig
	loop   *load.Loop
	topic  string
	join   []byte
	missed [][]byte // what each gets behind its join reply; nil: not a word of it
	atOnce int
	conns  []*load.Conn // nil: each is still to connect
	began  []time.Time
	got    []int // of what was missed; -1: still joining
	begun  int
	back   int // connections that have all
	delays histogram
}

func (w *history) rejoin(r *rig, loop *load.Loop, clients int, topic, params string, missed [][]byte) (*rejoin, error) {
	j := &rejoin{rig: r, loop: loop, topic: topic, missed: missed, atOnce: r.atOnce, began: make([]time.Time, clients), got: make([]int, clients)}
	for i := range j.got {
		j.got[i] = -1
	}
	var err error
	j.join, err = joinFrame(topic, params)
	return j, err
}

// run has all of them join and returns once each has what it missed.
func (j *rejoin) run(ctx context.Context) error {
	j.loop.Handle(j)
	progressed, back := time.Now(), 0
	return j.loop.Run(ctx, func(now time.Time) (time.Time, bool, error) {
		if j.back > back {
			progressed, back = now, j.back
			j.rig.bar.at("joining", float64(back), float64(len(j.got)))
		}
		if now.Sub(progressed) > j.rig.timeout {
			return now, false, fmt.Errorf("%w: %d of %d clients have what they missed, and no other within %v", errTimeout, back, len(j.got), j.rig.timeout)
		}
		for j.begun < len(j.got) && j.begun-j.back < j.atOnce && j.err == nil {
			if err := j.begin(j.begun); err != nil {
				return now, false, fmt.Errorf("connection %d: %w", j.begun, err)
			}
			j.begun++
		}
		return time.Time{}, j.back == len(j.got), j.err
	})
}

func (j *rejoin) begin(id int) error {
	j.began[id] = time.Now()
	if j.conns != nil {
		j.conns[id].Send(j.join)
		return nil
	}
	_, err := j.loop.Dial(id)
	return err
}

// Opened implements [load.Handler].
func (j *rejoin) Opened(c *load.Conn) { c.Send(j.join) }

// Closed implements [load.Handler].
func (j *rejoin) Closed(c *load.Conn, err error) { j.reportf("connection %d: %w", c.ID, err) }

// Message implements [load.Handler].
func (j *rejoin) Message(c *load.Conn, text []byte) {
	n := j.got[c.ID]
	if n >= 0 && n < len(j.missed) {
		if !bytes.Equal(text, j.missed[n]) {
			j.reportf("connection %d got %.200s\nand should have got %.200s", c.ID, text, j.missed[n])
			return
		}
		j.got[c.ID]++
		return
	}
	m, err := wire.V2.DecodeServer(text, false)
	if err != nil {
		j.reportf("connection %d: %w", c.ID, err)
		return
	}
	topic, _ := m.Topic.Text()
	switch {
	case topic == wire.TopicHeartbeat:
		return
	case topic == j.topic && n < 0 && m.Event == wire.EventReply && m.Status == wire.StatusOK && j.isAsked(m.Payload.Data):
		j.got[c.ID] = 0
		if j.missed != nil {
			return
		}
	case topic == j.topic && n == len(j.missed) && j.missed != nil && m.Event == wire.KeyHistory && string(m.Payload.Data) == j.last():
		j.got[c.ID]++ // nothing comes behind it
	default:
		j.reportf("connection %d, with %d of %d events, got %.200s", c.ID, n, len(j.missed), text)
		return
	}
	j.back++
	j.delays.add(j.loop.Read().Sub(j.began[c.ID]))
}

// isAsked reports whether a join reply says what it should.
func (j *rejoin) isAsked(response []byte) bool {
	return j.missed == nil || bytes.Contains(response, []byte(`"recovered":true`))
}

// last is what says that all was told.
func (j *rejoin) last() string { return fmt.Sprintf(`{"recovered":%d}`, len(j.missed)) }

// A leaving is connections that leave a topic.
type leaving struct {
	fault
	left int
}

func (l *leaving) run(ctx context.Context, r *rig, loop *load.Loop, conns []*load.Conn, topic string) error {
	text, err := push(topic, wire.EventLeave, leaveRef, "{}")
	if err != nil {
		return err
	}
	frame := ws.AppendClient(nil, ws.Text, text)
	loop.Handle(l)
	for _, c := range conns {
		c.Queue(frame)
	}
	limit := time.Now().Add(r.timeout)
	return loop.Run(ctx, func(now time.Time) (time.Time, bool, error) {
		if now.After(limit) {
			return now, false, fmt.Errorf("%w: %d of %d left", errTimeout, l.left, len(conns))
		}
		return limit, l.left == 2*len(conns), l.err // each gets a reply and a phx_close
	})
}

// Opened implements [load.Handler].
func (l *leaving) Opened(*load.Conn) {}

// Closed implements [load.Handler].
func (l *leaving) Closed(c *load.Conn, err error) { l.reportf("connection %d: %w", c.ID, err) }

// Message implements [load.Handler].
func (l *leaving) Message(c *load.Conn, text []byte) {
	m, err := wire.V2.DecodeServer(text, false)
	switch topic, _ := m.Topic.Text(); {
	case err != nil:
		l.reportf("connection %d: %w", c.ID, err)
	case topic == wire.TopicHeartbeat:
	case m.Event == wire.EventClose, m.Event == wire.EventReply && m.Status == wire.StatusOK:
		l.left++
	default:
		l.reportf("connection %d, which leaves, got %.200s", c.ID, text)
	}
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
	kinds := []struct {
		name, topic, params string
		missed              [][]byte
	}{
		{"", topic, "{}", nil},
		{"not_kept", w.other + "-join", "{}", nil},
		{"followed", topic, `{"_history":true}`, nil},
		{"rejoin", topic, after, missed},
	}
	delays := make([]histogram, len(kinds))
	var turns []figures
	for range w.turns {
		var turn figures
		for i, k := range kinds {
			j, err := w.rejoin(r, loop, w.joins, k.topic, k.params, k.missed)
			if err != nil {
				return nil, err
			}
			j.conns, j.delays = crowd.conns, delays[i]
			m, err := r.meter()
			if err != nil {
				return nil, err
			}
			if err := j.run(ctx); err != nil {
				return nil, err
			}
			_, cpu, err := m.since()
			if err != nil {
				return nil, err
			}
			delays[i] = j.delays
			turn = w.compare(turn, "join", k.name, "cpu_us", cpu.Seconds()*1e6/float64(w.joins))
			if err := (&leaving{}).run(ctx, r, loop, crowd.conns, k.topic); err != nil {
				return nil, err
			}
		}
		turns = append(turns, turn)
	}
	out := medians(turns)
	for i, k := range kinds {
		if k.name == "" || k.missed != nil {
			name := "join"
			if k.missed != nil {
				name = "rejoin"
			}
			out = append(out, figure{name + "_p50_ms", delays[i].percentile(0.5).Seconds() * 1000},
				figure{name + "_p99_ms", delays[i].percentile(0.99).Seconds() * 1000})
		}
	}
	return out, nil
}

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
	j, err := w.rejoin(r, loop, w.clients, topic, params, missed)
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
	return figures{
		{name + "_seconds", wall.Seconds()},
		{name + "_server_cpu_seconds", cpu.Seconds()},
		{name + "_client_cpu_seconds", clients.Seconds()},
		{name + "_p50_ms", j.delays.percentile(0.5).Seconds() * 1000},
		{name + "_p99_ms", j.delays.percentile(0.99).Seconds() * 1000},
	}, err
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
