package longpoll

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roost-dev/roost/transport"
)

func TestASessionIsServedOnEveryNode(t *testing.T) {
	nodes(t, Config{}, func(t *testing.T, n *network, h []*Handler, c *client, s *socket) {
		var wanted []string
		for i := range 9 {
			m := fmt.Sprintf("[%d]", i)
			s.send(t, m)
			want(t, "a poll", c.next(), 200, m)
			want(t, "a post", c.post(m, "AAE="), 200)
			wanted = append(wanted, m, "0001")
		}
		if got := s.received(); !slices.Equal(got, wanted) {
			t.Errorf("received %q, want %q", got, wanted)
		}
		if len(n.apps[1].sockets)+len(n.apps[2].sockets) != 0 {
			t.Error("another node made a session")
		}
	})
}

func TestAPollOnAnotherNodeWaitsAndIsWoken(t *testing.T) {
	nodes(t, Config{}, func(t *testing.T, n *network, h []*Handler, c *client, s *socket) {
		start := time.Now()
		polled := c.at(h[1]).polling()
		time.Sleep(3 * time.Second)
		s.send(t, "[1]")
		want(t, "the poll", <-polled, 200, "[1]")
		if waited := time.Since(start); waited != 3*time.Second {
			t.Errorf("waited %v, want 3s", waited)
		}
		got := c.at(h[2]).poll()
		want(t, "a poll for nothing", got, 204)
		if waited := time.Since(start); waited != 13*time.Second || got.Token != c.token {
			t.Errorf("waited until %v, got token %q; want a window, and the token that was sent", waited, got.Token)
		}
	})
}

func TestOfTwoPollsOnTwoNodesTheLaterGetsTheMessages(t *testing.T) {
	nodes(t, Config{}, func(t *testing.T, n *network, h []*Handler, c *client, s *socket) {
		start := time.Now()
		first := c.at(h[1]).polling()
		time.Sleep(2 * time.Second)
		second := c.at(h[2]).polling()
		time.Sleep(2 * time.Second)
		s.send(t, "[1]")
		want(t, "the later poll", <-second, 200, "[1]")
		s.send(t, "[2]")
		want(t, "the earlier poll", <-first, 204)
		if waited := time.Since(start); waited != 10*time.Second {
			t.Errorf("the earlier poll waited %v, want its window", waited)
		}
		want(t, "the next poll", c.at(h[0]).poll(), 200, "[2]")
	})
}

func TestAPollOnAnotherNodeWhoseClientHasGoneLeavesTheMessages(t *testing.T) {
	nodes(t, Config{}, func(t *testing.T, n *network, h []*Handler, c *client, s *socket) {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("X-Phoenix-Longpoll-Token", c.token)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			h[1].ServeHTTP(httptest.NewRecorder(), r.WithContext(ctx))
		}()
		synctest.Wait()
		cancel()
		s.send(t, "[1]") // both at once: the owner may see either first
		<-done
		want(t, "the next poll", c.at(h[2]).poll(), 200, "[1]")
	})
}

func TestAnAnswerThatAnotherNodeCannotWriteLosesNothing(t *testing.T) {
	nodes(t, Config{}, func(t *testing.T, n *network, h []*Handler, c *client, s *socket) {
		s.send(t, "[1]")
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("X-Phoenix-Longpoll-Token", c.token)
		h[1].ServeHTTP(clogged{httptest.NewRecorder()}, r)
		want(t, "the next poll", c.next(), 200, "[1]")
	})
}

