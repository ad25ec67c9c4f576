package roosttest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/transport"
	"github.com/roost-dev/roost/transport/memory"
	"github.com/roost-dev/roost/wire"
)

// patience is how long an expectation waits: in a bubble it costs nothing.
const patience = time.Minute

// Client is a client of a server, connected in memory. Its methods, and those
// of its channels, are for the goroutine of the test; they fail the test when
// what they expect does not come.
type Client struct {
	t        testing.TB
	conn     *memory.Client
	refs     int
	channels map[string]*Channel
	joining  map[wire.Value]*wire.ServerMessage
}

// Server is what a client connects to: a *roost.Server[A].
type Server interface {
	Accept(r *http.Request, h transport.Hello) (open func(transport.Conn) transport.Session, err error)
	Shutdown(ctx context.Context) error
}

// Options is what a client brings when it connects. The zero value is nothing.
type Options struct {
	// Params is the parameters in the client's URL.
	Params map[string]string

	// AuthToken is the token that comes by subprotocol or header.
	AuthToken string

	// Header is that of the request.
	Header http.Header
}

// Connect opens a socket. The test fails if the connect callback refuses. When
// the test ends the socket closes and the server is shut down.
func Connect(t testing.TB, server Server, opts *Options) *Client {
	t.Helper()
	c, err := dial(t, server, opts)
	if err != nil {
		t.Fatalf("roosttest: connect: %v", err)
	}
	return c
}

// ConnectError opens a socket that must be refused, and returns the error of
// the connect callback.
func ConnectError(t testing.TB, server Server, opts *Options) error {
	t.Helper()
	_, err := dial(t, server, opts)
	if err == nil {
		t.Fatal("roosttest: connect was accepted, want a refusal")
	}
	if refused, ok := errors.AsType[*transport.Refused](err); ok {
		return refused.Reason
	}
	return err
}

func dial(t testing.TB, server Server, opts *Options) (*Client, error) {
	if opts == nil {
		opts = &Options{}
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := server.Shutdown(ctx); err != nil {
			t.Errorf("roosttest: shutdown: %v", err)
		}
	})
	query := url.Values{"vsn": {"2.0.0"}}
	for name, value := range opts.Params {
		query.Set(name, value)
	}
	conn, err := memory.Dial(server.Accept, &memory.Options{Params: query, AuthToken: opts.AuthToken, Header: opts.Header})
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { conn.Close(transport.CloseNormal) })
	return &Client{t: t, conn: conn, channels: map[string]*Channel{}, joining: map[wire.Value]*wire.ServerMessage{}}, nil
}

// Join joins a topic with params, encoded as JSON; nil is {}. The join must be
// accepted. Joining a topic again begins a new conversation in place of the
// old.
func (c *Client) Join(topic string, params any) *Channel {
	c.t.Helper()
	ch, m := c.join(topic, params)
	if m.Status != wire.StatusOK {
		c.t.Fatalf("roosttest: join of %q was answered %s", topic, describe(m))
	}
	ch.reply = m.Payload
	return ch
}

// JoinError joins a topic, which must be refused, and returns the error.
func (c *Client) JoinError(topic string, params any) *roost.Error {
	c.t.Helper()
	_, m := c.join(topic, params)
	if m.Status != wire.StatusError {
		c.t.Fatalf("roosttest: join of %q was answered %s, want an error", topic, describe(m))
	}
	return decodeError(c.t, m.Payload)
}

func (c *Client) join(topic string, params any) (*Channel, *wire.ServerMessage) {
	c.t.Helper()
	ref := c.nextRef()
	ch := &Channel{t: c.t, client: c, topic: topic, joinRef: ref}
	c.channels[topic] = ch
	c.joining[ref] = nil
	c.send(wire.ClientMessage{JoinRef: ref, Ref: ref, Topic: wire.String(topic), Event: wire.EventJoin, Payload: encode(c.t, params)})
	for c.joining[ref] == nil {
		if err := c.receive(); err != nil {
			c.t.Fatalf("roosttest: join of %q: waited for the reply, but %v", topic, err)
		}
	}
	m := c.joining[ref]
	delete(c.joining, ref)
	return ch, m
}

// Close closes the socket from the client's side.
func (c *Client) Close() { c.conn.Close(transport.CloseNormal) }

// ExpectDisconnect waits until the server has closed the socket, and returns
// the code.
func (c *Client) ExpectDisconnect() transport.CloseCode {
	c.t.Helper()
	for {
		err := c.receive()
		if closed, ok := errors.AsType[*memory.CloseError](err); ok {
			return closed.Code
		}
		if err != nil {
			c.t.Fatalf("roosttest: waited for the server to close the socket, but %v", err)
		}
	}
}

func (c *Client) nextRef() wire.Value {
	c.refs++
	return wire.String(strconv.Itoa(c.refs))
}

func (c *Client) send(m wire.ClientMessage) {
	c.t.Helper()
	frame, binary, err := wire.V2.AppendClient(nil, m)
	if err != nil {
		c.t.Fatalf("roosttest: %q cannot be sent: %v", m.Event, err)
	}
	if err := c.conn.Send(frame, binary); err != nil {
		c.t.Fatalf("roosttest: %q was sent on a closed socket: %v", m.Event, err)
	}
}

// receive takes one frame, waiting for it, to where it belongs.
func (c *Client) receive() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	frame, err := c.conn.Receive(ctx)
	if ctx.Err() != nil {
		return errTimeout
	}
	if err != nil {
		return err
	}
	c.file(frame)
	return nil
}

// drain takes all frames that have come.
func (c *Client) drain() {
	for {
		frame, ok := c.conn.TryReceive()
		if !ok {
			return
		}
		c.file(frame)
	}
}

func (c *Client) file(frame memory.Message) {
	m, err := wire.V2.DecodeServer(frame.Data, frame.Binary)
	if err != nil {
		c.t.Fatalf("roosttest: the server sent what is no message: %v", err)
	}
	if _, ok := c.joining[m.Ref]; ok && m.Event == wire.EventReply {
		c.joining[m.Ref] = &m
		return
	}
	topic, _ := m.Topic.Text()
	ch := c.channels[topic]
	// What an earlier conversation on the topic still said is not this one's.
	if ch != nil && (m.JoinRef.IsNull() || m.JoinRef == ch.joinRef) {
		ch.unread = append(ch.unread, m)
	}
}

func describe(m *wire.ServerMessage) string {
	what := strings.TrimSpace(m.Event + " " + m.Status) // a status is for replies
	if m.Payload.Binary {
		return fmt.Sprintf("%s (%d bytes)", what, len(m.Payload.Data))
	}
	return fmt.Sprintf("%s %s", what, m.Payload.Data)
}

// describeAll says of events, too, which expectation is the one for them.
func describeAll(messages []wire.ServerMessage) string {
	if len(messages) == 0 {
		return "none"
	}
	var all []string
	for i := range messages {
		m := &messages[i]
		what := describe(m)
		switch {
		case strings.HasPrefix(m.Event, "phx_"):
		case m.JoinRef.IsNull():
			what += " (broadcast)"
		default:
			what += " (push)"
		}
		all = append(all, what)
	}
	return strings.Join(all, ", ")
}
