package redis

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/redis/rueidis"
)

const (
	dialTimeout = 2 * time.Second

	// pingGap is how often a server is asked for a sign of life if it gave
	// none, and silence how long it may give none: a dead connection looks
	// like an idle one otherwise. At most two gaps pass without an answer.
	pingGap = 750 * time.Millisecond
	silence = 2500 * time.Millisecond

	// answerTimeout is how long an answer may stand behind others.
	answerTimeout = 10 * time.Second

	ioBuffer = 64 << 10 // bytes, for each direction of a connection

)

// purpose is what a client is for.
type purpose struct {
	calls    int // as many as 2 to the power of this are under way at a time
	database int // where its keys are
}

var forBatches = purpose{calls: 5}

func (c *config) forLog() purpose { return purpose{calls: 10, database: c.database} }

// lines is the connections of one client, so that all can be cut at once.
type lines struct {
	ctx context.Context // ends when they are cut
	tls *tls.Config

	mu    sync.Mutex // guards what follows
	conns []net.Conn
	cut   bool
}

// connect makes a client of one server. Its connections are open until ctx
// ends; the client must be closed nevertheless.
func (c *config) connect(ctx context.Context, address string, p purpose) (rueidis.Client, error) {
	l := &lines{ctx: ctx, tls: c.tls}
	context.AfterFunc(ctx, l.hangUp)
	client, err := rueidis.NewClient(rueidis.ClientOption{
		InitAddress: []string{address},
		Username:    c.username,
		Password:    c.password,
		ClientName:  "roost",
		DialCtxFn:   l.dial,
		Dialer:      net.Dialer{Timeout: dialTimeout, KeepAlive: pingGap}, // KeepAlive is also when rueidis pings

		ForceSingleClient:  true, // where channels are in a cluster is our business
		DisableCache:       true,
		DisableRetry:       true, // would repeat messages
		AlwaysPipelining:   true, // reads all the time, and so sees the end of a connection
		PipelineMultiplex:  -1,   // one connection: another one would change the order
		BlockingPipeline:   -1,   // also for long batches
		RingScaleEachConn:  p.calls,
		SelectDB:           p.database,
		ReadBufferEachConn: ioBuffer, WriteBufferEachConn: ioBuffer,
		ConnWriteTimeout: answerTimeout,
	})
	if err != nil {
		if client != nil {
			client.Close()
		}
		return nil, err
	}
	return client, nil
}

// errDial marks errors of commands that were not sent for want of a connection.
var errDial = errors.New("no connection")

// dial does not ask rueidis's context, which never ends.
func (l *lines) dial(_ context.Context, address string, dialer *net.Dialer, _ *tls.Config) (net.Conn, error) {
	var conn net.Conn
	var err error
	if l.tls != nil {
		conn, err = (&tls.Dialer{NetDialer: dialer, Config: l.tls}).DialContext(l.ctx, "tcp", address)
	} else {
		conn, err = dialer.DialContext(l.ctx, "tcp", address)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errDial, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cut {
		_ = conn.Close()
		return nil, errDial
	}
	l.conns = append(l.conns, conn)
	return liveConn{conn}, nil
}

func (l *lines) hangUp() {
	l.mu.Lock()
	l.cut = true
	conns := l.conns
	l.conns = nil
	l.mu.Unlock()
	for _, conn := range conns {
		_ = conn.Close()
	}
}

// liveConn is a connection that breaks when nothing comes for too long. A
// server that is being sent something large is silent meanwhile, so a piece of
// that which could be written counts too.
type liveConn struct{ net.Conn }

func (c liveConn) Read(b []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(silence)); err != nil {
		return 0, err
	}
	return c.Conn.Read(b)
}

func (c liveConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	if err == nil && len(b) >= ioBuffer/2 {
		err = c.SetReadDeadline(time.Now().Add(silence))
	}
	return n, err
}

// description is what a server says about itself.
type description struct {
	product string // "redis" or "valkey"
	cluster bool
	owners  []string // of a cluster: the server of each slot, "" where there is none
}

// describe asks a server what it is. address is where it was reached.
func describe(ctx context.Context, client rueidis.Client, address string) (*description, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	hello, err := client.Do(ctx, client.B().Arbitrary("HELLO").Build()).AsMap()
	if err != nil {
		return nil, fmt.Errorf("HELLO: %w", err)
	}
	text := func(key string) string {
		value := hello[key]
		s, _ := value.ToString()
		return s
	}
	d := &description{product: text("server"), cluster: text("mode") == "cluster"}
	if !d.cluster {
		if mode, role := text("mode"), text("role"); mode != "standalone" || role != "master" {
			return nil, fmt.Errorf("%s is a %s %s: what is published there does not reach all: give the address of the primary", address, mode, role)
		}
		return d, nil
	}
	slots, err := client.Do(ctx, client.B().ClusterSlots().Build()).ToArray()
	if err != nil {
		return nil, fmt.Errorf("CLUSTER SLOTS: %w", err)
	}
	d.owners = make([]string, slotCount)
	for _, entry := range slots {
		if err := d.assign(entry, address); err != nil {
			return nil, fmt.Errorf("CLUSTER SLOTS: %w", err)
		}
	}
	return d, nil
}

// assign reads a range of slots: its first and last, and its primary as a list
// of address, port and more. Without an address it is the server asked.
func (d *description) assign(entry rueidis.RedisMessage, asked string) error {
	fields, err := entry.ToArray()
	if err != nil || len(fields) < 3 {
		return errors.New("not a list of slots")
	}
	first, err1 := fields[0].AsInt64()
	last, err2 := fields[1].AsInt64()
	primary, err3 := fields[2].ToArray()
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	if len(primary) < 2 || first < 0 || last >= slotCount {
		return errors.New("not a range of slots")
	}
	host, _ := primary[0].ToString() // may be null
	port, err := primary[1].AsInt64()
	if err != nil {
		return err
	}
	if host == "" || host == "?" {
		if host, _, err = net.SplitHostPort(asked); err != nil {
			return err
		}
	}
	for slot := first; slot <= last; slot++ {
		d.owners[slot] = net.JoinHostPort(host, strconv.FormatInt(port, 10))
	}
	return nil
}
