package longpoll

import (
	"context"
	"encoding/json/v2"
	"errors"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roost-dev/roost/transport"
)

func TestTheFirstPollMakesASession(t *testing.T) {
	h, a := newHandler(Config{})
	c := &client{t: t, h: h}
	got := c.poll()
	if got.HTTP != 200 || got.Status != 410 || got.Token == "" || got.Messages == nil || len(got.Messages) != 0 {
		t.Errorf("got %+v, want HTTP status 200, status 410, a token, and no messages", got)
	}
	if s := <-a.sockets; s.hello.Transport != "longpoll" {
		t.Errorf("the transport is %q", s.hello.Transport)
	}
}

func TestAnswersAreWrittenAsPhoenixWritesThem(t *testing.T) {
	h, a := newHandler(Config{})
	c, s := connect(t, h, a)
	s.send(t, `["1","2","a\/b","é<",{"x":"\n"}]`, `[]`)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/?token="+c.token, nil))
	want := `{"messages":["[\"1\",\"2\",\"a\\/b\",\"é<\",{\"x\":\"\\n\"}]","[]"],"status":200,"token":"` + c.token + `"}`
	if got := w.Body.String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestEveryAnswerHasTheHeadersOfPhoenix(t *testing.T) {
	h, a := newHandler(Config{})
	c, s := connect(t, h, a)
	s.send(t, "[]")
	tests := []struct {
		method, query string
		http          int
		body          string
		json          bool
	}{
		{"GET", "token=" + c.token, 200, `{"messages":["[]"],"status":200,"token":"` + c.token + `"}`, true},
		{"GET", "refuse=1", 200, `{"status":403}`, true},
		{"GET", "refuse=403", 200, `{"status":403}`, true},
		{"GET", "refuse=503", 503, `{"status":500}`, true},
		{"GET", "a=%ff", 400, `{"status":400}`, true},
		{"POST", "token=" + c.token, 200, `{"status":200}`, true},
		{"POST", "", 200, `{"status":410}`, true},
		{"POST", "token=garbage", 200, `{"status":410}`, true},
		{"POST", "a=%ff&token=" + c.token, 400, `{"status":400}`, true},
		{"OPTIONS", "", 200, "", false},
		{"PUT", "token=" + c.token, 400, "", false},
		{"DELETE", "token=" + c.token, 400, "", false},
		{"HEAD", "token=" + c.token, 400, "", false},
	}
	for _, tt := range tests {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(tt.method, "/socket/longpoll?"+tt.query, nil))
		if w.Code != tt.http || w.Body.String() != tt.body {
			t.Errorf("%s %s: got %d %q, want %d %q", tt.method, tt.query, w.Code, w.Body, tt.http, tt.body)
		}
		headers := map[string]string{"Access-Control-Allow-Origin": "*", "Cache-Control": "no-store", "Content-Type": ""}
		if tt.json {
			headers["Content-Type"] = "application/json; charset=utf-8"
		}
		for name, want := range headers {
			if got := w.Header().Get(name); got != want {
				t.Errorf("%s %s: %s is %q, want %q", tt.method, tt.query, name, got, want)
			}
		}
	}
}

