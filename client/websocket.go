package client

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // RFC 6455 §4.2.2 asks for it
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/roost-dev/roost/internal/deflate"
	"github.com/roost-dev/roost/internal/ws"
)

// bearer begins the subprotocol that is the auth token (spec/protocol.md §4).
const bearer = "base64url.bearer.phx." //nolint:gosec // no secret

// webSocket is a connection over a WebSocket.
type webSocket struct {
	stream   io.ReadWriteCloser
	reader   *reader
	compress bool          // what is worth it
	pong     chan []byte   // a frame
	came     atomic.Uint64 // reads that brought something
}

// openWebSocket opens a WebSocket.
func (s *Socket) openWebSocket(ctx context.Context) (*conn, error) {
	ctx, cancel := s.bound(ctx)
	defer cancel()
	req, err := s.request(ctx, s.url)
	if err != nil {
		return nil, err
	}
	token, hasToken, err := s.authToken(ctx)
	if err != nil {
		return nil, err
	}
	if hasToken {
		req.Header.Set("Sec-WebSocket-Protocol", strings.Join(append(s.subprotocols(), bearer+encodeToken(token)), ", "))
	}
	w, _, err := s.upgrade(req, s.subprotocols())
	if err != nil {
		return nil, err
	}
	return newConn(s, w), nil
}

// upgrade makes a WebSocket of a request, whose answer may choose from the
// subprotocols, and returns which it chose.
func (s *Socket) upgrade(req *http.Request, subprotocols []string) (w *webSocket, picked string, err error) {
	var nonce [16]byte
	_, _ = rand.Read(nonce[:]) // never fails
	key := base64.StdEncoding.EncodeToString(nonce[:])
	askUpgrade(req.Header, key)
	if s.opts.Compress {
		req.Header["Sec-WebSocket-Extensions"] = []string{deflateOffer}
	}
	res, err := s.roundTrip(req)
	if err != nil {
		return nil, "", err
	}
	if res.StatusCode != http.StatusSwitchingProtocols {
		_ = res.Body.Close()
		return nil, "", refused(res.StatusCode, res.Header)
	}
	stream, ok := res.Body.(io.ReadWriteCloser)
	if !ok {
		err = fmt.Errorf("client: Options.Transport gave a %T for a connection that was upgraded, which cannot be written to; "+
			"it must hand on the body of http.Transport", res.Body)
	} else {
		err = checkUpgrade(res.Header, key, subprotocols, s.opts.Compress)
	}
	if err != nil {
		_ = res.Body.Close()
		return nil, "", err
	}
	w = newWebSocket(stream, s.opts.MaxMessage, res.Header.Get("Sec-WebSocket-Extensions") != "")
	return w, res.Header.Get("Sec-WebSocket-Protocol"), nil
}

func newWebSocket(stream io.ReadWriteCloser, maxMessage int, compress bool) *webSocket {
	w := &webSocket{stream: stream, compress: compress, pong: make(chan []byte, 1)}
	w.reader = &reader{r: bufio.NewReader(heardReader{stream, &w.came}), max: maxMessage, deflate: compress, pong: w.answerPing}
	return w
}

// askUpgrade adds what asks for a WebSocket.
func askUpgrade(h http.Header, key string) {
	h.Set("Connection", "Upgrade")
	h.Set("Upgrade", "websocket")
	h["Sec-WebSocket-Version"] = []string{"13"} // as RFC 6455 writes it: not all servers know that case does not matter
	h["Sec-WebSocket-Key"] = []string{key}
}

// subprotocols is what the server may choose from: the application's, and the
// one that is offered beside a token.
func (s *Socket) subprotocols() []string {
	var all []string
	for _, line := range s.opts.Header.Values("Sec-WebSocket-Protocol") {
		for name := range strings.SplitSeq(line, ",") {
			all = append(all, strings.TrimSpace(name))
		}
	}
	if s.opts.AuthToken != nil {
		all = append(all, "phoenix")
	}
	return all
}

