package live

import (
	"context"
	"encoding/json/v2"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/roosttest"
	"github.com/roost-dev/roost/token"

	"github.com/roost-dev/roost/examples/rumbl/accounts"
	"github.com/roost-dev/roost/examples/rumbl/multimedia"
	"github.com/roost-dev/roost/examples/rumbl/store/sqlite"
)

const secret = "a secret that is known to tests only"

// site is Rumbl without its pages, with a real database, and one video.
type site struct {
	t     *testing.T
	app   *App
	store *counted
	owner accounts.Login // of the video
	video multimedia.Video
	topic string
}

// counted is a database that counts how often it is asked for annotations.
type counted struct {
	*sqlite.Store

	asked atomic.Int64
}

func (c *counted) AnnotationsAfter(ctx context.Context, videoID, viewer, after int64, limit int) ([]multimedia.Annotation, error) {
	c.asked.Add(1)
	return c.Store.AnnotationsAfter(ctx, videoID, viewer, after, limit)
}

func newSite(t *testing.T, opts *Options) *site {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "rumbl.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	s := &site{t: t, store: &counted{Store: store}}
	s.start(opts)
	s.owner = s.register("owner")
	s.video, err = s.app.multimedia.AddVideo(t.Context(), multimedia.Author(s.owner.User), multimedia.VideoInput{Title: "One", URL: "/static/sample.webm"})
	if err != nil {
		t.Fatal(err)
	}
	s.topic = topic(s.video.ID)
	return s
}

// start starts the live part on the database, for the first time or anew.
func (s *site) start(opts *Options) {
	s.t.Helper()
	app := New(accounts.New(s.store), multimedia.New(s.store), secret, opts)
	s.t.Cleanup(func() {
		if err := app.Shutdown(context.Background()); err != nil {
			s.t.Error(err)
		}
	})
	s.app = app
}

func (s *site) register(username string) accounts.Login {
	s.t.Helper()
	login, err := s.app.accounts.Register(s.t.Context(), accounts.Registration{Username: username, Password: "correct horse"})
	if err != nil {
		s.t.Fatal(err)
	}
	return login
}

// logIn begins a session of a user, as a browser does.
func (s *site) logIn(login accounts.Login) accounts.Session {
	s.t.Helper()
	cookie, err := s.app.accounts.BeginSession(s.t.Context(), login)
	if err != nil {
		s.t.Fatal(err)
	}
	session, err := s.app.accounts.SessionBySecret(s.t.Context(), cookie)
	if err != nil {
		s.t.Fatal(err)
	}
	return session
}

// connect opens the socket of a page of the session.
func (s *site) connect(session accounts.Session) *roosttest.Client {
	s.t.Helper()
	token, err := s.app.Token(session)
	if err != nil {
		s.t.Fatal(err)
	}
	return roosttest.Connect(s.t, s.app.server, &roosttest.Options{AuthToken: token})
}

// viewer registers somebody who opens a page, not yet on any video.
func (s *site) viewer(username string) *roosttest.Client {
	s.t.Helper()
	return s.connect(s.logIn(s.register(username)))
}

// annotate stores an annotation without anybody being told.
func (s *site) annotate(body string) multimedia.Annotation {
	s.t.Helper()
	a, err := s.app.multimedia.Annotate(s.t.Context(), s.video.ID, s.video.Owner, time.Second, body)
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

func bodies(annotations []Annotation) string {
	var all []string
	for _, a := range annotations {
		all = append(all, a.Body)
	}
	return strings.Join(all, ", ")
}

func TestOnlyTheTokenOfASessionThatGoesOnConnects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, nil)
		session := s.logIn(s.register("ada"))
		good, err := s.app.Token(session)
		if err != nil {
			t.Fatal(err)
		}
		s.connect(session)

		foreign, err := token.NewSigner[int64](strings.Repeat("x", 20), "user socket", nil).Sign(session.ID)
		if err != nil {
			t.Fatal(err)
		}
		otherUse, err := token.NewSigner[int64](secret, "password reset", nil).Sign(session.ID)
		if err != nil {
			t.Fatal(err)
		}
		for name, bad := range map[string]string{
			"none": "", "nonsense": "abc", "cut short": good[:len(good)-1], "of another secret": foreign, "for something else": otherUse,
		} {
			err := roosttest.ConnectError(t, s.app.server, &roosttest.Options{AuthToken: bad})
			if !errors.Is(err, token.ErrInvalid) {
				t.Errorf("token %s: %v, want token.ErrInvalid", name, err)
			}
		}

		if err := s.app.accounts.EndSession(t.Context(), session); err != nil {
			t.Fatal(err)
		}
		err = roosttest.ConnectError(t, s.app.server, &roosttest.Options{AuthToken: good})
		if !errors.Is(err, accounts.ErrNoSession) {
			t.Errorf("after the session has ended: %v, want ErrNoSession", err)
		}
	})
}

