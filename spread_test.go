package roost_test

import (
	"context"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/pubsub"
	"github.com/roost-dev/roost/pubsub/pubsubtest"
)

// These tests spread the requests of long polling over nodes that do not know
// which of them has the session.

// spread is a cluster and what stands in front of it: requests go to its nodes
// in turn.
type spread struct {
	network *pubsubtest.Bus
	nodes   []*pollNode
	next    atomic.Int64
}

type pollNode struct {
	ps     *pubsub.PubSub
	server *roost.Server[user]
	engine *pubsubtest.Node
	leave  func() // shuts it down
}

// newSpread makes n nodes with the long polling of lp.
func newSpread(t *testing.T, n int, lp roost.LongPoll) *spread {
	t.Helper()
	s := &spread{network: new(pubsubtest.Bus)}
	for i := range n {
		e := s.network.Node()
		ps, err := pubsub.New(&pubsub.Options{Adapter: e, Node: fmt.Sprint("node", i)})
		if err != nil {
			t.Fatal(err)
		}
		server := (&app{opts: roost.Options[user]{
			PubSub: ps, Secret: "a secret that all nodes share", LongPoll: lp,
			Messages: roost.Rate{PerSecond: -1},
		}}).server()
		leave := sync.OnceFunc(func() {
			if err := errors.Join(server.Shutdown(context.Background()), ps.Close(context.Background())); err != nil {
				t.Errorf("shut down node %d: %v", i, err)
			}
		})
		t.Cleanup(leave)
		s.nodes = append(s.nodes, &pollNode{ps: ps, server: server, engine: e, leave: leave})
	}
	for _, from := range s.nodes {
		for until := time.Now().Add(time.Minute); len(from.ps.Info().Members) < n-1; time.Sleep(time.Millisecond) {
			if time.Now().After(until) {
				t.Fatal("the nodes do not find each other")
			}
		}
	}
	return s
}

// ServeHTTP gives a request to the node whose turn it is.
func (s *spread) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.nodes[int(s.next.Add(1))%len(s.nodes)].server.ServeHTTP(w, r)
}

// roamer polls and posts as phoenix.js does.
type roamer struct {
	t     *testing.T
	do    func(r *http.Request) (*http.Response, error)
	url   func() string
	token atomic.Pointer[string]
}

type polled struct {
	Status   int      `json:"status"`
	Token    string   `json:"token"`
	Messages []string `json:"messages"`
}

// reaching returns a client of handlers in this process.
func reaching(t *testing.T, h http.Handler) *roamer {
	return &roamer{t: t, url: func() string { return "" }, do: func(r *http.Request) (*http.Response, error) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Result(), nil
	}}
}

func (c *roamer) request(method, body string) (polled, error) {
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.url()+"/socket/longpoll?vsn=2.0.0&name=ada", strings.NewReader(body))
	if err != nil {
		return polled{}, err
	}
	if token := c.token.Load(); token != nil {
		r.Header.Set("X-Phoenix-Longpoll-Token", *token)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/x-ndjson")
	}
	res, err := c.do(r)
	if err != nil {
		return polled{}, err
	}
	defer res.Body.Close()
	var a polled
	b, err := io.ReadAll(res.Body)
	if err == nil {
		err = json.Unmarshal(b, &a)
	}
	return a, err
}

func (c *roamer) poll() polled {
	c.t.Helper()
	a, err := c.request("GET", "")
	if err != nil {
		c.t.Errorf("poll: %v", err)
	}
	if a.Token != "" {
		c.token.Store(&a.Token)
	}
	return a
}

func (c *roamer) post(lines ...string) int {
	c.t.Helper()
	a, err := c.request("POST", strings.Join(lines, "\n"))
	if err != nil {
		c.t.Errorf("post: %v", err)
	}
	return a.Status
}

// open connects and joins room:1.
func (c *roamer) open() {
	c.t.Helper()
	if a := c.poll(); a.Status != 410 {
		c.t.Fatalf("the first poll got %+v", a)
	}
	if got := c.post(`["1","1","room:1","phx_join",{}]`); got != 200 {
		c.t.Fatalf("join: %d", got)
	}
	if a := c.poll(); a.Status != 200 || len(a.Messages) != 1 || !strings.Contains(a.Messages[0], `"ok"`) {
		c.t.Fatalf("join: %+v", a)
	}
}

func (c *roamer) receives(what string, messages ...string) {
	c.t.Helper()
	got := c.poll()
	if got.Status != 200 || fmt.Sprint(got.Messages) != fmt.Sprint(messages) {
		c.t.Errorf("%s: got %d %q, want %q", what, got.Status, got.Messages, messages)
	}
}

const pushed = `[null,null,"room:1","said",{"by":"a job","text":"done"}]`

