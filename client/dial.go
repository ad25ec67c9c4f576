package client

import (
	"context"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // RFC 6455 §4.2.2 asks for it
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/roost-dev/roost/wire"
)

// bearer begins the subprotocol that is the auth token (spec/protocol.md §4).
const bearer = "base64url.bearer.phx." //nolint:gosec // no secret

// parseURL checks the URL of a socket, and returns that of the HTTP request.
func parseURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, errors.New("client: the URL cannot be parsed; it should be like wss://example.com/socket/websocket")
	}
	switch u.Scheme {
	case "ws", "http":
		u.Scheme = "http"
	case "wss", "https":
		u.Scheme = "https"
	default:
		return nil, fmt.Errorf("client: the URL has the scheme %q, which should be ws or wss", u.Scheme)
	}
	if u.Host == "" {
		return nil, errors.New("client: the URL names no host; it should be like wss://example.com/socket/websocket")
	}
	u.Fragment = ""
	return u, nil
}

// connect makes a connection. If what it brought was refused, it asks for
// something better and tries once more.
func (s *Socket) connect(ctx context.Context) (*conn, error) {
	c, err := s.handshake(ctx)
	refused, ok := errors.AsType[*RefusedError](err)
	if ok && refused.forbidden() && (s.opts.AuthToken != nil || s.opts.Params != nil) {
		s.opts.OnClose(err)
		c, err = s.handshake(ctx)
	}
	return c, err
}

// handshake opens a WebSocket.
func (s *Socket) handshake(ctx context.Context) (*conn, error) {
	ctx, cancel := s.bound(ctx)
	defer cancel()
	req, err := s.request(ctx)
	if err != nil {
		return nil, err
	}
	var nonce [16]byte
	_, _ = rand.Read(nonce[:]) // never fails
	key := base64.StdEncoding.EncodeToString(nonce[:])
	req.Header["Sec-WebSocket-Key"] = []string{key}
	res, err := s.opts.Transport.RoundTrip(req)
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, fmt.Errorf("client: connect to %s: %w", s.url.Host, err)
	}
	if res.StatusCode != http.StatusSwitchingProtocols {
		_ = res.Body.Close()
		return nil, &RefusedError{Status: res.StatusCode, Header: res.Header}
	}
	stream, ok := res.Body.(io.ReadWriteCloser)
	if !ok {
		err = fmt.Errorf("client: Options.Transport gave a %T for a connection that was upgraded, which cannot be written to; "+
			"it must hand on the body of http.Transport", res.Body)
	} else {
		err = checkUpgrade(res.Header, key, s.subprotocols())
	}
	if err != nil {
		_ = res.Body.Close()
		return nil, err
	}
	return newConn(s, stream), nil
}

// request makes the request that opens a connection.
func (s *Socket) request(ctx context.Context) (*http.Request, error) {
	u := *s.url
	query := u.Query()
	if s.opts.Params != nil {
		params, err := s.opts.Params(ctx)
		if err != nil {
			return nil, fmt.Errorf("client: Options.Params: %w", err)
		}
		maps.Copy(query, params)
	}
	query.Set("vsn", wire.V2.String())
	u.RawQuery = query.Encode()
	h := s.opts.Header.Clone()
	if h == nil {
		h = http.Header{}
	}
	h.Set("Connection", "Upgrade")
	h.Set("Upgrade", "websocket")
	h["Sec-WebSocket-Version"] = []string{"13"} // as RFC 6455 writes it: not all servers know that case does not matter
	if s.opts.AuthToken != nil {
		token, err := s.opts.AuthToken(ctx)
		if err != nil {
			return nil, fmt.Errorf("client: Options.AuthToken: %w", err)
		}
		h.Set("Sec-WebSocket-Protocol", strings.Join(append(s.subprotocols(), bearer+encodeToken(token)), ", "))
	}
	req := &http.Request{
		Method: http.MethodGet, URL: &u, Host: u.Host, Header: h,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	return req.WithContext(ctx), nil
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
// these subprotocols (RFC 6455 §4.1).
func checkUpgrade(h http.Header, key string, offered []string) error {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) //nolint:gosec // as above
	picked := h.Get("Sec-WebSocket-Protocol")
	switch {
	case !strings.EqualFold(h.Get("Upgrade"), "websocket"):
		return &protocolError{closeProtocol, "it did not upgrade to a WebSocket"}
	case h.Get("Sec-WebSocket-Accept") != base64.StdEncoding.EncodeToString(sum[:]):
		return &protocolError{closeProtocol, "its Sec-WebSocket-Accept does not fit"}
	case h.Get("Sec-WebSocket-Extensions") != "":
		return &protocolError{closeProtocol, "it chose an extension that was not offered"}
	case picked != "" && !slices.Contains(offered, picked):
		return &protocolError{closeProtocol, "it chose a subprotocol that was not offered"}
	}
	return nil
}