// The front of a poll has the messages and is not heard of any more: dead, or
// its answer is lost.
func TestWhatAFrontDidBeforeItWentSilent(t *testing.T) {
	for _, silence := range []struct {
		name          string
		before, after fault
		within        time.Duration
	}{
		{"dead", dies, diesAfter, 0},
		{"not heard", lost, unanswered, writeTimeout + grace},
	} {
		t.Run(silence.name+", nothing: the client polls again and gets the messages", func(t *testing.T) {
			nodes(t, Config{}, func(t *testing.T, n *network, h []*Handler, c *client, s *socket) {
				n.fail(on(opWrite, silence.before))
				s.send(t, "[1]", "[2]")
				abandoned := c.at(h[1]).polling()
				synctest.Wait()
				n.fail(nil)
				start := time.Now()
				got := c.next()
				for got.Status == 204 {
					got = c.next()
				}
				want(t, "the next poll", got, 200, "[1]", "[2]")
				if waited := time.Since(start); waited > silence.within {
					t.Errorf("it took %v, want at most %v", waited, silence.within)
				}
				<-abandoned
				s.send(t, "[3]")
				want(t, "the one after it", c.next(), 200, "[3]")
			})
		})
		t.Run(silence.name+", it wrote: the client polls with its new token and gets nothing twice", func(t *testing.T) {
			nodes(t, Config{}, func(t *testing.T, n *network, h []*Handler, c *client, s *socket) {
				n.fail(on(opWrite, silence.after))
				s.send(t, "[1]", "[2]")
				got := c.at(h[1]).poll()
				want(t, "the poll", got, 200, "[1]", "[2]")
				n.fail(nil)
				c.token = got.Token
				s.send(t, "[3]")
				start := time.Now()
				want(t, "the next poll", c.next(), 200, "[3]")
				if waited := time.Since(start); waited != 0 {
					t.Errorf("it took %v; the token says that the client has the first answer", waited)
				}
				synctest.Wait()
				time.Sleep(writeTimeout + grace) // the owner gives up on the first
				s.send(t, "[4]")
				want(t, "the one after it", c.next(), 200, "[4]")
			})
		})
	}
}

func TestAPollThatIsAnsweredIsOverThoughItsOwnerIsNotHeard(t *testing.T) {
	nodes(t, Config{}, func(t *testing.T, n *network, h []*Handler, c *client, s *socket) {
		n.fail(on(opPoll, unanswered))
		s.send(t, "[1]")
		start := time.Now()
		want(t, "the poll", c.at(h[1]).poll(), 200, "[1]")
		if took := time.Since(start); took > lateAnswer {
			t.Errorf("it held the connection for %v", took)
		}
	})
}

func TestNoPollGetsWhatAnotherNodeIsWriting(t *testing.T) {
	nodes(t, Config{Window: time.Second}, func(t *testing.T, n *network, h []*Handler, c *client, s *socket) {
		n.fail(on(opWrite, lost))
		s.send(t, "[1]")
		first := c.at(h[1]).polling()
		synctest.Wait()
		n.fail(nil)
		want(t, "a poll meanwhile", c.at(h[2]).poll(), 204)
		want(t, "a poll meanwhile where the session is", c.at(h[0]).poll(), 204)
		<-first
	})
}

func TestAnOldTokenTakesNothingBack(t *testing.T) {
	nodes(t, Config{}, func(t *testing.T, n *network, h []*Handler, c *client, s *socket) {
		first := c.at(h[1])
		s.send(t, "[1]")
		want(t, "a poll", c.next(), 200, "[1]")
		s.send(t, "[2]")
		want(t, "a poll with the first token", first.poll(), 200, "[2]")
		want(t, "a post with the first token", first.post("[]"), 200)
	})
}

func TestASessionOfADeadNodeIsGoneAtOnce(t *testing.T) {
	nodes(t, Config{}, func(t *testing.T, n *network, h []*Handler, c *client, s *socket) {
		start := time.Now()
		waiting := c.at(h[1]).polling()
		synctest.Wait()
		n.kill(0)
		for what, got := range map[string]answer{"the poll that waited": <-waiting, "a poll": c.at(h[2]).poll()} {
			if got.Status != 410 || got.Token == c.token || got.Token == "" {
				t.Errorf("%s: got %v with token %q, want 410 and a new token", what, got, got.Token)
			}
		}
		want(t, "a post", c.at(h[1]).post("[]"), 410)
		if waited := time.Since(start); waited != 0 {
			t.Errorf("all this took %v", waited)
		}
		if len(n.apps[1].sockets) != 1 || len(n.apps[2].sockets) != 1 {
			t.Error("the new sessions are not where the polls came")
		}
	})
}

func TestASessionThatEndedOnItsNodeIsGoneOnOthers(t *testing.T) {
	nodes(t, Config{}, func(t *testing.T, n *network, h []*Handler, c *client, s *socket) {
		waiting := c.at(h[1]).polling()
		synctest.Wait()
		s.conn.Close(transport.CloseGoingAway, "disconnected")
		want(t, "the poll that waited", <-waiting, 410)
		want(t, "a post", c.at(h[1]).post("[]"), 410)
		got := c.at(h[2]).poll()
		if got.Status != 410 || got.Token == c.token {
			t.Errorf("a poll: got %v, want 410 and a new token", got)
		}
		s2 := <-n.apps[2].sockets
		s2.send(t, "[1]")
		c.token = got.Token
		want(t, "the new session", c.at(h[0]).poll(), 200, "[1]")
	})
}

