package memory

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roost-dev/roost/transport"
)

// socket echoes what it receives, and does what some messages say.
type socket struct {
	conn   transport.Conn
	ended  chan error
	closed bool
}

func (s *socket) Receive(data []byte, binary bool) error {
	if s.closed {
		panic("a message after Closed")
	}
	switch string(data) {
	case "malformed":
		return errors.New("what is this?")
	case "close":
		s.conn.Send(frame("before", false))
		s.conn.Close(transport.ClosePolicyViolation, "asked to")
		s.conn.Send(frame("after", false))
	default:
		return s.conn.Send(frame(string(data), binary))
	}
	return nil
}

func (s *socket) Closed(err error) {
	s.closed = true
	s.ended <- err
}

func frame(payload string, binary bool) *transport.Frame {
	return transport.NewFrame(append(make([]byte, transport.Headroom), payload...), binary)
}

// dial connects to a socket and returns both ends.
func dial(t *testing.T, opts *Options) (*Client, *socket) {
	t.Helper()
	s := &socket{ended: make(chan error, 2)}
	c, err := Dial(func(*http.Request, transport.Hello) (func(transport.Conn) transport.Session, error) {
		return func(conn transport.Conn) transport.Session {
			s.conn = conn
			return s
		}, nil
	}, opts)
	if err != nil {
		t.Fatal(err)
	}
	return c, s
}

func send(t *testing.T, c *Client, messages ...string) {
	t.Helper()
	for _, m := range messages {
		if err := c.Send([]byte(m), false); err != nil {
			t.Fatalf("Send(%q): %v", m, err)
		}
	}
}

// received returns the messages of c up to its end, and the end.
func received(t *testing.T, c *Client) (messages []string, end CloseError) {
	t.Helper()
	for {
		m, err := c.Receive(t.Context())
		if err != nil {
			closed, ok := errors.AsType[*CloseError](err)
			if !ok {
				t.Fatalf("Receive: %v, want a CloseError", err)
			}
			return messages, *closed
		}
		messages = append(messages, string(m.Data))
	}
}

func TestTheServerSeesARequest(t *testing.T) {
	var got *http.Request
	var hello transport.Hello
	opts := &Options{
		Params:    url.Values{"vsn": {"2.0.0"}, "user[name]": {"ann"}},
		Header:    http.Header{"User-Agent": {"test"}},
		AuthToken: "secret",
	}
	refusal := &transport.Refused{Reason: errors.New("no")}
	c, err := Dial(func(r *http.Request, h transport.Hello) (func(transport.Conn) transport.Session, error) {
		got, hello = r, h
		return nil, refusal
	}, opts)
	if c != nil || !errors.Is(err, refusal) {
		t.Errorf("Dial returned %v, %v; want the error of accept", c, err)
	}
	params, _ := transport.ParseParams(got.URL.RawQuery)
	if fmt.Sprint(params) != "map[user:map[name:ann] vsn:2.0.0]" || got.Header.Get("User-Agent") != "test" {
		t.Errorf("the request is %v with params %v", got, params)
	}
	if hello != (transport.Hello{Transport: "memory", AuthToken: "secret"}) {
		t.Errorf("hello is %+v", hello)
	}
}

func TestMessagesGoBothWaysInOrder(t *testing.T) {
	c, s := dial(t, nil)
	send(t, c, "1", "2")
	if err := c.Send([]byte{0, 0xff}, true); err != nil {
		t.Fatal(err)
	}
	for _, want := range []struct {
		payload string
		binary  bool
	}{{"1", false}, {"2", false}, {"\x00\xff", true}} {
		m, err := c.Receive(t.Context())
		if err != nil || string(m.Data) != want.payload || m.Binary != want.binary {
			t.Fatalf("received %v, %v; want %+v", m, err, want)
		}
	}
	c.Close(transport.CloseNormal)
	if err := <-s.ended; err != nil {
		t.Errorf("ended with %v, want good order", err)
	}
}

func TestReceiveWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := dial(t, nil)
		time.AfterFunc(time.Minute, func() { s.conn.Send(frame("late", false)) })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if m, err := c.Receive(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("received %v, %v; want the context's error", m, err)
		}
		if m, err := c.Receive(t.Context()); err != nil || string(m.Data) != "late" {
			t.Errorf("received %v, %v", m, err)
		}
		c.Close(transport.CloseNormal)
	})
}

func TestTryReceiveDoesNotWait(t *testing.T) {
	c, _ := dial(t, nil)
	if m, ok := c.TryReceive(); ok {
		t.Errorf("received %v before anything was sent", m)
	}
	send(t, c, "1")
	if m, ok := c.TryReceive(); !ok || string(m.Data) != "1" {
		t.Errorf("received %v, %v", m, ok)
	}
	c.Close(transport.CloseNormal)
	if m, ok := c.TryReceive(); ok {
		t.Errorf("received %v on a closed connection", m)
	}
}

func TestTheServerClosesBehindWhatItSent(t *testing.T) {
	c, s := dial(t, nil)
	send(t, c, "1", "close")
	messages, end := received(t, c)
	if !slices.Equal(messages, []string{"1", "before"}) || end != (CloseError{transport.ClosePolicyViolation, "asked to"}) {
		t.Errorf("received %q and %v", messages, end)
	}
	if err := <-s.ended; err != nil {
		t.Errorf("ended with %v, want good order", err)
	}
	if err := c.Send([]byte("2"), false); err == nil {
		t.Error("a closed connection takes messages")
	}
	c.Close(transport.CloseNormal)
	if _, again := received(t, c); again != end || len(s.ended) != 0 {
		t.Error("the connection was closed twice")
	}
}

func TestTheClientCloses(t *testing.T) {
	c, s := dial(t, nil)
	send(t, c, "1")
	c.Close(transport.CloseGoingAway)
	if !s.closed {
		t.Error("Close did not wait for the session")
	}
	if messages, end := received(t, c); len(messages) != 0 || end.Code != transport.CloseGoingAway {
		t.Errorf("received %q and %v", messages, end)
	}
	if err := s.conn.Send(frame("2", false)); err != nil {
		t.Errorf("Send on a closed connection: %v", err)
	}
}

func TestMalformedMessagesCloseAsOverAWebSocket(t *testing.T) {
	for message, want := range map[string]CloseError{
		"malformed": {transport.CloseInternalError, "what is this?"},
		"\xff":      {transport.CloseInvalidPayload, "text is not UTF-8"},
	} {
		c, s := dial(t, nil)
		send(t, c, "1", message)
		messages, end := received(t, c)
		if !slices.Equal(messages, []string{"1"}) || end != want {
			t.Errorf("%q: received %q and %v, want %v", message, messages, end, want)
		}
		if err := <-s.ended; err == nil {
			t.Errorf("%q: ended in good order", message)
		}
	}
}

func TestAClientThatDoesNotReceiveIsSlow(t *testing.T) {
	c, s := dial(t, &Options{Outbox: 3})
	for range 10 {
		send(t, c, "12", "34")
		for range 2 {
			if _, err := c.Receive(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	send(t, c, "12", "34") // over the bound now
	send(t, c, "5")
	if messages, end := received(t, c); len(messages) != 0 || end.Code != transport.CloseSlow {
		t.Errorf("received %q and %v, want CloseSlow alone", messages, end)
	}
	if err := <-s.ended; err == nil {
		t.Error("ended in good order")
	}
}

func ExampleDial() {
	accept := func(*http.Request, transport.Hello) (func(transport.Conn) transport.Session, error) {
		return func(conn transport.Conn) transport.Session {
			return &socket{conn: conn, ended: make(chan error, 1)} // echoes
		}, nil
	}
	conn, err := Dial(accept, &Options{Params: url.Values{"vsn": {"2.0.0"}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close(transport.CloseNormal)
	_ = conn.Send([]byte(`["1","1","room:1","phx_join",{}]`), false) // nil: it is open
	answer, err := conn.Receive(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s\n", answer.Data)
	// Output: ["1","1","room:1","phx_join",{}]
}
