package roost

import (
	"runtime/debug"
	"time"
)

// Trace is called at what happens in a server. Any func may be nil. They are
// called from many goroutines at once and must not block. A panic in one is
// logged, and harms nobody.
type Trace struct {
	Opened    func(SocketInfo)    // a socket stands
	Closed    func(ClosedInfo)    // a socket is gone
	Slow      func(SocketInfo)    // a socket was closed because its client did not read; Closed follows
	Joined    func(JoinedInfo)    // a join was answered
	HandledIn func(HandledInInfo) // a client's event was handled
	Ended     func(EndedInfo)     // a conversation ended
	Malformed func(MalformedInfo) // a client sent what is no message
}

// traced calls a func of Trace, from wherever something happened: a panic in
// it is not to be that goroutine's.
func (server *core) traced(name string, f func()) {
	defer func() {
		if p := recover(); p != nil {
			server.logger.Error("roost: a callback panicked", "callback", "Trace."+name, "panic", p, "stack", string(debug.Stack()))
		}
	}()
	f()
}

// SocketInfo tells which socket something happened to.
type SocketInfo struct {
	ID        string // as Options.ID gave it
	Transport string
	Version   string
}

// ClosedInfo is given to Trace.Closed. Err is nil after a close in good order.
type ClosedInfo struct {
	Socket SocketInfo
	Err    error
}

// JoinedInfo is given to Trace.Joined. Err is nil if the join was accepted.
type JoinedInfo struct {
	Socket   SocketInfo
	Topic    string
	Duration time.Duration // of the join callback
	Err      error
}

// HandledInInfo is given to Trace.HandledIn.
type HandledInInfo struct {
	Socket   SocketInfo
	Topic    string
	Event    string
	Duration time.Duration // of the callback
	Err      error
}

// EndedInfo is given to Trace.Ended.
type EndedInfo struct {
	Socket SocketInfo
	Topic  string
	Reason Reason
}

// MalformedInfo is given to Trace.Malformed. Err says what was wrong.
type MalformedInfo struct {
	Socket SocketInfo
	Err    error
}
