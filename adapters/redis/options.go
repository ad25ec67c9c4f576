package redis

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Options configures an [Adapter]. Its zero value has all defaults.
type Options struct {
	// TLS is how connections are encrypted, for a URL of scheme rediss or
	// valkeys only. The server's name is the one that is dialed unless it is
	// set here; in a cluster whose servers are known by address it must be.
	// Default: the system's authorities, TLS 1.2 or later.
	TLS *tls.Config

	// Prefix begins the name of every channel and key, so that several clusters of
	// nodes can share a server. Databases of Redis do not keep channels apart.
	// It must not hold braces, which would put all channels into one slot.
	// Default "roost:".
	Prefix string

	// Buffer is how many bytes of envelopes wait for a server that is away or
	// busy, for each server of a cluster. Those that waited for one that was
	// away leave a second after it is back: other nodes need to be back too.
	// Default 8 MiB. What is larger than this or than 8 MiB is not sent at all.
	Buffer int

	// Patience is how long an envelope waits for a server that is away. After
	// it, envelopes are dropped and counted as lost, and new ones are refused
	// at once until the server is back. Less than some seconds leaves nothing
	// to be heard of an absence. Default 10 s.
	Patience time.Duration

	// Logger takes what no caller can be told. nil: slog.Default().
	Logger *slog.Logger
}

const (
	defaultPrefix   = "roost:"
	defaultBuffer   = 8 << 20
	defaultPatience = 10 * time.Second
	defaultPort     = "6379"

	// maxMessage bounds one envelope. Redis cuts off subscribers for which
	// more than 32 MiB wait, and so all that listen to one larger than that.
	maxMessage = 8 << 20
)

// config is what a URL and options come to.
type config struct {
	addresses []string // host:port of where to begin
	username  string
	password  string
	tls       *tls.Config // nil: not encrypted
	database  int         // of keys; channels have none
	prefix    string
	buffer    int
	patience  time.Duration
	logger    *slog.Logger
}

func newConfig(server string, opts *Options) (*config, error) {
	if opts == nil {
		opts = &Options{}
	}
	c := &config{prefix: opts.Prefix, buffer: opts.Buffer, patience: opts.Patience, logger: opts.Logger}
	if err := c.parse(server, opts.TLS); err != nil {
		return nil, err
	}
	switch {
	case strings.ContainsAny(c.prefix, "{}"):
		return nil, fmt.Errorf("redis: the prefix %q holds braces, which would put all channels into one slot of a cluster", c.prefix)
	case c.buffer < 0:
		return nil, fmt.Errorf("redis: a buffer of %d bytes", c.buffer)
	case c.patience < 0:
		return nil, fmt.Errorf("redis: a patience of %v", c.patience)
	}
	if c.prefix == "" {
		c.prefix = defaultPrefix
	}
	if c.buffer == 0 {
		c.buffer = defaultBuffer
	}
	if c.patience == 0 {
		c.patience = defaultPatience
	}
	if c.logger == nil {
		c.logger = slog.Default()
	}
	return c, nil
}

// parse reads a URL. Nothing of it gets into errors where it may hold the
// password.
func (c *config) parse(server string, conf *tls.Config) error {
	u, err := url.Parse(server)
	if err != nil || u.User == nil && strings.Contains(server, "@") || strings.ContainsAny(u.Path+u.RawQuery, "@") || u.Fragment != "" {
		return errors.New("redis: the URL cannot be read: it must be like redis://user:password@host:6379, " +
			"with characters that are special in URLs escaped in user and password")
	}
	switch u.Scheme {
	case "redis", "valkey":
		if conf != nil {
			return fmt.Errorf("redis: there are options for TLS, but the URL's scheme is %s, which does not encrypt: say %ss", u.Scheme, u.Scheme)
		}
	case "rediss", "valkeys":
		c.tls = &tls.Config{MinVersion: tls.VersionTLS12}
		if conf != nil {
			c.tls = conf.Clone()
		}
	default:
		return fmt.Errorf("redis: the URL's scheme is %q: it must be redis, rediss, valkey or valkeys", u.Scheme)
	}
	if database := strings.TrimPrefix(u.Path, "/"); database != "" {
		n, err := strconv.ParseUint(database, 10, 16)
		if err != nil {
			return errors.New("redis: the URL's path is not the number of a database, which is where history is kept")
		}
		c.database = int(n)
	}
	c.username = u.User.Username()
	c.password, _ = u.User.Password()
	if u.User != nil && c.password == "" {
		return errors.New("redis: the URL has a user without a password: it must be like redis://user:password@host:6379")
	}
	return c.parseAddresses(u)
}

func (c *config) parseAddresses(u *url.URL) error {
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return errors.New("redis: the URL's query cannot be read")
	}
	for key := range query {
		if key != "addr" {
			return fmt.Errorf("redis: the URL's query has %q: only addr is known, for more servers of a cluster", key)
		}
	}
	for _, address := range append([]string{u.Host}, query["addr"]...) {
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			host, port = strings.Trim(address, "[]"), defaultPort
		}
		if host == "" {
			return fmt.Errorf("redis: the URL has the address %q, which names no host", address)
		}
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return fmt.Errorf("redis: the URL has the address %q, whose port is no number from 1 to 65535", address)
		}
		c.addresses = append(c.addresses, net.JoinHostPort(host, port))
	}
	return nil
}
