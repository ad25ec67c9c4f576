package history

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Position is where a reader stands in a topic's log: behind the event with
// this sequence number. The zero Position is before everything.
//
// Sequence numbers of an epoch only grow, not always by one. An epoch is one
// life of one topic's log: when that is lost, and with it the meaning of its
// numbers, another one begins. No two topics have the same.
type Position struct {
	Epoch string // letters, digits, - and _; empty in the zero Position only
	Seq   uint64
}

// maxEpoch bounds an epoch in bytes.
const maxEpoch = 64

var errPosition = errors.New("history: not a position")

// IsZero reports whether p is before everything.
func (p Position) IsZero() bool { return p == Position{} }

// String returns the position as clients see it: a word that means nothing to
// them, cannot be read as a number, and may stand in a URL. It is empty for
// the zero Position.
func (p Position) String() string {
	if p.IsZero() {
		return ""
	}
	var room [maxEpoch + 16]byte
	b := append(append(room[:0], p.Epoch...), '.')
	return string(append(strconv.AppendUint(b, p.Seq, 36), '.'))
}

// ParsePosition reads what String wrote. Clients send what they want, so an
// error is nothing to log.
func ParsePosition(s string) (Position, error) {
	if s == "" {
		return Position{}, nil
	}
	epoch, rest, ok := strings.Cut(s, ".")
	number, end, ended := strings.Cut(rest, ".")
	if !ok || !ended || end != "" || !isEpoch(epoch) {
		return Position{}, errPosition
	}
	seq, err := strconv.ParseUint(number, 36, 64)
	if err != nil || number != strconv.FormatUint(seq, 36) {
		return Position{}, fmt.Errorf("%w: its number cannot be read", errPosition)
	}
	return Position{Epoch: epoch, Seq: seq}, nil
}

func isEpoch(s string) bool {
	if s == "" || len(s) > maxEpoch {
		return false
	}
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}
