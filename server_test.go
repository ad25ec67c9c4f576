package roost_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/presence"
	"github.com/roost-dev/roost/roosttest"
)

// A Channel is what presence needs.
var _ presence.Session = (*roost.Channel[room])(nil)

func TestServerServesItsTransportsBelowAnyMux(t *testing.T) {
	server := new(app).server()
	t.Cleanup(func() { server.Shutdown(context.Background()) })
	mux := http.NewServeMux()
	mux.Handle("/socket/", server)
	mux.Handle("/teams/{team}/socket/", server)
	mux.Handle("/stripped/", http.StripPrefix("/stripped", server))
	mux.Handle("/odd/path", server.LongPoll())
	site := httptest.NewServer(mux)
	t.Cleanup(site.Close)

	tests := []struct {
		path   string
		status int
		body   string
	}{
		{"/socket/longpoll?vsn=2.0.0&name=ada", 200, `"status":410`},
		{"/socket/longpoll/?vsn=2.0.0&name=ada", 200, `"status":410`},
		{"/teams/red/socket/longpoll?vsn=2.0.0&name=ada", 200, `"status":410`},
		{"/stripped/longpoll?vsn=2.0.0&name=ada", 200, `"status":410`},
		{"/odd/path?vsn=2.0.0&name=ada", 200, `"status":410`},
		{"/socket/websocket?vsn=2.0.0&name=ada", 400, "upgrade"},
		{"/socket/", 404, ""},
		{"/socket/other", 404, ""},
		{"/socket/longpoll/more", 404, ""},
		{"/socket/more/longpoll?vsn=2.0.0&name=ada", 404, ""},
	}
	for _, tt := range tests {
		r, err := http.Get(site.URL + tt.path)
		if err != nil {
			t.Fatal(err)
		}
		body := new(strings.Builder)
		_, err = fmt.Fprint(body, readAll(t, r))
		if err != nil || r.StatusCode != tt.status || !strings.Contains(body.String(), tt.body) {
			t.Errorf("%s: %d %s, want %d %s", tt.path, r.StatusCode, body, tt.status, tt.body)
		}
	}
}

func TestPathVariablesAndNestedQueryJoinTheParams(t *testing.T) {
	var got *roost.ConnectRequest
	server := roost.NewServer(func(_ context.Context, r *roost.ConnectRequest) (user, error) {
		got = r
		return user{}, nil
	}, &roost.Options[user]{Cookies: []string{"session"}})
	t.Cleanup(func() { server.Shutdown(context.Background()) })
	mux := http.NewServeMux()
	mux.Handle("GET /teams/{team}/socket/", server)
	site := httptest.NewServer(mux)
	t.Cleanup(site.Close)

	connect := func(query, cookies string) {
		t.Helper()
		r, err := http.NewRequest("GET", site.URL+"/teams/red/socket/longpoll?"+query, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Cookie", cookies)
		r.Header.Set("X-Request-Id", "7")
		r.Header.Set("Authorization", "Basic secret")
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		readAll(t, answer)
	}

	connect("a[b]=1&list[]=x&list[]=y&vsn=2.0.0&team=blue", "session=s1; other=o; _csrf_token=c1")
	if got.Param("team") != "red" || fmt.Sprint(got.Params["a"]) != "map[b:1]" || fmt.Sprint(got.Params["list"]) != "[x y]" {
		t.Errorf("params: %v", got.Params)
	}
	if got.Transport != "longpoll" || got.Version != "2.0.0" || got.Header.Get("X-Request-Id") != "7" || got.RemoteAddr == "" || got.Host == "" {
		t.Errorf("request: %+v", got)
	}
	if len(got.Header["Cookie"])+len(got.Header["Authorization"])+len(got.Cookies) != 0 {
		t.Errorf("shown without a CSRF token: %v %v", got.Header, got.Cookies)
	}
	connect("vsn=2.0.0&_csrf_token=c2", "session=s1; _csrf_token=c1")
	if len(got.Cookies) != 0 {
		t.Error("cookies shown for a wrong CSRF token")
	}
	connect("vsn=2.0.0&_csrf_token=c1", "session=s1; other=o; _csrf_token=c1")
	if len(got.Cookies) != 1 || got.Cookie("session").Value != "s1" {
		t.Errorf("cookies: %v", got.Cookies)
	}
}

func TestConnectPanicIsAnsweredAsAFaultOfTheServer(t *testing.T) {
	logs := &lines{}
	server := roost.NewServer(func(context.Context, *roost.ConnectRequest) (user, error) { panic("boom") },
		&roost.Options[user]{Logger: textLogger(logs)})
	site := httptest.NewServer(server)
	t.Cleanup(site.Close)
	r, err := http.Get(site.URL + "/longpoll")
	if err != nil {
		t.Fatal(err)
	}
	readAll(t, r)
	if r.StatusCode != 500 || !logs.contain("server_test.go") {
		t.Errorf("status %d; the stack was logged: %v", r.StatusCode, logs.contain("server_test.go"))
	}
}

func TestSocketsOfAServerAreBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		server := (&app{opts: roost.Options[user]{MaxSockets: 2}}).server()
		first := roosttest.Connect(t, server, named("ada"))
		roosttest.Connect(t, server, named("bob"))
		if err := roosttest.ConnectError(t, server, named("eve")); !strings.Contains(err.Error(), "too many sockets") {
			t.Errorf("the third of two: %v", err)
		}
		first.Close()
		roosttest.Connect(t, server, named("eve"))
	})
}

