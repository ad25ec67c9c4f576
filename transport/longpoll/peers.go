package longpoll

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// Peers lets the handlers of several nodes serve each other's sessions. All of
// them need the same keys in [Config].Tokens. Both methods are called from
// many goroutines.
type Peers interface {
	// Self returns the address of this handler, for the others. No other one
	// has it, nor one of an earlier run. It goes into tokens, which clients
	// can read.
	Self() string

	// Call has the handler at an address do [Handler.ServePeer], and returns
	// the result; order among calls does not matter. ctx reaches the other
	// side. An error wraps [ErrGone] if it is known that there is no such
	// handler any more; a call that is under way then fails with it, too. A
	// handler that is there but does not answer makes it wait for ctx.
	// Requests and answers have up to 300,000 bytes.
	Call(ctx context.Context, address string, request []byte) (answer []byte, err error)
}

// ErrGone is wrapped by errors of [Peers] about handlers that are not there any
// more.
var ErrGone = errors.New("longpoll: the node that had the session is gone")

const (
	// partSize bounds what of a body goes into one call, in bytes: half of
	// what the strictest engine takes would do.
	partSize = 256 << 10

	// grace is how much longer one node waits for another than for a client.
	grace = 3 * time.Second
)

// ServePeer does what another handler asks for by [Peers]. It holds polls for
// up to a window, less if ctx ends. Any goroutine may call it.
func (h *Handler) ServePeer(ctx context.Context, asked []byte) ([]byte, error) {
	q, err := decodeRequest(asked)
	if err != nil {
		return nil, err
	}
	var a verdict
	switch q.Op {
	case opPoll:
		a, err = h.pollHere(ctx, q)
	case opPost:
		a.status, err = h.postHere(ctx, q)
	case opYield, opHandOver, opRelease:
		a.status = h.bridgeHere(q)
	case opWrite:
		a.status = h.writeFront(q)
	case opRead:
		return h.readFront(q)
	default:
		err = fmt.Errorf("longpoll: another node asks for %q, which this release does not know", q.Op)
	}
	return a.encode(q), err
}

// ask calls another handler, and returns what it answers.
func (h *Handler) ask(ctx context.Context, address string, q request) (verdict, error) {
	asked, err := q.encode()
	if err != nil {
		return verdict{}, err
	}
	said, err := h.cfg.Peers.Call(ctx, address, asked)
	if err != nil {
		return verdict{}, err
	}
	return decodeAnswer(said)
}

// pollHere answers a poll that reached another handler. Close waits for it:
// for those that reach this one http.Server.Shutdown does.
func (h *Handler) pollHere(ctx context.Context, q request) (a verdict, err error) {
	h.hold()
	defer h.release()
	s := h.session(q.Session)
	if s == nil {
		return verdict{status: http.StatusNotFound}, nil
	}
	s.poll(ctx, q.Bridge, q.Got, func(d delivery) error {
		a = verdict{d.status, d.last}
		if d.frames != nil {
			// That the front gave up does not say what it had done.
			err = h.deliver(context.WithoutCancel(ctx), q, d)
		}
		return err
	})
	return a, err
}

// deliver has the front of a poll write messages. An error means that it has
// not, as far as is known.
func (h *Handler) deliver(ctx context.Context, q request, d delivery) error {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout+grace)
	defer cancel()
	messages := appendMessages(make([]byte, 0, sizeOf(d.frames)), d.frames)
	sent := 0
	for part := range slices.Chunk(messages, partSize) {
		next := request{Op: opWrite, Request: q.Request, Got: d.taken, Offset: sent, body: part}
		sent += len(part)
		next.More = sent < len(messages)
		a, err := h.ask(ctx, q.Front, next)
		switch {
		case err != nil:
			return err
		case a.status != http.StatusOK:
			return fmt.Errorf("longpoll: answer not written by the node that the client reached: %s", http.StatusText(a.status))
		}
	}
	return nil
}

// postHere takes the messages of a post that reached another handler.
func (h *Handler) postHere(ctx context.Context, q request) (status int, err error) {
	s := h.session(q.Session)
	switch {
	case s == nil:
		return http.StatusGone, nil
	case q.Size > h.cfg.MaxBody:
		return http.StatusBadRequest, nil
	}
	body := q.body
	for len(body) < q.Size {
		asked, err := request{Op: opRead, Request: q.Request, Offset: len(body)}.encode()
		if err != nil {
			return 0, err
		}
		part, err := h.cfg.Peers.Call(ctx, q.Front, asked)
		if err != nil {
			return 0, err
		}
		body = append(slices.Clip(body), part...)
		if len(part) == 0 || len(body) > q.Size {
			return 0, errors.New("longpoll: the body of a post came in parts that do not fit")
		}
	}
	return s.receive(batch{body: body, lines: q.Lines, binary: q.Binary}, q.Bridge), nil
}
