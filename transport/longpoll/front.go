package longpoll

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"time"

	"github.com/roost-dev/roost/transport"
)

const (
	// pauseTime is how long a poll waits before it asks again an owner that
	// could not be reached. A closed handler holds polls for sessions of other
	// nodes as long: clients that still reach it should not poll without a
	// pause. A post waits as long for the answer of the other node.
	pauseTime = time.Second

	// lateAnswer is how long a poll that has its messages waits for the owner
	// to end it.
	lateAnswer = time.Second
)

// front is a client's request for a session of another node, which that looks
// after. Whoever takes a poll out of the handler's fronts may write to its
// client, and nobody else.
type front struct {
	id     string
	ticket ticket
	body   []byte // of a post: what it says; of a poll: what is to be written, so far; guarded by the handler's mu

	// Of a poll:
	ctx    context.Context // ends with the client's request, or if it is to be answered otherwise
	cancel context.CancelFunc
	write  writeMessages
	done   chan struct{} // closed when the owner's answer has been written, or could not be
}

// writeMessages brings messages, the elements of a JSON array, to a client,
// which has got so many with them.
type writeMessages func(messages []byte, got uint64) error

// pollElsewhere answers a poll for a session of another node.
func (h *Handler) pollElsewhere(w http.ResponseWriter, r *http.Request, t ticket, token string) {
	h.outlast(w, r)
	ctx, cancel := context.WithTimeout(r.Context(), h.cfg.Window+grace)
	defer cancel()
	if h.closing.Err() != nil {
		pause(ctx)
	}
	stop := context.AfterFunc(h.closing, cancel)
	defer stop()
	var a verdict
	for ctx.Err() == nil && h.closing.Err() == nil && a.status == 0 {
		var written bool
		var err error
		switch a, written, err = h.askOwner(ctx, t, "", h.answerWith(w, t)); {
		case written:
			return
		case errors.Is(err, ErrGone), a.status == http.StatusNotFound:
			h.open(w, r)
			return
		case err != nil:
			h.cfg.Logger.Debug("longpoll: a poll did not reach the node that has the session", "error", err)
			pause(ctx)
		}
	}
	if a.status == 0 {
		a.status = http.StatusNoContent // the client polls again
	}
	if h.closing.Err() != nil {
		w.Header().Set("Connection", "close") // and elsewhere
	}
	transport.SetRetryAfter(w.Header(), transport.RetryAfter(a.last.reason))
	if err := write(w, http.StatusOK, pollAnswer(a.status, token, nil)); err != nil {
		h.cfg.Logger.Debug("longpoll: answer not written", "path", r.URL.Path, "error", err)
	}
}

// answerWith answers polls by w.
func (h *Handler) answerWith(w http.ResponseWriter, t ticket) writeMessages {
	return func(messages []byte, got uint64) error {
		t.got = got
		token, err := h.sign(t)
		if err != nil {
			return err
		}
		return write(w, http.StatusOK, endAnswer(append(newAnswer(len(messages)+len(token)), messages...), http.StatusOK, token))
	}
}

// askOwner has the owner of a session answer a poll. Either the owner had
// messages, and they have been written or could not be, or it returns what to
// answer.
func (h *Handler) askOwner(ctx context.Context, t ticket, bridge string, write writeMessages) (a verdict, written bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	f := &front{id: rand.Text(), ticket: t, ctx: ctx, cancel: cancel, write: write, done: make(chan struct{})}
	h.addFront(f)
	q := request{Op: opPoll, Session: t.session, Got: t.got, Front: h.address(), Request: f.id, Bridge: bridge, Words: true}
	a, err = h.ask(ctx, t.owner, q)
	if !h.removeFront(f) {
		<-f.done
		return verdict{}, true, nil
	}
	return a, false, err
}

// postElsewhere has the owner of a session take the messages of a post, and
// returns the status to answer.
func (h *Handler) postElsewhere(ctx context.Context, t ticket, b batch, bridge string) (status int) {
	ctx, cancel := context.WithTimeout(ctx, h.cfg.Window)
	defer cancel()
	defer context.AfterFunc(h.closing, func() {
		pause(ctx)
		cancel()
	})()
	q := request{Op: opPost, Session: t.session, Lines: b.lines, Binary: b.binary, Bridge: bridge, Size: len(b.body), body: b.body}
	if len(b.body) > partSize {
		f := &front{id: rand.Text(), ticket: t, body: b.body}
		h.addFront(f)
		defer h.removeFront(f)
		q.Front, q.Request, q.body = h.address(), f.id, b.body[:partSize]
	}
	a, err := h.ask(ctx, t.owner, q)
	switch {
	case errors.Is(err, ErrGone):
		return http.StatusGone
	case err != nil:
		h.cfg.Logger.Warn("longpoll: a post did not reach the node that has the session", "error", err)
		return http.StatusRequestTimeout
	}
	return a.status
}

// writeFront takes a part of the answer to a poll, and writes the answer with
// the last.
func (h *Handler) writeFront(q request) (status int) {
	f := h.takePart(q)
	switch {
	case f == nil:
		return http.StatusGone
	case q.More:
		return http.StatusOK
	}
	defer close(f.done)
	defer time.AfterFunc(lateAnswer, f.cancel)
	if err := f.write(f.body, q.Got); err != nil {
		h.cfg.Logger.Debug("longpoll: answer not written", "error", err)
		return http.StatusInternalServerError
	}
	return http.StatusOK
}

// takePart returns the poll that a part is for, with the part, or nil if it
// is over or the part is not the next. With the last part it is the caller's.
func (h *Handler) takePart(q request) *front {
	h.mu.Lock()
	defer h.mu.Unlock()
	f := h.fronts[q.Request]
	if f == nil || f.write == nil || f.ctx.Err() != nil || q.Offset != len(f.body) {
		return nil
	}
	f.body = append(f.body, q.body...)
	if !q.More {
		delete(h.fronts, q.Request)
	}
	return f
}

// readFront returns a part of the body of a post.
func (h *Handler) readFront(q request) ([]byte, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f := h.fronts[q.Request]
	if f == nil || f.write != nil || q.Offset < 0 || q.Offset > len(f.body) {
		return nil, errors.New("longpoll: the post that is to be read is over")
	}
	rest := f.body[q.Offset:]
	return rest[:min(len(rest), partSize)], nil
}

func (h *Handler) addFront(f *front) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.fronts[f.id] = f
}

// removeFront reports whether f was still there.
func (h *Handler) removeFront(f *front) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	there := h.fronts[f.id] != nil
	delete(h.fronts, f.id)
	return there
}

// pause waits for a while, or until ctx ends.
func pause(ctx context.Context) {
	timer := time.NewTimer(pauseTime)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