// encodeToken writes a token as servers expect it: in standard base64, in spite
// of the prefix, unless that has a "/", which may not stand there.
func encodeToken(token string) string {
	encoded := base64.RawStdEncoding.EncodeToString([]byte(token))
	if strings.Contains(encoded, "/") {
		return base64.RawURLEncoding.EncodeToString([]byte(token))
	}
	return encoded
}

// checkUpgrade checks the answer to a request with this key, which offered
// these subprotocols, and perhaps to compress (RFC 6455 §4.1).
func checkUpgrade(h http.Header, key string, offered []string, compress bool) error {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) //nolint:gosec // as above
	picked := h.Get("Sec-WebSocket-Protocol")
	extensions := h.Values("Sec-WebSocket-Extensions")
	switch {
	case !strings.EqualFold(h.Get("Upgrade"), "websocket"):
		return &protocolError{closeProtocol, "it did not upgrade to a WebSocket"}
	case h.Get("Sec-WebSocket-Accept") != base64.StdEncoding.EncodeToString(sum[:]):
		return &protocolError{closeProtocol, "its Sec-WebSocket-Accept does not fit"}
	case len(extensions) > 0 && !compress:
		return &protocolError{closeProtocol, "it chose an extension that was not offered"}
	case len(extensions) > 0 && !acceptsDeflate(strings.Join(extensions, ",")):
		return &protocolError{closeProtocol, "it chose permessage-deflate in a way that was not offered"}
	case picked != "" && !slices.Contains(offered, picked):
		return &protocolError{closeProtocol, "it chose a subprotocol that was not offered"}
	}
	return nil
}

// frame makes the frame of a message.
func (w *webSocket) frame(m outgoing) []byte {
	op := byte(ws.Text)
	if m.binary {
		op = ws.Binary
	}
	data := m.data
	if w.compress && len(data) >= compressMin {
		if deflated := deflate.Append(nil, data); len(deflated) < len(data) {
			data, op = deflated, op|rsv1
		}
	}
	return appendFrame(make([]byte, 0, len(data)+2+binary.MaxVarintLen64), op, data)
}

// heardReader counts what is heard of the server.
type heardReader struct {
	io.Reader

	came *atomic.Uint64
}

func (r heardReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if n > 0 {
		r.came.Add(1)
	}
	return n, err
}

// heard implements [link].
func (w *webSocket) heard() uint64 { return w.came.Load() }

// read implements [link].
func (w *webSocket) read(c *conn) {
	for {
		data, isBinary, err := w.reader.message()
		if err != nil {
			c.fail(err, codeFor(err))
			return
		}
		c.receive(data, isBinary)
	}
}

func (w *webSocket) answerPing(p []byte) {
	select {
	case w.pong <- appendFrame(nil, ws.Pong, p):
	default: // the one before was not answered yet, and is not needed twice
	}
}

// write implements [link].
func (w *webSocket) write(c *conn) {
	out := bufio.NewWriterSize(w.stream, 16<<10)
	for {
		var frame []byte
		select {
		case <-c.done:
			w.sayFarewell(c, out)
			return
		case frame = <-w.pong:
		case m := <-c.out:
			frame = w.frame(m)
		}
		_, err := out.Write(frame)
		if len(c.out) == 0 && err == nil {
			err = out.Flush()
		}
		if err != nil {
			c.fail(fmt.Errorf("client: the connection was lost: %w", err), 0)
			return
		}
	}
}

func (w *webSocket) sayFarewell(c *conn, out *bufio.Writer) {
	for code := c.closeCode(); code != 0; {
		select {
		case frame := <-w.pong:
			_, _ = out.Write(frame)
		case m := <-c.out:
			_, _ = out.Write(w.frame(m))
		default:
			_, _ = out.Write(appendFrame(nil, ws.Close, closePayload(code)))
			_ = out.Flush()
			return
		}
	}
}

// close implements [link].
func (w *webSocket) close() { _ = w.stream.Close() }

// polls implements [link].
func (w *webSocket) polls() bool { return false }
