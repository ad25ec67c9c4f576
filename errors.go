package roost

import (
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"time"

	"github.com/roost-dev/roost/transport"
	"github.com/roost-dev/roost/wire"
)

// Error is the one kind of error that reaches a client: it becomes the error
// reply {"reason": Reason, ...Details}. Any other error that a callback
// returns is logged, and the client is told reason "internal".
type Error struct {
	// Reason tells the client's code what happened: "unauthorized".
	Reason string

	// Details are further members of the reply. nil adds none.
	Details map[string]any

	// RetryAfter, if positive, tells the client not to try again before: it
	// becomes the member retry_after_ms of the reply, in milliseconds, rounded
	// up (spec/protocol.md §22). Of a join, clients heed it by themselves.
	RetryAfter time.Duration

	// Cause is for the log and for errors.Is; the client never sees it.
	Cause error
}

// Error returns the reason and the cause.
func (e *Error) Error() string {
	switch {
	case e == nil: // var e *Error; return e: an error that is not nil, around a nil pointer
		return "roost: a nil *Error was returned as an error"
	case e.Cause == nil:
		return e.Reason
	}
	return e.Reason + ": " + e.Cause.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error {
	if e == nil {
		return nil
	}
	return e.Cause
}

func (e *Error) response() map[string]any {
	response := make(map[string]any, len(e.Details)+2)
	maps.Copy(response, e.Details)
	if e.RetryAfter > 0 {
		response["retry_after_ms"] = transport.CeilMilliseconds(e.RetryAfter)
	}
	response["reason"] = e.Reason
	return response
}

// Invalid is the error of a payload whose field has a problem: {"reason":
// "invalid payload", "field": field, "error": problem}. A Validate method
// returns it to say what is wrong.
func Invalid(field, problem string) *Error {
	return &Error{Reason: "invalid payload", Details: map[string]any{"field": field, "error": problem}}
}

// ErrLater is returned by a handler that took its reply along with [Defer] or
// [Message.Later], to be sent when it is known.
var ErrLater = errors.New("roost: the reply comes later")

// ErrEnded is returned by what needs a conversation that is over: its client
// has left, has gone, or is in a newer conversation on the same topic.
var ErrEnded = errors.New("roost: the conversation has ended")

// ErrReplied is returned by a second reply to one push.
var ErrReplied = errors.New("roost: this push has been replied to")

// Stop ends the conversation after the reply. With nil it ends in good order:
// the handler's reply goes out, then phx_close, and the client does not
// rejoin. With an error the client gets the error reply, then phx_error, and
// rejoins after a while. Any callback of a handler may return it.
func Stop(err error) error { return &stopError{err} }

type stopError struct{ err error }

func (s *stopError) Error() string {
	if s.err == nil {
		return "roost: stop"
	}
	return "roost: stop: " + s.err.Error()
}

func (s *stopError) Unwrap() error { return s.err }

// reasonOf is the error for the client in err, and whether err was meant for
// the client; if not it must be logged.
func reasonOf(err error) (*Error, bool) {
	if e, ok := errors.AsType[*Error](err); ok && e != nil {
		return e, true
	}
	return errInternal, false
}

// encodeError encodes the reply that e is. What of it cannot be encoded is
// left out: there must be an answer.
func (server *core) encodeError(e *Error, topic string) wire.Payload {
	p, err := tryEncode(e.response())
	if err == nil {
		return p
	}
	server.logger.Error("roost: an error cannot be told in full", "topic", topic, "reason", e.Reason, "error", err)
	if p, err = encodePayload((&Error{Reason: e.Reason}).response()); err != nil {
		p, _ = encodePayload(errInternal.response())
	}
	return p
}

// tryEncode is encodePayload, but for values whose methods may panic where no
// callback runs that the panic could be told of.
func tryEncode(v any) (p wire.Payload, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	return encodePayload(v)
}

func errRateLimited(wait time.Duration) *Error {
	return &Error{Reason: "rate limited", RetryAfter: wait}
}

// The errors of the server itself.
var (
	errInternal       = &Error{Reason: "internal"}
	errUnmatched      = &Error{Reason: "unmatched topic"}
	errTooMany        = &Error{Reason: "too many channels joined"}
	errJoinCrashed    = &Error{Reason: "join crashed"}
	errJoinTimeout    = &Error{Reason: "join timeout"}
	errBusy           = &Error{Reason: "busy"}
	errShuttingDown   = &Error{Reason: "shutting down"}
	errTooManySockets = &Error{Reason: "too many sockets"}
	errTopicTooLong   = &Error{Reason: fmt.Sprintf("topic over %d bytes", maxTopic)}
)
