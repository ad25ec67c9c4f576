package client_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/client"
	"github.com/roost-dev/roost/history"
)

func TestConversation(t *testing.T) { overBoth(t, testConversation) }

func testConversation(t *testing.T, polls bool) {
	t.Helper()
	a := newApp(t, appOptions{})
	s := dial(t, a.start(t), client.Options{LongPoll: polls, Params: named("ada")})
	ch := s.Channel("room:1", nil)
	heard := make(chan said, 10)
	ch.On(Said, func(_ context.Context, v said) { heard <- v })
	ch.On(Noted, func(_ context.Context, v said) { heard <- v })
	blobs := make(chan []byte, 1)
	ch.On(Blob, func(_ context.Context, v []byte) { blobs <- v })
	if w := join(t, ch); w != (welcome{"ada", 1}) {
		t.Errorf("the join was answered %v", w)
	}
	if !ch.Joined() || ch.Topic() != "room:1" || !s.Connected() {
		t.Errorf("joined %v, topic %q, connected %v", ch.Joined(), ch.Topic(), s.Connected())
	}

	// Replies, broadcasts and pushes, typed.
	if r, err := ch.Call(t.Context(), Say, said{"ada", "hi"}); err != nil || r.N != 1 {
		t.Errorf("say: %v, %v", r, err)
	}
	if v := next(t, "the broadcast", heard); v != (said{"ada", "hi"}) {
		t.Errorf("heard %v", v)
	}
	if _, err := ch.Call(t.Context(), Greet, said{"ada", "me"}); err != nil {
		t.Errorf("greet: %v", err)
	}
	if v := next(t, "the push", heard); v != (said{"ada", "me"}) {
		t.Errorf("heard %v", v)
	}
	if !polls { // where a server has no way to say bytes
		if got, err := ch.Call(t.Context(), Bytes, []byte{0, 255}); err != nil || !bytes.Equal(got, []byte("got \x00\xff")) {
			t.Errorf("bytes: %q, %v", got, err)
		}
		if v := next(t, "the bytes", blobs); !bytes.Equal(v, []byte{0, 255}) {
			t.Errorf("heard %q", v)
		}
	}

	// An error reply is the server's error, and ends nothing.
	_, err := ch.Call(t.Context(), Refuse, said{})
	if e, ok := errors.AsType[*roost.Error](err); !ok || e.Reason != "muted" || e.Details["until"] != "noon" {
		t.Errorf("refuse: %v", err)
	}
	if _, err := ch.Call(t.Context(), Whisper, said{}); err == nil || !strings.Contains(err.Error(), "use Push") {
		t.Errorf("a call of an event without reply: %v", err)
	}
	if err := ch.Push(t.Context(), Whisper, said{"ada", "psst"}); err != nil {
		t.Errorf("push: %v", err)
	}
	if r, err := ch.Call(t.Context(), Say, said{"ada", "again"}); err != nil || r.N != 2 {
		t.Errorf("say: %v, %v", r, err)
	}
	if v := next(t, "the broadcast", heard); v.Text != "again" {
		t.Errorf("heard %v, and not what the channel itself whispered", v)
	}
}

func TestTwoClientsHearEachOther(t *testing.T) { overBoth(t, testTwoClientsHearEachOther) }

func testTwoClientsHearEachOther(t *testing.T, polls bool) {
	t.Helper()
	url := newApp(t, appOptions{}).start(t)
	heard := make(chan said, 10)
	var channels []*client.Channel
	for _, name := range []string{"ada", "bob"} {
		ch := dial(t, url, client.Options{LongPoll: polls, Params: named(name)}).Channel("room:1", nil)
		if name == "bob" {
			ch.On(Said, func(_ context.Context, v said) { heard <- v })
		}
		join(t, ch)
		channels = append(channels, ch)
	}
	for _, text := range []string{"one", "two", "three"} {
		if err := channels[0].Push(t.Context(), Whisper, said{"ada", text}); err != nil {
			t.Error(err)
		}
	}
	for _, want := range []string{"one", "two", "three"} {
		if v := next(t, want, heard); v.Text != want {
			t.Errorf("heard %v, want %s", v, want)
		}
	}
}

func TestJoinThatIsRefused(t *testing.T) { overBoth(t, testJoinThatIsRefused) }

