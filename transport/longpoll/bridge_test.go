package longpoll

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roost-dev/roost/transport"
	"github.com/roost-dev/roost/transport/memory"
)

// webSocket is the client's end of the connection that a session goes on over.
type webSocket struct {
	t    *testing.T
	conn *memory.Client
}

// upgrade opens a WebSocket for the client's session, on any node.
func upgrade(t *testing.T, h *Handler, c *client) *webSocket {
	t.Helper()
	ws, err := tryUpgrade(t, h, c.token)
	if err != nil {
		t.Fatal(err)
	}
	return ws
}

func tryUpgrade(t *testing.T, h *Handler, token string) (*webSocket, error) {
	conn, err := memory.Dial(func(*http.Request, transport.Hello) (func(transport.Conn) transport.Session, error) {
		return h.Upgrade(token)
	}, nil)
	return &webSocket{t, conn}, err
}

func (ws *webSocket) say(words ...string) {
	ws.t.Helper()
	for _, word := range words {
		if err := ws.conn.Send([]byte(word), false); err != nil {
			ws.t.Errorf("saying %q: %v", word, err)
		}
	}
}

// want fails the test unless these messages come next.
func (ws *webSocket) want(messages ...string) {
	ws.t.Helper()
	for _, want := range messages {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		got, err := ws.conn.Receive(ctx)
		cancel()
		if err != nil || string(got.Data) != want {
			ws.t.Errorf("the WebSocket brought %q, %v, want %q", got.Data, err, want)
		}
	}
}

func (ws *webSocket) wantNothing() {
	ws.t.Helper()
	synctest.Wait()
	if got, ok := ws.conn.TryReceive(); ok {
		ws.t.Errorf("the WebSocket brought %q", got.Data)
	}
}

// end is how the server closes the WebSocket, once it does.
func (ws *webSocket) end() *memory.CloseError {
	ws.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		_, err := ws.conn.Receive(ctx)
		if closed, ok := errors.AsType[*memory.CloseError](err); ok {
			return closed
		}
		if err != nil {
			ws.t.Fatalf("waited for the server's close, but %v", err)
		}
	}
}

// ways runs a test with the WebSocket on the node that has the session, and on
// another. c reaches the nodes in turn.
func ways(t *testing.T, test func(t *testing.T, n *network, h *Handler, c *client, s *socket)) {
	for i, name := range []string{"on the node that has the session", "on another node"} {
		t.Run(name, func(t *testing.T) {
			nodes(t, Config{Upgrade: true}, func(t *testing.T, n *network, h []*Handler, c *client, s *socket) {
				test(t, n, h[i], c, s)
			})
		})
	}
}

// handOver takes a session that has brought so many messages to a WebSocket.
func handOver(t *testing.T, h *Handler, c *client, got int) *webSocket {
	t.Helper()
	ws := upgrade(t, h, c)
	ws.say("probe")
	ws.want("probe")
	polled := c.polling()
	synctest.Wait()
	ws.say("upgrade")
	want(t, "the poll that waited", <-polled, 204)
	ws.say(fmt.Sprintf("go %d", got))
	ws.want("go")
	return ws
}

func TestASessionGoesOnOverAWebSocket(t *testing.T) {
	ways(t, func(t *testing.T, _ *network, h *Handler, c *client, s *socket) {
		s.send(t, "[1]", "[2]")
		want(t, "a poll", c.next(), 200, "[1]", "[2]")
		want(t, "a post", c.post("[10]"), 200)

		ws := upgrade(t, h, c)
		ws.say("probe")
		ws.want("probe")
		polled := c.polling()
		synctest.Wait()
		s.send(t, "[3]")
		want(t, "polls go on meanwhile", <-polled, 200, "[3]")
		polled = c.polling()
		synctest.Wait()
		ws.say("upgrade")
		want(t, "the poll that waited", <-polled, 204)
		s.send(t, "[4]", "[5]")
		ws.wantNothing()
		ws.say("go 3", "[11]")
		ws.want("go", "[4]", "[5]")
		s.send(t, "[6]")
		ws.want("[6]")
		ws.say("[12]")
		if err := ws.conn.Send([]byte{0xab}, true); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if got, want := s.received(), []string{"[10]", "[11]", "[12]", "ab"}; !slices.Equal(got, want) {
			t.Errorf("the socket received %q, want %q", got, want)
		}
		want(t, "a poll behind go", c.poll(), 410)
		want(t, "a post behind go", c.post("[13]"), 410)
		time.Sleep(time.Hour)
		s.send(t, "[7]")
		ws.want("[7]")
		ws.conn.Close(transport.CloseNormal)
		if err := <-s.ended; err != nil {
			t.Errorf("the session ended with %v, want good order", err)
		}
		want(t, "a poll behind the end", c.poll(), 410)
	})
}

