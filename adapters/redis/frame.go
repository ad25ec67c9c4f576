package redis

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/roost-dev/roost/history"
	"github.com/roost-dev/roost/pubsub"
)

// keptMark begins what is published of an event that a log has, in place of an
// adapter's id, which has letters and digits only.
const keptMark = "+"

// binaryEvent is a flag of an encoded event. Others are of later releases.
const binaryEvent = 1

var (
	errEvent = errors.New("not an event of a version known here")
	errFrame = errors.New("not an event with a position")
)

// appendEvent appends an event as streams have it: flags, the name and the
// sender with their lengths before them, the payload to the end.
func appendEvent(b []byte, e *history.Event) []byte {
	var flags byte
	if e.Binary {
		flags |= binaryEvent
	}
	b = append(b, flags)
	for _, s := range [...]string{e.Name, e.Sender} {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	return append(b, e.Payload...)
}

// parseEvent reads what appendEvent wrote.
func parseEvent(s string) (e history.Event, err error) {
	b := []byte(s)
	if len(b) == 0 || b[0]&^binaryEvent != 0 {
		return e, errEvent
	}
	e.Binary = b[0]&binaryEvent != 0
	b = b[1:]
	for _, field := range [...]*string{&e.Name, &e.Sender} {
		size, n := binary.Uvarint(b)
		if n <= 0 || size > uint64(len(b)-n) {
			return e, errEvent
		}
		b = b[n:]
		*field, b = string(b[:size]), b[size:]
	}
	e.Payload = b
	return e, nil
}

// parseFrame reads what the script that appends an event publishes: the mark,
// the epoch, a space, the sequence number, a space, the event. Sequence
// numbers count by one.
func parseFrame(s string) (*pubsub.Envelope, error) {
	s, marked := strings.CutPrefix(s, keptMark)
	epoch, s, ok := strings.Cut(s, " ")
	number, s, ended := strings.Cut(s, " ")
	if !marked || !ok || !ended || epoch == "" {
		return nil, errFrame
	}
	seq, err := strconv.ParseUint(number, 10, 64)
	if err != nil || seq == 0 {
		return nil, fmt.Errorf("%w: its number cannot be read", errFrame)
	}
	event, err := parseEvent(s)
	if err != nil {
		return nil, err
	}
	return &pubsub.Envelope{
		Kind: pubsub.KindKept, Event: event.Name, Payload: event.Payload, Binary: event.Binary, ID: event.Sender,
		Position: history.Position{Epoch: strings.Clone(epoch), Seq: seq}, Previous: seq - 1,
	}, nil
}
