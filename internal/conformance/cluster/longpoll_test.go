//go:build linux

package cluster

import (
	"bytes"
	"context"
	"encoding/json/v2"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roost-dev/roost/wire"
)

// A poller is a long-poll client whose requests go to the nodes in turn, as they do behind a load balancer that knows nothing of
// sessions.
type poller struct {
	nodes []*node
	turn  atomic.Int64
	token string
}

type pollAnswer struct {
	Status   int      `json:"status"`
	Token    string   `json:"token"`
	Messages []string `json:"messages"`
}

// openPoller opens a session at the first of the nodes.
func openPoller(ctx context.Context, nodes []*node) (*poller, error) {
	p := &poller{nodes: nodes}
	a, err := p.request(ctx, nodes[0], http.MethodGet, "")
	if err == nil && (a.Status != http.StatusGone || a.Token == "") {
		err = fmt.Errorf("the first poll was answered %+v", a)
	}
	p.token = a.Token
	return p, err
}

func (p *poller) next() *node { return p.nodes[int(p.turn.Add(1))%len(p.nodes)] }

func (p *poller) request(ctx context.Context, nd *node, method, body string) (a pollAnswer, err error) {
	ctx, cancel := context.WithTimeout(ctx, 2*patience) // a poll may wait for 10 s
	defer cancel()
	to := "http://" + nd.addr() + "/socket/longpoll?vsn=2.0.0"
	req, err := http.NewRequestWithContext(ctx, method, to, strings.NewReader(body))
	if err != nil {
		return a, err
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/x-ndjson")
	}
	if p.token != "" {
		req.Header.Set("X-Phoenix-Longpoll-Token", p.token)
	}
	res, err := nd.http.Do(req)
	if err != nil {
		return a, err
	}
	defer res.Body.Close()
	if err := json.UnmarshalRead(res.Body, &a); err != nil {
		return a, fmt.Errorf("%s by %s answered %s: %w", method, nd.name, res.Status, err)
	}
	return a, nil
}

// post sends messages by the next node.
func (p *poller) post(ctx context.Context, messages ...wire.ClientMessage) error {
	var lines [][]byte
	for _, m := range messages {
		line, _, err := wire.V2.AppendClient(nil, m)
		if err != nil {
			return err
		}
		lines = append(lines, line)
	}
	nd := p.next()
	a, err := p.request(ctx, nd, http.MethodPost, string(bytes.Join(lines, []byte("\n"))))
	if err == nil && a.Status != http.StatusOK {
		err = fmt.Errorf("a post by %s was answered %d", nd.name, a.Status)
	}
	return err
}

// poll polls at the next node. It returns nothing when the window has passed.
func (p *poller) poll(ctx context.Context) (messages []wire.ServerMessage, err error) {
	nd := p.next()
	a, err := p.request(ctx, nd, http.MethodGet, "")
	if err != nil {
		return nil, err
	}
	if a.Status != http.StatusOK && a.Status != http.StatusNoContent {
		return nil, fmt.Errorf("a poll by %s was answered %d", nd.name, a.Status)
	}
	for _, text := range a.Messages {
		m, err := wire.V2.DecodeServer([]byte(text), false)
		if err != nil {
			return nil, err
		}
		messages = append(messages, m)
	}
	return messages, nil
}

func echoMessage(topic, event string, ref int, payload string) wire.ClientMessage {
	m := wire.ClientMessage{JoinRef: wire.String("1"), Ref: wire.String(strconv.Itoa(ref)), Topic: wire.String(topic), Event: event}
	m.Payload.Data = []byte(payload)
	return m
}

// testLongPolls has a client of each node send and receive at once, while all requests go to the nodes in turn: each ping is
// answered once and in order, and each broadcast of another node comes once and in order.
func testLongPolls(t *testing.T, nodes []*node) {
	const pings, broadcasts = 200, 200
	var clients sync.WaitGroup
	for i := range nodes {
		clients.Go(func() {
			owners := append(append([]*node{}, nodes[i:]...), nodes[:i]...)
			if err := pollInTurn(t.Context(), owners, fmt.Sprintf("echo:polled-%d", i), pings, broadcasts); err != nil {
				t.Errorf("the client of %s: %v", nodes[i].name, err)
			}
		})
	}
	clients.Wait()
}

