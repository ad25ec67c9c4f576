package roost

// Reason is why a conversation ended. It is given to OnTerminate.
type Reason uint8

// The reasons.
const (
	Left      Reason = iota + 1 // the client left the topic
	Closed                      // the socket closed, or was disconnected by its id
	Stopped                     // a handler returned Stop(nil)
	Kicked                      // PubSub.Kick
	Duplicate                   // the client joined the topic anew on the same socket
	Drained                     // the server shuts down
	Errored                     // a handler returned Stop(err), an event had no handler, or a queue was full
	Panicked                    // a callback panicked
)

// String returns the reason in lower case: "left".
func (r Reason) String() string {
	names := [...]string{"", "left", "closed", "stopped", "kicked", "duplicate", "drained", "error", "panic"}
	if int(r) < len(names) {
		return names[r]
	}
	return "unknown"
}

// speaks reports whether what OnTerminate pushes still reaches the client,
// behind the final frame as in Phoenix (spec/protocol.md §10).
func (r Reason) speaks() bool { return r == Left || r == Stopped || r == Errored }
