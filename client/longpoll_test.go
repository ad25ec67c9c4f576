package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/client"
	"github.com/roost-dev/roost/internal/ws"
)

// ask is a request of a client that polls, which a test answers by hand.
type ask struct {
	*http.Request

	body   string
	status int // of HTTP
	answer chan string
}

func (a *ask) sayf(format string, args ...any) { a.answer <- fmt.Sprintf(format, args...) }

// asked serves clients that poll.
func asked(t *testing.T) (socketURL string, polls, posts chan *ask) {
	t.Helper()
	polls, posts = make(chan *ask), make(chan *ask)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		a := &ask{Request: r, body: string(body), status: http.StatusOK, answer: make(chan string)}
		to := polls
		if r.Method == http.MethodPost {
			to = posts
		}
		select {
		case to <- a:
		case <-r.Context().Done():
			return
		}
		select {
		case answer := <-a.answer:
			w.WriteHeader(a.status)
			_, _ = io.WriteString(w, answer)
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(server.Close)
	return strings.Replace(server.URL, "http", "ws", 1) + "/socket/websocket", polls, posts
}

// dialAsked lets a client connect with the token "one".
func dialAsked(t *testing.T, url string, polls chan *ask, o client.Options) *client.Socket {
	t.Helper()
	go func() { (<-polls).sayf(`{"status":410,"token":"one","messages":[]}`) }()
	o.LongPoll = true
	return dial(t, url, o)
}

// joinAsked joins "t".
func joinAsked(t *testing.T, ch *client.Channel, polls, posts chan *ask, token string) (joinRef string) {
	t.Helper()
	joined := make(chan error, 1)
	go func() {
		_, err := ch.Join[roost.Ack](t.Context(), nil)
		joined <- err
	}()
	post := next(t, "the join", posts)
	m, err := ws.Split([]byte(post.body))
	if err != nil {
		t.Fatal(err)
	}
	post.sayf(`{"status":200}`)
	next(t, "a poll", polls).sayf(`{"status":200,"token":%q,"messages":[%q]}`, token,
		fmt.Sprintf(`[%s,%s,"t","phx_reply",{"status":"ok","response":{}}]`, m.JoinRef, m.Ref))
	if err := next(t, "the reply", joined); err != nil {
		t.Fatal(err)
	}
	return string(m.JoinRef)
}

// What is on the wire of long polling (spec/protocol.md §13).
func TestRequestsOfLongPolling(t *testing.T) {
	url, polls, posts := asked(t)
	closed := make(chan error, 10)
	opened := make(chan *client.Socket)
	go func() {
		opened <- dial(t, url, client.Options{
			LongPoll:  true,
			Params:    named("ada"),
			AuthToken: func(context.Context) (string, error) { return "to?ken", nil },
			Header:    http.Header{"X-Trace": {"7"}, "Sec-Websocket-Protocol": {"other"}},
			OnClose:   func(err error) { closed <- err },
		})
	}()
	first := next(t, "the first poll", polls)
	if got := first.URL.String(); got != "/socket/longpoll?name=ada&vsn=2.0.0" || first.Method != http.MethodGet {
		t.Errorf("the first request is %s %s", first.Method, got)
	}
	for name, want := range map[string]string{
		"X-Phoenix-Authtoken": "to?ken", "X-Phoenix-Longpoll-Token": "", "Accept": "application/json", "X-Trace": "7", "Sec-Websocket-Protocol": "",
	} {
		if got := first.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	first.sayf(`{"status":410,"token":"one","messages":[]}`)
	s := next(t, "the connection", opened)
	if !s.LongPolling() || !s.Connected() {
		t.Errorf("long polling %v, connected %v", s.LongPolling(), s.Connected())
	}
	ch := s.Channel("t", nil)
	joinRef := joinAsked(t, ch, polls, posts, "two")

	// One POST is under way at a time; what is pushed meanwhile goes together in the next.
	push := func(in roost.In[said, roost.NoReply], text string) {
		t.Helper()
		if err := ch.Push(t.Context(), in, said{Text: text}); err != nil {
			t.Error(err)
		}
	}
	push(Whisper, "1")
	post := next(t, "a post", posts)
	if got := post.Header; got.Get("X-Phoenix-Longpoll-Token") != "two" || got.Get("Content-Type") != "application/x-ndjson" || got.Get("X-Phoenix-Authtoken") != "" {
		t.Errorf("the header of a post is %v", got)
	}
	push(Whisper, "2")
	push(Whisper, "3")
	if err := ch.Push(t.Context(), Bytes, []byte{0, 255}); err != nil {
		t.Error(err)
	}
	poll := next(t, "a poll", polls)
	if token := poll.Header.Get("X-Phoenix-Longpoll-Token"); token != "two" {
		t.Errorf("it polled with the token %q", token)
	}
	select {
	case <-posts:
		t.Fatal("a second post came beside the first")
	default:
	}
	post.sayf(`{"status":200}`)
	post = next(t, "the next post", posts)
	lines := strings.Split(post.body, "\n")
	jr := joinRef[1 : len(joinRef)-1]
	if len(lines) != 3 || !strings.HasPrefix(lines[0], "["+joinRef) || !strings.Contains(lines[0], `"2"`) || !strings.Contains(lines[1], `"3"`) ||
		strings.ContainsAny(lines[2], `[]"`) {
		t.Errorf("posted %q in the conversation %s", lines, jr)
	}
	post.sayf(`{"status":200}`)

	// Nothing for a window, and then the end of the session.
	poll.sayf(`{"status":204,"token":"three","messages":[]}`)
	poll = next(t, "a poll", polls)
	if token := poll.Header.Get("X-Phoenix-Longpoll-Token"); token != "three" {
		t.Errorf("it polled with the token %q", token)
	}
	poll.sayf(`{"status":410,"token":"four","messages":[]}`)
	if e, ok := errors.AsType[*client.CloseError](next(t, "the end", closed)); !ok || e.Code != 3410 {
		t.Errorf("closed with %v", e)
	}
	poll = next(t, "another session", polls)
	if token := poll.Header.Get("X-Phoenix-Longpoll-Token"); token != "" {
		t.Errorf("it began anew with the token %q", token)
	}
}

func TestPostsHoldAtMostAHundredMessages(t *testing.T) {
	url, polls, posts := asked(t)
	ch := dialAsked(t, url, polls, client.Options{}).Channel("t", nil)
	joinAsked(t, ch, polls, posts, "two")
	const all = 400
	go func() {
		for n := range all {
			_ = ch.Push(t.Context(), Whisper, said{Text: fmt.Sprintf("<%d>", n)})
		}
	}()
	for n := 0; n < all; {
		post := next(t, "a post", posts)
		lines := strings.Split(post.body, "\n")
		if len(lines) > 100 {
			t.Fatalf("a post has %d lines", len(lines))
		}
		for _, line := range lines {
			if !strings.Contains(line, fmt.Sprintf("<%d>", n)) {
				t.Fatalf("message %d is %s", n, line)
			}
			n++
		}
		post.sayf(`{"status":200}`)
	}
}

// The server cannot see that a client which polls has gone: it is told.
func TestClosingLeavesTheChannelsOfLongPolling(t *testing.T) {
	url, polls, posts := asked(t)
	s := dialAsked(t, url, polls, client.Options{})
	joinRef := joinAsked(t, s.Channel("t", nil), polls, posts, "two")
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		shut(t, s)
	}()
	post := next(t, "the last post", posts)
	if want := "[" + joinRef; !strings.HasPrefix(post.body, want) || !strings.Contains(post.body, `"t","phx_leave"`) {
		t.Errorf("posted %s", post.body)
	}
	post.sayf(`{"status":200}`)
	next(t, "the end of the socket", ended)
	wantNoGoroutines(t)
}

func TestLongPollingThatIsRefused(t *testing.T) {
	for _, test := range []struct {
		status  int
		body    string
		refused int // as RefusedError has it; 0: it is another error
		want    string
	}{
		{200, `{"status":403}`, 403, "HTTP 403"},
		{429, `{"status":403}`, 429, "HTTP 429"},
		{200, `{"status":500}`, 500, "HTTP 500"},
		{503, `{"status":500}`, 503, "HTTP 503"},
		{404, `<html>not found</html>`, 404, "HTTP 404"},
		{302, ``, 302, "HTTP 302"},
		{200, `{"status":200,"token":"one"}`, 200, "HTTP 200"},
		{200, `{"status":410,"messages":[]}`, 410, "HTTP 410"},
		{200, `<html>Accept our terms</html>`, 0, "an answer to long polling without a status"},
		{200, ``, 0, "an answer to long polling without a status"},
		{200, `{"status":"410"}`, 0, "an answer to long polling without a status"},
	} {
		url, polls, _ := asked(t)
		go func() {
			poll := <-polls
			poll.status = test.status
			poll.sayf("%s", test.body)
		}()
		_, err := client.Dial(t.Context(), url, &client.Options{LongPoll: true})
		refused, _ := errors.AsType[*client.RefusedError](err)
		if err == nil || !strings.Contains(err.Error(), test.want) || (refused != nil) != (test.refused != 0) {
			t.Errorf("%d %s: %v", test.status, test.body, err)
		}
		if refused != nil && refused.Status != test.refused {
			t.Errorf("%d %s: refused with %d", test.status, test.body, refused.Status)
		}
	}
	wantNoGoroutines(t)
}

// What a server, or a proxy before it, may answer that ends a connection.
func TestAnswersThatEndLongPolling(t *testing.T) {
	for _, test := range []struct {
		status int
		body   string
		code   int // as CloseError has it; 0: it is another error
		want   string
	}{
		{200, `{"status":403}`, 1008, "forbidden"},
		{200, `{"status":500}`, 1011, "status 500"},
		{504, `<html>upstream</html>`, 1011, "status 504"},
		{200, `<html>Accept our terms</html>`, 0, "without a status"},
		{200, `{"status":200,"messages":[7]}`, 0, "without a status"},
		{200, `{"status":200,"messages":["nonsense"]}`, 0, "not a JSON array"},
		{200, `{"status":200,"messages":["[null,null,\"t\",\"e\",{}]","[1"]}`, 0, "JSON"},
		{200, `{"status":200,"messages":["` + strings.Repeat("x", 1001) + `"]}`, 0, "larger than 1000 bytes"},
		{200, `{"status":200,"messages":["` + strings.Repeat("x", 9<<20) + `"]}`, 0, "an answer larger than"},
	} {
		url, polls, _ := asked(t)
		closed := make(chan error, 10)
		s := dialAsked(t, url, polls, client.Options{MaxMessage: 1000, Reconnect: never, OnClose: func(err error) { closed <- err }})
		poll := next(t, "a poll", polls)
		poll.status = test.status
		poll.sayf("%s", test.body)
		err := next(t, "the end", closed)
		e, _ := errors.AsType[*client.CloseError](err)
		if !strings.Contains(err.Error(), test.want) || (e != nil) != (test.code != 0) || e != nil && e.Code != test.code {
			t.Errorf("%d %.60s: closed with %v", test.status, test.body, err)
		}
		shut(t, s)
	}
	wantNoGoroutines(t)
}

func TestPostsThatFailEndLongPolling(t *testing.T) {
	for answer, code := range map[string]int{
		`{"status":410}`: 3410, `{"status":408}`: 1011, `{"status":500}`: 1011, `{"status":400}`: 1009,
	} {
		url, polls, posts := asked(t)
		closed := make(chan error, 10)
		s := dialAsked(t, url, polls, client.Options{Reconnect: never, OnClose: func(err error) { closed <- err }})
		go func() { _, _ = s.Channel("t", nil).Join[roost.Ack](t.Context(), nil) }()
		next(t, "the join", posts).sayf("%s", answer)
		if e, ok := errors.AsType[*client.CloseError](next(t, "the end", closed)); !ok || e.Code != code {
			t.Errorf("%s: closed with %v", answer, e)
		}
		shut(t, s)
	}
}

// serveAlone serves a handler in a bubble, for clients with the options.
func serveAlone(t *testing.T, h http.Handler) (p *pipes, o client.Options) {
	t.Helper()
	p = newPipes()
	server := &http.Server{Handler: h, ReadHeaderTimeout: time.Hour}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(p)
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-served
	})
	return p, client.Options{Transport: &http.Transport{DialContext: p.dial}, Logger: discard}
}

