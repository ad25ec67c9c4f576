package client_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/client"
	"github.com/roost-dev/roost/history"
	"github.com/roost-dev/roost/pubsub"
)

// The contract of the application that tests talk to.
var (
	Say     = roost.NewIn[said, receipt]("say")
	Whisper = roost.NewIn[said, roost.NoReply]("whisper")
	Refuse  = roost.NewIn[said, roost.Ack]("refuse")
	Greet   = roost.NewIn[said, roost.Ack]("greet")
	Silent  = roost.NewIn[said, roost.Ack]("silent") // and never answers
	Bytes   = roost.NewIn[[]byte, []byte]("bytes")
	Crash   = roost.NewIn[roost.Ack, roost.NoReply]("crash")
	Finish  = roost.NewIn[roost.Ack, receipt]("finish")

	Said   = roost.NewOut[said]("said")
	Noted  = roost.NewOut[said]("noted") // never kept
	Blob   = roost.NewOut[[]byte]("blob")
	Number = roost.NewOut[number]("number")
)

type (
	said    struct{ By, Text string }
	receipt struct{ N int }
	number  struct{ N int }
	joining struct{ Name string }
	welcome struct {
		Name  string
		Joins int
	}
)

// app is a server of these tests, at a URL.
type app struct {
	*roost.Server[string]

	ps   *pubsub.PubSub
	http *http.Server
}

type appOptions struct {
	keep    *history.Keep
	options roost.Options[string]
	connect func(r *roost.ConnectRequest) error
	join    func(ctx context.Context, topic string, p joining) error
	out     func(b []byte) []byte // what becomes of a Blob on its way out
}

func newApp(t testing.TB, o appOptions) *app {
	t.Helper()
	var keeps []history.Keep
	if o.keep != nil {
		o.keep.Topics = []string{"log:*"}
		keeps = []history.Keep{*o.keep}
	}
	ps, err := pubsub.New(&pubsub.Options{History: keeps})
	if err != nil {
		t.Fatal(err)
	}
	a := &app{ps: ps}
	o.options.PubSub = ps
	o.options.ID = func(name string) string { return name }
	o.options.Logger = discard
	o.options.Joins = roost.Rate{PerSecond: -1}
	if o.options.Messages.PerSecond == 0 {
		o.options.Messages.PerSecond = -1
	}
	a.Server = roost.NewServer(func(_ context.Context, r *roost.ConnectRequest) (string, error) {
		if o.connect != nil {
			if err := o.connect(r); err != nil {
				return "", err
			}
		}
		return r.Param("name"), nil
	}, &o.options)
	a.Handle("*", newHandler(o))
	a.http = &http.Server{Handler: a.Server, ReadHeaderTimeout: time.Minute}
	t.Cleanup(func() { _ = ps.Close(context.Background()) })
	return a
}

