package clustering

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/history"
	"github.com/roost-dev/roost/presence"
	"github.com/roost-dev/roost/pubsub"
	"github.com/roost-dev/roost/roosttest"
)

// newNodes are nodes on this machine.
func newNodes(t *testing.T, n int) []node {
	t.Helper()
	nodes := make([]node, n)
	var peers []string
	for i := range nodes {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		peers = append(peers, listener.Addr().String())
		nodes[i] = node{name: fmt.Sprintf("web-%d", i+1), listen: peers[i], secret: "of this test alone", dir: t.TempDir()}
	}
	for i := range nodes {
		nodes[i].peers = peers
	}
	return nodes
}

func start(t *testing.T, nodes []node, connect func(node) (*pubsub.PubSub, error)) []*pubsub.PubSub {
	t.Helper()
	var all []*pubsub.PubSub
	for _, n := range nodes {
		ps, err := connect(n)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { ps.Close(context.Background()) })
		all = append(all, ps)
	}
	for _, ps := range all {
		await(t, func() bool { return len(ps.Info().Members) == len(nodes)-1 })
	}
	return all
}

func await(t *testing.T, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !done(); {
		if time.Now().After(deadline) {
			t.Fatal("waited in vain")
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// Said is told to whoever is in a room.
var Said = roost.NewOut[Words]("said")

// Words are what is said.
type Words struct {
	Text string `json:"text"`
}

func newServer(ps *pubsub.PubSub, viewers *presence.Presence[Viewer]) *roost.Server[string] {
	rooms := roost.NewHandler(func(ctx context.Context, ch *roost.Channel[struct{}], s *roost.Socket[string], _ struct{}) (roost.Ack, error) {
		return roost.Ack{}, viewers.Track(ctx, ch, s.Assigns, Viewer{Device: "phone"})
	}, nil)
	rooms.Emits(Said)
	server := roost.NewServer(func(_ context.Context, r *roost.ConnectRequest) (string, error) { return r.Param("name"), nil },
		&roost.Options[string]{PubSub: ps, Secret: "the same on all nodes", ID: func(name string) string { return "user:" + name }})
	server.Handle("rooms:{id}", rooms)
	return server
}

func TestNodesOfAMeshAreOne(t *testing.T) {
	all := start(t, newNodes(t, 2), node.mesh)
	var rooms []*roosttest.Channel
	var trackers []*presence.Presence[Viewer]
	for i, name := range []string{"ada", "bob"} {
		viewers := presence.New[Viewer](all[i], nil)
		t.Cleanup(func() { viewers.Close(context.Background()) })
		trackers = append(trackers, viewers)
		client := roosttest.Connect(t, newServer(all[i], viewers), &roosttest.Options{Params: map[string]string{"name": name}})
		rooms = append(rooms, client.Join("rooms:1", nil))
	}
	if err := Said.Broadcast(t.Context(), all[0], "rooms:1", Words{Text: "hello"}); err != nil {
		t.Fatal(err)
	}
	for _, room := range rooms {
		if got := room.ExpectBroadcast(Said); got.Text != "hello" {
			t.Errorf("heard %q", got.Text)
		}
	}

	var told bytes.Buffer
	if err := report(t.Context(), &told, all[0], trackers[0], "rooms:1"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"engine: nats embedded up", "node: web-2", "sockets on rooms:1: 2 without an answer: []",
		"user:ada on web-1 over memory", "user:bob on web-2 over memory", "present on rooms:1: 2",
	} {
		if !strings.Contains(told.String(), want) {
			t.Errorf("operators are not told %q, but\n%s", want, told.String())
		}
	}
}

func TestNodesOfAMeshKeepHistory(t *testing.T) {
	all := start(t, newNodes(t, 3), func(n node) (*pubsub.PubSub, error) { return n.meshWithHistory(3) })
	await(t, func() bool { return Said.Broadcast(t.Context(), all[0], "videos:1", Words{Text: "hello"}) == nil })
	kept, err := all[2].Log().Read(t.Context(), "videos:1", history.Position{}, 10)
	if err != nil || len(kept.Entries) != 1 {
		t.Errorf("another node has %d events (%v), want the one", len(kept.Entries), err)
	}
}

func TestEnginesThatAreElsewhereAreLookedForInTheBackground(t *testing.T) {
	n := newNodes(t, 1)[0]
	for engine, connect := range map[string]func(string) (*pubsub.PubSub, error){"nats": n.overNATS, "redis": n.overRedis} {
		ps, err := connect(engine + "://" + n.listen) // where nobody is
		if err != nil {
			t.Errorf("%s: %v", engine, err)
			continue
		}
		if state := ps.Info().Engine.State; state == pubsub.StateUp {
			t.Errorf("%s is up where nobody is", engine)
		}
		ps.Close(t.Context())
	}
}
