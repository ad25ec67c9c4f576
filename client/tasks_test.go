package client_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/client"
)

var (
	Do      = roost.NewIn[task, receipt]("do")
	DoBytes = roost.NewIn[[]byte, []byte]("do bytes")
	DoMute  = roost.NewIn[task, roost.NoReply]("do mute")
)

// task is something that is to be done once, and what is to become of it.
type task struct {
	N   int
	How string
}

// tasks counts what was done, on servers that may come and go.
type tasks struct {
	release chan struct{} // lets go on who does "wait"
	began   chan int      // the number of each that does

	mu      sync.Mutex // guards effects
	effects map[int]int
}

func newTasks() *tasks {
	return &tasks{release: make(chan struct{}), began: make(chan int, 100), effects: map[int]int{}}
}

// app is one of the servers, whose topics for this are "tasks:*".
func (ts *tasks) app(t testing.TB, o roost.Options[string]) *app {
	t.Helper()
	a := newApp(t, appOptions{options: o})
	type channel = roost.Channel[int]
	h := roost.NewHandler(func(context.Context, *channel, *roost.Socket[string], roost.Payload) (roost.Ack, error) {
		return roost.Ack{}, nil
	}, nil)
	h.HandleIn(Do, func(_ context.Context, ch *channel, v task) (receipt, error) {
		ts.do(v.N)
		switch v.How {
		case "wait":
			ts.began <- v.N
			<-ts.release
		case "later":
			later := roost.Defer[receipt](ch)
			time.AfterFunc(2*time.Millisecond, func() { _ = later.Reply(receipt{v.N}) })
			return receipt{}, roost.ErrLater
		case "never":
			ts.began <- v.N
			roost.Defer[receipt](ch)
			return receipt{}, roost.ErrLater
		case "refuse":
			return receipt{}, &roost.Error{Reason: "sold out", Details: map[string]any{"n": v.N}}
		case "crash":
			panic("on purpose")
		case "finish":
			return receipt{v.N}, roost.Stop(nil)
		}
		return receipt{v.N}, nil
	})
	h.HandleIn(DoBytes, func(_ context.Context, _ *channel, v []byte) ([]byte, error) {
		ts.do(len(v))
		return v, nil
	})
	h.HandleIn(DoMute, func(_ context.Context, _ *channel, v task) (roost.NoReply, error) {
		ts.do(v.N)
		return roost.NoReply{}, nil
	})
	a.Handle("tasks:*", h)
	return a
}

func (ts *tasks) do(n int) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	ts.effects[n]++
}

func (ts *tasks) done(n int) int {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	return ts.effects[n]
}

func (ts *tasks) wantOnce(t *testing.T, last int) {
	t.Helper()
	for n := 1; n <= last; n++ {
		if got := ts.done(n); got != 1 {
			t.Errorf("task %d was done %d times", n, got)
		}
	}
}

// doing joins a channel that calls once.
func doing(t testing.TB, s *client.Socket, outbox int) *client.Channel {
	t.Helper()
	ch := s.Channel("tasks:1", &client.ChannelOptions{Outbox: outbox})
	if _, err := ch.Join[roost.Ack](t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	return ch
}

// outcome is what a call brought.
type outcome struct {
	n   int
	err error
}

// start calls, in an order that holds on the wire.
func start(ctx context.Context, ch *client.Channel, v task) <-chan outcome {
	result := make(chan outcome, 1)
	go func() {
		r, err := ch.CallOnce(ctx, Do, v)
		result <- outcome{r.N, err}
	}()
	return result
}

// bubbleOf is bubble with the tasks' server.
func bubbleOf(t *testing.T, o roost.Options[string], f func(t *testing.T, ts *tasks, p *pipes, co client.Options)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ts, p := newTasks(), newPipes()
		stop := ts.app(t, o).serve(t, p)
		f(t, ts, p, client.Options{Transport: &http.Transport{DialContext: p.dial}, Logger: discard})
		stop()
	})
}
