package client_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/client"
	"github.com/roost-dev/roost/internal/ws"
)

// peer is the other end of a connection, for what no good server does.
type peer struct {
	net.Conn

	in []byte
}

// listenRaw hands each connection to serve, in turn, until the test ends.
func listenRaw(t *testing.T, serve func(p *peer)) (socketURL string) {
	t.Helper()
	l := listen(t, "127.0.0.1:0")
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serve(&peer{Conn: c})
			_ = c.Close()
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-done
	})
	return "ws://" + l.Addr().String()
}

// read reads until split takes something.
func (p *peer) read(split func([]byte) (int, error)) error {
	buf := make([]byte, 4096)
	for {
		used, err := split(p.in)
		p.in = p.in[used:]
		if used > 0 || err != nil {
			return err
		}
		n, err := p.Read(buf)
		if err != nil {
			return err
		}
		p.in = append(p.in, buf[:n]...)
	}
}

// accept upgrades.
func (p *peer) accept() error {
	return p.read(func(in []byte) (int, error) {
		n, answer, err := ws.Answer(in)
		if n > 0 {
			_, err = p.Write(answer)
		}
		return n, err
	})
}

func (p *peer) next() (f ws.Frame, err error) {
	err = p.read(func(in []byte) (n int, err error) {
		f, n, err = ws.Next(in)
		f.Payload = bytes.Clone(f.Payload)
		return n, err
	})
	return f, err
}

// acceptJoin upgrades, and answers the join of "t" with ok.
func (p *peer) acceptJoin(response string) error {
	if err := p.accept(); err != nil {
		return err
	}
	f, err := p.next()
	if err != nil {
		return err
	}
	m, err := ws.Split(f.Payload)
	if err != nil {
		return err
	}
	p.text(fmt.Sprintf(`[%s,%s,"t","phx_reply",{"status":"ok","response":%s}]`, m.JoinRef, m.Ref, response))
	return nil
}

func (p *peer) text(s string) { _, _ = p.Write(ws.AppendServer(nil, ws.Text, []byte(s))) }

func (p *peer) raw(b ...byte) { _, _ = p.Write(b) }

// untilClosed reads frames until a close frame or the end of the connection.
func (p *peer) untilClosed() (frames []ws.Frame) {
	for {
		f, err := p.next()
		if err != nil {
			return frames
		}
		if frames = append(frames, f); f.Op == ws.Close {
			return frames
		}
	}
}

func TestAnswersThatAreNoUpgrade(t *testing.T) {
	upgrade := "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
	for answer, want := range map[string]string{
		"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n":                                     "HTTP 200 OK",
		"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n":                    "HTTP 503 Service Unavailable",
		"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n": "HTTP 302 Found",
		"SSH-2.0\r\n":                    "malformed HTTP response",
		"":                               "EOF",
		upgrade + "Upgrade: h2c\r\n\r\n": "did not upgrade to a WebSocket",
		upgrade + "Upgrade: websocket\r\nSec-WebSocket-Accept: other\r\n\r\n":                                               "Sec-WebSocket-Accept does not fit",
		upgrade + "Upgrade: websocket\r\nSec-WebSocket-Accept: KEY\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n": "an extension",
		upgrade + "Upgrade: websocket\r\nSec-WebSocket-Accept: KEY\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n":                 "a subprotocol",
	} {
		url := listenRaw(t, func(p *peer) {
			_ = p.read(func(in []byte) (int, error) {
				n, good, err := ws.Answer(in)
				if n > 0 {
					_, key, _ := strings.Cut(string(good), "Sec-WebSocket-Accept: ")
					_, _ = p.Write([]byte(strings.ReplaceAll(answer, "KEY", strings.TrimSpace(key))))
				}
				return n, err
			})
		})
		if _, err := client.Dial(t.Context(), url, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", answer, err)
		}
	}
	wantNoGoroutines(t)
}

