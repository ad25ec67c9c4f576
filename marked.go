package roost

import (
	"context"
	"encoding/json/v2"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/roost-dev/roost/internal/cluster"
	"github.com/roost-dev/roost/internal/ledger"
	"github.com/roost-dev/roost/wire"
)

// How pushes that a client marks take effect once, however often they are sent
// (spec/protocol.md §21).

// markedPushes is what a server knows of them.
type markedPushes struct {
	ledger  *ledger.Ledger
	bounds  ledger.Bounds
	cluster *cluster.Cluster // nil if there are no other nodes
	address string           // begins the names of the sessions that are here
	service string           // by which other nodes ask

	ctx    context.Context // of callbacks, and of what is asked of other nodes
	cancel context.CancelFunc
	asking sync.WaitGroup
}

func newMarkedPushes(p *peers, opts MarkedPushes) *markedPushes {
	if opts.Off {
		return nil
	}
	mustNotBeOff("MarkedPushes.For", opts.For)
	mustNotBeOff("MarkedPushes.PerSession", opts.PerSession)
	mustNotBeOff("MarkedPushes.SessionBytes", opts.SessionBytes)
	mustNotBeOff("MarkedPushes.Sessions", opts.Sessions)
	mustNotBeOff("MarkedPushes.Bytes", opts.Bytes)
	m := &markedPushes{bounds: ledger.Bounds{
		For:       orDefault(opts.For, 10*time.Minute),
		Pushes:    orDefault(opts.PerSession, 1000),
		Bytes:     orDefault(opts.SessionBytes, 256<<10),
		Idle:      orDefault(opts.Sessions, 100_000),
		IdleBytes: orDefault(opts.Bytes, 64<<20),
	}}
	if p != nil {
		m.cluster, m.address, m.service = p.cluster, p.Self()+addressEnd, "marked "+p.name
	}
	m.ledger = ledger.New(m.address, m.bounds)
	m.ctx, m.cancel = context.WithCancel(context.Background())
	if m.cluster != nil {
		m.cluster.Serve(m.service, m.answer)
	}
	return m
}

// abandon ends the contexts of callbacks that still run.
func (m *markedPushes) abandon() {
	if m != nil {
		m.cancel()
	}
}

// close is called when no callback runs any more. Clients that have gone to
// other nodes may still come for their sessions, while the cluster is there.
func (m *markedPushes) close() {
	if m == nil {
		return
	}
	m.cancel()
	m.asking.Wait()
	if m.cluster == nil {
		m.ledger.Close()
		return
	}
	time.AfterFunc(m.bounds.For, func() {
		m.cluster.Unserve(m.service)
		m.ledger.Close()
	})
}

// markedRequest is what a client puts into its join params under
// [wire.KeyMarked].
type markedRequest struct {
	Session string `json:"session"`
}

// markedReply is what it gets in the join reply, under the same key.
type markedReply struct {
	Session string `json:"session"`
	Kept    *bool  `json:"kept,omitzero"`
}

// takeMarked takes out of the join params that a client is going to mark
// pushes. It returns nil if not, or if the server has that off.
func (m *markedPushes) takeMarked(params wire.Payload) (*markedRequest, wire.Payload) {
	asked, rest, ok := params.Cut(wire.KeyMarked)
	if !ok || m == nil {
		return nil, rest
	}
	request := &markedRequest{}
	if json.Unmarshal(asked, request) != nil {
		request.Session = "" // true, or what nobody understands: a new session
	}
	return request, rest
}

// openSession gets the session that the client had, or a new one. It comes
// before the join callback and may wait for another node.
func (c *conversation) openSession(ctx context.Context, j *joinRequest) {
	if j.marked == nil {
		return
	}
	m := c.socket.server.marked
	s := m.resume(ctx, j.marked.Session, c.socket.id, c.topic)
	kept := s != nil
	if !kept {
		s = m.ledger.Open(c.socket.id, c.topic)
	}
	told := markedReply{Session: s.Name()}
	if j.marked.Session != "" {
		told.Kept = &kept
	}
	j.session = told
	c.mu.Lock()
	gone := c.phase == ended
	if !gone {
		c.attached().session = s
	}
	c.mu.Unlock()
	if gone {
		s.Release()
		return
	}
	c.socket.marks.Store(true)
}

// withSession adds to a join reply the session that the client's marks are of.
// If there is no room for it, the client learns that by its absence.
func (c *conversation) withSession(j *joinRequest, reply wire.Payload) (wire.Payload, error) {
	if j.session.Session == "" {
		return reply, nil
	}
	member, err := json.Marshal(j.session)
	if err != nil {
		return reply, err
	}
	reply, ok := reply.With(wire.KeyMarked, member)
	if !ok {
		c.logger().Warn("roost: a client cannot mark pushes: the join reply is no JSON object", "topic", c.topic)
	}
	return reply, nil
}

// mark is what a client adds to a push.
type mark struct {
	ID   uint64 `json:"id"`
	Done uint64 `json:"done"`
}

const maxMark = 1<<53 - 1 // what any client can count to

// takeMark takes the mark out of a push. There may be none.
func takeMark(m *mail) (mk *mark, err error) {
	data := []byte(m.mark)
	if m.mark == "" {
		value, rest, ok := m.payload.Cut(wire.KeyMarked)
		if !ok {
			return nil, nil
		}
		data, m.payload = value, rest
	}
	mk = &mark{}
	if err := json.Unmarshal(data, mk); err != nil {
		return nil, invalidMark("must be an object with the members id and done")
	}
	if mk.ID == 0 || mk.ID > maxMark || mk.Done >= mk.ID {
		return nil, invalidMark("id must be a positive integer below 2^53, and done less than that")
	}
	return mk, nil
}

func invalidMark(problem string) *Error { return Invalid(wire.KeyMarked, problem) }

// isMarked reports whether a push has a mark, whatever it is.
func isMarked(p wire.Payload, mark string) bool {
	if mark != "" {
		return true
	}
	_, _, ok := p.Cut(wire.KeyMarked)
	return ok
}

// again is a refusal of a push that was not handled: marked, it may be sent
// again.
func again(reason *Error) *Error {
	return &Error{Reason: reason.Reason, Details: map[string]any{wire.KeyMarked: "again"}, RetryAfter: reason.RetryAfter}
}

// begin looks at the mark of a push. It reports false if it is not to be
// handled: it was before, or is being. marked is nil for one without a mark.
func (c *conversation) begin(m *mail) (marked *ledger.Push, ok bool) {
	c.mu.Lock()
	var s *ledger.Session
	if c.more != nil {
		s = c.more.session // which is there when the conversation has ended, too
	}
	c.mu.Unlock()
	if s == nil && m.mark == "" {
		return nil, true // a member of this name is the application's
	}
	mk, err := takeMark(m)
	if s == nil {
		err = invalidMark("the join asked for no session")
	}
	if err != nil {
		_ = (&answer{c: c, ref: m.ref, event: m.event}).fail(err)
		return nil, false
	}
	if mk == nil {
		return nil, true
	}
	ref := m.ref
	marked, verdict := s.Begin(mk.ID, mk.Done, func(r ledger.Reply) { c.repeat(ref, r) })
	switch verdict {
	case ledger.Run:
		return marked, true
	case ledger.Refused:
		_ = c.reply(ref, wire.StatusError, c.socket.server.encodeError(again(errBusy), c.topic))
	case ledger.Gone:
		// By a join that came late: its client had given it up. It rejoins.
		if c.conclude(Errored, c.errorFrame()) {
			c.logger().Info("roost: a conversation ended: its session of marked pushes has moved", "topic", c.topic)
		}
	}
	return nil, false
}

// repeat gives a reply that was given before. One that this connection cannot
// carry must not end the conversation again and again.
func (c *conversation) repeat(ref wire.Value, r ledger.Reply) {
	p := wire.Payload{Data: r.Data, Binary: r.Binary}
	if p.Binary && !c.socket.carriesBytes() {
		c.logger().Error("roost: a reply is bytes, which the connection cannot carry", "topic", c.topic, "transport", c.socket.transport)
		r.Status, p = wire.StatusError, c.socket.server.encodeError(errInternal, c.topic)
	}
	_ = c.reply(ref, r.Status, p)
}

// handleMarked handles a push that must take effect once. A callback that
// panics, or ends its goroutine, has had its effect.
func (c *conversation) handleMarked(m mail, marked *ledger.Push) (err error) {
	err = errCrashed
	defer func() {
		if errors.Is(err, errCrashed) {
			p := c.socket.server.encodeError(&Error{Reason: "crashed"}, c.topic)
			marked.Finish(ledger.Reply{Status: wire.StatusError, Data: p.Data})
		}
	}()
	ctx, cancel := c.socket.server.marked.context()
	defer cancel()
	err = c.call(ctx, m, marked)
	return err
}