func pollInTurn(ctx context.Context, nodes []*node, topic string, pings, broadcasts int) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p, err := openPoller(ctx, nodes)
	if err != nil {
		return err
	}
	if err := p.post(ctx, echoMessage(topic, wire.EventJoin, 1, "{}")); err != nil {
		return err
	}
	if joined, err := p.poll(ctx); err != nil || len(joined) != 1 || joined[0].Status != wire.StatusOK {
		return fmt.Errorf("the join was answered %v, %w", joined, err)
	}
	failed := make(chan error, 2)
	go func() { failed <- p.ping(ctx, topic, pings) }()
	go func() { failed <- announce(ctx, nodes[1], topic, broadcasts) }()
	answered, heard := 0, 0
	for answered < pings || heard < broadcasts {
		select {
		case err := <-failed:
			if err != nil {
				return err
			}
		default:
		}
		messages, err := p.poll(ctx)
		if err != nil {
			return fmt.Errorf("after %d replies and %d broadcasts: %w", answered, heard, err)
		}
		for _, m := range messages {
			counter := &heard
			if m.Event == wire.EventReply {
				counter = &answered
			}
			if want := fmt.Sprintf(`{"n":%d}`, *counter); string(m.Payload.Data) != want {
				return fmt.Errorf("%s %s came, but %s is next", m.Event, m.Payload.Data, want)
			}
			*counter++
		}
	}
	return nil
}

// ping sends numbers, some alone and some together.
func (p *poller) ping(ctx context.Context, topic string, count int) error {
	for n := 0; n < count; {
		var together []wire.ClientMessage
		for range min(1+n%5, count-n) {
			together = append(together, echoMessage(topic, "ping", 2+n, fmt.Sprintf(`{"n":%d}`, n)))
			n++
		}
		if err := p.post(ctx, together...); err != nil {
			return err
		}
	}
	return nil
}

// announce has a node broadcast numbers.
func announce(ctx context.Context, by *node, topic string, count int) error {
	for n := range count {
		params := url.Values{"topic": {topic}, "event": {"announced"}, "payload": {fmt.Sprintf(`{"n":%d}`, n)}}
		if _, err := by.admin(ctx, "broadcast", params); err != nil {
			return err
		}
	}
	return nil
}

// atOnce is how soon a node says that a session is gone: it may wait for a second, if the cluster has just changed, whether the
// owner is only not known yet.
const atOnce = 2 * time.Second

// testDeadOwners ends the nodes that hold sessions: clients must hear that theirs are gone, to begin anew elsewhere.
func testDeadOwners(t *testing.T, nodes []*node) {
	t.Run("by a planned stop", func(t *testing.T) {
		sessions := openPollers(t, nodes[2:], nodes, 3)
		waiting := make(chan error, 1)
		go func() { waiting <- goneAt(t.Context(), sessions[0], nodes[0], http.MethodGet, patience) }()
		began := time.Now()
		nodes[2].Stop()
		t.Logf("it took %v to stop", time.Since(began).Round(time.Millisecond))
		if err := <-waiting; err != nil {
			t.Errorf("a poll that waited elsewhere: %v", err)
		}
		for i, method := range []string{http.MethodGet, http.MethodPost} {
			if err := goneAt(t.Context(), sessions[1+i], nodes[i], method, atOnce); err != nil {
				t.Error(err)
			}
		}
	})
	t.Run("by a crash", func(t *testing.T) {
		sessions := openPollers(t, nodes, nodes[1:2], 4)
		began := time.Now()
		nodes[0].Kill()
		var asking sync.WaitGroup
		for i, method := range []string{http.MethodGet, http.MethodPost} {
			asking.Go(func() {
				if err := goneAt(t.Context(), sessions[i], nodes[1], method, healed+atOnce); err != nil {
					t.Errorf("while the crash is not known: %v", err)
				}
			})
		}
		asking.Wait()
		t.Logf("sessions of a crashed node were gone after %v", time.Since(began).Round(time.Millisecond))
		for i, method := range []string{http.MethodGet, http.MethodPost} {
			if err := goneAt(t.Context(), sessions[2+i], nodes[1], method, atOnce); err != nil {
				t.Errorf("when the crash is known: %v", err)
			}
		}
	})
}

// openPollers opens sessions at the first of owners.
func openPollers(t *testing.T, owners, nodes []*node, count int) (all []*poller) {
	t.Helper()
	for range count {
		p, err := openPoller(t.Context(), append(owners[:1:1], nodes...))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

// goneAt makes a request to a session whose owner is dead, or dies meanwhile.
func goneAt(ctx context.Context, p *poller, nd *node, method string, bound time.Duration) error {
	began := time.Now()
	body := ""
	if method == http.MethodPost {
		body = `["1","1","echo:x","phx_join",{}]`
	}
	a, err := p.request(ctx, nd, method, body)
	took := time.Since(began)
	switch {
	case err != nil:
		return err
	case a.Status != http.StatusGone:
		return fmt.Errorf("%s at %s was answered %d after its owner had ended, want 410", method, nd.name, a.Status)
	case took > bound:
		return fmt.Errorf("%s at %s was answered 410, but after %v", method, nd.name, took)
	}
	return nil
}
