package transporttest

import (
	"bufio"
	"bytes"
	"compress/flate"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/roost-dev/roost/transport"
)

// The first bytes of frames.
const (
	text     = 0x81
	bin      = 0x82
	closing  = 0x88
	ping     = 0x89
	pong     = 0x8A
	begin    = 0x01 // text, more follows
	more     = 0x00
	finish   = 0x80
	deflated = 0xC1
)

// client is the other side of a WebSocket, without mercy: it sends any bytes
// at all, and checks those of the server against RFC 6455.
type client struct {
	t  *testing.T
	nc net.Conn
	br *bufio.Reader
}

// upgradeRequest is a handshake, header being further lines of it.
func upgradeRequest(header string) string {
	return "GET /websocket HTTP/1.1\r\nHost: here.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n" + header + "\r\n"
}

// raw sends bytes as they are.
func (c *client) raw(b []byte) {
	c.t.Helper()
	_ = c.nc.SetWriteDeadline(time.Now().Add(patience))
	if _, err := c.nc.Write(b); err != nil {
		c.t.Fatalf("client: %v", err)
	}
}

// send sends one masked frame.
func (c *client) send(first byte, payload string) {
	c.t.Helper()
	c.raw(masked(first, payload))
}

// masked builds a client's frame.
func masked(first byte, payload string) []byte {
	key := [4]byte{0xA1, 0x0B, 0xC2, 0x7D}
	b := []byte{first}
	switch n := len(payload); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	b = append(b, key[:]...)
	for i := range len(payload) {
		b = append(b, payload[i]^key[i%4])
	}
	return b
}

// read returns the next frame.
func (c *client) read() (first byte, payload string, err error) {
	_ = c.nc.SetReadDeadline(time.Now().Add(patience))
	var head [2]byte
	if _, err := io.ReadFull(c.br, head[:]); err != nil {
		return 0, "", err
	}
	n := uint64(head[1])
	switch {
	case n >= 0x80:
		return 0, "", errors.New("the server masked a frame")
	case n == 126:
		var ext [2]byte
		_, err = io.ReadFull(c.br, ext[:])
		n = uint64(binary.BigEndian.Uint16(ext[:]))
	case n == 127:
		var ext [8]byte
		_, err = io.ReadFull(c.br, ext[:])
		n = binary.BigEndian.Uint64(ext[:])
	}
	if err == nil && n > 1<<28 {
		err = fmt.Errorf("a frame of %d bytes: the stream is garbled", n)
	}
	if err != nil {
		return 0, "", err
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(c.br, b); err != nil {
		return 0, "", err
	}
	return head[0], string(b), nil
}

// want reads one frame and compares it.
func (c *client) want(first byte, payload string) {
	c.t.Helper()
	gotFirst, got, err := c.read()
	if err != nil {
		c.t.Fatalf("client: %v, want frame %#x %.200q", err, first, payload)
	}
	if gotFirst != first || got != payload {
		c.t.Fatalf("client: frame %#x %.200q, want %#x %.200q", gotFirst, got, first, payload)
	}
}

// wantClose reads a close frame and the end of the stream behind it, and
// returns the reason.
func (c *client) wantClose(code transport.CloseCode) (reason string) {
	c.t.Helper()
	first, payload, err := c.read()
	if err != nil {
		c.t.Fatalf("client: %v, want close %d", err, code)
	}
	if first != closing || len(payload) < 2 {
		c.t.Fatalf("client: frame %#x %.200q, want close %d", first, payload, code)
	}
	if got := binary.BigEndian.Uint16([]byte(payload)); got != uint16(code) {
		c.t.Errorf("client: close %d %q, want %d", got, payload[2:], code)
	}
	if _, _, err := c.read(); !errors.Is(err, io.EOF) {
		c.t.Errorf("client: %v behind the close frame, want the end of the stream", err)
	}
	return payload[2:]
}

// reset ends the connection with a TCP reset.
func (c *client) reset() {
	nc := c.nc
	if t, ok := nc.(*tls.Conn); ok {
		nc = t.NetConn()
	}
	if err := nc.(*net.TCPConn).SetLinger(0); err != nil {
		c.t.Error(err)
	}
	nc.Close()
}

// dial opens a TCP or TLS connection to s.
func (s *server) dial() *client {
	s.t.Helper()
	c, err := s.tryDial()
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { c.nc.Close() })
	return c
}

func (s *server) tryDial() (*client, error) {
	nc, err := net.Dial("tcp", s.http.Listener.Addr().String())
	if err != nil {
		return nil, err
	}
	if s.http.TLS != nil {
		nc = tls.Client(nc, &tls.Config{InsecureSkipVerify: true}) // the certificate of httptest is made for other names
	}
	return &client{t: s.t, nc: nc, br: bufio.NewReader(nc)}, nil
}

// open opens a WebSocket whose session nobody waits for. It may be called from
// any goroutine; the caller closes the connection.
func (s *server) open() (*client, error) {
	c, err := s.tryDial()
	if err != nil {
		return nil, err
	}
	c.try([]byte(upgradeRequest("")))
	_ = c.nc.SetReadDeadline(time.Now().Add(patience))
	res, err := http.ReadResponse(c.br, nil)
	if err == nil && res.StatusCode != http.StatusSwitchingProtocols {
		err = fmt.Errorf("status %d, want 101", res.StatusCode)
	}
	if err != nil {
		c.nc.Close()
		return nil, err
	}
	return c, nil
}

// connect opens a WebSocket and returns both of its ends.
func (s *server) connect(header string) (*client, *session) {
	s.t.Helper()
	c := s.dial()
	c.raw([]byte(upgradeRequest(header)))
	return c, s.established(c)
}

// established reads the answer to a handshake.
func (s *server) established(c *client) *session {
	s.t.Helper()
	_ = c.nc.SetReadDeadline(time.Now().Add(patience))
	res, err := http.ReadResponse(c.br, nil)
	if err != nil {
		s.t.Fatalf("client: %v", err)
	}
	if res.StatusCode != http.StatusSwitchingProtocols {
		s.t.Fatalf("client: status %d, want 101", res.StatusCode)
	}
	if got := res.Header.Get("Sec-WebSocket-Accept"); got != "BACScCJPNqyz+UBoqMH89VmURoA=" {
		s.t.Errorf("client: Sec-WebSocket-Accept %q", got)
	}
	select {
	case session := <-s.acceptor.sessions:
		return session
	case <-time.After(patience):
		s.t.Fatal("no session was opened")
		return nil
	}
}

// compress and decompress are permessage-deflate without context takeover.
func compress(message string) string {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		panic(err)
	}
	_, _ = io.WriteString(w, message)
	_ = w.Flush()
	return strings.TrimSuffix(b.String(), "\x00\x00\xff\xff")
}

func decompress(payload string) (string, error) {
	r := flate.NewReader(strings.NewReader(payload + "\x00\x00\xff\xff\x01\x00\x00\xff\xff"))
	b, err := io.ReadAll(r)
	return string(b), err
}
