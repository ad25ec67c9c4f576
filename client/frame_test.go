package client

import (
	"bufio"
	"bytes"
	"runtime"
	"testing"
	"testing/iotest"

	"github.com/roost-dev/roost/internal/ws"
)

func TestFramesAreMaskedAnew(t *testing.T) {
	for _, length := range []int{0, 1, 125, 126, 65535, 65536} {
		payload := bytes.Repeat([]byte{'x'}, length)
		one, two := appendFrame(nil, ws.Binary, payload), appendFrame(nil, ws.Binary, payload)
		if bytes.Equal(one, two) {
			t.Errorf("two frames of %d bytes have the same mask", length)
		}
		f, n, err := ws.Next(one)
		if err != nil || n != len(one) || f.Op != ws.Binary || !f.Fin || !bytes.Equal(f.Payload, payload) {
			t.Errorf("%d bytes: a server took %d of %d, %v", length, n, len(one), err)
		}
	}
}

// read is what a stream holds until its end.
type read struct {
	messages []string
	pings    []string
	err      string
}

func readAll(r *bufio.Reader, most int) read {
	var all read
	frames := reader{r: r, max: most, pong: func(p []byte) { all.pings = append(all.pings, string(p)) }}
	for {
		data, isBinary, err := frames.message()
		if err != nil {
			all.err = err.Error()
			return all
		}
		kind := "text "
		if isBinary {
			kind = "binary "
		}
		all.messages = append(all.messages, kind+string(data))
	}
}

// FuzzReader looks for input that panics, that is understood in another way if it comes in other pieces, or whose messages
// do not come back when they are sent whole.
func FuzzReader(f *testing.F) {
	f.Add(ws.AppendServer(nil, ws.Text, []byte("hello")))
	f.Add(append(ws.AppendServer(nil, ws.Ping, []byte("p")), ws.AppendServer(nil, ws.Close, []byte{3, 232, 'b', 'y', 'e'})...))
	f.Add([]byte{0x02, 1, 'a', 0x89, 0, 0x00, 2, 'b', 'c', 0x80, 0, 0x81, 126, 0, 5})
	f.Add([]byte{0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0, 'x'})
	f.Add(ws.AppendServer(nil, ws.Binary, make([]byte, 70000)))
	f.Fuzz(func(t *testing.T, stream []byte) {
		const most = 1 << 17
		got := readAll(bufio.NewReader(bytes.NewReader(stream)), most)
		slow := readAll(bufio.NewReaderSize(iotest.OneByteReader(bytes.NewReader(stream)), 16), most)
		var whole []byte
		for i, m := range got.messages {
			if i >= len(slow.messages) || slow.messages[i] != m {
				t.Fatalf("message %d is not the same byte by byte", i)
			}
			op, payload := byte(ws.Text), []byte(m[len("text "):])
			if m[0] == 'b' {
				op, payload = ws.Binary, []byte(m[len("binary "):])
			}
			if len(payload) > most {
				t.Fatalf("message %d has %d bytes", i, len(payload))
			}
			whole = ws.AppendServer(whole, op, payload)
		}
		if len(slow.messages) != len(got.messages) || slow.err != got.err || len(slow.pings) != len(got.pings) {
			t.Fatalf("read %v, and byte by byte %v", got, slow)
		}
		again := readAll(bufio.NewReader(bytes.NewReader(whole)), most)
		if len(again.messages) != len(got.messages) {
			t.Fatalf("%d messages became %d", len(got.messages), len(again.messages))
		}
	})
}

// A length is only what the server says: memory follows what comes.
func TestMemoryFollowsWhatComes(t *testing.T) {
	header := []byte{0x82, 127, 0, 0, 0, 0, 0x3F, 0, 0, 0, 'x'}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if all := readAll(bufio.NewReader(bytes.NewReader(header)), 1<<30); all.err == "" {
		t.Error("it was read")
	}
	runtime.ReadMemStats(&after)
	if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 10<<20 {
		t.Errorf("a frame that claims 1 GiB took %d bytes", allocated)
	}
}
