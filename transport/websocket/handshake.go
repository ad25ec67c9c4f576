package websocket

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// tokenPrefix marks the offered subprotocol that carries the auth token
// (spec/protocol.md §4).
const tokenPrefix = "base64url.bearer.phx."

// phoenixProtocol is the subprotocol that a client offers beside its token.
const phoenixProtocol = "phoenix"

// What a client offers that brings a session of long polling
// (spec/protocol.md §23): the first, and the second with the session's token.
const (
	upgradeProtocol = "roost.upgrade"
	sessionPrefix   = "roost.session."
)

// acceptGUID is the constant of RFC 6455 §1.3.
const acceptGUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

// upgradeError says what keeps r from being a WebSocket handshake, for the
// client to read, in the words of Phoenix (spec/protocol.md §3). It is empty
// if there is nothing.
func upgradeError(r *http.Request) string {
	h := r.Header
	switch {
	case r.ProtoMajor != 1 || r.ProtoMinor < 1:
		return fmt.Sprintf("a WebSocket needs HTTP/1.1, got %s", r.Proto)
	case !contains(h["Connection"], "upgrade"):
		return fmt.Sprintf("'connection' header must contain 'upgrade', got %s", quoted(h["Connection"]))
	case !contains(h["Upgrade"], "websocket"):
		return fmt.Sprintf("'upgrade' header must contain 'websocket', got %s", quoted(h["Upgrade"]))
	case h.Get("Sec-Websocket-Key") == "":
		return "'sec-websocket-key' header is absent"
	case h.Get("Sec-Websocket-Version") != "13":
		return fmt.Sprintf("'sec-websocket-version' header must equal '13', got %s", quoted(h["Sec-Websocket-Version"]))
	}
	return ""
}

// takeToken takes the auth token from the offered subprotocols, and returns
// it decoded with what remains of the offer. Phoenix takes no token when two
// are offered; neither do we. The clients of Phoenix send standard base64 in
// spite of the prefix, others what the prefix says; both come with and
// without padding.
func takeToken(offered []string) (token string, rest []string, err error) {
	isToken := func(s string) bool { return strings.HasPrefix(s, tokenPrefix) }
	i := slices.IndexFunc(offered, isToken)
	if i < 0 || slices.ContainsFunc(offered[i+1:], isToken) {
		return "", offered, nil
	}
	encoded := strings.TrimRight(offered[i][len(tokenPrefix):], "=")
	encoded = strings.NewReplacer("-", "+", "_", "/").Replace(encoded)
	decoded, err := base64.RawStdEncoding.DecodeString(encoded)
	if err != nil {
		return "", nil, errors.New("the auth token offered as a subprotocol is not base64")
	}
	return string(decoded), slices.Delete(offered, i, i+1), nil
}

// takeSession returns the token of the session that is offered.
func takeSession(offered []string) (token string, err error) {
	for _, s := range offered {
		after, ok := strings.CutPrefix(s, sessionPrefix)
		switch {
		case ok && token != "":
			return "", errors.New("more than one session is offered for " + upgradeProtocol)
		case ok:
			token = after
		}
	}
	if token == "" {
		return "", errors.New("no session is offered for " + upgradeProtocol)
	}
	return token, nil
}

// pickSubprotocol returns the first of ours that was offered. ok is false if
// there was an offer, but none of ours in it.
func pickSubprotocol(ours, offered []string) (picked string, ok bool) {
	if len(ours) == 0 || len(offered) == 0 {
		return "", true
	}
	i := slices.IndexFunc(ours, func(s string) bool { return slices.Contains(offered, s) })
	if i < 0 {
		return "", false
	}
	return ours[i], true
}

// switchingProtocols is the answer that makes the connection a WebSocket.
// extra are the headers that middleware has set.
func switchingProtocols(key, subprotocol, extensions string, extra http.Header) []byte {
	sum := sha1.Sum([]byte(key + acceptGUID))
	var b bytes.Buffer
	b.WriteString("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ")
	b.WriteString(base64.StdEncoding.EncodeToString(sum[:]))
	if subprotocol != "" {
		b.WriteString("\r\nSec-WebSocket-Protocol: " + subprotocol)
	}
	if extensions != "" {
		b.WriteString("\r\nSec-WebSocket-Extensions: " + extensions)
	}
	b.WriteString("\r\n")
	if len(extra) > 0 {
		// A bytes.Buffer takes everything. What belongs to the framing of a
		// response, or is said above, does not go out twice.
		_ = extra.WriteSubset(&b, map[string]bool{
			"Upgrade": true, "Connection": true, "Content-Length": true, "Content-Type": true, "Transfer-Encoding": true,
			"Sec-Websocket-Accept": true, "Sec-Websocket-Protocol": true, "Sec-Websocket-Extensions": true,
		})
	}
	b.WriteString("\r\n")
	return b.Bytes()
}

// tokens splits the values of a header that is a list.
func tokens(values []string) []string {
	var all []string
	for _, value := range values {
		for token := range strings.SplitSeq(value, ",") {
			if token = strings.TrimSpace(token); token != "" {
				all = append(all, token)
			}
		}
	}
	return all
}

func contains(values []string, token string) bool {
	return slices.ContainsFunc(tokens(values), func(s string) bool { return strings.EqualFold(s, token) })
}

// quoted writes values as Phoenix does: ["a", "b"].
func quoted(values []string) string {
	q := make([]string, len(values))
	for i, value := range values {
		q[i] = fmt.Sprintf("%q", value)
	}
	return "[" + strings.Join(q, ", ") + "]"
}
