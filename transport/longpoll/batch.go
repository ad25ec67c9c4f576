package longpoll

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"unicode/utf8"
)

// maxLines is how many lines of a body are looked at; Phoenix's clients send
// no more in one POST, and what is behind them is ignored.
const maxLines = 100

var (
	errTooBig    = errors.New("message over the size limit")
	errNotUTF8   = errors.New("text is not UTF-8")
	errNotBase64 = errors.New("message is neither a JSON array nor base64")
)

// batch is the body of a POST: one message, or one a line. Or it is one
// message that came over a WebSocket.
type batch struct {
	body   []byte
	lines  bool
	binary bool // body is a binary message as it is
}

// message is one message of a batch.
type message struct {
	data   []byte
	binary bool
}

// readBatch reads the body of r, of at most limit bytes.
func readBatch(w http.ResponseWriter, r *http.Request, limit int) (batch, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, int64(limit)))
	// A content type with a parameter does not count, as in Phoenix.
	return batch{body: body, lines: r.Header.Get("Content-Type") == "application/x-ndjson"}, err
}

// messages yields what b says (spec/protocol.md §13): of lines, those that
// begin with "[" are text and others base64 of a binary message. Blank ones
// say nothing, nor does a blank body. A message that cannot be read, or that
// is larger than limit, is yielded as an error and is the last. The data is
// good until the next one.
func (b batch) messages(limit int) iter.Seq2[message, error] {
	return func(yield func(message, error) bool) {
		switch {
		case b.binary && len(b.body) > limit:
			yield(message{}, errTooBig)
			return
		case b.binary:
			yield(message{data: b.body, binary: true}, nil)
			return
		case !b.lines:
			if len(bytes.TrimSpace(b.body)) > 0 {
				yield(textMessage(b.body, limit))
			}
			return
		}
		n := 0
		var buf []byte
		for line := range bytes.SplitSeq(b.body, []byte("\n")) {
			if n++; n > maxLines {
				return
			}
			line = bytes.TrimSuffix(line, []byte("\r"))
			if len(bytes.TrimSpace(line)) == 0 {
				continue
			}
			var m message
			var err error
			if line[0] == '[' {
				m, err = textMessage(line, limit)
			} else {
				m, err = binaryMessage(buf[:0], line, limit)
				buf = m.data
			}
			if err != nil {
				err = fmt.Errorf("line %d: %w", n, err)
			}
			if !yield(m, err) || err != nil {
				return
			}
		}
	}
}

func textMessage(data []byte, limit int) (message, error) {
	switch {
	case len(data) > limit:
		return message{}, errTooBig
	case !utf8.Valid(data):
		return message{}, errNotUTF8
	}
	return message{data: data}, nil
}

// binaryMessage decodes line behind buf.
func binaryMessage(buf, line []byte, limit int) (message, error) {
	const maxPadding = 2
	switch {
	case base64.StdEncoding.DecodedLen(len(line))-maxPadding > limit:
		return message{}, errTooBig
	case bytes.IndexByte(line, '\r') >= 0: // the decoder would skip it
		return message{}, errNotBase64
	}
	data, err := base64.StdEncoding.AppendDecode(buf, line)
	switch {
	case err != nil:
		return message{}, errNotBase64
	case len(data) > limit:
		return message{}, errTooBig
	}
	return message{data: data, binary: true}, nil
}
