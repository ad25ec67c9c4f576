// Package worker runs short jobs on goroutines that are kept for the next job.
//
// A goroutine that decoded JSON once has a grown stack; a fresh one would grow
// it again for every message. So a worker that ran out of work waits a moment
// for more before it ends. There is no cap on their number, as there is none
// in net/http: a job may wait for a database, and no other job should wait
// for it.
package worker

import (
	"context"
	"sync"
	"time"
)

// linger is how long an idle worker waits for a job.
const linger = time.Second

// Job is something to run once. A method instead of a func, so that handing
// over a pointer costs no allocation.
type Job interface{ Run() }

// Pool hands jobs to idle workers, the most recently used first, and starts a
// new one when there is none. The zero Pool is ready for use.
type Pool struct {
	mu     sync.Mutex // guards what follows
	idle   *worker    // the top of a stack, linked so that any of them leaves it at the same cost
	busy   int
	closed bool
	done   chan struct{} // closed once closed is set and no worker is left
}

type worker struct {
	next         chan Job // closed to end the worker
	above, below *worker  // in the stack of the idle; the pool's mu guards them
	idle         bool     // in the stack; guarded likewise
}

// Go runs job on a goroutine of the pool and returns at once. It works on a
// closed pool too, so that what is still under way can end in good order.
func (p *Pool) Go(job Job) {
	p.mu.Lock()
	p.busy++
	if w := p.idle; w != nil {
		p.unlink(w)
		p.mu.Unlock()
		w.next <- job
		return
	}
	p.mu.Unlock()
	w := &worker{next: make(chan Job, 1)}
	go p.work(w, job)
}

func (p *Pool) work(w *worker, job Job) {
	timer := time.NewTimer(linger)
	defer timer.Stop()
	for {
		if !p.run(job) {
			return // the job ended its goroutine (runtime.Goexit)
		}
		if !p.rest(w) {
			return
		}
		timer.Reset(linger)
		var ok bool
		select {
		case job, ok = <-w.next:
		case <-timer.C:
			if p.leave(w) {
				return
			}
			job, ok = <-w.next // somebody is just handing over a job
		}
		if !ok {
			return
		}
	}
}

// run runs job and reports whether the goroutine survived it.
func (p *Pool) run(job Job) (survived bool) {
	defer func() {
		if !survived {
			p.mu.Lock()
			p.busy--
			p.checkDone()
			p.mu.Unlock()
		}
	}()
	job.Run()
	return true
}

// rest makes w idle, unless the pool is closed.
func (p *Pool) rest(w *worker) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.busy--
	if p.closed {
		p.checkDone()
		return false
	}
	w.idle, w.below = true, p.idle
	if p.idle != nil {
		p.idle.above = w
	}
	p.idle = w
	return true
}

// unlink takes an idle w out of the stack. The caller holds mu.
func (p *Pool) unlink(w *worker) {
	if w.above == nil {
		p.idle = w.below
	} else {
		w.above.below = w.below
	}
	if w.below != nil {
		w.below.above = w.above
	}
	w.idle, w.above, w.below = false, nil, nil
}

// leave takes w off the idle workers, and reports whether it was one.
func (p *Pool) leave(w *worker) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !w.idle {
		return false
	}
	p.unlink(w)
	return true
}

func (p *Pool) checkDone() {
	if p.closed && p.busy == 0 && p.done != nil {
		close(p.done)
		p.done = nil
	}
}

// Close ends the idle workers, and waits until ctx ends for the busy ones.
func (p *Pool) Close(ctx context.Context) error {
	p.mu.Lock()
	p.closed = true
	for p.idle != nil {
		w := p.idle
		p.unlink(w)
		close(w.next)
	}
	done := make(chan struct{})
	if p.done != nil {
		done = p.done // somebody else is waiting already
	}
	p.done = done
	p.checkDone()
	p.mu.Unlock()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
