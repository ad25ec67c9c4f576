package roost_test

import (
	"context"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/transport"
	"github.com/roost-dev/roost/wire"
)

// sessionIn returns the session that a join reply names.
func sessionIn(t *testing.T, frame string) (session string, kept *bool) {
	t.Helper()
	var fields []jsontext.Value
	var payload struct {
		Response struct {
			Once struct {
				Session string `json:"session"`
				Kept    *bool  `json:"kept"`
			} `json:"_once"`
		} `json:"response"`
	}
	err := json.Unmarshal([]byte(frame), &fields)
	if err == nil && len(fields) == 5 {
		err = json.Unmarshal(fields[4], &payload)
	}
	if err != nil || payload.Response.Once.Session == "" {
		t.Fatalf("no session in %s (%v)", frame, err)
	}
	return payload.Response.Once.Session, payload.Response.Once.Kept
}

// marking joins room:1 for marked pushes, in a session or a new one.
func marking(t *testing.T, c *rawClient, ref, session string) (now string, kept bool) {
	t.Helper()
	params := `{"_once":true}`
	if session != "" {
		params = fmt.Sprintf(`{"_once":{"session":%q}}`, session)
	}
	c.send(ref, ref, "room:1", "phx_join", params)
	now, told := sessionIn(t, c.next())
	if (told != nil) != (session != "") {
		t.Fatalf("kept is %v after a session %q was named", told, session)
	}
	return now, told != nil && *told
}

// counting is an app whose event do counts how often it ran.
func counting(a *app) *int {
	n := new(int)
	a.do = func(context.Context, *roost.Channel[room], say) (count, error) {
		*n++
		return count{*n}, nil
	}
	return n
}

func once(id, done int) string {
	return fmt.Sprintf(`{"text":"x","_once":{"id":%d,"done":%d}}`, id, done)
}

func TestMarkedPushTakesEffectOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := &app{}
		ran := counting(a)
		server := a.server()
		c := dial(t, server, "ada")
		session, _ := marking(t, c, "1", "")
		c.send("1", "2", "room:1", "do", once(1, 0))
		c.send("1", "3", "room:1", "do", once(1, 0))
		c.want(`["1","2","room:1","phx_reply",{"response":{"n":1},"status":"ok"}]`,
			`["1","3","room:1","phx_reply",{"response":{"n":1},"status":"ok"}]`)

		c.conn.Close(transport.CloseNormal)
		synctest.Wait()
		c = dial(t, server, "ada")
		again, kept := marking(t, c, "1", session)
		if again != session || !kept {
			t.Errorf("the session became %q, kept %v", again, kept)
		}
		c.send("1", "2", "room:1", "do", once(1, 0))
		c.send("1", "3", "room:1", "do", once(2, 1))
		c.want(`["1","2","room:1","phx_reply",{"response":{"n":1},"status":"ok"}]`,
			`["1","3","room:1","phx_reply",{"response":{"n":2},"status":"ok"}]`)
		if *ran != 2 {
			t.Errorf("the callback ran %d times, want once for each of 2 pushes", *ran)
		}
		c.send("1", "4", "room:1", "do", once(1, 0)) // of which the client said that it is answered
		c.want(`["1","4","room:1","phx_reply",{"response":{"reason":"outcome_unknown"},"status":"error"}]`)
	})
}

func TestWhoDoesNotAskHasNoMarks(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := &app{}
		ran := counting(a)
		c := dial(t, a.server(), "ada")
		c.send("1", "1", "room:1", "phx_join", `{}`)
		c.want(`["1","1","room:1","phx_reply",{"response":{"n":0},"status":"ok"}]`)
		for range 2 {
			c.send("1", "2", "room:1", "do", once(1, 0))
			c.drainTo(1)
		}
		c.send("9", "3", "room:9", "do", once(1, 0))
		c.want(`[null,"3","room:9","phx_reply",{"response":{"reason":"unmatched topic"},"status":"error"}]`)
		if *ran != 2 {
			t.Errorf("the callback ran %d times, want 2", *ran)
		}
	})
}

