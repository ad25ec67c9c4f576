//go:build linux

package bench

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// options are the flags that all benchmarks have.
type options struct {
	url     string
	exec    string
	mount   string
	pid     int
	admin   string
	params  url.Values
	sources int
	atOnce  int
	timeout time.Duration
	count   int // of rounds
	json    bool
}

func (o *options) flags(fs *flag.FlagSet, rounds int) {
	o.params = url.Values{}
	fs.StringVar(&o.url, "url", "", "the `URL` of a running server's socket, such as ws://127.0.0.1:4000/socket")
	fs.StringVar(&o.exec, "exec", "", "the `command` that starts a server, once for each round, its words apart by spaces;\n"+
		"it must print \"listening on HOST:PORT\" first")
	fs.StringVar(&o.mount, "mount", "/socket", "the `path` of the socket that -exec serves")
	fs.IntVar(&o.pid, "pid", 0, "the `process` of the server at -url, for its memory and CPU")
	fs.StringVar(&o.admin, "admin", "", "the `path` where the server has gc and info, as that of internal/conformance has at /admin")
	fs.Func("param", "a connect param, `name=value`; may be given several times", o.param)
	fs.IntVar(&o.sources, "sources", 200, "how `many` addresses 127.0.0.1, 127.0.0.2, ... to connect from,\n"+
		"if the server is on this machine; each has some 28,000 ports. 0 leaves it to the kernel")
	fs.IntVar(&o.atOnce, "at-once", 32, "how `many` connections are being opened at a time")
	fs.DurationVar(&o.timeout, "timeout", 15*time.Second, "how `long` to wait for anything before giving up")
	fs.IntVar(&o.count, "rounds", rounds, "how `many` times to measure; the figures are medians")
	fs.BoolVar(&o.json, "json", false, "write the results as JSON, one object on a line")
}

func (o *options) param(s string) error {
	name, value, ok := strings.Cut(s, "=")
	if !ok {
		return errors.New("it has no =")
	}
	o.params.Add(name, value)
	return nil
}

// check refuses what cannot be meant.
func (o *options) check(fs *flag.FlagSet) error {
	switch {
	case fs.NArg() > 0:
		return fmt.Errorf("%q is not a flag; %s -h lists them", fs.Arg(0), fs.Name())
	case o.url != "" && o.exec != "":
		return errors.New("-url is for a server that runs, -exec starts one: give one of them")
	case o.count < 1:
		return errors.New("-rounds is at least 1")
	case o.atOnce < 1:
		return errors.New("-at-once is at least 1")
	case o.sources < 0 || o.sources > 254:
		return errors.New("-sources is from 0 to 254")
	}
	return nil
}

func (o *options) hasServer() bool { return o.url != "" || o.exec != "" }

// server starts the server, if it is to be.
func (o *options) server(ctx context.Context) (*server, error) {
	if o.exec == "" {
		s := &server{name: o.url, url: o.url, proc: process{o.pid}, admin: o.admin}
		_, err := s.proc.cpu() // so that a wrong -pid is told at once
		return s, err
	}
	s, err := start(ctx, o.mount, strings.Fields(o.exec)...)
	if err == nil {
		s.admin = o.admin
	}
	return s, err
}

// rounds runs a workload so many times as asked, with the other server after each if there is one, and returns the medians.
func (o *options) rounds(ctx context.Context, name string, w workload, beside *bareLoop, bar *progress) (*result, error) {
	defer bar.clear()
	res := &result{Workload: name, Rounds: o.count}
	var ours, theirs, ratio []figures
	for i := range o.count {
		var mine, bare figures
		var err error
		if o.hasServer() {
			bar.label = fmt.Sprintf("%s, round %d: ", name, i+1)
			mine, res.Server, err = o.once(ctx, w, o.server, bar)
			if err != nil {
				return nil, err
			}
			ours = append(ours, mine)
		}
		if beside == nil {
			continue
		}
		bar.label = fmt.Sprintf("%s, round %d, %s: ", name, i+1, beside.name)
		if bare, _, err = o.once(ctx, w, beside.start, bar); err != nil {
			return nil, fmt.Errorf("%s: %w", beside.name, err)
		}
		theirs = append(theirs, bare)
		ratio = append(ratio, ratios(mine, bare))
	}
	if len(ours) == 0 { // then the bare loop is what was asked for
		res.Server, res.Figures = beside.name, medians(theirs)
		return res, nil
	}
	res.Figures = medians(ours)
	if beside != nil {
		res.Beside, res.BareLoop, res.TimesThese = beside.name, medians(theirs), medians(ratio)
	}
	return res, nil
}

// once runs a workload on a server that it starts and stops.
func (o *options) once(
	ctx context.Context, w workload, start func(context.Context) (*server, error), bar *progress,
) (f figures, name string, err error) {
	s, err := start(ctx)
	if err != nil {
		return nil, "", err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	f, err = w.run(ctx, &rig{server: s, params: o.params, sources: o.sources, atOnce: o.atOnce, timeout: o.timeout, bar: bar})
	return f, s.name, err
}

// show writes a result as asked for.
func (o *options) show(out output, res *result, err error) error {
	if err != nil {
		return err
	}
	if o.json {
		return printJSON(out.results, res)
	}
	return res.print(out.results)
}
