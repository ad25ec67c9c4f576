package roost_test

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/history"
	"github.com/roost-dev/roost/pubsub"
	"github.com/roost-dev/roost/transport"
)

// What is binary and kept, as the clients see it that ask for positions in
// binary frames, that ask for positions, and that do not ask (spec/protocol.md
// §20).

var Clip = roost.NewOut[[]byte]("clip")

const (
	inBinary = `{"_history":{"binary":true}}`
	inText   = `{"_history":true}`
	unasked  = `{}`
)

func show(t *testing.T, ps *pubsub.PubSub, topic, bytes string) {
	t.Helper()
	if err := Clip.Broadcast(t.Context(), ps, topic, []byte(bytes)); err != nil {
		t.Fatal(err)
	}
}

func TestBinaryEventHasItsPositionWhereTheClientAskedForIt(t *testing.T) {
	for params, want := range map[string][]string{
		inBinary: {"\x05\x13\x06\x04@1room:1clipone", "\x05\x13\x06\x04@2room:1clip"},
		inText: {
			"\x02\x06\x04room:1clipone", `[null,"@1","room:1","_history",{}]`,
			"\x02\x06\x04room:1clip", `[null,"@2","room:1","_history",{}]`,
		},
		`{"_history":{"binary":false}}`:  {"\x02\x06\x04room:1clipone", `[null,"@1","room:1","_history",{}]`},
		`{"_history":{"binary":"true"}}`: {"\x02\x06\x04room:1clipone", `[null,"@1","room:1","_history",{}]`},
		unasked:                          {"\x02\x06\x04room:1clipone", "\x02\x06\x04room:1clip"},
	} {
		bubble(t, func(t *testing.T) {
			a, ps := keepingApp(t, history.Keep{})
			c := dial(t, a.server(), "ada")
			c.send("1", "1", "room:1", "phx_join", params)
			c.next()
			show(t, ps, "room:1", "one")
			show(t, ps, "room:1", "")
			wantFrames(t, c, want...)
			if params == unasked || params == inBinary {
				c.wantNothing()
			}
		})
	}
}

func TestConnectionCutBehindABinaryEvent(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, ps := keepingApp(t, history.Keep{})
		server := a.server()
		c := dial(t, server, "ada")
		c.send("1", "1", "room:1", "phx_join", inBinary)
		c.next()
		show(t, ps, "room:1", "seen")
		position := positionIn(t, wantFrames(t, c, "\x05\x13\x06\x04@1room:1clipseen"))
		c.conn.Close(transport.CloseNormal)
		show(t, ps, "room:1", "missed")
		announce(t, ps, "missed")

		c = dial(t, server, "ada")
		c.send("1", "1", "room:1", "phx_join", fmt.Sprintf(`{"_history":{"after":%q,"binary":true}}`, position))
		wantFrames(t, c,
			`["1","1","room:1","phx_reply",{"response":{"_history":{"position":"@1","recovered":true},"n":0},"status":"ok"}]`,
			"\x05\x13\x06\x04@2room:1clipmissed",
			`[null,"@3","room:1","said",{"by":"a job","text":"missed"}]`,
			`[null,"@3","room:1","_history",{"recovered":2}]`)
		show(t, ps, "room:1", "live")
		wantFrames(t, c, "\x05\x13\x06\x04@4room:1cliplive")
		c.wantNothing()
	})
}

func TestInterceptedBytesHaveTheirPositionsToo(t *testing.T) {
	const replayed = `{"_history":{"after":%q,"binary":%t}}`
	for params, want := range map[string][]string{
		inBinary: {"\x06\x01\x13\x08\x041@1room:cutclipfor ada", `[null,"@2","room:cut","said",{"by":"a job","text":"behind"}]`},
		inText: {
			"\x00\x01\x08\x041room:cutclipfor ada", `[null,"@1","room:cut","_history",{}]`,
			`[null,"@2","room:cut","said",{"by":"a job","text":"behind"}]`,
		},
		unasked: {"\x00\x01\x08\x041room:cutclipfor ada", `[null,null,"room:cut","said",{"by":"a job","text":"behind"}]`},
	} {
		bubble(t, func(t *testing.T) {
			a, ps := keepingApp(t, history.Keep{})
			server := a.server()
			h := a.handler()
			h.HandleOut(Clip, func(_ context.Context, ch *roost.Channel[room], v []byte) ([]byte, bool, error) {
				return append(v, ch.State.by...), true, nil
			})
			server.Handle("room:cut", h)
			c := dial(t, server, "ada")
			c.send("1", "1", "room:cut", "phx_join", params)
			start := c.next()
			show(t, ps, "room:cut", "for ")
			if err := Said.Broadcast(t.Context(), ps, "room:cut", said{"a job", "behind"}); err != nil {
				t.Fatal(err)
			}
			wantFrames(t, c, want...)
			c.wantNothing()
			if params == unasked {
				return
			}
			c.send("1", "2", "room:cut", "phx_leave", `{}`)
			c.drainTo(2)
			c.send("1", "1", "room:cut", "phx_join", fmt.Sprintf(replayed, positionIn(t, start), params == inBinary))
			c.next()
			wantFrames(t, c, append(want, `[null,"@2","room:cut","_history",{"recovered":2}]`)...)
			c.wantNothing()
		})
	}
}

