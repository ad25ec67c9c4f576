//go:build linux

package bench

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// cluster measures what it costs that there are several nodes.
type cluster struct {
	options

	nodes    []int
	settle   time.Duration
	idle     time.Duration
	fan      scatter
	interest interest
	rooms    rooms
}

const clusterHelp = `-exec is started once for each node, with -node, -cluster-listen and -cluster-peers, which
make the nodes a mesh on this machine; it must have gc and info at -admin. 0 nodes are one
without those flags. The load is the same for any number of nodes:

idle      nothing is connected: heartbeats, digests, and what the engine does
local     broadcasts to topics whose subscribers are all on one node
spread    broadcasts to topics whose subscribers are on all nodes in turn
topic     one node begins to listen to many topics that nobody else wants
presence  users enter rooms on one node; one in each room is on another node

Each delivery is checked. Messages are those that nodes say to have got from others, bytes
what the kernel says of the connections between them, TCP's payload, CPU is that of all
nodes together, memory the heap after a collection. What an idle cluster does is measured
first and taken off the rest. Figures in brackets are times those of one node in the same
round. It takes some 20 s for each number of nodes and round.`

func clusterSetup(fs *flag.FlagSet) func(context.Context, output) error {
	c := &cluster{nodes: []int{0, 1, 2, 4, 8}}
	c.flags(fs, 3)
	fs.Func("nodes", "how `many` nodes, several with commas between them (default 0,1,2,4,8)", c.parseNodes)
	fs.DurationVar(&c.settle, "settle", time.Second, "how `long` to wait after nodes or clients came or went")
	fs.DurationVar(&c.idle, "idle", 5*time.Second, "how `long` to measure the cluster idle")
	fs.IntVar(&c.fan.topics, "topics", 40, "local, spread: how `many` topics")
	fs.IntVar(&c.fan.subscribers, "subscribers", 32, "local, spread: how `many` subscribers a topic has")
	fs.IntVar(&c.fan.size, "size", 64, "local, spread: the length of a payload, in `bytes`")
	fs.Float64Var(&c.fan.rate, "rate", 1000, "local, spread: broadcasts a `second`, over all topics")
	fs.DurationVar(&c.fan.warmup, "warmup", 500*time.Millisecond, "local, spread: how `long` not to measure at first")
	fs.DurationVar(&c.fan.duration, "duration", 3*time.Second, "local, spread: how `long` to measure")
	fs.IntVar(&c.interest.topics, "wanted", 10_000, "topic: how `many` topics")
	fs.IntVar(&c.rooms.rooms, "rooms", 20, "presence: how `many` rooms")
	fs.IntVar(&c.rooms.users, "users", 100, "presence: how `many` users enter each")
	return func(ctx context.Context, out output) error {
		if err := c.check(fs); err != nil {
			return err
		}
		rows, err := c.measure(ctx, newProgress(out.meanwhile))
		if err != nil {
			return err
		}
		if c.json {
			return printJSON(out.results, rows)
		}
		return printSizes(out.results, rows, c.count)
	}
}

func (c *cluster) parseNodes(s string) error {
	c.nodes = nil
	for word := range strings.SplitSeq(s, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(word))
		if err != nil || n < 0 || n > 100 {
			return fmt.Errorf("%q is not a number of nodes from 0 to 100", word)
		}
		c.nodes = append(c.nodes, n)
	}
	return nil
}

func (c *cluster) check(fs *flag.FlagSet) error {
	if err := c.options.check(fs); err != nil {
		return err
	}
	switch {
	case c.exec == "" || c.admin == "":
		return errors.New("the nodes are started here and asked what they did: it needs -exec and -admin")
	case c.fan.topics < 1 || c.fan.subscribers < 1 || c.fan.rate <= 0:
		return errors.New("-topics, -subscribers and -rate are at least 1")
	case c.interest.topics < 1:
		return errors.New("-wanted is at least 1")
	case c.rooms.rooms < 1 || c.rooms.users < 1:
		return errors.New("-rooms and -users are at least 1")
	}
	return nil
}

// A size is what came of one number of nodes.
type size struct {
	Nodes    int     `json:"nodes"`
	Figures  figures `json:"figures"`
	TimesOne figures `json:"times_one_node,omitzero"` // medians of the rounds
}

// measure runs all sizes in each round, so that what the machine does besides falls on all.
func (c *cluster) measure(ctx context.Context, bar *progress) ([]size, error) {
	defer bar.clear()
	all, times := make([][]figures, len(c.nodes)), make([][]figures, len(c.nodes))
	for round := range c.count {
		for i, n := range c.nodes {
			bar.label = fmt.Sprintf("round %d, %d nodes: ", round+1, n)
			f, err := c.once(ctx, n, bar)
			if err != nil {
				return nil, fmt.Errorf("%d nodes: %w", n, err)
			}
			all[i] = append(all[i], f)
		}
		if one := slices.Index(c.nodes, 1); one >= 0 {
			for i := range c.nodes {
				times[i] = append(times[i], ratios(all[i][round], all[one][round]))
			}
		}
	}
	rows := make([]size, len(c.nodes))
	for i, n := range c.nodes {
		rows[i] = size{n, medians(all[i]), medians(times[i])}
	}
	return rows, nil
}

// once measures a cluster that it starts and stops.
func (c *cluster) once(ctx context.Context, n int, bar *progress) (out figures, err error) {
	f, err := c.startFleet(ctx, n, bar)
	defer func() { err = errors.Join(err, f.stop()) }()
	if err != nil {
		return nil, err
	}
	if out, err = f.measureIdle(ctx, c.idle); err != nil {
		return nil, err
	}
	near, far := c.fan, c.fan
	near.name, far.name, far.spread = "local", "spread", true
	for _, w := range []fleetLoad{near, far, c.interest, c.rooms} {
		more, err := w.run(ctx, f)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
		if err := pause(ctx, f.settle); err != nil { // until those who were there are gone
			return nil, err
		}
	}
	return out, nil
}

// A fleetLoad is one thing to measure on several nodes.
type fleetLoad interface {
	run(ctx context.Context, f *fleet) (figures, error)
}

// printSizes writes a table with a column for each number of nodes.
func printSizes(w io.Writer, rows []size, rounds int) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "medians of %d\t", rounds)
	var names []string
	for _, r := range rows {
		fmt.Fprintf(t, "%d nodes\t", r.Nodes)
		for i, f := range r.Figures { // larger clusters have some that smaller ones lack
			if !slices.Contains(names, f.name) {
				names = slices.Insert(names, min(i, len(names)), f.name)
			}
		}
	}
	fmt.Fprintln(t)
	for _, name := range names {
		fmt.Fprintf(t, "%s\t", spaced(name))
		for _, r := range rows {
			cell := "-"
			if v, ok := r.Figures.get(name); ok {
				cell = human(v)
			}
			if v, ok := r.TimesOne.get(name); ok && strings.Contains(name, "cpu") && r.Nodes != 1 {
				cell += fmt.Sprintf(" (%.2f)", v)
			}
			fmt.Fprintf(t, "%s\t", cell)
		}
		fmt.Fprintln(t)
	}
	return t.Flush()
}
