//go:build linux

// Package bare is the least that a server can do: one thread, one epoll loop, and only the frames that a benchmark
// sends. What it reaches is the floor that a real server on the same machine is compared with.
package bare

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"github.com/roost-dev/roost/cmd/roost/internal/poll"
	"github.com/roost-dev/roost/internal/ws"
)

const (
	readBuffer = 256 << 10
	batch      = 16 << 10
	backlog    = 4096
	ctxEvery   = 100 * time.Millisecond
)

// ErrSlow says that a socket did not take what was sent to it at once. There is no queue for the rest here, so nothing
// measured with it counts.
var ErrSlow = errors.New("bare: a socket's buffer is full; leave less outstanding")

// A Server answers joins, leaves, heartbeats and the event ping, and sends the payload of the event shout to all who
// joined, whatever the topic. It trusts its client.
type Server struct {
	// PerBroadcast has each broadcast sent by itself: one send(2) to each socket, which is the limit for a server that
	// does not coalesce. Otherwise the broadcasts that came together leave together, in one write per socket.
	PerBroadcast bool

	listener int
	poller   *poll.Poller
	conns    []*conn // by descriptor
	joined   []*conn
	buf      []byte
	out      []byte // what the connection being read is told
	said     []byte // what everybody is told after this round
	scratch  []byte
}

type conn struct {
	fd   int
	open bool
	at   int    // in joined, or -1
	in   []byte // what is not whole yet
}

// Listen makes a server at addr, an IPv4 address with a port, which may be 0. It is done with when [Server.Serve] returns.
func Listen(addr string) (*Server, error) {
	at, err := netip.ParseAddrPort(addr)
	if err != nil {
		return nil, err
	}
	if !at.Addr().Is4() {
		return nil, fmt.Errorf("bare: %s is not an IPv4 address", addr)
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	s := &Server{listener: fd, buf: make([]byte, readBuffer)}
	if err := s.listen(at); err != nil {
		poll.Close(fd)
		return nil, fmt.Errorf("bare: listen on %s: %w", addr, err)
	}
	return s, nil
}

func (s *Server) listen(at netip.AddrPort) error {
	if err := unix.SetsockoptInt(s.listener, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return err
	}
	if err := unix.Bind(s.listener, &unix.SockaddrInet4{Addr: at.Addr().As4(), Port: int(at.Port())}); err != nil {
		return err
	}
	if err := unix.Listen(s.listener, backlog); err != nil {
		return err
	}
	var err error
	if s.poller, err = poll.New(batch); err != nil {
		return err
	}
	return s.poller.Add(s.listener, poll.In, int32(s.listener), 0)
}

// Addr is where the server listens.
func (s *Server) Addr() (net.Addr, error) {
	name, err := unix.Getsockname(s.listener)
	if err != nil {
		return nil, err
	}
	in := name.(*unix.SockaddrInet4)
	return &net.TCPAddr{IP: in.Addr[:], Port: in.Port}, nil
}

// Serve serves on the calling goroutine until ctx ends, which is no error, or until it cannot go on. Then everything is closed.
func (s *Server) Serve(ctx context.Context) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer s.close()
	for ctx.Err() == nil {
		events, err := s.poller.Wait(ctxEvery)
		if err != nil {
			return err
		}
		for _, e := range events {
			if int(e.Fd) == s.listener {
				err = s.accept()
			} else {
				err = s.receive(s.conns[e.Fd])
			}
			if err != nil {
				return err
			}
		}
		if len(s.said) > 0 {
			if err := s.broadcast(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Server) close() {
	for _, c := range s.conns {
		if c != nil {
			poll.Close(c.fd)
		}
	}
	poll.Close(s.listener)
	s.poller.Close()
}

// accept takes all who wait.
func (s *Server) accept() error {
	for {
		fd, _, err := unix.Accept4(s.listener, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		switch {
		case errors.Is(err, unix.EAGAIN):
			return nil
		case errors.Is(err, unix.ECONNABORTED):
			continue
		case err != nil:
			return fmt.Errorf("bare: accept: %w", err)
		}
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
			return err
		}
		for len(s.conns) <= fd {
			s.conns = append(s.conns, nil)
		}
		s.conns[fd] = &conn{fd: fd, at: -1}
		if err := s.poller.Add(fd, poll.In, int32(fd), 0); err != nil {
			return err
		}
	}
}

// drop closes a connection. Its descriptor is not in use again before the events of this round are served, unless
// accept, which is one of them, takes another: that one has nothing to read yet, so an event of the old one finds
// EAGAIN.
func (s *Server) drop(c *conn) {
	s.leave(c)
	s.conns[c.fd] = nil
	poll.Close(c.fd)
}

func (s *Server) join(c *conn) {
	if c.at < 0 {
		c.at = len(s.joined)
		s.joined = append(s.joined, c)
	}
}

func (s *Server) leave(c *conn) {
	if c.at < 0 {
		return
	}
	last := s.joined[len(s.joined)-1]
	s.joined[c.at], last.at = last, c.at
	s.joined = s.joined[:len(s.joined)-1]
	c.at = -1
}

// receive serves what a connection sent.
func (s *Server) receive(c *conn) error {
	if c == nil {
		return nil // it was dropped in this round
	}
	n, errno := poll.Receive(c.fd, s.buf)
	if n == 0 {
		if errno != unix.EAGAIN { // the client ended it, in one way or another
			s.drop(c)
		}
		return nil
	}
	data := s.buf[:n]
	if len(c.in) > 0 {
		data = append(c.in, data...)
	}
	s.out = s.out[:0]
	used, ended, err := s.consume(c, data)
	if err != nil {
		return err
	}
	if err := send(c, s.out); err != nil {
		return err
	}
	if ended {
		s.drop(c)
		return nil
	}
	c.in = append(c.in[:0], data[used:]...)
	return nil
}

// consume handles what is whole in data. What this server does not know is an error: it has but one client.
func (s *Server) consume(c *conn, data []byte) (used int, ended bool, err error) {
	if !c.open {
		n, answer, err := ws.Answer(data)
		if n == 0 || err != nil {
			return 0, false, err
		}
		c.open, used, s.out = true, n, append(s.out, answer...)
	}
	for {
		frame, n, err := ws.Next(data[used:])
		if n == 0 || err != nil {
			return used, false, err
		}
		used += n
		switch frame.Op {
		case ws.Close:
			s.out = ws.AppendServer(s.out, ws.Close, frame.Payload)
			return used, true, nil
		case ws.Text:
			if err := s.serve(c, frame.Payload); err != nil {
				return used, true, err
			}
		}
	}
}

// send writes at once.
func send(c *conn, b []byte) error {
	if len(b) == 0 {
		return nil
	}
	n, errno := poll.Send(c.fd, b)
	switch {
	case errno == unix.EPIPE || errno == unix.ECONNRESET:
		return nil // an event says so
	case errno == unix.EAGAIN || errno == 0 && n < len(b):
		return ErrSlow
	case errno != 0:
		return fmt.Errorf("bare: send: %w", errno)
	}
	return nil
}
