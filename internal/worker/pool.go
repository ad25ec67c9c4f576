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
	idle   []*worker  // a stack
	busy   int
	closed bool
	done   chan struct{} // closed once closed is set and no worker is left
}

type worker struct {
	next chan Job // closed to end the worker
}

// Go runs job on a goroutine of the pool and returns at once. It works on a
// closed pool too, so that what is still under way can end in good order.
func (p *Pool) Go(job Job) {
	p.mu.Lock()
	p.busy++
	if n := len(p.idle); n > 0 {
		w := p.idle[n-1]
		p.idle[n-1] = nil
		p.idle = p.idle[:n-1]
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
	p.idle = append(p.idle, w)
	return true
}

// leave takes w off the idle workers, and reports whether it was one.
func (p *Pool) leave(w *worker) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, other := range p.idle {
		if other == w {
			p.idle = append(p.idle[:i], p.idle[i+1:]...)
			return true
		}
	}
	return false
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
	for _, w := range p.idle {
		close(w.next)
	}
	p.idle = nil
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
