package poller

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// reader is an owner that reads all there is, and notes what happened.
type reader struct {
	Descriptor
	mu    sync.Mutex // held over calls of the Descriptor, as it asks for
	bytes chan []byte
	ready chan Ready
	ended chan error
}

func newReader() *reader {
	return &reader{bytes: make(chan []byte, 100), ready: make(chan Ready, 100), ended: make(chan error, 1)}
}

func (r *reader) Ready(what Ready, turn *Turn) {
	for {
		n, err := r.Read(turn.Buf)
		if err != nil {
			r.mu.Lock()
			r.Close()
			r.mu.Unlock()
			r.ended <- err
			return
		}
		if n == 0 {
			break
		}
		r.bytes <- bytes.Clone(turn.Buf[:n])
	}
	r.ready <- what
}

// pair returns both ends of a TCP connection.
func pair(t *testing.T) (near, far *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dialed, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dialed.Close(); accepted.Close() })
	return dialed.(*net.TCPConn), accepted.(*net.TCPConn)
}

func start(t *testing.T, clock func() time.Duration) *Poller {
	t.Helper()
	p, err := New(2, clock)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func sinceStart() func() time.Duration {
	began := time.Now()
	return func() time.Duration { return time.Since(began) }
}

// take gives a connection to p, which watches it when take returns.
func take(t *testing.T, p *Poller) (*reader, *net.TCPConn) {
	t.Helper()
	near, far := pair(t)
	r := newReader()
	if err := p.Take(&r.Descriptor, far, r); err != nil {
		t.Fatal(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { near.Close(); <-r.ended })
	return r, near
}

// until waits for one of the given happenings.
func (r *reader) until(what Ready) {
	for got := Ready(0); got&what == 0; got = <-r.ready {
	}
}

func TestOwnerReadsWhatComesAndTheEnd(t *testing.T) {
	p := start(t, sinceStart())
	near, far := pair(t)
	if _, err := near.Write([]byte("early ")); err != nil {
		t.Fatal(err)
	}
	r := newReader()
	if err := p.Take(&r.Descriptor, far, r); err != nil {
		t.Fatal(err)
	}
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	if got := <-r.bytes; string(got) != "early " {
		t.Errorf("read %q", got)
	}
	if _, err := near.Write([]byte("last")); err != nil {
		t.Fatal(err)
	}
	near.Close()
	if got := <-r.bytes; string(got) != "last" {
		t.Errorf("read %q", got)
	}
	if err := <-r.ended; !errors.Is(err, io.EOF) {
		t.Errorf("the end is %v", err)
	}
}

func TestTakenConnectionIsTheOwnersAlone(t *testing.T) {
	p := start(t, sinceStart())
	near, far := pair(t)
	r := newReader()
	if err := p.Take(&r.Descriptor, far, r); err != nil {
		t.Fatal(err)
	}
	if _, err := far.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Write of the former owner: %v", err)
	}
	if n, err := r.Write([]byte("mine")); n != 4 || err != nil {
		t.Errorf("Write: %d, %v", n, err)
	}
	r.Close()
	r.Close()
	if got, err := io.ReadAll(near); string(got) != "mine" || err != nil {
		t.Errorf("the peer read %q, %v", got, err)
	}
	if _, err := r.Write([]byte("x")); err == nil {
		t.Error("Write to a closed descriptor")
	}
	if err := r.Start(); err == nil {
		t.Error("Start of a closed descriptor")
	}
}

func TestWriterHearsWhenThereIsRoomAgain(t *testing.T) {
	r, near := take(t, start(t, sinceStart()))
	block := make([]byte, 100_000)
	sent := 0
	r.mu.Lock()
	for n := len(block); n == len(block); sent += n {
		var err error
		if n, err = r.Write(block); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Arm(true); err != nil {
		t.Fatal(err)
	}
	r.mu.Unlock()
	if _, err := io.CopyN(io.Discard, near, int64(sent)); err != nil {
		t.Fatal(err)
	}
	r.until(Writable)
}

func TestWakeAndDeadlineCallTheOwner(t *testing.T) {
	var now atomic.Int64
	p := start(t, func() time.Duration { return time.Duration(now.Load()) })
	r, _ := take(t, p)
	r.until(Woken) // by Start
	now.Store(int64(time.Hour))
	r.mu.Lock()
	r.Wake()
	r.mu.Unlock()
	r.until(Woken)
	s := &sleeper{reader: newReader()}
	near, far := pair(t)
	if err := p.Take(&s.Descriptor, far, s); err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	s.until(Woken)
	now.Add(int64(time.Minute)) // the loop sleeps for as long as the clock said; what comes wakes it up
	if _, err := near.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	s.until(Due)
	near.Close()
	<-s.ended
}

// sleeper sets itself a deadline in a minute.
type sleeper struct{ *reader }

func (s *sleeper) Ready(what Ready, turn *Turn) {
	if what == Woken {
		s.SetDeadline(turn.Now + time.Minute)
	}
	s.reader.Ready(what, turn)
}

func TestEventOfASlotsFormerOwnerIsDropped(t *testing.T) {
	l, err := newLoop(sinceStart())
	if err != nil {
		t.Fatal(err)
	}
	defer l.free()
	add := func() *reader {
		_, far := pair(t)
		r := newReader()
		p := &Poller{loops: []*loop{l}}
		if err := p.Take(&r.Descriptor, far, r); err != nil {
			t.Fatal(err)
		}
		if err := r.Start(); err != nil {
			t.Fatal(err)
		}
		return r
	}
	first := add()
	stale := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(first.slot), Pad: l.table[first.slot].generation}
	first.Close()
	second := add()
	defer second.Close()
	if second.slot != uint32(stale.Fd) {
		t.Fatalf("slot %d was not used again", stale.Fd)
	}
	l.woken = nil
	if calls := l.collect(nil, []unix.EpollEvent{stale}); len(calls) != 0 {
		t.Error("the event of a closed descriptor went to the next one in its slot")
	}
}

func TestCloseEndsTheLoopsAndGivesEverythingBack(t *testing.T) {
	fds := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	goroutines, before := runtime.NumGoroutine(), fds()
	for range 10 {
		p, err := New(3, sinceStart())
		if err != nil {
			t.Fatal(err)
		}
		p.Close()
	}
	if now := runtime.NumGoroutine(); now > goroutines {
		t.Errorf("%d goroutines, %d before", now, goroutines)
	}
	if now := fds(); now != before {
		t.Errorf("%d descriptors, %d before", now, before)
	}
}

func TestConnectionsThatAreNotPlainAreNotTaken(t *testing.T) {
	near, far := net.Pipe()
	defer near.Close()
	defer far.Close()
	tcp, _ := pair(t)
	for _, nc := range []net.Conn{near, struct{ net.Conn }{tcp}} {
		if CanTake(nc) {
			t.Errorf("%T can be taken", nc)
		}
	}
	if !CanTake(tcp) {
		t.Error("a TCP connection cannot be taken")
	}
}
