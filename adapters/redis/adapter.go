// Package redis connects the nodes of a cluster by Redis 7 or Valkey, a single
// server or a cluster of them, where it uses sharded pub/sub.
//
// Each subject is a channel. Redis keeps nothing of what is published, so a
// node misses what is published while it is not connected; it is told by
// [pubsub.Receiver].Recovered when it is back.
//
// Redis cuts off subscribers that are too slow, by its setting
// client-output-buffer-limit for pubsub: by default when more than 32 MiB wait
// for one, or more than 8 MiB for a minute. To a node this is an absence of the
// engine like any other, with what waited being lost.
//
// With [pubsub.Options].History, the log of a topic is a stream, named as the
// topic's channel, and a small hash. A script appends and publishes in one step,
// so that all nodes hear events in the log's order. What is kept is as durable
// as the server is. Another epoch begins whenever the server may not have all
// that it had: when it starts anew, with a disk or without, when a replica takes
// its place, also when it is given its first replica or has had none for an
// hour, when a slot moves to another server, and when it evicts or loses a key.
//
// In Redis 7.0 an event takes some 25 bytes beside its payload and name, a topic
// about 350 bytes, and one with events 4 KiB more, which streams reserve. It
// has up to 100 events or 4 KiB more than its rule counts, and an eighth more
// bytes; what is too old goes within 2 s of the topic's next use. Keys of topics
// that nobody uses expire, after 5 minutes more than [history.Keep].For at the
// earliest, 10 minutes more than twice that at the latest. All together are
// bounded by the server's maxmemory alone: with a policy that evicts, topics are
// forgotten, each as a whole; without, appends fail when memory is full.
//
// Where users are restricted, the one of this package needs the commands hello,
// ping, publish and subscribe, unsubscribe, in a cluster also cluster|slots,
// spublish, ssubscribe and sunsubscribe, and channels of the prefix; for history
// also eval, evalsha, script|load, info, time, exists, hmget, hset, xadd,
// xrange, xtrim, pexpire and unlink, and keys of the prefix.
package redis

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"
	"github.com/roost-dev/roost/pubsub"
)

// Adapter is a [pubsub.LogAdapter]. Make one with [New] and give it to one
// [pubsub.PubSub].
type Adapter struct {
	*config
	id       string // of this adapter; it begins all that it publishes
	receiver pubsub.Receiver
	log      *engineLog // nil: nothing is kept
	outbox   outbox

	ctx    context.Context // ends when nothing is to run anymore
	cancel context.CancelFunc
	tasks  sync.WaitGroup
	look   chan struct{} // asks the watcher to look who has what
	silent atomic.Bool   // nothing is given to the receiver anymore
	lost   atomic.Uint64
	losses limiter
	oddity limiter

	mu         sync.Mutex // guards what follows
	state      pubsub.State
	started    bool
	interests  map[string]*interest
	rounds     []*round // those not over, the last is going on
	layout     *layout
	nowhere    *server          // has what no server has
	servers    map[*server]bool // also those that have nothing anymore but are not done
	product    string           // "redis" or "valkey"
	lookErr    error            // why the layout is not known
	gap        bool             // something may have been missed
	failed     bool             // some of the engine cannot be reached
	away       chan struct{}    // closed while that is so
	wasThere   bool             // some of it was ready once
	wasUp      bool             // all of it was
	complained bool             // about this absence
	reconnects uint64
}

var _ pubsub.LogAdapter = (*Adapter)(nil)

// idSize is the length of an adapter's id.
const idSize = 12

