package roosttest_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/roosttest"
)

type message struct {
	Text string `json:"text"`
}

type number struct {
	N int `json:"n"`
}

var (
	Echo    = roost.NewIn[message, message]("echo")
	Refuse  = roost.NewIn[message, roost.Ack]("refuse")
	Silent  = roost.NewIn[message, roost.NoReply]("silent")
	Shout   = roost.NewIn[message, roost.NoReply]("shout")
	Whisper = roost.NewIn[message, roost.NoReply]("whisper")
	Crash   = roost.NewIn[message, roost.NoReply]("crash")
	Finish  = roost.NewIn[message, roost.NoReply]("finish")
	Bytes   = roost.NewIn[[]byte, []byte]("bytes")

	Shouted   = roost.NewOut[message]("shouted")
	Whispered = roost.NewOut[message]("whispered")

	// What the server has under another type.
	EchoAsNumber  = roost.NewIn[message, number]("echo")
	EchoAsBytes   = roost.NewIn[message, []byte]("echo")
	BytesAsText   = roost.NewIn[[]byte, message]("bytes")
	ShoutedNumber = roost.NewOut[struct {
		Text int `json:"text"`
	}]("shouted")
)

func newServer() *roost.Server[string] {
	type channel = roost.Channel[struct{}]
	server := roost.NewServer(func(_ context.Context, r *roost.ConnectRequest) (string, error) {
		if r.Param("name") == "" {
			return "", errors.New("no name")
		}
		return r.Param("name"), nil
	}, &roost.Options[string]{
		ID:     func(name string) string { return name },
		Logger: slog.New(slog.DiscardHandler),
	})
	h := roost.NewHandler(func(_ context.Context, ch *channel, _ *roost.Socket[string], p message) (message, error) {
		if ch.Topic() == "closed" {
			return message{}, &roost.Error{Reason: "unauthorized", Details: map[string]any{"until": "noon"}}
		}
		return p, nil
	}, nil)
	h.Emits(Shouted, Whispered)
	h.HandleIn(Echo, func(_ context.Context, _ *channel, p message) (message, error) { return p, nil })
	h.HandleIn(Bytes, func(_ context.Context, _ *channel, p []byte) ([]byte, error) { return p, nil })
	h.HandleIn(Refuse, func(context.Context, *channel, message) (roost.Ack, error) {
		return roost.Ack{}, &roost.Error{Reason: "no", Details: map[string]any{"why": "because"}}
	})
	h.HandleIn(Silent, func(context.Context, *channel, message) (roost.NoReply, error) { return roost.NoReply{}, nil })
	h.HandleIn(Shout, func(ctx context.Context, ch *channel, p message) (roost.NoReply, error) {
		return roost.NoReply{}, ch.Broadcast(ctx, Shouted, p)
	})
	h.HandleIn(Whisper, func(ctx context.Context, ch *channel, p message) (roost.NoReply, error) {
		return roost.NoReply{}, ch.Push(ctx, Whispered, p)
	})
	h.HandleIn(Crash, func(context.Context, *channel, message) (roost.NoReply, error) { panic("boom") })
	h.HandleIn(Finish, func(context.Context, *channel, message) (roost.NoReply, error) {
		return roost.NoReply{}, roost.Stop(nil)
	})
	server.Handle("*", h)
	return server
}

func ada() *roosttest.Options {
	return &roosttest.Options{Params: map[string]string{"name": "ada"}}
}

