package testing

import (
	"encoding/json/v2"
	"testing"
	"testing/synctest"

	"github.com/roost-dev/roost/pubsub"
	"github.com/roost-dev/roost/roosttest"
)

// What clients are told of a change.
type (
	diff struct {
		Joins  map[string]entry `json:"joins"`
		Leaves map[string]entry `json:"leaves"`
	}
	entry struct {
		Metas []Person `json:"metas"`
	}
)

func expectDiff(t *testing.T, room *roosttest.Channel) (d diff) {
	t.Helper()
	if err := json.Unmarshal(room.ExpectEvent("presence_diff").Data, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestARoomSeesWhoComesAndGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, people := NewServer(pubsub.Local())
		defer people.Close(t.Context())
		ada := roosttest.Connect(t, server, as("Ada")).Join("room:1", nil)
		expectDiff(t, ada) // of herself
		bob := roosttest.Connect(t, server, as("Bob"))
		bob.Join("room:1", nil)

		if got := expectDiff(t, ada); got.Joins["Bob"].Metas[0].Device != "phone" {
			t.Errorf("Ada was told %+v", got)
		}
		if n := people.Count("room:1"); n != 2 {
			t.Errorf("%d people are in the room", n)
		}
		bob.Close()
		if got := expectDiff(t, ada); len(got.Leaves["Bob"].Metas) != 1 {
			t.Errorf("Ada was told %+v", got)
		}
	})
}
