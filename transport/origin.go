package transport

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// OriginPolicy decides which pages may open a connection, by the Origin
// header that browsers send and that pages cannot forge. The zero value
// allows pages of the request's own host: the host of the origin must equal
// the Host header, without regard to scheme and port. [Origins], [OriginFunc]
// and [AnyOrigin] make others.
//
// A request without an Origin header does not come from a page and is always
// allowed. Hosts are compared case by case, as Phoenix does; browsers send
// them in lower case.
//
// A policy is immutable and safe for use by any number of goroutines.
type OriginPolicy struct {
	any      bool
	allow    func(r *http.Request, origin *url.URL) bool
	patterns []originPattern
}

// Origins allows the origins that match one of the patterns:
//
//	//example.com             this host, any scheme and port
//	https://example.com       this host by https, on port 443
//	https://example.com:4000  this host by https, on port 4000
//	//*.example.com           example.com and its sub-domains at any depth
//
// It panics at a pattern that is none of these, and when there is none.
func Origins(patterns ...string) OriginPolicy {
	if len(patterns) == 0 {
		panic("transport: Origins without a pattern allows no page at all; the zero OriginPolicy allows the request's own host")
	}
	p := OriginPolicy{patterns: make([]originPattern, len(patterns))}
	for i, s := range patterns {
		pattern, err := parseOriginPattern(s)
		if err != nil {
			panic(fmt.Sprintf("transport: origin pattern %q: %v", s, err))
		}
		p.patterns[i] = pattern
	}
	return p
}

// OriginFunc leaves the decision to allow, which is called at each connect
// that has an Origin header, from the goroutine of its request. An origin
// that is no URL with a host, such as "null", comes as a URL with nothing but
// Opaque, which is the header as it was sent.
func OriginFunc(allow func(r *http.Request, origin *url.URL) bool) OriginPolicy {
	if allow == nil {
		panic("transport: OriginFunc needs a function")
	}
	return OriginPolicy{allow: allow}
}

// AnyOrigin allows every page of the web to connect. With sessions kept in
// cookies this lets any page act for its visitor.
func AnyOrigin() OriginPolicy { return OriginPolicy{any: true} }

// Check returns nil if r may connect, or else an error for the server's log:
// it names both hosts and says what to do. Clients get a bare 403
// (spec/protocol.md §3).
func (p OriginPolicy) Check(r *http.Request) error {
	values := r.Header["Origin"]
	if p.any || len(values) == 0 {
		return nil
	}
	origin, err := url.Parse(values[0])
	if err != nil || origin.Host == "" {
		origin = &url.URL{Opaque: values[0]}
	}
	if p.allows(r, origin) {
		return nil
	}
	return p.refusal(r, values[0], origin)
}

func (p OriginPolicy) allows(r *http.Request, origin *url.URL) bool {
	switch {
	case p.allow != nil:
		return p.allow(r, origin)
	case origin.Hostname() == "":
		return false
	case p.patterns == nil:
		return origin.Hostname() == hostname(r.Host)
	}
	for _, pattern := range p.patterns {
		if pattern.matches(origin) {
			return true
		}
	}
	return false
}

func (p OriginPolicy) refusal(r *http.Request, header string, origin *url.URL) error {
	said := fmt.Sprintf("origin %q (host %q) may not connect to host %q", header, origin.Hostname(), r.Host)
	switch {
	case p.allow != nil:
		return fmt.Errorf("%s: the origin function refused it", said)
	case origin.Hostname() == "":
		return fmt.Errorf("%s: it names no host; pages from files and sandboxed frames need an origin function, or the check off", said)
	case p.patterns != nil:
		return fmt.Errorf("%s: it matches none of the allowed origins; if the page is yours, add %q to them", said, "//"+origin.Host)
	}
	return fmt.Errorf("%s: if the page is yours, list %q as an allowed origin; behind a proxy that rewrites Host, "+
		"let the proxy pass the client's Host on, or list the public host", said, "//"+origin.Host)
}

// originPattern is one parsed pattern; an empty scheme or port matches any.
type originPattern struct {
	scheme   string
	host     string
	port     string
	wildcard bool // the sub-domains of host too
	anyPort  bool
}

func parseOriginPattern(s string) (originPattern, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return originPattern{}, err
	case u.Host == "":
		return originPattern{}, errors.New(`no host: write "//host" or "https://host", and AnyOrigin for every origin`)
	case u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "":
		return originPattern{}, errors.New("an origin is a scheme, a host and a port, and nothing else")
	}
	p := originPattern{scheme: u.Scheme, port: portOf(u)}
	p.host, p.wildcard = strings.CutPrefix(u.Hostname(), "*.")
	p.anyPort = u.Scheme == "" && u.Port() == ""
	if p.host == "" || strings.Contains(p.host, "*") {
		return originPattern{}, errors.New(`a wildcard stands for sub-domains, in front: "//*.host"`)
	}
	return p, nil
}

func (p originPattern) matches(origin *url.URL) bool {
	host := origin.Hostname()
	return (host == p.host || p.wildcard && strings.HasSuffix(host, "."+p.host)) &&
		(p.scheme == "" || p.scheme == origin.Scheme) &&
		(p.anyPort || p.port == portOf(origin))
}

// portOf returns the port of u, which for the schemes of the web may go
// without saying.
func portOf(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "http" || u.Scheme == "ws":
		return "80"
	case u.Scheme == "https" || u.Scheme == "wss":
		return "443"
	}
	return ""
}

// hostname strips the port from a Host header.
func hostname(hostport string) string { return (&url.URL{Host: hostport}).Hostname() }
