package history

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
)

// Several goroutines append to and read from more topics than fit. A reader of
// each topic must see a chain without holes, or be told.
func TestMemoryIsSoundWhereManyCrowdEachOtherOut(t *testing.T) {
	const bound, topics, goroutines, steps = 20_000, 40, 8, 2000
	rules, err := NewRules([]Keep{{Topics: []string{"*"}, Count: 20}})
	if err != nil {
		t.Fatal(err)
	}
	m := NewMemory(rules, &MemoryOptions{Bytes: bound})
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(g), 1))
			at := map[string]Position{}
			for range steps {
				topic := fmt.Sprint("topic ", r.IntN(topics))
				if r.IntN(3) > 0 {
					e := Event{Name: fmt.Sprint("event ", r.IntN(5)), Payload: []byte(topic), Sender: fmt.Sprint("session ", r.IntN(9))}
					if _, err := m.Append(t.Context(), topic, e); err != nil {
						t.Errorf("Append: %v", err)
						return
					}
					continue
				}
				after := at[topic]
				page, err := m.Read(t.Context(), topic, after, 1+r.IntN(10))
				if errors.Is(err, ErrGone) {
					delete(at, topic)
					continue
				}
				for _, e := range page.Entries {
					if string(e.Payload) != topic || !after.IsZero() && (e.Previous != after.Seq || e.Position.Epoch != after.Epoch) {
						t.Errorf("behind %v of %q comes %v, behind %d, of topic %q", after, topic, e.Position, e.Previous, e.Payload)
						return
					}
					after = e.Position
				}
				at[topic] = after
			}
		})
	}
	wg.Wait()

	sum, dropped := 0, uint64(0)
	for i := range m.shards {
		for _, topic := range m.shards[i].topics {
			sum += topic.size()
		}
		for _, n := range m.shards[i].lives {
			dropped += n
		}
	}
	if got := int(m.bytes.Load()); got != sum || got > bound {
		t.Errorf("the log counts %d bytes, has %d and may have %d", got, sum, bound)
	}
	if dropped == 0 {
		t.Error("nothing was dropped")
	}
}
