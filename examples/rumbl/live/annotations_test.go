package live

import (
	"testing"
	"testing/synctest"

	"github.com/roost-dev/roost"
)

func TestAnEditReachesAllOthersAndTheDatabase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, nil)
		adas, graces := s.viewer("ada").Join(s.topic, nil), s.viewer("grace").Join(s.topic, nil)
		added := adas.Call(NewAnnotation, AnnotationInput{At: 500, Body: "Loook"})
		edited := adas.Call(EditAnnotation, AnnotationEdit{ID: added.ID, Body: "Look"})
		if edited.Body != "Look" || !edited.Edited || edited.At != 500 || edited.Revision <= added.Revision {
			t.Errorf("edited: %+v", edited)
		}
		if got := graces.ExpectPush(AnnotationEdited); got != edited {
			t.Errorf("grace got %+v, want %+v", got, edited)
		}
		if kept := graces.Call(MoreAnnotations, JoinVideo{}); len(kept.Annotations) != 1 || kept.Annotations[0] != edited {
			t.Errorf("kept: %+v", kept)
		}
	})
}

func TestARemovedAnnotationIsGoneForAllAndToldToThoseWhoHadIt(t *testing.T) {
	for _, remover := range []string{"author", "owner"} {
		t.Run("by the "+remover, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSite(t, nil)
				adas, graces, owners := s.viewer("ada").Join(s.topic, nil), s.viewer("grace").Join(s.topic, nil), s.connect(s.logIn(s.owner)).Join(s.topic, nil)
				added := adas.Call(NewAnnotation, AnnotationInput{Body: "oops"})
				by := adas
				if remover == "owner" {
					by = owners
				}
				removed := by.Call(RemoveAnnotation, AnnotationRef{ID: added.ID})
				if got := graces.ExpectBroadcast(AnnotationRemoved); got != removed || got.ID != added.ID || got.Revision <= added.Revision {
					t.Errorf("grace is told %+v, %s %+v, of %+v", got, remover, removed, added)
				}
				if page := graces.Call(MoreAnnotations, JoinVideo{}); len(page.Annotations)+len(page.Removed) != 0 {
					t.Errorf("from the beginning: %+v", page)
				}
				away := graces.Call(MoreAnnotations, JoinVideo{Revision: added.Revision})
				if len(away.Removed) != 1 || away.Removed[0] != removed || away.Revision != removed.Revision {
					t.Errorf("one who had it is told %+v", away)
				}
			})
		})
	}
}

func TestWhatIsNotOnesOwnIsNotOnesToChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, nil)
		adas, graces, owners := s.viewer("ada").Join(s.topic, nil), s.viewer("grace").Join(s.topic, nil), s.connect(s.logIn(s.owner)).Join(s.topic, nil)
		id := adas.Call(NewAnnotation, AnnotationInput{Body: "mine"}).ID
		for name, got := range map[string]*roost.Error{
			"grace's edit":      graces.CallError(EditAnnotation, AnnotationEdit{ID: id, Body: "x"}),
			"the owner's edit":  owners.CallError(EditAnnotation, AnnotationEdit{ID: id, Body: "x"}),
			"grace's removal":   graces.CallError(RemoveAnnotation, AnnotationRef{ID: id}),
			"grace's mute":      graces.CallError(MuteViewer, MuteInput{UserID: s.owner.ID, Muted: true}),
			"the owner's, self": owners.CallError(MuteViewer, MuteInput{UserID: s.owner.ID, Muted: true}),
			"grace's kick":      graces.CallError(KickViewer, ViewerRef{UserID: s.owner.ID}),
			"the owner's kick":  owners.CallError(KickViewer, ViewerRef{UserID: s.owner.ID}),
		} {
			if got.Reason != "not allowed" {
				t.Errorf("%s: %+v, want not allowed", name, got)
			}
		}
		for name, got := range map[string]*roost.Error{
			"an edit":   adas.CallError(EditAnnotation, AnnotationEdit{ID: id + 7, Body: "x"}),
			"a removal": adas.CallError(RemoveAnnotation, AnnotationRef{ID: id + 7}),
			"a mute":    owners.CallError(MuteViewer, MuteInput{UserID: 7000, Muted: true}),
			"a kick":    owners.CallError(KickViewer, ViewerRef{UserID: 7000}),
		} {
			if got.Reason != "not found" {
				t.Errorf("%s of what does not exist: %+v, want not found", name, got)
			}
		}
		if kept := graces.Call(MoreAnnotations, JoinVideo{}); bodies(kept.Annotations) != "mine" {
			t.Errorf("kept: %+v", kept)
		}
	})
}

func TestAPayloadThatIsWrongIsRefusedByItsField(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, nil)
		ch := s.connect(s.logIn(s.owner)).Join(s.topic, nil)
		id := ch.Call(NewAnnotation, AnnotationInput{Body: "one"}).ID
		for field, tries := range map[string][]*roost.Error{
			"id":      {ch.CallError(EditAnnotation, AnnotationEdit{Body: "x"}), ch.CallError(RemoveAnnotation, AnnotationRef{ID: -1})},
			"user_id": {ch.CallError(MuteViewer, MuteInput{}), ch.CallError(KickViewer, ViewerRef{UserID: -1})},
			"body":    {ch.CallError(EditAnnotation, AnnotationEdit{ID: id}), ch.CallError(NewMessage, MessageInput{Body: " "})},
		} {
			for _, got := range tries {
				if got.Reason != "invalid payload" || got.Details["field"] != field {
					t.Errorf("%+v, want invalid payload with field %q", got, field)
				}
			}
		}
	})
}
