package replica

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
