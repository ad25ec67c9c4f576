package websocket

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/roost-dev/roost/transport"
)

// step is a handshake of the recorded transcripts.
type step struct {
	Dir, Method, URL, Note string
	Headers                map[string]any
	Response               struct {
		Status  int
		Headers [][2]string
		Body    string
	}
}

// header returns the value of a recorded header of the answer.
func (s step) header(name string) string {
	for _, h := range s.Response.Headers {
		if h[0] == name {
			return h[1]
		}
	}
	return ""
}

// request writes the recorded request.
func (s step) request() string {
	headers := map[string]string{"host": "localhost:4101"}
	if s.Dir == "connect" {
		headers["connection"], headers["upgrade"] = "Upgrade", "websocket"
		headers["sec-websocket-version"], headers["sec-websocket-key"] = "13", "MDEyMzQ1Njc4OWFiY2RlZg=="
	} else {
		headers["connection"], headers["content-length"] = "close", "0"
	}
	for name, value := range s.Headers {
		if name == "_omitted" {
			for _, omitted := range value.([]any) {
				delete(headers, omitted.(string))
			}
			continue
		}
		headers[name] = value.(string)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", cmp.Or(s.Method, "GET"), s.URL)
	for name, value := range headers {
		fmt.Fprintf(&b, "%s: %s\r\n", name, value)
	}
	b.WriteString("\r\n")
	return b.String()
}

// recordedMounts are the mounts of the application behind the transcripts.
func recordedMounts() map[string]Config {
	return map[string]Config{
		"socket":    {Origin: transport.AnyOrigin()},
		"strict":    {Origin: transport.Origins("https://example.com", "//*.allowed.test", "http://local.test:4101")},
		"hostcheck": {Origin: transport.Origins("//localhost")},
		"subp":      {Subprotocols: []string{"mqtt", "foo.v1"}},
		"compress":  {Compress: true},
		"auth":      {AuthToken: true},
		"errh":      {},
	}
}

func TestHandshakesAreAnsweredAsRecorded(t *testing.T) {
	mux := http.NewServeMux()
	for name, cfg := range recordedMounts() {
		cfg.Accept = func(r *http.Request, _ transport.Hello) (func(transport.Conn) transport.Session, error) {
			if r.URL.Query().Has("reject") {
				return nil, &transport.Refused{Reason: errors.New("rejected")}
			}
			return func(c transport.Conn) transport.Session {
				return &heard{c, make(chan string, 1), make(chan error, 1)}
			}, nil
		}
		cfg.Logger = slog.New(slog.DiscardHandler)
		handler := New(cfg)
		mux.Handle("/"+name+"/websocket", handler)
		mux.Handle("/"+name+"/websocket/{$}", handler)
	}
	server := httptest.NewServer(mux)
	defer server.Close()

	for _, file := range []string{"05_connect_reject.json", "06_origin.json", "07_upgrade_http.json", "08_auth_token.json"} {
		b, err := os.ReadFile(filepath.Join("../../spec/transcripts", file))
		if err != nil {
			t.Fatal(err)
		}
		var steps []step
		if err := json.Unmarshal(b, &steps); err != nil {
			t.Fatal(err)
		}
		for i, s := range steps {
			path := strings.TrimSuffix(strings.Split(s.URL, "?")[0], "/")
			if s.Response.Status == 0 || !strings.HasSuffix(path, "/websocket") || strings.Contains(s.URL, "reject_reason") {
				continue // no handshake, or not the transport's to answer
			}
			t.Run(fmt.Sprintf("%s/%d %s", file, i, s.Note), func(t *testing.T) { checkAnswer(t, server.Listener.Addr().String(), s) })
		}
	}
}

func checkAnswer(t *testing.T, addr string, s step) {
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	_ = nc.SetDeadline(time.Now().Add(20 * time.Second))
	_, _ = io.WriteString(nc, s.request())
	res, err := http.ReadResponse(bufio.NewReader(nc), &http.Request{Method: cmp.Or(s.Method, "GET")})
	if err != nil {
		t.Fatal(err)
	}
	status := s.Response.Status
	if s.Note == "bad base64" {
		status = http.StatusForbidden // Phoenix crashes: 500
	}
	if res.StatusCode != status {
		t.Fatalf("status %d, want %d", res.StatusCode, status)
	}
	if status == http.StatusSwitchingProtocols {
		for _, name := range []string{"upgrade", "connection", "sec-websocket-accept", "sec-websocket-protocol"} {
			if got := res.Header.Get(name); got != s.header(name) {
				t.Errorf("%s: %q, want %q", name, got, s.header(name))
			}
		}
		got, want := res.Header.Get("sec-websocket-extensions"), s.header("sec-websocket-extensions")
		if strings.HasPrefix(got, "permessage-deflate") != strings.HasPrefix(want, "permessage-deflate") {
			t.Errorf("sec-websocket-extensions: %q, want one that means %q", got, want)
		}
		return
	}
	if s.Note == "bad base64" || s.Note == "no host header" {
		return // the bodies are of Phoenix's error page and of net/http
	}
	if body, _ := io.ReadAll(res.Body); string(body) != s.Response.Body {
		t.Errorf("body %q, want %q", body, s.Response.Body)
	}
}

func TestAuthTokens(t *testing.T) {
	const prefix = "base64url.bearer.phx."
	tests := []struct {
		name    string
		offered []string
		token   string
		rest    []string
	}{
		{"standard without padding", []string{"phoenix", prefix + "bXk+dG9rZW4/"}, "my>token?", []string{"phoenix"}},
		{"base64url without padding", []string{prefix + "bXk-dG9rZW4_", "phoenix"}, "my>token?", []string{"phoenix"}},
		{"standard with padding", []string{"phoenix", prefix + "YQ=="}, "a", []string{"phoenix"}},
		{"base64url with padding", []string{"phoenix", prefix + "_w=="}, "\xff", []string{"phoenix"}},
		{"empty", []string{"phoenix", prefix}, "", []string{"phoenix"}},
		{"none", []string{"phoenix"}, "", []string{"phoenix"}},
		{"two", []string{prefix + "YQ", prefix + "Yg"}, "", []string{prefix + "YQ", prefix + "Yg"}},
	}
	for _, tt := range tests {
		token, rest, err := takeToken(tt.offered)
		if err != nil || token != tt.token || !slices.Equal(rest, tt.rest) {
			t.Errorf("%s: token %q, rest %q, error %v", tt.name, token, rest, err)
		}
	}
	const secret = "!secret!"
	if _, _, err := takeToken([]string{prefix + secret}); err == nil || strings.Contains(err.Error(), secret) {
		t.Errorf("not base64: error %v, want one that keeps the token to itself", err)
	}
}

// refusing accepts nobody.
func refusing(err error) transport.Accept {
	return func(*http.Request, transport.Hello) (func(transport.Conn) transport.Session, error) { return nil, err }
}

// handshake is a request that is in order.
func handshake() *http.Request {
	r := httptest.NewRequest("GET", "/websocket", nil)
	r.Header = http.Header{
		"Connection": {"Upgrade"}, "Upgrade": {"websocket"},
		"Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"MDEyMzQ1Njc4OWFiY2RlZg=="},
	}
	return r
}

func TestRefusedConnects(t *testing.T) {
	teapot := func(w http.ResponseWriter, _ *http.Request, err error) {
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprint(w, err)
	}
	tests := []struct {
		name   string
		err    error
		refuse func(http.ResponseWriter, *http.Request, error)
		status int
		body   string
	}{
		{"by default", &transport.Refused{Reason: errors.New("no")}, nil, 403, ""},
		{"by another error", errors.New("no"), nil, 403, ""},
		{"with a handler for refusals", &transport.Refused{Reason: errors.New("no")}, teapot, 418, "connect refused: no"},
		{"with a status of its own", &transport.Refused{Reason: errors.New("no"), Status: 503}, teapot, 503, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			h := New(Config{Accept: refusing(tt.err), Refuse: tt.refuse})
			h.ServeHTTP(w, handshake())
			if w.Code != tt.status || w.Body.String() != tt.body {
				t.Errorf("answer %d %q, want %d %q", w.Code, w.Body, tt.status, tt.body)
			}
			if err := h.Wait(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// A client may bring a session of long polling (spec/protocol.md §23), which
// stands in for what Accept makes.
func TestAClientBringsASession(t *testing.T) {
	brought := func(token string) (func(transport.Conn) transport.Session, error) {
		return nil, &transport.Refused{Reason: errors.New(token), Status: http.StatusGone}
	}
	connected := func(_ *http.Request, hello transport.Hello) (func(transport.Conn) transport.Session, error) {
		return nil, &transport.Refused{Status: http.StatusTeapot, Reason: errors.New(hello.AuthToken)}
	}
	tests := []struct {
		name, offer string
		upgrade     func(string) (func(transport.Conn) transport.Session, error)
		status      int
	}{
		{"a session", "roost.upgrade, roost.session.T", brought, http.StatusGone},
		{"a session before the word", "roost.session.T, roost.upgrade", brought, http.StatusGone},
		{"no session", "roost.upgrade", brought, http.StatusForbidden},
		{"an empty session", "roost.upgrade, roost.session.", brought, http.StatusForbidden},
		{"two sessions", "roost.upgrade, roost.session.T, roost.session.U", brought, http.StatusForbidden},
		{"a session without the word", "roost.session.T", brought, http.StatusTeapot},
		{"a session where nobody takes one", "roost.upgrade, roost.session.T", nil, http.StatusTeapot},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var log bytes.Buffer
			h := New(Config{Accept: connected, Upgrade: tt.upgrade, Logger: slog.New(slog.NewTextHandler(&log, nil))})
			r, w := handshake(), httptest.NewRecorder()
			r.Header.Set("Sec-Websocket-Protocol", tt.offer)
			if h.ServeHTTP(w, r); w.Code != tt.status {
				t.Errorf("status %d, want %d", w.Code, tt.status)
			}
			if strings.Contains(log.String(), "session.T") {
				t.Errorf("the log shows the token: %s", &log)
			}
		})
	}
}

func TestAcceptRunsOnlyForHandshakes(t *testing.T) {
	accept := func(*http.Request, transport.Hello) (func(transport.Conn) transport.Session, error) {
		t.Error("Accept called")
		return nil, errors.New("no")
	}
	h := New(Config{Accept: accept, Subprotocols: []string{"mqtt"}, AuthToken: true, Logger: slog.New(slog.DiscardHandler)})
	bad := map[string]func(*http.Request){
		"method":      func(r *http.Request) { r.Method = "POST" },
		"origin":      func(r *http.Request) { r.Header.Set("Origin", "https://evil.test") },
		"subprotocol": func(r *http.Request) { r.Header.Set("Sec-Websocket-Protocol", "other") },
		"token":       func(r *http.Request) { r.Header.Set("Sec-Websocket-Protocol", tokenPrefix+"!") },
		"connection":  func(r *http.Request) { r.Header.Del("Connection") },
		"HTTP/2":      func(r *http.Request) { r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/2.0", 2, 0 },
	}
	for name, spoil := range bad {
		r, w := handshake(), httptest.NewRecorder()
		spoil(r)
		if h.ServeHTTP(w, r); w.Code != 400 && w.Code != 403 {
			t.Errorf("%s: status %d", name, w.Code)
		}
		if name == "HTTP/2" && w.Body.String() != "a WebSocket needs HTTP/1.1, got HTTP/2.0" {
			t.Errorf("%s: body %q", name, w.Body)
		}
	}
}

// opaque hides what it wraps, as careless middleware does.
type opaque struct{ http.ResponseWriter }

// open lets what it wraps through.
type open struct{ http.ResponseWriter }

func (o open) Unwrap() http.ResponseWriter { return o.ResponseWriter }

func TestHijackingThroughMiddleware(t *testing.T) {
	var log bytes.Buffer
	h := New(Config{
		Accept: func(*http.Request, transport.Hello) (func(transport.Conn) transport.Session, error) {
			return func(c transport.Conn) transport.Session {
				return &heard{c, make(chan string, 1), make(chan error, 1)}
			}, nil
		},
		Logger: slog.New(slog.NewTextHandler(&log, nil)),
	})
	mux := http.NewServeMux()
	mux.HandleFunc("/opaque", func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(opaque{w}, r) })
	mux.HandleFunc("/open", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Request-Id", "7")
		w.Header().Set("Content-Type", "text/html")
		h.ServeHTTP(open{w}, r)
	})
	server := httptest.NewServer(mux)
	defer server.Close()

	get := func(path string) *http.Response {
		r := handshake()
		r.RequestURI, r.URL.Scheme, r.URL.Host, r.URL.Path = "", "http", server.Listener.Addr().String(), path
		res, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res
	}
	if res := get("/opaque"); res.StatusCode != http.StatusInternalServerError {
		t.Errorf("status %d behind a wrapper that hides the server's writer", res.StatusCode)
	}
	for _, want := range []string{"websocket.opaque", "Unwrap() http.ResponseWriter"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log does not name %s: %s", want, &log)
		}
	}
	res := get("/open")
	if res.StatusCode != 101 || res.Header.Get("X-Request-Id") != "7" || res.Header.Get("Content-Type") != "" {
		t.Errorf("answer %d %v behind a wrapper that lets through", res.StatusCode, res.Header)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := h.Wait(ctx); err != nil {
		t.Error(err)
	}
}

func TestNewPanicsAtWrongWiring(t *testing.T) {
	accept := refusing(nil)
	for want, cfg := range map[string]Config{
		"Accept is missing":      {},
		"cannot be turned off":   {Accept: accept, Outbox: -1},
		`"a b" is not a token`:   {Accept: accept, Subprotocols: []string{"a b"}},
		`"" is not a token`:      {Accept: accept, Subprotocols: []string{""}},
		`"a,b" is not a token`:   {Accept: accept, Subprotocols: []string{"ok", "a,b"}},
		`"a\r\n" is not a token`: {Accept: accept, Subprotocols: []string{"a\r\n"}},
	} {
		func() {
			defer func() {
				if said := fmt.Sprint(recover()); !strings.Contains(said, want) {
					t.Errorf("panic %q, want %q", said, want)
				}
			}()
			New(cfg)
		}()
	}
}
