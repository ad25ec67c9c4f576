package roost_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/roosttest"
)

func TestMistakesInTheWiringPanicWhenTheProgramStarts(t *testing.T) {
	type channel = roost.Channel[room]
	handler := func() *roost.Handler[user, room] { return new(app).handler() }
	tests := []struct {
		name, word string
		wire       func()
	}{
		{"a callback for values of an interface", "interface", func() {
			handler().HandleInfo(func(context.Context, *channel, error) error { return nil })
		}},
		{"no join callback", "join", func() { roost.NewHandler[user, room, struct{}, count](nil, nil) }},
		{"no callback for an event", "nil", func() { handler().HandleIn(roost.NewIn[say, count]("new"), nil) }},
		{"no callback for a value", "nil", func() { handler().HandleInfo[int](nil) }},
		{"no callback for another topic's event", "nil", func() { handler().HandleEvent(Private, nil) }},
		{"no interception", "nil", func() { handler().HandleOut(Private, nil) }},
		{"no callback for any event", "nil", func() { handler().HandleAny(nil) }},
		{"no interception of any event", "nil", func() { handler().HandleOutAny(nil) }},
		{"no callback for the end", "nil", func() { handler().OnTerminate(nil) }},
		{"an event to emit that was not declared", "NewOut", func() { handler().Emits(roost.Out[said]{}) }},
		{"an event to intercept that was not declared", "NewOut", func() {
			handler().HandleOut(roost.Out[said]{}, func(context.Context, *channel, said) (v said, ok bool, err error) { return })
		}},
		{"another topic's event that was not declared", "NewOut", func() {
			handler().HandleEvent(roost.Out[said]{}, func(context.Context, *channel, string, said) error { return nil })
		}},
		{"two types for one event", "two types", func() {
			handler().Emits(roost.NewOut[said]("twofold"), roost.NewOut[count]("twofold"))
		}},
		{"no handler", "handler", func() { new(app).server().Handle[room]("x", nil) }},
		{"no mailbox", "MailboxLen", func() { (&app{opts: roost.Options[user]{MailboxLen: -1}}).server() }},
		{"a mailbox without room", "MailboxBytes", func() { (&app{opts: roost.Options[user]{MailboxBytes: -1}}).server() }},
		{"no channels", "MaxChannels", func() { (&app{opts: roost.Options[user]{MaxChannels: -1}}).server() }},
		{"no time to join", "JoinTimeout", func() { (&app{opts: roost.Options[user]{JoinTimeout: -1}}).server() }},
		{"a secret that can be guessed", "20", func() { (&app{opts: roost.Options[user]{Secret: "short"}}).server() }},
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

// The pattern * matches every topic, but there is none without a name, nor
// one that is no string.
func TestATopicNeedsAName(t *testing.T) {
	bubble(t, func(t *testing.T) {
		server := new(app).server()
		server.Handle("*", new(app).handler())
		c := dial(t, server, "ada")
		for _, topic := range []string{`""`, `17`, `["room:1"]`} {
			c.raw(`["1","1",` + topic + `,"phx_join",{}]`)
			c.want(`[null,"1",` + topic + `,"phx_reply",{"response":{"reason":"unmatched topic"},"status":"error"}]`)
		}
		if server.Channels() != 0 {
			t.Error("a conversation began")
		}
	})
}

func TestPanicsWhileConnectingAreFaultsOfTheServer(t *testing.T) {
	boom := func() { panic("boom") }
	for name, opts := range map[string]*roost.Options[user]{
		"ID":         {ID: func(user) string { boom(); return "" }},
		"VerifyCSRF": {Cookies: []string{"session"}, VerifyCSRF: func(*http.Request, string) bool { boom(); return true }},
	} {
		logs := &lines{}
		opts.Logger = textLogger(logs)
		server := roost.NewServer(func(context.Context, *roost.ConnectRequest) (user, error) { return user{}, nil }, opts)
		site := httptest.NewServer(server)
		t.Cleanup(site.Close)
		r, err := http.Get(site.URL + "/longpoll?vsn=2.0.0")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		readAll(t, r)
		if r.StatusCode != 500 || !logs.contain("wiring_test.go") {
			t.Errorf("%s: status %d; the stack was logged: %v", name, r.StatusCode, logs.contain("wiring_test.go"))
		}
		if server.Sockets() != 0 {
			t.Errorf("%s: a socket is open", name)
		}
	}
}

func TestPanicsInTracesHarmNobody(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := &app{opts: roost.Options[user]{Trace: roost.Trace{
			Opened:    func(roost.SocketInfo) { panic("boom") },
			Closed:    func(roost.ClosedInfo) { panic("boom") },
			Joined:    func(roost.JoinedInfo) { panic("boom") },
			HandledIn: func(roost.HandledInInfo) { panic("boom") },
			Ended:     func(roost.EndedInfo) { panic("boom") },
			Malformed: func(roost.MalformedInfo) { panic("boom") },
		}}}
		server := a.server()
		client := roosttest.Connect(t, server, named("ada"))
		ch := client.Join("room:1", nil)
		ch.Call(Sum, count{1})
		ch.Leave()
		client.Close()
		broken := dial(t, server, "bob")
		broken.raw("{")
		if code := broken.closed(); code != 1011 {
			t.Errorf("closed with %d, want 1011", code)
		}
		synctest.Wait()
		if server.Sockets() != 0 {
			t.Errorf("%d sockets left", server.Sockets())
		}
		for _, name := range []string{"Opened", "Closed", "Joined", "HandledIn", "Ended", "Malformed"} {
			if !a.logs.contain("callback=Trace." + name) {
				t.Errorf("the panic of Trace.%s was not logged", name)
			}
		}
	})
}