func newHandler(o appOptions) *roost.Handler[string, *int] {
	type channel = roost.Channel[*int]
	var mu sync.Mutex
	joins := map[string]int{}
	h := roost.NewHandler(func(ctx context.Context, ch *channel, _ *roost.Socket[string], p joining) (welcome, error) {
		if o.join != nil {
			if err := o.join(ctx, ch.Topic(), p); err != nil {
				return welcome{}, err
			}
		}
		mu.Lock()
		defer mu.Unlock()
		joins[ch.Topic()]++
		ch.State = new(int)
		return welcome{Name: p.Name, Joins: joins[ch.Topic()]}, nil
	}, nil)
	h.Emits(Said, Noted, Number)
	if o.out == nil {
		h.Emits(Blob)
	} else {
		h.HandleOut(Blob, func(_ context.Context, _ *channel, b []byte) ([]byte, bool, error) { return o.out(b), true, nil })
	}
	h.HandleIn(Say, func(ctx context.Context, ch *channel, v said) (receipt, error) {
		*ch.State++
		return receipt{*ch.State}, ch.Broadcast(ctx, Said, v)
	})
	h.HandleIn(Whisper, func(ctx context.Context, ch *channel, v said) (roost.NoReply, error) {
		return roost.NoReply{}, ch.BroadcastFrom(ctx, Said, v)
	})
	h.HandleIn(Refuse, func(context.Context, *channel, said) (roost.Ack, error) {
		return roost.Ack{}, &roost.Error{Reason: "muted", Details: map[string]any{"until": "noon"}}
	})
	h.HandleIn(Greet, func(ctx context.Context, ch *channel, v said) (roost.Ack, error) {
		return roost.Ack{}, ch.Push(ctx, Noted, v)
	})
	h.HandleIn(Silent, func(_ context.Context, ch *channel, _ said) (roost.Ack, error) {
		_ = roost.Defer[roost.Ack](ch)
		return roost.Ack{}, roost.ErrLater
	})
	h.HandleIn(Bytes, func(ctx context.Context, ch *channel, v []byte) ([]byte, error) {
		return append([]byte("got "), v...), ch.Broadcast(ctx, Blob, v)
	})
	h.HandleIn(Crash, func(context.Context, *channel, roost.Ack) (roost.NoReply, error) { panic("on purpose") })
	h.HandleIn(Finish, func(_ context.Context, ch *channel, _ roost.Ack) (receipt, error) {
		return receipt{*ch.State}, roost.Stop(nil)
	})
	return h
}

// serve serves on l until the test ends, or the returned function is called.
func (a *app) serve(t testing.TB, l net.Listener) (stop func()) {
	t.Helper()
	served := make(chan struct{})
	go func() {
		defer close(served)
		if err := a.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("serve: %v", err)
		}
	}()
	stop = sync.OnceFunc(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		_ = a.Shutdown(ctx)
		_ = a.http.Close()
		<-served
	})
	t.Cleanup(stop)
	return stop
}

// start serves on a free port and returns the URL of the socket.
func (a *app) start(t testing.TB) string {
	t.Helper()
	l := listen(t, "127.0.0.1:0")
	a.serve(t, l)
	return socketURL(l)
}

func listen(t testing.TB, addr string) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func socketURL(l net.Listener) string { return "ws://" + l.Addr().String() + "/socket/websocket" }

// named is Options.Params of a user.
func named(name string) func(context.Context) (url.Values, error) {
	return func(context.Context) (url.Values, error) { return url.Values{"name": {name}}, nil }
}

var discard = slog.New(slog.DiscardHandler)

// soon is a schedule for tests on real networks.
func soon(int) time.Duration { return rand.N(5 * time.Millisecond) }

// dial connects with options fit for tests, and closes the socket, leaving
// nothing behind, when the test ends.
func dial(t testing.TB, socketURL string, o client.Options) *client.Socket {
	t.Helper()
	o.Logger = discard
	if o.Reconnect == nil {
		o.Reconnect = soon
	}
	if o.Rejoin == nil {
		o.Rejoin = soon
	}
	s, err := client.Dial(t.Context(), socketURL, &o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(t, s) })
	return s
}

// dialUntil connects where connections are cut before they stand.
func dialUntil(t *testing.T, socketURL, name string) *client.Socket {
	t.Helper()
	o := client.Options{Params: named(name), Reconnect: soon, Rejoin: soon, Logger: discard}
	s, err := client.Dial(t.Context(), socketURL, &o)
	for err != nil {
		s, err = client.Dial(t.Context(), socketURL, &o)
	}
	return s
}

func shut(t testing.TB, s *client.Socket) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.Close(ctx); err != nil {
		t.Error(err)
	}
}

// join joins a channel that must be let in.
func join(t testing.TB, ch *client.Channel) welcome {
	t.Helper()
	w, err := ch.Join[welcome](t.Context(), joining{"ada"})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// overBoth runs a test over a WebSocket, and over long polling.
func overBoth(t *testing.T, test func(t *testing.T, polls bool)) {
	t.Helper()
	t.Run("websocket", func(t *testing.T) { test(t, false) })
	t.Run("longpoll", func(t *testing.T) { test(t, true) })
}

// codeOf is the code that a client gives to an end for which a WebSocket has one.
func codeOf(polls bool, code int) int {
	if polls {
		return 3410
	}
	return code
}

const patience = 20 * time.Second

// eventually waits for a condition.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// next takes the next value of a channel that a callback fills.
func next[T any](t *testing.T, what string, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("waited in vain for %s", what)
		panic("unreachable")
	}
}

