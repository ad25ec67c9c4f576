//go:build linux

package bench

import (
	"bytes"
	"context"
	"encoding/json/v2"
	"fmt"
	"time"

	"github.com/roost-dev/roost/cmd/roost/internal/load"
	"github.com/roost-dev/roost/wire"
)

// An author is a client that broadcasts on a topic whose events are kept, and follows it.
type author struct {
	fault
	rig      *rig
	loop     *load.Loop
	topic    string
	event    string
	conn     *load.Conn
	frame    *template
	sent     uint64
	position string   // of the last event that it got
	texts    [][]byte // what it got since the last publish began
}

// author has a client join a topic. The caller must close its loop.
func (w *history) author(ctx context.Context, r *rig, topic string) (*author, error) {
	payload, err := padded(w.size)
	if err != nil {
		return nil, err
	}
	a := &author{rig: r, topic: topic, event: w.event}
	if a.frame, err = newTemplate(topic, w.event, "s", payload); err != nil {
		return nil, err
	}
	if a.loop, err = r.loop(ctx); err != nil {
		return nil, err
	}
	a.loop.Handle(a)
	if a.conn, err = a.loop.Dial(0); err == nil {
		err = a.wait(ctx, func() bool { return a.position != "" })
	}
	if err != nil {
		a.loop.Close()
		return nil, err
	}
	return a, nil
}

// publish broadcasts n events and returns once the author has got all of them.
func (a *author) publish(ctx context.Context, n int) error {
	a.texts = nil
	for range n {
		a.conn.Queue(a.frame.with(a.sent))
		a.sent++
	}
	return a.wait(ctx, func() bool { return len(a.texts) == n })
}

func (a *author) wait(ctx context.Context, done func() bool) error {
	limit := time.Now().Add(a.rig.timeout)
	return a.loop.Run(ctx, func(now time.Time) (time.Time, bool, error) {
		if now.After(limit) {
			return now, false, fmt.Errorf("%w: the author of %s has got %d of its events", errTimeout, a.topic, len(a.texts))
		}
		return limit, done(), a.err
	})
}

// Opened implements [load.Handler].
func (a *author) Opened(c *load.Conn) {
	frame, err := joinFrame(a.topic, follow)
	if err != nil {
		a.reportf("%w", err)
		return
	}
	c.Send(frame)
}

// Closed implements [load.Handler].
func (a *author) Closed(_ *load.Conn, err error) { a.reportf("the author of %s: %w", a.topic, err) }

// Message implements [load.Handler].
func (a *author) Message(_ *load.Conn, text []byte) {
	m, err := wire.V2.DecodeServer(text, false)
	if err != nil {
		a.reportf("the author of %s: %w", a.topic, err)
		return
	}
	topic, _ := m.Topic.Text()
	switch {
	case topic == wire.TopicHeartbeat:
	case m.Event == wire.EventReply && a.position == "":
		if a.position, err = positionOf(&m); err != nil {
			a.reportf("the author of %s: %w", a.topic, err)
		}
	case m.Event == a.event:
		a.position, _ = m.Ref.Text()
		a.texts = append(a.texts, bytes.Clone(text))
	default:
		a.reportf("the author of %s got %.200s", a.topic, text)
	}
}

// positionOf returns the position in a reply to a join.
func positionOf(m *wire.ServerMessage) (string, error) {
	var response struct {
		History struct {
			Position string `json:"position"`
		} `json:"_history"` //nolint:tagliatelle // the protocol's own
	}
	if m.Status != wire.StatusOK {
		return "", fmt.Errorf("the join was refused: %s", m.Payload.Data)
	}
	if err := json.Unmarshal(m.Payload.Data, &response); err != nil {
		return "", err
	}
	if response.History.Position == "" {
		return "", fmt.Errorf("the reply to the join has no position: are the topic's events kept? %s", m.Payload.Data)
	}
	return response.History.Position, nil
}
