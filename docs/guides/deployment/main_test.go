package main

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strings"
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
			await(t, "the proxy serves", b.connects)

			ada, bob := b.enter("ada", false), b.enter("bob", true)
			await(t, "ada sees bob", func() bool { return ada.people.Count() == 2 })
			for _, p := range ada.people.List() {
				if from := p.Metas[0].Value.From; from != "127.0.0.1" {
					t.Errorf("%s is said to come from %s", p.Key, from)
				}
			}
			ada.say("hello")
			bob.hears("hello")
			bob.say("hello yourself")
			ada.hears("hello", "hello yourself")
			if status := b.post(strings.Repeat("long ", 1_000_000)); status != http.StatusOK {
				t.Errorf("a long post is answered %d by the proxy", status)
			}

			stop(t, nodes[0])
			ada.say("still here")
			bob.say("me too")
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
	socket, err := b.dial("somebody", false)
	if err == nil {
		socket.Close(b.t.Context())
	}
	return err == nil
}

func (b *browser) dial(name string, longPoll bool) (*client.Socket, error) {
	return client.Dial(b.t.Context(), "wss://example.com/socket/websocket", &client.Options{
		AuthToken: func(context.Context) (string, error) { return b.token(name), nil },
		Header:    header(),
		Transport: b.transport,
		LongPoll:  longPoll,
		Logger:    slog.New(slog.DiscardHandler),
	})
}

// post sends this as somebody who polls, without a session, and returns the status of the answer.
func (b *browser) post(body string) int {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, "https://example.com/socket/longpoll?vsn=2.0.0", strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header = header()
	answer, err := b.transport.RoundTrip(r)
	if err != nil {
		b.t.Fatal(err)
	}
	answer.Body.Close()
	return answer.StatusCode
}

// person is somebody in the room.
type person struct {
	*client.Channel

	t      *testing.T
	people *client.Presence[Here]
	heard  chan string
}

func (b *browser) enter(name string, longPoll bool) *person {
	b.t.Helper()
	socket, err := b.dial(name, longPoll)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { socket.Close(context.Background()) })
	p := &person{t: b.t, Channel: socket.Channel("room:1", nil), heard: make(chan string, 100)}
	p.people = p.Presence[Here]()
	p.On(Said, func(_ context.Context, w Words) { p.heard <- w.Text })
	if _, err := p.Join[roost.Ack](b.t.Context(), nil); err != nil {
		b.t.Fatal(err)
	}
	return p
}

// say says something, again if the connection is lost meanwhile.
func (p *person) say(text string) {
	p.t.Helper()
	await(p.t, "it is said", func() bool {
		_, err := p.Call(p.t.Context(), Say, Words{Text: text})
		return err == nil
	})
}

func (p *person) hears(all ...string) {
	p.t.Helper()
	for _, want := range all {
		select {
		case got := <-p.heard:
			if got != want {
				p.t.Errorf("heard %q, want %q", got, want)
			}
		case <-time.After(20 * time.Second):
			p.t.Fatalf("waited in vain for %q", want)
		}
	}
}
