package client

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/roost-dev/roost/wire"
)

// Socket is a connection to a server that is kept up, and the channels on it.
// Make it with [Dial] and end it with [Socket.Close]. All methods may be called
// from any goroutine.
type Socket struct {
	opts   Options
	url    *url.URL
	ctx    context.Context // ends when the socket is to close
	cancel context.CancelFunc
	refs   atomic.Uint64
	done   chan struct{}
	hurry  chan struct{}  // has a token if the next try is not to wait
	joined sync.WaitGroup // the goroutines of channels
	polls  bool           // long polling is in use; of Dial, and then of the socket's goroutine

	mayUpgrade bool          // it is a fallback, if it is
	look       chan struct{} // has a token if the network may have changed

	mu       sync.Mutex          // guards what follows
	err      error               // why it is over
	conn     *conn               // that stands; nil: none does
	changed  chan struct{}       // closed and made anew when err or conn changes
	polling  bool                // the last that stood polls
	channels map[string]*Channel // by topic: joined, or about to be

	sharing sync.Mutex        // guards shares
	shares  map[string]*share // by topic; those that are over are replaced
}

// Dial connects to the socket that a server has at a URL:
// "wss://example.com/socket/websocket". It returns when the connection stands.
// If it cannot be made the error says why, and nothing is tried again: a
// [*RefusedError] if the server answered otherwise. ctx is for this first
// connection only; its values are seen by Options.Params and AuthToken of the
// later ones too.
func Dial(ctx context.Context, rawURL string, opts *Options) (*Socket, error) {
	u, err := parseURL(rawURL)
	if err != nil {
		return nil, err
	}
	s := &Socket{
		opts:     opts.withDefaults(),
		url:      u,
		done:     make(chan struct{}),
		hurry:    make(chan struct{}, 1),
		look:     make(chan struct{}, 1),
		changed:  make(chan struct{}),
		channels: map[string]*Channel{},
		shares:   map[string]*share{},
	}
	s.polls = s.opts.LongPoll || strings.HasSuffix(u.Path, "/longpoll")
	s.mayUpgrade = !s.polls
	c, err := s.connect(ctx)
	if err != nil {
		s.opts.OnClose(err)
		return nil, err
	}
	s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	s.set(c)
	go s.run(c)
	return s, nil
}

// Close closes the connection with code 1000 behind what was sent, ends all
// channels, and waits until their callbacks have returned, or ctx ends: its
// error is returned, and what is left ends by itself. Do not call it from a
// callback.
func (s *Socket) Close(ctx context.Context) error {
	s.cancel()
	select {
	case <-s.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("client: a callback has not returned: %w", context.Cause(ctx))
	}
}

// Done is closed when the socket is over and all callbacks have returned: it
// was closed, or the server closed with code 1000, which asks not to come back.
func (s *Socket) Done() <-chan struct{} { return s.done }

// Err returns why the socket is over: [ErrClosed], or the [*CloseError] with
// code 1000. It is nil before.
func (s *Socket) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Connected reports whether a connection stands, as far as the client knows.
func (s *Socket) Connected() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conn != nil
}

// LongPolling reports whether the connection that stands, or the last one that
// did, goes by long polling. For a socket that fell back this may change.
func (s *Socket) LongPolling() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.polling
}

// Probe asks the server at once for a sign of life, rather than at the next
// heartbeat: for programs that learn that their network has changed, or that
// they slept. It returns how long the answer took. If none comes before the
// deadline of ctx, or [Options].Timeout, the connection is given up and another
// one made. If none stands it is tried at once, without the pause that there
// would be unless the server asked for it, and Probe waits for it.
func (s *Socket) Probe(ctx context.Context) (time.Duration, error) {
	ctx, cancel := s.bound(ctx)
	defer cancel()
	if !s.Connected() {
		signal(s.hurry)
	}
	c, err := s.await(ctx, nil)
	if err != nil {
		return 0, fmt.Errorf("client: no connection stands: %w", err)
	}
	began := time.Now()
	if err = c.probe(ctx); c.isOver() {
		signal(s.hurry)
	}
	signal(s.look)
	return time.Since(began), err
}

// Channel makes a channel for a topic. It does nothing until it is joined; a
// socket has one joined channel for a topic at a time.
func (s *Socket) Channel(topic string, opts *ChannelOptions) *Channel {
	return newChannel(s, topic, opts.withDefaults())
}

