package transporttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/roost-dev/roost/transport"
)

func (s *suite) receives() {
	srv := s.start(Config{MaxMessage: 1 << 20}, &acceptor{})
	c, session := srv.connect("")
	long := strings.Repeat("long ", 100_000)
	c.raw(bytes.Join([][]byte{
		masked(text, "one"), masked(bin, "\x00\xff"), masked(text, ""),
		masked(begin, "gr"), masked(more, "\xc3"), masked(finish, "\xbcn"), masked(text, long), masked(text, "last"),
	}, nil))
	session.wantReceived(message{"one", false}, message{"\x00\xff", true}, message{"", false},
		message{"grün", false}, message{long, false}, message{"last", false})
	for _, b := range masked(text, "a byte at a time") {
		c.raw([]byte{b})
	}
	session.wantReceived(message{"a byte at a time", false})
}

func (s *suite) sends() {
	const n = 500
	srv := s.start(Config{}, &acceptor{opened: func(s *session) {
		for i := range n {
			s.send(fmt.Sprint(i))
		}
	}})
	c, session := srv.connect("")
	for i := range n {
		session.send(fmt.Sprint(n + i))
	}
	if err := session.conn.Send(frame("\x00\xff", true)); err != nil {
		s.t.Errorf("Send of a binary message: %v", err)
	}
	for i := range 2 * n {
		c.want(text, fmt.Sprint(i))
	}
	c.want(bin, "\x00\xff")
}

func (s *suite) sendsLarge() {
	srv := s.start(Config{Outbox: 1000}, &acceptor{})
	c, session := srv.connect("")
	large := strings.Repeat("x", 3<<20)
	session.send(large)
	c.want(text, large)
	session.send("after")
	c.want(text, "after")
}

func (s *suite) early() {
	srv := s.start(Config{}, &acceptor{receive: echo})
	c := srv.dial()
	c.raw(append([]byte(upgradeRequest("")), bytes.Join([][]byte{masked(text, "one"), masked(text, "two")[:5]}, nil)...))
	session := srv.established(c)
	c.want(text, "one")
	c.raw(masked(text, "two")[5:])
	c.want(text, "two")
	session.wantReceived(message{"one", false}, message{"two", false})
}

func (s *suite) pingBetweenFragments() {
	srv := s.start(Config{}, &acceptor{receive: echo})
	c, _ := srv.connect("")
	c.send(begin, "one ")
	c.send(ping, "there?")
	c.want(pong, "there?")
	c.send(pong, "unasked")
	c.send(finish, "two")
	c.want(text, "one two")
	c.send(ping, strings.Repeat("x", 125))
	c.want(pong, strings.Repeat("x", 125))
}

func (s *suite) pingFlood() {
	srv := s.start(Config{}, &acceptor{})
	c, _ := srv.connect("")
	const n = 20_000
	payload := func(i int) string { return fmt.Sprintf("%0100d", i) }
	for i := range n {
		c.send(ping, payload(i))
	}
	for last := ""; last != payload(n-1); {
		first, got, err := c.read()
		if err != nil || first != pong || got <= last {
			s.t.Fatalf("frame %#x %q, %v, after the pong %q", first, got, err, last)
		}
		last = got
	}
}

func (s *suite) peerCloses() {
	srv := s.start(Config{}, &acceptor{})
	tests := []struct {
		payload string
		answer  transport.CloseCode
	}{
		{"", 1000},
		{"\x03\xe8", 1000},
		{"\x03\xe8heartbeat timeout", 1000},
		{"\x03\xe9going", 1000},
		{"\x0b\xb8", 1000}, // 3000
		{"\x13\x87", 1000}, // 4999
		{"\x03\xe8" + strings.Repeat("x", 123), 1000},
		{"\x03", 1002},
		{"\x00\x00", 1002},
		{"\x03\xe7", 1002}, // 999
		{"\x03\xec", 1002}, // 1004
		{"\x03\xed", 1002}, // 1005
		{"\x03\xee", 1002}, // 1006
		{"\x03\xf7", 1002}, // 1015
		{"\x0b\xb7", 1002}, // 2999
		{"\x13\x88", 1002}, // 5000
		{"\x03\xe8\xff", 1007},
	}
	for _, tt := range tests {
		c, session := srv.connect("")
		session.send("before")
		c.want(text, "before")
		c.send(closing, tt.payload)
		c.wantClose(tt.answer)
		if err := session.wantClosed(); (err == nil) != (tt.answer == 1000) {
			s.t.Errorf("close %q: the session was told %v", tt.payload, err)
		}
		session.send("after") // does nothing
		session.conn.Close(1001, "too late")
	}
}

