package client

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

const (
	// maxLines is how many messages go into one POST; servers look at no more
	// (spec/protocol.md §13). maxBatch is how many bytes, unless a message is
	// larger.
	maxLines = 100
	maxBatch = 1 << 20

	// emptyPause is the least time between two polls if the first one brought
	// nothing: the server lets a poll wait, but what stands before it may not.
	emptyPause = 100 * time.Millisecond

	// closeGone and closeServer stand for the end of a connection that has no
	// close codes, with the codes that phoenix.js gives it: the server does not
	// know the session any more, or failed.
	closeGone      = 3410
	closeForbidden = 1008
	closeServer    = 1011
)

// longPoll is a connection over HTTP requests (spec/protocol.md §13): one at a
// time waits for messages of the server, and one at a time brings ours.
type longPoll struct {
	socket *Socket
	url    *url.URL
	poll   http.Header     // of requests for messages
	post   http.Header     // of those that bring them
	ctx    context.Context // ends when it is closed
	cancel context.CancelFunc
	token  atomic.Pointer[string] // names the session

	came, received  atomic.Uint64  // answers, and messages in them
	finishes, holds chan *handover // have one for who polls, and who posts
}

// openLongPoll opens a session.
func (s *Socket) openLongPoll(ctx context.Context) (*conn, error) {
	ctx, cancel := s.bound(ctx)
	defer cancel()
	req, err := s.request(ctx, longPollURL(s.url))
	if err != nil {
		return nil, err
	}
	token, hasToken, err := s.authToken(ctx)
	if err != nil {
		return nil, err
	}
	for name := range req.Header {
		if strings.HasPrefix(name, "Sec-Websocket-") {
			req.Header.Del(name)
		}
	}
	p := &longPoll{socket: s, url: req.URL, post: req.Header.Clone(), finishes: make(chan *handover, 1), holds: make(chan *handover, 1)}
	p.post.Set("Content-Type", "application/x-ndjson")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Cache-Control", "no-store")
	if hasToken {
		req.Header.Set("X-Phoenix-Authtoken", token)
	}
	p.poll = req.Header
	res, err := s.roundTrip(req)
	if err != nil {
		return nil, err
	}
	a, err := readAnswer(res, p.socket.opts.MaxMessage)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, fmt.Errorf("client: connect to %s: %w", s.url.Host, context.Cause(ctx))
	case err != nil:
		return nil, err
	case a.Status != http.StatusGone || a.Token == "":
		return nil, refused(refusal(res.StatusCode, a.Status), res.Header)
	}
	p.token.Store(&a.Token)
	p.ctx, p.cancel = context.WithCancel(context.WithoutCancel(ctx))
	c := newConn(s, p)
	if s.mayUpgrade && res.Header.Get("Roost-Upgrade") == "websocket" {
		c.both.Go(func() { p.tryUpgrades(c) })
	}
	return c, nil
}

// longPollURL is where a server polls that has its WebSocket at u.
func longPollURL(u *url.URL) *url.URL {
	const name = "/websocket"
	v := *u
	if i := strings.LastIndex(v.Path, name); i >= 0 {
		v.Path, v.RawPath = v.Path[:i]+"/longpoll"+v.Path[i+len(name):], ""
	}
	return &v
}

// refusal is the status that says best why a server did not open a session.
func refusal(httpStatus, status int) int {
	if httpStatus >= 300 || status == 0 {
		return httpStatus
	}
	return status
}

// read implements [link].
func (p *longPoll) read(c *conn) {
	for {
		asked := time.Now()
		a, err := p.request(http.MethodGet, p.poll, nil)
		if err == nil && a.Status != http.StatusNoContent {
			err = endOf(a)
		}
		if err != nil {
			c.fail(err, 0)
			return
		}
		if c.isOver() {
			return // and this was what the server said to the last post
		}
		p.receive(c, a)
		select {
		case h := <-p.finishes:
			if w := h.await(c); w != nil {
				w.read(c)
				return
			}
		default:
			if len(a.Messages) == 0 {
				sleep(p.ctx, emptyPause-time.Since(asked))
			}
		}
	}
}