// wantNoGoroutines fails if goroutines of the package go on.
func wantNoGoroutines(t *testing.T) {
	t.Helper()
	var stacks string
	defer func() {
		if t.Failed() {
			t.Log(stacks)
		}
	}()
	eventually(t, "the goroutines of the client to end", func() bool {
		buf := make([]byte, 1<<20)
		stacks = string(buf[:runtime.Stack(buf, true)])
		return !strings.Contains(stacks, "roost/client.(")
	})
}

// proxy carries bytes between clients and a server, until they are cut.
type proxy struct {
	t        *testing.T
	listener net.Listener
	target   string

	limit, limitUp     func() int   // how many bytes the server's and the client's side of the next connection may bring; negative: any
	calm               atomic.Bool  // any number, from now on
	carried, carriedUp atomic.Int64 // from the server's side, and the client's

	mu    sync.Mutex // guards conns and ended
	conns map[net.Conn]bool
	ended bool
	busy  sync.WaitGroup
}

func newProxy(t *testing.T, socketURL string, limit, limitUp func() int) *proxy {
	t.Helper()
	u, err := url.Parse(socketURL)
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{t: t, listener: listen(t, "127.0.0.1:0"), target: u.Host, limit: limit, limitUp: limitUp, conns: map[net.Conn]bool{}}
	p.busy.Go(p.accept)
	t.Cleanup(func() {
		p.mu.Lock()
		p.ended = true
		p.mu.Unlock()
		_ = p.listener.Close()
		p.cut()
		p.busy.Wait()
	})
	return p
}

func (p *proxy) accept() {
	for {
		down, err := p.listener.Accept()
		if err != nil {
			return
		}
		up, err := net.Dial("tcp", p.target)
		if err != nil {
			_ = down.Close()
			continue
		}
		p.mu.Lock()
		p.conns[down], p.conns[up] = true, true
		if p.ended {
			_, _ = down.Close(), up.Close()
		}
		p.mu.Unlock()
		limit, limitUp := p.draw(p.limit), p.draw(p.limitUp)
		p.busy.Go(func() { p.carry(io.MultiWriter(up, counter{&p.carriedUp}), up, down, limitUp) })
		p.busy.Go(func() { p.carry(io.MultiWriter(down, counter{&p.carried}), down, up, limit) })
	}
}

func (p *proxy) draw(limit func() int) int {
	if limit == nil || p.calm.Load() {
		return -1
	}
	return limit()
}

// carry copies at most limit bytes, and then ends both sides.
func (p *proxy) carry(to io.Writer, dst, src net.Conn, limit int) {
	var from io.Reader = src
	if limit >= 0 {
		from = io.LimitReader(src, int64(limit))
	}
	_, _ = io.Copy(to, from)
	_, _ = src.Close(), dst.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, src)
	delete(p.conns, dst)
}

type counter struct{ n *atomic.Int64 }

func (c counter) Write(p []byte) (int, error) {
	c.n.Add(int64(len(p)))
	return len(p), nil
}

// cut breaks all connections.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		_ = c.Close()
	}
}

// settle waits until nothing has been carried for a while: then a client that polls waits for its answer, and a cut is a loss.
func (p *proxy) settle() {
	last, still := int64(-1), 0
	eventually(p.t, "silence", func() bool {
		now := p.carried.Load() + p.carriedUp.Load()
		if still++; now != last {
			last, still = now, 0
		}
		return still == 50
	})
}

func (p *proxy) url() string { return socketURL(p.listener) }

func httptestTLS(t *testing.T, a *app) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(a.Server)
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(func() {
		_ = a.Shutdown(context.Background())
		server.Close()
	})
	return server
}

// never is a schedule for who is not to come back in the time of a test.
func never(int) time.Duration { return time.Hour }