func TestAnOwnerThatDoesNotAnswerKeepsItsSessions(t *testing.T) {
	for name, f := range map[string]fault{"hears nothing": lost, "is not heard": unanswered, "cannot be reached": refused} {
		t.Run(name, func(t *testing.T) {
			nodes(t, Config{}, func(t *testing.T, n *network, h []*Handler, c *client, s *socket) {
				n.fail(func(request) fault { return f })
				start := time.Now()
				got := c.at(h[1]).poll()
				want(t, "a poll", got, 204)
				if waited := time.Since(start); waited != 13*time.Second || got.Token != c.token {
					t.Errorf("after %v it got the token %q, want 13s and the same token", waited, got.Token)
				}
				start = time.Now()
				want(t, "a post", c.at(h[1]).post("[0]"), 408)
				if waited := time.Since(start); waited > 10*time.Second {
					t.Errorf("a post waited %v, want a window at most", waited)
				}
				n.fail(nil)
				s.send(t, "[1]")
				want(t, "a poll once it answers", c.at(h[1]).poll(), 200, "[1]")
			})
		})
	}
}

func TestAPollFindsAnOwnerThatCanBeReachedAgain(t *testing.T) {
	nodes(t, Config{}, func(t *testing.T, n *network, h []*Handler, c *client, s *socket) {
		n.fail(on(opPoll, refused))
		start := time.Now()
		polled := c.at(h[1]).polling()
		time.Sleep(2500 * time.Millisecond)
		n.fail(nil)
		s.send(t, "[1]")
		want(t, "the poll", <-polled, 200, "[1]")
		if waited := time.Since(start); waited != 3*time.Second {
			t.Errorf("it took %v, want 3s: it asks again each second", waited)
		}
	})
}

func TestClosingAnOwnerAnswersPollsOnOtherNodes(t *testing.T) {
	nodes(t, Config{}, func(t *testing.T, n *network, h []*Handler, c *client, s *socket) {
		idle, s2 := connect(t, h[0], n.apps[0])
		s2.send(t, "[1]")
		start := time.Now()
		waiting := c.at(h[1]).polling()
		synctest.Wait()
		closed := make(chan error)
		go func() { closed <- h[0].Close(t.Context()) }()
		want(t, "the poll that waited", <-waiting, 410)
		synctest.Wait()
		want(t, "a poll while closing", idle.at(h[2]).poll(), 200, "[1]")
		if err := <-closed; err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("all this took %v", took)
		}
	})
}

func TestASessionThatIsClosedTellsPollsOnOtherNodesWhenToComeBack(t *testing.T) {
	nodes(t, Config{}, func(t *testing.T, n *network, h []*Handler, c *client, s *socket) {
		polled := c.at(h[1]).polling()
		synctest.Wait()
		s.conn.Close(transport.CloseRestart, transport.WithRetryAfter("restart", 3*time.Second))
		if got := <-polled; got.Status != 410 || got.RetryAfter != "3" {
			t.Errorf("the poll got status %d, Retry-After %q, want 410 and 3", got.Status, got.RetryAfter)
		}
	})
}

func TestClosingAFrontEndsNoSession(t *testing.T) {
	nodes(t, Config{}, func(t *testing.T, n *network, h []*Handler, c *client, s *socket) {
		start := time.Now()
		waiting := c.at(h[1]).polling()
		synctest.Wait()
		if err := h[1].Close(t.Context()); err != nil {
			t.Error(err)
		}
		want(t, "the poll that waited", <-waiting, 204)
		if took := time.Since(start); took != 0 {
			t.Errorf("it took %v", took)
		}
		r := httptest.NewRequest("GET", "/?token="+c.token, nil)
		w := httptest.NewRecorder()
		h[1].ServeHTTP(w, r)
		want(t, "a later one", decode(t, w.Body.Bytes()), 204)
		if took := time.Since(start); took != pauseTime || w.Header().Get("Connection") != "close" {
			t.Errorf("it took %v, headers %v; want %v, and the connection closed", took, w.Header(), pauseTime)
		}
		want(t, "a post", c.at(h[1]).post("[1]"), 200)
		s.send(t, "[2]")
		want(t, "a poll elsewhere", c.at(h[2]).poll(), 200, "[2]")
	})
}

