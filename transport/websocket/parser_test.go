package websocket

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/roost-dev/roost/transport"
)

// clientFrame builds a masked frame; first is its first byte.
func clientFrame(first byte, payload string) []byte {
	key := [4]byte{0x37, 0xfa, 0x21, 0x3d}
	b := []byte{first}
	switch n := len(payload); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	b = append(b, key[:]...)
	for i := range len(payload) {
		b = append(b, payload[i]^key[i%4])
	}
	return b
}

// parse feeds stream in pieces of at most size bytes and describes what came.
func parse(p *parser, stream []byte, size int) (events []string, err error) {
	for len(stream) > 0 {
		n := min(size, len(stream))
		rest := bytes.Clone(stream[:n])
		stream = stream[n:]
		for len(rest) > 0 {
			ev, after, ok, err := p.next(rest)
			if err != nil {
				return events, err
			}
			rest = after
			if ok {
				events = append(events, fmt.Sprintf("%x/%t/%s", ev.op, ev.compressed, ev.data))
			}
		}
	}
	return events, nil
}

func TestParserFindsMessagesHoweverTheyAreSplit(t *testing.T) {
	long := strings.Repeat("long ", 200)
	longer := strings.Repeat("longer ", 10_000)
	stream := bytes.Join([][]byte{
		clientFrame(0x81, "hello"),
		clientFrame(0x82, ""),
		clientFrame(0x01, "one "),
		clientFrame(0x89, "are you there?"),
		clientFrame(0x00, "two "),
		clientFrame(0x8A, ""),
		clientFrame(0x80, "three"),
		clientFrame(0xC1, "deflated"),
		clientFrame(0x81, long),
		clientFrame(0x41, "de"),
		clientFrame(0x80, "flated"),
		clientFrame(0x01, ""),
		clientFrame(0x80, ""),
		clientFrame(0x82, longer),
		clientFrame(0x88, "\x03\xe8bye"),
	}, nil)
	want := []string{
		"1/false/hello", "2/false/", "9/false/are you there?", "a/false/", "1/false/one two three", "1/true/deflated",
		"1/false/" + long, "1/true/deflated", "1/false/", "2/false/" + longer, "8/false/\x03\xe8bye",
	}
	for _, size := range []int{1, 2, 3, 7, 64, 1000, len(stream)} {
		p := &parser{limit: 100_000, deflate: true}
		got, err := parse(p, stream, size)
		if err != nil {
			t.Fatalf("in pieces of %d: %v", size, err)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("in pieces of %d: events %.300q, want %.300q", size, got, want)
		}
		if p.message != nil || p.control != nil {
			t.Errorf("in pieces of %d: the parser holds on to a buffer", size)
		}
	}
}

func TestParserRefuses(t *testing.T) {
	huge := append([]byte{0x82, 0xFF}, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4)
	tests := []struct {
		name   string
		stream []byte
		code   transport.CloseCode
	}{
		{"a frame without a mask", []byte{0x81, 0x02, 'h', 'i'}, 1002},
		{"a reserved bit", clientFrame(0x91, "x"), 1002},
		{"another reserved bit", clientFrame(0xA1, "x"), 1002},
		{"compression that was not negotiated", clientFrame(0xC1, "x"), 1002},
		{"an unknown opcode for data", clientFrame(0x83, "x"), 1002},
		{"an unknown opcode for control", clientFrame(0x8B, "x"), 1002},
		{"a continuation of nothing", clientFrame(0x80, "x"), 1002},
		{"a message within a message", append(clientFrame(0x01, "x"), clientFrame(0x81, "y")...), 1002},
		{"a fragmented ping", clientFrame(0x09, "x"), 1002},
		{"a ping of 126 bytes", clientFrame(0x89, strings.Repeat("x", 126)), 1002},
		{"a length with its highest bit set", huge, 1002},
		{"a message over the limit", clientFrame(0x81, strings.Repeat("x", 201)), 1009},
		{"fragments that add up to more than the limit", append(clientFrame(0x01, strings.Repeat("x", 150)), clientFrame(0x80, strings.Repeat("x", 51))...), 1009},
	}
	for _, tt := range tests {
		for _, size := range []int{1, len(tt.stream)} {
			_, err := parse(&parser{limit: 200}, tt.stream, size)
			var refused *closeError
			if !errors.As(err, &refused) || refused.code != tt.code || refused.reason == "" {
				t.Errorf("%s, in pieces of %d: error %v, want close code %d and a reason", tt.name, size, err, tt.code)
			}
		}
	}
}

