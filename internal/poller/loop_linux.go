package poller

import (
	"encoding/binary"
	"errors"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	batch      = 256      // events that a loop takes at once
	bufferSize = 64 << 10 // of the loop's reads
)

// bell is the slot of the eventfd that ends a loop's sleep.
const bell = -1

// loop is a goroutine around an epoll.
type loop struct {
	clock   func() time.Duration
	epoll   int
	eventfd int
	wheel   wheel // used by the goroutine of run only

	mu       sync.Mutex // guards what follows
	table    []entry    // by Descriptor.slot
	spare    []uint32   // slots of the table
	woken    []*Descriptor
	sleeping bool // the bell must be rung
	stopped  bool
}

// entry is a slot of a loop's table. The generation goes into the epoll with
// it, so that an event of a slot's former owner is recognized.
type entry struct {
	d          *Descriptor
	generation int32
}

func newLoop(clock func() time.Duration) (*loop, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	eventfd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, errors.Join(err, unix.Close(epoll))
	}
	l := &loop{clock: clock, epoll: epoll, eventfd: eventfd}
	l.wheel.next = never
	l.wheel.tick = int64(clock() / Tick)
	// Edge-triggered, so that nobody need read it: each ring is an edge.
	err = unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, eventfd, &unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET, Fd: bell})
	if err != nil {
		l.free()
		return nil, err
	}
	return l, nil
}

// free gives back what a loop that does not run has of the system.
func (l *loop) free() {
	_ = unix.Close(l.epoll)
	_ = unix.Close(l.eventfd)
}

// add gives d a slot and watches it.
func (l *loop) add(d *Descriptor) error {
	l.mu.Lock()
	if n := len(l.spare); n > 0 {
		d.slot = l.spare[n-1]
		l.spare = l.spare[:n-1]
	} else {
		d.slot = uint32(len(l.table))
		l.table = append(l.table, entry{})
	}
	l.table[d.slot].d = d
	l.mu.Unlock()
	err := l.control(unix.EPOLL_CTL_ADD, d)
	if err != nil {
		l.remove(d)
	}
	return err
}

// remove takes d's slot away from it. Closing its file descriptor takes it out
// of the epoll.
func (l *loop) remove(d *Descriptor) {
	l.wheel.remove(&d.timer)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.table[d.slot].d = nil
	l.table[d.slot].generation++
	l.spare = append(l.spare, d.slot)
}

// control tells the epoll what d waits for.
func (l *loop) control(op int, d *Descriptor) error {
	l.mu.Lock()
	generation := l.table[d.slot].generation
	l.mu.Unlock()
	events := uint32(unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLET)
	if d.armed {
		events |= unix.EPOLLOUT
	}
	return unix.EpollCtl(l.epoll, op, int(d.fd), &unix.EpollEvent{Events: events, Fd: int32(d.slot), Pad: generation})
}

func (l *loop) wake(d *Descriptor) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if d.queued {
		return
	}
	d.queued = true
	l.woken = append(l.woken, d)
	l.ring()
}

func (l *loop) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stopped = true
	l.ring()
}

// ring ends the loop's sleep, if it sleeps. l.mu is held.
func (l *loop) ring() {
	if l.sleeping {
		l.sleeping = false
		var one [8]byte
		binary.NativeEndian.PutUint64(one[:], 1)
		_, _ = unix.Write(l.eventfd, one[:]) // fails only after 2^64 of them
	}
}

// run runs until stop.
func (l *loop) run() {
	defer l.free()
	var events [batch]unix.EpollEvent
	turn := &Turn{Buf: make([]byte, bufferSize)}
	var calls []call
	for {
		n, ok := l.wait(&events)
		if !ok {
			return
		}
		turn.Now = l.clock()
		calls = l.collect(calls[:0], events[:n])
		for i, c := range calls {
			if !c.d.closed {
				c.d.timer.owner.Ready(c.what, turn)
			}
			calls[i].d = nil
		}
		if cap(calls) > 4*batch {
			calls = nil // many were woken at once
		}
		l.wheel.advance(turn.Now, func(s *spoke) { s.owner.Ready(Due, turn) })
	}
}

// call is a call of an owner that is to be made.
type call struct {
	d    *Descriptor
	what Ready
}

// wait returns the next events: at once if there are any, and else when some
// come, a deadline is near, or the bell rings. ok is false when it is over.
func (l *loop) wait(events *[batch]unix.EpollEvent) (n int, ok bool) {
	if n = poll(l.epoll, events); n > 0 {
		return n, !l.isStopped()
	}
	// What the last turn gave others to do runs on this thread if none other
	// is free; and often it makes clients send something.
	runtime.Gosched()
	if n = poll(l.epoll, events); n > 0 {
		return n, !l.isStopped()
	}
	l.mu.Lock()
	if l.stopped {
		l.mu.Unlock()
		return 0, false
	}
	if len(l.woken) > 0 {
		l.mu.Unlock()
		return 0, true
	}
	l.sleeping = true
	l.mu.Unlock()
	timeout := -1
	if d, limited := l.wheel.wait(l.clock()); limited {
		timeout = int((d + time.Millisecond - 1) / time.Millisecond)
	}
	n, err := unix.EpollWait(l.epoll, events[:], timeout)
	if err != nil {
		n = 0 // interrupted by a signal; nothing else is possible
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sleeping = false
	return n, !l.stopped
}

func (l *loop) isStopped() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stopped
}

// collect appends to calls what events and calls of Wake amount to.
func (l *loop) collect(calls []call, events []unix.EpollEvent) []call {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range events {
		ev := &events[i]
		if ev.Fd == bell {
			continue
		}
		if e := l.table[ev.Fd]; e.d != nil && e.generation == ev.Pad {
			calls = append(calls, call{e.d, readiness(ev.Events)})
		}
	}
	for i, d := range l.woken {
		d.queued = false
		calls = append(calls, call{d, Woken})
		l.woken[i] = nil
	}
	l.woken = l.woken[:0]
	if cap(l.woken) > batch {
		l.woken = nil
	}
	return calls
}

func readiness(events uint32) Ready {
	var what Ready
	if events&(unix.EPOLLIN|unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		what |= Readable
	}
	if events&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		what |= Ended
	}
	if events&unix.EPOLLOUT != 0 {
		what |= Writable
	}
	return what
}
