//go:build linux

package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/roost-dev/roost/cmd/roost/internal/load"
)

// A fleet is the nodes of a cluster, started here. The first is where it all begins.
type fleet struct {
	rig     *rig
	servers []*server
	targets []*load.Target // by node
	ports   []int          // on which the nodes listen for each other
	settle  time.Duration  // how long after a change what comes of it is over
	still   effort         // of the fleet when idle, in a second
}

// An effort is what nodes did together.
type effort struct {
	wall, cpu       time.Duration
	messages, bytes float64 // between nodes
}

// startFleet starts nodes that all know each other; none is one without a cluster. The caller must stop the fleet, even
// one that comes with an error.
func (c *cluster) startFleet(ctx context.Context, nodes int, bar *progress) (*fleet, error) {
	f := &fleet{settle: c.settle}
	peers := make([]string, nodes)
	for i := range peers {
		port, err := freePort()
		if err != nil {
			return f, err
		}
		f.ports = append(f.ports, port)
		peers[i] = fmt.Sprintf("127.0.0.1:%d", port)
	}
	for i := range max(1, nodes) {
		command := strings.Fields(c.exec)
		if nodes > 0 {
			command = append(command, "-node", fmt.Sprintf("n%d", i), "-cluster-listen", peers[i], "-cluster-peers", strings.Join(peers, ","))
		}
		s, err := start(ctx, c.mount, command...)
		if err != nil {
			return f, err
		}
		s.admin = c.admin
		f.servers = append(f.servers, s)
		target, err := load.NewTarget(ctx, s.url, c.params)
		if err != nil {
			return f, err
		}
		f.targets = append(f.targets, target)
	}
	f.rig = &rig{server: f.servers[0], params: c.params, sources: c.sources, atOnce: c.atOnce, timeout: c.timeout, bar: bar}
	return f, f.meet(ctx)
}

// freePort returns a port that was free a moment ago.
func freePort() (int, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0") //nolint:noctx // nobody waits for it
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

// meet waits until each node knows all others.
func (f *fleet) meet(ctx context.Context) error {
	const look = 100 * time.Millisecond
	for deadline := time.Now().Add(f.rig.timeout); ; {
		known := 0
		for _, s := range f.servers {
			i, err := s.info(ctx)
			if err != nil {
				return err
			}
			known += len(i.Peers)
		}
		want := len(f.servers) * (len(f.servers) - 1)
		if known == want {
			return pause(ctx, f.settle)
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%w: the nodes know %d others in all and should know %d", errTimeout, known, want)
		}
		if err := pause(ctx, look); err != nil {
			return err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (f *fleet) stop() error {
	errs := make([]error, len(f.servers))
	for i, s := range f.servers {
		errs[i] = s.stop()
	}
	return errors.Join(errs...)
}

// A gauge measures an effort from one moment to another.
type gauge struct {
	fleet  *fleet
	began  time.Time
	before effort
}

func (f *fleet) gauge(ctx context.Context) (*gauge, error) {
	g := &gauge{fleet: f}
	if err := f.told(ctx, &g.before); err != nil {
		return nil, err
	}
	err := f.seen(&g.before)
	g.began = time.Now()
	return g, err
}

// since returns what was done since the gauge was made beyond what the fleet does when idle.
func (g *gauge) since(ctx context.Context) (effort, error) {
	e := effort{wall: time.Since(g.began)}
	if err := g.fleet.seen(&e); err != nil {
		return e, err
	}
	if err := g.fleet.told(ctx, &e); err != nil {
		return e, err
	}
	seconds := e.wall.Seconds()
	e.cpu -= g.before.cpu + time.Duration(seconds*float64(g.fleet.still.cpu))
	e.messages -= g.before.messages + seconds*g.fleet.still.messages
	e.bytes -= g.before.bytes + seconds*g.fleet.still.bytes
	return e, nil
}

// seen adds what is seen from outside, which costs the nodes nothing.
func (f *fleet) seen(e *effort) error {
	for _, s := range f.servers {
		ran, err := s.proc.cpu()
		if err != nil {
			return err
		}
		e.cpu += ran
	}
	if len(f.ports) == 0 {
		return nil
	}
	bytes, err := received(f.ports)
	e.bytes = float64(bytes)
	return err
}

// told adds what the nodes tell.
func (f *fleet) told(ctx context.Context, e *effort) error {
	for _, s := range f.servers {
		i, err := s.info(ctx)
		if err != nil {
			return err
		}
		e.messages += i.Received
	}
	return nil
}

// heaps returns what lives in the heap of each node, in bytes.
func (f *fleet) heaps(ctx context.Context) ([]float64, error) {
	heaps := make([]float64, len(f.servers))
	for i, s := range f.servers {
		for range 2 { // what is kept for the next one survives the first
			if _, err := s.collect(ctx); err != nil {
				return nil, err
			}
		}
		told, err := s.info(ctx)
		if err != nil {
			return nil, err
		}
		heaps[i] = told.HeapBytes
	}
	return heaps, nil
}

// grown returns by how much the heap of each node has grown, for each of so many.
func (f *fleet) grown(ctx context.Context, before []float64, count int) ([]float64, error) {
	heaps, err := f.heaps(ctx)
	for i := range heaps {
		heaps[i] = (heaps[i] - before[i]) / float64(count)
	}
	return heaps, err
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// measureIdle measures what the nodes do when nothing is connected.
func (f *fleet) measureIdle(ctx context.Context, d time.Duration) (figures, error) {
	g, err := f.gauge(ctx)
	if err != nil {
		return nil, err
	}
	f.rig.bar.at("idle", 0, 1)
	if err := pause(ctx, d); err != nil {
		return nil, err
	}
	e, err := g.since(ctx)
	if err != nil {
		return nil, err
	}
	each := func(total float64) float64 { return total / e.wall.Seconds() }
	f.still = effort{time.Second, time.Duration(each(float64(e.cpu))), each(e.messages), each(e.bytes)}
	return figures{
		{"idle_messages_per_second", f.still.messages},
		{"idle_bytes_per_second", f.still.bytes},
		{"idle_cpu_ms_per_second", f.still.cpu.Seconds() * 1000},
	}, nil
}
