package roost

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/roost-dev/roost/pubsub"
	"github.com/roost-dev/roost/transport"
	"github.com/roost-dev/roost/wire"
)

// Socket is one client's connection. A is the type of its assigns. Its
// methods may be called from any goroutine.
type Socket[A any] struct {
	// Assigns is what the connect callback returned. It is shared by the
	// conversations of the socket, so it must not be changed.
	Assigns A

	s socket
}

// ID returns the id that [Options].ID gave the socket, or "".
func (s *Socket[A]) ID() string { return s.s.id }

// Transport returns "websocket", "longpoll" or "memory": what the client
// connected by. It is "longpoll" still when the session has gone on over a
// WebSocket (spec/protocol.md §23).
func (s *Socket[A]) Transport() string { return s.s.transport }

// Version returns the version of the protocol: "1.0.0" or "2.0.0".
func (s *Socket[A]) Version() string { return s.s.version.String() }

// Disconnect closes this socket. Its client may come back.
func (s *Socket[A]) Disconnect() { s.s.disconnect() }

// socket is what a [Socket] is behind its type: a client's conversations, and
// the rules of the protocol for frames of any topic (spec/protocol.md §10).
// The transport's goroutine brings the client's messages; it never runs user
// code.
type socket struct {
	server    *core
	transport string
	id        string
	user      any // the *Socket[A]
	conn      transport.Conn
	muted     atomic.Bool  // nothing is sent any more
	marks     atomic.Bool  // the client marks pushes
	leaving   atomic.Int32 // conversations that have ended and are to be removed
	version   wire.Version // stands here, as others do elsewhere, since a socket must be small

	// Used by the one goroutine at a time that calls Receive.
	messages, joins, strikes bucket

	mu           sync.Mutex // guards what follows
	topics       topicSet
	unfinished   int32 // conversations whose worker is not through with them
	draining     bool
	closed       bool
	registration *pubsub.Registration
}

// open is called by the transport once the connection stands.
func (s *socket) open(conn transport.Conn) transport.Session {
	s.conn = conn
	if s.id != "" {
		s.registration = s.server.pubsub.Register(s.id, s)
	}
	s.server.opened(s)
	return s
}

// Receive takes a message of the client.
func (s *socket) Receive(data []byte, binary bool) error {
	m, err := s.version.DecodeClient(data, binary)
	if err != nil {
		if t := s.server.trace.Malformed; t != nil {
			s.server.traced("Malformed", func() { t(MalformedInfo{Socket: s.info(), Err: err}) })
		}
		return err
	}
	topic, isText := m.Topic.Text()
	within := s.messages.take(s.server.limits.messages, s.server.now())
	if topic == wire.TopicHeartbeat && m.Event == wire.EventHeartbeat {
		if !within && !s.forgive() {
			return nil
		}
		return s.reply(wire.Value{}, m.Ref, m.Topic, wire.StatusOK, wire.Payload{Data: emptyObject})
	}
	if !within {
		if !s.forgive() {
			return nil
		}
		wait := s.messages.wait(s.server.limits.messages, s.server.now())
		return s.refuse(m.JoinRef, m.Ref, m.Topic, s.refusal(errRateLimited(wait), m.Payload, m.Mark))
	}
	if !isText {
		topic = "" // which no handler has
	}
	switch m.Event {
	case wire.EventJoin:
		return s.join(topic, &m)
	default:
		return s.dispatch(topic, &m)
	}
}

// forgive reports whether the client may go on past a limit. If it keeps at
// it, its socket closes.
func (s *socket) forgive() bool {
	if s.strikes.take(s.server.limits.messages, s.server.now()) {
		return true
	}
	s.conn.Close(transport.ClosePolicyViolation, "rate limited")
	return false
}