func TestClosingAFrontWaitsForNoOwnerThatDoesNotAnswer(t *testing.T) {
	nodes(t, Config{}, func(t *testing.T, n *network, h []*Handler, c *client, s *socket) {
		n.fail(on(opPost, unanswered))
		start := time.Now()
		posted := make(chan answer)
		go func() { posted <- c.at(h[1]).post("[1]") }()
		synctest.Wait()
		if err := h[1].Close(t.Context()); err != nil {
			t.Error(err)
		}
		want(t, "a post", <-posted, 408)
		want(t, "a later one", c.at(h[1]).post("[2]"), 408)
		if took := time.Since(start); took != 2*pauseTime {
			t.Errorf("they took %v, want %v each", took, pauseTime)
		}
	})
}

func TestLargeMessagesPassBetweenNodes(t *testing.T) {
	nodes(t, Config{MaxMessage: -1}, func(t *testing.T, n *network, h []*Handler, c *client, s *socket) {
		large := "[" + strings.Repeat(`"é\n",`, 500_000) + "0]"
		s.send(t, "[1]", large)
		s.conn.Close(transport.CloseGoingAway, "") // what was sent before still arrives
		want(t, "a poll", c.at(h[1]).poll(), 200, "[1]", large)
		if parts := len(n.ops(opWrite)); parts < 10 {
			t.Errorf("it came in %d parts", parts)
		}
	})
	nodes(t, Config{MaxMessage: -1}, func(t *testing.T, n *network, h []*Handler, c *client, s *socket) {
		large := "[" + strings.Repeat("1", 3_000_000) + "]"
		want(t, "a post", c.at(h[1]).post("[1]", large, "[2]"), 200)
		if got := s.received(); !slices.Equal(got, []string{"[1]", large, "[2]"}) {
			t.Errorf("received %d messages, want 3 in order", len(got))
		}
	})
}

func TestALostPartOfAnAnswerLosesNothing(t *testing.T) {
	for _, f := range []fault{lost, unanswered, dies, diesAfter, refused} {
		nodes(t, Config{}, func(t *testing.T, n *network, h []*Handler, c *client, s *socket) {
			large := "[" + strings.Repeat("1", 3*partSize) + "]"
			n.fail(func(q request) fault {
				if q.Op == opWrite && q.Offset == partSize {
					return f
				}
				return none
			})
			s.send(t, large)
			polled := c.at(h[1]).polling()
			synctest.Wait()
			n.fail(nil)
			got := <-polled
			for got.Status == 204 {
				got = c.next()
			}
			want(t, fmt.Sprintf("fault %d: a poll", f), got, 200, large)
			c.token = got.Token
			want(t, "the next", c.next(), 204)
		})
	}
}

func TestTheBodyOfAPostThatIsLostOnTheWayIsNotApplied(t *testing.T) {
	for _, f := range []fault{lost, unanswered, dies, refused} {
		nodes(t, Config{MaxMessage: -1}, func(t *testing.T, n *network, h []*Handler, c *client, s *socket) {
			n.fail(on(opRead, f))
			want(t, "a post", c.at(h[1]).post("[1]", "["+strings.Repeat("1", partSize)+"]"), 408)
			if got := s.received(); len(got) != 0 {
				t.Errorf("fault %d: received %d messages of it", f, len(got))
			}
			n.fail(nil)
			want(t, "the session lives: a post", c.at(h[1]).post("[2]"), 200)
		})
	}
}

func TestPollsOnOtherNodesKeepASession(t *testing.T) {
	nodes(t, Config{Window: time.Second}, func(t *testing.T, n *network, h []*Handler, c *client, s *socket) {
		for range 20 {
			want(t, "a poll", c.at(h[1]).poll(), 204)
			time.Sleep(1400 * time.Millisecond)
		}
		for status := 200; status == 200; status = c.at(h[2]).post("[]").Status {
			time.Sleep(200 * time.Millisecond)
		}
		if err := <-s.ended; !errors.Is(err, ErrInactive) {
			t.Errorf("with posts alone it ended with %v, want ErrInactive", err)
		}
	})
}