func testJoinThatIsRefused(t *testing.T, polls bool) {
	t.Helper()
	a := newApp(t, appOptions{join: func(_ context.Context, _ string, p joining) error {
		if p.Name == "mallory" {
			return &roost.Error{Reason: "unauthorized", Details: map[string]any{"until": "noon"}}
		}
		return nil
	}})
	s := dial(t, a.start(t), client.Options{LongPoll: polls})
	ch := s.Channel("room:1", nil)
	_, err := ch.Join[welcome](t.Context(), joining{"mallory"})
	if e, ok := errors.AsType[*roost.Error](err); !ok || e.Reason != "unauthorized" || e.Details["until"] != "noon" {
		t.Errorf("join: %v", err)
	}
	next(t, "the end of the channel", ch.Done())
	if !errors.Is(ch.Err(), err) {
		t.Errorf("the channel ended with %v, not %v", ch.Err(), err)
	}
	if _, err := ch.Join[welcome](t.Context(), nil); err == nil || !strings.Contains(err.Error(), "joined before") {
		t.Errorf("a second join: %v", err)
	}
	if _, err := s.Channel("room:1", nil).Join[welcome](t.Context(), joining{"ada"}); err != nil {
		t.Errorf("another channel: %v", err)
	}
	if _, err := s.Channel("room:1", nil).Join[welcome](t.Context(), nil); err == nil || !strings.Contains(err.Error(), "leave that one first") {
		t.Errorf("two channels of a topic: %v", err)
	}
	if _, err := s.Channel("room:2", nil).Join[roost.Payload](t.Context(), func() {}); err == nil {
		t.Error("parameters that cannot be encoded were")
	}
}

func TestLeave(t *testing.T) { overBoth(t, testLeave) }

func testLeave(t *testing.T, polls bool) {
	t.Helper()
	a := newApp(t, appOptions{})
	s := dial(t, a.start(t), client.Options{LongPoll: polls})
	ch := s.Channel("room:1", nil)
	heard := make(chan said, 10)
	ch.On(Said, func(_ context.Context, v said) { heard <- v })
	if _, err := ch.Call(t.Context(), Say, said{}); err == nil || !strings.Contains(err.Error(), "call Join first") {
		t.Errorf("a call before the join: %v", err)
	}
	join(t, ch)
	if err := ch.Leave(t.Context()); err != nil {
		t.Errorf("leave: %v", err)
	}
	next(t, "the end of the channel", ch.Done())
	if err := Said.Broadcast(t.Context(), a.ps, "room:1", said{}); err != nil {
		t.Error(err)
	}
	if _, err := ch.Call(t.Context(), Say, said{}); !errors.Is(err, client.ErrClosed) || !errors.Is(ch.Err(), client.ErrClosed) {
		t.Errorf("a call after the leave: %v; the channel ended with %v", err, ch.Err())
	}
	if err := ch.Leave(t.Context()); err != nil {
		t.Errorf("leave again: %v", err)
	}
	again := s.Channel("room:1", nil)
	if w := join(t, again); w.Joins != 2 {
		t.Errorf("the second join was answered %v", w)
	}
	if len(heard) > 0 {
		t.Errorf("heard %v after the leave", <-heard)
	}
}

func TestServerEndsAConversation(t *testing.T) { overBoth(t, testServerEndsAConversation) }

func testServerEndsAConversation(t *testing.T, polls bool) {
	t.Helper()
	a := newApp(t, appOptions{})
	ch := dial(t, a.start(t), client.Options{LongPoll: polls}).Channel("room:1", nil)
	join(t, ch)
	if _, err := ch.Call(t.Context(), Finish, roost.Ack{}); err != nil {
		t.Errorf("finish: %v", err)
	}
	next(t, "the end of the channel", ch.Done())
	if !errors.Is(ch.Err(), client.ErrEnded) {
		t.Errorf("the channel ended with %v", ch.Err())
	}
}

func TestConversationThatCrashesIsJoinedAgain(t *testing.T) {
	overBoth(t, testConversationThatCrashesIsJoinedAgain)
}

