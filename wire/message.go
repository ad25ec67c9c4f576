// Package wire turns bytes into messages and back: the versions 1 and 2 of
// the protocol in text, and version 2 in binary (spec/protocol.md §5–§7). It
// starts no goroutine, keeps no state and knows no connection.
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

// Payload is the data of a message: JSON text, or bytes that are the
// application's own.
type Payload struct {
	Data   []byte
	Binary bool
}

// ClientMessage is a message from a client to a server.
type ClientMessage struct {
	JoinRef Value // null, or the identity of one join of the topic
	Ref     Value // null, or what the reply must carry
	Topic   Value // a string but for broken clients
	Event   string // empty if the client sent something else than a string
	Payload Payload // shares memory with the decoded frame
}

// ServerMessage is a message from a server to a client. A reply has the event
// phx_reply and a Status; its Payload is the response.
type ServerMessage struct {
	JoinRef Value
	Ref     Value
	Topic   Value
	Event   string
	Status  string
	Payload Payload // shares memory with the decoded frame
}
