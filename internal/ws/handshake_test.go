package ws_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/roost-dev/roost/internal/ws"
)

func TestAnAnswerOpensWhatTheRequestAskedFor(t *testing.T) {
	request := ws.Request("example.com:4000", "/socket/websocket?vsn=2.0.0")
	if !strings.HasPrefix(string(request), "GET /socket/websocket?vsn=2.0.0 HTTP/1.1\r\nHost: example.com:4000\r\n") {
		t.Errorf("the request is %q", request)
	}
	n, answer, err := ws.Answer(append(slices.Clip(request), "a frame"...))
	if n != len(request) || err != nil {
		t.Fatalf("the server took %d of %d bytes, %v", n, len(request), err)
	}
	n, err = ws.Opened(append(slices.Clip(answer), "a frame"...))
	if n != len(answer) || err != nil {
		t.Errorf("the client took %d of %d bytes, %v", n, len(answer), err)
	}
	for i := range answer {
		if n, err := ws.Opened(answer[:i]); n != 0 || err != nil {
			t.Errorf("%d bytes of the answer: took %d, %v", i, n, err)
		}
	}
}

// The example of RFC 6455 §1.3.
func TestTheAnswerIsThatOfTheRFC(t *testing.T) {
	_, answer, err := ws.Answer([]byte("GET / HTTP/1.1\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"))
	if err != nil || !strings.Contains(string(answer), "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n") {
		t.Errorf("%s, %v", answer, err)
	}
}

func TestARefusalSaysWhatTheServerSaid(t *testing.T) {
	for answer, want := range map[string]string{
		"HTTP/1.1 403 Forbidden\r\n\r\n":                                          "403 Forbidden",
		"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: other\r\n\r\n": "Sec-WebSocket-Accept",
		strings.Repeat("x", 20_000):                                               "longer",
	} {
		if _, err := ws.Opened([]byte(answer)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %q in it", answer, err, want)
		}
	}
}