func TestLogShowsParamsButNotSecrets(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := &app{opts: roost.Options[user]{Log: roost.LogOptions{Connects: true, Joins: true, Events: true, Params: true}}}
		client := roosttest.Connect(t, a.server(), &roosttest.Options{Params: map[string]string{"name": "ada", "auth_token": "t0ps3cret"}})
		ch := client.Join("room:1", map[string]any{"nested": map[string]any{"Password": "hunter2"}, "shown": "yes"})
		ch.Call(Sum, count{41})
		synctest.Wait() // for what is logged behind the reply
		for _, secret := range []string{"t0ps3cret", "hunter2"} {
			if a.logs.contain(secret) {
				t.Errorf("%q is in the log", secret)
			}
		}
		for _, shown := range []string{"[FILTERED]", "yes", "roost: connect", "roost: join", "roost: event", `{\"n\":41}`} {
			if !a.logs.contain(shown) {
				t.Errorf("%q is not in the log", shown)
			}
		}
	})
}

func TestLogSaysWhyAConnectWasRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		logs := &lines{}
		server := roost.NewServer(
			func(context.Context, *roost.ConnectRequest) (user, error) {
				return user{}, errors.New("the database is away")
			},
			&roost.Options[user]{Logger: textLogger(logs), Log: roost.LogOptions{Connects: true}})
		_ = roosttest.ConnectError(t, server, nil)
		if !logs.contain("accepted=false") || !logs.contain("the database is away") {
			t.Error("the log does not say why")
		}
	})
}

func TestWrongWiringPanicsWithTheReason(t *testing.T) {
	handler := func() *roost.Handler[user, room] { return new(app).handler() }
	tests := []struct {
		name, word string
		wire       func()
	}{
		{"an event without a name", "name", func() { roost.NewOut[said]("") }},
		{"an event of the protocol", "phx_", func() { roost.NewIn[say, roost.Ack]("phx_join") }},
		{"a payload that is no object", "int", func() { roost.NewOut[int]("n") }},
		{"a list as payload", "[]int", func() { roost.NewIn[[]int, roost.Ack]("n") }},
		{"a reply that is no payload", "string", func() { roost.NewIn[say, string]("n") }},
		{"two callbacks for an event", "twice", func() {
			h := handler()
			h.HandleIn(Say, func(context.Context, *roost.Channel[room], say) (roost.Ack, error) { return roost.Ack{}, nil })
		}},
		{"a callback added after the mount", "before Server.Handle", func() {
			h := handler()
			new(app).server().Handle("x:*", h)
			h.Emits(Said)
		}},
		{"two patterns for a topic", "conflict", func() {
			s := new(app).server() // has room:{id}
			s.Handle("room:{name}", handler())
		}},
		{"patterns of which neither is more specific", "conflict", func() {
			s := new(app).server()
			s.Handle("a:{x}:c", handler())
			s.Handle("a:b:{y}", handler())
		}},
		{"a server without connect", "connect", func() { roost.NewServer[user](nil, nil) }},
	}
	for _, tt := range tests {
		func() {
			defer func() {
				if r := recover(); r == nil || !strings.Contains(fmt.Sprint(r), tt.word) {
					t.Errorf("%s: panic %v, want one about %q", tt.name, r, tt.word)
				}
			}()
			tt.wire()
		}()
	}
}

func TestTheMoreSpecificPatternWins(t *testing.T) {
	bubble(t, func(t *testing.T) {
		server := new(app).server() // has room:{id}
		for i, pattern := range []string{"*", "room:*", "room:lobby", "room:{id}:chat"} {
			h := roost.NewHandler(func(context.Context, *roost.Channel[room], *roost.Socket[user], struct{}) (count, error) {
				return count{i + 1}, nil
			}, nil)
			server.Handle(pattern, h)
		}
		client := roosttest.Connect(t, server, named("ada"))
		for topic, want := range map[string]int{"room:7": 0, "other": 1, "room:": 2, "room:1:2": 2, "room:lobby": 3, "room:7:chat": 4} {
			if got := client.Join(topic, nil).JoinReply[count](); got.N != want {
				t.Errorf("%q went to handler %d, want %d", topic, got.N, want)
			}
		}
	})
}
