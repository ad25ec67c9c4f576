//go:build linux

// Package bench is the command roost bench: it drives any server that speaks Phoenix's protocol and says what it
// reaches and what it costs.
package bench

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// A command is a word, or two, after roost bench. Its setup adds its flags and returns what runs once they are parsed.
type command struct {
	name, summary, about string
	setup                func(fs *flag.FlagSet) func(ctx context.Context, out output) error
}

// output is where a command writes: its results, and what it does meanwhile.
type output struct {
	results, meanwhile io.Writer
}

// commands are in the order that a newcomer reads of them.
func commands() []command {
	return []command{
		single("idle", "connections that join a topic and do nothing: rate, memory, CPU", idleHelp, idleFlags),
		single("fanout", "broadcasts to the subscribers of a topic: deliveries a second, latency, CPU", fanoutHelp, fanoutFlags),
		single("rr", "pushes that are replied to: replies a second, latency, CPU", rrHelp, rrFlags),
		single("presence", "users that enter one room at once, until all know all", presenceHelp, presenceFlags),
		single("storm", "connections that join, leave and close, over and over", stormHelp, stormFlags),
		single("history", "what it costs to keep events: broadcasts, rejoins, a crowd that comes back", historyHelp, historyFlags),
		single("client", "programs of the Go client: what they see of calls, events and presence", clientHelp, clientFlags),
		{"limit", "fanout beside one plain send(2) for each delivery", limitHelp, limitSetup},
		{"floor", "fanout beside a bare epoll loop that does nothing else", floorHelp, floorSetup},
		{"floor rr", "rr beside that loop", floorHelp, floorRRSetup},
		{"cluster", "what several nodes cost: messages, bytes, CPU and memory by their number", clusterHelp, clusterSetup},
		{"set", "all that Roost promises: measured, target, ratio", setHelp, setSetup},
		{"bare", "serve as the bare loop that limit and floor compare with", bareHelp, bareSetup},
	}
}

// Run runs roost bench with the arguments after these words. Results go to stdout, what a person may want to know
// meanwhile to stderr. It returns [flag.ErrHelp] after showing help that was asked for.
func Run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) == 0 || args[0] == "help" || args[0] == "-h" || args[0] == "--help" || args[0] == "-help" {
		usage(stderr)
		return flag.ErrHelp
	}
	for _, c := range slices.Backward(commands()) { // two words before the first of them
		words := strings.Fields(c.name)
		if !slices.Equal(words, args[:min(len(args), len(words))]) {
			continue
		}
		fs := flag.NewFlagSet("roost bench "+c.name, flag.ContinueOnError)
		fs.SetOutput(stderr)
		fs.Usage = func() {
			fmt.Fprintf(stderr, "roost bench %s: %s.\n\n%s\n\nFlags:\n", c.name, c.summary, c.about)
			fs.PrintDefaults()
		}
		run := c.setup(fs)
		if err := fs.Parse(args[len(words):]); err != nil {
			return err
		}
		return run(ctx, output{stdout, stderr})
	}
	return fmt.Errorf("there is no benchmark %q; roost bench help lists them", args[0])
}

func usage(w io.Writer) {
	fmt.Fprint(w, `roost bench measures a server that speaks the protocol of Phoenix Channels.

Usage:

    roost bench idle -url ws://127.0.0.1:4000/socket -pid 1234
    roost bench fanout -exec 'bin/conformance -addr 127.0.0.1:0' -subscribers 10000

The server runs already (-url; with -pid its memory and CPU are measured too), or is
started for each round (-exec). It should be the application of internal/conformance,
or have a channel that replies to "ping" and broadcasts "shout", each with the payload
that came. To measure a cluster, it must have that application's flags.

Benchmarks:

`)
	for _, c := range commands() {
		fmt.Fprintf(w, "    %-9s %s\n", c.name, c.summary)
	}
	fmt.Fprint(w, "\nroost bench NAME -h tells more. The client is one thread; on one machine it shares the CPU with the server.\n")
}

// single is the command that runs a workload by itself.
func single(name, summary, about string, flags func(fs *flag.FlagSet) workload) command {
	return command{name, summary, about, func(fs *flag.FlagSet) func(context.Context, output) error {
		var o options
		o.flags(fs, 1)
		w := flags(fs)
		return func(ctx context.Context, out output) error {
			if err := o.check(fs); err != nil {
				return err
			}
			if !o.hasServer() {
				return errNoServer
			}
			res, err := o.rounds(ctx, name, w, nil, newProgress(out.meanwhile))
			return o.show(out, res, err)
		}
	}}
}

var errNoServer = errors.New("which server? -url ws://HOST:PORT/socket is one that runs, -exec COMMAND starts one")

func idleFlags(fs *flag.FlagSet) workload {
	w := &idle{}
	fs.IntVar(&w.connections, "connections", 19_000, "how `many` connect and join")
	fs.StringVar(&w.topic, "topic", "echo:bench", "the `topic`, to which -0, -1, ... is added")
	fs.IntVar(&w.perTopic, "per-topic", 10, "how `many` connections share a topic")
	fs.DurationVar(&w.settle, "settle", 5*time.Second, "how `long` after the last join memory is measured")
	return w
}

