package main

import (
	"context"
	"crypto/tls"
	"encoding/json/v2"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/client"
	"github.com/roost-dev/roost/token"
)

func TestPeopleTalkThroughAProxyAndNoticeNoStoppingNode(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("nodes on several addresses of one machine need Linux")
	}
	for name, startProxy := range proxies {
		t.Run(name, func(t *testing.T) {
			nodes := startNodes(t, "127.0.0.11", "127.0.0.12")
			roots, cert, key := certify(t, "example.com")
			addr := startProxy(t, nodes, cert, key)
			b := &browser{t: t, transport: &http.Transport{
				TLSClientConfig: &tls.Config{RootCAs: roots},
				DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
					return new(net.Dialer).DialContext(ctx, network, addr)
				},
			}}
			t.Cleanup(b.transport.CloseIdleConnections)
			await(t, "the proxy serves", func() bool { return b.connects() })

			ada := b.talker("ada")
			bob := b.poller("bob")
			bob.send(`["1","1","room:1","phx_join",{}]`)
			bob.hears(`"status":"ok"`)
			people := bob.hears(`"presence_state"`)
			if !strings.Contains(people, `"from":"127.0.0.1"`) || strings.Contains(people, "6.6.6.6") {
				t.Errorf("bob is told %s", people)
			}

			ada.say("hello")
			bob.hears(`"text":"hello"`)
			bob.send(`["1","2","room:1","say",{"text":"hello yourself"}]`)
			ada.hears("hello")
			ada.hears("hello yourself")

			long := `["1","3","elsewhere","say",{"text":"` + strings.Repeat("long ", 10_000) + `"}]`
			bob.send(strings.Repeat(long+"\n", 30) + long) // 1.5 MB in one post

			stop(t, nodes[0])
			ada.say("still here")
			cleo := b.poller("cleo")
			cleo.send(`["1","1","room:1","phx_join",{}]`)
			cleo.hears(`"status":"ok"`)
			stop(t, nodes[1])
		})
	}
}

func stop(t *testing.T, n *node) {
	t.Helper()
	n.stop()
	if err := <-n.ended; err != nil {
		t.Errorf("node %s did not end in good order: %v", n.node, err)
	}
}

// browser is the way of clients to https://example.com, and through the proxy of this test.
type browser struct {
	t         *testing.T
	transport *http.Transport
}

// header is what a browser sends, and what somebody does who hides where he is.
func header() http.Header {
	return http.Header{"Origin": {"https://example.com"}, "X-Forwarded-For": {"6.6.6.6"}}
}

func (b *browser) token(name string) string {
	b.t.Helper()
	tok, err := token.NewSigner[string](secret, "user socket", nil).Sign(name)
	if err != nil {
		b.t.Fatal(err)
	}
	return tok
}

func (b *browser) connects() bool {
	socket, err := b.dial("somebody")
	if err == nil {
		socket.Close(b.t.Context())
	}
	return err == nil
}

func (b *browser) dial(name string) (*client.Socket, error) {
	return client.Dial(b.t.Context(), "wss://example.com/socket/websocket", &client.Options{
		AuthToken: func(context.Context) (string, error) { return b.token(name), nil },
		Header:    header(),
		Transport: b.transport,
		Logger:    slog.New(slog.DiscardHandler),
	})
}

// talker is somebody in the room, over a WebSocket.
type talker struct {
	*browser
	*client.Channel

	heard chan string
}

func (b *browser) talker(name string) *talker {
	b.t.Helper()
	socket, err := b.dial(name)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { socket.Close(context.Background()) })
	p := &talker{browser: b, Channel: socket.Channel("room:1", nil), heard: make(chan string, 100)}
	p.On(Said, func(_ context.Context, w Words) { p.heard <- w.Text })
	if _, err := p.Join[roost.Ack](b.t.Context(), nil); err != nil {
		b.t.Fatal(err)
	}
	return p
}

// say says something, again if the connection is lost meanwhile.
func (p *talker) say(text string) {
	p.t.Helper()
	var err error
	await(p.t, "it is said", func() bool {
		_, err = p.Call(p.t.Context(), Say, Words{Text: text})
		return err == nil
	})
}

func (p *talker) hears(want string) {
	p.t.Helper()
	select {
	case got := <-p.heard:
		if got != want {
			p.t.Errorf("heard %q, want %q", got, want)
		}
	case <-time.After(20 * time.Second):
		p.t.Fatalf("waited in vain for %q", want)
	}
}

// poller is somebody in the room, over long polling (spec/protocol.md §13).
type poller struct {
	*browser

	auth    string
	session atomic.Value // the token of the last answer
	heard   chan string  // closed when the session is over
}

type answer struct {
	Status   int      `json:"status"`
	Token    string   `json:"token"`
	Messages []string `json:"messages"`
}

func (b *browser) poller(name string) *poller {
	b.t.Helper()
	p := &poller{browser: b, auth: b.token(name), heard: make(chan string, 100)}
	p.session.Store("")
	if a, err := p.ask(http.MethodGet, ""); err != nil || a.Status != http.StatusGone {
		b.t.Fatalf("the first poll is answered %d (%v), want a session", a.Status, err)
	}
	go p.poll()
	return p
}

// poll polls until the session is over, as clients do.
func (p *poller) poll() {
	defer close(p.heard)
	for {
		a, err := p.ask(http.MethodGet, "")
		if err != nil || a.Status == http.StatusGone {
			return
		}
		for _, m := range a.Messages {
			p.heard <- m
		}
	}
}

func (p *poller) ask(method, body string) (a answer, err error) {
	r, err := http.NewRequestWithContext(p.t.Context(), method, "https://example.com/socket/longpoll?vsn=2.0.0", strings.NewReader(body))
	if err != nil {
		return a, err
	}
	r.Header = header()
	r.Header.Set("X-Phoenix-AuthToken", p.auth)
	r.Header.Set("X-Phoenix-Longpoll-Token", p.session.Load().(string))
	r.Header.Set("Content-Type", "application/x-ndjson")
	got, err := p.transport.RoundTrip(r)
	if err != nil {
		return a, err
	}
	defer got.Body.Close()
	if err := json.UnmarshalRead(got.Body, &a); err != nil {
		return a, fmt.Errorf("%s: %w", got.Status, err)
	}
	if a.Token != "" {
		p.session.Store(a.Token)
	}
	return a, nil
}

func (p *poller) send(lines string) {
	p.t.Helper()
	if a, err := p.ask(http.MethodPost, lines); err != nil || a.Status != http.StatusOK {
		p.t.Fatalf("what was posted is answered %d (%v)", a.Status, err)
	}
}

// hears waits for a message that has this in it, and returns it.
func (p *poller) hears(want string) string {
	p.t.Helper()
	late := time.After(20 * time.Second)
	for {
		select {
		case m, ok := <-p.heard:
			if !ok {
				p.t.Fatalf("the session was over before there was %s", want)
			}
			if strings.Contains(m, want) {
				return m
			}
		case <-late:
			p.t.Fatalf("waited in vain for %s", want)
		}
	}
}
