package longpoll

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/roost-dev/roost/transport"
)

// Why a session ended, as [transport.Session.Closed] hears it, and why one was
// not made.
var (
	// ErrInactive is the end of a session whose client stopped polling.
	ErrInactive = errors.New("longpoll: the client stopped polling")

	// ErrSlow is the end of a session whose client did not fetch what it was
	// sent: the outbox was over its bound when one more message came.
	ErrSlow = fmt.Errorf("longpoll: %w", transport.ErrSlow)

	errPanicked = errors.New("longpoll: the session panicked")
	errClosed   = errors.New("longpoll: the server shuts down")
)

// lingerTime bounds how long a closed session keeps what its client has not
// fetched yet.
const lingerTime = 5 * time.Second

// session is one client's connection: the [transport.Conn] of a socket.
type session struct {
	h    *Handler
	id   string
	done chan struct{} // closed with the session

	receiving sync.Mutex        // held over the socket's Receive and Closed, and guards it
	socket    transport.Session // nil if it was never opened

	mu        sync.Mutex         // guards what follows
	outbox    []*transport.Frame // what the client has not got
	size      int                // bytes in outbox
	taken     uint64             // how many messages the client has got: they have left outbox
	tried     uint64             // what taken would be if the client has got the last answer
	answering uint64             // what taken will be once the answer that is being written is; 0 if none is
	latest    chan struct{}      // wakes the poll whose turn it is; nil if none waits
	polled    bool               // since the timer fired last
	closed    bool               // nothing more is sent or received
	gone      bool               // closed, with nothing left to fetch
	timer     *time.Timer        // looks after polled; once closed, ends the lingering

	last lastWords // once closed

	bridge   string // the bridge that has the session, or is about to; empty if there is none
	yielding bool   // the bridge is about to have it: polls are ending
	lastPoll bool   // while yielding: the poll that may have been on its way has come
	told     bool   // the bridge knows of the end
}

func newSession(h *Handler) *session {
	return &session{h: h, id: rand.Text(), done: make(chan struct{}), polled: true}
}

// start makes s known and opens its socket, unless the handler is closed.
func (s *session) start(open func(transport.Conn) transport.Session) bool {
	s.receiving.Lock()
	defer s.receiving.Unlock()
	if !s.register() {
		return false
	}
	defer func() {
		if s.socket == nil { // open panicked
			s.end(errPanicked, false)
		}
	}()
	s.socket = open(s)
	return true
}

func (s *session) register() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.h.add(s) {
		return false
	}
	s.timer = time.AfterFunc(s.patience(), s.check)
	return true
}

// patience is how long a client may go without a poll, at least.
func (s *session) patience() time.Duration { return s.h.cfg.Window + s.h.cfg.Window/2 }

// check ends the session if there was no poll since the last check.
func (s *session) check() {
	s.mu.Lock()
	active := s.polled || s.answering != 0
	s.polled = false
	if active && !s.closed {
		s.timer.Reset(s.patience())
	}
	s.mu.Unlock()
	if !active {
		s.end(ErrInactive, false)
	}
}

// Send implements [transport.Conn].
func (s *session) Send(f *transport.Frame) error {
	s.mu.Lock()
	if f.Binary() && !s.carried() {
		s.mu.Unlock()
		return transport.ErrUnsayable
	}
	slow := !s.closed && s.size > s.h.cfg.Outbox
	if slow {
		s.last = lastWords{transport.CloseSlow, "slow reader"}
	}
	if !slow && !s.closed {
		s.outbox = append(s.outbox, f)
		s.size += len(f.Payload())
		s.wake()
	}
	s.mu.Unlock()
	if slow {
		s.end(ErrSlow, false)
	}
	return nil
}

// SendBurst implements [transport.Conn].
func (s *session) SendBurst(b *transport.Burst) error { return b.Each(s.Send) }

// CarriesBytes implements [transport.Conn].
func (s *session) CarriesBytes() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.carried()
}

// Waiting implements [transport.Conn].
func (s *session) Waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.size
}

// Close implements [transport.Conn]. Long polling has no close codes; of the
// reason it tells when to come back. A WebSocket tells both.
func (s *session) Close(code transport.CloseCode, reason string) {
	s.mu.Lock()
	if !s.closed {
		s.last = lastWords{code, reason}
	}
	s.mu.Unlock()
	s.end(nil, true)
}

// receive takes the messages of one POST, or of a bridge, and returns the
// status to answer.
func (s *session) receive(b batch, bridge string) int {
	s.receiving.Lock()
	defer s.receiving.Unlock()
	sound := false
	defer func() {
		if !sound { // a panic, which the HTTP server logs
			s.end(errPanicked, false)
		}
	}()
	status := s.apply(b, bridge)
	sound = true
	return status
}

// apply delivers until something is wrong. The caller holds s.receiving.
func (s *session) apply(b batch, bridge string) (status int) {
	for m, err := range b.messages(s.h.cfg.MaxMessage) {
		if !s.hears(bridge) {
			break
		}
		if err == nil {
			err = s.socket.Receive(m.data, m.binary)
		}
		if err != nil {
			s.h.cfg.Logger.Debug("longpoll: malformed message", "error", err)
			return http.StatusBadRequest
		}
	}
	if !s.hears(bridge) {
		return http.StatusGone
	}
	return http.StatusOK
}