func (s *suite) silenceBehindClose() {
	srv := s.start(Config{}, &acceptor{})
	c, session := srv.connect("")
	c.raw(bytes.Join([][]byte{masked(text, "before"), masked(closing, "\x03\xe8"), masked(text, "behind"), make([]byte, 1<<20)}, nil))
	c.wantClose(1000)
	session.wantReceived(message{"before", false})
	if err := session.wantClosed(); err != nil {
		s.t.Error(err)
	}
	session.wantNothingMore()
}

func (s *suite) closes() {
	srv := s.start(Config{}, &acceptor{})
	c, session := srv.connect("")
	large := strings.Repeat("x", 500_000)
	session.send(large)
	session.send("last")
	session.conn.Close(transport.CloseRestart, "restart")
	session.conn.Close(transport.CloseGoingAway, "not again")
	session.send("after")
	if err := session.wantClosed(); err != nil {
		s.t.Errorf("Closed(%v) after Close", err)
	}
	c.want(text, large)
	c.want(text, "last")
	if reason := c.wantClose(transport.CloseRestart); reason != "restart" {
		s.t.Errorf("reason %q", reason)
	}
	c.send(closing, "\x03\xf4")
}

func (s *suite) closesWithin() {
	srv := s.start(Config{}, &acceptor{receive: func(s *session, _ message) error {
		s.conn.Close(transport.CloseGoingAway, "disconnected")
		return nil
	}})
	c, session := srv.connect("")
	c.raw(append(masked(text, "first"), masked(text, "second")...))
	c.wantClose(transport.CloseGoingAway)
	c.send(text, "third")
	c.send(closing, "\x03\xe9")
	if err := session.wantClosed(); err != nil {
		s.t.Error(err)
	}
	session.wantReceived(message{"first", false})
	session.wantNothingMore()
}

func (s *suite) longReason() {
	srv := s.start(Config{}, &acceptor{})
	for _, long := range []string{strings.Repeat("ü€", 40), strings.Repeat("x", 123) + "y"} {
		c, session := srv.connect("")
		session.conn.Close(transport.CloseInternalError, long)
		reason := c.wantClose(transport.CloseInternalError)
		if !utf8.ValidString(reason) || !strings.HasPrefix(long, reason) || len(reason) < 120 || len(reason) > 123 {
			s.t.Errorf("reason of %d bytes: %q", len(reason), reason)
		}
	}
	for _, bad := range []string{"a\xffb", strings.Repeat("\x80", 200)} {
		c, session := srv.connect("")
		session.conn.Close(transport.CloseInternalError, bad)
		if reason := c.wantClose(transport.CloseInternalError); !utf8.ValidString(reason) {
			s.t.Errorf("reason %q", reason)
		}
	}
}

func (s *suite) violations() {
	srv := s.start(Config{}, &acceptor{})
	tests := []struct {
		name  string
		bytes []byte
		code  transport.CloseCode
	}{
		{"unmasked", []byte{text, 2, 'h', 'i'}, 1002},
		{"reserved bit", masked(0xA1, "x"), 1002},
		{"compressed without an agreement", masked(deflated, "x"), 1002},
		{"unknown opcode", masked(0x83, "x"), 1002},
		{"stray continuation", masked(finish, "x"), 1002},
		{"message within a message", append(masked(begin, "x"), masked(text, "y")...), 1002},
		{"fragmented ping", masked(0x09, "x"), 1002},
		{"long ping", masked(ping, strings.Repeat("x", 126)), 1002},
		{"text that is not UTF-8", masked(text, "a\xffb"), 1007},
		{"fragments that are not UTF-8", append(masked(begin, "\xc3"), masked(finish, "x")...), 1007},
	}
	for _, tt := range tests {
		c, session := srv.connect("")
		c.raw(append(tt.bytes, masked(text, "behind")...))
		if reason := c.wantClose(tt.code); reason == "" {
			s.t.Errorf("%s: close without a reason", tt.name)
		}
		if err := session.wantClosed(); err == nil {
			s.t.Errorf("%s: the session was told of a close in good order", tt.name)
		}
		session.wantNothingMore()
	}
}

