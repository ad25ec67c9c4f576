package presence

import (
	"context"
	"encoding/json/v2"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roost-dev/roost/client"
	"github.com/roost-dev/roost/pubsub"
	"github.com/roost-dev/roost/roosttest"
)

// entry is what clients see of a user.
type entry struct {
	Name  string   `json:"name"`
	Metas []Viewer `json:"metas"`
}

type diff struct {
	Joins  map[string]entry `json:"joins"`
	Leaves map[string]entry `json:"leaves"`
}

func expect[T any](t *testing.T, room *roosttest.Channel, event string) (v T) {
	t.Helper()
	if err := json.Unmarshal(room.ExpectEvent(event).Data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func newApp(t *testing.T) (*App, func(user string) *roosttest.Client) {
	t.Helper()
	ps := pubsub.Local()
	app := New(ps, func(_ context.Context, ids []string) (map[string]Profile, error) {
		if len(ids) == 0 {
			return nil, errors.New("nobody was asked for")
		}
		return map[string]Profile{"7": {Name: "Ada"}, "8": {Name: "Bob"}}, nil
	})
	t.Cleanup(func() { app.Viewers.Close(context.Background()) })
	return app, func(user string) *roosttest.Client {
		return roosttest.Connect(t, app.Server, &roosttest.Options{Params: map[string]string{"user": user}})
	}
}

func TestWhoComesIsToldWhoIsThereAndTheOthersOfHim(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, user := newApp(t)
		ada := user("7").Join("room:1", joinRoom{Device: "phone"})
		if got := expect[map[string]entry](t, ada, "presence_state"); got["7"].Name != "Ada" || got["7"].Metas[0].Device != "phone" {
			t.Errorf("Ada is told %+v", got)
		}
		if got := expect[diff](t, ada, "presence_diff"); len(got.Joins["7"].Metas) != 1 {
			t.Errorf("Ada is told of herself: %+v", got)
		}
		bob := user("8")
		room := bob.Join("room:1", joinRoom{Device: "laptop"})
		if got := expect[map[string]entry](t, room, "presence_state"); len(got) != 2 {
			t.Errorf("Bob is told %+v", got)
		}
		if got := expect[diff](t, ada, "presence_diff"); got.Joins["8"].Name != "Bob" {
			t.Errorf("Ada is told of Bob: %+v", got)
		}
		bob.Close()
		if got := expect[diff](t, ada, "presence_diff"); len(got.Leaves["8"].Metas) != 1 {
			t.Errorf("Ada is told that Bob went: %+v", got)
		}
	})
}

func TestSomebodyTypesUntilThreeSecondsOfSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		app, user := newApp(t)
		ada := user("7").Join("room:1", joinRoom{})
		isTyping := func() bool {
			synctest.Wait()
			ada, _ := app.Viewers.Get("room:1", "7")
			return ada.Metas[0].Value.Typing
		}
		for range 5 {
			ada.Push(Typing, struct{}{})
			time.Sleep(2 * time.Second)
			if !isTyping() {
				t.Fatal("not seen typing")
			}
		}
		time.Sleep(2 * time.Second)
		if isTyping() {
			t.Error("seen typing for too long")
		}
		ada.Push(Typing, struct{}{})
		if !isTyping() {
			t.Error("not seen typing again")
		}
	})
}

func TestAProgramWatchesARoom(t *testing.T) {
	app, user := newApp(t)
	site := httptest.NewServer(app.Server)
	t.Cleanup(site.Close)
	socket, err := client.Dial(t.Context(), strings.Replace(site.URL, "http", "ws", 1)+"/socket/websocket?user=7", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close(context.Background()) })
	shown := make(chan string, 100)
	if err := watch(t.Context(), socket, "1", func(lines []string) { shown <- strings.Join(lines, ", ") }); err != nil {
		t.Fatal(err)
	}
	user("8").Join("room:1", nil)
	user("8").Join("room:1", nil)
	for late := time.After(20 * time.Second); ; {
		select {
		case got := <-shown:
			if got == "Ada ×1, Bob ×2" {
				return
			}
		case <-late:
			t.Fatal("not everybody was shown")
		}
	}
}
