package transporttest

import (
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roost-dev/roost/transport"
)

// patience is how long a test waits for what must come. It is no part of any
// expectation: a test that passes does not wait for it.
const patience = 20 * time.Second

// message is what a session received.
type message struct {
	data   string
	binary bool
}

// session records what a transport tells it, and checks that the transport
// keeps to the contract of [transport.Session].
type session struct {
	t        *testing.T
	conn     transport.Conn
	received chan message
	closed   chan error
	receive  func(s *session, m message) error // after recording; may be nil

	busy  atomic.Bool
	ended atomic.Bool
}

// acceptor hands out the sessions of a test as they are opened.
type acceptor struct {
	t         *testing.T
	sessions  chan *session
	unawaited bool                              // nobody waits for the sessions
	opened    func(s *session)                  // within open; may be nil
	receive   func(s *session, m message) error // may be nil
}

func (a *acceptor) accept(*http.Request, transport.Hello) (func(transport.Conn) transport.Session, error) {
	return func(conn transport.Conn) transport.Session {
		s := &session{
			t: a.t, conn: conn, receive: a.receive,
			received: make(chan message, 1<<12), closed: make(chan error, 1),
		}
		if a.opened != nil {
			a.opened(s)
		}
		if a.sessions != nil {
			a.sessions <- s
		}
		return s
	}, nil
}

// Receive implements [transport.Session].
func (s *session) Receive(data []byte, binary bool) error {
	if !s.busy.CompareAndSwap(false, true) {
		s.t.Error("Receive called while another call runs")
	}
	defer s.busy.Store(false)
	if s.ended.Load() {
		s.t.Error("Receive called after Closed")
	}
	m := message{string(data), binary}
	select {
	case s.received <- m:
	default:
		s.t.Error("more messages than the test allows for")
	}
	if s.receive == nil {
		return nil
	}
	return s.receive(s, m)
}

// Closed implements [transport.Session].
func (s *session) Closed(err error) {
	if s.busy.Load() {
		s.t.Error("Closed called while Receive runs")
	}
	if s.ended.Swap(true) {
		s.t.Error("Closed called twice")
		return
	}
	s.closed <- err
}

// send sends a text message.
func (s *session) send(text string) {
	if err := s.conn.Send(frame(text, false)); err != nil {
		s.t.Errorf("Send: %v", err)
	}
}

// wantReceived waits for messages and compares them.
func (s *session) wantReceived(want ...message) {
	s.t.Helper()
	for _, w := range want {
		select {
		case got := <-s.received:
			if got != w {
				s.t.Errorf("received %.200q (binary: %t), want %.200q (binary: %t)", got.data, got.binary, w.data, w.binary)
			}
		case <-time.After(patience):
			s.t.Fatalf("nothing received, want %.200q", w.data)
		}
	}
}

// wantClosed waits for the end.
func (s *session) wantClosed() error {
	s.t.Helper()
	select {
	case err := <-s.closed:
		return err
	case <-time.After(patience):
		s.t.Fatal("the session was not told of the end")
		return nil
	}
}

// wantNothingMore checks, after the end, that no message is left.
func (s *session) wantNothingMore() {
	s.t.Helper()
	select {
	case m := <-s.received:
		s.t.Errorf("received %.200q, want nothing", m.data)
	default:
	}
}

func echo(s *session, m message) error { return s.conn.Send(frame(m.data, m.binary)) }

func frame(payload string, binary bool) *transport.Frame {
	return transport.NewFrame(append(make([]byte, transport.Headroom), payload...), binary)
}

var errMalformed = errors.New("the second element must be a ref")