func TestServerThatBreaksTheProtocolIsClosed(t *testing.T) {
	type broken struct {
		bytes []byte
		code  string // with which the client closes
		want  string
	}
	text := func(s string) []byte { return ws.AppendServer(nil, ws.Text, []byte(s)) }
	for _, test := range []broken{
		{ws.AppendClient(nil, ws.Text, []byte("{}")), "1002", "a masked frame"},
		{[]byte{0xC1, 0}, "1002", "reserved bits"},
		{[]byte{0x83, 0}, "1002", "unknown kind 3"},
		{[]byte{0x80, 0}, "1002", "a fragment without a beginning"},
		{[]byte{0x01, 0, 0x81, 0}, "1002", "a message in the middle of another"},
		{[]byte{0x09, 0}, "1002", "a control frame that is fragmented"},
		{[]byte{0x89, 126, 0, 126}, "1002", "or too long"},
		{[]byte{0x81, 126, 0, 5}, "1002", "length is written wrongly"},
		{[]byte{0x81, 127, 0x80, 0, 0, 0, 0, 0, 0, 0}, "1002", "length is written wrongly"},
		{[]byte{0x81, 127, 0x7F, 0, 0, 0, 0, 0, 0, 0}, "1009", "larger than 16777216 bytes"},
		{[]byte{0x88, 1, 3}, "1002", "half a code"},
		{[]byte{0x88, 2, 0x03, 0xED}, "1002", "the code 1005"},
		{text("nonsense"), "1007", "not a JSON array"},
		{text(`[null,null,"t","e",{"a":"` + "\xff" + `"}]`), "1007", "not valid JSON"},
		{[]byte{0x82, 1, 9}, "1007", "unknown kind 9"},
	} {
		ended := make(chan []ws.Frame, 1)
		url := listenRaw(t, func(p *peer) {
			if p.accept() == nil {
				p.raw(test.bytes...)
				ended <- p.untilClosed()
			}
		})
		closed := make(chan error, 10)
		s := dial(t, url, client.Options{OnClose: func(err error) { closed <- err }, Reconnect: never})
		if err := next(t, "the end", closed); !strings.Contains(err.Error(), test.want) {
			t.Errorf("%x: closed with %v, want %s", test.bytes, err, test.want)
		}
		frames := next(t, "the close frame", ended)
		if len(frames) != 1 || frames[0].Op != ws.Close || fmt.Sprint(int(frames[0].Payload[0])<<8|int(frames[0].Payload[1])) != test.code {
			t.Errorf("%x: the client sent %v, want a close frame with %s", test.bytes, frames, test.code)
		}
		shut(t, s)
	}
	wantNoGoroutines(t)
}