func TestAPollWhoseAnswerIsOnItsWayCounts(t *testing.T) {
	ways(t, func(t *testing.T, _ *network, h *Handler, c *client, s *socket) {
		ws := upgrade(t, h, c)
		ws.say("probe", "upgrade")
		ws.want("probe")
		synctest.Wait()
		s.send(t, "[1]")
		want(t, "the poll that was on its way", c.poll(), 204)
		ws.say("go 0")
		ws.want("go", "[1]")
		ws.conn.Close(transport.CloseNormal)
		<-s.ended
	})
}

// Until go the session is on long polling, whatever becomes of the WebSocket.
func TestAWebSocketThatEndsBeforeGoLosesNothing(t *testing.T) {
	for i, words := range [][]string{{}, {"probe"}, {"probe", "upgrade"}} {
		t.Run(fmt.Sprint("behind ", words), func(t *testing.T) {
			ways(t, func(t *testing.T, _ *network, h *Handler, c *client, s *socket) {
				ws := upgrade(t, h, c)
				polled := c.polling()
				synctest.Wait()
				ws.say(words...)
				synctest.Wait()
				s.send(t, "[1]")
				if i == 2 {
					want(t, "the poll that waited", <-polled, 204)
					polled = c.polling()
					synctest.Wait()
				}
				ws.conn.Close(transport.CloseNormal)
				synctest.Wait()
				if i == 2 {
					want(t, "the poll that may have been on its way", <-polled, 204)
					polled = c.polling()
				}
				want(t, "a poll", <-polled, 200, "[1]")
				want(t, "a post", c.post("[10]"), 200)
				if got := s.received(); !slices.Equal(got, []string{"[10]"}) {
					t.Errorf("the socket received %q", got)
				}
				again := handOver(t, h, c, 1)
				s.send(t, "[2]")
				again.want("[2]")
				again.conn.Close(transport.CloseNormal)
				<-s.ended
			})
		})
	}
}

func TestAClientThatPollsOnHasGivenUpOnItsWebSocket(t *testing.T) {
	ways(t, func(t *testing.T, _ *network, h *Handler, c *client, s *socket) {
		ws := upgrade(t, h, c)
		ws.say("probe", "upgrade")
		ws.want("probe")
		synctest.Wait()
		s.send(t, "[1]")
		want(t, "the first poll", c.poll(), 204)
		want(t, "the second poll", c.poll(), 200, "[1]")
		ws.say("go 1")
		if got := ws.end(); got.Code != transport.ClosePolicyViolation {
			t.Errorf("go: the WebSocket was closed with %v, want 1008", got)
		}
		s.send(t, "[2]")
		want(t, "a later poll", c.poll(), 200, "[2]")
	})
}

func TestAWebSocketIsClosedThatSaysSomethingElse(t *testing.T) {
	for _, words := range [][]string{
		{"upgrade"},
		{"go 0"},
		{`["1","1","room:1","phx_join",{}]`},
		{"probe", "probe"},
		{"probe", "go 0"},
		{"probe", "upgrade", "go"},
		{"probe", "upgrade", "go x"},
		{"probe", "upgrade", "go -1"},
		{"probe", "upgrade", "go 0"},
		{"probe", "upgrade", "go 2"},
		{"probe", "upgrade", "go 18446744073709551616"},
	} {
		t.Run(fmt.Sprint(words), func(t *testing.T) {
			ways(t, func(t *testing.T, _ *network, h *Handler, c *client, s *socket) {
				s.send(t, "[1]")
				want(t, "a poll", c.next(), 200, "[1]")
				ws := upgrade(t, h, c)
				for _, word := range words {
					_ = ws.conn.Send([]byte(word), false) // it may be closed already
					synctest.Wait()
				}
				if got := ws.end(); got.Code != transport.ClosePolicyViolation {
					t.Errorf("the WebSocket was closed with %v, want 1008", got)
				}
				synctest.Wait()
				s.send(t, "[2]")
				want(t, "the session goes on", c.next(), 200, "[2]")
				if got := s.received(); len(got) != 0 {
					t.Errorf("the socket received %q", got)
				}
			})
		})
	}
}