func testConversationThatCrashesIsJoinedAgain(t *testing.T, polls bool) {
	t.Helper()
	a := newApp(t, appOptions{})
	n := 0
	ch := dial(t, a.start(t), client.Options{LongPoll: polls}).Channel("room:1", &client.ChannelOptions{
		RejoinParams: func(context.Context) (any, error) {
			if n++; n == 1 {
				return nil, errors.New("not yet")
			}
			return joining{"anew"}, nil
		},
	})
	errs := make(chan error, 10)
	ch.OnError(func(_ context.Context, err error) { errs <- err })
	rejoined := make(chan welcome, 10)
	ch.OnRejoin(func(_ context.Context, w welcome) { rejoined <- w })
	join(t, ch)
	if err := ch.Push(t.Context(), Crash, roost.Ack{}); err != nil {
		t.Error(err)
	}
	err := next(t, "the crash", errs)
	if e, ok := errors.AsType[*roost.Error](err); !ok || e.Reason != "channel_crash" {
		t.Errorf("crash: %v", err)
	}
	if err := next(t, "the failure", errs); !strings.Contains(err.Error(), "not yet") {
		t.Errorf("parameters: %v", err)
	}
	if w := next(t, "the rejoin", rejoined); w != (welcome{"anew", 2}) {
		t.Errorf("the second join was answered %v", w)
	}
	if r, err := ch.Call(t.Context(), Say, said{}); err != nil || r.N != 1 {
		t.Errorf("say: %v, %v", r, err)
	}
}

func TestCallInFlightWhenTheConversationCrashes(t *testing.T) {
	overBoth(t, testCallInFlightWhenTheConversationCrashes)
}

func testCallInFlightWhenTheConversationCrashes(t *testing.T, polls bool) {
	t.Helper()
	a := newApp(t, appOptions{})
	ch := dial(t, a.start(t), client.Options{LongPoll: polls}).Channel("room:1", nil)
	join(t, ch)
	result := make(chan error)
	go func() {
		_, err := ch.Call(t.Context(), Silent, said{})
		result <- err
	}()
	if _, err := ch.Call(t.Context(), Greet, said{}); err != nil {
		t.Error(err)
	}
	if err := ch.Push(t.Context(), Crash, roost.Ack{}); err != nil {
		t.Error(err)
	}
	err := next(t, "the call", result)
	if !errors.Is(err, client.ErrInterrupted) {
		t.Errorf("call: %v", err)
	}
}

func TestConnectionThatIsLostComesBack(t *testing.T) { overBoth(t, testConnectionThatIsLostComesBack) }

func testConnectionThatIsLostComesBack(t *testing.T, polls bool) {
	t.Helper()
	a := newApp(t, appOptions{})
	p := newProxy(t, a.start(t), nil, nil)
	opened, closed := make(chan struct{}, 10), make(chan error, 10)
	s := dial(t, p.url(), client.Options{
		LongPoll: polls,
		Params:   named("ada"),
		OnOpen:   func() { opened <- struct{}{} },
		OnClose:  func(err error) { closed <- err },
	})
	next(t, "the connection", opened)
	channels := make([]*client.Channel, 3)
	rejoined := make(chan welcome, 10)
	for i, topic := range []string{"room:1", "room:2", "room:3"} {
		channels[i] = s.Channel(topic, nil)
		channels[i].OnRejoin(func(_ context.Context, w welcome) { rejoined <- w })
		join(t, channels[i])
	}
	inFlight := make(chan error)
	go func() {
		_, err := channels[0].Call(t.Context(), Silent, said{})
		inFlight <- err
	}()
	if _, err := channels[0].Call(t.Context(), Greet, said{}); err != nil {
		t.Error(err)
	}
	p.settle()
	p.cut()
	if err := next(t, "the loss", closed); err == nil {
		t.Error("a lost connection was no error")
	}
	// Whether it was sent before the cut or waits for another connection is chance; it does not vanish.
	if _, err := channels[1].Call(t.Context(), Greet, said{}); err != nil && !errors.Is(err, client.ErrInterrupted) {
		t.Errorf("call: %v", err)
	}
	next(t, "another connection", opened)
	for range channels {
		if w := next(t, "the rejoin", rejoined); w.Joins != 2 {
			t.Errorf("a rejoin was answered %v", w)
		}
	}

	a.ps.Disconnect(t.Context(), "ada")
	if e, ok := errors.AsType[*client.CloseError](next(t, "the disconnect", closed)); !ok || e.Code != codeOf(polls, 1001) {
		t.Errorf("the server disconnected with %v", e)
	}
	next(t, "another connection", opened)
	for range channels {
		next(t, "the rejoin", rejoined)
	}
	shut(t, s)
	select {
	case err := <-inFlight:
		if !errors.Is(err, client.ErrInterrupted) {
			t.Errorf("the call in flight: %v", err)
		}
	case <-time.After(patience):
		t.Error("the call in flight goes on")
	}
	wantNoGoroutines(t)
}

