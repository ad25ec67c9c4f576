package pubsub_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/roost-dev/roost/pubsub"
)

type memoKey int

func TestAMemoIsBuiltOncePerKeyHoweverManyAsk(t *testing.T) {
	m := &pubsub.Message{Payload: []byte("payload")}
	var built [3]atomic.Int32
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for key := range built {
				got := m.Memo(memoKey(key), func() any {
					built[key].Add(1)
					return new(int)
				})
				if again := m.Memo(memoKey(key), nil); again != got {
					t.Errorf("key %d: got another value the second time", key)
				}
			}
		})
	}
	wg.Wait()
	for key := range built {
		if n := built[key].Load(); n != 1 {
			t.Errorf("key %d was built %d times", key, n)
		}
	}
	if got := m.Memo(0, func() any { return "other" }); got != "other" {
		t.Errorf("keys of different types are taken for one: got %v", got)
	}
}

func TestAMemoWhoseBuildPanickedIsBuiltAgain(t *testing.T) {
	m := &pubsub.Message{}
	func() {
		defer func() { _ = recover() }()
		m.Memo(memoKey(1), func() any { panic("no") })
	}()
	if got := m.Memo(memoKey(1), func() any { return "built" }); got != "built" {
		t.Errorf("got %v", got)
	}
}