func TestAHandingOverThatTakesTooLongIsCalledOff(t *testing.T) {
	ways(t, func(t *testing.T, _ *network, h *Handler, c *client, s *socket) {
		ws := upgrade(t, h, c)
		ws.say("probe", "upgrade")
		start := time.Now()
		if got := ws.end(); got.Code != transport.ClosePolicyViolation || time.Since(start) != upgradeTimeout {
			t.Errorf("the WebSocket was closed with %v after %v", got, time.Since(start))
		}
		synctest.Wait()
		s.send(t, "[1]")
		want(t, "a poll", c.poll(), 200, "[1]")
	})
}

func TestTheSocketsCloseIsThatOfTheWebSocket(t *testing.T) {
	for _, want := range []memory.CloseError{
		{Code: transport.CloseGoingAway, Reason: "disconnected"},
		{Code: transport.CloseRestart, Reason: "server shuts down"},
		{Code: transport.CloseRestart, Reason: transport.WithRetryAfter("server shuts down", 1500*time.Millisecond)},
	} {
		t.Run(want.Reason, func(t *testing.T) {
			ways(t, func(t *testing.T, _ *network, h *Handler, c *client, s *socket) {
				ws := handOver(t, h, c, 0)
				s.send(t, "[1]")
				s.conn.Close(want.Code, want.Reason)
				ws.want("[1]")
				if got := ws.end(); *got != want {
					t.Errorf("the WebSocket was closed with %v, want %v", got, &want)
				}
				if err := <-s.ended; err != nil {
					t.Errorf("the session ended with %v, want good order", err)
				}
			})
		})
	}
}

func TestAMalformedMessageEndsTheWebSocket(t *testing.T) {
	ways(t, func(t *testing.T, _ *network, h *Handler, c *client, s *socket) {
		ws := handOver(t, h, c, 0)
		ws.say("malformed")
		if got := ws.end(); got.Code != transport.CloseInternalError {
			t.Errorf("the WebSocket was closed with %v, want 1011", got)
		}
		if err := <-s.ended; !errors.Is(err, errWebSocketGone) {
			t.Errorf("the session ended with %v, want %v", err, errWebSocketGone)
		}
	})
}

func TestAWebSocketThatIsTooSlowEndsTheSessionAsSlow(t *testing.T) {
	ways(t, func(t *testing.T, _ *network, h *Handler, c *client, s *socket) {
		handOver(t, h, c, 0)
		for range 5 {
			s.send(t, `["`+strings.Repeat("x", 400_000)+`"]`)
			synctest.Wait()
		}
		if err := <-s.ended; !errors.Is(err, transport.ErrSlow) {
			t.Errorf("the session ended with %v, want %v", err, transport.ErrSlow)
		}
	})
}

func TestWhoMayBringASession(t *testing.T) {
	nodes(t, Config{Upgrade: true}, func(t *testing.T, n *network, h []*Handler, c *client, s *socket) {
		s.conn.Close(0, "")
		<-s.ended
		synctest.Wait()
		for what, token := range map[string]string{"gone": c.token, "forged": forge(t, c.token), "missing": ""} {
			_, err := tryUpgrade(t, h[0], token)
			if refused, ok := errors.AsType[*transport.Refused](err); !ok || refused.Status != 410 {
				t.Errorf("a session that is %s: %v, want a refusal with 410", what, err)
			}
		}
		ws := upgrade(t, h[1], c) // which cannot know yet
		ws.say("probe", "upgrade")
		if got := ws.end(); got.Code != transport.ClosePolicyViolation {
			t.Errorf("on another node the WebSocket was closed with %v, want 1008", got)
		}
	})
}

