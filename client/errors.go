package client

import (
	"errors"
	"fmt"
	"net/http"
	"time"
)

// ErrClosed is what everything on a socket ends with after [Socket.Close], and
// on a channel after [Channel.Leave].
var ErrClosed = errors.New("client: closed")

// ErrEnded is what a channel ends with that the server closed in good order: it
// does not rejoin.
var ErrEnded = errors.New("client: the server ended the conversation")

// ErrInterrupted is the error of a call that was sent, and of which no reply can
// come any more, because the connection or the conversation was lost. Whether
// the server handled it is not known.
var ErrInterrupted = errors.New("client: interrupted before the reply came")

// ErrOutcomeUnknown is the error of a [Channel.CallOnce] that was sent and of
// which nobody can say whether it took effect: the server has forgotten it, or
// the channel is over.
var ErrOutcomeUnknown = errors.New("client: it is not known whether the push took effect")

// ErrOnceUnsupported is the error of a [Channel.CallOnce] that had no effect,
// because the server takes no marked pushes (spec/protocol.md §21), or answered
// the join with something else than an object. It wraps errors.ErrUnsupported.
var ErrOnceUnsupported = fmt.Errorf("client: the server takes no pushes that are to take effect once: %w", errors.ErrUnsupported)

// ErrOverrun is why a channel left its conversation to join anew: more events
// came than [ChannelOptions].Inbox holds, or more changes of a [Presence] before
// its state.
var ErrOverrun = errors.New("client: the callbacks are too slow: more events came than the inbox holds")

// ErrHeartbeat is why a connection was given up: the server did not answer.
var ErrHeartbeat = errors.New("client: the server does not answer heartbeats")

// CloseError is the end of a connection that the server closed.
type CloseError struct {
	// Code is the code of the WebSocket close frame, 1005 if it had none
	// (spec/protocol.md §12). 1000 asks the client not to come back.
	Code int

	// Reason is what the server added, for people to read.
	Reason string

	// RetryAfter is how long the server asks to be left alone
	// (spec/protocol.md §22), which the socket does, and for a random time
	// longer; 0 if it does not ask.
	RetryAfter time.Duration
}

// Error says who closed and why.
func (e *CloseError) Error() string {
	return fmt.Sprintf("client: the server closed the connection: %d %q", e.Code, e.Reason)
}

// RefusedError is the answer of a server that did not let the client connect.
type RefusedError struct {
	// Status is the status of the HTTP answer: 403 if the server's connect
	// callback refused.
	Status int

	// Header is that of the answer.
	Header http.Header

	// RetryAfter is how long the server asks to be left alone, as its header
	// Retry-After has it in seconds: with status 503, and whoever else has it.
	// A socket does so, and for a random time longer. 0 if it does not ask.
	RetryAfter time.Duration
}

func refused(status int, h http.Header) *RefusedError {
	return &RefusedError{Status: status, Header: h, RetryAfter: retryHeader(h)}
}

// Error names the status.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("client: the server refused the connection: HTTP %d %s", e.Status, http.StatusText(e.Status))
}

// forbidden reports whether other credentials may do better.
func (e *RefusedError) forbidden() bool {
	return e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden
}

// protocolError is a server that breaks a rule. The connection is closed with
// the code.
type protocolError struct {
	code    int
	problem string
}

func (e *protocolError) Error() string { return "client: the server broke the protocol: " + e.problem }

func tooLarge(most int) error {
	return &protocolError{closeTooBig, fmt.Sprintf("a message larger than %d bytes", most)}
}
