package client

import (
	"bytes"
	"errors"
	"strconv"
	"strings"

	"github.com/roost-dev/roost/internal/deflate"
)

// Compression of messages (RFC 7692).

const (
	// deflateOffer asks for compression in which each message stands alone, in
	// both directions: who keeps no context needs no memory for it.
	deflateOffer = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

	// compressMin is the shortest message that is compressed. Alone, shorter
	// ones gain nothing, or less than the work costs.
	compressMin = 512

	// rsv1 marks the first frame of a compressed message.
	rsv1 = 0x40
)

// acceptsDeflate reports whether a server's answer to deflateOffer is one that
// the client can live with.
func acceptsDeflate(answer string) bool {
	name, params, _ := strings.Cut(answer, ";")
	if strings.TrimSpace(name) != "permessage-deflate" {
		return false
	}
	seen := map[string]bool{}
	for param := range strings.SplitSeq(params, ";") {
		name, value, hasValue := strings.Cut(strings.TrimSpace(param), "=")
		name = strings.TrimSpace(name)
		if seen[name] {
			return false
		}
		seen[name] = true
		switch name {
		case "server_no_context_takeover", "client_no_context_takeover":
			if hasValue {
				return false
			}
		case "server_max_window_bits":
			bits, err := strconv.Atoi(strings.Trim(strings.TrimSpace(value), `"`))
			if err != nil || bits < 8 || bits > 15 {
				return false
			}
		default:
			return false
		}
	}
	return seen["server_no_context_takeover"]
}

// inflate returns the message that a compressed one holds.
func inflate(data []byte, limit int) ([]byte, error) {
	var b bytes.Buffer
	switch err := deflate.Inflate(&b, data, limit); {
	case errors.Is(err, deflate.ErrTooBig):
		return nil, tooLarge(limit)
	case err != nil:
		return nil, &protocolError{closeInvalid, "a compressed message that does not inflate"}
	}
	return b.Bytes(), nil
}
