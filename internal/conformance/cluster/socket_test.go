//go:build linux

package cluster

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/roost-dev/roost/internal/ws"
	"github.com/roost-dev/roost/wire"
)

// A socket is a client's WebSocket, which speaks version 2. One goroutine reads it; it ends with the connection.
type socket struct {
	conn net.Conn
	done chan struct{} // closed when the socket has ended

	mu       sync.Mutex // guards what follows
	refs     int
	replies  map[wire.Value]chan wire.ServerMessage
	channels map[string]*channel
	err      error // why it has ended
}

// A channel is a topic that a socket has joined.
type channel struct {
	socket  *socket
	topic   string
	joinRef wire.Value

	// handle takes events, on the goroutine of the socket.
	handle func(event string, payload []byte)
}

// errLeft is the end of a socket that its client has closed.
var errLeft = errors.New("the client closed it")

// A closeError is the close frame that ended a socket.
type closeError int

func (e closeError) Error() string {
	return fmt.Sprintf("the server closed the socket with %d", int(e))
}

// connect opens a socket of a user, who may be "".
func connect(ctx context.Context, nd *node, user string) (*socket, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	conn, err := nd.net.dial(ctx, nd.addr())
	if err != nil {
		return nil, err
	}
	query := url.Values{"vsn": {"2.0.0"}}
	if user != "" {
		query.Set("user", user)
	}
	s := &socket{
		conn: conn, done: make(chan struct{}),
		replies: make(map[wire.Value]chan wire.ServerMessage), channels: make(map[string]*channel),
	}
	rest, err := s.upgrade(ws.Request(nd.addr(), "/socket/websocket?"+query.Encode()))
	if err != nil {
		conn.Close()
		return nil, err
	}
	go s.read(rest)
	return s, nil
}

// upgrade returns what came behind the answer.
func (s *socket) upgrade(request []byte) ([]byte, error) {
	s.conn.SetDeadline(time.Now().Add(patience))
	if _, err := s.conn.Write(request); err != nil {
		return nil, err
	}
	var got []byte
	buf := make([]byte, 4096)
	for {
		n, err := s.conn.Read(buf)
		got = append(got, buf[:n]...)
		used, refused := ws.Opened(got)
		if used > 0 {
			return got[used:], s.conn.SetDeadline(time.Time{})
		}
		if err := errors.Join(refused, err); err != nil {
			return nil, err
		}
	}
}

// heartbeat is how often a client sends something, whatever it receives; the server gives it a minute.
const heartbeat = 25 * time.Second

func (s *socket) read(got []byte) {
	buf := make([]byte, 32<<10)
	due := time.Now().Add(heartbeat)
	for {
		used, err := s.consume(got)
		if err != nil {
			s.end(err)
			return
		}
		got = append(got[:0], got[used:]...)
		s.conn.SetReadDeadline(due)
		n, err := s.conn.Read(buf)
		got = append(got, buf[:n]...)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			due = due.Add(heartbeat)
			err = s.send(wire.ClientMessage{Ref: s.ref(), Topic: wire.String(wire.TopicHeartbeat), Event: wire.EventHeartbeat}, nil)
		}
		if err != nil {
			s.end(err)
			return
		}
	}
}

// consume handles the frames that are whole in data, and returns how much that was. The server fragments nothing and pings
// nobody at this mount.
func (s *socket) consume(data []byte) (used int, err error) {
	for {
		f, n, err := ws.Next(data[used:])
		if n == 0 || err != nil {
			return used, err
		}
		used += n
		switch {
		case f.Op == ws.Text && f.Fin:
			m, err := wire.V2.DecodeServer(f.Payload, false)
			if err != nil {
				return used, fmt.Errorf("%w: %q", err, f.Payload)
			}
			s.take(&m)
		case f.Op == ws.Close && len(f.Payload) >= 2:
			return used, closeError(binary.BigEndian.Uint16(f.Payload))
		default:
			return used, fmt.Errorf("the server sent a frame with opcode %d: %q", f.Op, f.Payload)
		}
	}
}

