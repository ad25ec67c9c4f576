package client_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/client"
	"github.com/roost-dev/roost/history"
)

// pipes is a network within a bubble of testing/synctest, whose connections can be cut, and frozen: what is written on them vanishes.
type pipes struct {
	accepted chan net.Conn
	closed   chan struct{}
	down     atomic.Bool // nobody can connect
	frozen   atomic.Bool
	dials    atomic.Int32

	mu    sync.Mutex // guards conns
	conns []net.Conn
}

func newPipes() *pipes { return &pipes{accepted: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.accepted:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	select {
	case <-p.closed:
	default:
		close(p.closed)
	}
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes", Net: "unix"} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	p.dials.Add(1)
	if p.down.Load() {
		return nil, errors.New("down")
	}
	here, there := net.Pipe()
	p.mu.Lock()
	p.conns = append(p.conns, there)
	p.mu.Unlock()
	select {
	case p.accepted <- there:
		return &freezing{here, p}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		_ = c.Close()
	}
	p.conns = nil
}

type freezing struct {
	net.Conn

	pipes *pipes
}

func (f *freezing) Write(b []byte) (int, error) {
	if f.pipes.frozen.Load() {
		return len(b), nil
	}
	return f.Conn.Write(b)
}

// bubble runs a test in virtual time, with an application and a network to it. All goroutines of the client must end with it.
func bubble(t *testing.T, o appOptions, f func(t *testing.T, a *app, p *pipes, co client.Options)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		a := newApp(t, o)
		p := newPipes()
		stop := a.serve(t, p)
		f(t, a, p, client.Options{Transport: &http.Transport{DialContext: p.dial}, Logger: discard})
		stop()
	})
}