func TestMarksMayBeOff(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := &app{opts: roost.Options[user]{MarkedPushes: roost.MarkedPushes{Off: true}}}
		c := dial(t, a.server(), "ada")
		c.send("1", "1", "room:1", "phx_join", `{"_once":true}`)
		c.want(`["1","1","room:1","phx_reply",{"response":{"n":0},"status":"ok"}]`)
	})
}

// A callback whose push is marked goes on when the connection breaks, and the
// client that comes back waits for its reply.
func TestReplyFindsTheClientOnItsNextConnection(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := &app{}
		var ctxErr error
		a.do = func(ctx context.Context, ch *roost.Channel[room], _ say) (count, error) {
			time.Sleep(10 * time.Second)
			ctxErr = ctx.Err()
			return count{7}, ch.Broadcast(ctx, Said, said{"ada", "done"})
		}
		server := a.server()
		bob := dial(t, server, "bob")
		bob.send("1", "1", "room:1", "phx_join", `{}`)
		bob.drainTo(1)
		c := dial(t, server, "ada")
		session, _ := marking(t, c, "1", "")
		c.send("1", "2", "room:1", "do", once(1, 0))
		synctest.Wait()
		c.conn.Close(transport.CloseNormal)
		c = dial(t, server, "ada")
		if _, kept := marking(t, c, "1", session); !kept {
			t.Fatal("the session is lost")
		}
		c.send("1", "2", "room:1", "do", once(1, 0))
		c.send("1", "3", "room:1", "sum", `{"n":3}`) // nobody waits for it
		c.want(`["1","3","room:1","phx_reply",{"response":{"n":3},"status":"ok"}]`)
		bob.want(`[null,null,"room:1","said",{"by":"ada","text":"done"}]`)
		c.want(`[null,null,"room:1","said",{"by":"ada","text":"done"}]`,
			`["1","2","room:1","phx_reply",{"response":{"n":7},"status":"ok"}]`)
		if ctxErr != nil {
			t.Errorf("its context ended: %v", ctxErr)
		}
	})
}

func TestWhateverBecomesOfAMarkedPushIsItsReply(t *testing.T) {
	tests := []struct {
		name, want string
		crashes    bool
		do         func(*roost.Channel[room]) (count, error)
	}{
		{"an error", `{"response":{"reason":"sold out"},"status":"error"}`, false,
			func(*roost.Channel[room]) (count, error) { return count{}, &roost.Error{Reason: "sold out"} }},
		{"an error that is not for the client", `{"response":{"reason":"internal"},"status":"error"}`, false,
			func(*roost.Channel[room]) (count, error) { return count{}, errors.New("disk full") }},
		{"a panic", `{"response":{"reason":"crashed"},"status":"error"}`, true,
			func(*roost.Channel[room]) (count, error) { panic("boom") }},
		{"the end of its goroutine", `{"response":{"reason":"crashed"},"status":"error"}`, true,
			func(*roost.Channel[room]) (count, error) { runtime.Goexit(); return count{}, nil }},
		{"a reply that comes later", `{"response":{"n":5},"status":"ok"}`, false,
			func(ch *roost.Channel[room]) (count, error) {
				later := roost.Defer[count](ch)
				time.AfterFunc(time.Second, func() { _ = later.Reply(count{5}) })
				return count{}, roost.ErrLater
			}},
		{"a failure that comes later", `{"response":{"reason":"too late"},"status":"error"}`, false,
			func(ch *roost.Channel[room]) (count, error) {
				later := roost.Defer[count](ch)
				time.AfterFunc(time.Second, func() { _ = later.Fail(&roost.Error{Reason: "too late"}) })
				return count{}, roost.ErrLater
			}},
		{"a stop", `{"response":{"n":1},"status":"ok"}`, false,
			func(*roost.Channel[room]) (count, error) { return count{1}, roost.Stop(nil) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				ran := 0
				a := &app{do: func(_ context.Context, ch *roost.Channel[room], _ say) (count, error) {
					ran++
					return tt.do(ch)
				}}
				server := a.server()
				c := dial(t, server, "ada")
				session, _ := marking(t, c, "1", "")
				c.send("1", "2", "room:1", "do", once(1, 0))
				if tt.crashes {
					c.want(`["1","1","room:1","phx_error",{"reason":"channel_crash"}]`)
				} else {
					c.want(`["1","2","room:1","phx_reply",` + tt.want + `]`)
				}
				for range 2 {
					c.conn.Close(transport.CloseNormal)
					c = dial(t, server, "ada")
					marking(t, c, "3", session)
					c.send("3", "4", "room:1", "do", once(1, 0))
					c.want(`["3","4","room:1","phx_reply",` + tt.want + `]`)
				}
				if ran != 1 {
					t.Errorf("the callback ran %d times", ran)
				}
			})
		})
	}
}

