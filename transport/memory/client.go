// Package memory connects a client to a server within one process, without a
// network: for tests, in the virtual time of [testing/synctest] too, and for
// tools.
package memory

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"unicode/utf8"

	"github.com/roost-dev/roost/transport"
)

// Options say who connects, and how. The zero value and nil are a client
// without params, which speaks version 1 of the protocol (spec/protocol.md §2).
type Options struct {
	// Params is the query of the request, with "vsn" for the version.
	Params url.Values

	// Header is that of the request.
	Header http.Header

	// AuthToken is passed on in [transport.Hello].
	AuthToken string

	// Outbox bounds what waits for the client's Receive, in bytes. A
	// connection that is over it when one more frame comes closes with
	// [transport.CloseSlow], and what waited is dropped; a single frame may be
	// larger. Default 1 MiB; it cannot be turned off.
	Outbox int
}

// Message is one message of the server.
type Message struct {
	Data   []byte // shared with all its receivers: read only
	Binary bool
}

// CloseError is the error of a connection that is closed.
type CloseError struct {
	Code   transport.CloseCode
	Reason string
}

// Error says how the connection was closed.
func (e *CloseError) Error() string {
	return fmt.Sprintf("memory: connection closed: %d %s", e.Code, e.Reason)
}

// Client is the client's end of a connection. Its methods may be called from
// any goroutine, but not from within the [transport.Session] at the other end.
type Client struct {
	bound int
	ready chan struct{} // wakes Receive
	done  chan struct{} // closed once the session was told of the end

	receiving sync.Mutex // held over the session's Receive and Closed, and guards it
	session   transport.Session

	mu     sync.Mutex         // guards what follows
	outbox []*transport.Frame // for the client
	size   int                // bytes in outbox
	closed *CloseError        // nil while open
}

// Dial connects to the server that accept belongs to, with a request to
// /socket/memory from 192.0.2.1, an address of no one. It blocks for as long as
// accept does, and an error is that of accept.
func Dial(accept transport.Accept, opts *Options) (*Client, error) {
	o := Options{}
	if opts != nil {
		o = *opts
	}
	if o.Outbox < 0 {
		panic("memory: Options.Outbox cannot be turned off: memory for a client that does not read must be bounded")
	}
	if o.Outbox == 0 {
		o.Outbox = 1 << 20
	}
	r := &http.Request{
		Method:     http.MethodGet,
		URL:        &url.URL{Scheme: "http", Host: "localhost", Path: "/socket/memory", RawQuery: o.Params.Encode()},
		Proto:      "HTTP/1.1",
		ProtoMajor: 1,
		ProtoMinor: 1,
		Host:       "localhost",
		Header:     o.Header.Clone(),
		RemoteAddr: "192.0.2.1:1",
	}
	if r.Header == nil {
		r.Header = http.Header{}
	}
	open, err := accept(r, transport.Hello{Transport: "memory", AuthToken: o.AuthToken})
	if err != nil {
		return nil, err
	}
	c := &Client{bound: o.Outbox, ready: make(chan struct{}, 1), done: make(chan struct{})}
	c.receiving.Lock()
	defer c.receiving.Unlock()
	c.session = open(serverEnd{c})
	return c, nil
}

// Send delivers one message, and returns when the session has received it.
// data is not kept. A malformed message closes the connection as it would
// close a WebSocket, and is no error here. On a closed connection Send
// returns a [*CloseError].
func (c *Client) Send(data []byte, binary bool) error {
	c.receiving.Lock()
	defer c.receiving.Unlock()
	if err := c.closeError(); err != nil {
		return err
	}
	if !binary && !utf8.Valid(data) {
		err := &CloseError{transport.CloseInvalidPayload, "text is not UTF-8"}
		c.end(err, err, true)
		return nil
	}
	if err := c.session.Receive(data, binary); err != nil {
		c.end(&CloseError{transport.CloseInternalError, err.Error()}, err, true)
	}
	return nil
}

// Receive waits for the next message of the server. When the connection is
// closed and everything was received that the server sent before, it returns
// a [*CloseError]; when ctx ends first, the context's error. One goroutine may
// call it at a time.
func (c *Client) Receive(ctx context.Context) (Message, error) {
	for {
		err := c.closeError() // asked first: nothing is sent behind it
		if m, ok := c.TryReceive(); ok {
			return m, nil
		}
		if err != nil {
			return Message{}, err
		}
		select {
		case <-c.ready:
		case <-ctx.Done():
			return Message{}, context.Cause(ctx)
		}
	}
}

// TryReceive returns the next message of the server, if it is there already.
func (c *Client) TryReceive() (m Message, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.outbox) == 0 {
		return Message{}, false
	}
	f := c.outbox[0]
	c.outbox[0] = nil
	c.outbox = c.outbox[1:]
	c.size -= len(f.Payload())
	return Message{Data: f.Payload(), Binary: f.Binary()}, true
}

// Close closes the connection from the client's side, with a code of its
// choice, unless it is closed already. It returns when the session has been
// told.
func (c *Client) Close(code transport.CloseCode) {
	c.end(&CloseError{code, "closed by the client"}, nil, false)
	<-c.done
}

func (c *Client) closeError() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed == nil {
		return nil
	}
	return c.closed
}

// end closes the connection, once. What waits for the client stays, or is
// dropped. cause is for the session.
func (c *Client) end(how *CloseError, cause error, keep bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed != nil {
		return
	}
	c.closed = how
	if !keep {
		c.outbox, c.size = nil, 0
	}
	c.wake()
	go c.tell(cause)
}

// tell runs on a goroutine of its own, since end may have been called from
// within Receive.
func (c *Client) tell(cause error) {
	defer close(c.done)
	c.receiving.Lock()
	defer c.receiving.Unlock()
	c.session.Closed(cause)
}

// wake lets Receive look again. The caller holds c.mu.
func (c *Client) wake() {
	select {
	case c.ready <- struct{}{}:
	default: // it will look anyway
	}
}

// serverEnd is the [transport.Conn] of the session.
type serverEnd struct{ c *Client }

var errSlow = fmt.Errorf("memory: %w", transport.ErrSlow)

// Send implements [transport.Conn].
func (s serverEnd) Send(f *transport.Frame) error {
	if !s.c.put(f) {
		s.c.end(&CloseError{transport.CloseSlow, "slow reader"}, errSlow, false)
	}
	return nil
}

// SendBurst implements [transport.Conn].
func (s serverEnd) SendBurst(b *transport.Burst) error { return b.Each(s.Send) }

// CarriesBytes implements [transport.Conn].
func (s serverEnd) CarriesBytes() bool { return true }

// Waiting implements [transport.Conn].
func (s serverEnd) Waiting() int {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	return s.c.size
}

// Close implements [transport.Conn].
func (s serverEnd) Close(code transport.CloseCode, reason string) {
	s.c.end(&CloseError{code, reason}, nil, true)
}

// put reports whether there was room for f.
func (c *Client) put(f *transport.Frame) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed != nil:
		return true
	case c.size > c.bound:
		return false
	}
	c.outbox = append(c.outbox, f)
	c.size += len(f.Payload())
	c.wake()
	return true
}