func TestTheFrontChecksWhatComesFromOutside(t *testing.T) {
	nodes(t, Config{Origin: transport.Origins("https://example.com"), MaxBody: 10}, func(t *testing.T, n *network, h []*Handler, c *client, s *socket) {
		for _, method := range []string{"GET", "POST"} {
			r := httptest.NewRequest(method, "/?token="+c.token, nil)
			r.Header.Set("Origin", "https://evil.com")
			w := httptest.NewRecorder()
			h[1].ServeHTTP(w, r)
			want(t, method+" of another origin", decode(t, w.Body.Bytes()), 403)
		}
		if got := c.at(h[1]).post("[1]", "[23456789]"); got.HTTP != 400 {
			t.Errorf("a body over the bound: got %+v, want HTTP status 400", got)
		}
		want(t, "a malformed line", c.at(h[1]).post("{}"), 400)
		forged := &client{t: t, h: h[1], token: forge(t, c.token)}
		want(t, "a post with a forged token", forged.post("[]"), 410)
		if got := forged.poll(); got.Status != 410 || got.Token == forged.token {
			t.Errorf("a poll with a forged token: got %+v, want a new session", got)
		}
		if asked := len(n.ops(opPoll)); asked != 0 || len(n.ops(opPost)) != 1 {
			t.Errorf("the owner was asked for %d polls and %d posts, want only the post that is in order",
				asked, len(n.ops(opPost)))
		}
	})
}

func TestTheOwnerChecksWhatOtherNodesAsk(t *testing.T) {
	nodes(t, Config{MaxBody: 10}, func(t *testing.T, n *network, h []*Handler, c *client, s *socket) {
		session := decodeTicket(c.token[:strings.LastIndex(c.token, ".")]).session
		tests := []struct {
			name   string
			q      request
			answer string // empty: an error
		}{
			{"a body over the bound", request{Op: opPost, Session: session, Size: 11, body: []byte("[123456789]")}, "400"},
			{"a post to no session", request{Op: opPost, Session: "x"}, "410"},
			{"a poll of no session", request{Op: opPoll, Session: "x"}, "404"},
			{"a part of no answer", request{Op: opWrite, Request: "x", body: []byte(`"[1]"`)}, "410"},
			{"a body of no post", request{Op: opRead, Request: "x"}, ""},
			{"what it does not know", request{Op: "x"}, ""},
		}
		for _, tt := range tests {
			asked, err := tt.q.encode()
			if err != nil {
				t.Fatal(err)
			}
			got, err := h[0].ServePeer(t.Context(), asked)
			if (err != nil) != (tt.answer == "") || err == nil && string(got) != tt.answer {
				t.Errorf("%s: got %q, %v, want %q", tt.name, got, err, tt.answer)
			}
		}
		if _, err := h[0].ServePeer(t.Context(), []byte{9}); err == nil {
			t.Error("a request that is cut off is no error")
		}
	})
}

func TestAPanicWhileAnotherNodeWritesLosesNothing(t *testing.T) {
	nodes(t, Config{}, func(t *testing.T, n *network, h []*Handler, c *client, s *socket) {
		s.send(t, "[1]")
		r := httptest.NewRequest("GET", "/?token="+c.token, nil)
		h[1].ServeHTTP(exploding{httptest.NewRecorder()}, r)
		want(t, "the next poll", c.at(h[2]).poll(), 200, "[1]")
	})
}

// exploding is the writer of a broken middleware.
type exploding struct{ *httptest.ResponseRecorder }

func (exploding) Write([]byte) (int, error) { panic("boom") }

func TestAPanicOfASocketIsNoAnswerOnAnotherNode(t *testing.T) {
	nodes(t, Config{}, func(t *testing.T, n *network, h []*Handler, c *client, s *socket) {
		want(t, "a post", c.at(h[1]).post(`["panic"]`), 408)
		if err := <-s.ended; err == nil {
			t.Error("ended in good order")
		}
		want(t, "the next post", c.at(h[1]).post("[]"), 410)
	})
}

func FuzzRequest(f *testing.F) {
	q := request{Op: opWrite, Request: "1", Got: 7, body: []byte("[1]")}
	b, err := q.encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte{2, '{', '}', 1})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f})
	f.Fuzz(func(t *testing.T, b []byte) {
		q, err := decodeRequest(b)
		if err != nil {
			return
		}
		again, err := q.encode()
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		if q2, err := decodeRequest(again); err != nil || fmt.Sprint(q2) != fmt.Sprint(q) {
			t.Fatalf("%v became %v, %v", q, q2, err)
		}
	})
}