func TestFragmentsAndControlFrames(t *testing.T) {
	ended := make(chan []ws.Frame, 1)
	url := listenRaw(t, func(p *peer) {
		if p.acceptJoin(`{}`) != nil {
			return
		}
		p.raw(0x01, 0) // a beginning that is empty
		message := []byte(`[null,null,"t","said",{"by":"ada","text":"in pieces"}]`)
		for i := range message {
			p.raw(0x00, 1, message[i])
			if i == 20 {
				p.raw(ws.AppendServer(nil, ws.Ping, []byte("there?"))...)
				p.raw(ws.AppendServer(nil, ws.Pong, []byte("unasked"))...)
			}
		}
		p.raw(0x80, 0) // and an end that is
		p.raw(ws.AppendServer(nil, ws.Close, []byte("\x10\x01gone"))...)
		ended <- p.untilClosed()
	})
	heard, closed := make(chan said, 1), make(chan error, 10)
	s := dial(t, url, client.Options{OnClose: func(err error) { closed <- err }, Reconnect: never})
	ch := s.Channel("t", nil)
	ch.On(roost.NewOut[map[string]string]("said"), func(_ context.Context, v map[string]string) { heard <- said{v["by"], v["text"]} })
	if _, err := ch.Join[roost.Ack](t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if v := next(t, "the message", heard); v != (said{"ada", "in pieces"}) {
		t.Errorf("heard %v", v)
	}
	if e, ok := errors.AsType[*client.CloseError](next(t, "the end", closed)); !ok || *e != (client.CloseError{Code: 4097, Reason: "gone"}) {
		t.Errorf("closed with %v", e)
	}
	frames := next(t, "what the client sent", ended)
	if len(frames) != 2 || frames[0].Op != ws.Pong || string(frames[0].Payload) != "there?" ||
		frames[1].Op != ws.Close || string(frames[1].Payload) != "\x10\x01" {
		t.Errorf("the client sent %v", frames)
	}
}

// Code 1000 asks the client not to come back (spec/protocol.md §12).
func TestServerThatClosesForGood(t *testing.T) {
	url := listenRaw(t, func(p *peer) {
		if p.acceptJoin(`{}`) == nil {
			p.text(`[null,null,"t","last",{}]`)
			p.raw(ws.AppendServer(nil, ws.Close, []byte("\x03\xE8"))...)
			p.untilClosed()
		}
	})
	s := dial(t, url, client.Options{})
	ch := s.Channel("t", nil)
	heard := make(chan roost.Payload, 1)
	ch.On(roost.NewOut[roost.Payload]("last"), func(_ context.Context, p roost.Payload) { heard <- p })
	if _, err := ch.Join[roost.Ack](t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	next(t, "the end of the socket", s.Done())
	for _, err := range []error{s.Err(), ch.Err()} {
		if e, ok := errors.AsType[*client.CloseError](err); !ok || e.Code != 1000 {
			t.Errorf("ended with %v", err)
		}
	}
	next(t, "the end of the channel", ch.Done())
	if len(heard) != 1 {
		t.Error("what came before the end was not told")
	}
	if _, err := ch.Call(t.Context(), Say, said{}); !errors.As(err, new(*client.CloseError)) {
		t.Errorf("call: %v", err)
	}
}

func TestCloseComesBehindWhatWasPushed(t *testing.T) {
	ended := make(chan []ws.Frame, 1)
	url := listenRaw(t, func(p *peer) {
		if p.acceptJoin(`{}`) == nil {
			ended <- p.untilClosed()
		}
	})
	s := dial(t, url, client.Options{})
	ch := s.Channel("t", nil)
	if _, err := ch.Join[roost.Ack](t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	for range 60 {
		if err := ch.Push(t.Context(), Whisper, said{"ada", strings.Repeat("x", 70_000)}); err != nil {
			t.Error(err)
		}
	}
	shut(t, s)
	frames := next(t, "what the client sent", ended)
	if len(frames) != 61 || frames[60].Op != ws.Close || string(frames[60].Payload) != "\x03\xE8" {
		t.Errorf("the client sent %d frames, the last of kind %d", len(frames), frames[len(frames)-1].Op)
	}
}

// A server may tell the position of a binary event in a frame behind it, or in
// its own (spec/protocol.md §20).
func TestPositionsOfBinaryEvents(t *testing.T) {
	lives := make(chan string, 10)
	n := 0
	url := listenRaw(t, func(p *peer) {
		if p.accept() != nil {
			return
		}
		f, err := p.next()
		if err != nil {
			return
		}
		m, err := ws.Split(f.Payload)
		if err != nil {
			return
		}
		lives <- string(m.Payload)
		answer := func(history string) {
			p.text(fmt.Sprintf(`[%s,%s,"t","phx_reply",{"status":"ok","response":{"_history":%s}}]`, m.JoinRef, m.Ref, history))
		}
		bytes := func(frame string) { p.raw(ws.AppendServer(nil, ws.Binary, []byte(frame))...) }
		switch n++; n {
		case 1:
			answer(`{"position":"p.0."}`)
			bytes("\x02\x01\x04tblobone")
			p.text(`[null,"p.1.","t","_history",{}]`)
			bytes("\x02\x01\x04tblobnot kept")
		case 2:
			answer(`{"position":"p.1.","recovered":true}`)
			bytes("\x05\x04\x01\x04p.2.tblobtwo")
			bytes(fmt.Sprintf("\x06%c\x04\x01\x04%sp.3.tblobthree", len(m.JoinRef)-2, m.JoinRef[1:len(m.JoinRef)-1]))
			bytes("\x06\x01\x04\x01\x04?p.9.tblobof another conversation")
		case 3:
			answer(`{"position":"p.3.","recovered":true}`)
			p.text(`[null,"p.3.","t","_history",{"recovered":0}]`)
			p.untilClosed()
		}
	})
	ch := dial(t, url, client.Options{}).Channel("t", &client.ChannelOptions{History: true})
	heard := make(chan string, 10)
	ch.On(Blob, func(_ context.Context, b []byte) { heard <- string(b) })
	ch.OnRecovered(func(_ context.Context, n int) { heard <- fmt.Sprint("recovered ", n) })
	ch.OnGap(func(context.Context) { heard <- "gap" })
	if _, err := ch.Join[roost.Ack](t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"one", "not kept", "two", "three", "recovered 0"} {
		if got := next(t, want, heard); got != want {
			t.Fatalf("heard %q, want %q", got, want)
		}
	}
	for _, want := range []string{
		`{"_history":{"binary":true}}`, `{"_history":{"after":"p.1.","binary":true}}`, `{"_history":{"after":"p.3.","binary":true}}`,
	} {
		if got := <-lives; got != want {
			t.Errorf("joined with %s, want %s", got, want)
		}
	}
}

// What the connection cannot carry is told as a gap, where it is missing
// (spec/protocol.md §20).
func TestEventsThatWereSkipped(t *testing.T) {
	url := listenRaw(t, func(p *peer) {
		if p.acceptJoin(`{"_history":{"position":"p.0."}}`) != nil {
			return
		}
		p.text(`[null,"p.1.","t","number",{"N":1}]`)
		p.text(`[null,"p.2.","t","_history",{"skipped":1}]`)
		p.text(`[null,"p.3.","t","number",{"N":3}]`)
		p.text(`[null,"p.3.","t","_history",{"skipped":0}]`)
		p.untilClosed()
	})
	ch := dial(t, url, client.Options{}).Channel("t", &client.ChannelOptions{History: true})
	d := keep(ch)
	if _, err := ch.Join[roost.Ack](t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	wantDiary(t, d, "1", "gap", "3")
	eventually(t, "the position", func() bool { return ch.Position() == "p.3." })
}
