package websocket

import (
	"net"
	"runtime"
	"sync"

	"github.com/roost-dev/roost/internal/poller"
)

// pollers is a handler's poller. It exists while a connection needs it, so
// that a handler which nobody closes leaves nothing behind.
type pollers struct {
	mu     sync.Mutex // guards what follows
	poller *poller.Poller
	users  int
}

// take makes the descriptor of nc fd's, whose owner is p.
func (s *pollers) take(h *Handler, fd *poller.Descriptor, nc net.Conn, p *polled) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.poller == nil {
		// Each loop is a thread. As many as cores would wait for each other, and
		// for those that run what the messages ask for.
		started, err := poller.New(max(runtime.GOMAXPROCS(0)/2, 1), h.clock)
		if err != nil {
			return err
		}
		s.poller = started
	}
	s.users++
	if err := s.poller.Take(fd, nc, p); err != nil {
		s.dropUser(h)
		return err
	}
	return nil
}

func (s *pollers) release(h *Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropUser(h)
}

// dropUser ends the poller with its last user. It may be called by one of its
// loops, which cannot wait for their own end: that is waited for by
// [Handler.Wait]. s.mu is held.
func (s *pollers) dropUser(h *Handler) {
	if s.users--; s.users > 0 {
		return
	}
	last := s.poller
	s.poller = nil
	h.enter()
	go func() {
		defer h.leave(nil)
		last.Close()
	}()
}
