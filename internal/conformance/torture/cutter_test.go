//go:build linux

package torture

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A cutter is a way to servers, as a load balancer is: each connection goes to one of those that are there. But connections end
// after so many bytes of one side, be it in the middle of a frame or of the answer to a poll.
type cutter struct {
	listener net.Listener
	servers  []string // host:port
	draw     func(n int) int
	calm     atomic.Bool // no further connections are cut
	carrying sync.WaitGroup

	mu       sync.Mutex // guards what follows
	open     map[net.Conn]bool
	away     bool // no further connections are carried
	cuts     int  // connections whose fate it was
	together int  // connections that were cut with all others
}

// newCutter starts one that ends with the test. It is calm.
func newCutter(t *testing.T, servers []string, draw func(n int) int) *cutter {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{listener: l, servers: servers, draw: draw, open: make(map[net.Conn]bool)}
	c.calm.Store(true)
	c.carrying.Go(c.accept)
	t.Cleanup(func() {
		_ = l.Close()
		c.leave()
		c.carrying.Wait()
	})
	return c
}

func (c *cutter) addr() string { return c.listener.Addr().String() }

func (c *cutter) accept() {
	for {
		conn, err := c.listener.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil: // no descriptors are left for the moment
			time.Sleep(10 * time.Millisecond)
		default:
			c.carrying.Go(func() { c.carry(conn) })
		}
	}
}

// leave cuts what is open, and further connections at once, until comeBack.
func (c *cutter) leave() {
	c.mu.Lock()
	c.away = true
	c.mu.Unlock()
	c.cutAll()
}

func (c *cutter) comeBack() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.away = false
}

// cutAll cuts what is open.
func (c *cutter) cutAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.together += len(c.open) / 2
	for conn := range c.open {
		_ = conn.Close()
	}
}

// count returns how many connections were cut for themselves, and how many together.
func (c *cutter) count() (cuts, together int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cuts, c.together
}

// A fate is how a connection ends.
type fate struct {
	down, up int64         // after so many bytes of the server or of the client; negative: whenever they end it
	swallow  time.Duration // so long the server's side goes on being read, whose bytes reach nobody
	reset    bool          // and does not end in good order
}

// fate draws one. Small numbers come as often as large ones: some connections end before they are upgraded, some before a join is
// answered, and some carry all that was missed, which a poll is answered with at once or not at all.
func (c *cutter) fate() fate {
	f := fate{down: -1, up: -1}
	if c.calm.Load() {
		return f
	}
	bytes := int64(100<<c.draw(9) + c.draw(100))
	switch c.draw(8) {
	case 0:
	case 1, 2:
		f.up = bytes
	case 3, 4:
		f.down, f.swallow = bytes, time.Duration(c.draw(200))*time.Millisecond
	default:
		f.down = bytes
	}
	f.reset = c.draw(2) == 0
	return f
}

// carry connects a client with a server until one of them, or its fate, ends it.
func (c *cutter) carry(client net.Conn) {
	server := c.dial()
	if server == nil {
		_ = client.Close()
		return
	}
	c.mu.Lock()
	c.open[client], c.open[server] = true, true
	if c.away {
		_, _ = client.Close(), server.Close()
	}
	c.mu.Unlock()
	f := c.fate()
	var cut atomic.Bool
	var up sync.WaitGroup
	up.Go(func() {
		if pass(server, client, f.up) {
			cut.Store(true)
		}
		f.end(client, server)
	})
	if pass(client, server, f.down) {
		cut.Store(true)
		_ = server.SetReadDeadline(time.Now().Add(f.swallow))
		_, _ = io.Copy(io.Discard, server) // until then
	}
	f.end(client, server)
	up.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.open, client)
	delete(c.open, server)
	if cut.Load() {
		c.cuts++
	}
}

// dial connects to any server that is there, or returns nil.
func (c *cutter) dial() net.Conn {
	first := c.draw(len(c.servers))
	for i := range c.servers {
		conn, err := net.DialTimeout("tcp", c.servers[(first+i)%len(c.servers)], time.Second)
		if err == nil {
			return conn
		}
	}
	return nil
}

// pass passes bytes on, and reports whether it was all that may pass.
func pass(to io.Writer, from io.Reader, bytes int64) bool {
	if bytes < 0 {
		_, _ = io.Copy(to, from) // until one of them has ended
		return false
	}
	n, _ := io.CopyN(to, from, bytes)
	return n == bytes
}

func (f fate) end(conns ...net.Conn) {
	for _, conn := range conns {
		if tcp, ok := conn.(*net.TCPConn); ok && f.reset {
			_ = tcp.SetLinger(0)
		}
		_ = conn.Close()
	}
}
