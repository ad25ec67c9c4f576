package transporttest

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// leave ends a connection from the client's side, in one of the ways that
// happen. The client's unread input makes a reset of some of them.
var leave = []func(c *client){
	func(c *client) { c.nc.Close() },
	func(c *client) { c.reset() },
	func(c *client) { c.try(masked(closing, "\x03\xe8")); c.nc.Close() },
	func(c *client) { c.try(append(masked(text, "last words"), masked(closing, "")...)); c.drain() },
	func(c *client) { c.try(masked(text, "last words")); c.nc.Close() },
	func(c *client) { c.try(masked(text, "cut off")[:7]); c.nc.Close() },
	func(c *client) { c.try(masked(text, "cut off")[:7]); c.reset() },
}

// try sends bytes that nobody may be there to take.
func (c *client) try(b []byte) {
	_ = c.nc.SetWriteDeadline(time.Now().Add(patience))
	_, _ = c.nc.Write(b)
}

// drain reads to the end of the stream, then hangs up.
func (c *client) drain() {
	_ = c.nc.SetReadDeadline(time.Now().Add(patience))
	if _, err := io.Copy(io.Discard, c.br); err != nil {
		c.t.Logf("client: %v before the end of the stream", err)
	}
	c.nc.Close()
}

// addressed is a session whose client has told its name.
type addressed struct {
	s    *session
	name string
}

// addressees are the sessions of a test, those that have ended among them.
type addressees struct {
	mu  sync.Mutex // guards all
	all []addressed
}

func (a *addressees) add(s *session, name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all = append(a.all, addressed{s, name})
}

// latest returns the n that came last.
func (a *addressees) latest(n int) []addressed {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]addressed(nil), a.all[max(len(a.all)-n, 0):]...)
}

// addresseesUnderChurn has clients come and go while broadcasts run over the
// sessions of the last of them, whether they are open or not. A descriptor
// that is closed while somebody writes to it may belong to another connection
// by then.
func (s *suite) addresseesUnderChurn() {
	clients, rounds := 16, 40
	if s.tls {
		rounds = 5 // handshakes take the time
	}
	var live addressees
	srv := s.start(Config{}, &acceptor{unawaited: true, receive: func(s *session, m message) error {
		if name, ok := strings.CutPrefix(m.data, "I am "); ok {
			live.add(s, name)
		}
		return nil
	}})
	var over atomic.Bool
	var broadcasters, visitors sync.WaitGroup
	for range 2 {
		broadcasters.Go(func() {
			for i := 0; !over.Load(); i++ {
				for _, a := range live.latest(4 * clients) {
					a.s.send(a.name)
					if i%1000 == 999 {
						a.s.conn.Close(1001, a.name)
					}
				}
			}
		})
	}
	for n := range clients {
		visitors.Go(func() {
			for round := range rounds {
				srv.visit(fmt.Sprintf("%d of round %d", n, round), 1+(n+round)%20, leave[(n*rounds+round)%len(leave)])
			}
		})
	}
	visitors.Wait()
	over.Store(true)
	broadcasters.Wait()
}

// visit connects, reads some frames, which must be meant for it, and leaves.
func (s *server) visit(name string, frames int, leave func(*client)) {
	c, err := s.open()
	if err != nil {
		s.t.Errorf("%s: %v", name, err)
		return
	}
	defer c.nc.Close()
	c.try(masked(text, "I am "+name))
	for range frames {
		first, payload, err := c.read()
		if err != nil || first == closing {
			return // it was closed by the server
		}
		if first != text || payload != name {
			s.t.Errorf("%s was sent %#x %.100q", name, first, payload)
			return
		}
	}
	leave(c)
}

// lastWords has clients send and hang up at once: nothing may be lost, nobody
// forgotten. The server may hear of both in a single event.
func (s *suite) lastWords() {
	srv := s.start(Config{}, &acceptor{})
	endings := map[string][]byte{"": nil, "and a cut": masked(text, "cut off")[:9]}
	for name, ending := range endings {
		for _, size := range []int{1, 5_000, 60_000} {
			for range 40 {
				c, session := srv.connect("")
				words := strings.Repeat("w", size)
				c.raw(bytes.Join([][]byte{masked(text, words), masked(text, "last"), ending}, nil))
				c.nc.Close()
				session.wantReceived(message{words, false}, message{"last", false})
				if err := session.wantClosed(); err == nil {
					s.t.Errorf("FIN %s: the session was told of a close in good order", name)
				}
			}
		}
	}
}

// stalled has many clients that do not read, among some that do.
func (s *suite) stalled() {
	const stalled, outbox = 100, 50_000
	srv := s.start(Config{Outbox: outbox}, &acceptor{receive: echo})
	var sessions []*session
	for range stalled {
		_, session := srv.connect("")
		sessions = append(sessions, session)
	}
	other, _ := srv.connect("")
	large := frame(strings.Repeat("x", 40_000), false)
	slow := make(map[*session]bool)
	for round := 0; len(slow) < stalled; round++ {
		if round > 10_000 {
			s.t.Fatalf("%d of %d clients that do not read are still there", stalled-len(slow), stalled)
		}
		for _, session := range sessions {
			if slow[session] {
				continue
			}
			if err := session.conn.Send(large); err != nil {
				s.t.Fatal(err)
			}
			select {
			case err := <-session.closed:
				if err == nil {
					s.t.Error("the session of a slow client was told of a close in good order")
				}
				slow[session] = true
			default:
			}
		}
		other.send(text, "still there?")
		other.want(text, "still there?")
	}
}
