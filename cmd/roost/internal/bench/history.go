//go:build linux

package bench

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"time"
)

// history measures what it costs that the events of a topic are kept, and that who was away gets what it missed.
type history struct {
	kept, other string // topics, to which something is added: events of the first are kept
	event       string
	size        int // of a payload, in bytes
	missed      int
	joins       int // connections that join, at a time
	clients     int // that come back at once
	turns       int
	warmup      time.Duration
	duration    time.Duration
	most        int // events that a topic keeps
	only        string
}

func historyFlags(fs *flag.FlagSet) workload {
	w := newHistory(100*time.Millisecond, 500*time.Millisecond)
	fs.StringVar(&w.kept, "kept", w.kept, "the `topic` whose events are kept, to which something is added")
	fs.StringVar(&w.other, "other", w.other, "the `topic` whose events are not")
	fs.StringVar(&w.event, "event", w.event, "the `event` whose payload the server broadcasts, as the same event")
	fs.IntVar(&w.size, "size", w.size, "the length of a payload, in `bytes`")
	fs.IntVar(&w.missed, "missed", w.missed, "how `many` events who comes back has missed")
	fs.IntVar(&w.joins, "joins", w.joins, "how `many` connections join for the cost of a join")
	fs.IntVar(&w.clients, "clients", w.clients, "how `many` come back at once")
	fs.IntVar(&w.turns, "turns", w.turns, "how `many` times to measure each in turn with what it is compared with")
	fs.DurationVar(&w.warmup, "warmup", w.warmup, "broadcasts: how `long` not to measure at first in a turn")
	fs.DurationVar(&w.duration, "duration", w.duration, "broadcasts: how `long` a turn is")
	fs.IntVar(&w.most, "most", w.most, "how `many` events the server keeps of a topic")
	fs.StringVar(&w.only, "only", "", "only this `part`: heap, to, join or back")
	return w
}

// newHistory is the workload as it is in the set.
func newHistory(warmup, duration time.Duration) *history {
	return &history{
		kept: "log:bench", other: "echo:bench", event: "shout", size: 64, missed: 100, joins: 2000, clients: 10_000,
		turns: 3, warmup: warmup, duration: duration, most: 1000,
	}
}

const historyHelp = `heap       what a kept event takes in the heap beside its payload (with -admin)
to N       broadcasts to N subscribers, one outstanding: CPU of the server for each on a topic
           that is not kept, and how many times that it is on one that is kept, where the
           subscribers do not ask for positions (kept) and where they do (followed)
join       CPU of the server for a join, 32 at a time, on connections that are open: on a topic
           that is not kept, on one that is, with a position in the reply (followed), and with
           as many events missed as -missed says (rejoin); and until the client has it all
back       as many as -clients lose their connections at once, connect again as fast as the
           client can, and join: without a word of what they missed (plain), and getting it

What is compared takes turns within a round. Each client must get what it missed exactly as who was
there got it, in order, behind its join reply, or there is no figure.`

func (w *history) run(ctx context.Context, r *rig) (figures, error) {
	switch {
	case !r.server.proc.known():
		return nil, errors.New("this compares CPU: it needs -exec, or -url and -pid")
	case w.missed < 1 || w.missed > w.most:
		return nil, fmt.Errorf("-missed is from 1 to %d", w.most)
	case w.joins < 1 || w.clients < 1 || w.turns < 1:
		return nil, errors.New("-joins, -clients and -turns are at least 1")
	}
	var out figures
	for _, part := range []struct {
		name string
		run  func(context.Context, *rig) (figures, error)
	}{{"heap", w.heap}, {"to", w.broadcasts}, {"join", w.rejoins}, {"back", w.returns}} {
		if w.only != "" && w.only != part.name {
			continue
		}
		measured, err := part.run(ctx, r)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", part.name, err)
		}
		out = append(out, measured...)
	}
	return out, nil
}

// heap has topics filled with events and looks how much the server's heap grew.
func (w *history) heap(ctx context.Context, r *rig) (figures, error) {
	const topics = 50
	if r.server.admin == "" {
		return nil, nil
	}
	authors := make([]*author, topics)
	for i := range authors {
		a, err := w.author(ctx, r, fmt.Sprintf("%s-heap-%d", w.kept, i))
		if err != nil {
			return nil, err
		}
		defer a.loop.Close()
		if err := a.publish(ctx, 1); err != nil { // the topic has a log
			return nil, err
		}
		authors[i] = a
	}
	nodes := &fleet{rig: r, servers: []*server{r.server}}
	before, err := nodes.heaps(ctx)
	if err != nil {
		return nil, err
	}
	for i, a := range authors {
		r.bar.at("filling", float64(i), topics)
		if err := a.publish(ctx, w.most-1); err != nil {
			return nil, err
		}
	}
	grown, err := nodes.grown(ctx, before, topics*(w.most-1))
	if err != nil {
		return nil, err
	}
	return figures{{"heap_bytes_per_kept_event_beside_payload", grown[0] - float64(w.size)}}, nil
}

// subscriberCounts are for how many subscribers broadcasts are measured.
var subscriberCounts = []int{1, 10, 1000}

// broadcasts compares topics of as many subscribers, for some numbers of these.
func (w *history) broadcasts(ctx context.Context, r *rig) (figures, error) {
	var out figures
	for _, n := range subscriberCounts {
		measured, err := w.broadcastsTo(ctx, r, n)
		if err != nil {
			return nil, err
		}
		out = append(out, measured...)
	}
	return out, nil
}

// follow is the join params of who asks for positions.
const follow = `{"_history":true}`

func (w *history) broadcastsTo(ctx context.Context, r *rig, subscribers int) (figures, error) {
	kinds := []struct{ name, topic, params string }{
		{"", w.other, "{}"}, {"kept", w.kept, "{}"}, {"followed", w.kept, follow},
	}
	fans := make([]*fan, len(kinds))
	for i, k := range kinds {
		fan := &fanout{
			subscribers: subscribers, topic: fmt.Sprintf("%s-%d-%d", k.topic, subscribers, i), params: k.params,
			event: w.event, size: w.size, window: 1, warmup: w.warmup, duration: w.duration,
		}
		if subscribers > 100 {
			fan.readEvery = -1
		}
		f, err := fan.open(ctx, r)
		if err != nil {
			return nil, err
		}
		defer f.loop.Close()
		fans[i] = f
	}
	var turns []figures
	for range w.turns {
		var turn figures
		for i, k := range kinds {
			f := fans[i]
			f.delivered, f.delays = 0, histogram{}
			measured, err := f.measure(ctx)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", f.topic, err)
			}
			perMillion, _ := measured.get("cpu_seconds_per_million")
			turn = compare(turn, fmt.Sprintf("to_%d", subscribers), k.name, "cpu_us_per_broadcast", perMillion*float64(subscribers))
		}
		turns = append(turns, turn)
	}
	return medians(turns), nil
}

// compare adds a figure of a kind, and how many times that of the first kind it is.
func compare(to figures, what, kind, unit string, value float64) figures {
	if kind == "" {
		return append(to, figure{what + "_" + unit, value})
	}
	first, _ := to.get(what + "_" + unit)
	return append(to, figure{what + "_" + kind + "_times", value / first})
}
