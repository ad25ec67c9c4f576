package longpoll

import (
	"context"
	"encoding/json/v2"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// history is a random course of things: a session, a client that polls and
// posts on any node, and a network between the nodes that fails now and then.
type history struct {
	t       *testing.T
	random  *rand.Rand // of the test's goroutine
	faults  *rand.Rand // guarded by the network's mu
	network *network
	nodes   []*Handler
	client  *client
	socket  *socket

	sent, got int      // messages for the client, numbered
	posted    []string // that were answered 200
	number    int      // of messages of the client
}

func TestWhateverHappensNothingIsLostAndNothingComesTwice(t *testing.T) {
	histories := 10
	if os.Getenv("ROOST_SOAK") != "" {
		histories = 1000
	}
	for range histories {
		seed := rand.Uint64()
		nodes(t, Config{MaxMessage: -1, Outbox: 64 << 20}, func(t *testing.T, n *network, h []*Handler, c *client, s *socket) {
			x := newHistory(t, seed, n, h, c, s)
			for range 40 {
				x.step()
			}
			n.fail(nil)
			x.finish()
			if t.Failed() {
				t.Fatalf("seed %d", seed)
			}
		})
	}
}

func newHistory(t *testing.T, seed uint64, n *network, h []*Handler, c *client, s *socket) *history {
	x := &history{
		t: t, network: n, nodes: h, client: c, socket: s,
		random: rand.New(rand.NewPCG(seed, 1)), faults: rand.New(rand.NewPCG(seed, 2)),
	}
	n.fail(x.fault())
	return x
}

// fault lets one call of four fail in some way, but no two polls in a row:
// a session that no poll reaches ends.
func (x *history) fault() func(request) fault {
	reached := true
	return func(q request) fault {
		f := none
		if x.faults.IntN(4) == 0 {
			f = []fault{lost, unanswered, refused, dies, diesAfter}[x.faults.IntN(5)]
		}
		if q.Op != opPoll {
			return f
		}
		if f == dies || f == diesAfter { // the session would be given up for dead
			f = refused
		}
		if !reached {
			f = none
		}
		reached = f == none
		return f
	}
}

func (x *history) step() {
	for range x.random.IntN(4) {
		x.send()
	}
	switch x.random.IntN(4) {
	case 0:
		x.post()
	case 1:
		x.abandon()
	default:
		polled := x.at().polling()
		if x.random.IntN(2) == 0 {
			time.Sleep(time.Duration(x.random.IntN(2000)) * time.Millisecond)
			x.send()
		}
		x.take(<-polled)
	}
}

func (x *history) at() *client { return x.client.at(x.nodes[x.random.IntN(len(x.nodes))]) }

func (x *history) send() {
	size := 10
	if x.random.IntN(20) == 0 {
		size = partSize
	}
	x.socket.send(x.t, fmt.Sprintf(`[%d,%q]`, x.sent, strings.Repeat("x", size)))
	x.sent++
}

// take takes an answer as the clients of Phoenix do.
func (x *history) take(a answer) {
	x.t.Helper()
	if a.Status != 200 && a.Status != 204 {
		x.t.Errorf("a poll was answered %v", a)
		return
	}
	x.client.token = a.Token
	for _, m := range a.Messages {
		if want := fmt.Sprintf("[%d,", x.got); !strings.HasPrefix(m, want) {
			x.t.Errorf("got %.20s, want message %d", m, x.got)
		}
		x.got++
	}
}

// abandon polls and goes away. What was written to it before, it has got.
func (x *history) abandon() {
	r := httptest.NewRequest("GET", "/?token="+x.client.token, nil)
	ctx, cancel := context.WithCancel(x.t.Context())
	w := httptest.NewRecorder()
	done := make(chan struct{})
	go func() {
		defer close(done)
		x.nodes[x.random.IntN(len(x.nodes))].ServeHTTP(w, r.WithContext(ctx))
	}()
	synctest.Wait()
	cancel()
	<-done
	var a answer
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
		x.t.Errorf("%q: %v", w.Body, err)
	}
	x.take(a)
}

func (x *history) post() {
	var lines []string
	for range 1 + x.random.IntN(3) {
		size := 10
		if x.random.IntN(8) == 0 {
			size = partSize
		}
		lines = append(lines, fmt.Sprintf(`[%d,%q]`, x.number, strings.Repeat("x", size)))
		x.number++
	}
	posted := make(chan answer, 1)
	poster := x.at()
	go func() { posted <- poster.post(lines...) }()
	for {
		synctest.Wait()
		select {
		case got := <-posted:
			switch got.Status {
			case 200:
				x.posted = append(x.posted, lines...)
			case 408, 410: // the clients of Phoenix would start anew
			default:
				x.t.Errorf("a post was answered %v", got)
			}
			return
		default:
			x.take(x.at().poll()) // meanwhile the client goes on polling
		}
	}
}

// finish lets the client have what is left, and looks at what it has posted.
func (x *history) finish() {
	for range 5 {
		if x.got < x.sent {
			x.take(x.at().poll())
		}
	}
	if x.got != x.sent {
		x.t.Errorf("the client got %d of %d messages", x.got, x.sent)
	}
	received, last := x.socket.received(), -1
	for _, m := range received {
		var n int
		if _, err := fmt.Sscanf(m, "[%d,", &n); err != nil || n <= last {
			x.t.Errorf("received %.20s after message %d", m, last)
		}
		last = n
	}
	for _, m := range x.posted {
		if !slices.Contains(received, m) {
			x.t.Errorf("%.20s was taken and not received", m)
		}
	}
}