// Over long polling, as in version 1, there is no way to say bytes, asked or
// not.
func TestLongPollingIsToldThatBytesAreLost(t *testing.T) {
	a, ps := keepingApp(t, history.Keep{})
	server := a.server()
	t.Cleanup(func() { server.Shutdown(context.Background()) })
	c := reaching(t, server)
	c.poll()
	if status := c.post(`["1","1","room:1","phx_join",` + inBinary + `]`); status != 200 {
		t.Fatalf("join: %d", status)
	}
	c.poll()
	show(t, ps, "room:1", "one")
	want := []string{`[null,"@1","room:1","_history",{"skipped":1}]`, `[null,"@2","room:1","said",{"by":"a job","text":"behind"}]`}
	announce(t, ps, "behind")
	var got []string
	for len(got) < len(want) && !t.Failed() {
		for _, m := range c.poll().Messages {
			got = append(got, forget(m))
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// The same where bytes leave together with other events.
func TestLongPollingIsToldOfEachOfManyBytes(t *testing.T) {
	const events = 100
	a, ps := keepingApp(t, history.Keep{})
	server := a.server()
	t.Cleanup(func() { server.Shutdown(context.Background()) })
	for range largeTopic {
		other := dial(t, server, "bob")
		other.send("1", "1", "room:1", "phx_join", `{}`)
		other.drainTo(1)
	}
	c := reaching(t, server)
	c.poll()
	if status := c.post(`["1","1","room:1","phx_join",` + inBinary + `]`); status != 200 {
		t.Fatalf("join: %d", status)
	}
	c.poll()
	var want []string
	for n := 1; n <= events; n += 2 {
		show(t, ps, "room:1", "bytes")
		announce(t, ps, "text")
		at, behind := strconv.FormatInt(int64(n), 36), strconv.FormatInt(int64(n+1), 36)
		want = append(want,
			`[null,"@`+at+`","room:1","_history",{"skipped":1}]`,
			`[null,"@`+behind+`","room:1","said",{"by":"a job","text":"text"}]`)
	}
	for len(want) > 0 {
		for _, m := range c.poll().Messages {
			if got := forget(m); got != want[0] {
				t.Fatalf("got %q, want %q", got, want[0])
			}
			want = want[1:]
		}
	}
}

// What leaves together is encoded once for each form that clients ask for, and
// each client sees its own, over real connections.
func TestBinaryEventsLeaveTogetherWithTheirPositions(t *testing.T) {
	const events = 200
	a, ps := keepingApp(t, history.Keep{})
	server := a.server()
	site := mount(t, server)
	t.Cleanup(func() { server.Shutdown(context.Background()) })
	forms := []string{inBinary, inText, unasked}
	var clients []*tcpClient
	for i := range largeTopic {
		c := dialTCP(t, site, "ada")
		c.send("1", "1", "room:1", "phx_join", forms[i%len(forms)])
		if _, _, err := c.next(); err != nil {
			t.Fatal(err)
		}
		clients = append(clients, c)
	}
	want := map[string][]string{}
	for n := 1; n <= events; n++ {
		position := "@" + strconv.FormatInt(int64(n), 36)
		if n%3 == 0 {
			announce(t, ps, "x")
			said := `"room:1","said",{"by":"a job","text":"x"}]`
			want[inBinary] = append(want[inBinary], fmt.Sprintf(`[null,%q,`, position)+said)
			want[inText] = append(want[inText], fmt.Sprintf(`[null,%q,`, position)+said)
			want[unasked] = append(want[unasked], `[null,null,`+said)
			continue
		}
		show(t, ps, "room:1", fmt.Sprint(n))
		plain := fmt.Sprintf("\x02\x06\x04room:1clip%d", n)
		length := byte(16 + len(position) + 1)
		want[inBinary] = append(want[inBinary], fmt.Sprintf("\x05%c\x06\x04%sroom:1clip%d", length, position, n))
		want[inText] = append(want[inText], plain, fmt.Sprintf(`[null,%q,"room:1","_history",{}]`, position))
		want[unasked] = append(want[unasked], plain)
	}
	var readers sync.WaitGroup
	for i, c := range clients {
		readers.Go(func() {
			form := forms[i%len(forms)]
			for n, want := range want[form] {
				got, code, err := c.next()
				if err != nil || code != 0 || forget(got) != want {
					t.Errorf("%s: frame %d is %q, %d, %v, want %q", form, n, got, code, err, want)
					return
				}
			}
		})
	}
	readers.Wait()
}