// Where an event has no reply, or no callback, a mark still gets an answer.
func TestMarkedPushIsAnsweredInAnyCase(t *testing.T) {
	bubble(t, func(t *testing.T) {
		server := (&app{}).server()
		c := dial(t, server, "ada")
		session, _ := marking(t, c, "1", "")
		c.send("1", "2", "room:1", "whisper", once(1, 0))
		c.want(`["1","2","room:1","phx_reply",{"response":{},"status":"ok"}]`)
		c.send("1", "3", "room:1", "nobody knows", once(2, 0))
		c.want(`["1","1","room:1","phx_error",{"reason":"channel_crash"}]`)
		marking(t, c, "4", session)
		c.send("4", "5", "room:1", "nobody knows", once(2, 0))
		c.want(`["4","5","room:1","phx_reply",{"response":{"reason":"crashed"},"status":"error"}]`)
	})
}

func TestSessionIsItsOwners(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := &app{}
		counting(a)
		server := a.server()
		c := dial(t, server, "ada")
		session, _ := marking(t, c, "1", "")
		c.send("1", "2", "room:1", "do", once(1, 0))
		c.drainTo(1)
		eve := dial(t, server, "eve")
		got, kept := marking(t, eve, "1", session)
		if got == session || kept {
			t.Errorf("somebody else got the session: %q, kept %v", got, kept)
		}
		eve.send("1", "2", "room:1", "do", once(1, 0))
		eve.want(`["1","2","room:1","phx_reply",{"response":{"n":2},"status":"ok"}]`)
		for _, name := range []string{"garbage", strings.Repeat("x", 100_000), "a-b_c"} {
			if got, kept := marking(t, eve, "3", name); got == name || kept {
				t.Errorf("a session of the name %.20q was kept", name)
			}
			eve.drainTo(1) // the end of the conversation before
		}
		eve.send("3", "4", "room:2", "phx_join", fmt.Sprintf(`{"_once":{"session":%q}}`, got))
		if _, kept := sessionIn(t, eve.next()); *kept {
			t.Error("the session was kept on another topic")
		}
	})
}

func TestMarkedPushesAreForgotten(t *testing.T) {
	unknown := `{"response":{"reason":"outcome_unknown"},"status":"error"}`
	tests := []struct {
		name   string
		bounds roost.MarkedPushes
		then   func(*testing.T, *rawClient)
	}{
		{"after their time", roost.MarkedPushes{For: time.Minute}, func(*testing.T, *rawClient) { time.Sleep(time.Minute) }},
		{"if there are more", roost.MarkedPushes{PerSession: 1}, func(_ *testing.T, c *rawClient) {
			c.send("1", "9", "room:1", "do", once(2, 0))
			c.drainTo(1)
		}},
		{"if replies are larger", roost.MarkedPushes{SessionBytes: 1}, func(_ *testing.T, c *rawClient) {
			c.send("1", "9", "room:1", "do", once(2, 0))
			c.drainTo(1)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				a := &app{opts: roost.Options[user]{MarkedPushes: tt.bounds}}
				ran := counting(a)
				c := dial(t, a.server(), "ada")
				marking(t, c, "1", "")
				c.send("1", "2", "room:1", "do", once(1, 0))
				c.want(`["1","2","room:1","phx_reply",{"response":{"n":1},"status":"ok"}]`)
				tt.then(t, c)
				before := *ran
				c.send("1", "3", "room:1", "do", once(1, 0))
				c.want(`["1","3","room:1","phx_reply",` + unknown + `]`)
				if *ran != before {
					t.Error("it ran once more")
				}
			})
		})
	}
}