func TestExpectationsThatAreMet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newServer()
		if err := roosttest.ConnectError(t, server, nil); err.Error() != "no name" {
			t.Errorf("ConnectError: %v", err)
		}
		client := roosttest.Connect(t, server, ada())
		if err := client.JoinError("closed", nil); err.Reason != "unauthorized" || err.Details["until"] != "noon" {
			t.Errorf("JoinError: %v %v", err, err.Details)
		}
		ch := client.Join("room", message{"hi"})
		if got := ch.JoinReply[message](); got.Text != "hi" {
			t.Errorf("JoinReply: %v", got)
		}
		if got := ch.Call(Echo, message{"x"}); got.Text != "x" {
			t.Errorf("Call: %v", got)
		}
		if got := ch.Call(Bytes, []byte{0, 255}); string(got) != "\x00\xff" {
			t.Errorf("Call with bytes: %v", got)
		}
		if got := ch.CallError(Refuse, message{}); got.Reason != "no" || got.Details["why"] != "because" {
			t.Errorf("CallError: %v %v", got, got.Details)
		}
		if got := ch.PushRaw("echo", map[string]any{"text": "raw"}).Reply(); string(got.Data) != `{"text":"raw"}` || got.Binary {
			t.Errorf("PushRaw: %s", got.Data)
		}

		// Expectations take what they are about, in any order.
		ch.Push(Shout, message{"1"})
		ch.Push(Whisper, message{"2"})
		ch.Push(Shout, message{"3"})
		if got := ch.ExpectPush(Whispered); got.Text != "2" {
			t.Errorf("ExpectPush: %v", got)
		}
		if got := ch.ExpectBroadcast(Shouted); got.Text != "1" {
			t.Errorf("ExpectBroadcast: %v", got)
		}
		if got := ch.ExpectEvent("shouted"); string(got.Data) != `{"text":"3"}` {
			t.Errorf("ExpectEvent: %s", got.Data)
		}
		ch.Push(Silent, message{})
		ch.ExpectNothing()

		ch.Leave()
		ch = client.Join("room", nil)
		ch.Push(Crash, message{})
		ch.ExpectCrash()
		ch = client.Join("room", nil)
		ch.Push(Finish, message{})
		ch.ExpectClose()
		server.PubSub().Disconnect(t.Context(), "ada")
		if code := client.ExpectDisconnect(); code != 1001 {
			t.Errorf("ExpectDisconnect: %v", code)
		}
	})
}

// recorder is a testing.TB that is to fail.
type recorder struct {
	testing.TB // for what a failing test still needs: Cleanup
	said       []string
}

func (r *recorder) Helper()           {}
func (r *recorder) Error(args ...any) { r.said = append(r.said, fmt.Sprint(args...)) }
func (r *recorder) Errorf(format string, args ...any) {
	r.said = append(r.said, fmt.Sprintf(format, args...))
}
func (r *recorder) Fatal(args ...any)                 { r.Error(args...); runtime.Goexit() }
func (r *recorder) Fatalf(format string, args ...any) { r.Errorf(format, args...); runtime.Goexit() }

