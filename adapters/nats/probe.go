package nats

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// probed is what came of asking who is at an address.
type probed struct {
	address string
	id      string // of the server
	err     error
}

// probeTimeout is how long a node may take to say who it is.
const probeTimeout = time.Second

// probe asks the node at an address for its server's id. The server would
// connect to whatever is there, itself too, and say only to its log what is
// wrong.
func probe(ctx context.Context, address string, config *tls.Config, cluster string) (id string, err error) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	var conn net.Conn
	if conn, err = new(net.Dialer).DialContext(ctx, "tcp", address); err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	if config != nil {
		if config.ServerName == "" {
			config = config.Clone()
			config.ServerName, _, _ = hostPort(address)
		}
		secure := tls.Client(conn, config)
		if err := secure.HandshakeContext(ctx); err != nil {
			return "", fmt.Errorf("it has another secret or certificate: %w", err)
		}
		conn = secure
	}
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return "", err
		}
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	// The first thing a server says is a line about itself.
	line, err := bufio.NewReaderSize(conn, 4096).ReadSlice('\n')
	if err != nil {
		return "", fmt.Errorf("it does not say who it is; its secret may be another: %w", err)
	}
	text, ok := strings.CutPrefix(string(line), "INFO ")
	var info struct {
		ID      string `json:"server_id"`
		Cluster string `json:"cluster"`
	}
	if !ok || json.Unmarshal([]byte(text), &info) != nil || info.ID == "" {
		return "", errors.New("it is not a node")
	}
	if info.Cluster != cluster {
		return "", fmt.Errorf("it is of namespace %q, this is %q", info.Cluster, cluster)
	}
	return info.ID, nil
}
