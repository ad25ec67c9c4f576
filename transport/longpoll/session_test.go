package longpoll

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roost-dev/roost/transport"
)

// bubble runs test in virtual time with one session, and closes it.
func bubble(t *testing.T, cfg Config, test func(t *testing.T, c *client, s *socket)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h, a := newHandler(cfg)
		c, s := connect(t, h, a)
		test(t, c, s)
		if err := h.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestAPollGetsWhatWaits(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, c *client, s *socket) {
		s.send(t, "[1]", "[2]", "[3]")
		want(t, "a poll", c.poll(), 200, "[1]", "[2]", "[3]")
		s.send(t, "[4]")
		want(t, "the next", c.poll(), 200, "[4]")
	})
}

func TestAPollWaitsForAWindow(t *testing.T) {
	bubble(t, Config{Window: 7 * time.Second}, func(t *testing.T, c *client, s *socket) {
		start := time.Now()
		want(t, "a poll", c.poll(), 204)
		if waited := time.Since(start); waited != 7*time.Second {
			t.Errorf("waited %v, want 7s", waited)
		}
	})
}

func TestAPollThatWaitsIsWokenByAMessage(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, c *client, s *socket) {
		start := time.Now()
		polled := c.polling()
		time.Sleep(3 * time.Second)
		s.send(t, "[1]")
		want(t, "the poll", <-polled, 200, "[1]")
		if waited := time.Since(start); waited != 3*time.Second {
			t.Errorf("waited %v, want 3s", waited)
		}
	})
}

func TestOfTwoPollsTheLaterGetsTheMessages(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, c *client, s *socket) {
		start := time.Now()
		first := c.polling()
		time.Sleep(2 * time.Second)
		second := c.polling()
		time.Sleep(2 * time.Second)
		s.send(t, "[1]")
		want(t, "the later poll", <-second, 200, "[1]")
		s.send(t, "[2]")
		want(t, "the earlier poll", <-first, 204)
		if waited := time.Since(start); waited != 10*time.Second {
			t.Errorf("the earlier poll waited %v, want its window", waited)
		}
		want(t, "the next poll", c.poll(), 200, "[2]")
	})
}

func TestAPollWhoseClientHasGoneLeavesTheMessages(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, c *client, s *socket) {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("X-Phoenix-Longpoll-Token", c.token)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			c.h.ServeHTTP(httptest.NewRecorder(), r.WithContext(ctx))
		}()
		synctest.Wait()
		cancel()
		s.send(t, "[1]") // both at once: the poll may see either first
		<-done
		want(t, "the next poll", c.poll(), 200, "[1]")
	})
}

func TestPostedMessagesArriveInOrder(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, c *client, s *socket) {
		want(t, "a post", c.post("[1]", "AAE=", "", "[2]\r", ""), 200)
		if got := s.received(); !slices.Equal(got, []string{"[1]", "0001", "[2]"}) {
			t.Errorf("received %q", got)
		}
	})
}

func TestAnyOtherContentTypeIsOneMessage(t *testing.T) {
	for _, contentType := range []string{"", "application/json", "application/x-ndjson; charset=utf-8"} {
		bubble(t, Config{}, func(t *testing.T, c *client, s *socket) {
			r := httptest.NewRequest("POST", "/", strings.NewReader("{\n}"))
			r.Header.Set("Content-Type", contentType)
			want(t, "a post of "+contentType, c.do(r), 200)
			if got := s.received(); !slices.Equal(got, []string{"{\n}"}) {
				t.Errorf("%q: received %q", contentType, got)
			}
		})
	}
}

func TestAMalformedLineStopsItsPostAlone(t *testing.T) {
	for name, bad := range map[string]string{
		"a message that the socket refuses": `["malformed"]`,
		"neither JSON nor base64":           "{}",
		"a message over the size limit":     "[" + strings.Repeat("1", 64<<10),
	} {
		bubble(t, Config{}, func(t *testing.T, c *client, s *socket) {
			got := c.post("[1]", bad, "[2]")
			if want(t, name, got, 400); got.HTTP != 200 {
				t.Errorf("%s: HTTP status %d, want 200", name, got.HTTP)
			}
			if got := s.received(); got[0] != "[1]" || slices.Contains(got, "[2]") {
				t.Errorf("%s: received %.50q, want what came before it and not what came after", name, got)
			}
			want(t, "the session lives: a post", c.post("[3]"), 200)
			s.send(t, "[4]")
			want(t, "the session lives: a poll", c.poll(), 200, "[4]")
		})
	}
}

