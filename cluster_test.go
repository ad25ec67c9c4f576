package roost_test

import (
	"context"
	"encoding/json/v2"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/pubsub"
	"github.com/roost-dev/roost/pubsub/pubsubtest"
	"github.com/roost-dev/roost/roosttest"
)

// node is one node of a cluster: a server of its own on a PubSub of its own.
type node struct {
	ps     *pubsub.PubSub
	server *roost.Server[user]
}

// startCluster makes nodes of these names on one network in memory.
func startCluster(t *testing.T, names ...string) []node {
	t.Helper()
	var network pubsubtest.Bus
	nodes := make([]node, len(names))
	for i, name := range names {
		ps, err := pubsub.New(&pubsub.Options{Adapter: network.Node(), Node: name})
		if err != nil {
			t.Fatal(err)
		}
		server := (&app{opts: roost.Options[user]{PubSub: ps, Secret: "a secret that all nodes share"}}).server()
		t.Cleanup(func() {
			if err := server.Shutdown(context.Background()); err != nil {
				t.Errorf("shut down %s: %v", name, err)
			}
			if err := ps.Close(context.Background()); err != nil {
				t.Errorf("close %s: %v", name, err)
			}
		})
		nodes[i] = node{ps, server}
	}
	synctest.Wait() // they know each other
	return nodes
}

func TestNodesShareTopics(t *testing.T) {
	bubble(t, func(t *testing.T) {
		nodes := startCluster(t, "a", "b", "c")
		ada := roosttest.Connect(t, nodes[0].server, named("ada")).Join("room:1", nil)
		twin := roosttest.Connect(t, nodes[1].server, named("ada")).Join("room:1", nil)
		bob := roosttest.Connect(t, nodes[2].server, named("bob")).Join("room:1", nil)

		ada.Call(Say, say{"hello"})
		for _, ch := range []*roosttest.Channel{ada, twin, bob} {
			if got := ch.ExpectBroadcast(Said); got != (said{"ada", "hello"}) {
				t.Errorf("got %v", got)
			}
		}
		ada.Push(Whisper, say{"psst"})
		for _, ch := range []*roosttest.Channel{twin, bob} {
			if got := ch.ExpectBroadcast(Said); got.Text != "psst" {
				t.Errorf("got %v", got)
			}
		}
		ada.ExpectNothing() // only the sender's own conversation is left out, not the user's other one
	})
}

func TestCommandsReachSocketsOnOtherNodes(t *testing.T) {
	bubble(t, func(t *testing.T) {
		nodes := startCluster(t, "a", "b")
		ada := roosttest.Connect(t, nodes[0].server, named("ada"))
		ada.Join("room:1", nil)
		bob := roosttest.Connect(t, nodes[0].server, named("bob"))
		room := bob.Join("room:1", nil)

		if err := nodes[1].ps.Disconnect(t.Context(), "user:ada"); err != nil {
			t.Error(err)
		}
		ada.ExpectDisconnect()
		if err := nodes[1].ps.Kick(t.Context(), "user:bob", "room:1", "rude"); err != nil {
			t.Error(err)
		}
		room.ExpectClose()
		bob.Join("room:2", nil) // his socket goes on
	})
}

func TestOperatorsSeeTheSocketsOfAllNodes(t *testing.T) {
	bubble(t, func(t *testing.T) {
		nodes := startCluster(t, "a", "b")
		roosttest.Connect(t, nodes[0].server, named("ada")).Join("room:1", nil)
		bob := roosttest.Connect(t, nodes[1].server, named("bob"))
		bob.Join("room:1", nil)
		bob.Join("room:2", nil)

		ada := pubsub.Socket{Node: "a", ID: "user:ada", Transport: "memory", Topics: []string{"room:1"}}
		bobs := pubsub.Socket{Node: "b", ID: "user:bob", Transport: "memory", Topics: []string{"room:1", "room:2"}}
		for name, tc := range map[string]struct {
			query *pubsub.SocketQuery
			want  pubsub.Sockets
		}{
			"all":      {nil, pubsub.Sockets{Count: 2, List: []pubsub.Socket{ada, bobs}}},
			"of an id": {&pubsub.SocketQuery{ID: "user:bob"}, pubsub.Sockets{Count: 1, List: []pubsub.Socket{bobs}}},
			"on topic": {&pubsub.SocketQuery{Topic: "room:2"}, pubsub.Sockets{Count: 1, List: []pubsub.Socket{bobs}}},
			"counted":  {&pubsub.SocketQuery{Limit: -1}, pubsub.Sockets{Count: 2}},
			"limited":  {&pubsub.SocketQuery{Limit: 1, Topic: "room:1"}, pubsub.Sockets{Count: 2, List: []pubsub.Socket{ada}}},
		} {
			got, err := nodes[0].ps.Sockets(t.Context(), tc.query)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for _, s := range got.List {
				slices.Sort(s.Topics)
			}
			if got.Count != tc.want.Count || len(got.Missing) != 0 || !slices.EqualFunc(got.List, tc.want.List, sameSocket) {
				t.Errorf("%s: got %+v, want %+v", name, *got, tc.want)
			}
		}
		if _, err := nodes[0].ps.Sockets(t.Context(), &pubsub.SocketQuery{Limit: 10_001}); err == nil {
			t.Error("a limit over the bound gives no error")
		}
	})
}

func sameSocket(a, b pubsub.Socket) bool { return reflect.DeepEqual(a, b) }

func TestHealthTellsOfTheCluster(t *testing.T) {
	bubble(t, func(t *testing.T) {
		nodes := startCluster(t, "a", "b", "c")
		ask := func(h http.Handler) (int, map[string]any) {
			t.Helper()
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
			var body map[string]any
			if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
				t.Fatal(err)
			}
			return w.Code, body
		}
		server := nodes[0].server
		status, body := ask(server.Readyz())
		if status != http.StatusOK || body["status"] != "ok" || body["node"] != "a" || !slices.Equal(body["peers"].([]any), []any{"b", "c"}) {
			t.Errorf("ready: %d %v", status, body)
		}
		info := server.Info()
		if info.Node != "a" || len(info.Members) != 2 || info.Members[1].Name != "c" || info.Engine.State != pubsub.StateUp {
			t.Errorf("info: %+v", info)
		}

		if err := nodes[1].ps.Close(t.Context()); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Second)
		if _, body := ask(server.Healthz()); !slices.Equal(body["peers"].([]any), []any{"c"}) {
			t.Errorf("after a goodbye: %v", body)
		}
		if err := server.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		if status, body := ask(server.Readyz()); status != http.StatusServiceUnavailable || body["status"] != "not ready" {
			t.Errorf("shut down: %d %v", status, body)
		}
		if status, _ := ask(server.Healthz()); status != http.StatusOK {
			t.Errorf("a server that shuts down is dead: %d", status)
		}
	})
}