// A session whose client is away lives as long as what it remembers, and no
// more of them than are allowed.
func TestSessionsOfThoseWhoAreAwayAreForgotten(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := &app{opts: roost.Options[user]{MarkedPushes: roost.MarkedPushes{Sessions: 2, For: time.Minute}}}
		server := a.server()
		leave := func(name string) (session string) {
			c := dial(t, server, name)
			session, _ = marking(t, c, "1", "")
			c.conn.Close(transport.CloseNormal)
			synctest.Wait()
			return session
		}
		back := func(name, session string) bool {
			c := dial(t, server, name)
			_, kept := marking(t, c, "1", session)
			c.conn.Close(transport.CloseNormal)
			synctest.Wait()
			return kept
		}
		first, second, third := leave("ada"), leave("bob"), leave("eve")
		if !back("bob", second) || !back("eve", third) {
			t.Error("the sessions of those who went last are forgotten")
		}
		if back("ada", first) {
			t.Error("one more session is remembered than may be")
		}
		time.Sleep(time.Minute + 1)
		if back("eve", third) {
			t.Error("a session outlives its time")
		}
	})
}

func TestMalformedMarksAreTold(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := dial(t, (&app{}).server(), "ada")
		marking(t, c, "1", "")
		for _, mark := range []string{`1`, `"1"`, `null`, `{}`, `{"id":0}`, `{"id":-1}`, `{"id":1.5}`, `{"id":9007199254740992}`, `{"id":3,"done":3}`} {
			c.send("1", "2", "room:1", "say", `{"text":"x","_once":`+mark+`}`)
			if got := c.next(); !strings.Contains(got, `"reason":"invalid payload"`) || !strings.Contains(got, `"field":"_once"`) {
				t.Errorf("the mark %s: %s", mark, got)
			}
		}
		c.send("1", "3", "room:1", "sum", `{ "_once" : {"id":1} , "n" : 4 }`)
		c.want(`["1","3","room:1","phx_reply",{"response":{"n":4},"status":"ok"}]`)
		c.send("1", "4", "room:1", "sum", `{"n":4,"_once":{"id":2}}`)
		c.want(`["1","4","room:1","phx_reply",{"response":{"n":8},"status":"ok"}]`)
		c.wantNothing()
	})
}

// wantAgain waits for the refusal of a push that may be sent again.
func wantAgain(c *rawClient, joinRef, ref, reason string) {
	c.t.Helper()
	got := c.next()
	for _, members := range []string{`"reason":%q,"_once":"again"`, `"_once":"again","reason":%q`} { // in no order
		if got == fmt.Sprintf(`[%s,%q,"room:1","phx_reply",{"response":{`+members+`},"status":"error"}]`, joinRef, ref, reason) {
			return
		}
	}
	c.t.Fatalf("got %s, want %q, and that it may be sent again", got, reason)
}

// A push that was not handled says so, and has had no effect.
func TestMarkedPushThatWasNotHandledMayBeSentAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		release := make(chan struct{})
		ran := 0
		a := &app{opts: roost.Options[user]{MailboxLen: 1}}
		a.do = func(context.Context, *roost.Channel[room], say) (count, error) {
			ran++
			<-release
			return count{ran}, nil
		}
		server := a.server()
		c := dial(t, server, "ada")
		session, _ := marking(t, c, "1", "")
		c.send("1", "2", "room:1", "do", once(1, 0))
		synctest.Wait()
		c.send("1", "3", "room:1", "do", once(2, 0)) // waits
		c.send("1", "4", "room:1", "do", once(3, 0))
		wantAgain(c, `"1"`, "4", "busy")
		if err := server.PubSub().Kick(t.Context(), "user:ada", "room:1", "out"); err != nil {
			t.Fatal(err)
		}
		c.want(`["1","1","room:1","phx_close",{"reason":"out"}]`)
		wantAgain(c, "null", "3", "unmatched topic")
		c.send("1", "5", "room:1", "do", once(3, 0))
		wantAgain(c, "null", "5", "unmatched topic")
		close(release)
		marking(t, c, "6", session)
		c.send("6", "7", "room:1", "do", once(1, 0))
		c.want(`["6","7","room:1","phx_reply",{"response":{"n":1},"status":"ok"}]`)
		c.send("6", "8", "room:1", "do", once(2, 0))
		c.want(`["6","8","room:1","phx_reply",{"response":{"n":2},"status":"ok"}]`)
	})
}