func TestTracesTellWhatHappened(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var mu sync.Mutex // guards told
		var told []string
		tell := func(format string, args ...any) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, fmt.Sprintf(format, args...))
		}
		a := &app{opts: roost.Options[user]{Trace: roost.Trace{
			Opened:    func(i roost.SocketInfo) { tell("opened %s %s %s", i.ID, i.Transport, i.Version) },
			Closed:    func(i roost.ClosedInfo) { tell("closed %v", i.Err) },
			Joined:    func(i roost.JoinedInfo) { tell("joined %s %v %v", i.Topic, i.Duration, i.Err) },
			HandledIn: func(i roost.HandledInInfo) { tell("handled %s %v %v", i.Event, i.Duration, i.Err) },
			Ended:     func(i roost.EndedInfo) { tell("ended %s %v", i.Topic, i.Reason) },
		}}}
		a.join = func(_ context.Context, ch *roost.Channel[room], _ *roost.Socket[user], _ struct{}) (count, error) {
			time.Sleep(time.Second)
			if ch.Topic() == "room:secret" {
				return count{}, &roost.Error{Reason: "unauthorized"}
			}
			return count{}, nil
		}
		a.do = func(context.Context, *roost.Channel[room], say) (count, error) {
			time.Sleep(time.Minute / 2)
			return count{}, errors.New("no")
		}
		client := roosttest.Connect(t, a.server(), named("ada"))
		client.JoinError("room:secret", nil)
		ch := client.Join("room:1", nil)
		ch.CallError(Do, say{"x"})
		ch.Leave()
		synctest.Wait() // its end may be told later than the client is
		client.Close()
		synctest.Wait()
		want := []string{
			"opened user:ada memory 2.0.0",
			"joined room:secret 1s unauthorized",
			"joined room:1 1s <nil>",
			"handled do 30s no",
			"ended room:1 left",
			"closed <nil>",
		}
		if strings.Join(told, "\n") != strings.Join(want, "\n") {
			t.Errorf("got  %q\nwant %q", told, want)
		}
	})
}

func TestRefusalsAreAnsweredAsTheApplicationWants(t *testing.T) {
	errBusy := errors.New("busy")
	server := roost.NewServer(func(context.Context, *roost.ConnectRequest) (user, error) { return user{}, errBusy },
		&roost.Options[user]{Logger: textLogger(&lines{}), Refused: func(w http.ResponseWriter, _ *http.Request, err error) {
			if errors.Is(err, errBusy) {
				w.WriteHeader(http.StatusTooManyRequests)
			}
		}})
	site := httptest.NewServer(server)
	t.Cleanup(site.Close)
	for query, want := range map[string]int{"vsn=2.0.0": 429, "vsn=123.1.1": 403, "vsn[a]=1": 403, "a=%ff": 400} {
		r, err := http.NewRequest("GET", site.URL+"/websocket?"+query, nil)
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range map[string]string{
			"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
		} {
			r.Header.Set(name, value)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		readAll(t, answer)
		if answer.StatusCode != want {
			t.Errorf("%s: status %d, want %d", query, answer.StatusCode, want)
		}
	}
}
