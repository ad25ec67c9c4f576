package client

import (
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/roost-dev/roost"
)

// How servers ask clients to stay away (spec/protocol.md §22).

const (
	closeRestart = 1012
	closeBusy    = 1013

	// longestStay is how long a server can keep a client away.
	longestStay = 5 * time.Minute

	retryMark   = "; retry_after_ms="
	retryMember = "retry_after_ms"
)

// closedBy is the end that a server's close frame means.
func closedBy(code int, reason string) *CloseError {
	e := &CloseError{Code: code, Reason: reason}
	if code != closeRestart && code != closeBusy {
		return e
	}
	if words, digits, ok := strings.CutLast(reason, retryMark); ok {
		if stay := parseStay(digits, time.Millisecond); stay > 0 {
			e.Reason, e.RetryAfter = words, stay
		}
	}
	return e
}

// retryHeader is what the header Retry-After of an answer says; 0 if nothing,
// or a date: that would take a clock.
func retryHeader(h http.Header) time.Duration { return parseStay(h.Get("Retry-After"), time.Second) }

func parseStay(digits string, unit time.Duration) time.Duration {
	const mostDigits = 9
	if len(digits) > mostDigits {
		return 0
	}
	n, err := strconv.ParseUint(digits, 10, 32)
	if err != nil {
		return 0
	}
	return time.Duration(n) * unit
}

// stay is how long to try nothing again after an error; 0 if the server did not
// ask for it. A part of it is random, since others may have been told the same.
func stay(err error) time.Duration {
	var d time.Duration
	if e, ok := errors.AsType[*CloseError](err); ok {
		d = e.RetryAfter
	}
	if e, ok := errors.AsType[*RefusedError](err); ok {
		d = max(d, e.RetryAfter)
	}
	if e, ok := errors.AsType[*roost.Error](err); ok {
		d = max(d, e.RetryAfter)
	}
	if d <= 0 {
		return 0
	}
	d = min(d, longestStay)
	return d + rand.N(d/2+1)
}
