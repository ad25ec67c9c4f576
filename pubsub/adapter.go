package pubsub

import "context"

// Adapter carries messages between nodes. Without one a PubSub is alone in
// its process. Implementations live in modules of their own.
//
// A subject is a name that nodes share: every topic has one, and so has every
// socket id. It may hold any characters, and no two topics or ids share one.
type Adapter interface {
	// Start is called once, before any other method. What arrives from other
	// nodes is given to receive, from one goroutine at a time per subject
	// and in the order in which each node published. It must not be given
	// what this node published itself.
	Start(receive func(*Envelope)) error

	// Interest says that this node wants a subject, or no longer wants it.
	// Calls for one subject come in order, under a lock, so Interest must
	// queue and return, never wait.
	Interest(subject string, wanted bool)

	// Publish sends an envelope to the nodes interested in its subject. It
	// may block until ctx ends. An error means that other nodes may not get
	// it; on this node it was delivered already.
	Publish(ctx context.Context, e *Envelope) error

	// Close stops the adapter, waits for its goroutines until ctx ends, and
	// lets other nodes know if it can. receive is not called after it.
	Close(ctx context.Context) error
}

// Envelope is what travels between nodes: a message, or a command to sockets.
type Envelope struct {
	Subject string // who wants it
	Kind    Kind
	Topic   string // of a message or a kick; the socket id of a disconnect is in ID
	Event   string
	Payload []byte
	Binary  bool
	ID      string // the socket id of a command
	Reason  string // of a kick
}

// Kind tells what an envelope holds.
type Kind uint8

// The kinds of envelope. Numbers are never reused: nodes of two releases talk
// to each other during a rolling update.
const (
	KindMessage    Kind = 1
	KindDisconnect Kind = 2
	KindKick       Kind = 3
)

// Topics and ids share the adapter's one space of subjects, so each is marked.
func topicSubject(topic string) string { return "t:" + topic }
func idSubject(id string) string       { return "i:" + id }