// A callback that never replies does not have its client wait for ever.
func TestMarkedPushWithoutAReplyHasAnUnknownOutcome(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := &app{opts: roost.Options[user]{MarkedPushes: roost.MarkedPushes{For: time.Second}}}
		a.do = func(_ context.Context, ch *roost.Channel[room], _ say) (count, error) {
			roost.Defer[count](ch)
			return count{}, roost.ErrLater
		}
		c := dial(t, a.server(), "ada")
		marking(t, c, "1", "")
		c.send("1", "2", "room:1", "do", once(1, 0))
		c.send("1", "3", "room:1", "do", once(1, 0))
		start := time.Now()
		c.want(`["1","3","room:1","phx_reply",{"response":{"reason":"outcome_unknown"},"status":"error"}]`)
		if took := time.Since(start); took != time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

func TestShutdownThatIsCutShortEndsMarkedCallbacks(t *testing.T) {
	bubble(t, func(t *testing.T) {
		ended := make(chan error, 1)
		a := &app{}
		a.do = func(ctx context.Context, _ *roost.Channel[room], _ say) (count, error) {
			<-ctx.Done()
			ended <- ctx.Err()
			return count{}, nil
		}
		server := a.server()
		c := dial(t, server, "ada")
		marking(t, c, "1", "")
		c.send("1", "2", "room:1", "do", once(1, 0))
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := server.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Shutdown: %v", err)
		}
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("the callback's context: %v", err)
		}
	})
}

// Bytes have their mark in the frame.
func TestMarkedBytes(t *testing.T) {
	bubble(t, func(t *testing.T) {
		upload := roost.NewIn[[]byte, count]("upload")
		a := &app{}
		server := a.server()
		ran := 0
		h := roost.NewHandler(func(context.Context, *roost.Channel[room], *roost.Socket[user], struct{}) (count, error) {
			return count{}, nil
		}, nil)
		h.HandleIn(upload, func(_ context.Context, _ *roost.Channel[room], data []byte) (count, error) {
			ran++
			return count{len(data)}, nil
		})
		server.Handle("files:{id}", h)
		c := dial(t, server, "ada")
		push := func(ref int) {
			frame, binary, err := wire.V2.AppendClient(nil, wire.ClientMessage{
				JoinRef: wire.String("1"), Ref: wire.String(strconv.Itoa(ref)), Topic: wire.String("files:1"), Event: "upload",
				Payload: wire.Payload{Data: []byte("data"), Binary: true}, Mark: `{"id":1}`,
			})
			if err == nil {
				err = c.conn.Send(frame, binary)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		c.send("1", "1", "files:1", "phx_join", `{}`)
		c.drainTo(1)
		push(2)
		if got := c.next(); !strings.Contains(got, "the join asked for no session") {
			t.Errorf("without a session: %s", got)
		}
		c.send("1", "1", "files:1", "phx_join", `{"_once":true}`)
		c.drainTo(2)
		for ref := 2; ref <= 3; ref++ {
			push(ref)
			c.want(fmt.Sprintf(`["1","%d","files:1","phx_reply",{"response":{"n":4},"status":"ok"}]`, ref))
		}
		if ran != 1 {
			t.Errorf("the callback ran %d times", ran)
		}
	})
}
