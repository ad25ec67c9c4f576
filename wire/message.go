// Package wire turns bytes into messages and back: the versions 1 and 2 of
// the protocol in text, and version 2 in binary (spec/protocol.md §5–§7). It
// starts no goroutine, keeps no state and knows no connection; everything in
// it may be called by any goroutine and never blocks.
//
// It is stricter than Phoenix in one thing: a frame in which an object has the
// same name twice is malformed, since two readers may understand it in two
// ways. It is kinder in another: an empty join_ref or ref of a binary frame is
// null, where Phoenix takes it for the join_ref "" that no channel has.
package wire

// Reserved names (spec/protocol.md §8).
const (
	EventJoin      = "phx_join"
	EventLeave     = "phx_leave"
	EventReply     = "phx_reply"
	EventClose     = "phx_close"
	EventError     = "phx_error"
	EventHeartbeat = "heartbeat"

	TopicHeartbeat = "phoenix"

	StatusOK    = "ok"
	StatusError = "error"
)

// KeyHistory is the member of join params and join replies that is about the
// topic's history, and the event that says nothing but a position
// (spec/protocol.md §20).
const KeyHistory = "_history"

// KeyMarked is the member of join params, join replies and pushes that is about
// pushes that take effect once (spec/protocol.md §21).
const KeyMarked = "_once"

// Payload is the data of a message: JSON text, or bytes that are the
// application's own. A decoded JSON payload is valid JSON, without duplicate
// names and in UTF-8; one to encode is trusted to be.
type Payload struct {
	Data   []byte
	Binary bool
}

// ClientMessage is a message from a client to a server.
type ClientMessage struct {
	JoinRef Value   // null, or the identity of one join of the topic
	Ref     Value   // null, or what the reply must carry
	Topic   Value   // a string but for broken clients
	Event   string  // empty if the client sent something else than a string
	Payload Payload // shares memory with the decoded frame
	Mark    string  // of a push of bytes that must take effect once, else empty: JSON has it inside (spec/protocol.md §21)
}

// ServerMessage is a message from a server to a client. A reply has the event
// phx_reply and a Status, and its Payload is the response. A phx_reply without
// a Status is no reply but a push or a broadcast that an application gave this
// name, and its Payload is as it came.
type ServerMessage struct {
	JoinRef Value
	Ref     Value
	Topic   Value
	Event   string
	Status  string
	Payload Payload // shares memory with the decoded frame
}
