package roost_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/transport"
	"github.com/roost-dev/roost/transport/memory"
)

// lines collects what is logged.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) contain(s string) bool { return l.count(s) > 0 }

func (l *lines) count(s string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.buf.String(), s)
}

// rawClient speaks frames, for what is about frames.
type rawClient struct {
	t    *testing.T
	conn *memory.Client
}

func tryDial(server *roost.Server[user], name string) (*memory.Client, error) {
	return memory.Dial(server.Accept, &memory.Options{Params: url.Values{"vsn": {"2.0.0"}, "name": {name}}})
}

func dial(t *testing.T, server *roost.Server[user], name string) *rawClient {
	t.Helper()
	conn, err := tryDial(server, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		conn.Close(transport.CloseNormal)
		server.Shutdown(context.Background())
	})
	return &rawClient{t, conn}
}

func (c *rawClient) send(joinRef, ref, topic, event, payload string) {
	c.t.Helper()
	if err := c.trySend(joinRef, ref, topic, event, payload); err != nil {
		c.t.Fatalf("send %s: %v", event, err)
	}
}

func (c *rawClient) trySend(joinRef, ref, topic, event, payload string) error {
	quoted := "null"
	if joinRef != "" {
		quoted = strconv.Quote(joinRef)
	}
	return c.conn.Send(fmt.Appendf(nil, `[%s,%q,%q,%q,%s]`, quoted, ref, topic, event, payload), false)
}

func (c *rawClient) raw(frame string) { c.conn.Send([]byte(frame), false) }

// next waits for the next frame.
func (c *rawClient) next() string {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	m, err := c.conn.Receive(ctx)
	if err != nil {
		c.t.Fatalf("waited for a frame, but %v", err)
	}
	return string(m.Data)
}

// want waits for frames, in this order.
func (c *rawClient) want(frames ...string) {
	c.t.Helper()
	for _, want := range frames {
		if got := c.next(); got != want {
			c.t.Fatalf("got  %s\nwant %s", got, want)
		}
	}
}

func (c *rawClient) wantNothing() {
	c.t.Helper()
	synctest.Wait()
	if frames := c.drain(); len(frames) > 0 {
		c.t.Errorf("unexpected frames: %v", frames)
	}
}

// drain takes what has come.
func (c *rawClient) drain() []string {
	synctest.Wait()
	var frames []string
	for {
		m, ok := c.conn.TryReceive()
		if !ok {
			return frames
		}
		frames = append(frames, string(m.Data))
	}
}

// drainTo takes n frames.
func (c *rawClient) drainTo(n int) {
	c.t.Helper()
	for range n {
		c.next()
	}
}

// closing waits for the server's close, dropping frames before it.
func (c *rawClient) closing() (transport.CloseCode, string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		_, err := c.conn.Receive(ctx)
		if closed, ok := errors.AsType[*memory.CloseError](err); ok {
			return closed.Code, closed.Reason
		}
		if err != nil {
			c.t.Fatalf("waited for the server's close, but %v", err)
		}
	}
}

func (c *rawClient) closed() transport.CloseCode {
	c.t.Helper()
	code, _ := c.closing()
	return code
}

func readAll(t *testing.T, r *http.Response) string {
	t.Helper()
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func textLogger(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }
