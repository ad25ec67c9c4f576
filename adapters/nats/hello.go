package nats

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// hello is what a node tells all others of itself from time to time, as JSON.
type hello struct {
	ID      string            `json:"id"`      // of its server
	Address string            `json:"address"` // where to reach it; without a host: where it comes from
	Peers   map[string]string `json:"peers"`   // addresses of those it is connected to, by id
}

// maxHello bounds a hello, in bytes: enough for thousands of nodes.
const maxHello = 1 << 20

// talk has the node hear what others say to it. It is called before anything
// is sent over the connection.
func (m *mesh) talk(nc *nats.Conn) error {
	for subject, handler := range map[string]nats.MsgHandler{
		"hello":          m.takeHello,
		"ask":            m.takeAsk,
		"answer-" + m.id: m.takeAnswer,
	} {
		if _, err := nc.Subscribe(m.link.names.own(subject), handler); err != nil {
			return err
		}
	}
	return nil
}

func (m *mesh) takeHello(msg *nats.Msg) {
	var h hello
	if len(msg.Data) > maxHello || json.Unmarshal(msg.Data, &h) != nil {
		m.link.report("nats: a hello that is not understood")
		return
	}
	select {
	case m.hellos <- h:
	case <-m.link.ctx.Done():
	}
}

// hear takes a hello, if it is of a node that is connected.
func (m *mesh) hear(h hello, now time.Time) {
	n := m.nodes[h.ID]
	if n == nil || !n.connected {
		return // says it again
	}
	before := n.address()
	n.hello, n.heard = h, now
	if n.address() != before { // others may not know it yet
		m.greetBy(now.Add(newsDelay))
	}
}

// greetBy has the next hello said by then.
func (m *mesh) greetBy(t time.Time) {
	if t.Before(m.helloDue) {
		m.helloDue = t
	}
}

// greet says hello to all if it is time to.
func (m *mesh) greet(now time.Time) {
	nc := m.link.connection()
	if now.Before(m.helloDue) || nc == nil {
		return
	}
	m.helloDue = now.Add(helloPeriod)
	h := hello{ID: m.id, Address: m.address, Peers: make(map[string]string)}
	for id, n := range m.nodes {
		if address := n.address(); n.connected && address != "" {
			h.Peers[id] = address
		}
	}
	data, err := json.Marshal(h)
	if err == nil {
		err = nc.Publish(m.link.names.own("hello"), data)
	}
	if err != nil && m.link.ctx.Err() == nil {
		m.link.report("nats: no hello was said", "error", err)
	}
}

// address is where others can reach a node, if it has said so.
func (n *node) address() string {
	host, port, err := net.SplitHostPort(n.hello.Address)
	if err != nil {
		return ""
	}
	if host == "" {
		host = n.ip
	}
	return net.JoinHostPort(host, port)
}

// reachable is what a listening address is to others.
func reachable(a *net.TCPAddr) string {
	if a.IP.IsUnspecified() {
		return net.JoinHostPort("", strconv.Itoa(a.Port))
	}
	return a.String()
}

// ask is one question to all nodes whether they have got what was said to
// them before.
type ask struct {
	waiting map[string]bool // ids of those that have not answered
	done    chan struct{}   // closed when all have
}

// answered takes an answer. The caller holds the mesh's mu.
func (a *ask) answered(id string) {
	if !a.waiting[id] {
		return
	}
	delete(a.waiting, id)
	if len(a.waiting) == 0 {
		close(a.done)
	}
}

// Times of asking.
const (
	// settlePace is the time for each node that is let pass between exchanges
	// with many of them, so that they are not kept busy by answering.
	settlePace = 100 * time.Microsecond

	// askAgain is after how long a node is asked again; one that has just
	// connected may not listen yet.
	askAgain = 100 * time.Millisecond
)

// settle waits until all nodes know what this node wants: their answers come
// over the connections on which they were told.
func (m *mesh) settle(ctx context.Context) error {
	if err := m.pace(ctx); err != nil {
		return err
	}
	a := &ask{waiting: m.routes(), done: make(chan struct{})}
	nodes := len(a.waiting)
	if nodes == 0 {
		return nil
	}
	m.mu.Lock()
	m.lastAsk++
	number := m.lastAsk
	m.nextAsk = time.Now().Add(time.Duration(nodes) * settlePace)
	m.asking[number] = a
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.asking, number)
	}()
	again := time.NewTicker(askAgain)
	defer again.Stop()
	nc, question := m.link.connection(), strconv.AppendUint(nil, number, 10)
	for {
		if err := nc.PublishRequest(m.link.names.own("ask"), m.link.names.own("answer-"+m.id), question); err != nil {
			return err
		}
		select {
		case <-a.done:
			return nil
		case <-again.C:
			m.excuse(a)
		case <-ctx.Done():
			return fmt.Errorf("not all nodes have answered: %w", context.Cause(ctx))
		}
	}
}

// pace waits until it is time to ask, if that is worth a timer.
func (m *mesh) pace(ctx context.Context) error {
	m.mu.Lock()
	d := time.Until(m.nextAsk)
	m.mu.Unlock()
	if d < time.Millisecond {
		return nil
	}
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// excuse takes no answer for one of nodes that are not connected any more.
func (m *mesh) excuse(a *ask) {
	there := m.routes()
	m.mu.Lock()
	defer m.mu.Unlock()
	for id := range a.waiting {
		if !there[id] {
			a.answered(id)
		}
	}
}

// routes returns the servers that this one is connected to, by id.
func (m *mesh) routes() map[string]bool {
	ids := make(map[string]bool)
	if routes, err := m.server.Routez(nil); err == nil { // it never fails
		for _, r := range routes.Routes {
			ids[r.RemoteID] = true
		}
	}
	return ids
}

// takeAsk answers.
func (m *mesh) takeAsk(msg *nats.Msg) {
	if err := msg.Respond(fmt.Appendf(nil, "%s %s", msg.Data, m.id)); err != nil && m.link.ctx.Err() == nil {
		m.link.report("nats: another node was not answered", "error", err)
	}
}

func (m *mesh) takeAnswer(msg *nats.Msg) {
	digits, id, _ := strings.Cut(string(msg.Data), " ")
	number, err := strconv.ParseUint(digits, 10, 64)
	if err != nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if a := m.asking[number]; a != nil {
		a.answered(id)
	}
}
