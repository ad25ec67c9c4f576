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
	"time"
)

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
		return fmt.Errorf("want no answer before the client goes, got one or %w", err)
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
