package nats

import (
	"context"
	"fmt"
	"time"

	"github.com/roost-dev/roost/pubsub"
)

// settler is one caller of Settle.
type settler struct{ done chan error } // holds one

func (s *settler) finish(err error) { s.done <- err }

// settle waits until the engine knows of all interests.
func (l *link) settle(ctx context.Context) error {
	s := &settler{make(chan error, 1)}
	if err := l.out.settle(s); err != nil {
		return err
	}
	select {
	case err := <-s.done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-l.ctx.Done():
		return errClosed
	}
}

// handOver gives callers of Settle, whose interests are with NATS's client
// now, to the confirmer.
func (l *link) handOver(settlers []*settler) {
	if len(settlers) == 0 {
		return
	}
	l.mu.Lock()
	l.settling = append(l.settling, settlers...)
	l.mu.Unlock()
	l.wakeConfirmer()
}

func (l *link) wakeConfirmer() {
	select {
	case l.confirming <- struct{}{}:
	default:
	}
}

// confirmTimeout is how long one exchange may take; a server that takes
// longer is as good as away.
const confirmTimeout = 2 * time.Second

// confirmPause is how often at most a server is asked whether it has what was
// published, where nobody waits for that.
const confirmPause = 10 * time.Millisecond

// confirm is the goroutine that asks the server whether it has got what this
// node said, for all that want to know at the time.
func (l *link) confirm() {
	defer func() { l.answer(errClosed) }()
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		select {
		case <-l.confirming:
		case <-l.ctx.Done():
			return
		}
		for l.confirmOnce() {
			pause.Reset(confirmPause)
			select {
			case <-l.confirming:
			case <-pause.C:
			case <-l.ctx.Done():
				return
			}
		}
	}
}

// confirmOnce is one exchange, and reports whether another one may be needed
// without anybody asking for it.
func (l *link) confirmOnce() (again bool) {
	l.mu.Lock()
	batch, epoch, nc := l.settling, l.epoch, l.conn
	l.settling = nil
	recovering := l.recovering
	l.mu.Unlock()
	taken, unconfirmed := l.out.unconfirmed()
	if len(batch) == 0 && !recovering && !unconfirmed {
		return false
	}
	ctx, cancel := context.WithTimeout(epoch, confirmTimeout)
	defer cancel()
	var err error
	if nc == nil || epoch.Err() != nil {
		err = pubsub.ErrUnavailable
	} else {
		err = nc.FlushWithContext(ctx)
	}
	if err == nil {
		l.out.confirm(taken)
		if recovering {
			l.recovered()
		}
		if len(batch) > 0 && l.beyond != nil {
			err = l.beyond(ctx)
		}
	}
	if err != nil {
		err = fmt.Errorf("nats: not settled: %w", err)
	}
	for _, s := range batch {
		s.finish(err)
	}
	return epoch.Err() == nil
}

// recovered tells the receiver that NATS is there again, with all
// subscriptions.
func (l *link) recovered() {
	l.mu.Lock()
	l.recovering = false
	l.mu.Unlock()
	l.receiver.Recovered()
}

// answer ends the wait of all callers of Settle.
func (l *link) answer(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.settling {
		s.finish(err)
	}
	l.settling = nil
}