// receive takes the answer to a poll.
func (p *longPoll) receive(c *conn, a answer) {
	p.came.Add(1)
	if a.Token != "" {
		p.token.Store(&a.Token)
	}
	for _, m := range a.Messages {
		if len(m) > p.socket.opts.MaxMessage {
			c.fail(tooLarge(p.socket.opts.MaxMessage), 0)
			return
		}
		p.received.Add(1)
		c.receive([]byte(m), false)
	}
}

// write implements [link].
func (p *longPoll) write(c *conn) {
	for {
		var m outgoing
		select {
		case <-c.done:
			if !p.sayFarewell(c) {
				p.cancel()
			}
			return
		case h := <-p.holds:
			if w := h.await(c); w != nil {
				w.write(c)
				return
			}
			continue
		case m = <-c.out:
		}
		if err := p.send(c, m); err != nil {
			c.fail(err, 0)
			p.cancel()
			return
		}
	}
}

// sayFarewell sends what is left if we end the connection. It reports whether
// the server has something to say to that, which it would keep for a while if
// nobody came for it.
func (p *longPoll) sayFarewell(c *conn) (sent bool) {
	for c.closeCode() == closeNormal {
		select {
		case m := <-c.out:
			if p.send(c, m) != nil {
				return false
			}
			sent = true
		default:
			return sent
		}
	}
	return false
}

// send posts a message and those that wait behind it.
func (p *longPoll) send(c *conn, m outgoing) error {
	body := appendLine(nil, m)
	for n := 1; n < maxLines && len(c.out) > 0 && len(body) < maxBatch; n++ {
		body = appendLine(append(body, '\n'), <-c.out)
	}
	a, err := p.request(http.MethodPost, p.post, body)
	switch {
	case err != nil:
		return err
	case a.Status == http.StatusBadRequest, a.Status == http.StatusRequestEntityTooLarge:
		// What we send is well formed.
		return &CloseError{Code: closeTooBig, Reason: "a message was refused, most likely as too large"}
	}
	return endOf(a)
}

func appendLine(dst []byte, m outgoing) []byte {
	if m.binary {
		return base64.StdEncoding.AppendEncode(dst, m.data)
	}
	return append(dst, m.data...)
}

// heard implements [link].
func (p *longPoll) heard() uint64 { return p.came.Load() }

// close implements [link].
func (p *longPoll) close() { p.cancel() }

// polls implements [link].
func (p *longPoll) polls() bool { return true }

// endOf is the end that an answer means, with the codes that phoenix.js gives
// to ends without one. It is nil for 200.
func endOf(a answer) error {
	switch a.Status {
	case http.StatusOK:
		return nil
	case http.StatusGone:
		return &CloseError{Code: closeGone, Reason: "session gone", RetryAfter: a.retryAfter}
	case http.StatusForbidden:
		return &CloseError{Code: closeForbidden, Reason: "forbidden"}
	default:
		return &CloseError{Code: closeServer, Reason: fmt.Sprintf("status %d", a.Status), RetryAfter: a.retryAfter}
	}
}

// request makes a request within the session.
func (p *longPoll) request(method string, header http.Header, body []byte) (answer, error) {
	wait := p.socket.opts.PollTimeout
	late := fmt.Errorf("no answer within %v: %w", wait, context.DeadlineExceeded)
	ctx, cancel := context.WithTimeoutCause(p.ctx, wait, late)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, p.url.String(), bytes.NewReader(body))
	if err != nil {
		return answer{}, fmt.Errorf("client: %w", err)
	}
	if method == http.MethodGet {
		// A body, if an empty one, keeps http.Transport from repeating a poll
		// whose connection broke: what the answer held that was lost would be
		// missed in silence.
		req.Body, req.GetBody = io.NopCloser(bytes.NewReader(nil)), nil
	}
	req.Header = header.Clone()
	req.Header.Set("X-Phoenix-Longpoll-Token", *p.token.Load())
	var a answer
	res, err := p.socket.opts.Transport.RoundTrip(req)
	if err == nil {
		a, err = readAnswer(res, p.socket.opts.MaxMessage)
	}
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if _, broke := errors.AsType[*protocolError](err); err == nil || broke {
		return a, err
	}
	return a, fmt.Errorf("client: the connection was lost: %w", err)
}
