package presence

import (
	"context"
	"sync"
)

// crew counts the work that a tracker has under way, so that it can end:
// a goroutine, or a timer that will start one.
type crew struct {
	mu     sync.Mutex // guards the rest
	busy   int
	closed bool
	idle   chan struct{} // closed when closed and no longer busy
}

func newCrew() *crew { return &crew{idle: make(chan struct{})} }

// begin counts one more, unless the crew is closed.
func (c *crew) begin() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.busy++
	return true
}

// fork counts one more on behalf of work that is counted already.
func (c *crew) fork() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy++
}

func (c *crew) done() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy--
	if c.closed && c.busy == 0 {
		close(c.idle)
	}
}

func (c *crew) isClosed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

// close lets nothing new begin. What is under way goes on.
func (c *crew) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	c.closed = true
	if c.busy == 0 {
		close(c.idle)
	}
}

// wait waits until the crew is closed and nothing is under way.
func (c *crew) wait(ctx context.Context) error {
	select {
	case <-c.idle:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
