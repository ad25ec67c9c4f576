package longpoll

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/roost-dev/roost/transport"
)

// How sessions go on over a WebSocket (spec/protocol.md §23).

const (
	// upgradeTimeout bounds what precedes the handing over.
	upgradeTimeout = 10 * time.Second

	// releaseTimeout bounds how long the owner of a session is told that its
	// WebSocket is gone. If it is not reached, it notices that nobody polls.
	releaseTimeout = 5 * time.Second

	// roomBytes is how much may wait for the WebSocket for more to be taken from
	// the session, and roomPause how often that is looked at.
	roomBytes = 64 << 10
	roomPause = 5 * time.Millisecond

	// inboxEntry is about what a message in an inbox takes beside its bytes.
	inboxEntry = 64
)

// What ends a session that has gone on over a WebSocket, with that.
var (
	errWebSocketGone = errors.New("longpoll: the WebSocket that the session went on over has ended")
	errWebSocketSlow = fmt.Errorf("%w: %w", errWebSocketGone, transport.ErrSlow)
)

// Upgrade takes the session that a client's token names to a WebSocket. It
// returns what the WebSocket opens in place of a socket; the session stays with
// the node that has it. An error is a [*transport.Refused]. Any goroutine may
// call it, and it does not block.
func (h *Handler) Upgrade(token string) (open func(transport.Conn) transport.Session, err error) {
	if h.closing.Err() != nil {
		return nil, &transport.Refused{Reason: errClosed, Status: http.StatusServiceUnavailable}
	}
	signed, err := h.cfg.Tokens.Verify(token)
	if err != nil {
		return nil, &transport.Refused{Reason: err, Status: http.StatusGone}
	}
	t := decodeTicket(signed)
	if !h.elsewhere(t) && h.session(t.session) == nil {
		return nil, &transport.Refused{Reason: errors.New("longpoll: the session is gone"), Status: http.StatusGone}
	}
	return func(c transport.Conn) transport.Session { return newBridge(h, t, c) }, nil
}

// bridge is the session of a WebSocket that carries a session of long polling:
// it polls and posts as a client would.
type bridge struct {
	h      *Handler
	id     string
	ticket ticket
	conn   transport.Conn
	ctx    context.Context // ends with the WebSocket
	cancel context.CancelFunc
	late   *time.Timer // ends a handing over that takes too long
	stage  stage       // used by the goroutine that works off inbox alone
	broken atomic.Bool // we end the WebSocket, though the session is not over

	running sync.WaitGroup // goroutines

	mu      sync.Mutex // guards what follows
	inbox   []batch    // what the client has said and nobody has looked at
	size    int        // of inbox, in bytes
	working bool       // a goroutine works it off
}

// stage is how far the handing over has got.
type stage int

const (
	opened   stage = iota // the client has said nothing yet
	probed                // the client knows that something gets through
	yielded               // polls are ending
	carrying              // the session is here
)

func newBridge(h *Handler, t ticket, c transport.Conn) *bridge {
	h.hold()
	b := &bridge{h: h, id: rand.Text(), ticket: t, conn: c}
	b.ctx, b.cancel = context.WithCancel(context.Background())
	b.late = time.AfterFunc(upgradeTimeout, func() { c.Close(transport.ClosePolicyViolation, "took too long") })
	stop := context.AfterFunc(h.closing, func() {
		// A session that is here and has been handed over ends in its own words.
		if handingOver := b.late.Stop(); handingOver || h.elsewhere(t) {
			c.Close(transport.CloseRestart, "server shuts down")
		}
	})
	context.AfterFunc(b.ctx, func() { stop() })
	return b
}

// Receive implements [transport.Session]. What the client says is worked off in
// its order, and may take another node to do so.
func (b *bridge) Receive(data []byte, binary bool) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.size > b.h.cfg.Outbox {
		b.abort(transport.ClosePolicyViolation, "too much at once")
		return nil
	}
	b.inbox = append(b.inbox, batch{body: bytes.Clone(data), binary: binary})
	b.size += len(data) + inboxEntry
	if !b.working {
		b.working = true
		b.running.Go(b.work)
	}
	return nil
}

// Closed implements [transport.Session].
func (b *bridge) Closed(err error) {
	b.late.Stop()
	b.cancel()
	go func() {
		defer b.h.release()
		ctx, cancel := context.WithTimeout(context.Background(), releaseTimeout)
		defer cancel()
		b.running.Wait()
		b.ask(ctx, request{Op: opRelease, End: b.end(err)})
	}()
}

// How the WebSocket of a bridge ended, if not in good order.
const (
	endLost = "lost"
	endSlow = "slow"
)

func (b *bridge) end(err error) string {
	switch {
	case errors.Is(err, transport.ErrSlow):
		return endSlow
	case err != nil || b.broken.Load():
		return endLost
	}
	return ""
}

// abort ends the WebSocket, and with it the session if that is not over.
func (b *bridge) abort(code transport.CloseCode, reason string) {
	b.broken.Store(true)
	b.conn.Close(code, reason)
}

