//go:build linux

package bench

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

const setHelp = `Each row has a target, for two cores that client and server share. A row with a * is
also met by enough of what the floor reaches, measured in turn with the server, since
such figures bend with the machine. One that is a multiple of the limit compares CPU.
-exec starts the server afresh for each row and round, which the memory of idle
connections needs to mean something; -url measures one as it is.`

// A trial is a workload of the set, with what is promised of it.
type trial struct {
	name     string // of the workload
	load     workload
	beside   *bareLoop // nil: none
	promises []promise
}

// A promise is a bound on a figure.
type promise struct {
	what   string
	figure string
	target float64
	least  bool    // at least the target, otherwise at most
	share  float64 // of the floor, which is enough too; 0: it must be the figure
	ratio  bool    // the target is for the figure by that of the bare loop
}

// A verdict is what became of a promise.
type verdict struct {
	What     string  `json:"what"`
	Measured float64 `json:"measured"`
	Target   float64 `json:"target"`
	Ratio    float64 `json:"ratio"` // measured by target
	Least    bool    `json:"at_least"`
	Beside   string  `json:"beside,omitzero"`
	Bare     float64 `json:"bare_loop,omitzero"`
	Times    float64 `json:"times_bare_loop,omitzero"` // median of the rounds
	Share    float64 `json:"times_target,omitzero"`    // which is enough; 0: it is not
	Met      bool    `json:"met"`
}

// The shares of the floor that are enough.
const (
	enoughRate    = 0.7
	enoughRateBig = 0.8 // for 10,000 subscribers
	enoughCPU     = 1.4
	enoughDelay   = 1.25
)

// trials are the set. The durations are those of a measurement.
func trials(warmup, duration time.Duration) []trial {
	fan := func(subscribers, window int, rate float64) *fanout {
		return &fanout{
			subscribers: subscribers, topic: "echo:bench", event: "shout", size: 64, window: window, rate: rate,
			warmup: warmup, duration: duration, readEvery: -1,
		}
	}
	const deliveries, cpu = "deliveries_per_second", "cpu_seconds_per_million"
	return []trial{
		{"idle", &idle{connections: 19_000, topic: "echo:bench", perTopic: 10, settle: 5 * time.Second}, nil, []promise{
			{what: "bytes per idle connection, collected", figure: "collected_bytes_per_connection", target: 1000},
			{what: "bytes per idle connection, 5 s after the last join", figure: "settled_bytes_per_connection", target: 1800},
			{what: "goroutines then", figure: "goroutines", target: 99},
			{what: "connects and joins /s", figure: "connects_and_joins_per_second", target: 9000, least: true},
		}},
		{"fanout", fan(1000, 1, 0), newLimit(), []promise{
			{what: "fan-out to 1,000, 1 outstanding: CPU by the limit's", figure: cpu, target: 1.15, ratio: true},
		}},
		{"fanout", fan(10_000, 1, 0), newLimit(), []promise{
			{what: "fan-out to 10,000, 1 outstanding: CPU by the limit's", figure: cpu, target: 1.2, ratio: true},
		}},
		{"fanout", fan(1000, 0, 10), newFloor(), []promise{
			{what: "fan-out to 1,000 at 10/s: p99 ms *", figure: "p99_ms", target: 11, share: enoughDelay},
		}},
		{"fanout", fan(1000, 128, 0), newFloor(), []promise{
			{what: "fan-out to 1,000, 128 outstanding: deliveries /s *", figure: deliveries, target: 1.5e6, least: true, share: enoughRate},
			{what: "fan-out to 1,000, 128 outstanding: CPU s per million *", figure: cpu, target: 0.8, share: enoughCPU},
		}},
		{"fanout", fan(10_000, 16, 0), newFloor(), []promise{
			{what: "fan-out to 10,000, 16 outstanding: deliveries /s *", figure: deliveries, target: 900e3, least: true, share: enoughRateBig},
		}},
		{"fanout", fan(10_000, 4, 0), newFloor(), []promise{
			{what: "fan-out to 10,000, 4 outstanding: deliveries /s *", figure: deliveries, target: 300e3, least: true, share: enoughRateBig},
		}},
		{
			"rr", &rr{sockets: 100, topic: "echo:bench", event: "ping", size: 64, outstanding: 1, warmup: warmup, duration: duration},
			newFloor(), []promise{
				{what: "push and reply, 100 sockets: replies /s *", figure: "replies_per_second", target: 80e3, least: true, share: enoughRate},
				{what: "push and reply, 100 sockets: CPU s per million *", figure: cpu, target: 12, share: enoughCPU},
			},
		},
		{"presence", &presence{users: 1000, topic: "room:bench"}, nil, []promise{
			{what: "1,000 users enter a room: seconds until all know all", figure: "seconds_until_all_know_all", target: 1},
			{what: "1,000 users enter a room: CPU seconds", figure: "cpu_seconds", target: 1},
		}},
		{"history", newHistory(warmup/10, duration/10), nil, []promise{
			{what: "broadcast kept, to 1: CPU by one that is not", figure: "to_1_kept_times", target: 1.3},
			{what: "broadcast kept, to 10: CPU by one that is not", figure: "to_10_kept_times", target: 1.3},
			{what: "broadcast kept, to 1,000: CPU by one that is not", figure: "to_1000_kept_times", target: 1.3},
			{what: "broadcast followed, to 1: CPU by one not kept", figure: "to_1_followed_times", target: 1.3},
			{what: "broadcast followed, to 10: CPU by one not kept", figure: "to_10_followed_times", target: 1.3},
			{what: "broadcast followed, to 1,000: CPU by one not kept", figure: "to_1000_followed_times", target: 1.3},
			{what: "rejoin with 100 missed: CPU by a plain join", figure: "join_rejoin_times", target: 2},
			{what: "10,000 come back, 100 missed each: seconds", figure: "come_back_seconds", target: 5},
			{what: "heap bytes per kept event beside its payload", figure: "heap_bytes_per_kept_event_beside_payload", target: 64},
		}},
	}
}

