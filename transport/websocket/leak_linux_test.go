package websocket

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/roost-dev/roost/transport"
)

// openFiles counts the descriptors of the process.
func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func heap() uint64 {
	runtime.GC()
	runtime.GC() // the first leaves the pools their victims
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestNothingIsLeftOfConnections has clients end in all ways there are, and
// counts what is left in the process.
func TestNothingIsLeftOfConnections(t *testing.T) {
	endings := map[string]func(u *user){
		"close frame":    func(u *user) { u.send(0x88, "\x03\xe8"); io.Copy(io.Discard, u) },
		"FIN":            func(*user) {},
		"FIN with data":  func(u *user) { u.send(0x81, "last words") },
		"RST":            func(u *user) { u.Conn.(*net.TCPConn).SetLinger(0) },
		"silence":        func(u *user) { io.Copy(io.Discard, u) },
		"cut in a frame": func(u *user) { u.Write(clientFrame(0x81, strings.Repeat("x", 50_000))[:30_000]) },
		"cut in a head":  func(u *user) { u.Write([]byte{0x81}) },
		"deaf":           func(u *user) { u.send(0x81, "flood"); u.br.Peek(1) },
	}
	const atOnce, each = 20, 5
	rounds := 3
	if os.Getenv("ROOST_SOAK") != "" {
		rounds = 125 // a hundred thousand connections
	}
	flood := textFrame(strings.Repeat("x", 8<<20))
	h := New(Config{IdleTimeout: 100 * time.Millisecond, Logger: slog.New(slog.DiscardHandler),
		Accept: func(*http.Request, transport.Hello) (func(transport.Conn) transport.Session, error) {
			return func(c transport.Conn) transport.Session { return flooding{c, flood} }, nil
		}})
	goroutines, files, bytes := runtime.NumGoroutine(), openFiles(t), uint64(0)
	for round := range rounds {
		listener := listen(t)
		server := &http.Server{Handler: h}
		go server.Serve(listener)
		var clients sync.WaitGroup
		for name, end := range endings {
			for range atOnce {
				clients.Go(func() {
					for range each {
						visit(t, listener.Addr(), name, end)
					}
				})
			}
		}
		clients.Wait()
		server.Close()
		if err := h.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		if round == 0 {
			bytes = heap()
		}
	}
	waitFor(t, func() bool { return runtime.NumGoroutine() <= goroutines && openFiles(t) <= files }, func() string {
		return fmt.Sprintf("%d goroutines and %d descriptors, %d and %d before", runtime.NumGoroutine(), openFiles(t), goroutines, files)
	})
	if now := heap(); now > bytes+200<<10 {
		t.Errorf("%d bytes more in the heap than after the first round", now-bytes)
	}
}

// visit connects and leaves.
func visit(t *testing.T, addr net.Addr, name string, end func(*user)) {
	nc, err := net.Dial("tcp", addr.String())
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	defer nc.Close()
	fmt.Fprint(nc, "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n")
	u := &user{t, nc, bufio.NewReader(nc)}
	if _, err := http.ReadResponse(u.br, nil); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	end(u)
}

// flooding is a session that sends more than a client that does not read takes.
type flooding struct {
	transport.Conn
	flood *transport.Frame
}

func (s flooding) Receive(data []byte, _ bool) error {
	if string(data) == "flood" {
		return s.Send(s.flood)
	}
	return nil
}

func (s flooding) Closed(error) {}