func (s *suite) sizes() {
	srv := s.start(Config{MaxMessage: 1000}, &acceptor{receive: echo})
	fits, tooLong := strings.Repeat("x", 1000), strings.Repeat("x", 1001)
	c, _ := srv.connect("")
	c.send(text, fits)
	c.want(text, fits)
	c.send(begin, fits[:600])
	c.send(finish, fits[600:])
	c.want(text, fits)
	c.send(bin, tooLong)
	c.wantClose(transport.CloseTooBig)

	c, session := srv.connect("")
	c.send(begin, fits[:600])
	c.send(more, fits[600:])
	c.send(finish, "x")
	c.wantClose(transport.CloseTooBig)
	if err := session.wantClosed(); err == nil {
		s.t.Error("the session was told of a close in good order")
	}
	session.wantNothingMore()
}

func (s *suite) malformed() {
	srv := s.start(Config{}, &acceptor{receive: func(*session, message) error { return errMalformed }})
	c, session := srv.connect("")
	c.raw(append(masked(text, "bad"), masked(text, "worse")...))
	if reason := c.wantClose(transport.CloseInternalError); reason != errMalformed.Error() {
		s.t.Errorf("reason %q", reason)
	}
	if err := session.wantClosed(); !errors.Is(err, errMalformed) {
		s.t.Errorf("Closed(%v), want the error of Receive", err)
	}
	session.wantReceived(message{"bad", false})
	session.wantNothingMore()
}

func (s *suite) idle() {
	srv := s.start(Config{IdleTimeout: 50 * time.Millisecond}, &acceptor{})
	c, session := srv.connect("")
	if reason := c.wantClose(transport.CloseGoingAway); reason != "idle timeout" {
		s.t.Errorf("reason %q", reason)
	}
	if err := session.wantClosed(); err == nil {
		s.t.Error("the session was told of a close in good order")
	}
}

func (s *suite) slowReader() {
	const outbox = 100_000
	srv := s.start(Config{Outbox: outbox}, &acceptor{receive: echo})
	slow, slowSession := srv.connect("")
	other, otherSession := srv.connect("")

	payload := func(i int) string { return fmt.Sprintf("%010d", i) + strings.Repeat("x", 10_000) }
	var closed error
	for i := 0; closed == nil; i++ {
		slowSession.send(payload(i))
		select {
		case closed = <-slowSession.closed:
		default:
		}
		if i > 100_000 {
			s.t.Fatal("a gigabyte waits for a client that does not read")
		}
	}
	other.send(text, "still there?")
	other.want(text, "still there?")
	otherSession.wantReceived(message{"still there?", false})

	for i := 0; ; i++ { // what was on its way, then the close
		first, got, err := slow.read()
		if err != nil {
			s.t.Fatalf("frame %d: %v", i, err)
		}
		if first == closing {
			if code := transport.CloseCode(got[0])<<8 | transport.CloseCode(got[1]); code != transport.CloseSlow {
				s.t.Errorf("close %d, want %d", code, transport.CloseSlow)
			}
			break
		}
		if got != payload(i) {
			s.t.Fatalf("frame %d begins with %.10q", i, got)
		}
	}
}

// sendFromMany has senders send numbered frames, and returns when all did.
func sendFromMany(session *session, senders, frames int) {
	var wg sync.WaitGroup
	for sender := range senders {
		wg.Go(func() {
			for i := range frames {
				session.send(fmt.Sprintf("%d %d %s", sender, i, strings.Repeat("x", i*sender)))
			}
		})
	}
	wg.Wait()
}

// wantNumbered checks a frame of sendFromMany, next being the number that is
// due from each sender.
func (s *suite) wantNumbered(first byte, payload string, next []int) {
	s.t.Helper()
	var sender, i int
	var tail string
	_, _ = fmt.Sscanf(payload, "%d %d %s", &sender, &i, &tail)
	if first != text || sender >= len(next) || payload != fmt.Sprintf("%d %d %s", sender, i, strings.Repeat("x", i*sender)) {
		s.t.Fatalf("garbled frame %#x %.100q", first, payload)
	}
	if i != next[sender] {
		s.t.Fatalf("frame %d of sender %d, want %d", i, sender, next[sender])
	}
	next[sender]++
}

func (s *suite) concurrentSends() {
	const senders, frames = 8, 200
	srv := s.start(Config{Outbox: 1 << 30}, &acceptor{})
	c, session := srv.connect("")
	go sendFromMany(session, senders, frames)
	next := make([]int, senders)
	for range senders * frames {
		first, payload, err := c.read()
		if err != nil {
			s.t.Fatal(err)
		}
		s.wantNumbered(first, payload, next)
	}
}

