//go:build linux

// Package load opens many WebSockets from one goroutine at little cost, so that what a benchmark measures is the server.
package load

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/roost-dev/roost/cmd/roost/internal/poll"
	"github.com/roost-dev/roost/internal/ws"
)

// A Target is a mount of Phoenix Channels to connect to.
type Target struct {
	Host    string // as in the URL, with the port
	request []byte
	addr    netip.AddrPort
}

// NewTarget takes the address of a mount as phoenix.js does, ws://host:port/socket, to which /websocket is added, and
// the name of its host resolved. Params are sent as the connect params. It may block for a look-up.
func NewTarget(ctx context.Context, mount string, params url.Values) (*Target, error) {
	u, err := url.Parse(mount)
	if err != nil {
		return nil, fmt.Errorf("the server's URL: %w", err)
	}
	switch u.Scheme {
	case "ws", "http":
	case "wss", "https":
		return nil, fmt.Errorf("%s: TLS is not spoken here; measure the port behind it, with a ws:// URL", mount)
	default:
		return nil, fmt.Errorf("%q is not the URL of a socket, such as ws://127.0.0.1:4000/socket", mount)
	}
	port, err := strconv.ParseUint(orDefault(u.Port(), "80"), 10, 16)
	if err != nil {
		return nil, fmt.Errorf("the port of %s: %w", mount, err)
	}
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip4", u.Hostname())
	if err != nil {
		return nil, err
	}
	if len(addrs) == 0 {
		return nil, fmt.Errorf("%s has no IPv4 address", u.Hostname())
	}
	query := u.Query()
	maps.Copy(query, params)
	query.Set("vsn", "2.0.0")
	uri := strings.TrimSuffix(strings.TrimSuffix(u.EscapedPath(), "/"), "/websocket") + "/websocket?" + query.Encode()
	return &Target{Host: u.Host, request: ws.Request(u.Host, uri), addr: netip.AddrPortFrom(addrs[0].Unmap(), uint16(port))}, nil
}

func orDefault(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// dial begins to connect from one of so many sources and returns the descriptor. A source address has some 28,000
// ports, so over loopback, where there are many addresses, they take turns.
func (t *Target) dial(n, sources int) (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		if errors.Is(err, unix.EMFILE) {
			err = fmt.Errorf("%w: raise the limit on open files (ulimit -n) or connect less often", err)
		}
		return -1, err
	}
	if err := t.prepare(fd, n, sources); err != nil {
		poll.Close(fd)
		return -1, err
	}
	err = unix.Connect(fd, &unix.SockaddrInet4{Addr: t.addr.Addr().As4(), Port: int(t.addr.Port())})
	if err != nil && !errors.Is(err, unix.EINPROGRESS) {
		poll.Close(fd)
		return -1, fmt.Errorf("connect to %s: %w", t.Host, err)
	}
	return fd, nil
}

func (t *Target) prepare(fd, n, sources int) error {
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
		return err
	}
	if !t.addr.Addr().IsLoopback() || sources < 1 {
		return nil
	}
	// The port is chosen when the destination is known, so that one port serves several destinations.
	if err := unix.SetsockoptInt(fd, unix.SOL_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1); err != nil {
		return err
	}
	source := [4]byte{127, 0, 0, byte(1 + n%sources)}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: source}); err != nil {
		return fmt.Errorf("bind to %v: %w", netip.AddrFrom4(source), err)
	}
	return nil
}
