//go:build linux

package torture

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json/v2"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/client"
)

// A kind is the clients of one library over one transport.
type kind struct{ library, transport string }

// A group is so many clients of a kind.
type group struct {
	kind

	clients int
}

// groups has as many of stock phoenix over each transport, of the TypeScript client and of the Go client.
func groups(each int) []group {
	goClient := group{kind{"go", "WebSocket"}, each}
	if noNode {
		return []group{goClient}
	}
	return []group{
		{kind{"phoenix", "WebSocket"}, each},
		{kind{"phoenix", "LongPoll"}, each},
		{kind{"roost", "WebSocket"}, (each + 1) / 2},
		{kind{"roost", "LongPoll"}, each / 2},
		goClient,
	}
}

// user is the name of a client, as the application knows it.
func (k kind) user(client int) string { return fmt.Sprintf("%s-%s-%d", k.library, k.transport, client) }

// A seat is a client's channel on a topic.
type seat struct {
	kind   kind
	client int
	topic  string

	mu     sync.Mutex // guards what follows
	joined bool
	told   []note
	number int // of the last event
}

// A note is what a client says that it was told.
type note struct {
	Client int    `json:"client"`
	Topic  string `json:"topic"`
	Kind   string `json:"kind"` // see test/torture.js
	N      int    `json:"n"`
}

func (s *seat) String() string { return s.kind.user(s.client) + " on " + s.topic }

func (s *seat) take(n note) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n.Kind == "joined" {
		s.joined = true
		return
	}
	s.told = append(s.told, n)
	if n.Kind == "event" {
		s.number = n.N
	}
}

func (s *seat) isJoined() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.joined
}

func (s *seat) at() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.number
}

// A crowd is clients of all kinds, each on two topics.
type crowd struct {
	t       *testing.T
	url     string
	topics  []string
	seats   []*seat
	closers []func()
}

// newCrowd has so many clients of each kind come, and returns when they have joined.
func newCrowd(t *testing.T, url string, topics []string, each int) *crowd {
	t.Helper()
	c := &crowd{t: t, url: url, topics: topics}
	t.Cleanup(c.leave)
	for _, g := range groups(each) {
		if g.library == "go" {
			c.openGo(g)
		} else {
			c.openNode(g)
		}
	}
	await(t, startWithin, "all clients to join", func() bool {
		for _, s := range c.seats {
			if !s.isJoined() {
				return false
			}
		}
		return true
	})
	return c
}

// leave ends all clients.
func (c *crowd) leave() {
	for _, end := range c.closers {
		end()
	}
	c.closers = nil
}

// sit makes the seats of a client.
func (c *crowd) sit(k kind, client int) (topics []string, seats map[string]*seat) {
	seats = make(map[string]*seat)
	for i := range 2 {
		topic := c.topics[(client+i)%len(c.topics)]
		s := &seat{kind: k, client: client, topic: topic}
		topics, seats[topic] = append(topics, topic), s
		c.seats = append(c.seats, s)
	}
	return topics, seats
}

// openNode runs the clients of a kind in a program of Node's.
func (c *crowd) openNode(g group) {
	c.t.Helper()
	var topics [][]string
	var seats []map[string]*seat
	for i := range g.clients {
		t, s := c.sit(g.kind, i)
		topics, seats = append(topics, t), append(seats, s)
	}
	config, err := json.Marshal(map[string]any{
		"kind": g.library, "transport": g.transport, "url": c.url, "clients": topics, "library": library,
	})
	if err != nil {
		c.t.Fatal(err)
	}
	cmd := exec.Command("node", filepath.Join(top, "test/torture.js"), string(config))
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	stdin, err1 := cmd.StdinPipe()
	stdout, err2 := cmd.StdoutPipe()
	if err1 != nil || err2 != nil {
		c.t.Fatal(err1, err2)
	}
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	read := make(chan error, 1)
	go func() { read <- dispatch(stdout, seats) }()
	c.closers = append(c.closers, func() {
		_ = stdin.Close()
		if err := <-read; err != nil {
			c.t.Errorf("%v: %v", g.kind, err)
		}
		if err := cmd.Wait(); err != nil {
			c.t.Errorf("%v: %v:\n%s", g.kind, err, complaints.Bytes())
		}
	})
}

// dispatch gives the seats what a program says, until it ends.
func dispatch(r io.Reader, seats []map[string]*seat) error {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		var n note
		if err := json.Unmarshal(lines.Bytes(), &n); err != nil {
			return fmt.Errorf("said %q: %w", lines.Bytes(), err)
		}
		seats[n.Client][n.Topic].take(n)
	}
	return lines.Err()
}

type numbered struct {
	N int `json:"n"`
}

var (
	text = roost.NewOut[numbered]("text")
	blob = roost.NewOut[[]byte]("bytes")
)

// openGo runs clients of the Go client, here.
func (c *crowd) openGo(g group) {
	c.t.Helper()
	soon := func(tries int) time.Duration {
		return min(25*time.Millisecond*time.Duration(tries), 500*time.Millisecond)
	}
	for i := range g.clients {
		s, err := client.Dial(c.t.Context(), c.url+"/websocket", &client.Options{
			Params:    func(context.Context) (url.Values, error) { return url.Values{"user": {g.user(i)}}, nil },
			Timeout:   5 * time.Second,
			Reconnect: soon,
			Rejoin:    soon,
			Logger:    slog.New(slog.DiscardHandler),
		})
		if err != nil {
			c.t.Fatal(err)
		}
		c.closers = append(c.closers, func() {
			ctx, cancel := context.WithTimeout(context.Background(), answerWithin)
			defer cancel()
			if err := s.Close(ctx); err != nil {
				c.t.Errorf("%s: %v", g.user(i), err)
			}
		})
		topics, seats := c.sit(g.kind, i)
		for _, topic := range topics {
			c.follow(s.Channel(topic, &client.ChannelOptions{History: true}), seats[topic])
		}
	}
}

func (c *crowd) follow(ch *client.Channel, s *seat) {
	c.t.Helper()
	ch.On(text, func(_ context.Context, v numbered) { s.take(note{Kind: "event", N: v.N}) })
	ch.On(blob, func(_ context.Context, b []byte) { s.take(note{Kind: "event", N: int(binary.BigEndian.Uint32(b))}) })
	ch.OnRecovered(func(_ context.Context, n int) { s.take(note{Kind: "recovered", N: n}) })
	ch.OnGap(func(context.Context) { s.take(note{Kind: "gap"}) })
	if _, err := ch.Join[roost.Ack](c.t.Context(), nil); err != nil {
		c.t.Fatalf("%s: %v", s, err)
	}
	s.take(note{Kind: "joined"})
}
