package websocket

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/roost-dev/roost/internal/deflate"
	"github.com/roost-dev/roost/transport"
)

// compressMin is the shortest payload that is compressed. Without context
// takeover shorter ones gain nothing, or less than the work costs.
const compressMin = 512

// deflateParams is what was agreed with one client on permessage-deflate
// (RFC 7692 §7.1). No context is ever taken over, in either direction: that
// would cost a compressor per connection, and a broadcast could not be
// compressed once for all.
type deflateParams struct {
	// longest is the largest payload that may be compressed. A distance in a
	// deflate stream cannot exceed its length, so a client with a window of n
	// bits is served by compressing only payloads of up to 2^n bytes.
	longest int

	// serverBits is server_max_window_bits, to be repeated; 0 if not asked for.
	serverBits int
}

// negotiateDeflate picks the first offer of permessage-deflate that can be
// met. ok is false if there is none.
func negotiateDeflate(h http.Header) (p deflateParams, ok bool) {
	for _, offer := range tokens(h["Sec-Websocket-Extensions"]) {
		name, params, _ := strings.Cut(offer, ";")
		if strings.TrimSpace(name) != "permessage-deflate" {
			continue
		}
		if p, ok = parseDeflateOffer(params); ok {
			return p, true
		}
	}
	return deflateParams{}, false
}

// parseDeflateOffer reads the parameters of one offer. An offer with a
// parameter that is unknown, repeated or has a bad value must be declined.
func parseDeflateOffer(params string) (p deflateParams, ok bool) {
	p.longest = math.MaxInt
	seen := make(map[string]bool)
	for param := range strings.SplitSeq(params, ";") {
		name, value, hasValue := strings.Cut(strings.TrimSpace(param), "=")
		name, value = strings.TrimSpace(name), strings.Trim(strings.TrimSpace(value), `"`)
		if name == "" && !hasValue && len(seen) == 0 {
			continue // no parameters at all
		}
		if seen[name] {
			return p, false
		}
		seen[name] = true
		bits, bitsOK := windowBits(value)
		switch name {
		case "server_no_context_takeover", "client_no_context_takeover":
			ok = !hasValue
		case "client_max_window_bits": // a hint without a value; any window of the client is fine
			ok = !hasValue || bitsOK
		case "server_max_window_bits":
			ok = bitsOK
			p.serverBits, p.longest = bits, 1<<bits
		default:
			ok = false
		}
		if !ok {
			return p, false
		}
	}
	return p, true
}

func windowBits(value string) (bits int, ok bool) {
	bits, err := strconv.Atoi(value)
	return bits, err == nil && bits >= 8 && bits <= 15 && value[0] != '0' && value[0] != '+'
}

// answer is the value of the Sec-WebSocket-Extensions header.
func (p deflateParams) answer() string {
	s := "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
	if p.serverBits != 0 {
		s += "; server_max_window_bits=" + strconv.Itoa(p.serverBits)
	}
	return s
}

// deflateFrame returns f as a compressed WebSocket frame, or nil if that is
// no shorter. It is what this package gives to [transport.Frame.Compressed].
func deflateFrame(f *transport.Frame) []byte {
	payload := f.Payload()
	b := deflate.Append(make([]byte, transport.Headroom, transport.Headroom+len(payload)/2), payload)
	if len(b)-transport.Headroom >= len(payload) {
		return nil
	}
	header := appendHeader(nil, f.WebSocket()[0]|0x40, len(b)-transport.Headroom)
	b = b[transport.Headroom-len(header):]
	copy(b, header)
	return b
}

// inflate appends to dst the message that payload holds, of at most limit
// bytes.
func inflate(dst *bytes.Buffer, payload []byte, limit int) *closeError {
	switch err := deflate.Inflate(dst, payload, limit); {
	case errors.Is(err, deflate.ErrTooBig):
		return tooBig(limit)
	case err != nil:
		return &closeError{transport.CloseInvalidPayload, "message does not inflate"}
	}
	return nil
}

// appendHeader appends the header of an unmasked frame with n bytes of
// payload.
func appendHeader(b []byte, first byte, n int) []byte {
	switch {
	case n < 126:
		return append(b, first, byte(n))
	case n < 1<<16:
		return binary.BigEndian.AppendUint16(append(b, first, 126), uint16(n))
	default:
		return binary.BigEndian.AppendUint64(append(b, first, 127), uint64(n))
	}
}
