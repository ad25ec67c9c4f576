package client

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"

	"github.com/roost-dev/roost/wire"
)

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
	c, err := s.open(ctx)
	refused, ok := errors.AsType[*RefusedError](err)
	if ok && refused.forbidden() && (s.opts.AuthToken != nil || s.opts.Params != nil) {
		s.opts.OnClose(err)
		c, err = s.open(ctx)
	}
	return c, err
}

// open makes a connection over the transport that is in use. Long polling
// comes into use where a WebSocket does not work and it does.
func (s *Socket) open(ctx context.Context) (*conn, error) {
	switch {
	case s.polls:
		return s.openLongPoll(ctx)
	case s.opts.LongPollFallback <= 0:
		return s.openWebSocket(ctx)
	}
	c, err := s.openProbed(ctx)
	if err == nil || ctx.Err() != nil || stay(err) > 0 { // it may be the server itself that is not to be asked
		return c, err
	}
	c, pollErr := s.openLongPoll(ctx)
	if pollErr != nil {
		return nil, fmt.Errorf("%w; over long polling: %w", err, pollErr)
	}
	s.opts.Logger.Info("client: WebSockets do not work, long polling does", "host", s.url.Host, "error", err)
	s.polls = true
	return c, nil
}

// openProbed opens a WebSocket over which the server is heard of in time:
// there are proxies that let it open, and carry nothing then.
func (s *Socket) openProbed(ctx context.Context) (*conn, error) {
	late := fmt.Errorf("it took longer than %v: %w", s.opts.LongPollFallback, context.DeadlineExceeded)
	opening, cancel := context.WithTimeoutCause(ctx, s.opts.LongPollFallback, late)
	defer cancel()
	c, err := s.openWebSocket(opening)
	if err != nil {
		return nil, err
	}
	probing, cancel := context.WithTimeoutCause(ctx, s.opts.LongPollFallback, late)
	defer cancel()
	if err := c.probe(probing); err != nil {
		c.fail(err, 0)
		c.finish()
		return nil, err
	}
	return c, nil
}

// request makes a GET with which a connection begins, but for the auth token.
func (s *Socket) request(ctx context.Context, to *url.URL) (*http.Request, error) {
	u := *to
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
	req := &http.Request{
		Method: http.MethodGet, URL: &u, Host: u.Host, Header: h,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	return req.WithContext(ctx), nil
}

// authToken asks the application for a token. ok is false if it has none now.
func (s *Socket) authToken(ctx context.Context) (token string, ok bool, err error) {
	if s.opts.AuthToken == nil {
		return "", false, nil
	}
	if token, err = s.opts.AuthToken(ctx); err != nil {
		return "", false, fmt.Errorf("client: Options.AuthToken: %w", err)
	}
	return token, token != "", nil
}

// roundTrip makes a request with which a connection begins.
func (s *Socket) roundTrip(req *http.Request) (*http.Response, error) {
	res, err := s.opts.Transport.RoundTrip(req)
	if err != nil {
		if ctx := req.Context(); ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, fmt.Errorf("client: connect to %s: %w", s.url.Host, err)
	}
	return res, nil
}