func TestServerThatRestarts(t *testing.T) { overBoth(t, testServerThatRestarts) }

func testServerThatRestarts(t *testing.T, polls bool) {
	t.Helper()
	l := listen(t, "127.0.0.1:0")
	addr, url := l.Addr().String(), socketURL(l)
	stop := newApp(t, appOptions{keep: &history.Keep{}}).serve(t, l)
	closed := make(chan error, 1000)
	s := dial(t, url, client.Options{LongPoll: polls, OnClose: func(err error) { closed <- err }})
	ch := s.Channel("log:1", &client.ChannelOptions{History: true})
	d := keep(ch)
	join(t, ch)
	stop()
	lost := next(t, "the restart", closed)
	if e, ok := errors.AsType[*client.CloseError](lost); !polls && (!ok || e.Code != 1012) { // a poll that is cut is as likely
		t.Errorf("the server went with %v", lost)
	}
	next(t, "a try in vain", closed)
	newApp(t, appOptions{keep: &history.Keep{}}).serve(t, listen(t, addr))
	wantDiary(t, d, "gap", "rejoined") // what was kept in memory is gone, and the client knows
	if r, err := ch.Call(t.Context(), Say, said{}); err != nil || r.N != 1 {
		t.Errorf("say: %v, %v", r, err)
	}
}

func TestRefusedConnection(t *testing.T) { overBoth(t, testRefusedConnection) }

func testRefusedConnection(t *testing.T, polls bool) {
	t.Helper()
	a := newApp(t, appOptions{
		options: roost.Options[string]{AuthToken: true},
		connect: func(r *roost.ConnectRequest) error {
			if r.AuthToken != "fresh?" || r.Param("name") != "ada" || r.Header.Get("X-Trace") != "7" {
				return errors.New("no")
			}
			return nil
		},
	})
	address := a.start(t)
	_, err := client.Dial(t.Context(), address, nil)
	if e, ok := errors.AsType[*client.RefusedError](err); !ok || e.Status != http.StatusForbidden {
		t.Errorf("without a token: %v", err)
	}

	// A token that is refused is asked for anew, at once.
	kept := "stale"
	var events []string
	o := client.Options{
		LongPoll: polls,
		Params:   named("ada"),
		Header:   http.Header{"X-Trace": {"7"}},
		AuthToken: func(context.Context) (string, error) {
			if kept == "" {
				kept = "fresh?"
			}
			events = append(events, kept)
			return kept, nil
		},
		OnClose: func(err error) {
			if errors.As(err, new(*client.RefusedError)) {
				events, kept = append(events, "refused"), ""
			}
		},
	}
	s := dial(t, address, o)
	shut(t, s)
	if want := []string{"stale", "refused", "fresh?"}; !slices.Equal(events, want) {
		t.Errorf("got %q, want %q", events, want)
	}

	o.AuthToken = func(context.Context) (string, error) { return "", errors.New("no token") }
	if _, err := client.Dial(t.Context(), address, &o); err == nil || !strings.Contains(err.Error(), "Options.AuthToken: no token") {
		t.Errorf("with a token that fails: %v", err)
	}
	o.Params = func(context.Context) (url.Values, error) { return nil, errors.New("no params") }
	if _, err := client.Dial(t.Context(), address, &o); err == nil || !strings.Contains(err.Error(), "Options.Params: no params") {
		t.Errorf("with parameters that fail: %v", err)
	}
	wantNoGoroutines(t)
}

func TestDialNeedsAURL(t *testing.T) {
	for _, url := range []string{"", "://", "example.com/socket", "ftp://example.com/socket", "ws:///socket"} {
		if _, err := client.Dial(t.Context(), url, nil); err == nil {
			t.Errorf("%q was dialed", url)
		}
	}
}

// The context of Dial is for the first connection only.
func TestContextOfDial(t *testing.T) { overBoth(t, testContextOfDial) }

