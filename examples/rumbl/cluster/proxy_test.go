package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// site is nodes that answer with their names and what they were sent, behind a
// proxy.
type site struct {
	*testing.T

	proxy   *httptest.Server
	nodes   []*node
	servers []*httptest.Server
}

// newSite returns a site whose nodes have handler answer, if that is not nil.
func newSite(t *testing.T, names string, handler http.HandlerFunc) *site {
	t.Helper()
	s := &site{T: t}
	for name := range strings.FieldsSeq(names) {
		answer := handler
		if answer == nil {
			answer = func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				fmt.Fprintf(w, "%s: %s %s %s %s %v", name, r.Method, r.Host, r.URL.Path, body, err) //nolint:gosec // no browser reads it
			}
		}
		server := httptest.NewServer(answer)
		t.Cleanup(server.Close)
		n := newNode(name, server.Listener.Addr().String(), nil)
		n.ready.Store(true)
		s.nodes, s.servers = append(s.nodes, n), append(s.servers, server)
	}
	s.proxy = httptest.NewServer(newProxy(s.nodes))
	t.Cleanup(s.proxy.Close)
	return s
}

// send returns what is answered: the status, the node, and the body.
func (s *site) send(method, body string) (status int, node, content string) {
	s.Helper()
	r, err := http.NewRequestWithContext(s.Context(), method, s.proxy.URL+"/page", strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	answer, err := s.proxy.Client().Do(r)
	if err != nil {
		s.Fatal(err)
	}
	defer answer.Body.Close()
	all, err := io.ReadAll(answer.Body)
	if err != nil {
		s.Fatal(err)
	}
	return answer.StatusCode, answer.Header.Get("X-Node"), string(all)
}

func TestNodesAnswerInTurn(t *testing.T) {
	s := newSite(t, "a b c", nil)
	served := map[string]int{}
	for range 9 {
		status, node, got := s.send(http.MethodPost, "hello")
		want := fmt.Sprintf("%s: POST %s /page hello <nil>", node, s.proxy.Listener.Addr())
		if status != http.StatusOK || got != want {
			t.Errorf("%d %q, want %q", status, got, want)
		}
		served[node]++
	}
	if served["a"] != 3 || served["b"] != 3 || served["c"] != 3 {
		t.Errorf("served %v, want three each", served)
	}
}

func TestANodeThatIsNotReadyIsLeftOut(t *testing.T) {
	s := newSite(t, "a b c", nil)
	s.nodes[1].ready.Store(false)
	for range 6 {
		if _, node, _ := s.send(http.MethodGet, ""); node == "b" {
			t.Error("b was sent a request")
		}
	}
}

func TestWhatADeadNodeDidNotGetAnotherGetsWhole(t *testing.T) {
	s := newSite(t, "a b", nil)
	s.servers[0].Close()
	for range 4 {
		if status, node, got := s.send(http.MethodPost, "hello"); status != http.StatusOK || node != "b" || !strings.Contains(got, " hello ") {
			t.Errorf("%d from %q: %q", status, node, got)
		}
	}
	if s.nodes[0].ready.Load() {
		t.Error("the dead node counts as ready")
	}
}

// breaking returns a handler that ends the first connection without an answer,
// as a node does that is killed, and counts the requests.
func breaking(requests *atomic.Int64) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if requests.Add(1) > 1 {
			return
		}
		panic(http.ErrAbortHandler)
	}
}

func TestWhatANodeMayHaveDoneIsNotDoneAgain(t *testing.T) {
	var requests atomic.Int64
	s := newSite(t, "a b", breaking(&requests))
	if status, _, _ := s.send(http.MethodPost, "hello"); status != http.StatusBadGateway || requests.Load() != 1 {
		t.Errorf("status %d after %d requests, want 502 after one", status, requests.Load())
	}
}

func TestWhatChangesNothingIsAskedAgain(t *testing.T) {
	var requests atomic.Int64
	s := newSite(t, "a b", breaking(&requests))
	if status, _, _ := s.send(http.MethodGet, ""); status != http.StatusOK || requests.Load() != 2 {
		t.Errorf("status %d after %d requests, want 200 after two", status, requests.Load())
	}
}

func TestWithoutAnyNodeTheSiteIsAway(t *testing.T) {
	s := newSite(t, "a b", nil)
	for i, server := range s.servers {
		server.Close()
		s.nodes[i].ready.Store(i == 0) // one that is known to be away, one that is not
	}
	for range 2 {
		if status, _, _ := s.send(http.MethodGet, ""); status != http.StatusServiceUnavailable {
			t.Errorf("status %d, want 503", status)
		}
	}
}

func TestAnUpgradedConnectionPassesAndEndsWithItsNode(t *testing.T) {
	left := make(chan net.Conn, 1)
	s := newSite(t, "a", func(w http.ResponseWriter, r *http.Request) {
		conn, both, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: %s\r\n\r\n", r.Header.Get("Upgrade"))
		line, _ := both.ReadString('\n')
		fmt.Fprint(conn, "you said ", line)
		left <- conn
	})
	conn, err := net.Dial("tcp", s.proxy.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: rumbl\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	reader := bufio.NewReader(conn)
	answer, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode != http.StatusSwitchingProtocols || answer.Header.Get("Upgrade") != "websocket" {
		t.Fatalf("answered with %v", answer)
	}
	fmt.Fprintln(conn, "hello")
	if got, err := reader.ReadString('\n'); err != nil || got != "you said hello\n" {
		t.Errorf("%q, %v", got, err)
	}
	(<-left).Close()
	if _, err := reader.ReadByte(); err != io.EOF {
		t.Errorf("after the node has ended: %v, want io.EOF", err)
	}
}
