//go:build linux

package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/client"
)

// programs has programs use the Go client as applications do: where the other workloads drive sockets by the thousand, this
// one measures what is seen behind the whole client, over any of its transports.
type programs struct {
	count    int
	topic    string
	room     string // where all are present; empty: nowhere
	size     int    // of a payload, in bytes
	rate     float64
	polls    bool
	compress bool
	warmup   time.Duration
	duration time.Duration
}

// stamped is a payload that says when it was sent.
type stamped struct {
	Sent int64 // in nanoseconds since the run began
	Pad  string
}

var (
	pingIn   = roost.NewIn[stamped, stamped]("ping")
	shoutIn  = roost.NewIn[stamped, roost.NoReply]("shout")
	shoutOut = roost.NewOut[stamped]("shout")
)

// A play is programs under way.
type play struct {
	*programs
	rig       *rig
	transport *http.Transport
	began     time.Time
	pad       string
	sockets   []*client.Socket
	channels  []*client.Channel

	mu            sync.Mutex // guards what follows
	measuring     bool
	calls         uint64
	replies       histogram
	events        histogram
	connectsTaken histogram
}

func (w *programs) run(ctx context.Context, r *rig) (figures, error) {
	if w.count < 1 || w.rate <= 0 {
		return nil, errors.New("-clients and -rate are more than 0")
	}
	p := &play{
		programs: w, rig: r, began: time.Now(), pad: strings.Repeat("x", max(0, w.size)),
		sockets: make([]*client.Socket, w.count), channels: make([]*client.Channel, w.count),
		transport: &http.Transport{MaxIdleConnsPerHost: 2 * w.count}, // as many as poll and post at once
	}
	defer p.transport.CloseIdleConnections()
	defer p.close()
	if err := each(w.count, r.atOnce, func(i int) error { return p.enter(ctx, i) }); err != nil {
		return nil, err
	}
	out := figures{{"connect_and_join_p50_ms", p.connectsTaken.percentile(0.5).Seconds() * 1e3}}
	if w.room != "" {
		took, err := p.meet(ctx)
		if err != nil {
			return nil, err
		}
		out = append(out, figure{"seconds_until_all_know_all", took.Seconds()})
	}
	talk, err := p.talk(ctx)
	return append(out, talk...), err
}

func (p *play) close() {
	ctx, cancel := context.WithTimeout(context.Background(), p.rig.timeout)
	defer cancel()
	_ = each(len(p.sockets), len(p.sockets), func(i int) error {
		if p.sockets[i] == nil {
			return nil
		}
		return p.sockets[i].Close(ctx)
	})
}

func (p *play) since() time.Duration { return time.Since(p.began) }

// enter connects a client and joins the topic.
func (p *play) enter(ctx context.Context, i int) error {
	began := time.Now()
	s, err := client.Dial(ctx, p.rig.server.url+"/websocket", &client.Options{
		Transport: p.transport,
		Params:    func(context.Context) (url.Values, error) { return p.rig.params, nil },
		LongPoll:  p.polls, Compress: p.compress, Timeout: p.rig.timeout,
	})
	if err != nil {
		return err
	}
	ch := s.Channel(p.topic, nil)
	ch.On(shoutOut, func(_ context.Context, v stamped) { p.add(&p.events, p.since()-time.Duration(v.Sent)) })
	p.sockets[i], p.channels[i] = s, ch
	if _, err := ch.Join[roost.Payload](ctx, nil); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.connectsTaken.add(time.Since(began))
	return nil
}

// add notes a delay, if it is time to.
func (p *play) add(to *histogram, d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.measuring {
		return
	}
	to.add(d)
	if to == &p.replies {
		p.calls++
	}
}

// meet has all join a room of their own and returns how long it took until each replica knew all.
func (p *play) meet(ctx context.Context) (time.Duration, error) {
	room := fmt.Sprintf("%s-%d", p.room, time.Now().UnixNano())
	began := time.Now()
	err := each(p.count, p.count, func(i int) error {
		ch := p.sockets[i].Channel(room, nil)
		there := ch.Presence[roost.Payload]()
		complete := make(chan struct{})
		know := sync.OnceFunc(func() { close(complete) })
		there.OnSync(func(context.Context) {
			if there.Count() == p.count {
				know()
			}
		})
		if _, err := ch.Join[roost.Payload](ctx, map[string]string{"user": userName(i)}); err != nil {
			return err
		}
		select {
		case <-complete:
			return nil
		case <-time.After(p.rig.timeout):
			return fmt.Errorf("%w: client %d knows %d of %d users after %v", errTimeout, i, there.Count(), p.count, p.rig.timeout)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	})
	return time.Since(began), err
}

// talk has all call, each again when it has its reply, while the first broadcasts.
func (p *play) talk(ctx context.Context) (figures, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var talking sync.WaitGroup
	failed := make(chan error, p.count+1)
	for _, ch := range p.channels {
		talking.Go(func() { failed <- p.call(ctx, ch) })
	}
	talking.Go(func() { failed <- p.broadcast(ctx) })
	m, err := p.measure(ctx, failed)
	if err != nil {
		return nil, err
	}
	wall, cpu, err := m.since()
	p.mu.Lock()
	p.measuring = false
	calls := p.calls
	p.mu.Unlock()
	cancel()
	talking.Wait()
	out := figures{{"calls_per_second", float64(calls) / wall.Seconds()}}
	out = append(out, m.perMillion(cpu, calls)...)
	out = append(out, latencies(&p.replies)...)
	for _, f := range latencies(&p.events) {
		out = append(out, figure{"event_" + f.name, f.value})
	}
	return out, err
}

// measure warms up and measures, unless somebody fails.
func (p *play) measure(ctx context.Context, failed <-chan error) (m meter, err error) {
	for _, phase := range []struct {
		d         time.Duration
		measuring bool
	}{{p.warmup, false}, {p.duration, true}} {
		if m, err = p.rig.meter(); err != nil {
			return m, err
		}
		p.mu.Lock()
		p.measuring = phase.measuring
		p.mu.Unlock()
		select {
		case <-time.After(phase.d):
		case err := <-failed:
			return m, err
		case <-ctx.Done():
			return m, context.Cause(ctx)
		}
	}
	return m, nil
}

func (p *play) call(ctx context.Context, ch *client.Channel) error {
	for ctx.Err() == nil {
		sent := p.since()
		v, err := ch.Call(ctx, pingIn, stamped{int64(sent), p.pad})
		switch {
		case err != nil && ctx.Err() == nil:
			return err
		case err != nil: // the end
		case v.Sent != int64(sent):
			return fmt.Errorf("the reply to a call is that to another: sent at %v, not %v", time.Duration(v.Sent), sent)
		}
		p.add(&p.replies, p.since()-sent)
	}
	return nil
}

func (p *play) broadcast(ctx context.Context) error {
	tick := time.NewTicker(time.Duration(float64(time.Second) / p.rate))
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		if err := p.channels[0].Push(ctx, shoutIn, stamped{int64(p.since()), p.pad}); err != nil && ctx.Err() == nil {
			return err
		}
	}
}

// each calls f for 0 to n-1, some at once, and returns the first error.
func each(n, atOnce int, f func(i int) error) error {
	var busy sync.WaitGroup
	room := make(chan struct{}, atOnce)
	errs := make(chan error, n)
	for i := range n {
		room <- struct{}{}
		busy.Go(func() {
			errs <- f(i)
			<-room
		})
	}
	busy.Wait()
	for range n {
		if err := <-errs; err != nil {
			return err
		}
	}
	return nil
}
