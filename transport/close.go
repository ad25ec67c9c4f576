package transport

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// CloseCode is a WebSocket close code (RFC 6455 §7.4). A transport without
// close codes ends its session in the nearest way it has.
type CloseCode uint16

// The codes that Roost uses. phoenix.js before 1.8.16 comes back after every
// code but 1000 (spec/protocol.md §12), so 1000 is sent only in answer to a
// client's own close, and never for an idle connection or a shutdown.
const (
	CloseNormal          CloseCode = 1000 // the client closed
	CloseGoingAway       CloseCode = 1001 // disconnected by the application, or idle
	CloseProtocolError   CloseCode = 1002 // broke the rules of RFC 6455
	CloseInvalidPayload  CloseCode = 1007 // text that is not UTF-8
	ClosePolicyViolation CloseCode = 1008 // went on past a rate limit
	CloseTooBig          CloseCode = 1009 // a message over the size limit
	CloseInternalError   CloseCode = 1011 // a malformed message, as Phoenix answers it
	CloseRestart         CloseCode = 1012 // the server shuts down; come back
	CloseSlow            CloseCode = 1013 // did not read what it was sent, or one too many; come back
)

// ErrSlow is what a session is told whose connection closed itself because the
// client did not take what it was sent. Transports wrap it.
var ErrSlow = errors.New("transport: the client did not take what it was sent")

// ErrUnsayable is returned by [Conn.Send] for a frame that the connection
// cannot carry.
var ErrUnsayable = errors.New("transport: this connection cannot carry binary messages")

// Refused is the error of an [Accept] that turned a client away.
type Refused struct {
	// Reason is what the connect callback returned, or what was wrong with
	// the request. It is for the server's eyes: clients get a bare 403
	// unless the mount has a handler for refusals.
	Reason error

	// Status, if not 0, is the HTTP status of the answer; the refusal is
	// then not the application's, and no handler for refusals sees it.
	Status int

	// RetryAfter, if positive, is how long the client is to stay away
	// (spec/protocol.md §22). It is told beside a Status.
	RetryAfter time.Duration
}

// Error says why the client was turned away.
func (r *Refused) Error() string {
	if r.Reason == nil {
		return "connect refused"
	}
	return "connect refused: " + r.Reason.Error()
}

// Unwrap returns the reason.
func (r *Refused) Unwrap() error { return r.Reason }

const retryAfterMark = "; retry_after_ms="

// WithRetryAfter returns the reason of a close that also says how long the
// client is to stay away (spec/protocol.md §22); reason itself if wait is not
// positive.
func WithRetryAfter(reason string, wait time.Duration) string {
	if wait <= 0 {
		return reason
	}
	return reason + retryAfterMark + strconv.FormatInt(CeilMilliseconds(wait), 10)
}

// RetryAfter returns how long the reason of a close says that the client is to
// stay away; 0 if it says nothing.
func RetryAfter(reason string) time.Duration {
	const mostDigits = 9
	_, digits, ok := strings.CutLast(reason, retryAfterMark)
	if !ok || len(digits) > mostDigits {
		return 0
	}
	ms, err := strconv.ParseUint(digits, 10, 32)
	if err != nil {
		return 0
	}
	return time.Duration(ms) * time.Millisecond
}

// CeilMilliseconds returns wait in milliseconds, rounded up: who comes back as
// told does not come too early.
func CeilMilliseconds(wait time.Duration) int64 {
	return int64((wait + time.Millisecond - 1) / time.Millisecond)
}

// SetRetryAfter sets the header Retry-After, in whole seconds, rounded up, if
// wait is positive.
func SetRetryAfter(h http.Header, wait time.Duration) {
	if wait > 0 {
		h.Set("Retry-After", strconv.FormatInt(int64((wait+time.Second-1)/time.Second), 10))
	}
}