// join begins a conversation, in place of the one there may be.
func (s *socket) join(topic string, m *wire.ClientMessage) error {
	r := s.server.route(topic)
	if r == nil {
		s.server.logger.Warn("roost: a client joined a topic that no handler has", "topic", clip(topic))
		return s.refuse(wire.Value{}, m.Ref, m.Topic, errUnmatched)
	}
	limits := &s.server.limits
	if !s.joins.take(limits.joins, s.server.now()) {
		if !s.forgive() {
			return nil
		}
		return s.refuse(m.JoinRef, m.Ref, m.Topic, errRateLimited(s.joins.wait(limits.joins, s.server.now())))
	}
	c := r.routine.newChannel()
	c.socket, c.route, c.topic, c.ref, c.refless = s, r, topic, m.JoinRef, m.JoinRef.IsNull()
	if c.refless {
		c.ref = m.Ref
	}
	c.running = true // by nobody else until start
	prev, refusal := s.admit(c)
	if refusal != nil {
		return s.refuse(m.JoinRef, m.Ref, m.Topic, refusal)
	}
	if prev != nil {
		prev.replace()
	}
	c.start(&joinRequest{ref: m.Ref, params: clonePayload(m.Payload), prev: prev})
	return nil
}

// admit makes c the conversation on its topic, unless there is a reason
// against it. It returns the one that was there.
func (s *socket) admit(c *conversation) (prev *conversation, refusal *Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	limit := s.server.limits.channels
	prev = s.topics.get(c.topic)
	switch {
	case len(c.topic) > maxTopic:
		return nil, errTopicTooLong
	case s.draining || s.closed:
		return nil, errShuttingDown
	case prev == nil && s.topics.len()-int(s.leaving.Load()) >= limit, int(s.unfinished) >= 2*limit+1:
		// The second: joining the same topics again and again must not pile
		// up callbacks that do not return.
		return nil, errTooMany
	}
	s.topics.put(c)
	s.unfinished++
	return prev, nil
}

// dispatch takes a message that is not a join to its conversation.
func (s *socket) dispatch(topic string, m *wire.ClientMessage) error {
	s.mu.Lock()
	c := s.topics.get(topic)
	s.mu.Unlock()
	if c != nil {
		if !m.JoinRef.IsNull() && m.JoinRef != c.joinRef() {
			return nil // of an earlier join of the topic: dropped in silence, as by Phoenix
		}
		letter := mail{kind: mailPush, ref: m.Ref, event: m.Event, payload: clonePayload(m.Payload), mark: m.Mark}
		if m.Event == wire.EventLeave {
			letter = mail{kind: mailLeave, ref: m.Ref}
		}
		switch c.post(letter) {
		case postedWell:
			return nil
		case postedInVain:
			return c.busy(m.Ref, s.refusal(errBusy, m.Payload, m.Mark))
		}
	}
	if m.Event == wire.EventLeave {
		return s.reply(m.JoinRef, m.Ref, m.Topic, wire.StatusOK, wire.Payload{Data: emptyObject})
	}
	return s.refuse(wire.Value{}, m.Ref, m.Topic, s.refusal(errUnmatched, m.Payload, m.Mark))
}

// refusal is what a push is refused with: one that is marked may be sent again.
func (s *socket) refusal(reason *Error, p wire.Payload, mark string) *Error {
	if s.marks.Load() && isMarked(p, mark) {
		return again(reason)
	}
	return reason
}

// carriesBytes reports whether frames of bytes reach the client.
func (s *socket) carriesBytes() bool { return s.version == wire.V2 && s.conn.CarriesBytes() }

// reply answers a message that no conversation answers.
func (s *socket) reply(joinRef, ref, topic wire.Value, status string, p wire.Payload) error {
	text, _ := topic.Text()
	buf, binary, err := s.version.AppendReply(newBuffer(len(text)+len(p.Data)), joinRef, ref, topic, status, p)
	if err != nil {
		return err
	}
	return s.send(transport.NewFrame(buf, binary))
}

func (s *socket) refuse(joinRef, ref, topic wire.Value, reason *Error) error {
	text, _ := topic.Text()
	return s.reply(joinRef, ref, topic, wire.StatusError, s.server.encodeError(reason, text))
}

// refuseAll answers the pushes that a conversation ended without handling.
func (s *socket) refuseAll(topic string, undone []mail) {
	for i := range undone {
		if m := &undone[i]; m.kind == mailPush {
			_ = s.refuse(wire.Value{}, m.ref, wire.String(topic), s.refusal(errUnmatched, m.payload, m.mark))
		}
	}
}

// Prepare mutes a socket that is about to be disconnected: it would hear of the
// others of its id leaving.
func (s *socket) Prepare(c pubsub.Command) {
	if c.Kind == pubsub.KindDisconnect {
		s.muted.Store(true)
	}
}

