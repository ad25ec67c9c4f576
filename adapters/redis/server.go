package redis

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/redis/rueidis"
	"github.com/roost-dev/roost/pubsub"
)

const (
	minBackoff = 50 * time.Millisecond
	maxBackoff = 500 * time.Millisecond // and half as much again, by chance

	// refusedPause is how long what a server did not take waits if nothing
	// else happens.
	refusedPause = 100 * time.Millisecond
)

// backoff returns how long to wait after so many failures.
func backoff(failures int) time.Duration {
	d := min(maxBackoff, minBackoff<<min(failures, 10))
	return d/2 + rand.N(d)
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// server is one server of the engine. It has two connections: one publishes,
// the other one subscribes. If one fails, both begin anew. A third one is for
// the log, if there is one: appends do not wait behind publications.
type server struct {
	a       *Adapter
	address string
	cluster bool
	ctx     context.Context // ends when the server has no slots anymore, and with the adapter
	stop    context.CancelFunc
	wake    chan struct{}

	// Guarded by the adapter.
	list   []*interest    // to be subscribed or unsubscribed here
	ready  bool           // knows all that is wanted of it
	client rueidis.Client // nil while it is away
	log    rueidis.Client // with it, if there is a log
	cut    func(error)    // ends its session
	err    error          // why it is away

	queue queue // of the outbox
}

func (a *Adapter) newServer(address string, cluster bool) *server {
	s := &server{a: a, address: address, cluster: cluster, wake: make(chan struct{}, 1), queue: newQueue()}
	s.ctx, s.stop = context.WithCancel(a.ctx)
	return s
}

func (s *server) rouse() {
	select {
	case s.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// run keeps the server connected until it is stopped.
func (s *server) run() {
	failures := 0
	for s.ctx.Err() == nil {
		ready, err := s.session(failures > 0)
		if ready {
			failures = 0
		}
		s.a.outbox.shut(s)
		s.a.disconnected(s, err)
		s.a.outbox.expire(s)
		sleep(s.ctx, backoff(failures))
		failures++
	}
	s.a.retired(s)
}

// session is the life of a server's connections.
type session struct {
	s      *server
	ctx    context.Context
	fail   context.CancelCauseFunc
	client rueidis.Client
	log    rueidis.Client // nil without a log
	late   bool           // the server was away
	ready  bool

	// connected is for commands: with the end of ctx their connections end,
	// and them with these, but not without the answers that have come.
	connected context.Context
}

var errEnded = errors.New("the connection ended")

// session connects, and works until that fails. It reports whether the server
// ever was ready.
func (s *server) session(late bool) (ready bool, err error) {
	ctx, fail := context.WithCancelCause(s.ctx)
	defer fail(nil)
	client, err := s.a.connect(ctx, s.address, forBatches)
	if err != nil {
		return false, err
	}
	w := &session{s: s, ctx: ctx, fail: fail, client: client, late: late, connected: context.WithoutCancel(ctx)}
	defer w.close()
	d, err := describe(ctx, client, s.address)
	if err != nil {
		return false, err
	}
	if d.cluster != s.cluster {
		s.a.lookAgain()
		return false, errors.New("it changed between being alone and being of a cluster")
	}
	if s.a.log != nil {
		if w.log, err = s.a.connect(ctx, s.address, s.a.forLog()); err != nil {
			return false, err
		}
	}
	listener, recycle := client.Dedicate()
	defer recycle()
	ended := listener.SetPubSubHooks(rueidis.PubSubHooks{OnMessage: w.receive, OnSubscription: w.confirmed})
	watched := make(chan struct{})
	go func() { // ends with the connection
		defer close(watched)
		if err := <-ended; err != nil {
			fail(err)
		}
		fail(errEnded)
	}()
	sent := make(chan struct{})
	go func() { // ends with the context
		defer close(sent)
		w.send()
	}()
	w.subscribe(listener)
	<-watched // nothing is received after it
	<-sent
	return w.ready, context.Cause(ctx)
}

func (w *session) close() {
	w.fail(nil) // cuts the connections, so that Close need not be polite
	w.client.Close()
	if w.log != nil {
		w.log.Close()
	}
}

// receive is called by the connection that subscribes, for one message after
// another.
func (w *session) receive(m rueidis.PubSubMessage) {
	a := w.s.a
	if strings.HasPrefix(m.Message, a.id) {
		return // our own
	}
	if strings.HasPrefix(m.Message, keptMark) { // our own too
		w.receiveKept(m)
		return
	}
	var e pubsub.Envelope
	if len(m.Message) < idSize {
		a.odd(m.Channel, errors.New("too short"))
		return
	}
	if err := e.UnmarshalBinary([]byte(m.Message[idSize:])); err != nil {
		a.odd(m.Channel, err)
		return
	}
	a.deliver(&e)
}

// receiveKept takes an event that was appended to the log of a topic, whose
// channel says which it is.
func (w *session) receiveKept(m rueidis.PubSubMessage) {
	a := w.s.a
	e, err := parseFrame(m.Message)
	if err != nil {
		a.odd(m.Channel, err)
		return
	}
	e.Subject, _ = a.subject(m.Channel)
	e.Topic = strings.TrimPrefix(e.Subject, pubsub.TopicSubject(""))
	a.deliver(e)
}

func (w *session) confirmed(c rueidis.PubSubSubscription) {
	subject, ok := w.s.a.subject(c.Channel)
	if !ok {
		return
	}
	switch c.Kind {
	case "subscribe", "ssubscribe":
		w.s.a.confirmed(w.s, subject, true)
	case "unsubscribe", "sunsubscribe":
		w.s.a.confirmed(w.s, subject, false)
	}
}

// subscribe tells the server what is wanted of it.
func (w *session) subscribe(listener rueidis.DedicatedClient) {
	for w.ctx.Err() == nil {
		batch := w.s.a.takeChanges(w.s)
		if len(batch) == 0 {
			if !w.ready {
				w.ready = true
				w.s.a.outbox.open(w.s, w.late)
			}
			w.s.a.caughtUp(w)
			select {
			case <-w.s.wake:
			case <-w.ctx.Done():
			}
			continue
		}
		w.exchange(listener, batch)
	}
}

func (w *session) exchange(listener rueidis.DedicatedClient, batch []change) {
	commands := make([]rueidis.Completed, len(batch))
	for n, c := range batch {
		commands[n] = w.command(listener.B(), c)
	}
	refused := false
	for n, result := range listener.DoMulti(w.connected, commands...) {
		err := result.Error()
		switch {
		case err == nil:
		case isElsewhere(err):
			batch[n].refused, refused = true, true
		default:
			w.fail(fmt.Errorf("subscribing: %w", err))
		}
	}
	w.s.a.doneChanges(w.s, batch)
	if refused {
		w.s.a.lookAgain()
	}
}

func (w *session) command(b rueidis.Builder, c change) rueidis.Completed {
	channel := w.s.a.channel(c.subject)
	switch {
	case c.begins && w.s.cluster:
		return b.Ssubscribe().Channel(channel).Build()
	case c.begins:
		return b.Subscribe().Channel(channel).Build()
	case w.s.cluster:
		return b.Sunsubscribe().Channel(channel).Build()
	}
	return b.Unsubscribe().Channel(channel).Build()
}

// send brings messages to the server, one batch after the other, so that they
// keep their order.
func (w *session) send() {
	for w.ctx.Err() == nil {
		batch, wait := w.s.a.outbox.take(w.s)
		if len(batch) > 0 {
			w.sendBatch(batch)
			continue
		}
		var held <-chan time.Time
		if wait > 0 {
			held = time.After(wait)
		}
		select {
		case <-w.s.queue.wake:
		case <-held:
		case <-w.ctx.Done():
		}
	}
}

func (w *session) sendBatch(batch []message) {
	commands := make([]rueidis.Completed, len(batch))
	for n, m := range batch {
		if w.s.cluster {
			commands[n] = w.client.B().Spublish().Channel(m.channel).Message(m.frame).Build()
		} else {
			commands[n] = w.client.B().Publish().Channel(m.channel).Message(m.frame).Build()
		}
	}
	var rejected []message
	var broken, why error
	lost := 0
	for n, result := range w.client.DoMulti(w.connected, commands...) {
		err := result.Error()
		if result.NonRedisError() != nil {
			broken = err
		}
		switch {
		case err == nil:
		case errors.Is(err, errDial) || isElsewhere(err):
			rejected = append(rejected, batch[n])
		default:
			lost, why = lost+1, err
		}
	}
	a := w.s.a
	if lost > 0 {
		a.lose(lost, why)
	}
	if broken != nil {
		a.outbox.shut(w.s)
		w.fail(broken)
	}
	a.outbox.done(w.s, batch, rejected)
	if broken == nil && len(rejected) > 0 {
		a.lookAgain()
		sleep(w.ctx, refusedPause)
	}
}

// isElsewhere tells whether a server did not take a command because it, or the
// cluster, is not in the state to.
func isElsewhere(err error) bool {
	refusal, ok := rueidis.IsRedisErr(err)
	if !ok {
		return false
	}
	word, _, _ := strings.Cut(refusal.Error(), " ")
	switch word {
	case "MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN", "LOADING", "MASTERDOWN", "READONLY":
		return true
	}
	return false
}
