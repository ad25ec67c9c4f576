package longpoll

import (
	"net/http/httptest"
	"testing"
)

// BenchmarkPoll is a poll that finds one message, without the HTTP server.
func BenchmarkPoll(b *testing.B) {
	h, a := newHandler(Config{})
	c := &client{h: h}
	c.token = c.poll().Token
	s := <-a.sockets
	r := httptest.NewRequest("GET", "/socket/longpoll?vsn=2.0.0", nil)
	r.Header.Set("X-Phoenix-Longpoll-Token", c.token)
	f := frame(`["1",null,"room:lobby","message",{"text":"hello"}]`, false)
	b.ReportAllocs()
	for b.Loop() {
		if err := s.conn.Send(f); err != nil {
			b.Fatal(err)
		}
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
}

// BenchmarkPollElsewhere is the same poll on a node that does not have the
// session, without the engine between the two.
func BenchmarkPollElsewhere(b *testing.B) {
	n, h := join(2, Config{})
	c := &client{h: h[0]}
	c.token = c.poll().Token
	s := <-n.apps[0].sockets
	r := httptest.NewRequest("GET", "/socket/longpoll?vsn=2.0.0", nil)
	r.Header.Set("X-Phoenix-Longpoll-Token", c.token)
	f := frame(`["1",null,"room:lobby","message",{"text":"hello"}]`, false)
	b.ReportAllocs()
	for b.Loop() {
		if err := s.conn.Send(f); err != nil {
			b.Fatal(err)
		}
		h[1].ServeHTTP(httptest.NewRecorder(), r)
	}
}
