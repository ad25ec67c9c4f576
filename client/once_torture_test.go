package client_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/client"
)

// TestCallOnceCutAtEveryByte cuts either side of the first connection behind each byte of it (in short: each ninth): all is done once.
func TestCallOnceCutAtEveryByte(t *testing.T) {
	step := 9
	if os.Getenv("ROOST_SOAK") != "" {
		step = 1
	}
	ts := newTasks()
	url := ts.app(t, roost.Options[string]{}).start(t)
	last := 0
	talk := func(down, up int) (carriedDown, carriedUp int) {
		p := newProxy(t, url, firstOnly(down), firstOnly(up))
		o := client.Options{Params: named("ada"), Reconnect: soon, Rejoin: soon, Logger: discard}
		s, err := client.Dial(t.Context(), p.url(), &o)
		if err != nil {
			return 0, 0 // cut before it stood
		}
		defer shut(t, s)
		ch := doing(t, s, 10)
		var results []<-chan outcome
		for _, how := range []string{"", "later", "", "refuse"} {
			last++
			results = append(results, start(t.Context(), ch, task{last, how}))
		}
		for i, result := range results {
			_, refused := errors.AsType[*roost.Error](next(t, "the reply", result).err)
			if refused != (i == 3) {
				t.Errorf("cut at %d and %d: task %d was refused: %v", down, up, i, refused)
			}
		}
		return int(p.carried.Load()), int(p.carriedUp.Load())
	}
	down, up := talk(-1, -1)
	for limit := 1; limit <= down; limit += step {
		talk(limit, -1)
	}
	for limit := 1; limit <= up; limit += step {
		talk(-1, limit)
	}
	ts.wantOnce(t, last)
}

// TestTortureOfCallsThatTakeEffectOnce makes calls on connections that are cut at random, of callbacks that crash, and of clients that
// are disconnected: each is done once, and its call brings its own reply.
func TestTortureOfCallsThatTakeEffectOnce(t *testing.T) {
	seeds, until := uint64(1), time.Time{}
	if os.Getenv("ROOST_SOAK") != "" {
		until = time.Now().Add(40 * time.Second)
	}
	for seed := uint64(0); seed < seeds || time.Now().Before(until); seed++ {
		if tortureOnce(t, seed); t.Failed() {
			return
		}
	}
}

func tortureOnce(t *testing.T, seed uint64) {
	t.Helper()
	const calls, sockets, callers = 10_000, 4, 8 // callers on each
	random := rand.New(rand.NewPCG(seed, 21))
	var drawing sync.Mutex
	draw := func(n int) int {
		drawing.Lock()
		defer drawing.Unlock()
		return random.IntN(n)
	}
	ts := newTasks()
	a := ts.app(t, roost.Options[string]{})
	l := listen(t, "127.0.0.1:0")
	defer a.serve(t, l)()
	var connections atomic.Int32
	p := newProxy(t, socketURL(l), func() int { connections.Add(1); return 300 + draw(20_000) }, func() int { return 500 + draw(30_000) })
	hows := []string{"", "", "", "later", "refuse"}
	numbers := make(chan int)
	var calling sync.WaitGroup
	for i := range sockets {
		s := dialUntil(t, p.url(), fmt.Sprint("user", i))
		defer shut(t, s)
		ch := doing(t, s, callers-1)
		for range callers {
			calling.Go(func() {
				for n := range numbers {
					how := hows[n%len(hows)]
					if n%500 == 0 {
						how = "crash"
					}
					r, err := ch.CallOnce(t.Context(), Do, task{n, how})
					checkOutcome(t, n, how, outcome{r.N, err})
				}
			})
		}
	}
	for n := 1; n <= calls; n++ {
		numbers <- n
		switch draw(400) {
		case 0:
			p.cut()
		case 1:
			a.ps.Disconnect(t.Context(), fmt.Sprint("user", draw(sockets)))
		}
	}
	close(numbers)
	calling.Wait()
	if t.Logf("seed %d, %d connections", seed, connections.Load()); connections.Load() < 100 {
		t.Error("hardly any connection was cut")
	}
	ts.wantOnce(t, calls)
}

// checkOutcome fails unless a call brought the reply to its own task.
func checkOutcome(t *testing.T, n int, how string, got outcome) {
	t.Helper()
	e, refused := errors.AsType[*roost.Error](got.err)
	ok := got == outcome{n, nil}
	switch how {
	case "refuse":
		ok = refused && e.Reason == "sold out" && e.Details["n"] == float64(n)
	case "crash":
		ok = refused && e.Reason == "crashed"
	}
	if !ok {
		t.Errorf("task %d, which was to %q: %v", n, how, got)
	}
}
