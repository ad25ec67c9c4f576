package live

import (
	"context"
	"path/filepath"
	"testing"
	"testing/synctest"

	"github.com/roost-dev/roost/pubsub"
	"github.com/roost-dev/roost/pubsub/pubsubtest"
	"github.com/roost-dev/roost/roosttest"

	"rumbl/step8/store"
)

// newNodes returns two nodes of a site, on a network in memory and with one
// database.
func newNodes(t *testing.T) (a, b *App) {
	t.Helper()
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "rumbl.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	network := &pubsubtest.Bus{}
	node := func(name string) *App {
		ps, err := pubsub.New(&pubsub.Options{Adapter: network.Node(), Node: name, History: History()})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { ps.Close(context.Background()) })
		return New(secret, db, ps)
	}
	return node("a"), node("b")
}

func TestWhoIsOnAnotherNodeSeesTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newNodes(t)
		ada := roosttest.Connect(t, a, logIn(t, a, "Ada")).Join("videos:1", nil)
		bob := roosttest.Connect(t, b, logIn(t, a, "Bob")).Join("videos:1", nil) // a token is good on every node

		ada.Call(NewAnnotation, AnnotationInput{Body: "hello"})
		if got := bob.ExpectBroadcast(AnnotationAdded); got.By != "Ada" || got.Body != "hello" {
			t.Errorf("Bob sees %+v", got)
		}
		synctest.Wait()
		if n := b.viewers.Count("videos:1"); n != 2 {
			t.Errorf("on Bob's node %d watch, want 2", n)
		}
	})
}

func TestANodeThatStopsTellsItsPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newNodes(t)
		ada := roosttest.Connect(t, a, logIn(t, a, "Ada"))
		ada.Join("videos:1", nil).Call(NewAnnotation, AnnotationInput{Body: "hello"})
		if err := a.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		ada.ExpectDisconnect()
		back := roosttest.Connect(t, b, logIn(t, b, "Ada")).Join("videos:1", nil)
		if got := back.JoinReply[Joined]().Annotations; len(got) != 1 {
			t.Errorf("on the other node Ada finds %v, want her annotation", got)
		}
	})
}
