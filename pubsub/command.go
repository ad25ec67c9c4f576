package pubsub

import (
	"context"
	"errors"
	"sync"
)

// Commanded is what a socket with an id is to PubSub: it takes commands that
// were given to its id, on any node.
type Commanded interface {
	// Prepare is called for all sockets of the id before Command is for any:
	// what comes of a command at one must not reach another that has yet to
	// obey. It must not block.
	Prepare(c Command)

	// Command takes a command. It must not block.
	Command(c Command)
}

// Command is an order to all sockets of one id.
type Command struct {
	Kind   Kind // KindDisconnect or KindKick
	ID     string
	Topic  string // of a kick
	Reason string // of a kick; the client sees it
}

// Registration is one socket's being known under its id.
type Registration struct {
	ps     *PubSub
	member member[Commanded]
}

// Register makes c take the commands given to id. Several may share an id:
// the sessions of one user. It does not block.
func (ps *PubSub) Register(id string, c Commanded) *Registration {
	r := &Registration{ps: ps, member: member[Commanded]{receiver: c}}
	ps.ids.add(id, &r.member)
	return r
}

// Unregister ends the registration; ending it again does nothing.
func (r *Registration) Unregister() { r.ps.ids.remove(&r.member) }

// Disconnect closes all sockets with this id, on all nodes. Their clients may
// come back: refuse them in the connect callback if they should not.
// Sockets on this node are closing when it returns; an error says that other
// nodes may not have been told.
func (ps *PubSub) Disconnect(ctx context.Context, id string) error {
	return ps.send(ctx, Command{Kind: KindDisconnect, ID: id})
}

// Kick ends the conversations on topic of all sockets with this id, on all
// nodes. Their clients see phx_close with the reason and do not rejoin by
// themselves; the sockets and their other conversations go on. Errors are as
// for [PubSub.Disconnect].
func (ps *PubSub) Kick(ctx context.Context, id, topic, reason string) error {
	return ps.send(ctx, Command{Kind: KindKick, ID: id, Topic: topic, Reason: reason})
}

func (ps *PubSub) send(ctx context.Context, c Command) error {
	if c.ID == "" {
		return errors.New("pubsub: a command needs the id of a socket")
	}
	ps.command(c)
	if ps.adapter == nil {
		return nil
	}
	return ps.adapter.Publish(ctx, &Envelope{
		Subject: idSubject(c.ID),
		Kind:    c.Kind,
		Topic:   c.Topic,
		ID:      c.ID,
		Reason:  c.Reason,
	})
}

func (ps *PubSub) command(c Command) {
	sockets := ps.ids.snapshot(c.ID, nil)
	for _, m := range sockets {
		m.receiver.Prepare(c)
	}
	for _, m := range sockets {
		m.receiver.Command(c)
	}
}

// buckets makes one interest of the ids that share a subject.
type buckets struct {
	interest func(subject string, wanted bool)

	mu     sync.Mutex     // guards counts, and the order of interests
	counts map[string]int // ids on this node, by subject
}

func (b *buckets) want(id string, wanted bool) {
	subject := idSubject(id)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.counts == nil {
		b.counts = make(map[string]int)
	}
	if !wanted {
		b.counts[subject]--
		if b.counts[subject] == 0 {
			delete(b.counts, subject)
			b.interest(subject, false)
		}
		return
	}
	b.counts[subject]++
	if b.counts[subject] == 1 {
		b.interest(subject, true)
	}
}
