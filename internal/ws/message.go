package ws

import "fmt"

// A Message is a message of version 2 in text (spec/protocol.md §6), split but not decoded: each field is JSON as it
// came, strings with their quotes. The fields share memory with the text.
type Message struct {
	JoinRef, Ref, Topic, Event, Payload []byte
}

// Split splits a message. It takes the payload for whatever stands between the fourth comma and the last bracket:
// package wire decodes and checks messages, at ten times the cost.
func Split(text []byte) (Message, error) {
	var fields [4][]byte
	if len(text) < 2 || text[0] != '[' || text[len(text)-1] != ']' {
		return Message{}, fmt.Errorf("not a message of version 2: %.100q", text)
	}
	rest := text[1:]
	for i := range fields {
		n := scalarLen(rest)
		if n == 0 || n >= len(rest) || rest[n] != ',' {
			return Message{}, fmt.Errorf("not a message of version 2: %.100q", text)
		}
		fields[i], rest = rest[:n], rest[n+1:]
	}
	return Message{fields[0], fields[1], fields[2], fields[3], rest[:len(rest)-1]}, nil
}

// scalarLen returns how long the string, number or literal at the start of b is, 0 if there is none.
func scalarLen(b []byte) int {
	if len(b) > 0 && b[0] == '"' {
		return StringLen(b)
	}
	for i, c := range b {
		if c == ',' || c == '"' || c == '[' || c == '{' {
			return i
		}
	}
	return 0
}

// StringLen returns how long the JSON string at the start of b is, with its quotes, and 0 if it does not end. It does
// not check escapes.
func StringLen(b []byte) int {
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '"':
			return i + 1
		case '\\':
			i++
		}
	}
	return 0
}