// What answers in place of the server, and does not wait, is not asked without a pause.
func TestPollsThatAreAnsweredAtOnceArePaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var polls atomic.Int32
		_, o := serveAlone(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if polls.Add(1) == 1 {
				_, _ = io.WriteString(w, `{"status":410,"token":"one","messages":[]}`)
				return
			}
			_, _ = io.WriteString(w, `{"status":204,"token":"one","messages":[]}`)
		}))
		o.LongPoll = true
		s := dialIn(t, o)
		<-time.After(time.Minute)
		if n := polls.Load(); n < 100 || n > 700 {
			t.Errorf("there were %d polls in a minute", n)
		}
		shut(t, s)
	})
}

func TestPollThatIsNotAnsweredIsGivenUp(t *testing.T) {
	bubble(t, appOptions{}, func(t *testing.T, _ *app, p *pipes, o client.Options) {
		closed := make(chan error, 10)
		o.LongPoll, o.OnClose = true, func(err error) { closed <- err }
		s := dialIn(t, o)
		ch := s.Channel("room:1", nil)
		join(t, ch)
		<-time.After(time.Hour)
		if len(closed) > 0 {
			t.Errorf("closed with %v", <-closed)
		}
		p.frozen.Store(true)
		began := time.Now()
		if err := <-closed; !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "no answer within 20s") {
			t.Errorf("closed with %v", err)
		}
		if took := time.Since(began); took < 20*time.Second || took > 40*time.Second {
			t.Errorf("it took %v", took)
		}
		p.frozen.Store(false)
		if _, err := ch.Call(t.Context(), Say, said{}); err != nil {
			t.Errorf("say: %v", err)
		}
		shut(t, s)
	})
}

// A poll whose connection breaks is not repeated in silence: what its answer held could be lost.
func TestPollThatIsCutEndsTheConnection(t *testing.T) {
	bubble(t, appOptions{}, func(t *testing.T, _ *app, p *pipes, o client.Options) {
		closed := make(chan error, 10)
		o.LongPoll, o.OnClose = true, func(err error) { closed <- err }
		s := dialIn(t, o)
		join(t, s.Channel("room:1", nil))
		<-time.After(65 * time.Second) // in the middle of a poll, over a connection that was used before
		p.cut()
		synctest.Wait()
		if len(closed) != 1 {
			t.Errorf("%d ends were told", len(closed))
		}
		shut(t, s)
	})
}
