package longpoll

import (
	"encoding/binary"
	"encoding/json/v2"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/roost-dev/roost/transport"
)

// What handlers ask of each other. Writing and reading is asked by the owner
// of a session of the front, which the client reached; all else is asked by
// the front of the owner.
const (
	opPoll  = "poll"  // answered with a status; messages have been written before
	opPost  = "post"  // answered with a status
	opWrite = "write" // part of the answer to a poll; answered 200 if it is taken or, at the last, written
	opRead  = "read"  // answered with a part of the body of a post

	opYield    = "yield"     // polls are to end, for a bridge; answered with a status, and so are the next
	opHandOver = "hand over" // a bridge is to have the session
	opRelease  = "release"   // a bridge is over
)

// request is what one handler asks of another. Nodes of two releases talk to
// each other: what one does not know it ignores.
type request struct {
	Op      string `json:"op"`
	Session string `json:"session,omitzero"`
	Front   string `json:"front,omitzero"`   // who to ask to write or read
	Request string `json:"request,omitzero"` // the client's request, at the front
	Got     uint64 `json:"got,omitzero"`     // how many messages the client has got, or will have
	More    bool   `json:"more,omitzero"`    // of what is to be written, more comes
	Lines   bool   `json:"lines,omitzero"`   // the body has a message on each line
	Size    int    `json:"size,omitzero"`    // of the whole body
	Offset  int    `json:"offset,omitzero"`  // of what is to be written or read
	Binary  bool   `json:"binary,omitzero"`  // the body is one binary message
	Bridge  string `json:"bridge,omitzero"`  // the bridge that asks; empty for a client's own request
	End     string `json:"end,omitzero"`     // how the WebSocket of the bridge ended, if not in good order: endLost or endSlow
	Words   bool   `json:"words,omitzero"`   // the answer may say in which words the session ended
	body    []byte
}

// encode puts the fields in front of the body, behind their length.
func (q request) encode() ([]byte, error) {
	fields, err := json.Marshal(q)
	if err != nil {
		return nil, fmt.Errorf("longpoll: a request to another node: %w", err)
	}
	b := make([]byte, 0, binary.MaxVarintLen32+len(fields)+len(q.body))
	b = binary.AppendUvarint(b, uint64(len(fields)))
	b = append(b, fields...)
	return append(b, q.body...), nil
}

// decodeRequest reads what encode wrote. The body shares memory with b.
func decodeRequest(b []byte) (q request, err error) {
	size, n := binary.Uvarint(b)
	if n <= 0 || size > uint64(len(b)-n) {
		return request{}, errors.New("longpoll: a request of another node is cut off")
	}
	b = b[n:]
	if err := json.Unmarshal(b[:size], &q); err != nil {
		return request{}, fmt.Errorf("longpoll: a request of another node: %w", err)
	}
	q.body = b[size:]
	return q, nil
}

// verdict is what one handler answers another.
type verdict struct {
	status int
	last   lastWords // of a session that is gone
}

// lastWords is how the server ended a session, as a WebSocket would say it.
type lastWords struct {
	code   transport.CloseCode // 0: it has not said
	reason string
}

// encode returns "410", or "410 1012 server shuts down" for who asked for words.
func (a verdict) encode(to request) []byte {
	b := strconv.AppendInt(nil, int64(a.status), 10)
	if to.Words && a.last.code != 0 {
		b = fmt.Appendf(b, " %d %s", a.last.code, a.last.reason)
	}
	return b
}

func decodeAnswer(b []byte) (a verdict, err error) {
	status, last, hasWords := strings.Cut(string(b), " ")
	if a.status, err = strconv.Atoi(status); err != nil || !hasWords {
		return a, err
	}
	code, reason, _ := strings.Cut(last, " ")
	n, err := strconv.ParseUint(code, 10, 16)
	a.last = lastWords{transport.CloseCode(n), reason}
	return a, err
}