func setSetup(fs *flag.FlagSet) func(context.Context, output) error {
	var o options
	o.flags(fs, 3)
	warmup := fs.Duration("warmup", time.Second, "how `long` not to measure at first")
	duration := fs.Duration("duration", 5*time.Second, "how `long` to measure where a workload has no end of its own")
	only := fs.String("only", "", "only rows that have this `text`")
	return func(ctx context.Context, out output) error {
		if err := o.check(fs); err != nil {
			return err
		}
		if !o.hasServer() {
			return errNoServer
		}
		if o.exec == "" && o.pid == 0 || o.admin == "" {
			return errors.New("the set measures CPU and memory: it needs -exec, or -url and -pid; and -admin")
		}
		verdicts, err := o.set(ctx, trials(*warmup, *duration), *only, newProgress(out.meanwhile))
		if o.json {
			return errors.Join(printJSON(out.results, verdicts), err) // what there is took minutes
		}
		return errors.Join(printVerdicts(out.results, verdicts, o.count), err)
	}
}

// set runs the trials that have a promise with a text.
func (o *options) set(ctx context.Context, trials []trial, only string, bar *progress) ([]verdict, error) {
	var out []verdict
	for _, t := range trials {
		var promises []promise
		for _, p := range t.promises {
			if strings.Contains(p.what, only) {
				promises = append(promises, p)
			}
		}
		if len(promises) == 0 {
			continue
		}
		res, err := o.rounds(ctx, t.name, t.load, t.beside, bar)
		if err != nil {
			return out, fmt.Errorf("%s: %w", promises[0].what, err)
		}
		for _, p := range promises {
			out = append(out, p.judge(res))
		}
	}
	return out, nil
}

// judge compares what was measured with what was promised.
func (p promise) judge(res *result) verdict {
	v := verdict{What: p.what, Target: p.target, Least: p.least, Share: p.share, Beside: res.Beside}
	v.Measured, _ = res.Figures.get(p.figure)
	v.Bare, _ = res.BareLoop.get(p.figure)
	v.Times, _ = res.TimesThese.get(p.figure)
	if p.ratio {
		v.Measured, v.Bare, v.Times = v.Times, 0, 0
	}
	meets := func(value, target float64) bool {
		if p.least {
			return value >= target
		}
		return value <= target
	}
	v.Ratio = v.Measured / v.Target
	v.Met = meets(v.Measured, v.Target) || p.share > 0 && meets(v.Times, p.share)
	return v
}

func printVerdicts(w io.Writer, verdicts []verdict, rounds int) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "medians of %d\tmeasured\t\ttarget\tratio\tfloor\ttimes floor\t\tenough\tmet\t\n", rounds)
	for _, v := range verdicts {
		bound, met := "<=", "no"
		if v.Least {
			bound = ">="
		}
		if v.Met {
			met = "yes"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%.2f\t", v.What, human(v.Measured), bound, human(v.Target), v.Ratio)
		if v.Share > 0 {
			fmt.Fprintf(t, "%s\t%.2f\t%s\t%.2f\t", human(v.Bare), v.Times, bound, v.Share)
		} else {
			fmt.Fprint(t, "\t\t\t\t")
		}
		fmt.Fprintf(t, "%s\t\n", met)
	}
	return t.Flush()
}
