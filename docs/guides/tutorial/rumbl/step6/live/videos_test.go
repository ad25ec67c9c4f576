package live

import (
	"context"
	"encoding/json/v2"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roost-dev/roost/pubsub"
	"github.com/roost-dev/roost/roosttest"
	"github.com/roost-dev/roost/token"

	"rumbl/step6/store"
)

const secret = "a secret that is known to tests only"

// newApp returns a site with a database of its own.
func newApp(t *testing.T) *App {
	t.Helper()
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "rumbl.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	ps, err := pubsub.New(&pubsub.Options{History: History()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ps.Close(context.Background()) })
	return New(secret, db, ps)
}

// logIn returns what the page of who has logged in connects with.
func logIn(t *testing.T, app *App, name string) *roosttest.Options {
	t.Helper()
	answer := httptest.NewRecorder()
	app.Login(answer, httptest.NewRequest("POST", "/login?"+url.Values{"name": {name}}.Encode(), nil))
	if answer.Code != http.StatusOK {
		t.Fatalf("%s cannot log in: %s", name, answer.Body)
	}
	return &roosttest.Options{AuthToken: answer.Body.String()}
}

func TestWhoJoinsAVideoIsToldItsTitle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		app := newApp(t)
		ada := roosttest.Connect(t, app, logIn(t, app, "Ada"))
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
		app := newApp(t)
		ada := roosttest.Connect(t, app, logIn(t, app, "Ada")).Join("videos:1", nil)
		bob := roosttest.Connect(t, app, logIn(t, app, "Bob")).Join("videos:1", nil)

		ada.Call(NewAnnotation, AnnotationInput{At: 1500, Body: "Look!"})
		want := Annotation{ID: 1, By: "Ada", At: 1500, Body: "Look!"}
		if got := bob.ExpectBroadcast(AnnotationAdded); got != want {
			t.Errorf("Bob sees %+v, want %+v", got, want)
		}
		if refusal := bob.CallError(NewAnnotation, AnnotationInput{At: 1500}); refusal.Details["field"] != "body" {
			t.Errorf("an empty annotation is refused for %v", refusal.Details)
		}
	})
}

func TestNobodyConnectsWithoutATokenOrWithAnOldOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		app := newApp(t)
		if err := roosttest.ConnectError(t, app, nil); !errors.Is(err, token.ErrMissing) {
			t.Errorf("without a token: %v", err)
		}
		ada := logIn(t, app, "Ada")
		time.Sleep(25 * time.Hour) // no time passes but in the bubble
		if err := roosttest.ConnectError(t, app, ada); !errors.Is(err, token.ErrExpired) {
			t.Errorf("with yesterday's token: %v", err)
		}
	})
}

func TestWhoComesBackIsToldWhatWasMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		app := newApp(t)
		ada := roosttest.Connect(t, app, logIn(t, app, "Ada")).Join("videos:1", nil)
		for _, body := range []string{"one", "two", "three"} {
			ada.Call(NewAnnotation, AnnotationInput{Body: body})
		}
		bob := roosttest.Connect(t, app, logIn(t, app, "Bob")).Join("videos:1", JoinVideo{LastSeenID: 1})
		missed := bob.JoinReply[Joined]().Annotations
		if len(missed) != 2 || missed[0].Body != "two" || missed[1].Body != "three" {
			t.Errorf("Bob, who has seen the first, is told %+v", missed)
		}
	})
}

func TestPagesAreToldWhoWatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		app := newApp(t)
		ada := roosttest.Connect(t, app, logIn(t, app, "Ada")).Join("videos:1", nil)
		ada.Call(NewAnnotation, AnnotationInput{Body: "one"})
		roosttest.Connect(t, app, logIn(t, app, "Ada")).Join("videos:1", nil)
		bob := roosttest.Connect(t, app, logIn(t, app, "Bob")).Join("videos:1", nil)

		var seen map[string]struct {
			Annotations int      `json:"annotations"`
			Metas       []Viewer `json:"metas"`
		}
		if err := json.Unmarshal(bob.ExpectEvent("presence_state").Data, &seen); err != nil {
			t.Fatal(err)
		}
		if ada := seen["Ada"]; ada.Annotations != 1 || len(ada.Metas) != 2 {
			t.Errorf("Bob sees %+v of Ada, want 1 annotation and 2 pages", ada)
		}
	})
}