func TestPreflightsEchoTheHeadersAskedFor(t *testing.T) {
	h, _ := newHandler(Config{Origin: transport.AnyOrigin()})
	r := httptest.NewRequest("OPTIONS", "/socket/longpoll", nil)
	r.Header.Set("Origin", "http://x")
	r.Header.Set("Access-Control-Request-Headers", "content-type, x-a")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	for name, want := range map[string]string{
		"Access-Control-Allow-Headers": "content-type, x-a",
		"Access-Control-Allow-Methods": "get, post, options",
		"Access-Control-Max-Age":       "3600",
	} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

func TestOtherOriginsAreRefused(t *testing.T) {
	var log strings.Builder
	h, _ := newHandler(Config{
		Origin: transport.Origins("https://example.com"),
		Logger: newLogger(&log),
	})
	for method, welcome := range map[string]int{"GET": 410, "POST": 410, "OPTIONS": 200} {
		for origin, want := range map[string]int{"https://example.com": welcome, "https://evil.com": 403} {
			r := httptest.NewRequest(method, "/socket/longpoll", nil)
			r.Header.Set("Origin", origin)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			got := 200
			if w.Body.Len() > 0 {
				got = decode(t, w.Body.Bytes()).Status
			}
			if w.Code != 200 || got != want {
				t.Errorf("%s from %s: got HTTP status %d, status %d, want 200, %d", method, origin, w.Code, got, want)
			}
		}
	}
	if !strings.Contains(log.String(), "evil.com") || strings.Contains(log.String(), "origin=https://example.com") {
		t.Errorf("the log does not say which origin was refused: %s", &log)
	}
}

func TestTheAuthTokenIsReadOnlyWhenASessionIsMade(t *testing.T) {
	for _, taken := range []bool{true, false} {
		h, a := newHandler(Config{AuthToken: taken})
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("X-Phoenix-AuthToken", "secret")
		h.ServeHTTP(httptest.NewRecorder(), r)
		want := ""
		if taken {
			want = "secret"
		}
		if s := <-a.sockets; s.hello.AuthToken != want {
			t.Errorf("AuthToken %v: the token is %q, want %q", taken, s.hello.AuthToken, want)
		}
	}
}

func TestWhereTheTokenIsLookedFor(t *testing.T) {
	h, a := newHandler(Config{})
	c, _ := connect(t, h, a)
	tests := []struct {
		name, query, header string
		want                int
	}{
		{"query", "token=" + url.QueryEscape(c.token), "", 200},
		{"the last one of the query", "token=bogus&token=" + c.token, "", 200},
		{"a list in the query is no token", "token[]=" + c.token, "", 410},
		{"header", "", c.token, 200},
		{"the header wins", "token=bogus", c.token, 200},
		{"the header wins, also if it is bogus", "token=" + c.token, "bogus", 410},
		{"nowhere", "", "", 410},
		{"signed with another key", "token=" + forge(t, c.token), "", 410},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest("POST", "/socket/longpoll?"+tt.query, nil)
			if tt.header != "" {
				r.Header.Set("X-Phoenix-Longpoll-Token", tt.header)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if got := decode(t, w.Body.Bytes()).Status; got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}

func TestAPollWithABadTokenMakesANewSession(t *testing.T) {
	h, a := newHandler(Config{})
	c, _ := connect(t, h, a)
	other := &client{t: t, h: h, token: forge(t, c.token)}
	if got := other.poll(); got.Status != 410 || got.Token == c.token || got.Token == other.token {
		t.Errorf("got %+v, want 410 and a new token", got)
	}
	if len(a.sockets) != 1 {
		t.Errorf("%d sockets were opened, want 1", len(a.sockets))
	}
}

func TestABodyOverTheBoundIsABadRequest(t *testing.T) {
	h, a := newHandler(Config{MaxBody: 10})
	c, s := connect(t, h, a)
	if got := c.post("[12345678]"); got.HTTP != 200 || got.Status != 200 {
		t.Errorf("a body at the bound: got %+v", got)
	}
	if got := c.post("[1]", "[345678]"); got.HTTP != 400 || got.Status != 400 {
		t.Errorf("a body over the bound: got %+v, want 400", got)
	}
	if got := s.received(); len(got) != 1 {
		t.Errorf("received %q; nothing of a body that is too large may be applied", got)
	}
}

func TestAHandlerThatIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, a := newHandler(Config{})
		waiting, s1 := connect(t, h, a)
		idle, s2 := connect(t, h, a)
		polled := waiting.polling()
		synctest.Wait()
		if err := h.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		want(t, "the poll that waited", <-polled, 410)
		for _, s := range []*socket{s1, s2} {
			if err := <-s.ended; err != nil {
				t.Errorf("a session ended with %v, want good order", err)
			}
		}
		want(t, "a post", idle.post("[]"), 410)
		if got := idle.poll(); got.HTTP != 503 || got.Status != 500 {
			t.Errorf("a new client: got %+v, want HTTP status 503 and status 500, at which clients try again", got)
		}
		if len(a.sockets) != 0 {
			t.Error("a closed handler made a session")
		}
	})
}

func TestClosingAHandlerWaitsForWhatClientsHaveToFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, a := newHandler(Config{})
		c, s := connect(t, h, a)
		_, away := connect(t, h, a)
		s.send(t, "[1]")
		away.send(t, "[2]")
		closed := make(chan error)
		go func() { closed <- h.Close(t.Context()) }()
		synctest.Wait()
		want(t, "a poll while closing", c.poll(), 200, "[1]")
		if err := <-closed; err != nil { // gives up on the other one
			t.Error(err)
		}
		if n := len(h.sessions); n != 0 {
			t.Errorf("%d sessions are left", n)
		}
	})
}

func TestClosingAHandlerEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, a := newHandler(Config{})
		_, s := connect(t, h, a)
		s.send(t, "[1]")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := h.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the context's error", err)
		}
		if n := len(h.sessions); n != 0 {
			t.Errorf("%d sessions are left", n)
		}
	})
}

func TestAConfigThatCannotWorkPanics(t *testing.T) {
	_, a := newHandler(Config{})
	for name, cfg := range map[string]Config{
		"Accept": {Tokens: macs{}},
		"Tokens": {Accept: a.accept},
		"Window": {Accept: a.accept, Tokens: macs{}, Window: -1},
		"Outbox": {Accept: a.accept, Tokens: macs{}, Outbox: -1},
	} {
		func() {
			defer func() {
				if got, _ := recover().(string); !strings.Contains(got, "Config."+name) {
					t.Errorf("%s: panicked with %q, want it named", name, got)
				}
			}()
			New(cfg)
		}()
	}
}

func TestBoundsCanBeTurnedOff(t *testing.T) {
	h, a := newHandler(Config{MaxMessage: -1, MaxBody: -1})
	c, s := connect(t, h, a)
	message := "[" + strings.Repeat("1", 9_000_000) + "]"
	want(t, "a post of 9 MB", c.post(message), 200)
	if got := s.received(); len(got) != 1 || got[0] != message {
		t.Error("the message did not arrive")
	}
}

func decode(t *testing.T, body []byte) (a answer) {
	t.Helper()
	if err := json.Unmarshal(body, &a); err != nil {
		t.Fatalf("body %q: %v", body, err)
	}
	return a
}

// forge signs the id of token with another key.
func forge(t *testing.T, token string) string {
	t.Helper()
	id, err := macs{"key"}.Verify(token)
	if err != nil {
		t.Fatal(err)
	}
	forged, _ := macs{"other key"}.Sign(id)
	return forged
}
