package ws

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // RFC 6455 §4.2.2 asks for it
	"encoding/base64"
	"errors"
	"fmt"
)

// key is what all clients here send as Sec-WebSocket-Key.
const key = "MDEyMzQ1Njc4OWFiY2RlZg=="

// maxHead bounds the head of a request or an answer, in bytes.
const maxHead = 16 << 10

// Request is the request that opens a WebSocket at a host and a URI, which is a path with its query.
func Request(host, uri string) []byte {
	return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n\r\n", uri, host, key)
}

// Opened splits the answer to [Request] off buf, and returns how many bytes it took: 0 if it is not all there yet. It
// is an error if the answer refuses.
func Opened(buf []byte) (int, error) {
	end, err := head(buf)
	if end == 0 || err != nil {
		return 0, err
	}
	status, _, _ := bytes.Cut(buf[:end], []byte("\r\n"))
	if !bytes.HasPrefix(status, []byte("HTTP/1.1 101")) {
		return 0, fmt.Errorf("the server refused the WebSocket: %s", status)
	}
	if !bytes.Contains(buf[:end], []byte(accept(key))) {
		return 0, fmt.Errorf("the server's answer lacks Sec-WebSocket-Accept: %s", accept(key))
	}
	return end, nil
}

// Answer splits a request that opens a WebSocket off buf, and returns how many bytes it took, 0 if it is not all there
// yet, and the answer that accepts it.
func Answer(buf []byte) (int, []byte, error) {
	end, err := head(buf)
	if end == 0 || err != nil {
		return 0, nil, err
	}
	const name = "\r\nSec-WebSocket-Key: "
	_, after, ok := bytes.Cut(buf[:end], []byte(name))
	if !ok {
		return 0, nil, errors.New("ws: the request has no Sec-WebSocket-Key")
	}
	asked, _, _ := bytes.Cut(after, []byte("\r\n"))
	return end, fmt.Appendf(nil, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Accept: %s\r\n\r\n", accept(string(asked))), nil
}

// head returns where the head of an HTTP message ends, 0 if it goes on.
func head(buf []byte) (int, error) {
	if i := bytes.Index(buf, []byte("\r\n\r\n")); i >= 0 {
		return i + 4, nil
	}
	if len(buf) > maxHead {
		return 0, fmt.Errorf("ws: the head of an HTTP message is longer than %d bytes", maxHead)
	}
	return 0, nil
}

func accept(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) //nolint:gosec // as above
	return base64.StdEncoding.EncodeToString(sum[:])
}
