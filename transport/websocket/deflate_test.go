package websocket

import (
	"bytes"
	"crypto/rand"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/roost-dev/roost/transport"
)

func TestDeflateOffers(t *testing.T) {
	tests := []struct {
		offer   string
		answer  string // empty: declined
		longest int
	}{
		{"permessage-deflate", "permessage-deflate; server_no_context_takeover; client_no_context_takeover", 1 << 30},
		{"permessage-deflate; client_max_window_bits", "permessage-deflate; server_no_context_takeover; client_no_context_takeover", 1 << 30},
		{"permessage-deflate;client_max_window_bits=10", "permessage-deflate; server_no_context_takeover; client_no_context_takeover", 1 << 30},
		{
			"permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10",
			"permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10", 1024,
		},
		{`permessage-deflate; server_max_window_bits="9"`, "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9", 512},
		{"x-other, permessage-deflate; unknown, permessage-deflate; server_max_window_bits=15", "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=15", 1 << 15},
		{"", "", 0},
		{"x-webkit-deflate-frame", "", 0},
		{"permessage-deflate; unknown", "", 0},
		{"permessage-deflate; server_no_context_takeover=1", "", 0},
		{"permessage-deflate; server_max_window_bits", "", 0},
		{"permessage-deflate; server_max_window_bits=7", "", 0},
		{"permessage-deflate; server_max_window_bits=16", "", 0},
		{"permessage-deflate; server_max_window_bits=010", "", 0},
		{"permessage-deflate; client_max_window_bits=", "", 0},
		{"permessage-deflate; server_max_window_bits=10; server_max_window_bits=10", "", 0},
	}
	for _, tt := range tests {
		p, ok := negotiateDeflate(http.Header{"Sec-Websocket-Extensions": {tt.offer}})
		switch {
		case ok != (tt.answer != ""):
			t.Errorf("%q: accepted: %t", tt.offer, ok)
		case ok && p.answer() != tt.answer:
			t.Errorf("%q: answer %q, want %q", tt.offer, p.answer(), tt.answer)
		case ok && min(p.longest, 1<<30) != tt.longest:
			t.Errorf("%q: compresses up to %d bytes, want %d", tt.offer, p.longest, tt.longest)
		}
	}
}

func TestFramesAreDeflatedOnlyWhereItHelps(t *testing.T) {
	payload := strings.Repeat("compressible ", 100)
	deflated := deflateFrame(textFrame(payload))
	p := &parser{limit: 10_000, deflate: true}
	ev, _, ok, err := p.next(asClient(deflated))
	if !ok || err != nil || !ev.compressed {
		t.Fatalf("event %v %t, error %v, of the frame %x", ev, ok, err, deflated)
	}
	var b bytes.Buffer
	if err := inflate(&b, ev.data, len(payload)); err != nil || b.String() != payload {
		t.Errorf("inflates to %.50q, %v", b.String(), err)
	}
	b.Reset()
	if err := inflate(&b, ev.data, len(payload)-1); err == nil || err.code != transport.CloseTooBig {
		t.Errorf("one byte over the limit: %v", err)
	}
	if noise := rand.Text() + rand.Text() + rand.Text(); deflateFrame(textFrame(noise)) != nil {
		t.Error("noise is sent deflated")
	}
}

// asClient makes a client's frame of a short frame of the server.
func asClient(frame []byte) []byte {
	if frame[1] >= 126 {
		return clientFrame(frame[0], string(frame[4:]))
	}
	return clientFrame(frame[0], string(frame[2:]))
}

func TestSmallWindowsGetOnlySmallMessagesDeflated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u, s := newBench(t, Config{Compress: true}).
			connectWith("Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=10\r\n")
		fits, tooLarge := textFrame(strings.Repeat("x", 1024)), textFrame(strings.Repeat("x", 1025))
		short := textFrame(strings.Repeat("x", compressMin-1))
		s.Send(fits)
		s.Send(tooLarge)
		s.Send(short)
		u.want(0xC1, strings.TrimPrefix(string(deflateFrame(fits)), string(deflateFrame(fits)[:2])))
		u.want(0x81, string(tooLarge.Payload()))
		u.want(0x81, string(short.Payload()))
	})
}
