package live

import (
	"testing"
	"testing/synctest"

	"github.com/roost-dev/roost/roosttest"
)

func named(name string) *roosttest.Options {
	return &roosttest.Options{Params: map[string]string{"name": name}}
}

func TestWhoJoinsAVideoIsToldItsTitle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ada := roosttest.Connect(t, NewServer(), named("Ada"))
		if got := ada.Join("videos:1", nil).JoinReply[Joined](); got.Title != "A day in the hills" {
			t.Errorf("the title is %q", got.Title)
		}
		if refusal := ada.JoinError("videos:2", nil); refusal.Reason != "not found" {
			t.Errorf("a video that is not there: %v", refusal)
		}
	})
}
