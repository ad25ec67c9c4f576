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

// onBothLines runs a benchmark with the poller and without it.
func onBothLines(b *testing.B, run func(b *testing.B, cfg Config)) {
	b.Run("poller", func(b *testing.B) { run(b, Config{}) })
	b.Run("goroutines", func(b *testing.B) { run(b, Config{NoPoller: true}) })
}

func BenchmarkEcho(b *testing.B) {
	for _, n := range []int{89, 16 << 10} {
		b.Run(fmt.Sprintf("%dB", n), func(b *testing.B) {
			onBothLines(b, func(b *testing.B, cfg Config) {
				_, connect := loopback(b, cfg)
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
		})
	}
}

// BenchmarkFanOut sends one frame to many clients, which then read it. An
// operation is one of these deliveries.
func BenchmarkFanOut(b *testing.B) {
	const n = 200
	onBothLines(b, func(b *testing.B, cfg Config) {
		h, connect := loopback(b, cfg)
		var clients []*bufio.Reader
		for range n {
			_, br := connect()
			clients = append(clients, br)
		}
		frame := textFrame(strings.Repeat("x", 100))
		got := make([]byte, len(frame.WebSocket()))
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if i %= n; i == 0 {
				for _, c := range h.conns {
					c.Send(frame)
				}
			}
			if _, err := io.ReadFull(clients[i], got); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkConnect opens connections and closes them, while another stays.
func BenchmarkConnect(b *testing.B) {
	onBothLines(b, func(b *testing.B, cfg Config) {
		_, connect := loopback(b, cfg)
		connect()
		b.ReportAllocs()
		for b.Loop() {
			nc, _ := connect()
			nc.Close()
		}
	})
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
	memory := func() uint64 {
		runtime.GC()
		runtime.GC() // the first leaves the pools their victims
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc + m.StackInuse
	}
	onBothLines(b, func(b *testing.B, cfg Config) {
		h, connect := loopback(b, cfg)
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
	})
}
