package replay

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"
)

// clientKey is the Sec-WebSocket-Key of all recordings.
const clientKey = "MDEyMzQ1Njc4OWFiY2RlZg=="

// ioTimeout bounds each write and each answer; nothing in a recording takes longer.
const ioTimeout = 15 * time.Second

// A conn is the client's end of one WebSocket. One goroutine reads it; close ends and awaits that goroutine.
type conn struct {
	nc      net.Conn
	frames  chan frame // what came, in order; the last one has end set
	done    chan struct{}
	inflate *inflater // nil without permessage-deflate
	reader  sync.WaitGroup

	mu      sync.Mutex // guards writes and what follows
	closed  bool       // a close frame was sent
	closing bool       // the client's close frame came first, so that the server's one is an answer
}

// dial sends the upgrade request of a step and returns the answer, and the connection if that is 101.
func dial(ctx context.Context, addr string, step *Step, subst func(string) string) (*conn, *Response, error) {
	headers := [][2]string{
		{"host", addr}, {"upgrade", "websocket"}, {"connection", "Upgrade"},
		{"sec-websocket-key", clientKey}, {"sec-websocket-version", "13"},
	}
	nc, err := send(ctx, addr, request{"GET", subst(step.URL), mergeHeaders(headers, step.Headers, subst), nil})
	if err != nil {
		return nil, nil, err
	}
	br := bufio.NewReader(nc)
	res, err := readResponse(br, "GET")
	if err != nil || res.Status != http.StatusSwitchingProtocols {
		nc.Close()
		return nil, res, err
	}
	nc.SetDeadline(time.Time{})
	c := &conn{nc: nc, frames: make(chan frame, 1024), done: make(chan struct{})}
	if ext, ok := res.header("sec-websocket-extensions"); ok {
		c.inflate = &inflater{takeover: !strings.Contains(ext, "server_no_context_takeover")}
	}
	c.reader.Go(func() { c.read(br) })
	return c, res, nil
}

// read hands over every message and control frame until the stream ends.
func (c *conn) read(br *bufio.Reader) {
	var message frame // the fragments of a data message so far
	for {
		f, err := readFrame(br)
		if err != nil {
			c.deliver(frame{end: err})
			return
		}
		if f.opcode() < opClose {
			if f.opcode() == opContinuation {
				message.payload = append(message.payload, f.payload...)
			} else {
				message = f
			}
			if !f.fin() {
				continue
			}
			message.first |= 0x80
			f = message
		}
		if f.rsv() == 4 && c.inflate != nil {
			if f.payload, err = c.inflate.inflate(f.payload); err != nil {
				c.deliver(frame{end: err})
				return
			}
		}
		c.deliver(f)
		if f.opcode() == opClose {
			c.answerClose(f.payload[:min(2, len(f.payload))])
		}
	}
}

func (c *conn) deliver(f frame) {
	select {
	case c.frames <- f:
	case <-c.done:
	}
}

// send writes one frame as the client's own doing.
func (c *conn) send(opcode byte, payload []byte, opts FrameOpts) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if opcode == opClose {
		c.closed, c.closing = true, true
	}
	return c.write(appendFrame(nil, opcode, payload, opts))
}

// answerClose ends the closing handshake that the server began, if it did.
func (c *conn) answerClose(code []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.closed = true
		c.write(appendFrame(nil, opClose, code, FrameOpts{})) // the server need not wait for it, so it may fail
	}
}

func (c *conn) write(raw []byte) error {
	c.nc.SetWriteDeadline(time.Now().Add(ioTimeout))
	_, err := c.nc.Write(raw)
	return err
}

// beganClose reports whether the client closed first.
func (c *conn) beganClose() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closing
}

// next returns the next frame, or false when none comes in time.
func (c *conn) next(within time.Duration) (frame, bool) {
	select {
	case f := <-c.frames: // what has come counts, however little time is left
		return f, true
	default:
	}
	select {
	case f := <-c.frames:
		return f, true
	case <-time.After(within):
		return frame{}, false
	}
}

// close cuts the TCP connection, as a client does that goes away without a word.
func (c *conn) close() {
	select {
	case <-c.done:
		return
	default:
	}
	close(c.done)
	c.nc.Close()
	c.reader.Wait()
}

// A request is an HTTP request, sent byte for byte.
type request struct {
	method, target string
	headers        [][2]string
	body           *string
}

// send dials, writes the request, and leaves a deadline on the connection for its answer.
func send(ctx context.Context, addr string, r request) (net.Conn, error) {
	var d net.Dialer
	nc, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	nc.SetDeadline(time.Now().Add(ioTimeout))
	var head strings.Builder
	fmt.Fprintf(&head, "%s %s HTTP/1.1\r\n", r.method, r.target)
	for _, h := range r.headers {
		fmt.Fprintf(&head, "%s: %s\r\n", h[0], h[1])
	}
	if r.body != nil {
		fmt.Fprintf(&head, "content-length: %d\r\n", len(*r.body))
	}
	head.WriteString("\r\n")
	if r.body != nil {
		head.WriteString(*r.body)
	}
	if _, err := io.WriteString(nc, head.String()); err != nil {
		nc.Close()
		return nil, err
	}
	return nc, nil
}

// exchange sends a request that is not an upgrade and returns the whole answer.
func exchange(ctx context.Context, addr string, r request) (*Response, error) {
	r.headers = append([][2]string{{"host", addr}, {"connection", "close"}}, r.headers...)
	nc, err := send(ctx, addr, r)
	if err != nil {
		return nil, err
	}
	defer nc.Close()
	stop := context.AfterFunc(ctx, func() { nc.SetDeadline(time.Now()) })
	defer stop()
	return readResponse(bufio.NewReader(nc), r.method)
}

// abandon sends a request and goes away after a while, in which no answer may come.
func abandon(ctx context.Context, addr string, r request, after time.Duration) error {
	r.headers = append([][2]string{{"host", addr}}, r.headers...)
	nc, err := send(ctx, addr, r)
	if err != nil {
		return err
	}
	defer nc.Close()
	nc.SetReadDeadline(time.Now().Add(after))
	if _, err := nc.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("want no answer before the client goes, got one or %v", err)
	}
	return nil
}

// mergeHeaders replaces, adds and omits headers as a step says.
func mergeHeaders(base [][2]string, change map[string]any, subst func(string) string) [][2]string {
	omitted, _ := change["_omitted"].([]any)
	var merged [][2]string
	for _, h := range base {
		drop := change[h[0]] != nil
		for _, o := range omitted {
			drop = drop || o == h[0]
		}
		if !drop {
			merged = append(merged, h)
		}
	}
	for name, value := range change {
		if v, ok := value.(string); ok {
			merged = append(merged, [2]string{name, subst(v)})
		}
	}
	return merged
}

// readResponse reads one answer with its body; after a 101 the rest of the stream is left to the caller.
func readResponse(br *bufio.Reader, method string) (*Response, error) {
	res, err := http.ReadResponse(br, &http.Request{Method: method})
	if err != nil {
		return nil, fmt.Errorf("no HTTP answer: %w", err)
	}
	out := &Response{Status: res.StatusCode}
	for name, values := range res.Header {
		out.Headers = append(out.Headers, [2]string{name, strings.Join(values, ", ")})
	}
	if res.StatusCode == http.StatusSwitchingProtocols {
		return out, nil
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, fmt.Errorf("the HTTP answer breaks off: %w", err)
	}
	out.Body = string(body)
	return out, nil
}

// orderlyEnd reports whether the stream ended as TCP streams end. A reset is one if it did not take the close frame
// away, which the caller has then read.
func orderlyEnd(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET)
}
