//go:build linux

package bench

import (
	"bytes"
	"context"
	"fmt"
	"slices"
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
	delays *histogram
}

func newRejoin(r *rig, loop *load.Loop, clients int, topic, params string, missed [][]byte) (*rejoin, error) {
	join, err := joinFrame(topic, params)
	return &rejoin{
		rig: r, loop: loop, topic: topic, join: join, missed: missed, atOnce: r.atOnce,
		began: make([]time.Time, clients), got: slices.Repeat([]int{-1}, clients), delays: &histogram{},
	}, err
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
			return now, false, fmt.Errorf("%w: %d of %d clients have what they missed, and no other within %v",
				errTimeout, back, len(j.got), j.rig.timeout)
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
	if n >= 0 && n < len(j.missed) && bytes.Equal(text, j.missed[n]) {
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
	case topic == j.topic && n < 0 && m.Event == wire.EventReply && m.Status == wire.StatusOK && j.accepts(m.Payload.Data):
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

// accepts reports whether a join reply promises what it should.
func (j *rejoin) accepts(response []byte) bool {
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
