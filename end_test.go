package roost_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/roosttest"
	"github.com/roost-dev/roost/transport"
	"github.com/roost-dev/roost/transport/memory"
)

// Whatever ends a conversation while its join still runs, the client is told
// the join's answer first.
func TestNoEndOvertakesTheJoinReply(t *testing.T) {
	type channel = roost.Channel[room]
	const reply = `["1","1","room:1","phx_reply",{"response":{"n":0},"status":"ok"}]`
	const crash = `["1","1","room:1","phx_error",{"reason":"channel_crash"}]`
	tests := []struct {
		name string
		end  func(ctx context.Context, server *roost.Server[user], ch *channel)
		want string
	}{
		{"a panic in Go", func(_ context.Context, _ *roost.Server[user], ch *channel) {
			ch.Go(func(context.Context) (any, error) { panic("boom") })
		}, crash},
		{"Stop(nil) in Go", func(_ context.Context, _ *roost.Server[user], ch *channel) {
			ch.Go(func(context.Context) (any, error) { return nil, roost.Stop(nil) })
		}, `["1","1","room:1","phx_close",{}]`},
		{"a full mailbox", func(ctx context.Context, server *roost.Server[user], _ *channel) {
			for range 10 {
				Marked.Broadcast(ctx, server.PubSub(), "room:1", said{})
			}
		}, crash},
		{"more broadcasts than may be held", func(ctx context.Context, server *roost.Server[user], _ *channel) {
			for range 10 {
				Said.Broadcast(ctx, server.PubSub(), "room:1", said{})
			}
		}, crash},
		{"more pushes than may be held", func(ctx context.Context, _ *roost.Server[user], ch *channel) {
			for range 10 {
				ch.Push(ctx, Private, said{})
			}
		}, crash},
		{"a kick", func(ctx context.Context, server *roost.Server[user], _ *channel) {
			server.PubSub().Kick(ctx, "user:ada", "room:1", "out")
		}, `["1","1","room:1","phx_close",{"reason":"out"}]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				ended := make(chan roost.Reason, 2)
				a := &app{
					opts: roost.Options[user]{MailboxLen: 4},
					out:  func(_ context.Context, _ *channel, v said) (said, bool, error) { return v, true, nil },
					end:  func(_ context.Context, _ *channel, why roost.Reason) { ended <- why },
				}
				server := a.server()
				a.join = func(ctx context.Context, ch *channel, _ *roost.Socket[user], _ struct{}) (count, error) {
					tt.end(ctx, server, ch)
					time.Sleep(time.Second)
					return count{}, nil
				}
				c := dial(t, server, "ada")
				c.send("1", "1", "room:1", "phx_join", `{}`)
				c.want(reply, tt.want)
				c.wantNothing()
				if len(ended) != 1 {
					t.Errorf("OnTerminate ran %d times", len(ended))
				}
				if server.Channels()+server.PubSub().Subscribers("room:1") != 0 {
					t.Error("something is left")
				}
			})
		})
	}
}

func TestAJoinThatEndsWhileItRunsCanStillBeRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := &app{join: func(_ context.Context, ch *roost.Channel[room], _ *roost.Socket[user], _ struct{}) (count, error) {
			ch.Go(func(context.Context) (any, error) { return nil, roost.Stop(nil) })
			time.Sleep(time.Second)
			return count{}, &roost.Error{Reason: "no"}
		}}
		c := dial(t, a.server(), "ada")
		c.send("1", "1", "room:1", "phx_join", `{}`)
		c.want(`["1","1","room:1","phx_reply",{"response":{"reason":"no"},"status":"error"}]`)
		c.wantNothing()
	})
}

// A binary broadcast cannot be said to a client of version 1.
func TestWhatCannotBeSaidWhileJoiningEndsTheConversationBehindTheReply(t *testing.T) {
	bubble(t, func(t *testing.T) {
		clip := roost.NewOut[[]byte]("clip")
		a := &app{}
		server := a.server()
		a.join = func(ctx context.Context, _ *roost.Channel[room], _ *roost.Socket[user], _ struct{}) (count, error) {
			return count{}, clip.Broadcast(ctx, server.PubSub(), "room:1", []byte{1})
		}
		conn, err := memory.Dial(server.Accept, &memory.Options{Params: url.Values{"vsn": {"1.0.0"}, "name": {"ada"}}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { server.Shutdown(context.Background()) })
		c := &rawClient{t, conn}
		c.raw(`{"topic":"room:1","event":"phx_join","payload":{},"ref":"1","join_ref":"1"}`)
		c.want(
			`{"event":"phx_reply","payload":{"response":{"n":0},"status":"ok"},"ref":"1","topic":"room:1"}`,
			`{"event":"phx_error","payload":{"reason":"channel_crash"},"ref":"1","topic":"room:1"}`,
		)
		c.wantNothing()
	})
}

// textConn is a connection that carries text alone, as long polling does.
type textConn struct {
	mu     sync.Mutex // guards frames
	frames []string
}

func (c *textConn) Waiting() int { return 0 }

func (c *textConn) CarriesBytes() bool { return false }

func (c *textConn) Send(f *transport.Frame) error {
	if f.Binary() {
		return transport.ErrUnsayable
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.frames = append(c.frames, string(f.Payload()))
	return nil
}

func (c *textConn) SendBurst(b *transport.Burst) error { return b.Each(c.Send) }

func (c *textConn) Close(transport.CloseCode, string) {}

func TestAJoinReplyThatCannotBeSaidIsARefusal(t *testing.T) {
	bubble(t, func(t *testing.T) {
		server := new(app).server()
		server.Handle("bytes", roost.NewHandler(
			func(context.Context, *roost.Channel[room], *roost.Socket[user], struct{}) ([]byte, error) {
				return []byte{1}, nil
			}, nil))
		r := &http.Request{URL: &url.URL{RawQuery: "vsn=2.0.0&name=ada"}}
		open, err := server.Accept(r, transport.Hello{Transport: "longpoll"})
		if err != nil {
			t.Fatal(err)
		}
		var conn textConn
		session := open(&conn)
		session.Receive([]byte(`["1","1","bytes","phx_join",{}]`), false)
		synctest.Wait()
		session.Closed(nil)
		server.Shutdown(t.Context())
		want := []string{`["1","1","bytes","phx_reply",{"response":{"reason":"internal"},"status":"error"}]`}
		if !slices.Equal(conn.frames, want) {
			t.Errorf("got  %v\nwant %v", conn.frames, want)
		}
	})
}

// Between the end of the old conversation and the start of the new one the
// old one's hooks run, and may do anything.
func TestKickWhileAConversationIsReplacedComesBehindTheJoinReply(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := &app{}
		server := a.server()
		first := true
		a.join = func(_ context.Context, ch *roost.Channel[room], _ *roost.Socket[user], _ struct{}) (count, error) {
			if first {
				first = false
				ch.OnEnd(func() {
					server.PubSub().Kick(context.Background(), "user:ada", "room:1", "out")
					time.Sleep(time.Second)
				})
			}
			return count{}, nil
		}
		c := dial(t, server, "ada")
		c.send("1", "1", "room:1", "phx_join", `{}`)
		c.drainTo(1)
		c.send("2", "2", "room:1", "phx_join", `{}`)
		c.want(
			`["2","2","room:1","phx_reply",{"response":{"n":0},"status":"ok"}]`,
			`["1","1","room:1","phx_close",{}]`,
			`["2","2","room:1","phx_close",{"reason":"out"}]`,
		)
		c.wantNothing()
		if server.Channels() != 0 {
			t.Error("the conversation is still there")
		}
	})
}

// What was held for a join goes out behind its reply, which takes as long as
// the interceptions in it.
func TestJoiningAgainWhileWhatWasHeldGoesOutEndsTheOldConversationAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := &app{out: func(_ context.Context, _ *roost.Channel[room], v said) (said, bool, error) {
			time.Sleep(time.Minute)
			return v, true, nil
		}}
		first := true
		a.join = func(ctx context.Context, ch *roost.Channel[room], _ *roost.Socket[user], _ struct{}) (count, error) {
			if !first {
				return count{}, nil
			}
			first = false
			return count{}, errors.Join(ch.Broadcast(ctx, Marked, said{}), ch.Push(ctx, Private, said{Text: "held"}))
		}
		server := a.server()
		c := dial(t, server, "ada")
		c.send("1", "1", "room:1", "phx_join", `{}`)
		c.drainTo(1)
		start := time.Now()
		c.send("2", "2", "room:1", "phx_join", `{}`)
		c.want(
			`["2","2","room:1","phx_reply",{"response":{"n":0},"status":"ok"}]`,
			`["1","1","room:1","phx_close",{}]`,
		)
		if took := time.Since(start); took != 0 {
			t.Errorf("the new join waited %v", took)
		}
		Said.Broadcast(t.Context(), server.PubSub(), "room:1", said{Text: "once"})
		c.want(`[null,null,"room:1","said",{"by":"","text":"once"}]`)
		time.Sleep(2 * time.Minute)
		c.wantNothing()
	})
}

func TestWhatOthersSayKeepsItsOrderDuringAnInterception(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := &app{out: func(_ context.Context, _ *roost.Channel[room], v said) (said, bool, error) {
			time.Sleep(time.Second)
			return v, true, nil
		}}
		server := a.server()
		a.join = func(ctx context.Context, ch *roost.Channel[room], _ *roost.Socket[user], _ struct{}) (count, error) {
			ch.Broadcast(ctx, Marked, said{Text: "own"})
			Said.Broadcast(ctx, server.PubSub(), "room:1", said{Text: "1"})
			return count{}, nil
		}
		c := dial(t, server, "ada")
		c.send("1", "1", "room:1", "phx_join", `{}`)
		synctest.Wait() // the interception is under way
		Said.Broadcast(t.Context(), server.PubSub(), "room:1", said{Text: "2"})
		c.want(
			`["1","1","room:1","phx_reply",{"response":{"n":0},"status":"ok"}]`,
			`["1",null,"room:1","marked",{"by":"","text":"own"}]`,
			`[null,null,"room:1","said",{"by":"","text":"1"}]`,
			`[null,null,"room:1","said",{"by":"","text":"2"}]`,
		)
	})
}

func TestWhatAnInterceptionSaysComesAfterWhatWasSaidBefore(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := &app{
			out: func(ctx context.Context, ch *roost.Channel[room], v said) (said, bool, error) {
				return v, true, ch.Push(ctx, Private, said{Text: "3"})
			},
			do: func(ctx context.Context, ch *roost.Channel[room], _ say) (count, error) {
				return count{}, errors.Join(ch.Broadcast(ctx, Marked, said{Text: "1"}), ch.Push(ctx, Private, said{Text: "2"}))
			},
		}
		ch := roosttest.Connect(t, a.server(), named("ada")).Join("room:1", nil)
		ch.Push(Do, say{"x"})
		var got []string
		for range 4 {
			got = append(got, ch.Next())
		}
		if want := []string{"marked", "private", "phx_reply", "private"}; !slices.Equal(got, want) {
			t.Errorf("the client saw %v, want %v: the order of the calls", got, want)
		}
	})
}

func TestNothingIsLostSilentlyWhileWhatWasHeldGoesOut(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := &app{
			opts: roost.Options[user]{MailboxLen: 4},
			out: func(_ context.Context, _ *roost.Channel[room], v said) (said, bool, error) {
				time.Sleep(time.Second)
				return v, true, nil
			},
			join: func(ctx context.Context, ch *roost.Channel[room], _ *roost.Socket[user], _ struct{}) (count, error) {
				return count{}, ch.Broadcast(ctx, Marked, said{})
			},
		}
		server := a.server()
		c := dial(t, server, "ada")
		c.send("1", "1", "room:1", "phx_join", `{}`)
		synctest.Wait()
		for i := range 10 {
			Said.Broadcast(t.Context(), server.PubSub(), "room:1", said{Text: fmt.Sprint(i)})
		}
		time.Sleep(time.Minute)
		frames := c.drain()
		if last := frames[len(frames)-1]; !strings.Contains(last, "phx_error") {
			t.Errorf("more than can be held came, and the conversation went on: %v", frames)
		}
	})
}

func TestStopEndsTheConversationFromEveryCallback(t *testing.T) {
	for _, reason := range []error{nil, errors.New("broken")} {
		bubble(t, func(t *testing.T) {
			ended := make(chan roost.Reason, 1)
			a := &app{
				info: func(context.Context, *roost.Channel[room], string) error { return roost.Stop(reason) },
				out: func(_ context.Context, _ *roost.Channel[room], v said) (said, bool, error) {
					return v, true, fmt.Errorf("wrapped: %w", roost.Stop(reason))
				},
				end: func(_ context.Context, _ *roost.Channel[room], why roost.Reason) { ended <- why },
			}
			server := a.server()
			client := roosttest.Connect(t, server, named("ada"))
			for name, stop := range map[string]func(ctx context.Context, ch *roost.Channel[room]) error{
				"info": func(_ context.Context, ch *roost.Channel[room]) error { return ch.Send("x") },
				"go": func(_ context.Context, ch *roost.Channel[room]) error {
					ch.Go(func(context.Context) (any, error) { return nil, roost.Stop(reason) })
					return nil
				},
				"out, its own": func(ctx context.Context, ch *roost.Channel[room]) error { return ch.Broadcast(ctx, Marked, said{}) },
				"out, another's": func(ctx context.Context, ch *roost.Channel[room]) error {
					return Marked.Broadcast(ctx, ch.PubSub(), ch.Topic(), said{})
				},
			} {
				a.do = func(ctx context.Context, ch *roost.Channel[room], _ say) (count, error) {
					return count{}, stop(ctx, ch)
				}
				ch := client.Join("room:1", nil)
				ch.Push(Do, say{"x"})
				want := roost.Stopped
				if reason == nil {
					ch.ExpectClose()
				} else {
					want = roost.Errored
					ch.ExpectCrash()
				}
				if why := <-ended; why != want {
					t.Errorf("%s: OnTerminate was told %v, want %v", name, why, want)
				}
			}
		})
	}
}

func TestAValueWithoutACallbackIsLoggedAndHarmless(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := &app{do: func(_ context.Context, ch *roost.Channel[room], _ say) (count, error) { return count{}, ch.Send(17) }}
		ch := roosttest.Connect(t, a.server(), named("ada")).Join("room:1", nil)
		ch.Call(Do, say{"x"})
		ch.Call(Sum, count{1})
		if !a.logs.contain("without a HandleInfo callback") || !a.logs.contain("type=int") {
			t.Error("the log does not name the type")
		}
	})
}

// What mistakes in an application look like.
type badDetail struct{}

func (badDetail) MarshalJSON() ([]byte, error) { panic("boom") }

type badError struct{ cause error }

func (e *badError) Error() string { return "bad" }
func (e *badError) Unwrap() error { return e.cause } // panics for nil

func TestErrorsThatCannotBeToldHarmNobodyElse(t *testing.T) {
	var none *roost.Error
	tests := []struct {
		name string
		err  error
		told string // the reason, or "" if the conversation ends
	}{
		{"a nil *Error in an error", none, "internal"},
		{"a wrapped one", fmt.Errorf("wrapped: %w", none), "internal"},
		{"Stop of a nil *Error", roost.Stop(none), "internal"},
		{"a reason that is not UTF-8", &roost.Error{Reason: "\xff"}, "internal"},
		{"details that cannot be encoded", &roost.Error{Reason: "odd", Details: map[string]any{"f": func() {}}}, "odd"},
		{"details that panic", &roost.Error{Reason: "odd", Details: map[string]any{"f": badDetail{}}}, "odd"},
		{"an error whose methods panic", (*badError)(nil), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				a := &app{do: func(context.Context, *roost.Channel[room], say) (count, error) { return count{}, tt.err }}
				server := a.server()
				client := roosttest.Connect(t, server, named("ada"))
				other := client.Join("room:other", nil)
				ch := client.Join("room:1", nil)
				if push := ch.Push(Do, say{"x"}); tt.told == "" {
					ch.ExpectCrash()
				} else if err := push.Error(); err.Reason != tt.told {
					t.Errorf("the push was answered %q, want %q", err.Reason, tt.told)
				}
				a.join = func(context.Context, *roost.Channel[room], *roost.Socket[user], struct{}) (count, error) {
					return count{}, tt.err
				}
				want := tt.told
				if want == "" {
					want = "join crashed"
				}
				if err := client.JoinError("room:2", nil); err.Reason != want {
					t.Errorf("the join was answered %q, want %q", err.Reason, want)
				}
				other.Call(Sum, count{1})
			})
		})
	}
}

func TestAKickTellsAnyReason(t *testing.T) {
	bubble(t, func(t *testing.T) {
		server := new(app).server()
		ch := roosttest.Connect(t, server, named("ada")).Join("room:1", nil)
		server.PubSub().Kick(t.Context(), "user:ada", "room:1", "bad \xff byte")
		ch.ExpectClose()
	})
}

func TestAMessageOnItsWayOutTakesNoReply(t *testing.T) {
	bubble(t, func(t *testing.T) {
		server := new(app).server()
		h := roost.NewHandler(func(context.Context, *roost.Channel[room], *roost.Socket[user], struct{}) (roost.Ack, error) {
			return roost.Ack{}, nil
		}, nil)
		replied := make(chan error, 1)
		h.HandleOutAny(func(_ context.Context, _ *roost.Channel[room], m *roost.Message) (bool, error) {
			replied <- m.Reply("ok", nil)
			m.Later()
			return true, nil
		})
		server.Handle("any:*", h)
		ch := roosttest.Connect(t, server, named("ada")).Join("any:1", nil)
		Said.Broadcast(t.Context(), server.PubSub(), "any:1", said{})
		ch.ExpectCrash() // Later panics at once, and not where its reply would be given
		if err := <-replied; err == nil {
			t.Error("Reply returned nil")
		}
	})
}

func TestLeavesDoNotPileUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		release := make(chan struct{})
		a := &app{do: func(context.Context, *roost.Channel[room], say) (count, error) { <-release; return count{}, nil }}
		c := dial(t, a.server(), "ada")
		c.send("1", "1", "room:1", "phx_join", `{}`)
		c.send("1", "2", "room:1", "do", `{"text":"x"}`)
		c.drainTo(1)
		for range 100 {
			c.send("1", "3", "room:1", "phx_leave", `{}`)
		}
		if frames := c.drain(); len(frames) != 99 {
			t.Errorf("%d of 100 leaves were answered while the first of them waits, want 99", len(frames))
		}
		close(release)
		c.want(
			`["1","2","room:1","phx_reply",{"response":{"n":0},"status":"ok"}]`,
			`["1","3","room:1","phx_reply",{"response":{},"status":"ok"}]`,
			`["1","1","room:1","phx_close",{}]`,
		)
		c.wantNothing()
	})
}
