package accounts

import (
	"crypto/sha256"
	"fmt"
	"sync"
	"time"
)

// How often a password may be tried for one username from one address: a few
// times at once, for those who mistype, and then slowly.
const (
	tries    = 5
	tryEvery = 30 * time.Second
	// maxThrottled is how many pairs of username and address are remembered.
	// Beyond it, the one that is nearest to having all of its tries back gets
	// them at once.
	maxThrottled = 10_000
)

// TooManyTries is the error of who tried too many passwords. It does not say
// whether one of them was right.
type TooManyTries struct {
	RetryAfter time.Duration // until the next try is taken
}

// Error implements error.
func (e *TooManyTries) Error() string {
	return fmt.Sprintf("accounts: too many tries; the next one is taken in %v", e.RetryAfter)
}

// throttle bounds how often passwords are tried. It is safe for concurrent use.
type throttle struct {
	mu   sync.Mutex
	back map[throttleKey]time.Time // guarded by mu: when each key has all of its tries back
}

// throttleKey is a hash, so that a long name takes no more memory than others.
type throttleKey [sha256.Size]byte

func newThrottle() *throttle {
	return &throttle{back: map[throttleKey]time.Time{}}
}

// take takes one of the tries for a username from an address, or returns a
// *TooManyTries. A try is taken before the password is looked at, so that many
// at the same time are no way around.
func (t *throttle) take(username, from string) error {
	key, now := keyOf(username, from), time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	back := t.back[key]
	if back.Before(now) {
		back = now
	}
	if wait := back.Sub(now) - (tries-1)*tryEvery; wait > 0 {
		return &TooManyTries{RetryAfter: wait}
	}
	if len(t.back) >= maxThrottled {
		t.makeRoom(now)
	}
	t.back[key] = back.Add(tryEvery)
	return nil
}

// giveBack returns all tries to who knew the password.
func (t *throttle) giveBack(username, from string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.back, keyOf(username, from))
}

// makeRoom forgets those that have all tries back, or else the one that is
// nearest to it. t.mu is held.
func (t *throttle) makeRoom(now time.Time) {
	var first throttleKey
	var soonest time.Time
	for key, back := range t.back {
		if !back.After(now) {
			delete(t.back, key)
		} else if soonest.IsZero() || back.Before(soonest) {
			first, soonest = key, back
		}
	}
	if len(t.back) >= maxThrottled {
		delete(t.back, first)
	}
}

func keyOf(username, from string) throttleKey {
	return sha256.Sum256([]byte(username + "\x00" + from))
}