// run keeps the connection up until the socket is over.
func (s *Socket) run(c *conn) {
	defer close(s.done)
	defer s.joined.Wait()
	defer s.cancel()
	tries := 0
	for {
		began := time.Now()
		err := c.serve(s.ctx, func() { s.stands(c) }, s.stood)
		s.polls = s.polls && c.carrier().polls()
		if time.Since(began) >= settled {
			tries = 0
		}
		for c = nil; c == nil; {
			s.opts.OnClose(err)
			if s.isFinal(err) {
				s.end(err)
				return
			}
			s.opts.Logger.Warn("client: no connection", "host", s.url.Host, "error", err)
			tries++
			s.pause(stay(err), s.opts.Reconnect(tries))
			if s.ctx.Err() != nil {
				err = ErrClosed
			} else {
				c, err = s.connect(s.ctx)
			}
		}
	}
}

// isFinal reports whether there is to be no other connection.
func (s *Socket) isFinal(err error) bool {
	closed, ok := errors.AsType[*CloseError](err)
	return s.ctx.Err() != nil || ok && closed.Code == closeNormal
}

// pause waits before the next try: as long as the server asked for, and as the
// schedule says unless somebody is in a hurry.
func (s *Socket) pause(least, d time.Duration) {
	sleep(s.ctx, least)
	t := time.NewTimer(d - least)
	defer t.Stop()
	select {
	case <-t.C:
	case <-s.hurry:
	case <-s.ctx.Done():
	}
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// stands tells everybody that there is a connection.
func (s *Socket) stands(c *conn) {
	s.set(c)
	s.opts.OnOpen()
}

// stood tells everybody that there is none.
func (s *Socket) stood() {
	s.set(nil)
	if s.ctx.Err() != nil {
		s.end(ErrClosed)
	}
}

func (s *Socket) set(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conn = c
	if c != nil {
		s.polling = c.carrier().polls()
	}
	s.wake()
}

// upgraded notes that the connection does not poll any more.
func (s *Socket) upgraded() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.polling = false
}

// wake has everybody look again who waits for a change. The caller holds mu.
func (s *Socket) wake() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// end ends the socket and its channels. The first reason counts.
func (s *Socket) end(err error) {
	if s.ctx.Err() != nil {
		err = ErrClosed
	}
	s.mu.Lock()
	if s.err != nil {
		s.mu.Unlock()
		return
	}
	s.err = err
	s.wake()
	channels := s.channels
	s.channels = nil
	s.mu.Unlock()
	for _, ch := range channels {
		ch.end(err)
	}
}

// await returns the connection that stands, waiting for one, but not last.
func (s *Socket) await(ctx context.Context, last *conn) (*conn, error) {
	for {
		s.mu.Lock()
		c, changed, err := s.conn, s.changed, s.err
		s.mu.Unlock()
		switch {
		case err != nil:
			return nil, err
		case c != nil && c != last:
			return c, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// add has a channel hear of its topic, and starts its goroutine.
func (s *Socket) add(ch *Channel, run func()) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.err != nil:
		return s.err
	case s.channels[ch.topic] != nil:
		return fmt.Errorf("client: topic %q has a channel on this socket already: leave that one first", ch.topic)
	}
	s.channels[ch.topic] = ch
	s.joined.Go(run)
	return nil
}

func (s *Socket) remove(ch *Channel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.channels[ch.topic] == ch {
		delete(s.channels, ch.topic)
	}
}

// leaveAll tells the server of the end where the connection would not. As much
// as may wait to be sent is told, for the rest the server has its own patience.
func (s *Socket) leaveAll(c *conn) {
	s.mu.Lock()
	channels := slices.Collect(maps.Values(s.channels))
	s.mu.Unlock()
	for _, ch := range channels {
		ch.mu.Lock()
		cv := ch.current
		ch.mu.Unlock()
		if cv != nil && cv.conn == c {
			c.sendNow(ch.leaving(cv))
		}
	}
}

// take hands a message to the channel of its topic. The goroutine that reads
// calls it.
func (s *Socket) take(c *conn, m wire.ServerMessage) {
	topic, _ := m.Topic.Text()
	s.mu.Lock()
	ch := s.channels[topic]
	s.mu.Unlock()
	if ch != nil {
		ch.take(c, m)
	}
}

func (s *Socket) nextRef() wire.Value {
	return wire.String(strconv.FormatUint(s.refs.Add(1), 10))
}

// bound bounds what the server has to answer.
func (s *Socket) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	late := fmt.Errorf("the server took longer than %v: %w", s.opts.Timeout, context.DeadlineExceeded)
	return context.WithTimeoutCause(ctx, s.opts.Timeout, late)
}
