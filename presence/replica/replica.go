package replica

// NodeID names one incarnation of a node: random, and another one after every
// restart.
type NodeID string

// Entry is one presence: a meta of one session under a key.
type Entry struct {
	// Ref is unique in the cluster, for ever: an update has another one.
	Ref string

	// PrevRef is the ref that an update took the place of; empty if there was
	// none that clients knew.
	PrevRef string

	Key string

	// Meta is the encoded meta, which the replica does not look into. It is
	// shared: read only.
	Meta []byte
}

// Options configures a [Replica]. The zero value has all defaults.
type Options struct {
	// MaxMessage bounds the payload of one message, in bytes; what is larger
	// is split. A single entry that is larger travels alone, whatever its
	// size. 0: 256 KiB.
	MaxMessage int

	// MaxTombstones bounds how many topics without an own presence any more
	// are remembered for peers that have not heard of it. A peer that is
	// further behind starts anew, which costs it more but loses nothing.
	// 0: 65,536.
	MaxTombstones int
}

const (
	defaultMaxMessage    = 256 << 10
	defaultMaxTombstones = 1 << 16
)

// Replica is one node's part of the cluster's presence. Make one with [New].
//
// No method blocks, and none may be called while another one runs: whoever
// owns the replica serializes calls. What a call causes is gathered until
// [Replica.Take].
type Replica struct {
	self NodeID
	opts Options
}

// New makes the replica of the incarnation self, which must never have had
// another one. opts may be nil.
func New(self NodeID, opts *Options) *Replica {
	r := &Replica{self: self}
	if opts != nil {
		r.opts = *opts
	}
	if r.opts.MaxMessage <= 0 {
		r.opts.MaxMessage = defaultMaxMessage
	}
	if r.opts.MaxTombstones <= 0 {
		r.opts.MaxTombstones = defaultMaxTombstones
	}
	return r
}

// Add makes an own presence, behind the others on the topic. It does nothing
// if there is one with its Ref.
func (r *Replica) Add(topic string, e Entry) {}

// Replace puts e in the place of the own presence with the ref old. If there
// is none it adds e.
func (r *Replica) Replace(topic, old string, e Entry) {}

// Remove ends an own presence. It does nothing if there is none with ref.
func (r *Replica) Remove(topic, ref string) {}

// Want makes the node hold what others have on the topic, and asks them for
// it. Whoever calls it has subscribed to the topic's watchers subject before,
// so that no delta falls between the snapshots and the subscription. It does
// nothing if the topic is wanted already.
func (r *Replica) Want(topic string) {}

// Unwant drops all that is held of the topic. It reports no leaves: nothing
// is told of a topic that is not wanted, and what was not taken yet of it
// never will be.
func (r *Replica) Unwant(topic string) {}

// Up tells that a node is there, and has its presences pulled at once. It may
// be called again at any time. What comes from a node that is not up is
// answered, but not applied.
func (r *Replica) Up(node NodeID) {}

// Down tells that a node is gone: what was held of it leaves.
func (r *Replica) Down(node NodeID) {}

// Tick asks every node that is up what it changed, and again for what did not
// come. It is called once per digest period, about every second, and may be
// called in between, for example when the engine is back after a failure. A
// loss is repaired one round trip after the next tick.
func (r *Replica) Tick() {}

// Receive takes a message that was sent by the replica of from. payload is not
// kept. An error says that it is malformed; then nothing has changed. Messages
// of a kind that only newer releases know are ignored.
func (r *Replica) Receive(from NodeID, payload []byte) error { return nil }

// Take returns what the calls since the last Take caused. It is called after
// every call or after several, as its owner likes: what is gathered meanwhile
// goes in fewer messages.
func (r *Replica) Take() Output { return Output{} }

// Output is what the owner of a replica has to do: in the order of the
// fields.
type Output struct {
	// Changes of what other nodes have on wanted topics, in order.
	Changes []Change

	// Owned are topics that now have own presences: subscribe to their owners
	// subject before the messages are sent. Disowned are those that have none
	// any more.
	Owned, Disowned []string

	// Messages to send, in order if the engine can.
	Messages []Message
}

// Empty reports whether there is nothing to do.
func (o *Output) Empty() bool {
	return len(o.Changes)+len(o.Owned)+len(o.Disowned)+len(o.Messages) == 0
}

// Message is to be sent to others, which pass it to [Replica.Receive]. One
// that comes back to its sender is ignored there.
type Message struct {
	To      Target
	Topic   string // for Watchers and Owners
	Node    NodeID // for ToNode
	Payload []byte
}

// Target says whom a [Message] is for.
type Target uint8

// Where messages go.
const (
	Watchers Target = iota + 1 // all nodes that want the topic
	Owners                     // all nodes with own presences on the topic
	ToNode                     // one node
)

// Change is what one message, or the end of a node, changed in what is held of
// one node on one topic. Applied in any order of its fields, it leads from
// what was held to what is held: no Ref is in it twice.
type Change struct {
	Topic    string
	Node     NodeID
	Joins    []Entry // in the order in which they are on the topic
	Leaves   []Entry
	Replaced []Replacement
}

// Replacement is an entry that took another one's place.
type Replacement struct {
	Old, New Entry
}