func (b *bridge) work() {
	for m, ok := b.next(); ok; m, ok = b.next() {
		if b.stage == carrying {
			b.post(m)
		} else if err := b.advance(string(m.body)); err != nil {
			b.conn.Close(transport.ClosePolicyViolation, err.Error())
		}
	}
}

func (b *bridge) next() (m batch, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.inbox) == 0 || b.ctx.Err() != nil {
		b.inbox, b.working = nil, false
		return m, false
	}
	m = b.inbox[0]
	b.inbox = b.inbox[1:]
	b.size -= len(m.body) + inboxEntry
	return m, true
}

// advance takes the next step towards the handing over.
func (b *bridge) advance(word string) error {
	number, isGo := strings.CutPrefix(word, "go ")
	switch {
	case b.stage == opened && word == "probe":
		b.stage = probed
		return b.say("probe")
	case b.stage == probed && word == "upgrade":
		b.stage = yielded
		return b.want(request{Op: opYield})
	case b.stage == yielded && isGo:
		got, err := strconv.ParseUint(number, 10, 64)
		if err != nil {
			return errors.New("go without a number")
		}
		if err := b.want(request{Op: opHandOver, Got: got}); err != nil {
			return err
		}
		b.stage = carrying
		b.late.Stop()
		err = b.say("go")
		b.running.Go(func() { b.carry(got) })
		return err
	}
	return errors.New("unexpected word")
}

func (b *bridge) say(word string) error {
	return b.conn.Send(newFrame([]byte(word), false))
}

// want asks the owner for something that it may refuse.
func (b *bridge) want(q request) error {
	if status := b.ask(b.ctx, q); status != http.StatusOK {
		return fmt.Errorf("cannot %s: %d", q.Op, status)
	}
	return nil
}

// ask asks the owner of the session, and returns its status; 0 if there is no
// answer.
func (b *bridge) ask(ctx context.Context, q request) (status int) {
	q.Session, q.Bridge = b.ticket.session, b.id
	if !b.h.elsewhere(b.ticket) {
		return b.h.bridgeHere(q)
	}
	a, err := b.h.ask(ctx, b.ticket.owner, q)
	if err != nil {
		b.h.cfg.Logger.Debug("longpoll: a WebSocket did not reach the node that has the session", "error", err)
	}
	return a.status
}

// post hands in what the client said.
func (b *bridge) post(m batch) {
	var status int
	if s := b.h.session(b.ticket.session); s != nil {
		status = s.receive(m, b.id)
	} else if b.h.elsewhere(b.ticket) {
		status = b.h.postElsewhere(b.ctx, b.ticket, m, b.id)
	}
	switch status {
	case http.StatusOK:
	case http.StatusBadRequest:
		b.abort(transport.CloseInternalError, "malformed message")
	default: // whether it has arrived is not known
		b.abort(transport.CloseGoingAway, "session lost")
	}
}

// carry writes what the session has to say, until it is over or the WebSocket
// is.
func (b *bridge) carry(got uint64) {
	t := b.ticket
	t.got = got
	for b.ctx.Err() == nil {
		b.awaitRoom()
		a, err := b.poll(&t)
		switch {
		case errors.Is(err, ErrGone), a.status == http.StatusNotFound:
			b.abort(transport.CloseGoingAway, "session lost")
			return
		case err != nil:
			pause(b.ctx)
		case a.status == http.StatusGone && a.last.code != 0:
			b.conn.Close(a.last.code, a.last.reason)
			return
		case a.status == http.StatusGone:
			b.conn.Close(transport.CloseGoingAway, "session ended")
			return
		}
	}
}

// awaitRoom waits until the client has taken most of what was written: what
// waits, waits in the session, whose socket looks at that. After a window it
// waits no longer, since the session takes a client that does not poll for
// gone.
func (b *bridge) awaitRoom() {
	if b.conn.Waiting() <= roomBytes {
		return
	}
	tick := time.NewTicker(roomPause)
	defer tick.Stop()
	for end := time.Now().Add(b.h.cfg.Window); b.conn.Waiting() > roomBytes && time.Now().Before(end); {
		select {
		case <-tick.C:
		case <-b.ctx.Done():
			return
		}
	}
}

// poll waits for what the session has to say and writes it; t says how much
// was written before, and then is.
func (b *bridge) poll(t *ticket) (a verdict, err error) {
	if s := b.h.session(t.session); s != nil {
		s.poll(b.ctx, b.id, t.got, func(d delivery) error {
			a = verdict{d.status, d.last}
			b.write(d.frames)
			t.got = max(t.got, d.taken)
			return nil
		})
		return a, nil
	}
	if !b.h.elsewhere(*t) {
		return verdict{status: http.StatusGone}, nil
	}
	ctx, cancel := context.WithTimeout(b.ctx, b.h.cfg.Window+grace)
	defer cancel()
	a, _, err = b.h.askOwner(ctx, *t, b.id, func(messages []byte, got uint64) error {
		frames, err := readMessages(messages)
		if err != nil {
			return err
		}
		b.write(frames)
		t.got = got
		return nil
	})
	return a, err
}

func (b *bridge) write(frames []*transport.Frame) {
	for _, f := range frames {
		_ = b.conn.Send(f) // a WebSocket carries all frames
	}
}
