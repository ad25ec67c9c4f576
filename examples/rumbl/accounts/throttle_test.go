package accounts

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// mustWait says how long the next try has to wait, and takes it if it has not.
func mustWait(t *testing.T, th *throttle, username, from string) time.Duration {
	t.Helper()
	err := th.take(username, from)
	if err == nil {
		return 0
	}
	tooMany, ok := errors.AsType[*TooManyTries](err)
	if !ok {
		t.Fatalf("error %v, want a *TooManyTries", err)
	}
	return tooMany.RetryAfter
}

func TestAFewTriesAreFreeAndThenOneComesBackEveryThirtySeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newThrottle()
		for range tries {
			if wait := mustWait(t, th, "ada", "here"); wait != 0 {
				t.Errorf("one of the first has to wait for %v", wait)
			}
		}
		if wait := mustWait(t, th, "ada", "here"); wait != tryEvery {
			t.Errorf("the next has to wait for %v, want %v", wait, tryEvery)
		}
		time.Sleep(tryEvery - time.Second)
		if wait := mustWait(t, th, "ada", "here"); wait != time.Second {
			t.Errorf("just before its time it has to wait for %v, want 1s", wait)
		}
		time.Sleep(time.Second)
		if wait := mustWait(t, th, "ada", "here"); wait != 0 {
			t.Errorf("at its time it has to wait for %v", wait)
		}
		if wait := mustWait(t, th, "ada", "here"); wait != tryEvery {
			t.Errorf("the one after it has to wait for %v, want %v", wait, tryEvery)
		}
		time.Sleep(tries * tryEvery)
		for range tries {
			if wait := mustWait(t, th, "ada", "here"); wait != 0 {
				t.Errorf("after a long time one has to wait for %v", wait)
			}
		}
	})
}

func TestTriesAreCountedForEachNameAndAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newThrottle()
		for range tries + 1 {
			mustWait(t, th, "ada", "here")
		}
		for _, other := range [][2]string{{"ada", "there"}, {"bob", "here"}} {
			if wait := mustWait(t, th, other[0], other[1]); wait != 0 {
				t.Errorf("%s from %s has to wait for %v", other[0], other[1], wait)
			}
		}
	})
}

func TestAThrottleRemembersABoundedNumber(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newThrottle()
		mustWait(t, th, "soonest", "here")
		for range tries + 1 {
			mustWait(t, th, "ada", "here")
		}
		for i := range maxThrottled {
			mustWait(t, th, fmt.Sprint("name ", i), "here")
			mustWait(t, th, fmt.Sprint("name ", i), "here")
		}
		if len(th.back) > maxThrottled {
			t.Errorf("%d are remembered, want %d at most", len(th.back), maxThrottled)
		}
		if wait := mustWait(t, th, "ada", "here"); wait == 0 {
			t.Error("who has the longest to wait was forgotten")
		}
		time.Sleep(tries * tryEvery)
		mustWait(t, th, "one more", "here")
		if len(th.back) != 1 {
			t.Errorf("%d are remembered though all but one have their tries back", len(th.back))
		}
	})
}