func TestPostsAtOnceDoNotMix(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, c *client, s *socket) {
		var posts sync.WaitGroup
		for i := range 8 {
			posts.Go(func() { c.post(fmt.Sprintf("[%d,1]", i), fmt.Sprintf("[%d,2]", i)) })
		}
		posts.Wait()
		got := s.received()
		if len(got) != 16 {
			t.Fatalf("received %q", got)
		}
		for pair := range slices.Chunk(got, 2) {
			if first, _ := strings.CutSuffix(pair[0], "1]"); pair[1] != first+"2]" {
				t.Errorf("received %q in a row, want the two of one post", pair)
			}
		}
	})
}

func TestBinaryMessagesCannotBeSaid(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, c *client, s *socket) {
		s.send(t, "[1]")
		if err := s.conn.Send(frame("\x00", true)); !errors.Is(err, transport.ErrUnsayable) {
			t.Errorf("Send returned %v, want ErrUnsayable", err)
		}
		s.send(t, "[2]")
		want(t, "a poll", c.poll(), 200, "[1]", "[2]")
	})
}

func TestASessionWithoutPollsEnds(t *testing.T) {
	bubble(t, Config{Window: time.Second}, func(t *testing.T, c *client, s *socket) {
		start := time.Now()
		if err := <-s.ended; !errors.Is(err, ErrInactive) {
			t.Errorf("ended with %v, want ErrInactive", err)
		}
		if lasted := time.Since(start); lasted <= 1500*time.Millisecond || lasted > 3*time.Second {
			t.Errorf("ended after %v, want more than 1.5 windows and no more than 3", lasted)
		}
		want(t, "a post to the dead session", c.post("[]"), 410)
		if got := c.poll(); got.Status != 410 || got.Token == c.token {
			t.Errorf("a poll of the dead session: got %+v, want 410 and a new token", got)
		}
	})
}

func TestASessionThatPollsLives(t *testing.T) {
	bubble(t, Config{Window: time.Second}, func(t *testing.T, c *client, s *socket) {
		for i := range 20 {
			want(t, fmt.Sprint("poll ", i), c.poll(), 204)
			time.Sleep(1400 * time.Millisecond)
		}
	})
}

func TestPostingAloneKeepsNoSession(t *testing.T) {
	bubble(t, Config{Window: time.Second}, func(t *testing.T, c *client, s *socket) {
		for status := 200; status == 200; status = c.post("[]").Status {
			time.Sleep(200 * time.Millisecond)
		}
		if err := <-s.ended; !errors.Is(err, ErrInactive) {
			t.Errorf("ended with %v, want ErrInactive", err)
		}
	})
}

func TestClosingReleasesThePollThatWaits(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, c *client, s *socket) {
		start := time.Now()
		earlier := c.polling()
		synctest.Wait()
		polled := c.polling()
		synctest.Wait()
		s.conn.Close(transport.CloseGoingAway, "disconnected")
		got := <-polled
		want(t, "the poll", got, 410)
		if got.Token != c.token {
			t.Errorf("the token is %q, want that of the session", got.Token)
		}
		want(t, "a superseded poll", <-earlier, 410)
		want(t, "a post", c.post("[]"), 410)
		if err := <-s.ended; err != nil {
			t.Errorf("ended with %v, want good order", err)
		}
		if waited := time.Since(start); waited != 0 {
			t.Errorf("all this took %v", waited)
		}
		if got := c.poll(); got.Status != 410 || got.Token == c.token {
			t.Errorf("a later poll: got %+v, want 410 and a new token", got)
		}
	})
}

func TestAClosedSessionTellsWhenToComeBack(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, c *client, s *socket) {
		polled := c.polling()
		synctest.Wait()
		s.conn.Close(transport.CloseRestart, transport.WithRetryAfter("restart", 1500*time.Millisecond))
		if got := <-polled; got.Status != 410 || got.RetryAfter != "2" {
			t.Errorf("the poll that waited got status %d, Retry-After %q, want 410 and 2", got.Status, got.RetryAfter)
		}
	})
}