// New makes an adapter for the Redis or Valkey at a URL:
//
//	redis://user:password@host:6379?addr=host2:6379&addr=host3:6379
//
// The scheme is redis or valkey, or rediss or valkeys to use TLS. User,
// password and port may be left out; of a cluster it is enough to name some
// servers. A path, as in redis://host/3, is the number of the database for
// history, by default 0. It connects when the PubSub starts it. An error names what is wrong
// with the URL or the options, and never the password.
func New(url string, opts *Options) (*Adapter, error) {
	c, err := newConfig(url, opts)
	if err != nil {
		return nil, err
	}
	a := &Adapter{
		config:    c,
		id:        rand.Text()[:idSize],
		look:      make(chan struct{}, 1),
		interests: make(map[string]*interest),
		rounds:    []*round{{done: make(chan struct{})}},
		servers:   make(map[*server]bool),
		product:   "redis",
		away:      make(chan struct{}),
	}
	a.ctx, a.cancel = context.WithCancel(context.Background())
	a.nowhere = a.newServer("", false)
	a.layout = newLayout(false, []*server{a.nowhere})
	a.outbox = outbox{limit: c.buffer, patience: c.patience, lose: a.lose, layout: a.layout, idle: make(chan struct{}, 1)}
	return a, nil
}

// Start implements [pubsub.Adapter].
func (a *Adapter) Start(r pubsub.Receiver) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.state == pubsub.StateClosed:
		return errClosed
	case a.started:
		return errors.New("redis: the adapter was started before: each PubSub needs one of its own")
	}
	a.started = true
	a.receiver = r
	a.tasks.Go(a.watch)
	return nil
}

// Publish implements [pubsub.Adapter]. It waits only while the buffer of a
// server that is there is full.
func (a *Adapter) Publish(ctx context.Context, e *pubsub.Envelope) error {
	err := a.publish(ctx, e)
	if err != nil {
		a.lose(1, err)
	}
	return err
}

func (a *Adapter) publish(ctx context.Context, e *pubsub.Envelope) error {
	const lengths = 32 // about what an encoded envelope has beside its strings
	frame := make([]byte, 0, idSize+lengths+len(e.Subject)+len(e.Topic)+len(e.Event)+len(e.ID)+len(e.Reason)+len(e.Payload))
	frame, err := e.AppendBinary(append(frame, a.id...))
	if err != nil {
		return err
	}
	m := message{channel: a.channel(e.Subject), frame: rueidis.BinaryString(frame), since: time.Now()}
	if limit := min(maxMessage, a.buffer); m.size() > limit {
		return fmt.Errorf("redis: %w: %d bytes of at most %d", pubsub.ErrTooLarge, m.size(), limit)
	}
	return a.outbox.put(ctx, m)
}

func (a *Adapter) deliver(e *pubsub.Envelope) {
	if !a.silent.Load() {
		a.receiver.Receive(e)
	}
}

// update lets f change what a.mu guards, and tells of what comes of it.
func (a *Adapter) update(f func()) {
	a.mu.Lock()
	f()
	before, gap := a.state, a.gap
	a.evaluate()
	up := a.state == pubsub.StateUp && before != pubsub.StateUp
	why := a.complaint()
	var engine string
	var peers []string
	if up {
		engine, peers = a.engine(), a.peers()
	}
	a.mu.Unlock()
	if why != "" {
		a.logger.Warn("redis: the engine is away, trying on", "reason", why)
	}
	if up {
		a.logger.Info("redis: connected", "engine", engine, "peers", peers)
	}
	if up && gap && !a.silent.Load() {
		a.receiver.Recovered()
	}
}

// evaluate finds the state. While a server connects or slots move the engine is
// neither up nor away.
func (a *Adapter) evaluate() {
	if a.state == pubsub.StateClosed {
		return
	}
	up, failed := len(a.nowhere.list) == 0 && !a.layout.servers[a.nowhere], a.lookErr != nil && len(a.servers) == 0
	for s := range a.servers {
		up = up && s.ready
		failed = failed || s.err != nil
	}
	switch {
	case up && a.state != pubsub.StateUp:
		if a.wasUp {
			a.reconnects++
		}
		a.state, a.wasUp = pubsub.StateUp, true
		a.gap, a.complained = false, false
	case !up && (a.wasUp || failed && a.wasThere):
		a.state = pubsub.StateDegraded
	}
	switch {
	case failed && !a.failed:
		close(a.away)
	case !failed && a.failed:
		a.away = make(chan struct{})
	}
	a.failed = failed
}

