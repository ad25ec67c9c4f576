package presence

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roost-dev/roost/pubsub"
)

// guest is a joined session without a client.
type guest struct {
	id, topic string
	leave     []func()
}

func (g *guest) ID() string          { return g.id }
func (g *guest) Topic() string       { return g.topic }
func (g *guest) AfterJoin(f func())  { f() }
func (g *guest) AfterReply(f func()) { f() }
func (g *guest) OnEnd(f func())      { g.leave = append(g.leave, f) }
func (g *guest) PushEncoded(context.Context, string, []byte) error {
	return nil
}

func TestNothingIsKeptOfTopicsThatAllHaveLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(pubsub.Local(), &Options[map[string]int]{
			OnChange: func(context.Context, Change[map[string]int]) { time.Sleep(time.Minute) },
			Fetch: func(context.Context, string, map[string]Entry[map[string]int]) (map[string]any, error) {
				time.Sleep(time.Second)
				return nil, nil
			},
		})
		var guests []*guest
		for i := range 30 {
			g := &guest{id: fmt.Sprint(i), topic: fmt.Sprint("room ", i%10)}
			guests = append(guests, g)
			for _, err := range []error{
				p.Track(t.Context(), g, "a", nil),
				p.Track(t.Context(), g, "b", nil),
				p.PushState(t.Context(), g),
				p.Untrack(t.Context(), g, "b"),
				p.Track(t.Context(), g, "b", nil),
				p.PushState(t.Context(), &guest{id: "viewer", topic: fmt.Sprint("hall ", i)}),
				p.Untrack(t.Context(), g, "never tracked"),
			} {
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		time.Sleep(time.Hour)
		if n := len(p.all()); n != 10 {
			t.Errorf("%d topics are kept, want the 10 with sessions", n)
		}
		for _, g := range guests {
			if len(g.leave) != 1 {
				t.Errorf("a session was hooked to its end %d times", len(g.leave))
			}
			g.leave[0]()
		}
		time.Sleep(time.Hour)
		if n := len(p.all()); n != 0 {
			t.Errorf("%d topics are kept for nobody", n)
		}
	})
}
