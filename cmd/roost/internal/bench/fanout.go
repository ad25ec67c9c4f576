//go:build linux

package bench

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json/jsontext"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/roost-dev/roost/cmd/roost/internal/load"
	"github.com/roost-dev/roost/wire"
)

const (
	maxOutstanding = 1024                   // broadcasts that not all subscribers have
	lastWords      = 200 * time.Millisecond // after the last delivery, for what should not come
)

// fanout has one of the subscribers of a topic broadcast, and checks that each of them gets each broadcast once, in order.
type fanout struct {
	subscribers int
	topic       string
	params      string // of the joins; empty: none
	event       string
	size        int     // of a payload, in bytes
	window      int     // broadcasts outstanding, if rate is 0
	rate        float64 // broadcasts a second
	warmup      time.Duration
	duration    time.Duration
	readEvery   time.Duration // negative: by the number of subscribers
}

// A fan is a fanout under way. Broadcasts are numbered from 0.
type fan struct {
	fault
	*fanout
	rig       *rig
	loop      *load.Loop
	conns     []*load.Conn
	frame     *template
	payload   numbered
	next      []uint64 // by ID of a connection: the number that it gets next
	sent      uint64
	done      uint64                    // all have got what is below
	recent    [maxOutstanding]broadcast // by number
	warm      time.Time                 // when measuring begins
	end       time.Time                 // when sending ends
	measuring bool
	delivered uint64 // while measuring
	delays    histogram
}

type broadcast struct {
	due  time.Time
	left int    // subscribers that lack it
	text []byte // as it came first; whoever gets the same bytes got the same message
}

func (w *fanout) run(ctx context.Context, r *rig) (figures, error) {
	f, err := w.open(ctx, r)
	if err != nil {
		return nil, err
	}
	defer f.loop.Close()
	return f.measure(ctx)
}

// open has the subscribers join. The caller must close the loop.
func (w *fanout) open(ctx context.Context, r *rig) (*fan, error) {
	switch {
	case w.subscribers < 1:
		return nil, errors.New("-subscribers is at least 1")
	case w.rate < 0 || w.rate == 0 && (w.window < 1 || w.window > maxOutstanding):
		return nil, fmt.Errorf("-window is from 1 to %d, unless there is a -rate, which is positive", maxOutstanding)
	}
	payload, err := padded(w.size)
	if err != nil {
		return nil, err
	}
	f := &fan{
		fanout: w, rig: r, next: make([]uint64, w.subscribers),
		payload: numbered{[]byte(payload), strings.Index(payload, placeholder)},
	}
	if f.frame, err = newTemplate(w.topic, w.event, "s", payload); err != nil {
		return nil, err
	}
	if f.loop, err = r.loop(ctx); err != nil {
		return nil, err
	}
	c := r.crowd(f.loop, w.subscribers, func(int) string { return w.topic })
	c.params = cmp.Or(w.params, c.params)
	if err := c.enter(ctx); err != nil {
		f.loop.Close()
		return nil, err
	}
	f.conns = c.conns
	f.loop.Handle(f)
	f.loop.ReadEvery = w.pause()
	return f, nil
}

// pause is how often the client reads. With a window it leaves the CPU to the server in between, at a rate every moment counts.
func (w *fanout) pause() time.Duration {
	switch {
	case w.readEvery >= 0:
		return w.readEvery
	case w.rate > 0:
		return 0
	case w.subscribers <= 100:
		return 5 * time.Millisecond
	case w.subscribers <= 1000:
		return 20 * time.Millisecond
	}
	return 50 * time.Millisecond
}

// measure warms up, measures, and waits for what is outstanding.
func (f *fan) measure(ctx context.Context) (figures, error) {
	f.warm = time.Now().Add(f.warmup)
	f.end = f.warm.Add(f.duration)
	if err := f.loop.Run(ctx, f.until(f.warm)); err != nil {
		return nil, err
	}
	m, err := f.rig.meter()
	if err != nil {
		return nil, err
	}
	f.measuring = true
	if err := f.loop.Run(ctx, f.until(f.end)); err != nil {
		return nil, err
	}
	f.measuring = false
	wall, cpu, err := m.since()
	if err != nil {
		return nil, err
	}
	if err := f.drain(ctx); err != nil {
		return nil, err
	}
	out := figures{{"deliveries_per_second", float64(f.delivered) / wall.Seconds()}}
	out = append(out, m.perMillion(cpu, f.delivered)...)
	return append(out, latencies(&f.delays)...), nil
}

// until is a step that keeps broadcasts going until end.
func (f *fan) until(end time.Time) func(time.Time) (time.Time, bool, error) {
	progressed, done := time.Now(), f.done
	return func(now time.Time) (time.Time, bool, error) {
		if f.err != nil || !now.Before(end) {
			return now, true, f.err
		}
		if f.done > done || f.sent == f.done {
			progressed, done = now, f.done
		}
		if now.Sub(progressed) > f.rig.timeout {
			return now, false, f.lost()
		}
		f.rig.bar.at("broadcasting", float64(f.warmup+f.duration-f.end.Sub(now)), float64(f.warmup+f.duration))
		return f.broadcast(now, end), false, f.err
	}
}