// push has every node send pushed to whoever is in room:1 there.
func (s *spread) push(t *testing.T, from int) {
	t.Helper()
	if err := Said.Broadcast(t.Context(), s.nodes[from].ps, "room:1", said{"a job", "done"}); err != nil {
		t.Error(err)
	}
}

func TestLongPollingNeedsNoStickySessions(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSpread(t, 3, roost.LongPoll{})
		c := reaching(t, s)
		c.open()
		for i := range 6 {
			s.push(t, i%3)
			c.receives("a poll", pushed)
			if got := c.post(fmt.Sprintf(`["1","%d","room:1","sum",{"n":1}]`, i)); got != 200 {
				t.Errorf("a post: %d", got)
			}
			c.receives("its reply", fmt.Sprintf(`["1","%d","room:1","phx_reply",{"response":{"n":%d},"status":"ok"}]`, i, i+1))
		}
		for _, n := range s.nodes[1:] {
			if got := n.server.Sockets() + s.nodes[0].server.Sockets(); got > 1 {
				t.Errorf("%d sockets; the client has one session", got)
			}
		}
	})
}

func TestAServerAmongOthersNeedsASecret(t *testing.T) {
	bubble(t, func(t *testing.T) {
		ps, err := pubsub.New(&pubsub.Options{Adapter: new(pubsubtest.Bus).Node()})
		if err != nil {
			t.Fatal(err)
		}
		defer ps.Close(t.Context())
		func() {
			defer func() {
				if got, _ := recover().(string); !strings.Contains(got, "Options.Secret") || !strings.Contains(got, "LongPoll.Off") {
					t.Errorf("panicked with %q, want what to do", got)
				}
			}()
			(&app{opts: roost.Options[user]{PubSub: ps}}).server()
		}()
		off := (&app{opts: roost.Options[user]{PubSub: ps, LongPoll: roost.LongPoll{Off: true}}}).server()
		if err := off.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestServersOfOneNodeKeepTheirSessionsApart(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSpread(t, 2, roost.LongPoll{})
		second := func(n *pollNode) *roost.Server[user] {
			server := (&app{opts: roost.Options[user]{PubSub: n.ps, Secret: "a secret that all nodes share"}}).server()
			t.Cleanup(func() { server.Shutdown(context.Background()) })
			return server
		}
		others := &spread{nodes: []*pollNode{{server: second(s.nodes[0])}, {server: second(s.nodes[1])}}}
		one, two := reaching(t, s), reaching(t, others)
		one.open()
		two.open()
		for range 4 {
			s.push(t, 0)
			one.receives("a poll of the one", pushed)
			two.receives("a poll of the other", pushed)
		}
	})
}

func TestASessionIsGoneWithItsNode(t *testing.T) {
	for name, end := range map[string]func(s *spread){
		"shut down": func(s *spread) { s.nodes[0].leave() },
		"its server alone shut down": func(s *spread) {
			if err := s.nodes[0].server.Shutdown(context.Background()); err != nil {
				panic(err)
			}
		},
		"not heard for a lease": func(s *spread) {
			s.network.Partition([]*pubsubtest.Node{s.nodes[0].engine})
			time.Sleep(5 * time.Second)
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := newSpread(t, 3, roost.LongPoll{Window: time.Hour})
				c := reaching(t, s.nodes[0].server)
				c.open()
				time.Sleep(5 * time.Second) // nobody is new to anybody any more
				dead := *c.token.Load()
				c.do = reaching(t, &spread{nodes: s.nodes[1:]}).do
				waiting := make(chan polled)
				go func() { waiting <- c.poll() }()
				synctest.Wait()
				end(s)
				if a := <-waiting; a.Status != 410 {
					t.Errorf("the poll that waited got %+v", a)
				}
				c.token.Store(&dead)
				start := time.Now()
				if got := c.post("[]"); got != 410 {
					t.Errorf("a post: %d", got)
				}
				if a := c.poll(); a.Status != 410 || a.Token == dead {
					t.Errorf("a poll: %+v, want 410 and a new session", a)
				}
				if took := time.Since(start); took != 0 {
					t.Errorf("it took %v to say that the session is gone", took)
				}
				s.network.Heal()
			})
		})
	}
}

func TestANodeThatHearsNobodyTakesASecondToBelieveIt(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSpread(t, 2, roost.LongPoll{})
		c := reaching(t, s.nodes[0].server)
		c.open()
		time.Sleep(5 * time.Second)
		s.nodes[0].leave()
		c.do = reaching(t, s.nodes[1].server).do
		start := time.Now()
		if a := c.poll(); a.Status != 410 {
			t.Errorf("a poll: %+v, want 410", a)
		}
		if took := time.Since(start); took != time.Second {
			t.Errorf("it took %v, want 1s", took)
		}
	})
}