func (s *socket) take(m *wire.ServerMessage) {
	topic, _ := m.Topic.Text()
	s.mu.Lock()
	reply := s.replies[m.Ref]
	if m.Event == wire.EventReply && reply != nil {
		delete(s.replies, m.Ref)
	}
	ch := s.channels[topic]
	s.mu.Unlock()
	switch {
	case m.Event == wire.EventReply && reply != nil:
		m.Payload.Data = append([]byte(nil), m.Payload.Data...)
		reply <- *m
	case ch != nil && ch.handle != nil && (m.JoinRef.IsNull() || m.JoinRef == ch.joinRef):
		ch.handle(m.Event, m.Payload.Data)
	}
}

func (s *socket) end(err error) {
	s.mu.Lock()
	if s.err == nil {
		s.err = err
	}
	s.mu.Unlock()
	s.conn.Close()
	close(s.done)
}

// leave closes the connection without a word, as clients do that lose theirs, and waits until the socket has ended.
func (s *socket) leave() {
	s.mu.Lock()
	if s.err == nil {
		s.err = errLeft
	}
	s.mu.Unlock()
	s.conn.Close()
	<-s.done
}

// ended returns why the socket ended, nil while it is open.
func (s *socket) ended() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// join joins a topic. handle is called for what comes on it, at first for what comes right behind the reply.
func (s *socket) join(ctx context.Context, topic string, handle func(event string, payload []byte)) (*channel, error) {
	ref := s.ref()
	ch := &channel{socket: s, topic: topic, joinRef: ref, handle: handle}
	s.mu.Lock()
	s.channels[topic] = ch
	s.mu.Unlock()
	_, err := s.call(ctx, wire.ClientMessage{JoinRef: ref, Ref: ref, Topic: wire.String(topic), Event: wire.EventJoin}, "{}")
	return ch, err
}

// leave leaves the topic, after which nothing of it comes any more.
func (ch *channel) leave(ctx context.Context) error {
	_, err := ch.call(ctx, wire.EventLeave, "{}")
	ch.socket.mu.Lock()
	defer ch.socket.mu.Unlock()
	delete(ch.socket.channels, ch.topic)
	return err
}

// call pushes an event and returns the response, which must be ok.
func (ch *channel) call(ctx context.Context, event, payload string) ([]byte, error) {
	return ch.socket.call(ctx, ch.message(event, ch.socket.ref()), payload)
}

// push pushes an event to which there is no reply.
func (ch *channel) push(event, payload string) error {
	return ch.socket.send(ch.message(event, ch.socket.ref()), []byte(payload))
}

func (ch *channel) message(event string, ref wire.Value) wire.ClientMessage {
	return wire.ClientMessage{JoinRef: ch.joinRef, Ref: ref, Topic: wire.String(ch.topic), Event: event}
}

func (s *socket) ref() wire.Value {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refs++
	return wire.String(strconv.Itoa(s.refs))
}

func (s *socket) call(ctx context.Context, m wire.ClientMessage, payload string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	reply := make(chan wire.ServerMessage, 1)
	s.mu.Lock()
	s.replies[m.Ref] = reply
	s.mu.Unlock()
	topic, _ := m.Topic.Text()
	if err := s.send(m, []byte(payload)); err != nil {
		return nil, fmt.Errorf("%s on %s: %w", m.Event, topic, err)
	}
	select {
	case r := <-reply:
		if r.Status != wire.StatusOK {
			return nil, fmt.Errorf("%s on %s: answered %s %s", m.Event, topic, r.Status, r.Payload.Data)
		}
		return r.Payload.Data, nil
	case <-s.done:
		return nil, fmt.Errorf("%s on %s: the socket ended: %w", m.Event, topic, s.ended())
	case <-ctx.Done():
		return nil, fmt.Errorf("%s on %s: no reply: %w", m.Event, topic, ctx.Err())
	}
}

// send may be called from several goroutines: a frame is one write.
func (s *socket) send(m wire.ClientMessage, payload []byte) error {
	if payload == nil {
		payload = []byte("{}")
	}
	m.Payload.Data = payload
	text, _, err := wire.V2.AppendClient(nil, m)
	if err != nil {
		return err
	}
	_, err = s.conn.Write(ws.AppendClient(nil, ws.Text, text))
	return err
}