// broadcast sends what is due, and returns when the next is.
func (f *fan) broadcast(now, end time.Time) time.Time {
	if f.rate == 0 {
		for f.sent-f.done < uint64(f.window) {
			f.send(now)
		}
		return end
	}
	for {
		begun := f.warm.Add(-f.warmup)
		due := begun.Add(time.Duration(float64(f.sent) / f.rate * float64(time.Second)))
		if due.After(now) {
			return due
		}
		if f.sent-f.done == maxOutstanding {
			f.reportf("the server does not keep up with %g broadcasts a second: %d are outstanding", f.rate, maxOutstanding)
			return end
		}
		f.send(due) // a late one counts from when it should have gone
	}
}

func (f *fan) send(due time.Time) {
	b := &f.recent[f.sent%maxOutstanding]
	b.due, b.left, b.text = due, f.subscribers, b.text[:0]
	f.conns[0].Queue(f.frame.with(f.sent))
	f.sent++
}

// drain waits for the last deliveries, and a moment more for what should not come.
func (f *fan) drain(ctx context.Context) error {
	limit := time.Now().Add(f.rig.timeout)
	err := f.loop.Run(ctx, func(now time.Time) (time.Time, bool, error) {
		if now.After(limit) {
			return now, false, f.lost()
		}
		return limit, f.done == f.sent, f.err
	})
	if err != nil {
		return err
	}
	silent := time.Now().Add(lastWords)
	return f.loop.Run(ctx, func(now time.Time) (time.Time, bool, error) { return silent, !now.Before(silent), f.err })
}

// lost tells which delivery did not come.
func (f *fan) lost() error {
	missing := 0
	for _, next := range f.next {
		missing += int(f.sent - next)
	}
	err := fmt.Errorf("%w: %d deliveries of %d broadcasts are missing after %v", errTimeout, missing, f.sent-f.done, f.rig.timeout)
	if f.done == 0 {
		err = fmt.Errorf("%w; does the channel broadcast what is pushed as %q?", err, f.event)
	}
	return err
}

// Opened implements [load.Handler].
func (f *fan) Opened(*load.Conn) {}

// Closed implements [load.Handler].
func (f *fan) Closed(c *load.Conn, err error) { f.reportf("subscriber %d: %w", c.ID, err) }

// Message implements [load.Handler].
func (f *fan) Message(c *load.Conn, text []byte) {
	n := f.next[c.ID]
	b := &f.recent[n%maxOutstanding]
	if (n >= f.sent || !bytes.Equal(text, b.text)) && !f.check(c, text, n) {
		return
	}
	f.next[c.ID]++
	if f.measuring {
		f.delivered++
		f.delays.add(f.loop.Read().Sub(b.due))
	}
	if b.left--; b.left == 0 {
		f.done++ // those before it are, since each gets them in order
	}
}

// check decodes a message, and reports whether it is broadcast n.
func (f *fan) check(c *load.Conn, text []byte, n uint64) bool {
	m, err := wire.V2.DecodeServer(text, false)
	if err != nil {
		f.reportf("subscriber %d: %w", c.ID, err)
		return false
	}
	topic, _ := m.Topic.Text()
	switch {
	case topic == wire.TopicHeartbeat, m.Status == wire.StatusOK:
		return false // to a heartbeat, or to the push of a server that answers it
	case topic != f.topic || m.Event == wire.EventReply || m.Event == wire.EventClose || m.Event == wire.EventError:
		f.reportf("subscriber %d got %.200s", c.ID, text)
		return false
	case m.Event != f.event:
		return false // what else a channel has to say, such as who is here
	}
	payload := jsontext.Value(bytes.Clone(m.Payload.Data))
	if err := payload.Canonicalize(); err != nil { // servers may write it otherwise
		f.reportf("subscriber %d: %w", c.ID, err)
		return false
	}
	got, ok := f.payload.match(payload)
	switch {
	case !ok:
		f.reportf("subscriber %d got the payload %.200s, which nobody sent", c.ID, m.Payload.Data)
	case got > n:
		f.reportf("subscriber %d got broadcast %d and lacks %d before it: lost, or out of order", c.ID, got, n)
	case got < n:
		f.reportf("subscriber %d got broadcast %d after %d: a duplicate, or out of order", c.ID, got, n-1)
	case n >= f.sent:
		f.reportf("subscriber %d got broadcast %d, which was not sent", c.ID, got)
	default:
		b := &f.recent[n%maxOutstanding]
		b.text = append(b.text[:0], text...)
		return true
	}
	return false
}
