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

func TestWhatOneAnnotatesAllWhoWatchSee(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := NewServer()
		ada := roosttest.Connect(t, server, named("Ada")).Join("videos:1", nil)
		bob := roosttest.Connect(t, server, named("Bob")).Join("videos:1", nil)

		ada.Call(NewAnnotation, AnnotationInput{At: 1500, Body: "Look!"})
		want := Annotation{By: "Ada", At: 1500, Body: "Look!"}
		if got := bob.ExpectBroadcast(AnnotationAdded); got != want {
			t.Errorf("Bob sees %+v, want %+v", got, want)
		}
		if refusal := bob.CallError(NewAnnotation, AnnotationInput{At: 1500}); refusal.Details["field"] != "body" {
			t.Errorf("an empty annotation is refused for %v", refusal.Details)
		}
	})
}