func TestASessionThatExpiresClosesItsSockets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, nil)
		ada := s.register("ada")
		page := s.connect(s.logIn(ada))
		adas := page.Join(s.topic, nil)
		time.Sleep(accounts.SessionLifetime / 2) // of virtual time, as all of this
		later := s.connect(s.logIn(ada)).Join(s.topic, nil)
		adas.Call(NewMessage, MessageInput{Body: "still here"})

		time.Sleep(accounts.SessionLifetime / 2)
		page.ExpectDisconnect()
		later.Call(NewMessage, MessageInput{Body: "so am I"})
	})
}

func TestLoggingOutClosesTheSocketsOfThatSessionAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, nil)
		ada := s.register("ada")
		here, there := s.logIn(ada), s.logIn(ada)
		page, otherPage, elsewhere := s.connect(here), s.connect(here), s.connect(there)
		watching := elsewhere.Join(s.topic, nil)
		if err := s.app.Disconnect(t.Context(), here); err != nil {
			t.Fatal(err)
		}
		page.ExpectDisconnect()
		otherPage.ExpectDisconnect()
		watching.Call(NewAnnotation, AnnotationInput{Body: "still here"})
	})
}

// Who logs out finds no socket that is just being opened.
func TestASocketWhoseSessionHasEndedIsClosedWhenItJoins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, nil)
		session := s.logIn(s.register("ada"))
		page := s.connect(session)
		watching := page.Join(s.topic, nil)
		if err := s.app.accounts.EndSession(t.Context(), session); err != nil {
			t.Fatal(err)
		}
		watching.PushRaw("phx_join", JoinVideo{})
		page.ExpectDisconnect()
	})
}

func TestJoiningAVideoThatDoesNotExistIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, nil)
		ada := s.viewer("ada")
		for _, topic := range []string{"videos:7", "videos:x", "videos:-1", "videos:01", "videos:99999999999999999999"} {
			if got := ada.JoinError(topic, nil); got.Reason != "not found" {
				t.Errorf("join of %s: %v, want not found", topic, got)
			}
		}
	})
}

func TestJoiningBringsWhatWasNotSeenYet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, nil)
		ada := s.viewer("ada")
		if got := ada.Join(s.topic, nil).JoinReply[Page](); len(got.Annotations) != 0 || got.More {
			t.Errorf("of a video without annotations: %+v", got)
		}
		s.annotate("one")
		two := s.annotate("two")
		s.annotate("three")

		all := ada.Join(s.topic, JoinVideo{}).JoinReply[Page]()
		if got := bodies(all.Annotations); got != "one, two, three" || all.More {
			t.Errorf("having seen nothing: %s, more: %v", got, all.More)
		}
		want := Annotation{ID: two.ID, Revision: two.Revision, User: User(s.owner.User), At: 1000, Body: "two"}
		if all.Annotations[1] != want {
			t.Errorf("annotation %+v, want %+v", all.Annotations[1], want)
		}
		missed := ada.Join(s.topic, JoinVideo{Revision: two.Revision}).JoinReply[Page]()
		if got := bodies(missed.Annotations); got != "three" {
			t.Errorf("having seen two: %s", got)
		}
	})
}

func TestALongListComesInPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, nil)
		var want []int64
		for i := range 2*pageSize + 1 {
			want = append(want, s.annotate(fmt.Sprint("note ", i)).ID)
		}
		ch := s.viewer("ada").Join(s.topic, nil)
		var got []int64
		pages := 1
		for page := ch.JoinReply[Page](); ; pages++ {
			for _, a := range page.Annotations {
				got = append(got, a.ID)
			}
			if !page.More {
				break
			}
			page = ch.Call(MoreAnnotations, JoinVideo{Revision: page.Revision})
		}
		if !slices.Equal(got, want) || pages != 3 {
			t.Errorf("%d annotations in %d pages, want %d in 3", len(got), pages, len(want))
		}
	})
}

