package client_test

import (
	"context"
	"crypto/sha1" //nolint:gosec // RFC 6455 §4.2.2 asks for it
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/client"
	"github.com/roost-dev/roost/internal/deflate"
	"github.com/roost-dev/roost/internal/ws"
)

// acceptOf is the Sec-WebSocket-Accept of a request.
func acceptOf(r *http.Request) string {
	sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) //nolint:gosec // as above
	return base64.StdEncoding.EncodeToString(sum[:])
}

func TestMessagesAreCompressed(t *testing.T) {
	for name, test := range map[string]struct{ server, client, want bool }{
		"both":   {true, true, true},
		"server": {true, false, false},
		"client": {false, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			a := newApp(t, appOptions{options: roost.Options[string]{WebSocket: roost.WebSocket{Compress: test.server}}})
			p := newProxy(t, a.start(t), nil, nil)
			ch := dial(t, p.url(), client.Options{Compress: test.client}).Channel("room:1", nil)
			heard := make(chan said, 1)
			ch.On(Said, func(_ context.Context, v said) { heard <- v })
			join(t, ch)
			const size = 50_000
			for _, text := range []string{"short", strings.Repeat("compressible ", size/13)} {
				if _, err := ch.Call(t.Context(), Say, said{Text: text}); err != nil {
					t.Errorf("say: %v", err)
				}
				if v := next(t, "the text", heard); v.Text != text {
					t.Errorf("heard %d bytes, want %d", len(v.Text), len(text))
				}
			}
			down, up := p.carried.Load(), p.carriedUp.Load()
			if compressed := down < size/5 && up < size/5; compressed != test.want {
				t.Errorf("%d bytes came and %d went", down, up)
			}
			// What does not get shorter goes as it is.
			noise := make([]byte, size)
			for i := range noise {
				noise[i] = byte(rand.Uint32())
			}
			if got, err := ch.Call(t.Context(), Bytes, noise); err != nil || len(got) != size+len("got ") {
				t.Errorf("%d bytes, %v", len(got), err)
			}
		})
	}
}

// deflating serves a client that offered to compress: with an answer to the offer, and frames.
func deflating(t *testing.T, extensions string, frames ...[]byte) (socketURL string) {
	t.Helper()
	return listenRaw(t, func(p *peer) {
		err := p.read(func(in []byte) (int, error) {
			n, answer, err := ws.Answer(in)
			if n > 0 {
				head, _ := strings.CutSuffix(string(answer), "\r\n")
				_, err = fmt.Fprintf(p, "%sSec-WebSocket-Extensions: %s\r\n\r\n", head, extensions)
			}
			return n, err
		})
		if err == nil {
			for _, frame := range frames {
				p.raw(frame...)
			}
			p.untilClosed()
		}
	})
}

func TestAnswersToAnOfferToCompress(t *testing.T) {
	const plain = "permessage-deflate; server_no_context_takeover"
	for answer, ok := range map[string]bool{
		plain:                                            true,
		plain + "; client_no_context_takeover":           true,
		plain + ";server_max_window_bits=10":             true,
		plain + `; server_max_window_bits="9"`:           true,
		"permessage-deflate":                             false, // it would keep a context
		"permessage-deflate; client_no_context_takeover": false,
		plain + "; server_no_context_takeover":           false,
		plain + "=1":                                     false,
		plain + "; server_max_window_bits=7":             false,
		plain + "; server_max_window_bits":               false,
		plain + "; client_max_window_bits=10":            false, // which was not offered
		plain + "; unknown":                              false,
		plain + ", x-other":                              false,
		"x-webkit-deflate-frame":                         false,
	} {
		s, err := client.Dial(t.Context(), deflating(t, answer), &client.Options{Compress: true, Logger: discard})
		if (err == nil) != ok {
			t.Errorf("%s: %v", answer, err)
		}
		if err == nil {
			shut(t, s)
		}
	}
}

func TestCompressedMessagesThatAreBroken(t *testing.T) {
	compressed := func(op byte, payload []byte) []byte {
		f := ws.AppendServer(nil, op, payload)
		f[0] |= 0x40
		return f
	}
	bomb := deflate.Append(nil, make([]byte, 1<<20))
	for name, test := range map[string]struct {
		frame []byte
		want  string
	}{
		"a bomb":           {compressed(ws.Binary, bomb), "larger than 100000 bytes"},
		"garbage":          {compressed(ws.Text, []byte("\xff\xff")), "does not inflate"},
		"a control frame":  {compressed(ws.Ping, nil), "reserved bits"},
		"a later fragment": {append([]byte{0x41, 0}, 0xC0, 0), "reserved bits"},
		"another bit":      {[]byte{0xA1, 0}, "reserved bits"},
	} {
		closed := make(chan error, 10)
		url := deflating(t, "permessage-deflate; server_no_context_takeover", test.frame)
		s := dial(t, url, client.Options{Compress: true, MaxMessage: 100_000, Reconnect: never, OnClose: func(err error) { closed <- err }})
		if err := next(t, "the end", closed); !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: closed with %v", name, err)
		}
		shut(t, s)
	}
}

// A compressed message may come in fragments, of which the first says so.
func TestCompressedMessageInFragments(t *testing.T) {
	deflated := deflate.Append(nil, []byte(`[null,null,"t","said",{"By":"ada","Text":"in pieces"}]`))
	first := append([]byte{0x41, 3}, deflated[:3]...)
	rest := append([]byte{0x80, byte(len(deflated) - 3)}, deflated[3:]...)
	closed := make(chan error, 1)
	url := deflating(t, "permessage-deflate; server_no_context_takeover", first, ws.AppendServer(nil, ws.Ping, nil), rest,
		ws.AppendServer(nil, ws.Close, []byte("\x10\x01")))
	s := dial(t, url, client.Options{Compress: true, Reconnect: never, OnClose: func(err error) { closed <- err }})
	if e, ok := errors.AsType[*client.CloseError](next(t, "the end", closed)); !ok || e.Code != 4097 {
		t.Errorf("closed with %v", e)
	}
	shut(t, s)
}
