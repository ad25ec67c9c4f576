//go:build linux

package bench

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/roost-dev/roost/cmd/roost/internal/load"
)

// errTimeout says that a workload waited in vain.
var errTimeout = errors.New("the server took too long")

// A rig is what a workload runs on: a server, and what all workloads are told.
type rig struct {
	server  *server
	params  url.Values // of each connect
	sources int
	atOnce  int           // connections being opened at a time
	timeout time.Duration // for what should not take long: a connect, a join, the last replies
	bar     *progress
}

// A workload is one thing to measure, with its settings.
type workload interface {
	run(ctx context.Context, r *rig) (figures, error)
}

// loop makes the connections' loop. The caller must close it.
func (r *rig) loop(ctx context.Context) (*load.Loop, error) {
	target, err := load.NewTarget(ctx, r.server.url, r.params)
	if err != nil {
		return nil, err
	}
	l, err := load.NewLoop(target)
	if err != nil {
		return nil, err
	}
	l.Sources = r.sources
	return l, nil
}

// A meter measures time and the server's CPU from one moment to another.
type meter struct {
	proc  process
	began time.Time
	ran   time.Duration
}

func (r *rig) meter() (meter, error) {
	ran, err := r.server.proc.cpu()
	return meter{r.server.proc, time.Now(), ran}, err
}

// since returns the wall time and the CPU time since the meter was made.
func (m meter) since() (wall, cpu time.Duration, err error) {
	wall = time.Since(m.began)
	ran, err := m.proc.cpu()
	return wall, ran - m.ran, err
}

// perMillion is the CPU time for a million of what was done count times, in seconds, if the process is known.
func (m meter) perMillion(cpu time.Duration, count uint64) figures {
	if !m.proc.known() || count == 0 {
		return nil
	}
	return figures{{"cpu_seconds_per_million", cpu.Seconds() / float64(count) * 1e6}}
}

// latencies are the percentiles that count.
func latencies(h *histogram) figures {
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	return figures{
		{"p50_ms", ms(h.percentile(0.5))}, {"p99_ms", ms(h.percentile(0.99))}, {"max_ms", ms(h.percentile(1))},
	}
}

// A fault is what a handler of the loop cannot return. The first one counts.
type fault struct{ err error }

func (f *fault) reportf(format string, args ...any) {
	if f.err == nil {
		f.err = fmt.Errorf(format, args...)
	}
}
