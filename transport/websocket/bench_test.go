package websocket

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/roost-dev/roost/transport"
)

// echoing is a session that sends back what it receives.
type echoing struct{ transport.Conn }

func (s echoing) Receive(data []byte, binary bool) error {
	return s.Send(transport.NewFrame(append(make([]byte, transport.Headroom, transport.Headroom+len(data)), data...), binary))
}

func (s echoing) Closed(error) {}

// loopback serves h over TCP, and returns a function that connects to it.
func loopback(b *testing.B, cfg Config) (h *Handler, connect func() (net.Conn, *bufio.Reader)) {
	cfg.Accept = func(*http.Request, transport.Hello) (func(transport.Conn) transport.Session, error) {
		return func(c transport.Conn) transport.Session { return echoing{c} }, nil
	}
	h = New(cfg)
	server := httptest.NewServer(h)
	b.Cleanup(server.Close)
	return h, func() (net.Conn, *bufio.Reader) {
		nc, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { nc.Close() })
		fmt.Fprint(nc, "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n")
		br := bufio.NewReader(nc)
		if res, err := http.ReadResponse(br, nil); err != nil || res.StatusCode != 101 {
			b.Fatal(res, err)
		}
		return nc, br
	}
}

func BenchmarkEcho(b *testing.B) {
	for _, n := range []int{89, 16 << 10} {
		b.Run(fmt.Sprintf("%dB", n), func(b *testing.B) {
			_, connect := loopback(b, Config{})
			nc, br := connect()
			frame := clientFrame(0x81, strings.Repeat("x", n))
			answer := make([]byte, len(appendHeader(nil, 0x81, n))+n)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := nc.Write(frame); err != nil {
					b.Fatal(err)
				}
				if _, err := io.ReadFull(br, answer); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// discard is a connection that takes everything at once.
type discard struct{ net.Conn }

func (discard) Write(b []byte) (int, error)      { return len(b), nil }
func (discard) SetWriteDeadline(time.Time) error { return nil }

func BenchmarkSend(b *testing.B) {
	h := New(Config{Accept: refusing(nil), Outbox: math.MaxInt})
	c := newParked(h, discard{})
	frame := textFrame(strings.Repeat("x", 89))
	b.ReportAllocs()
	for b.Loop() {
		if err := c.Send(frame); err != nil {
			b.Fatal(err)
		}
	}
	c.line.(*parked).writers.Wait()
}

// BenchmarkIdle reports the memory of idle connections, both ends counted; the
// client's is a bare net.Conn.
func BenchmarkIdle(b *testing.B) {
	const n = 1000
	h, connect := loopback(b, Config{})
	memory := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapInuse + m.StackInuse
	}
	for b.Loop() {
		before := memory()
		conns := make([]net.Conn, n)
		for i := range n {
			conns[i], _ = connect()
		}
		b.ReportMetric(float64(memory()-before)/n, "B/conn")
		b.StopTimer()
		for _, nc := range conns {
			nc.Close()
		}
		if err := h.Wait(b.Context()); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}