func TestWhatWasSentBeforeTheCloseArrives(t *testing.T) {
	t.Run("at the poll that waits", func(t *testing.T) {
		bubble(t, Config{}, func(t *testing.T, c *client, s *socket) {
			polled := c.polling()
			synctest.Wait()
			s.send(t, "[1]", "[2]")
			s.conn.Close(transport.CloseGoingAway, "")
			s.send(t, "[3]") // nothing is sent any more
			want(t, "the poll", <-polled, 200, "[1]", "[2]")
			want(t, "the next poll", c.poll(), 410)
		})
	})
	t.Run("at the next poll", func(t *testing.T) {
		bubble(t, Config{}, func(t *testing.T, c *client, s *socket) {
			s.send(t, "[1]")
			s.conn.Close(transport.CloseGoingAway, "")
			<-s.ended // at once, not when the client has fetched
			want(t, "a post", c.post("[]"), 410)
			want(t, "the next poll", c.poll(), 200, "[1]")
			want(t, "the one after it", c.poll(), 410)
		})
	})
	t.Run("not at a superseded poll", func(t *testing.T) {
		bubble(t, Config{}, func(t *testing.T, c *client, s *socket) {
			earlier := c.polling()
			synctest.Wait()
			later := c.polling()
			synctest.Wait()
			s.send(t, "[1]")
			want(t, "the later poll", <-later, 200, "[1]")
			s.send(t, "[2]")
			s.conn.Close(transport.CloseGoingAway, "")
			want(t, "the earlier poll", <-earlier, 204)
			want(t, "the next poll", c.poll(), 200, "[2]")
		})
	})
	t.Run("unless the client stays away", func(t *testing.T) {
		bubble(t, Config{}, func(t *testing.T, c *client, s *socket) {
			s.send(t, "[1]")
			s.conn.Close(transport.CloseGoingAway, "")
			time.Sleep(lingerTime + time.Second)
			want(t, "a poll", c.poll(), 410)
		})
	})
}

func TestASocketMayCloseWhileItReceives(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, c *client, s *socket) {
		want(t, "the post", c.post("[1]", `["close"]`, "[2]"), 410)
		if err := <-s.ended; err != nil {
			t.Errorf("ended with %v, want good order", err)
		}
		if got := s.received(); !slices.Equal(got, []string{"[1]", `["close"]`}) {
			t.Errorf("received %q", got)
		}
	})
}

func TestASocketMayCloseWhileItOpens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan error, 1)
		h := New(Config{Tokens: macs{"key"}, Accept: func(*http.Request, transport.Hello) (func(transport.Conn) transport.Session, error) {
			return func(conn transport.Conn) transport.Session {
				conn.Send(frame("[1]", false))
				conn.Close(transport.CloseRestart, "")
				return &socket{conn: conn, ended: ended}
			}, nil
		}})
		c := &client{t: t, h: h}
		c.token = c.poll().Token
		want(t, "a poll", c.poll(), 200, "[1]")
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := h.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestAPanicWhileOpeningLeavesNothingBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New(Config{Tokens: macs{"key"}, Accept: func(*http.Request, transport.Hello) (func(transport.Conn) transport.Session, error) {
			return func(transport.Conn) transport.Session { panic("boom") }, nil
		}})
		func() {
			defer func() { _ = recover() }() // net/http does
			h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
			t.Error("no panic")
		}()
		if err := h.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if len(h.sessions) != 0 {
			t.Error("the session is still known")
		}
	})
}

func TestAPanicWhileReceivingEndsTheSession(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, c *client, s *socket) {
		func() {
			defer func() { _ = recover() }() // net/http does
			c.post(`["panic"]`)
			t.Error("no panic")
		}()
		if err := <-s.ended; err == nil {
			t.Error("ended in good order")
		}
		want(t, "a poll", c.poll(), 410)
	})
}

func TestAClientThatDoesNotFetchIsSlow(t *testing.T) {
	bubble(t, Config{Outbox: 10}, func(t *testing.T, c *client, s *socket) {
		s.send(t, "[234567890]") // over the bound, but it is the first
		want(t, "a poll", c.poll(), 200, "[234567890]")
		s.send(t, "[23]", "[456789]")
		s.send(t, "[1]")
		if err := <-s.ended; !errors.Is(err, ErrSlow) {
			t.Errorf("ended with %v, want ErrSlow", err)
		}
		want(t, "a poll", c.poll(), 410)
	})
}

func TestFetchingMakesRoomInTheOutbox(t *testing.T) {
	bubble(t, Config{Outbox: 10}, func(t *testing.T, c *client, s *socket) {
		for range 100 {
			s.send(t, "[2345]", "[2345]")
			want(t, "a poll", c.poll(), 200, "[2345]", "[2345]")
		}
	})
}
