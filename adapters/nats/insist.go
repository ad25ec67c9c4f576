package nats

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/roost-dev/roost/pubsub"
)

// attemptTimeout is how long JetStream has for one answer before it is asked
// again.
const attemptTimeout = 2 * time.Second

// awayError is one that may be none at the next attempt.
type awayError struct{ error }

func (e awayError) Unwrap() error { return e.error }

var errNobody = errors.New("nobody answers for JetStream: it is not enabled there, or has no leader")

// away is an error of asking. There is no answer, or nobody to ask: no server,
// no JetStream there, or no leader of the stream.
func away(ctx context.Context, err error) error {
	if errors.Is(err, nats.ErrNoResponders) {
		err = errNobody
	} else if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	return awayError{fmt.Errorf("nats: %w", err)}
}

// connected returns the connection if there is one.
func (l *eventLog) connected() (*nats.Conn, error) {
	nc := l.link.connection()
	if nc == nil || !nc.IsConnected() {
		return nil, awayError{errors.New("nats: not connected")}
	}
	return nc, nil
}

// insist tries until there is an answer, or patience ends, or ctx. While NATS is away for longer, it fails at once.
func (l *eventLog) insist(ctx context.Context, attempt func(ctx context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("nats: %w", context.Cause(ctx))
	}
	if err := l.link.hopeless(); err != nil {
		return err
	}
	whole, cancel := context.WithTimeout(ctx, l.patience)
	defer cancel()
	for n := 0; ; n++ {
		err := l.try(whole, attempt)
		if again := (awayError{}); err == nil || !errors.As(err, &again) {
			return err
		}
		const longest = 250 * time.Millisecond
		select {
		case <-time.After(backoff(n, longest)):
			continue
		case <-l.link.ctx.Done():
			return errClosed
		case <-whole.Done():
		}
		if ctx.Err() != nil {
			return fmt.Errorf("nats: %w: %w, and %w", pubsub.ErrUnavailable, context.Cause(ctx), err)
		}
		return fmt.Errorf("nats: %w: %w", pubsub.ErrUnavailable, err)
	}
}

// try gives one attempt its time, which ends with the connection.
func (l *eventLog) try(ctx context.Context, attempt func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	defer context.AfterFunc(l.link.connectionEpoch(), cancel)()
	err := attempt(ctx)
	if err != nil && ctx.Err() != nil {
		return awayError{err}
	}
	return err
}

// hopeless fails where nothing can be asked for, and nobody should wait.
func (l *link) hopeless() error {
	l.mu.Lock()
	phase := l.phase
	l.mu.Unlock()
	switch phase {
	case fresh:
		return fmt.Errorf("nats: %w: the adapter has not been started", pubsub.ErrUnavailable)
	case over:
		return fmt.Errorf("%w: %w", errClosed, pubsub.ErrUnavailable)
	}
	l.out.mu.Lock()
	defer l.out.mu.Unlock()
	if l.out.gaveUp {
		return fmt.Errorf("nats: %w for longer than %v", pubsub.ErrUnavailable, l.out.patience)
	}
	return nil
}

// connectionEpoch ends when the connection breaks.
func (l *link) connectionEpoch() context.Context {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.epoch
}