const idleHelp = `Bytes are the growth of the server's resident memory since before, for each
connection: settled, when it has done nothing for a while, and collected, after a GET
of ADMIN/gc, if the server has that (-admin). A process may have only so many files
open: see ulimit -n.`

func fanoutFlags(fs *flag.FlagSet) workload {
	w := &fanout{}
	fs.IntVar(&w.subscribers, "subscribers", 1000, "how `many` join the topic")
	fs.StringVar(&w.topic, "topic", "echo:bench", "the `topic`")
	fs.StringVar(&w.event, "event", "shout", "the `event` whose payload the server broadcasts, as the same event")
	fs.IntVar(&w.size, "size", 64, "the length of a payload, in `bytes`")
	fs.IntVar(&w.window, "window", 1, "how `many` broadcasts are outstanding: not with all subscribers yet")
	fs.Float64Var(&w.rate, "rate", 0, "broadcasts a `second`, instead of a window")
	fs.DurationVar(&w.warmup, "warmup", time.Second, "how `long` not to measure at first")
	fs.DurationVar(&w.duration, "duration", 5*time.Second, "how `long` to measure")
	fs.DurationVar(&w.readEvery, "read-every", -1, "how `long` the client pauses between looking at its sockets; 0: not at all;\n"+
		"negative: 5, 20 or 50 ms for up to 100, up to 1,000 or more subscribers with a window, and 0 at a rate")
	return w
}

const fanoutHelp = `The first subscriber pushes, and the channel broadcasts to all. Each delivery is
checked: none lost, none twice, all in order, each payload as it was sent. If one is
wrong, that is an error and there is no figure. Latencies count from when a broadcast
was sent or, at a rate, should have been.`

func rrFlags(fs *flag.FlagSet) workload {
	w := &rr{}
	fs.IntVar(&w.sockets, "sockets", 100, "how `many` push")
	fs.StringVar(&w.topic, "topic", "echo:bench", "the `topic` that all join")
	fs.StringVar(&w.event, "event", "ping", "the `event` that is replied to")
	fs.IntVar(&w.size, "size", 64, "the length of a payload, in `bytes`")
	fs.IntVar(&w.outstanding, "outstanding", 1, "how `many` pushes of a socket wait for their replies")
	fs.DurationVar(&w.warmup, "warmup", time.Second, "how `long` not to measure at first")
	fs.DurationVar(&w.duration, "duration", 5*time.Second, "how `long` to measure")
	return w
}

const rrHelp = `Each socket pushes again when it has its reply. Each reply is checked to be ok and to come in the order of the pushes.`

func presenceFlags(fs *flag.FlagSet) workload {
	w := &presence{}
	fs.IntVar(&w.users, "users", 1000, "how `many` enter")
	fs.StringVar(&w.topic, "topic", "room:bench", "the `topic`, to which a number is added;\n"+
		"its channel tracks the join param user and pushes presence_state")
	return w
}

const presenceHelp = `All connect, then all join at once, each as another user. Each client's
presence_state and diffs are applied; it ends when all know all, and all know each user
by the same phx_ref.`

func stormFlags(fs *flag.FlagSet) workload {
	w := &storm{}
	fs.IntVar(&w.cycles, "cycles", 10_000, "how `many` times to connect, join, leave and close")
	fs.StringVar(&w.topic, "topic", "echo:bench", "the `topic`")
	return w
}

func clientFlags(fs *flag.FlagSet) workload {
	w := &programs{}
	fs.IntVar(&w.count, "clients", 20, "how `many` clients there are")
	fs.StringVar(&w.topic, "topic", "echo:bench", "the `topic` that all join, which replies to ping and broadcasts shout")
	fs.StringVar(&w.room, "room", "room:bench", "the `topic`, to which a number is added, where all are present first,\n"+
		"as in roost bench presence; empty: none")
	fs.IntVar(&w.size, "size", 64, "the length of what is said, in `bytes`")
	fs.Float64Var(&w.rate, "rate", 50, "broadcasts a `second`")
	fs.BoolVar(&w.polls, "longpoll", false, "go by long polling")
	fs.BoolVar(&w.compress, "compress", false, "offer the server to compress")
	fs.DurationVar(&w.warmup, "warmup", time.Second, "how `long` not to measure at first")
	fs.DurationVar(&w.duration, "duration", 5*time.Second, "how `long` to measure")
	return w
}

const clientHelp = `Each client calls again when it has its reply, and the first has the server broadcast to
all. Latencies are those of the calls, and of the events from the push to the callback.
The clients cost more than the server: see rr and fanout for what a server can do.`

const stormHelp = `As many are under way at a time as -at-once says. Each waits for the replies to its
join and its leave, and for the server's close frame.`
