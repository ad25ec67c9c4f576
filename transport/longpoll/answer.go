package longpoll

import (
	"encoding/base64"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/roost-dev/roost/transport"
)

// writeTimeout bounds the writing of one answer. Clients of Phoenix give up
// on a request after 20 s, of which the window takes 10.
const writeTimeout = 10 * time.Second

// pollAnswer is the body of the answer to a poll.
func pollAnswer(status int, token string, frames []*transport.Frame) []byte {
	b := appendMessages(newAnswer(sizeOf(frames)+len(token)), frames)
	return endAnswer(b, status, token)
}

func newAnswer(size int) []byte {
	size += len(`{"messages":[],"status":200,"token":""}`)
	return append(make([]byte, 0, size), `{"messages":[`...)
}

func endAnswer(b []byte, status int, token string) []byte {
	b = append(b, `],"status":`...)
	b = strconv.AppendInt(b, int64(status), 10)
	b = append(b, `,"token":`...)
	b = appendString(b, token)
	return append(b, '}')
}

// sizeOf is about what appendMessages appends.
func sizeOf(frames []*transport.Frame) int {
	size := 0
	for _, f := range frames {
		size += len(f.Payload()) + len(f.Payload())/8 + len(`"",`) // some room for escapes
	}
	return size
}

// appendMessages appends frames as the elements of a JSON array. Bytes, which
// are for bridges alone, are an array with their base64.
func appendMessages(b []byte, frames []*transport.Frame) []byte {
	for i, f := range frames {
		if i > 0 {
			b = append(b, ',')
		}
		if f.Binary() {
			b = append(base64.StdEncoding.AppendEncode(append(b, `["`...), f.Payload()), `"]`...)
		} else {
			b = appendString(b, f.Payload())
		}
	}
	return b
}

// readMessages reads what appendMessages wrote.
func readMessages(messages []byte) ([]*transport.Frame, error) {
	var all []jsontext.Value
	if err := json.Unmarshal(slices.Concat([]byte{'['}, messages, []byte{']'}), &all); err != nil {
		return nil, err
	}
	frames := make([]*transport.Frame, len(all))
	for i, m := range all {
		var text string
		var bytes [1][]byte
		var into any = &text
		isBinary := m.Kind() == '['
		if isBinary {
			into = &bytes
		}
		if err := json.Unmarshal(m, into); err != nil {
			return nil, err
		}
		frames[i] = newFrame(append(bytes[0], text...), isBinary)
	}
	return frames, nil
}

func newFrame(payload []byte, isBinary bool) *transport.Frame {
	return transport.NewFrame(append(make([]byte, transport.Headroom, transport.Headroom+len(payload)), payload...), isBinary)
}

// appendString appends s as a JSON string. The serializers write valid UTF-8;
// were it otherwise, what is not would be replaced, so the answer stays whole.
func appendString[S ~string | ~[]byte](b []byte, s S) []byte {
	b, _ = jsontext.AppendQuote(b, s)
	return b
}

// say answers with a status alone. If that cannot be written there is nobody
// to tell.
func (h *Handler) say(w http.ResponseWriter, r *http.Request, httpStatus, status int) {
	body := []byte(`{"status":` + strconv.Itoa(status) + `}`)
	if err := write(w, httpStatus, body); err != nil {
		h.cfg.Logger.Debug("longpoll: answer not written", "path", r.URL.Path, "error", err)
	}
}

// write writes a whole answer and brings it on its way. A nil error means
// that the operating system has taken all of it; behind a middleware that
// cannot flush, that the middleware has.
func write(w http.ResponseWriter, httpStatus int, body []byte) error {
	rc := http.NewResponseController(w)
	if err := rc.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(httpStatus)
	if _, err := w.Write(body); err != nil {
		return err
	}
	if err := rc.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}