// context is that of a callback whose push was marked: it does not end with the
// conversation, since the client comes back for the reply.
func (m *markedPushes) context() (context.Context, context.CancelFunc) {
	return context.WithTimeout(m.ctx, m.bounds.For)
}

// Sessions on other nodes. A name is NODE-SERVER_RANDOM, or RANDOM alone.

const (
	// addressEnd ends the part of a session's name that tells where it is.
	addressEnd = "_"

	// maxSessionName bounds what a client may say.
	maxSessionName = 200

	// maxMoves is how often a session that has moved is followed.
	maxMoves = 16
)

// sessionCall asks another node for a session, or for the reply of a push that
// was being handled there when it gave the session up.
type sessionCall struct {
	Name  string `json:"name"`
	Owner string `json:"owner,omitzero"`
	Topic string `json:"topic,omitzero"`
	To    string `json:"to,omitzero"`
	Await uint64 `json:"await,omitzero"`
}

// resume returns the session of this name, from wherever it is; nil if nobody
// knows it.
func (m *markedPushes) resume(ctx context.Context, name, owner, topic string) *ledger.Session {
	for range maxMoves {
		if name == "" || len(name) > maxSessionName {
			return nil
		}
		if m.isHere(name) {
			s, movedTo := m.ledger.Find(ctx, name, owner, topic)
			if s != nil {
				return s
			}
			name = movedTo
			continue
		}
		s, movedTo := m.fetch(name, owner, topic)
		if s != nil {
			return s
		}
		name = movedTo
	}
	return nil
}

func (m *markedPushes) isHere(name string) bool {
	return m.cluster == nil || strings.HasPrefix(name, m.address)
}

// moveTimeout is how long another node has to give a session up.
const moveTimeout = 5 * time.Second

// fetch has a session move here from the node that its name tells. Once it has
// begun to move it must arrive, even if the client that asked is gone.
func (m *markedPushes) fetch(name, owner, topic string) (s *ledger.Session, movedTo string) {
	ctx, cancel := context.WithTimeout(m.ctx, moveTimeout)
	defer cancel()
	s = m.ledger.Expect(owner, topic)
	var st ledger.State
	err := m.ask(ctx, sessionCall{Name: name, Owner: owner, Topic: topic, To: s.Name()}, &st)
	if err != nil || st.MovedTo != "" {
		s.Miss()
		return nil, st.MovedTo
	}
	for number, push := range s.Arrive(st) {
		m.asking.Go(func() { m.await(name, number, push) })
	}
	return s, ""
}

// await gets the reply of a push that another node is handling.
func (m *markedPushes) await(name string, number uint64, push *ledger.Push) {
	ctx, cancel := m.context()
	defer cancel()
	var r ledger.Reply
	if err := m.ask(ctx, sessionCall{Name: name, Await: number}, &r); err != nil {
		push.Lose() // the node is gone, and what it did nobody knows
		return
	}
	push.Finish(r)
}

// ask calls the node that a session's name tells.
func (m *markedPushes) ask(ctx context.Context, call sessionCall, answer any) error {
	address, _, _ := strings.Cut(call.Name, addressEnd)
	node, server, ok := strings.Cut(address, "-")
	if !ok {
		return ledger.ErrNoSession
	}
	if node == string(m.cluster.Self().ID) {
		return fmt.Errorf("%w: it was another server on this node", ledger.ErrNoSession)
	}
	request, err := json.Marshal(call)
	if err != nil {
		return err
	}
	body, err := m.cluster.Call(ctx, cluster.ID(node), "marked "+server, request)
	if err != nil {
		return err
	}
	return json.Unmarshal(body, answer)
}

// answer is what another node gets that asks.
func (m *markedPushes) answer(ctx context.Context, _ cluster.ID, request []byte) ([]byte, error) {
	var call sessionCall
	if err := json.Unmarshal(request, &call); err != nil {
		return nil, err
	}
	if call.Await > 0 {
		r, err := m.ledger.Await(ctx, call.Name, call.Await)
		if err != nil {
			return nil, err
		}
		return json.Marshal(r)
	}
	st, err := m.ledger.Take(ctx, call.Name, call.Owner, call.Topic, call.To)
	if err != nil {
		return nil, err
	}
	return json.Marshal(st)
}
