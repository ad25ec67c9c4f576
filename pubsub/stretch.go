package pubsub

import (
	"slices"

	"github.com/roost-dev/roost/history"
)

const (
	// stretchMost and stretchBytes bound a stretch, in messages and their
	// payloads. One message is always within.
	stretchMost  = 1024
	stretchBytes = 1 << 20
)

// stretch is a part of a topic's log, without a gap, held by this node for all
// who read it: what is derived of a message is made once for all of them. Who
// has it guards it.
type stretch struct {
	messages []*Message
	bytes    int // of payloads
}

// add puts messages that follow each other in the log behind those that are
// there. What is at a distance from them, or of another epoch, begins anew.
// Beyond the bounds the oldest go.
func (s *stretch) add(messages ...*Message) {
	for _, m := range messages {
		if n := len(s.messages); n > 0 && !s.messages[n-1].isBefore(m) {
			s.messages, s.bytes = nil, 0
		}
		s.messages = append(s.messages, m)
		s.bytes += len(m.Payload)
	}
	for len(s.messages) > stretchMost || s.bytes > stretchBytes && len(s.messages) > 1 {
		s.bytes -= len(s.messages[0].Payload)
		s.messages[0] = nil
		s.messages = s.messages[1:]
	}
}

// prepend puts messages that follow each other in the log in front, up to where
// the stretch begins: to is that position. It does so only if they reach it and
// all fit.
func (s *stretch) prepend(messages []*Message, to history.Position) {
	n, _ := slices.BinarySearchFunc(messages, to.Seq, isBehind)
	if n == 0 || messages[n-1].Position != to || len(s.messages)+n > stretchMost {
		return
	}
	size := 0
	for _, m := range messages[:n] {
		size += len(m.Payload)
	}
	if s.bytes+size <= stretchBytes {
		s.messages, s.bytes = slices.Concat(messages[:n], s.messages), s.bytes+size
	}
}

// begin returns the position before the first message, and end that of the last.
// Without messages both are zero.
func (s *stretch) begin() history.Position {
	if len(s.messages) == 0 {
		return history.Position{}
	}
	first := s.messages[0]
	return history.Position{Epoch: first.Position.Epoch, Seq: first.Previous}
}

func (s *stretch) end() history.Position {
	if len(s.messages) == 0 {
		return history.Position{}
	}
	return s.messages[len(s.messages)-1].Position
}

// behind returns the messages behind a position. ok is false if it is not in the
// stretch. They are valid until the stretch changes.
func (s *stretch) behind(after history.Position) (messages []*Message, ok bool) {
	begin, end := s.begin(), s.end()
	if after.Epoch != end.Epoch || after.Seq < begin.Seq || after.Seq > end.Seq {
		return nil, false
	}
	first, _ := slices.BinarySearchFunc(s.messages, after.Seq, isBehind)
	return s.messages[first:], true
}

// isBefore reports whether next comes right behind m in the log.
func (m *Message) isBefore(next *Message) bool {
	return m.Position == history.Position{Epoch: next.Position.Epoch, Seq: next.Previous}
}

// isBehind finds the first message behind a position.
func isBehind(m *Message, seq uint64) int {
	if m.Position.Seq <= seq {
		return -1
	}
	return 1
}
