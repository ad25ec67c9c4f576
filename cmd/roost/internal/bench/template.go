//go:build linux

package bench

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/roost-dev/roost/internal/ws"
	"github.com/roost-dev/roost/wire"
)

// digits is how long the numbers are that tell messages apart.
const digits = 10

// placeholder is the number that a template starts with: nothing else in a message looks like it.
const placeholder = "9876543210"

// joinRef is the join_ref of each join: a connection joins once.
const joinRef = "1"

// A template is the frame of a client's message with a number in it that can be changed in place, since making a frame
// anew for each message would cost more than sending it.
type template struct {
	frame []byte
	start int // of the payload
	at    int // of the number
}

// newTemplate makes a template of a push, which must contain placeholder once.
func newTemplate(topic, event, ref, payload string) (*template, error) {
	text, err := push(topic, event, ref, payload)
	if err != nil {
		return nil, err
	}
	at := bytes.Index(text, []byte(placeholder))
	if at < 0 || bytes.LastIndex(text, []byte(placeholder)) != at {
		return nil, fmt.Errorf("%s must be once in %s", placeholder, text)
	}
	frame := ws.AppendClient(nil, ws.Text, text)
	start := len(frame) - len(text)
	return &template{frame, start, start + at}, nil
}

// push is the text of a push.
func push(topic, event, ref, payload string) ([]byte, error) {
	text, _, err := wire.V2.AppendClient(nil, wire.ClientMessage{
		JoinRef: wire.String(joinRef), Ref: wire.String(ref), Topic: wire.String(topic), Event: event,
		Payload: wire.Payload{Data: []byte(payload)},
	})
	return text, err
}

// with returns the frame with the number n, valid until the next call.
func (t *template) with(n uint64) []byte {
	for i := t.at + digits - 1; i >= t.at; i-- {
		t.frame[i] = byte('0'+n%10) ^ ws.Mask[(i-t.start)&3]
		n /= 10
	}
	return t.frame
}

// number returns the number at the start of b.
func number(b []byte) (n uint64, ok bool) {
	if len(b) < digits {
		return 0, false
	}
	for _, c := range b[:digits] {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return n, true
}

// A numbered text is one that was checked: what differs from it in the number only needs no decoding.
type numbered struct {
	text []byte
	at   int // of the number
}

// learn remembers a text that has n in quotes. Some servers may write n otherwise: then it matches nothing.
func (k *numbered) learn(text []byte, n uint64) {
	if at := bytes.Index(text, fmt.Appendf(nil, `"%0*d"`, digits, n)); at >= 0 {
		k.text, k.at = bytes.Clone(text), at+1
	}
}

// match returns the number of a text that is like what was learned.
func (k *numbered) match(text []byte) (n uint64, ok bool) {
	end := k.at + digits
	if k.text == nil || len(text) != len(k.text) || !bytes.Equal(text[:k.at], k.text[:k.at]) || !bytes.Equal(text[end:], k.text[end:]) {
		return 0, false
	}
	return number(text[k.at:])
}

// padded is a JSON object of size bytes with placeholder in it, in canonical form.
func padded(size int) (string, error) {
	const least = len(`{"n":"","p":""}`) + digits
	if size < least {
		return "", fmt.Errorf("-size: a payload has at least %d bytes", least)
	}
	return fmt.Sprintf(`{"n":"%s","p":"%s"}`, placeholder, strings.Repeat("x", size-least)), nil
}