func TestTheFirstAnswerSaysThatSessionsCanGoOnOverAWebSocket(t *testing.T) {
	for _, on := range []bool{true, false} {
		h, _ := newHandler(Config{Upgrade: on})
		c := &client{t: t, h: h}
		got := c.poll()
		if (got.Upgrade == "websocket") != on {
			t.Errorf("with Upgrade %v the header is %q", on, got.Upgrade)
		}
	}
}

func TestClosingAFrontClosesTheWebSocketsOfOtherNodes(t *testing.T) {
	nodes(t, Config{Upgrade: true}, func(t *testing.T, n *network, h []*Handler, c *client, s *socket) {
		ws := handOver(t, h[1], c, 0)
		closed := make(chan error)
		go func() { closed <- h[1].Close(t.Context()) }()
		if got := ws.end(); got.Code != transport.CloseRestart {
			t.Errorf("the WebSocket was closed with %v, want 1012", got)
		}
		if err := <-closed; err != nil {
			t.Error(err)
		}
		<-s.ended
	})
}

func TestAnOwnerThatDiesTakesTheWebSocketWithIt(t *testing.T) {
	nodes(t, Config{Upgrade: true}, func(t *testing.T, n *network, h []*Handler, c *client, s *socket) {
		ws := handOver(t, h[1], c, 0)
		n.kill(0)
		if got := ws.end(); got.Code != transport.CloseGoingAway {
			t.Errorf("the WebSocket was closed with %v, want 1001", got)
		}
	})
}

func TestASessionWhoseWebSocketIsNotHeardOfEnds(t *testing.T) {
	nodes(t, Config{Upgrade: true}, func(t *testing.T, n *network, h []*Handler, c *client, s *socket) {
		handOver(t, h[1], c, 0)
		n.fail(func(request) fault { return lost })
		select {
		case <-s.ended:
		case <-time.After(time.Minute):
			t.Error("the session goes on without anybody who polls")
		}
	})
}

// TestHoweverOftenASessionMovesNothingIsLostOrDoubled has a client try to leave
// long polling again and again, and fail at any point, while the network
// between the nodes fails too, until it has left.
func TestHoweverOftenASessionMovesNothingIsLostOrDoubled(t *testing.T) {
	histories := 20
	if os.Getenv("ROOST_SOAK") != "" {
		histories = 300
	}
	for range histories {
		seed := rand.Uint64()
		nodes(t, Config{MaxMessage: -1, Outbox: 64 << 20, Upgrade: true}, func(t *testing.T, n *network, h []*Handler, c *client, s *socket) {
			x := newHistory(t, seed, n, h, c, s)
			for range 15 {
				x.step()
				x.move(false)
			}
			n.fail(nil)
			// While an answer may still be on its way to a client, nothing is handed over.
			for start := time.Now(); time.Since(start) < writeTimeout+grace; {
				x.take(x.at().poll())
			}
			x.move(true)
			if t.Failed() {
				t.Fatalf("seed %d", seed)
			}
		})
	}
}

// move tries to leave long polling, and gives up at some point unless it is
// for good.
func (x *history) move(forGood bool) {
	steps := 5
	if !forGood {
		steps = x.random.IntN(3)
	}
	ws, err := tryUpgrade(x.t, x.nodes[x.random.IntN(len(x.nodes))], x.client.token)
	if err != nil {
		x.t.Errorf("no WebSocket is to be had: %v", err)
		return
	}
	defer ws.conn.Close(transport.CloseNormal)
	polled := x.at().polling()
	if x.random.IntN(2) == 0 {
		synctest.Wait()
	}
	if x.random.IntN(2) == 0 {
		x.send()
	}
	if steps > 0 {
		ws.say("probe")
	}
	if steps > 1 {
		ws.say("upgrade")
	}
	if x.random.IntN(2) == 0 {
		synctest.Wait()
		x.send()
	}
	x.take(<-polled)
	if !forGood {
		return
	}
	ws.say(fmt.Sprintf("go %d", x.got))
	ws.want("probe", "go")
	x.send()
	for ; x.got < x.sent; x.got++ {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		m, err := ws.conn.Receive(ctx)
		cancel()
		if want := fmt.Sprintf("[%d,", x.got); err != nil || !strings.HasPrefix(string(m.Data), want) {
			x.t.Errorf("the WebSocket brought %.20q, %v, want message %d", m.Data, err, x.got)
			return
		}
	}
	ws.wantNothing()
	x.finish()
}