// delivery is what a session says to a poll.
type delivery struct {
	status int
	frames []*transport.Frame
	taken  uint64    // how many messages the client has got once it has frames
	last   lastWords // if the session is gone
}

// poll answers a poll of a client, or of a bridge, that is known to have got
// so many messages.
// write brings the answer to the client; it is called once, and fails if the
// client did not get the answer, as far as can be known. Then the messages
// stay.
func (s *session) poll(ctx context.Context, bridge string, got uint64, write func(delivery) error) {
	d := s.await(ctx, bridge, got)
	written := false
	if d.frames != nil {
		defer func() { s.settle(d.taken, written) }() // also if a middleware's writer panics
	}
	written = write(d) == nil
}

// await waits for what is to be said to a poll, for at most a window. If it
// returns frames, they are in the outbox until settle is called.
func (s *session) await(ctx context.Context, bridge string, got uint64) delivery {
	turn := make(chan struct{}, 1)
	s.mu.Lock()
	if !s.mayPoll(bridge) {
		s.mu.Unlock()
		return delivery{status: http.StatusGone}
	}
	s.acknowledge(got)
	s.polled = true
	s.latest = turn
	s.mu.Unlock()
	defer s.leave(turn)

	window := time.NewTimer(s.h.cfg.Window)
	defer window.Stop()
	done := s.done
	for ctx.Err() == nil {
		if d, ok := s.take(turn, bridge); ok {
			return d
		}
		select {
		case <-turn:
		case <-done:
			done = nil
		case <-window.C:
			return delivery{status: http.StatusNoContent}
		case <-ctx.Done():
		}
	}
	// Most likely nobody listens any more. If it is a middleware that ran
	// out of patience, somebody does.
	return delivery{status: http.StatusNoContent}
}

// take returns what can be said at once to the poll that waits on turn.
func (s *session) take(turn chan struct{}, bridge string) (delivery, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.bridge == bridge && s.awaited() && s.closed && len(s.outbox) == 0 && s.answering == 0:
		s.told = true
		s.vanish()
		return delivery{status: http.StatusGone, last: s.last}, true
	case s.gone:
		return delivery{status: http.StatusGone, last: s.last}, true
	case s.bridge != bridge:
		return delivery{status: http.StatusNoContent}, true // the rest is for the bridge
	case s.latest != turn && s.closed:
		return delivery{status: http.StatusNoContent}, true // the rest is for the later poll
	case s.latest == turn && len(s.outbox) > 0 && s.answering == 0:
		s.answering = s.taken + uint64(len(s.outbox))
		s.tried = s.answering
		return delivery{status: http.StatusOK, frames: slices.Clip(s.outbox), taken: s.answering}, true
	}
	return delivery{}, false
}

func (s *session) leave(turn chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.polled = true
	if s.latest == turn {
		s.latest = nil
	}
}

// settle ends an answer: whether it was written, after which the client has
// got so many messages.
func (s *session) settle(taken uint64, written bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.polled = true
	if written {
		s.drop(taken)
	}
	if s.answering == taken { // else the client has confirmed it, and may be getting the next
		s.answering = 0
	}
	s.vanish()
	s.wake()
}

// acknowledge takes the client's word for what it has got: the token that came
// with that says so. If the answer is still being written as far as is known
// here, it is not any more. The caller holds s.mu.
func (s *session) acknowledge(got uint64) {
	if got <= s.taken {
		return
	}
	s.drop(got)
	if s.answering <= got {
		s.answering = 0
	}
	s.vanish()
}

// drop takes messages out of the outbox until so many have left it. The caller
// holds s.mu.
func (s *session) drop(taken uint64) {
	if taken <= s.taken || len(s.outbox) == 0 { // dropped meanwhile
		return
	}
	n := min(taken-s.taken, uint64(len(s.outbox)))
	for _, f := range s.outbox[:n] {
		s.size -= len(f.Payload())
	}
	s.taken += n
	// A new slice, since an idle session should hold no memory for messages.
	s.outbox = append([]*transport.Frame(nil), s.outbox[n:]...)
}

// end closes the session, once. It keeps for the next poll what waits, or
// drops it.
func (s *session) end(err error, keep bool) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed = true
	s.timer.Stop()
	if !keep {
		s.outbox, s.size, s.told = nil, 0, true
	}
	if s.vanish(); !s.gone {
		s.timer = time.AfterFunc(lingerTime, s.forget)
	}
	close(s.done)
	s.mu.Unlock()
	go s.tell(err)
}

// tell tells the socket of the end. It runs on a goroutine of its own, since
// end may have been called from within Receive.
func (s *session) tell(err error) {
	defer s.h.release()
	s.receiving.Lock()
	defer s.receiving.Unlock()
	if s.socket != nil {
		s.socket.Closed(err)
	}
}

// forget drops what a closed session has kept.
func (s *session) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.outbox, s.size, s.told = nil, 0, true
	s.vanish()
	s.wake()
}

// vanish removes the session once it is closed and has nothing to say. The
// caller holds s.mu.
func (s *session) vanish() {
	if !s.closed || s.gone || len(s.outbox) > 0 || s.awaited() {
		return
	}
	s.gone = true
	s.timer.Stop()
	s.h.remove(s)
	s.h.release()
}

// wake lets the poll whose turn it is look again. The caller holds s.mu.
func (s *session) wake() {
	select {
	case s.latest <- struct{}{}:
	default: // nobody waits, or it will look anyway
	}
}
