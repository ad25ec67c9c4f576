package token

import (
	"errors"
	"fmt"
)

// The reasons for which Verify and Decrypt refuse a token, for [errors.Is]. The errors returned say more, without quoting the
// token, what it carries, or a secret.
var (
	// ErrInvalid: the token is not one of ours, was altered, was made with another secret, salt or key options or in the
	// future, or carries a value that is no T.
	ErrInvalid = errors.New("token: invalid")

	// ErrExpired: the token was good once.
	ErrExpired = errors.New("token: expired")

	// ErrMissing: the token is the empty string, as when a request has none. It also is an ErrInvalid, because Phoenix, which
	// tells nil from an empty string, calls only nil missing.
	ErrMissing error = missing{}
)

type missing struct{}

func (missing) Error() string        { return "token: missing: the token is empty" }
func (missing) Is(target error) bool { return target == ErrInvalid }

// Made once: these are what attackers cause.
var (
	errShape     = fmt.Errorf("%w: not of the form of a signed token", ErrInvalid)
	errSignature = fmt.Errorf("%w: the signature does not fit: altered, or made with another secret, salt or key option", ErrInvalid)
	errSealed    = fmt.Errorf("%w: not of the form of an encrypted token", ErrInvalid)
	errDecrypt   = fmt.Errorf("%w: does not decrypt: altered, or made with another secret, salt or key option", ErrInvalid)
	errPayload   = fmt.Errorf("%w: the signed payload is not that of a token", ErrInvalid)
	errFuture    = fmt.Errorf("%w: made in the future; do the clocks of the servers agree?", ErrInvalid)
)