func TestParserRefusesByTheHeaderAlone(t *testing.T) {
	header := clientFrame(0x81, strings.Repeat("x", 70_000))[:14]
	if _, err := parse(&parser{limit: 1000}, header, 14); err == nil {
		t.Error("waits for the payload of a message that is over the limit")
	}
	if _, err := parse(&parser{limit: 1000}, []byte{0x81, 0x05}, 1); err == nil {
		t.Error("waits for the payload of a frame that is not masked")
	}
}

func TestParserAllowsMessagesOfExactlyTheLimit(t *testing.T) {
	whole := clientFrame(0x81, strings.Repeat("x", 200))
	fragments := append(clientFrame(0x01, strings.Repeat("x", 150)), clientFrame(0x80, strings.Repeat("x", 50))...)
	for _, stream := range [][]byte{whole, fragments} {
		if got, err := parse(&parser{limit: 200}, stream, len(stream)); err != nil || len(got) != 1 {
			t.Errorf("events %v, error %v", got, err)
		}
	}
}

func TestParserWithoutALimit(t *testing.T) {
	p := &parser{limit: math.MaxInt, deflate: true}
	stream := append(clientFrame(0x01, "x"), clientFrame(0xC0, "y")...)
	if _, err := parse(p, stream[:7], 7); err != nil {
		t.Fatal(err)
	}
	header := []byte{0x80, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0}
	if _, err := parse(p, header, 14); err == nil {
		t.Error("fragments that add up to more than an int can count are allowed")
	}
}

// FuzzParser checks that what a parser finds does not depend on how the bytes
// were split, and that no message exceeds the limit.
func FuzzParser(f *testing.F) {
	f.Add(append(clientFrame(0x01, "one"), clientFrame(0x80, "two")...), uint8(3), true)
	f.Add(append(clientFrame(0x89, "ping"), clientFrame(0x88, "\x03\xe8")...), uint8(1), false)
	f.Add(clientFrame(0xC1, strings.Repeat("x", 300)), uint8(200), true)
	f.Add([]byte{0x81, 0x7F}, uint8(0), false)
	f.Fuzz(func(t *testing.T, stream []byte, size uint8, deflate bool) {
		const limit = 256
		whole, wholeErr := parse(&parser{limit: limit, deflate: deflate}, stream, len(stream))
		split, splitErr := parse(&parser{limit: limit, deflate: deflate}, stream, int(size)+1)
		if fmt.Sprint(whole, wholeErr) != fmt.Sprint(split, splitErr) {
			t.Errorf("whole: %q, %v; in pieces of %d: %q, %v", whole, wholeErr, int(size)+1, split, splitErr)
		}
		for _, ev := range whole {
			if len(ev) > len("1/false/")+limit+limit/8+64 {
				t.Errorf("a message of %d bytes passed", len(ev))
			}
		}
	})
}

func BenchmarkParse(b *testing.B) {
	for _, n := range []int{89, 1 << 10, 16 << 10} {
		b.Run(fmt.Sprintf("%dB", n), func(b *testing.B) {
			frame := clientFrame(0x81, strings.Repeat("x", n))
			p := &parser{limit: 1 << 20}
			b.SetBytes(int64(n))
			b.ReportAllocs()
			for b.Loop() {
				if _, _, ok, err := p.next(frame); !ok || err != nil {
					b.Fatal(ok, err)
				}
			}
		})
	}
}
