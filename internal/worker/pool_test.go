package worker_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roost-dev/roost/internal/worker"
)

type job func()

func (j job) Run() { j() }

func TestEveryJobRuns(t *testing.T) {
	var p worker.Pool
	var ran atomic.Int64
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 5000 {
				wg.Add(1)
				p.Go(job(func() { ran.Add(1); wg.Done() }))
			}
		})
	}
	wg.Wait()
	if err := p.Close(t.Context()); err != nil || ran.Load() != 20_000 {
		t.Fatalf("%d of 20000 jobs ran; Close: %v", ran.Load(), err)
	}
}

func TestAWaitingJobDelaysNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p worker.Pool
		release := make(chan struct{})
		for range 1000 {
			p.Go(job(func() { <-release }))
		}
		ran := false
		p.Go(job(func() { ran = true }))
		synctest.Wait()
		if !ran {
			t.Error("a job waited for others")
		}
		close(release)
		if err := p.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestIdleWorkersAreUsedAgainAndThenEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p worker.Pool
		base := runtime.NumGoroutine()
		for range 100 {
			p.Go(job(func() {}))
			synctest.Wait()
		}
		if n := runtime.NumGoroutine() - base; n != 1 {
			t.Errorf("%d workers for jobs one after another, want 1", n)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if n := runtime.NumGoroutine() - base; n != 0 {
			t.Errorf("%d workers left after two idle seconds", n)
		}
	})
}

func TestCloseWaitsForBusyWorkersWithinItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p worker.Pool
		release := make(chan struct{})
		p.Go(job(func() { <-release }))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := p.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Close with a busy worker: %v", err)
		}
		p.Go(job(func() {})) // what is under way may still need workers
		close(release)
		if err := p.Close(t.Context()); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
}

func TestAJobThatEndsItsGoroutineHarmsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p worker.Pool
		p.Go(job(runtime.Goexit))
		ran := false
		p.Go(job(func() { ran = true }))
		synctest.Wait()
		if !ran {
			t.Error("the next job did not run")
		}
		if err := p.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func BenchmarkHandOver(b *testing.B) {
	var p worker.Pool
	done := make(chan struct{})
	j := job(func() { done <- struct{}{} })
	b.ReportAllocs()
	for b.Loop() {
		p.Go(j)
		<-done
	}
}

// Workers leave the stack of the idle at its bottom, in its middle, and at
// its top, as their jobs came in between.
func TestWorkersLeaveInAnyOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p worker.Pool
		rng := rand.New(rand.NewPCG(1, 2))
		var ran atomic.Int64
		started := int64(0)
		for range 500 {
			for range rng.IntN(5) {
				busy := time.Duration(rng.IntN(1500)) * time.Millisecond
				p.Go(job(func() { time.Sleep(busy); ran.Add(1) }))
				started++
			}
			time.Sleep(time.Duration(rng.IntN(400)) * time.Millisecond)
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if n := ran.Load(); n != started {
			t.Errorf("%d of %d jobs ran", n, started)
		}
		if n := strings.Count(stacks(), "worker.(*Pool).work"); n != 0 {
			t.Errorf("%d workers left", n)
		}
		if err := p.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func stacks() string {
	buf := make([]byte, 1<<20)
	return string(buf[:runtime.Stack(buf, true)])
}