func TestAnAnnotationReachesEverybodyOnTheVideoAndIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, nil)
		other, err := s.app.multimedia.AddVideo(t.Context(), s.video.Owner, multimedia.VideoInput{Title: "Two", URL: "/static/sample.webm"})
		if err != nil {
			t.Fatal(err)
		}
		ada, grace, edith := s.viewer("ada"), s.viewer("grace"), s.viewer("edith")
		adas, graces := ada.Join(s.topic, nil), grace.Join(s.topic, nil)
		elsewhere := edith.Join(fmt.Sprint("videos:", other.ID), nil)
		elsewhere.ExpectEvent("presence_diff")
		elsewhere.ExpectEvent("presence_state")

		own := adas.Call(NewAnnotation, AnnotationInput{At: 12_345, Body: " Look! "})

		got := graces.ExpectPush(AnnotationAdded)
		if got.At != 12_345 || got.Body != "Look!" || got.User.Username != "ada" {
			t.Errorf("grace got %+v", got)
		}
		if own != got {
			t.Errorf("ada got %+v herself, in the reply, want %+v", own, got)
		}
		elsewhere.ExpectNothing()
		if kept := graces.Call(MoreAnnotations, JoinVideo{}); len(kept.Annotations) != 1 || kept.Annotations[0] != got {
			t.Errorf("kept: %+v, want %+v", kept, got)
		}
	})
}

func TestAnAnnotationThatIsWrongIsRefusedByItsField(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, nil)
		ch := s.viewer("ada").Join(s.topic, nil)
		tests := []struct {
			payload string
			field   any
		}{
			{`{"at": 0, "body": "  "}`, "body"},
			{`{"at": 0, "body": "two\nlines"}`, "body"},
			{`{"at": 0, "body": "` + strings.Repeat("x", multimedia.MaxBody+1) + `"}`, "body"},
			{`{"at": -1, "body": "x"}`, "at"},
			{`{"at": 9223372036854775807, "body": "x"}`, "at"},
			{`{"at": "soon", "body": "x"}`, "at"},
		}
		for _, tt := range tests {
			got := ch.PushRaw("new_annotation", roost.Payload{Data: []byte(tt.payload)}).Error()
			if got.Reason != "invalid payload" || got.Details["field"] != tt.field {
				t.Errorf("%.40s: %+v, want invalid payload with field %q", tt.payload, got, tt.field)
			}
		}
		ch.Call(NewAnnotation, AnnotationInput{Body: "and the conversation goes on"})
	})
}

// present is what presence tells: the pages that each user has open.
type present map[string]struct {
	Metas []Viewer `json:"metas"`
}

func decodePresent(t *testing.T, p roost.Payload, v any) {
	t.Helper()
	if err := json.Unmarshal(p.Data, v); err != nil {
		t.Fatal(err)
	}
}

func TestViewersAreSeenWithTheNumberOfTheirPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, nil)
		ada, grace := s.register("ada"), s.register("grace")
		s.connect(s.logIn(ada)).Join(s.topic, nil)
		second := s.connect(s.logIn(ada))
		second.Join(s.topic, nil)
		ch := s.connect(s.logIn(grace)).Join(s.topic, nil)

		state := present{}
		decodePresent(t, ch.ExpectEvent("presence_state"), &state)
		adaKey, graceKey := strconv.FormatInt(ada.ID, 10), strconv.FormatInt(grace.ID, 10)
		if len(state) != 2 || len(state[adaKey].Metas) != 2 || len(state[graceKey].Metas) != 1 {
			t.Fatalf("present: %+v, want ada with two pages, grace with one", state)
		}
		if want := (Viewer{Name: "grace", OnlineAt: time.Now().Unix()}); state[graceKey].Metas[0] != want {
			t.Errorf("grace is %+v, want %+v", state[graceKey].Metas[0], want)
		}

		second.Close()
		var diff struct {
			Leaves present `json:"leaves"`
		}
		for len(diff.Leaves) == 0 { // the first diff is of grace's own arrival
			decodePresent(t, ch.ExpectEvent("presence_diff"), &diff)
		}
		if len(diff.Leaves[adaKey].Metas) != 1 {
			t.Errorf("leaves: %+v, want one page of ada's", diff.Leaves)
		}
	})
}

func TestAJoinWithAnImpossibleRevisionIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, nil)
		got := s.viewer("ada").JoinError(s.topic, JoinVideo{Revision: -1})
		if got.Reason != "invalid payload" || got.Details["field"] != "revision" {
			t.Errorf("refused with %+v", got)
		}
	})
}
