package roost

import (
	"crypto/subtle"
	"crypto/tls"
	"encoding/json/v2"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/roost-dev/roost/transport"
	"github.com/roost-dev/roost/wire"
)

// ConnectRequest is what a client brought when it connected. Of the headers
// it shows those that a page of another site cannot make a browser send.
type ConnectRequest struct {
	// Params is the parameters of the query, and the variables of the path
	// that the server is mounted at: strings, []any and map[string]any
	// (spec/protocol.md §1).
	Params map[string]any

	// AuthToken is the token that came by subprotocol or header, if
	// [Options].AuthToken is set. It is not verified.
	AuthToken string

	// Transport is "websocket", "longpoll" or "memory"; Version is "1.0.0"
	// or "2.0.0".
	Transport string
	Version   string

	// Header holds every X- and Sec-WebSocket- header, User-Agent,
	// Traceparent and Tracestate.
	Header http.Header

	// Cookies holds what [Options].Cookies names, if the CSRF token was good.
	Cookies []*http.Cookie

	// Host, URL, RemoteAddr and TLS are as in [http.Request].
	Host       string
	URL        *url.URL
	RemoteAddr string
	TLS        *tls.ConnectionState
}

// Param returns the parameter name, or "" if it is absent or no string.
func (r *ConnectRequest) Param(name string) string {
	s, _ := r.Params[name].(string)
	return s
}

// Decode decodes the parameters into v, a pointer to a struct with json tags.
// They are strings, so a number needs the tag option "string". A Validate
// method is honored.
func (r *ConnectRequest) Decode(v any) error {
	data, err := json.Marshal(r.Params)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return invalidJSON(err)
	}
	return validate(v)
}

// Cookie returns the cookie name, or nil.
func (r *ConnectRequest) Cookie(name string) *http.Cookie {
	i := slices.IndexFunc(r.Cookies, func(c *http.Cookie) bool { return c.Name == name })
	if i < 0 {
		return nil
	}
	return r.Cookies[i]
}

func (server *Server[A]) newConnectRequest(r *http.Request, h transport.Hello) (*ConnectRequest, wire.Version, error) {
	params, err := transport.ParseParams(r.URL.RawQuery)
	if err != nil {
		return nil, 0, &transport.Refused{Reason: err, Status: http.StatusBadRequest}
	}
	for _, name := range pathVariables(r.Pattern) {
		params[name] = r.PathValue(name)
	}
	version, err := negotiate(params)
	if err != nil {
		server.core.logger.Warn("roost: a connect was refused: unknown protocol version", "error", err)
		return nil, 0, &transport.Refused{Reason: err, Status: http.StatusForbidden}
	}
	return &ConnectRequest{
		Params:     params,
		AuthToken:  h.AuthToken,
		Transport:  h.Transport,
		Version:    version.String(),
		Header:     safeHeaders(r.Header),
		Cookies:    server.cookies(r, params),
		Host:       r.Host,
		URL:        r.URL,
		RemoteAddr: r.RemoteAddr,
		TLS:        r.TLS,
	}, version, nil
}

// negotiate picks the version that the parameter vsn asks for; none means 1
// (spec/protocol.md §2).
func negotiate(params map[string]any) (wire.Version, error) {
	switch vsn := params["vsn"].(type) {
	case nil:
		return wire.V1, nil
	case string:
		return wire.Negotiate(vsn)
	default:
		return 0, errors.New("the parameter vsn must be a version, such as 2.0.0")
	}
}

// pathVariables returns the names in a pattern of http.ServeMux.
func pathVariables(pattern string) []string {
	var names []string
	for {
		_, after, found := strings.Cut(pattern, "{")
		if !found {
			return names
		}
		name, rest, _ := strings.Cut(after, "}")
		if name = strings.TrimSuffix(name, "..."); name != "" && name != "$" {
			names = append(names, name)
		}
		pattern = rest
	}
}

// safeHeaders leaves out what a browser attaches by itself on behalf of any
// page, cookies and credentials above all.
func safeHeaders(h http.Header) http.Header {
	safe := http.Header{}
	for name, values := range h {
		switch {
		case name == "X-Phoenix-Authtoken":
		case name == "Sec-Websocket-Protocol":
			safe[name] = hideAuthToken(values)
		case strings.HasPrefix(name, "X-"), strings.HasPrefix(name, "Sec-Websocket-"),
			name == "User-Agent", name == "Traceparent", name == "Tracestate":
			safe[name] = values
		}
	}
	return safe
}

// hideAuthToken takes the token out of the offered subprotocols, and that of a
// session of long polling: headers get logged.
func hideAuthToken(values []string) []string {
	var shown []string
	for _, v := range values {
		offers := strings.Split(v, ",")
		offers = slices.DeleteFunc(offers, func(o string) bool {
			o = strings.TrimSpace(o)
			return strings.HasPrefix(o, "base64url.bearer.phx.") || strings.HasPrefix(o, "roost.session.")
		})
		shown = append(shown, strings.Join(offers, ","))
	}
	return shown
}

func (server *Server[A]) cookies(r *http.Request, params map[string]any) []*http.Cookie {
	if len(server.cookieNames) == 0 {
		return nil
	}
	token, _ := params["_csrf_token"].(string)
	if !server.verifyCSRF(r, token) {
		return nil
	}
	var shown []*http.Cookie
	for _, c := range r.Cookies() {
		if slices.Contains(server.cookieNames, c.Name) {
			shown = append(shown, c)
		}
	}
	return shown
}

// doubleSubmit is the default CSRF check: a page of another site can make a
// browser send the cookie, but cannot read it to put it into the params.
func doubleSubmit(r *http.Request, token string) bool {
	c, err := r.Cookie("_csrf_token")
	return err == nil && token != "" && subtle.ConstantTimeCompare([]byte(c.Value), []byte(token)) == 1
}
