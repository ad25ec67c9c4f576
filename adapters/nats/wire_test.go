package nats

import (
	"net"
	"sync"
	"testing"
)

// wire is the way to an address, which can fail.
type wire struct {
	listener net.Listener
	to       string
	tasks    sync.WaitGroup

	mu     sync.Mutex // guards what follows
	broken bool       // nobody gets through
	frozen chan struct{}
	conns  []net.Conn
}

// startWire lays a wire. It ends with the test.
func startWire(t testing.TB, to string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{listener: l, to: to}
	w.tasks.Go(w.accept)
	t.Cleanup(func() {
		_ = l.Close()
		w.repair()
		w.cut()
		w.tasks.Wait()
	})
	return w
}

func (w *wire) address() string { return w.listener.Addr().String() }

func (w *wire) accept() {
	for {
		near, err := w.listener.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", w.to)
		w.mu.Lock()
		if err != nil || w.broken {
			_ = near.Close()
			if far != nil {
				_ = far.Close()
			}
			w.mu.Unlock()
			continue
		}
		w.conns = append(w.conns, near, far)
		w.mu.Unlock()
		w.tasks.Go(func() { w.carry(near, far) })
		w.tasks.Go(func() { w.carry(far, near) })
	}
}

func (w *wire) carry(from, to net.Conn) {
	defer to.Close()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		w.mu.Lock()
		frozen := w.frozen
		w.mu.Unlock()
		if frozen != nil {
			<-frozen
			return // what came is lost
		}
		if _, werr := to.Write(buf[:n]); err != nil || werr != nil {
			return
		}
	}
}

// cut ends all connections, and lets none be made.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.broken = true
	for _, c := range w.conns {
		_ = c.(*net.TCPConn).SetLinger(0)
		_ = c.Close()
	}
	w.conns = nil
}

// freeze lets connections be made, and carries nothing.
func (w *wire) freeze() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.frozen == nil {
		w.frozen = make(chan struct{})
	}
}

// repair makes the wire good for new connections.
func (w *wire) repair() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.broken = false
	if w.frozen != nil {
		close(w.frozen)
		w.frozen = nil
	}
}