func dialIn(t *testing.T, o client.Options) *client.Socket {
	t.Helper()
	s, err := client.Dial(t.Context(), "ws://example.com/socket/websocket", &o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestHeartbeatsKeepAnIdleConnection(t *testing.T) {
	bubble(t, appOptions{}, func(t *testing.T, _ *app, p *pipes, o client.Options) {
		s := dialIn(t, o)
		<-time.After(time.Hour) // the server closes who is silent for a minute
		if n := p.dials.Load(); n != 1 || !s.Connected() {
			t.Errorf("%d connections were made in an hour", n)
		}
		shut(t, s)
	})
}

func TestServerThatGoesSilentIsNoticed(t *testing.T) {
	bubble(t, appOptions{}, func(t *testing.T, _ *app, p *pipes, o client.Options) {
		closed := make(chan error, 10)
		o.OnClose = func(err error) { closed <- err }
		s := dialIn(t, o)
		ch := s.Channel("room:1", nil)
		join(t, ch)
		<-time.After(45 * time.Second) // past a heartbeat
		p.frozen.Store(true)
		began := time.Now()
		if err := <-closed; !errors.Is(err, client.ErrHeartbeat) {
			t.Errorf("closed with %v", err)
		}
		if took := time.Since(began); took > 40*time.Second {
			t.Errorf("it took %v", took)
		}
		p.frozen.Store(false)
		if _, err := ch.Call(t.Context(), Say, said{}); err != nil {
			t.Errorf("say: %v", err)
		}
		shut(t, s)
	})
}

func TestReconnectsAreSpreadAndGrowRarer(t *testing.T) {
	bubble(t, appOptions{}, func(t *testing.T, _ *app, p *pipes, o client.Options) {
		var pauses []time.Duration
		last := time.Now()
		o.OnClose = func(error) {
			pauses = append(pauses, time.Since(last))
			last = time.Now()
		}
		s := dialIn(t, o)
		p.down.Store(true)
		p.cut()
		<-time.After(10 * time.Minute)
		p.down.Store(false)
		ch := s.Channel("room:1", nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for { // Join gives up before the next try
			if _, err := ch.Join[welcome](ctx, nil); err == nil {
				break
			}
			ch = s.Channel("room:1", nil)
		}
		most, total := 250*time.Millisecond, time.Duration(0)
		for i, pause := range pauses[1:] {
			if pause > most {
				t.Errorf("pause %d is %v, more than %v", i+1, pause, most)
			}
			most = min(2*most, 10*time.Second)
			total += pause
		}
		if n := len(pauses); n < 80 || n > 200 {
			t.Errorf("%d tries in 10 minutes", n)
		}
		shut(t, s)
	})
}

func TestServerThatDoesNotAnswer(t *testing.T) {
	wait := func(ctx context.Context, topic string, _ joining) error {
		if topic == "slow" {
			<-ctx.Done()
		}
		return nil
	}
	bubble(t, appOptions{join: wait, options: roost.Options[string]{JoinTimeout: time.Hour}}, func(t *testing.T, _ *app, p *pipes, o client.Options) {
		s := dialIn(t, o)
		ch := s.Channel("room:1", nil)
		join(t, ch)
		for what, call := range map[string]func() error{
			"join": func() error {
				_, err := s.Channel("slow", nil).Join[welcome](t.Context(), nil)
				return err
			},
			"call": func() error {
				_, err := ch.Call(t.Context(), Silent, said{})
				return err
			},
		} {
			began := time.Now()
			if err := call(); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: %v", what, err)
			}
			if took := time.Since(began); took != 10*time.Second {
				t.Errorf("%s took %v", what, took)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := ch.Call(ctx, Silent, said{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("call with a context: %v", err)
		}
		shut(t, s)

		p.frozen.Store(true) // and one that takes connections and says nothing
		began := time.Now()
		if _, err := client.Dial(t.Context(), "ws://example.com/", &o); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 10*time.Second {
			t.Errorf("dial: %v after %v", err, time.Since(began))
		}
	})
}

func TestCallsWaitForAConnection(t *testing.T) {
	bubble(t, appOptions{}, func(t *testing.T, _ *app, p *pipes, o client.Options) {
		o.Reconnect = func(int) time.Duration { return 3 * time.Second }
		s := dialIn(t, o)
		ch := s.Channel("room:1", nil)
		join(t, ch)
		p.cut()
		synctest.Wait()
		if ch.Joined() || s.Connected() {
			t.Error("the client did not notice")
		}
		began := time.Now()
		if _, err := ch.Call(t.Context(), Say, said{}); err != nil || time.Since(began) != 3*time.Second {
			t.Errorf("say: %v after %v", err, time.Since(began))
		}
		p.down.Store(true)
		p.cut()
		synctest.Wait()
		if err := ch.Push(t.Context(), Whisper, said{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("push: %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := ch.Push(ctx, Whisper, said{}); !errors.Is(err, context.Canceled) {
			t.Errorf("push: %v", err)
		}
		if err := ch.Leave(t.Context()); err != nil {
			t.Errorf("leave: %v", err)
		}
		shut(t, s)
	})
}

func TestConversationThatKeepsCrashingIsJoinedLessOften(t *testing.T) {
	joins := 0
	refuse := func(_ context.Context, _ string, _ joining) error {
		if joins++; joins > 1 {
			return &roost.Error{Reason: "not now"}
		}
		return nil
	}
	bubble(t, appOptions{join: refuse}, func(t *testing.T, _ *app, _ *pipes, o client.Options) {
		s := dialIn(t, o)
		ch := s.Channel("room:1", nil)
		refusals := 0
		ch.OnError(func(_ context.Context, err error) {
			if e, ok := errors.AsType[*roost.Error](err); ok && e.Reason == "not now" {
				refusals++
			}
		})
		join(t, ch)
		if err := ch.Push(t.Context(), Crash, roost.Ack{}); err != nil {
			t.Error(err)
		}
		<-time.After(10 * time.Minute)
		shut(t, s)
		<-ch.Done()
		if refusals < 80 || refusals > 200 {
			t.Errorf("it was tried %d times in 10 minutes", refusals)
		}
	})
}

func TestCloseDoesNotWaitForever(t *testing.T) {
	bubble(t, appOptions{keep: &history.Keep{}}, func(t *testing.T, a *app, _ *pipes, o client.Options) {
		s := dialIn(t, o)
		ch := s.Channel("log:1", &client.ChannelOptions{History: true})
		release := make(chan struct{})
		told := 0
		ch.On(Number, func(ctx context.Context, _ number) {
			told++
			<-ctx.Done()
			<-release
		})
		join(t, ch)
		before := ch.Position()
		publish(t, a, "log:1", 1, 3, none)
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("close: %v", err)
		}
		close(release)
		<-s.Done()
		if told != 1 || ch.Position() == before {
			t.Errorf("%d events were told, at %q", told, ch.Position())
		}
	})
}