// send hands a frame over. It fails only with transport.ErrUnsayable.
func (s *socket) send(f *transport.Frame) error {
	if s.muted.Load() {
		return nil
	}
	return s.conn.Send(f)
}

// sendBurst hands frames over together. It fails as send does.
func (s *socket) sendBurst(b *transport.Burst) error {
	if s.muted.Load() {
		return nil
	}
	return s.conn.SendBurst(b)
}

// remove forgets a conversation that has ended.
func (s *socket) remove(c *conversation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.topics.remove(c)
	s.leaving.Add(-1)
}

// finished is called once for each conversation, when no callback of it runs
// any more.
func (s *socket) finished() {
	s.mu.Lock()
	s.unfinished--
	drained := s.draining && s.unfinished == 0
	s.mu.Unlock()
	if drained {
		s.closeForRestart()
	}
}

// closeForRestart closes the socket of a server that shuts down. Its client is
// told when to come back.
func (s *socket) closeForRestart() {
	s.conn.Close(transport.CloseRestart, transport.WithRetryAfter("server shuts down", s.server.turn()))
}

// Command takes an order that was given to the socket's id.
func (s *socket) Command(c pubsub.Command) {
	switch c.Kind {
	case pubsub.KindDisconnect:
		s.disconnect()
	case pubsub.KindKick:
		s.mu.Lock()
		conversation := s.topics.get(c.Topic)
		s.mu.Unlock()
		if conversation != nil {
			conversation.kick(c.Reason)
		}
	}
}

// kick ends the conversation at once; one that still joins, once it has.
func (c *conversation) kick(reason string) {
	// Valid, so that it can be encoded: it may come from anywhere.
	p, _ := encodePayload(map[string]string{"reason": strings.ToValidUTF8(reason, "\uFFFD")})
	c.conclude(Kicked, c.closeFrame(p.Data))
}

func (s *socket) disconnect() {
	s.endAll(Closed)
	s.conn.Close(transport.CloseGoingAway, "disconnected")
}

// Closed is called by the transport when the connection has ended.
func (s *socket) Closed(err error) {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	if s.registration != nil {
		s.registration.Unregister()
	}
	s.endAll(Closed)
	s.server.closed(s, err)
}

func (s *socket) endAll(why Reason) {
	for _, c := range s.conversations() {
		c.end(why)
	}
}

func (s *socket) conversations() []*conversation {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(s.topics.all())
}

// refuseJoins is the first step of draining. A socket whose last conversation
// ends from now on closes without waiting for its turn.
func (s *socket) refuseJoins() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draining = true
}

// drain lets every conversation finish what it has, then closes the socket.
func (s *socket) drain() {
	s.mu.Lock()
	s.draining = true
	idle := s.unfinished == 0
	s.mu.Unlock()
	if idle {
		s.closeForRestart()
		return
	}
	for _, c := range s.conversations() {
		c.post(mail{kind: mailDrain})
	}
}

func (s *socket) info() SocketInfo {
	return SocketInfo{ID: s.id, Transport: s.transport, Version: s.version.String()}
}

// accept negotiates and runs the connect callback (spec/protocol.md §2, §3).
// A panic in it is the server's fault, not the client's.
func (server *Server[A]) accept(r *http.Request, h transport.Hello) (open func(transport.Conn) transport.Session, err error) {
	if refused := server.core.full(); refused != nil {
		return nil, refused
	}
	defer func() {
		if p := recover(); p != nil {
			server.core.logConnectPanic(p)
			open, err = nil, &transport.Refused{Reason: errors.New("roost: connect panicked"), Status: http.StatusInternalServerError}
		}
	}()
	start := time.Now()
	request, version, err := server.newConnectRequest(r, h)
	if err != nil {
		return nil, err
	}
	assigns, err := server.connect(r.Context(), request)
	server.core.logConnect(request, time.Since(start), err)
	if err != nil {
		return nil, &transport.Refused{Reason: err}
	}
	user := &Socket[A]{Assigns: assigns}
	s := &user.s
	s.server, s.version, s.transport, s.user = &server.core, version, h.Transport, user
	if server.id != nil {
		s.id = server.id(assigns)
	}
	return s.open, nil
}

// clip bounds what a client chose before it is logged.
func clip(s string) string {
	const most = 100
	if len(s) > most {
		return s[:most] + "..."
	}
	return s
}