func TestExpectationsThatAreNotMetSayWhatCame(t *testing.T) {
	type test struct {
		name string
		f    func(t testing.TB, server *roost.Server[string], client *roosttest.Client, room *roosttest.Channel)
		want string
	}
	// Whatever is to fail is the last that is done.
	tests := []test{
		{"Connect", func(t testing.TB, server *roost.Server[string], _ *roosttest.Client, _ *roosttest.Channel) {
			roosttest.Connect(t, server, nil)
		}, "connect: connect refused: no name"},
		{"ConnectError", func(t testing.TB, server *roost.Server[string], _ *roosttest.Client, _ *roosttest.Channel) {
			roosttest.ConnectError(t, server, ada())
		}, "connect was accepted, want a refusal"},
		{"Join", func(_ testing.TB, _ *roost.Server[string], c *roosttest.Client, _ *roosttest.Channel) {
			c.Join("closed", nil)
		}, `join of "closed" was answered phx_reply error {"`},
		{"JoinError", func(_ testing.TB, _ *roost.Server[string], c *roosttest.Client, _ *roosttest.Channel) {
			c.JoinError("open", message{"x"})
		}, `join of "open" was answered phx_reply ok {"text":"x"}, want an error`},
		{"Call, refused", func(_ testing.TB, _ *roost.Server[string], _ *roosttest.Client, room *roosttest.Channel) {
			room.Call(Refuse, message{})
		}, `room: "refuse" was answered phx_reply error`},
		{"Call, not answered", func(_ testing.TB, _ *roost.Server[string], _ *roosttest.Client, room *roosttest.Channel) {
			room.Push(Shout, message{"x"})
			room.Call(Silent, message{})
		}, `room: waited for a reply to silent, but nothing more came; unread: shouted {"text":"x"}`},
		{"Call, another type", func(_ testing.TB, _ *roost.Server[string], _ *roosttest.Client, room *roosttest.Channel) {
			room.Call(EchoAsNumber, message{"x"})
			room.Call(EchoAsBytes, message{"x"})
		}, `the reply to echo is JSON, want bytes: {"text":"x"}`},
		{"Call, bytes for JSON", func(_ testing.TB, _ *roost.Server[string], _ *roosttest.Client, room *roosttest.Channel) {
			room.Call(BytesAsText, []byte{1})
		}, `the reply to bytes is binary, want JSON`},
		{"Call of what cannot be encoded", func(_ testing.TB, _ *roost.Server[string], _ *roosttest.Client, room *roosttest.Channel) {
			room.PushRaw("echo", func() {})
		}, `the payload cannot be encoded`},
		{"CallError", func(_ testing.TB, _ *roost.Server[string], _ *roosttest.Client, room *roosttest.Channel) {
			room.CallError(Echo, message{"x"})
		}, `room: "echo" was answered phx_reply ok {"text":"x"}, want an error`},
		{"ExpectPush, of a broadcast", func(_ testing.TB, _ *roost.Server[string], _ *roosttest.Client, room *roosttest.Channel) {
			room.Push(Shout, message{"x"})
			room.ExpectPush(Shouted)
		}, `waited for a push of shouted, but nothing more came; unread: shouted {"text":"x"} (broadcast)`},
		{"ExpectBroadcast, of a push", func(_ testing.TB, _ *roost.Server[string], _ *roosttest.Client, room *roosttest.Channel) {
			room.Push(Whisper, message{"x"})
			room.ExpectBroadcast(Whispered)
		}, `waited for a broadcast of whispered, but nothing more came; unread: whispered {"text":"x"} (push)`},
		{"ExpectBroadcast, another type", func(_ testing.TB, _ *roost.Server[string], _ *roosttest.Client, room *roosttest.Channel) {
			room.Push(Shout, message{"x"})
			room.ExpectBroadcast(ShoutedNumber)
		}, `shouted is no struct`},
		{"ExpectEvent", func(_ testing.TB, _ *roost.Server[string], _ *roosttest.Client, room *roosttest.Channel) {
			room.ExpectEvent("presence_state")
		}, `waited for presence_state, but nothing more came; unread: none`},
		{"Next", func(_ testing.TB, _ *roost.Server[string], _ *roosttest.Client, room *roosttest.Channel) {
			room.Next()
		}, `waited for any message, but nothing more came`},
		{"ExpectClose, of a crash", func(_ testing.TB, _ *roost.Server[string], _ *roosttest.Client, room *roosttest.Channel) {
			room.Push(Crash, message{})
			room.ExpectClose()
		}, `waited for the end of the conversation, but nothing more came; unread: phx_error {"reason":"channel_crash"}`},
		{"ExpectCrash, of a good end", func(_ testing.TB, _ *roost.Server[string], _ *roosttest.Client, room *roosttest.Channel) {
			room.Push(Finish, message{})
			room.ExpectCrash()
		}, `waited for a crash of the conversation, but nothing more came; unread: phx_close {}`},
		{"ExpectNothing", func(_ testing.TB, _ *roost.Server[string], _ *roosttest.Client, room *roosttest.Channel) {
			room.Push(Shout, message{"x"})
			room.ExpectNothing()
		}, `room: unexpected shouted {"text":"x"}`},
		{"ExpectDisconnect", func(_ testing.TB, _ *roost.Server[string], c *roosttest.Client, _ *roosttest.Channel) {
			c.ExpectDisconnect()
		}, `waited for the server to close the socket, but nothing more came`},
		{"Call on a socket that the server closed", func(_ testing.TB, server *roost.Server[string], _ *roosttest.Client, room *roosttest.Channel) {
			server.PubSub().Disconnect(context.Background(), "ada")
			room.Call(Echo, message{})
		}, `"echo" was sent on a closed socket: memory: connection closed: 1001 disconnected`},
		{"ExpectPush on a socket that the server closed", func(_ testing.TB, server *roost.Server[string], _ *roosttest.Client, room *roosttest.Channel) {
			server.PubSub().Disconnect(context.Background(), "ada")
			room.ExpectPush(Shouted)
		}, `waited for a push of shouted, but memory: connection closed: 1001 disconnected`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &recorder{TB: t}
				done := make(chan struct{})
				go func() { // which Fatalf ends
					defer close(done)
					server := newServer()
					client := roosttest.Connect(r, server, ada())
					tt.f(r, server, client, client.Join("room", nil))
				}()
				<-done
				if len(r.said) != 1 || !strings.Contains(r.said[0], tt.want) {
					t.Errorf("failed with %q\nwant one failure that says %q", r.said, tt.want)
				}
			})
		})
	}
}