func (s *suite) closeAmidSends() {
	srv := s.start(Config{Outbox: 1 << 30}, &acceptor{})
	const senders = 4
	for range 10 {
		c, session := srv.connect("")
		var done atomic.Bool
		go func() {
			sendFromMany(session, senders, 100)
			done.Store(true)
		}()
		next := make([]int, senders)
		for closeSent := false; ; {
			first, payload, err := c.read()
			if err != nil {
				s.t.Fatal(err)
			}
			if first == closing {
				if want := "\x03\xf4restart"; payload != want {
					s.t.Errorf("close %q, want %q", payload, want)
				}
				break
			}
			s.wantNumbered(first, payload, next)
			if !closeSent {
				closeSent = true
				go session.conn.Close(transport.CloseRestart, "restart")
			}
		}
		if _, _, err := c.read(); err == nil {
			s.t.Error("a frame behind the close frame")
		}
		if err := session.wantClosed(); err != nil {
			s.t.Error(err)
		}
	}
}

func (s *suite) goesAway() {
	srv := s.start(Config{}, &acceptor{})
	ways := map[string]func(c *client){
		"FIN":                     func(c *client) { c.nc.Close() },
		"RST":                     func(c *client) { c.reset() },
		"FIN within a frame":      func(c *client) { c.raw(masked(text, "never whole")[:8]); c.nc.Close() },
		"FIN within a header":     func(c *client) { c.raw([]byte{text}); c.nc.Close() },
		"FIN within a message":    func(c *client) { c.send(begin, "never whole"); c.nc.Close() },
		"RST while being sent to": func(c *client) { c.reset() },
	}
	for name, leave := range ways {
		c, session := srv.connect("")
		if strings.HasSuffix(name, "sent to") {
			session.send(strings.Repeat("x", 1<<20))
		}
		leave(c)
		if err := session.wantClosed(); err == nil {
			s.t.Errorf("%s: the session was told of a close in good order", name)
		}
		session.wantNothingMore()
		session.send("into the void")
		session.conn.Close(transport.CloseGoingAway, "")
	}
}

func (s *suite) compressed() {
	srv := s.start(Config{Compress: true, MaxMessage: 10_000}, &acceptor{receive: echo})
	c, session := srv.connect("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n")
	short, long := "short", strings.Repeat("compressible ", 700)
	for _, m := range []string{short, long} {
		c.send(deflated, compress(m))
		session.wantReceived(message{m, false})
		first, payload, err := c.read()
		if err != nil {
			s.t.Fatal(err)
		}
		if first == deflated {
			if payload, err = decompress(payload); err != nil {
				s.t.Fatal(err)
			}
		} else if m == long {
			s.t.Errorf("frame %#x: a long message was not compressed", first)
		}
		if payload != m {
			s.t.Errorf("echo of %.40q: %.40q", m, payload)
		}
	}
	c.send(text, "plain")
	session.wantReceived(message{"plain", false})
	c.want(text, "plain")
	c.send(0x41, compress(long)[:10]) // in fragments
	c.send(finish, compress(long)[10:])
	session.wantReceived(message{long, false})
	if _, _, err := c.read(); err != nil {
		s.t.Fatal(err)
	}
	c.send(deflated, compress(strings.Repeat("x", 5_000_000)))
	c.wantClose(transport.CloseTooBig)

	c, _ = srv.connect("Sec-WebSocket-Extensions: permessage-deflate\r\n")
	c.send(deflated, "\xff\xff\xff\xff")
	c.wantClose(transport.CloseInvalidPayload)
}

func (s *suite) abort() {
	srv := s.start(Config{}, &acceptor{})
	c, session := srv.connect("")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := srv.handler.Wait(ctx); !errors.Is(err, context.Canceled) {
		s.t.Errorf("Wait with a connection open: %v", err)
	}
	srv.handler.Abort()
	if err := session.wantClosed(); err == nil {
		s.t.Error("the session was told of a close in good order")
	}
	if first, payload, err := c.read(); err == nil {
		s.t.Errorf("frame %#x %q after Abort", first, payload)
	}
	ctx, cancel = context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := srv.handler.Wait(ctx); err != nil {
		s.t.Errorf("Wait: %v", err)
	}
}