// complaint says why the engine is away, once in each absence.
func (a *Adapter) complaint() string {
	if !a.failed || a.complained || a.state == pubsub.StateClosed {
		return ""
	}
	a.complained = true
	return a.detail()
}

// caughtUp is told by a server that it knows all that is wanted of it.
func (a *Adapter) caughtUp(w *session) {
	a.update(func() {
		if s := w.s; len(s.list) == 0 {
			s.ready, s.client, s.log, s.cut, s.err = true, w.client, w.log, w.fail, nil
			a.wasThere = true
		}
	})
}

// disconnected is told by a server that it is away.
func (a *Adapter) disconnected(s *server, err error) {
	a.update(func() {
		s.ready, s.client, s.log, s.cut, s.err = false, nil, nil, nil, err
		a.gap = true
		a.release(s)
	})
	a.lookAgain()
}

// retired is told by a server that was stopped.
func (a *Adapter) retired(s *server) {
	a.update(func() {
		delete(a.servers, s)
		a.release(s)
	})
}

// Health implements [pubsub.Adapter].
func (a *Adapter) Health() pubsub.Health {
	pending := a.outbox.waiting()
	a.mu.Lock()
	defer a.mu.Unlock()
	h := pubsub.Health{
		State:      a.state,
		Engine:     a.engine(),
		Peers:      a.peers(),
		Pending:    pending,
		Lost:       a.lost.Load(),
		Reconnects: a.reconnects,
	}
	if a.state != pubsub.StateUp {
		h.Detail = a.detail()
	}
	return h
}

func (a *Adapter) engine() string {
	if a.layout.cluster {
		return a.product + " cluster"
	}
	return a.product
}

func (a *Adapter) peers() []string {
	var addresses []string
	for s := range a.servers {
		if s.client != nil {
			addresses = append(addresses, s.address)
		}
	}
	slices.Sort(addresses)
	return addresses
}

// detail says why the state is not up.
func (a *Adapter) detail() string {
	var reasons []string
	if a.state == pubsub.StateClosed {
		return "closed"
	}
	if len(a.servers) == 0 && a.lookErr != nil {
		reasons = append(reasons, strings.ReplaceAll(a.lookErr.Error(), "\n", "; "))
	}
	for s := range a.servers {
		switch {
		case s.err != nil:
			reasons = append(reasons, s.address+": "+s.err.Error())
		case !s.ready:
			reasons = append(reasons, s.address+": subscribing")
		}
	}
	if len(reasons) == 0 {
		reasons = append(reasons, "slots are being moved, or no server of the cluster has them")
	}
	slices.Sort(reasons)
	return strings.Join(reasons, "; ")
}

// Close implements [pubsub.Adapter].
func (a *Adapter) Close(ctx context.Context) error {
	a.mu.Lock()
	if a.state != pubsub.StateClosed && !a.failed {
		close(a.away)
	}
	a.state = pubsub.StateClosed
	a.mu.Unlock()
	a.outbox.close(ctx)
	a.silent.Store(true)
	a.cancel()
	done := make(chan struct{})
	go func() { // ends with the tasks
		defer close(done)
		a.tasks.Wait()
		if n := a.outbox.discard(); n > 0 {
			a.lose(n, errClosed)
		}
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("redis: close: connections are still in use: %w", context.Cause(ctx))
	}
}

// lose counts envelopes that did not get through.
func (a *Adapter) lose(n int, why error) {
	total := a.lost.Add(uint64(n))
	if a.losses.allow() {
		a.logger.Warn("redis: envelopes for other nodes were lost", "lost", n, "lost_ever", total, "reason", why.Error())
	}
}

// odd tells of a message that is none of ours.
func (a *Adapter) odd(channel string, err error) {
	if a.oddity.allow() {
		a.logger.Warn("redis: what came on a channel is no envelope; does something else publish there?",
			"channel", channel, "error", err.Error())
	}
}

// limiter allows something once a second.
type limiter struct {
	last atomic.Int64 // Unix nanoseconds
}

func (l *limiter) allow() bool {
	now, last := time.Now().UnixNano(), l.last.Load()
	return now-last >= int64(time.Second) && l.last.CompareAndSwap(last, now)
}