func testContextOfDial(t *testing.T, polls bool) {
	t.Helper()
	url := newApp(t, appOptions{}).start(t)
	ctx, cancel := context.WithCancel(t.Context())
	s, err := client.Dial(ctx, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	ch := s.Channel("room:1", nil)
	join(t, ch)
	if _, err := ch.Call(t.Context(), Greet, said{}); err != nil {
		t.Error(err)
	}
	if _, err := client.Dial(ctx, url, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that has ended: %v", err)
	}
	shut(t, s)
	if !errors.Is(s.Err(), client.ErrClosed) || !errors.Is(ch.Err(), client.ErrClosed) {
		t.Errorf("the socket ended with %v, the channel with %v", s.Err(), ch.Err())
	}
	if _, err := s.Channel("room:2", nil).Join[welcome](t.Context(), nil); !errors.Is(err, client.ErrClosed) {
		t.Errorf("a join on a closed socket: %v", err)
	}
}

func TestEventThatDoesNotFitItsType(t *testing.T) { overBoth(t, testEventThatDoesNotFitItsType) }

func testEventThatDoesNotFitItsType(t *testing.T, polls bool) {
	t.Helper()
	a := newApp(t, appOptions{})
	ch := dial(t, a.start(t), client.Options{LongPoll: polls}).Channel("room:1", nil)
	errs := make(chan error, 10)
	ch.OnError(func(_ context.Context, err error) { errs <- err })
	ch.On(roost.NewOut[struct{ Text int }]("said"), func(context.Context, struct{ Text int }) { t.Error("it was decoded") })
	ch.On(roost.NewOut[said]("blob"), func(context.Context, said) { t.Error("it was decoded") })
	raw := make(chan roost.Payload, 1)
	ch.On(roost.NewOut[roost.Payload]("said"), func(_ context.Context, p roost.Payload) { raw <- p })
	join(t, ch)
	if err := Said.Broadcast(t.Context(), a.ps, "room:1", said{Text: "secret"}); err != nil {
		t.Error(err)
	}
	if err := next(t, "the error", errs); !strings.Contains(err.Error(), `event "said"`) || strings.Contains(err.Error(), "secret") {
		t.Errorf("said: %v", err)
	}
	if p := next(t, "the payload", raw); !strings.Contains(string(p.Data), "secret") {
		t.Errorf("the payload is %s", p.Data)
	}
	defer func() {
		if recover() == nil {
			t.Error("On after Join did not panic")
		}
	}()
	defer ch.On(Said, func(context.Context, said) {})
	if polls { // where bytes are said to nobody
		return
	}
	if err := Blob.Broadcast(t.Context(), a.ps, "room:1", []byte("x")); err != nil {
		t.Error(err)
	}
	if err := next(t, "the error", errs); !strings.Contains(err.Error(), `event "blob"`) {
		t.Errorf("blob: %v", err)
	}
}

func TestMessageThatIsTooLargeClosesTheConnection(t *testing.T) {
	overBoth(t, testMessageThatIsTooLargeClosesTheConnection)
}

func testMessageThatIsTooLargeClosesTheConnection(t *testing.T, polls bool) {
	t.Helper()
	a := newApp(t, appOptions{})
	closed := make(chan error, 10)
	ch := dial(t, a.start(t), client.Options{LongPoll: polls, MaxMessage: 1000, OnClose: func(err error) { closed <- err }}).Channel("room:1", nil)
	join(t, ch)
	if err := Said.Broadcast(t.Context(), a.ps, "room:1", said{Text: strings.Repeat("x", 2000)}); err != nil {
		t.Error(err)
	}
	if err := next(t, "the end", closed); !strings.Contains(err.Error(), "larger than 1000 bytes") {
		t.Errorf("closed with %v", err)
	}
	// And one of ours that is too large for the server says so.
	_, err := ch.Call(t.Context(), Say, said{Text: strings.Repeat("x", 100<<10)})
	if e, ok := errors.AsType[*client.CloseError](err); !ok || e.Code != 1009 || !errors.Is(err, client.ErrInterrupted) {
		t.Errorf("say: %v", err)
	}
}

func TestOverTLS(t *testing.T) { overBoth(t, testOverTLS) }

func testOverTLS(t *testing.T, polls bool) {
	t.Helper()
	a := newApp(t, appOptions{})
	server := httptestTLS(t, a)
	s := dial(t, "wss://"+server.Listener.Addr().String()+"/socket/websocket", client.Options{LongPoll: polls, Transport: server.Client().Transport})
	ch := s.Channel("room:1", nil)
	join(t, ch)
	if _, err := ch.Call(t.Context(), Greet, said{}); err != nil {
		t.Error(err)
	}
	shut(t, s)
}