func TestSessionsOutliveTheEngine(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSpread(t, 3, roost.LongPoll{})
		c := reaching(t, s.nodes[0].server)
		c.open()
		c.do = reaching(t, s.nodes[1].server).do
		waiting := make(chan polled)
		go func() { waiting <- c.poll() }()
		synctest.Wait()
		s.network.EngineAway()
		if a := <-waiting; a.Status != 204 {
			t.Errorf("a poll without the engine got %+v, want 204", a)
		}
		go func() { waiting <- c.poll() }()
		if got := c.post("[]"); got != 408 {
			t.Errorf("a post without the engine: %d, want 408", got)
		}
		s.network.EngineBack()
		if a := <-waiting; a.Status == 410 {
			t.Errorf("the poll that saw the engine return got %+v", a)
		}
		s.push(t, 0)
		c.receives("a poll with the engine", pushed)
	})
}

func TestAPausedNodeKeepsItsSessions(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newSpread(t, 3, roost.LongPoll{})
		c := reaching(t, s.nodes[0].server)
		c.open()
		s.push(t, 0)
		s.nodes[0].engine.Pause()
		time.AfterFunc(3*time.Second, s.nodes[0].engine.Resume)
		c.do = reaching(t, s.nodes[1].server).do
		c.receives("a poll", pushed)
	})
}

// TestThousandsOfMessagesSpreadOverNodes runs on real connections. Whether
// anything is lost, repeated or out of order is seen by its number.
func TestThousandsOfMessagesSpreadOverNodes(t *testing.T) {
	const clients, says, batch = 4, 400, 8
	s := newSpread(t, 3, roost.LongPoll{})
	site := httptest.NewServer(s)
	t.Cleanup(site.Close)
	var all []*roamer
	for range clients {
		c := &roamer{t: t, do: site.Client().Do, url: func() string { return site.URL }}
		c.open()
		all = append(all, c)
	}
	var work sync.WaitGroup
	for who, c := range all {
		work.Go(func() {
			for first := 0; first < says; first += batch {
				var lines []string
				for n := first; n < first+batch; n++ {
					lines = append(lines, fmt.Sprintf(`["1","%d","room:1","say",{"text":"%d %d"}]`, n, who, n))
				}
				if got := c.post(lines...); got != 200 {
					t.Errorf("client %d: a post of message %d: %d", who, first, got)
					return
				}
			}
		})
		work.Go(func() {
			heard, replies := make([]int, clients), 0
			for left := says * (clients + 1); left > 0; {
				a := c.poll()
				if a.Status != 200 {
					t.Errorf("client %d: a poll got %d with %d messages to come", who, a.Status, left)
					return
				}
				left -= len(a.Messages)
				for _, m := range a.Messages {
					check(t, m, heard, &replies)
				}
			}
		})
	}
	work.Wait()
}

// check compares a message with what is next: of each client's broadcasts, and
// of the replies.
func check(t *testing.T, m string, heard []int, replies *int) {
	t.Helper()
	var frame [5]any
	if err := json.Unmarshal([]byte(m), &frame); err != nil {
		t.Errorf("%s: %v", m, err)
		return
	}
	if frame[3] == "phx_reply" {
		if want := fmt.Sprint(*replies); frame[1] != want {
			t.Errorf("reply %v, want %s", frame[1], want)
		}
		*replies++
		return
	}
	payload, _ := frame[4].(map[string]any)
	var who, n int
	if _, err := fmt.Sscanf(fmt.Sprint(payload["text"]), "%d %d", &who, &n); err != nil || n != heard[who] {
		t.Errorf("%s, want message %d of client %d", m, heard[who], who)
		return
	}
	heard[who]++
}

func TestStoppingANodeThatOnlyPassesPollsOnWaitsForNone(t *testing.T) {
	s := newSpread(t, 2, roost.LongPoll{Window: time.Hour})
	c := reaching(t, s.nodes[0].server)
	c.open()
	arrived := make(chan struct{}, 1)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		s.nodes[1].server.ServeHTTP(w, r)
	}))
	c.do, c.url = front.Client().Do, func() string { return front.URL }
	waiting := make(chan polled)
	go func() { waiting <- c.poll() }()
	<-arrived
	s.nodes[1].leave()
	if err := front.Config.Shutdown(t.Context()); err != nil { // waits for what is being served
		t.Error(err)
	}
	if a := <-waiting; a.Status != 204 {
		t.Errorf("the poll that waited got %+v, want 204", a)
	}
	c.do = reaching(t, s.nodes[0].server).do
	s.push(t, 0)
	c.receives("a poll elsewhere", pushed)
}
