// Package transport is the contract between a socket and the connection that
// carries it. A transport accepts connections, delivers what the client sent
// to a [Session], and writes the frames that the session hands to its [Conn].
//
// The contract is push-style on both sides: nobody parks a goroutine in a
// Read. So a transport may run a goroutine per connection, or an event loop
// for all of them, and the socket cannot tell.
package transport

import "net/http"

// Conn is one client's connection, as the socket sees it. All methods may be
// called from any goroutine and never block: what the peer does not take at
// once waits in a bounded outbox.
type Conn interface {
	// Send queues f behind everything sent before it. On a connection that is
	// closing or closed it does nothing. A connection whose outbox is already
	// over its bound when another frame comes closes itself as slow
	// ([CloseSlow]): what waited is dropped, the client comes back and
	// catches up.
	//
	// It returns [ErrUnsayable] for a frame that this connection has no way
	// to carry (a binary frame over long polling), and nil otherwise.
	Send(f *Frame) error

	// CarriesBytes reports whether Send takes binary frames. Where it does it
	// does for good; a session of long polling may come to.
	CarriesBytes() bool

	// SendBurst sends the frames of b as Send would, one by one, but with one
	// write where the transport has such a thing.
	SendBurst(b *Burst) error

	// Waiting returns how many bytes of what was sent still wait for the
	// client to take them. Whoever sends much of his own accord, and could
	// wait, waits until they are few.
	Waiting() int

	// Close ends the connection in good order: what was sent before it is
	// written first, within a bound. Further calls do nothing. The session's
	// Closed follows, never from within this call.
	Close(code CloseCode, reason string)
}

// Session is the socket, as the transport sees it.
type Session interface {
	// Receive takes one message of the client. The transport calls it from
	// one goroutine at a time, in the order of arrival. data is the
	// session's only during the call. It never blocks and runs no user code.
	//
	// An error says that the message is malformed: it names what was wrong,
	// for the client to read. A WebSocket closes with [CloseInternalError],
	// as Phoenix does; long polling answers 400 and goes on.
	Receive(data []byte, binary bool) error

	// Closed tells the end of the connection, once, after the last Receive
	// has returned. What was sent before may still be on its way. err is nil
	// after a close in good order.
	Closed(err error)
}

// Hello is what a transport learned of a client before the socket's connect
// callback runs.
type Hello struct {
	// Transport is "websocket", "longpoll" or "memory".
	Transport string

	// AuthToken is the token that came by subprotocol or header, decoded;
	// empty if there was none or the mount does not take one.
	AuthToken string
}

// Accept decides on a connect before the connection is made: it negotiates
// the version and runs the user's connect callback, so it may block. The
// returned function is called once the connection stands, with the
// connection to send by; frames may be sent before it returns. If the
// connection fails to be made it is never called.
//
// An error is a refusal, a [*Refused] in the common case.
type Accept func(r *http.Request, h Hello) (open func(Conn) Session, err error)
