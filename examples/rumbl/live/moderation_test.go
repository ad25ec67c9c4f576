package live

import (
	"context"
	"encoding/json/v2"
	"log/slog"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roost-dev/roost/pubsub"
	"github.com/roost-dev/roost/pubsub/pubsubtest"
	"github.com/roost-dev/roost/roosttest"
)

func TestTheMutedOneAndTheOwnerAreToldAndNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, nil)
		ada := s.register("ada")
		owners, also := s.connect(s.logIn(s.owner)).Join(s.topic, nil), s.connect(s.logIn(s.owner)).Join(s.topic, nil)
		adas, graces := s.connect(s.logIn(ada)).Join(s.topic, nil), s.viewer("grace").Join(s.topic, nil)
		for _, muted := range []bool{true, false} {
			want := Mute{User: User(ada.User), Muted: muted}
			if got := owners.Call(MuteViewer, MuteInput{UserID: ada.ID, Muted: muted}); got != want {
				t.Errorf("the owner's reply: %+v, want %+v", got, want)
			}
			for _, ch := range []*roosttest.Channel{adas, also} {
				if got := ch.ExpectPush(ViewerMuted); got != want {
					t.Errorf("told %+v, want %+v", got, want)
				}
			}
		}
		for range 2 { // nothing but presence: of her own arrival, and of all who are there
			if next := graces.Next(); next != "presence_diff" && next != "presence_state" {
				t.Errorf("grace is told %s", next)
			}
		}
		graces.ExpectNothing()
	})
}

// muted is a site on which Ada is muted, with pages of hers, of the owner's and
// of a guest's.
type muted struct {
	*site

	adas, alsoAdas, owners, guests *roosttest.Channel
}

func newMuted(t *testing.T) *muted {
	t.Helper()
	m := &muted{site: newSite(t, nil)}
	ada := m.register("ada")
	session := m.logIn(ada)
	m.adas, m.alsoAdas = m.connect(session).Join(m.topic, nil), m.connect(session).Join(m.topic, nil)
	m.owners, m.guests = m.connect(m.logIn(m.owner)).Join(m.topic, nil), m.viewer("guest").Join(m.topic, nil)
	m.owners.Call(MuteViewer, MuteInput{UserID: ada.ID, Muted: true})
	m.adas.ExpectPush(ViewerMuted)
	return m
}

func TestWhatTheMutedOneWritesReachesTheOwnerAndNoGuest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMuted(t)
		a := m.adas.Call(NewAnnotation, AnnotationInput{Body: "buy"})
		edited := m.adas.Call(EditAnnotation, AnnotationEdit{ID: a.ID, Body: "buy now"})
		said := m.adas.Call(NewMessage, MessageInput{Body: "cheap"})
		m.owners.Call(NewAnnotation, AnnotationInput{Body: "quiet"})
		m.owners.Call(NewMessage, MessageInput{Body: "at last"})

		if !a.Muted || !edited.Muted || !said.Muted {
			t.Errorf("she is not told that nobody sees it: %+v %+v %+v", a, edited, said)
		}
		for _, ch := range []*roosttest.Channel{m.owners, m.alsoAdas} {
			if added, edit, message := ch.ExpectPush(AnnotationAdded), ch.ExpectPush(AnnotationEdited), ch.ExpectPush(MessageAdded); added != a || edit != edited || message != said {
				t.Errorf("got %+v %+v %+v, want %+v %+v %+v", added, edit, message, a, edited, said)
			}
		}
		if got := m.guests.ExpectPush(AnnotationAdded); got.Body != "quiet" {
			t.Errorf("the guest got %+v", got)
		}
		if got := m.guests.ExpectPush(MessageAdded); got.Body != "at last" {
			t.Errorf("the guest got %+v", got)
		}
		late := m.viewer("late").Join(m.topic, nil).JoinReply[Joined]()
		if bodies(late.Annotations) != "quiet" || len(late.Messages) != 1 {
			t.Errorf("one who comes later gets %+v", late)
		}
	})
}

func TestTheMutedOneIsNotSeenToWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMuted(t)
		synctest.Wait()
		m.adas.Push(StartTyping, Typing{})
		m.owners.Call(NewMessage, MessageInput{Body: "quiet"})
		m.guests.ExpectPush(MessageAdded)
		for range 2 {
			m.guests.Next() // presence, of those who came
		}
		time.Sleep(2 * typingFor) // of virtual time
		m.guests.ExpectNothing()
	})
}

func TestOneWhoIsMutedWhileHeWritesIsSeenToStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, nil)
		ada := s.register("ada")
		owners, adas := s.connect(s.logIn(s.owner)).Join(s.topic, nil), s.connect(s.logIn(ada)).Join(s.topic, nil)
		adas.Push(StartTyping, Typing{})
		untilTyping(t, owners, ada.ID, true)
		began := time.Now()
		owners.Call(MuteViewer, MuteInput{UserID: ada.ID, Muted: true})
		untilTyping(t, owners, ada.ID, false)
		if time.Since(began) >= typingFor {
			t.Error("seen to write until it would have ended by itself")
		}
	})
}

func TestAMuteOutlivesTheConversationAndTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, nil)
		ada := s.register("ada")
		s.connect(s.logIn(s.owner)).Join(s.topic, nil).Call(MuteViewer, MuteInput{UserID: ada.ID, Muted: true})
		s.start(nil) // anew
		adas, owners := s.connect(s.logIn(ada)).Join(s.topic, nil), s.connect(s.logIn(s.owner)).Join(s.topic, nil)
		if !adas.JoinReply[Joined]().Muted {
			t.Error("she is not told")
		}
		if got := owners.JoinReply[Joined]().MutedViewers; !slices.Equal(got, []User{User(ada.User)}) {
			t.Errorf("the owner is told of %+v", got)
		}
		if guests := s.viewer("guest").Join(s.topic, nil).JoinReply[Joined](); guests.Muted || guests.MutedViewers != nil {
			t.Errorf("a guest is told %+v", guests)
		}
		if a := adas.Call(NewAnnotation, AnnotationInput{Body: "buy"}); !a.Muted {
			t.Error("she is heard")
		}
		before := s.annotate("by the owner")
		if got := adas.CallError(EditAnnotation, AnnotationEdit{ID: before.ID, Body: "x"}); got.Reason != "not allowed" {
			t.Errorf("refused with %+v", got)
		}
	})
}

func TestOneWhoIsMutedCannotEditWhatAllSee(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, nil)
		ada := s.register("ada")
		owners, adas := s.connect(s.logIn(s.owner)).Join(s.topic, nil), s.connect(s.logIn(ada)).Join(s.topic, nil)
		id := adas.Call(NewAnnotation, AnnotationInput{Body: "x"}).ID
		owners.Call(MuteViewer, MuteInput{UserID: ada.ID, Muted: true})
		if got := adas.CallError(EditAnnotation, AnnotationEdit{ID: id, Body: "y"}); got.Reason != "muted" {
			t.Errorf("refused with %+v, want muted", got)
		}
	})
}

func TestAKickEndsAllPagesOfOneOnThisVideoAndSaysWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, nil)
		ada := s.register("ada")
		here, there := s.connect(s.logIn(ada)), s.connect(s.logIn(ada))
		pages := []*roosttest.Channel{here.Join(s.topic, nil), there.Join(s.topic, nil)}
		graces := s.viewer("grace").Join(s.topic, nil)
		s.connect(s.logIn(s.owner)).Join(s.topic, nil).Call(KickViewer, ViewerRef{UserID: ada.ID})
		for _, page := range pages {
			var why struct {
				Reason string `json:"reason"`
			}
			if err := json.Unmarshal(page.ExpectEvent("phx_close").Data, &why); err != nil || why.Reason != Kicked {
				t.Errorf("closed with %+v, %v", why, err)
			}
		}
		graces.Call(NewMessage, MessageInput{Body: "still here"})
		here.Join(s.topic, nil) // by herself she may
	})
}

func TestAVideoThatIsDeletedEndsWhatGoesOnAboutIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, nil)
		adas := s.viewer("ada").Join(s.topic, nil)
		if err := s.app.VideoDeleted(t.Context(), s.video.ID); err != nil {
			t.Fatal(err)
		}
		adas.ExpectPush(VideoDeleted)
		adas.ExpectClose()
	})
}

func TestModerationReachesPeopleOnOtherNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := &pubsubtest.Bus{}
		node := func() *Options {
			ps, err := pubsub.New(&pubsub.Options{Adapter: bus.Node(), History: History(), Logger: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = ps.Close(context.Background()) })
			return &Options{PubSub: ps}
		}
		s := newSite(t, node())
		ada := s.register("ada")
		owners := s.connect(s.logIn(s.owner)).Join(s.topic, nil)
		s.start(node())
		adas, guests := s.connect(s.logIn(ada)).Join(s.topic, nil), s.viewer("guest").Join(s.topic, nil)
		here := func() bool {
			state := present{}
			decodePresent(t, s.connect(s.logIn(s.owner)).Join(s.topic, nil).ExpectEvent("presence_state"), &state)
			return len(state[strconv.FormatInt(ada.ID, 10)].Metas) == 1
		}
		if !here() {
			t.Error("ada is not here")
		}

		owners.Call(MuteViewer, MuteInput{UserID: ada.ID, Muted: true})
		adas.ExpectPush(ViewerMuted)
		adas.Call(NewMessage, MessageInput{Body: "cheap"})
		if got := owners.ExpectPush(MessageAdded); got.Body != "cheap" || !got.Muted {
			t.Errorf("the owner got %+v", got)
		}
		owners.Call(NewMessage, MessageInput{Body: "quiet"})
		if got := guests.ExpectPush(MessageAdded); got.Body != "quiet" {
			t.Errorf("the guest got %+v", got)
		}
		owners.Call(KickViewer, ViewerRef{UserID: ada.ID})
		adas.ExpectClose()
		if here() {
			t.Error("ada is still here")
		}
	})
}
