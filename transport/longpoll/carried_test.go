package longpoll

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roost-dev/roost/transport"
	"github.com/roost-dev/roost/transport/memory"
)

// What a session that has gone on over a WebSocket has of one.

func TestASessionOverAWebSocketCarriesBytes(t *testing.T) {
	ways(t, func(t *testing.T, _ *network, h *Handler, c *client, s *socket) {
		ws := handOver(t, h, c, 0)
		if !s.conn.CarriesBytes() {
			t.Error("it says that it does not")
		}
		for _, f := range []*transport.Frame{frame("[1]", false), frame("\x00\xff\"", true), frame("", true), frame("[2]", false)} {
			if err := s.conn.Send(f); err != nil {
				t.Error(err)
			}
		}
		for _, want := range []memory.Message{{Data: []byte("[1]")}, {Data: []byte("\x00\xff\""), Binary: true}, {Binary: true}, {Data: []byte("[2]")}} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			got, err := ws.conn.Receive(ctx)
			cancel()
			if err != nil || string(got.Data) != string(want.Data) || got.Binary != want.Binary {
				t.Errorf("the WebSocket brought %q, binary %v, %v, want %q, %v", got.Data, got.Binary, err, want.Data, want.Binary)
			}
		}
	})
}

func TestASessionThatIsNotOverAWebSocketYetCarriesNoBytes(t *testing.T) {
	ways(t, func(t *testing.T, _ *network, h *Handler, c *client, s *socket) {
		ws := upgrade(t, h, c)
		ws.say("probe", "upgrade")
		synctest.Wait()
		if err := s.conn.Send(frame("\x00", true)); !errors.Is(err, transport.ErrUnsayable) || s.conn.CarriesBytes() {
			t.Errorf("Send returned %v, want ErrUnsayable; CarriesBytes: %v", err, s.conn.CarriesBytes())
		}
	})
}

// Whoever sends much, and waits until little of it waits for the client, must
// see what waits to be written to the WebSocket.
func TestWhatWaitsForTheWebSocketWaits(t *testing.T) {
	ways(t, func(t *testing.T, _ *network, h *Handler, c *client, s *socket) {
		ws := handOver(t, h, c, 0)
		const most, pages = 64 << 10, 100
		page := `["` + strings.Repeat("x", 32<<10) + `"]`
		go func() {
			for range pages {
				for s.conn.Waiting() > most {
					time.Sleep(time.Millisecond)
				}
				s.send(t, page)
			}
		}()
		for range pages {
			time.Sleep(100 * time.Millisecond)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			m, err := ws.conn.Receive(ctx)
			cancel()
			if err != nil || string(m.Data) != page {
				t.Fatalf("the WebSocket brought %.20q, %v", m.Data, err)
			}
		}
	})
}

func TestASessionWhoseWebSocketTakesLittleDoesNotEndAsInactive(t *testing.T) {
	ways(t, func(t *testing.T, _ *network, h *Handler, c *client, s *socket) {
		ws := handOver(t, h, c, 0)
		s.send(t, `["`+strings.Repeat("x", 500_000)+`"]`)
		time.Sleep(10 * time.Minute)
		s.send(t, "[2]")
		ws.want(`["`+strings.Repeat("x", 500_000)+`"]`, "[2]")
	})
}

func TestSmallMessagesThatWaitForAnotherNodeAreBounded(t *testing.T) {
	nodes(t, Config{Upgrade: true, Window: time.Minute}, func(t *testing.T, n *network, h []*Handler, c *client, s *socket) {
		ws := handOver(t, h[1], c, 0)
		n.fail(func(q request) fault {
			if q.Op == opPost {
				return lost
			}
			return none
		})
		for i := range 100_000 {
			if ws.conn.Send(nil, false) != nil {
				t.Logf("closed behind %d messages", i)
				if got := ws.end(); got.Code != transport.ClosePolicyViolation {
					t.Errorf("the WebSocket was closed with %v, want 1008", got)
				}
				n.fail(nil)
				<-s.ended
				return
			}
		}
		t.Error("100,000 messages wait in memory")
	})
}

func TestAClientThatClosesItsWebSocketEndsInGoodOrder(t *testing.T) {
	ways(t, func(t *testing.T, _ *network, h *Handler, c *client, s *socket) {
		handOver(t, h, c, 0).conn.Close(transport.CloseNormal)
		if err := <-s.ended; err != nil {
			t.Errorf("the session ended with %v, want nil", err)
		}
	})
}

// A client that has opened a WebSocket and says nothing more does not hold up
// a server that shuts down.
func TestClosingTheHandlerEndsAHandingOver(t *testing.T) {
	for _, words := range [][]string{{}, {"probe"}, {"probe", "upgrade"}} {
		nodes(t, Config{Upgrade: true}, func(t *testing.T, n *network, h []*Handler, c *client, s *socket) {
			ws := upgrade(t, h[0], c)
			ws.say(words...)
			synctest.Wait()
			start := time.Now()
			if err := h[0].Close(t.Context()); err != nil || time.Since(start) > 0 {
				t.Errorf("behind %q Close took %v and returned %v", words, time.Since(start), err)
			}
			if got := ws.end(); got.Code != transport.CloseRestart {
				t.Errorf("the WebSocket was closed with %v, want 1012", got)
			}
		})
	}
}
