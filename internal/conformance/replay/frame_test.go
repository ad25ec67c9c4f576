package replay

import (
	"bufio"
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"strings"
	"testing"
)

// unmask turns a client's frame into the same frame of a server, whose reader we have.
func unmask(t *testing.T, raw []byte) []byte {
	t.Helper()
	head := 2
	switch raw[1] & 0x7f {
	case 126:
		head = 4
	case 127:
		head = 10
	}
	key, payload := raw[head:head+4], raw[head+4:]
	out := bytes.Clone(raw[:head])
	out[1] &= 0x7f
	for i, b := range payload {
		out = append(out, b^key[i%4])
	}
	return out
}

func TestAFrameArrivesAsItWasSent(t *testing.T) {
	for _, size := range []int{0, 1, 125, 126, 65535, 65536, 100_000} {
		payload := bytes.Repeat([]byte{'x', 0, 0xff}, size/3+1)[:size]
		raw := encodeFrame(opBinary, payload, FrameOpts{})
		if raw[1]&0x80 == 0 {
			t.Fatalf("%d bytes: a client's frame is masked", size)
		}
		f, err := readFrame(bufio.NewReader(bytes.NewReader(unmask(t, raw))))
		if err != nil || f.kind() != "binary" || !f.fin() || f.rsv() != 0 || !bytes.Equal(f.payload, payload) {
			t.Errorf("%d bytes: got %v, %v", size, f, err)
		}
	}
}

func TestAHandMadeFrameNeedNotBeLegal(t *testing.T) {
	no := false
	raw := encodeFrame(opPing, []byte("hi"), FrameOpts{Fin: &no, RSV: 4, Mask: &no})
	if want := "\x49\x02hi"; string(raw) != want {
		t.Errorf("got % x, want % x", raw, want)
	}
}

func TestFramesThatAServerMustNotSendAreErrors(t *testing.T) {
	for name, raw := range map[string]string{
		"masked":             "\x81\x80abcd",
		"fragmented control": "\x09\x00",
		"long control":       "\x89\x7e\x00\x7e" + strings.Repeat("x", 126),
		"huge":               "\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff",
	} {
		if f, err := readFrame(bufio.NewReader(strings.NewReader(raw))); err == nil {
			t.Errorf("%s: got %v", name, f)
		}
	}
	_, err := readFrame(bufio.NewReader(strings.NewReader("\x81\x05ab")))
	if !errors.Is(err, io.ErrUnexpectedEOF) || orderlyEnd(err) {
		t.Errorf("a truncated frame is not an orderly end: %v", err)
	}
}

func TestCompressedMessagesAreInflated(t *testing.T) {
	var wire bytes.Buffer
	w, err := flate.NewWriter(&wire, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	next := func(text string) []byte {
		wire.Reset()
		io.WriteString(w, text)
		w.Flush()
		return bytes.TrimSuffix(bytes.Clone(wire.Bytes()), []byte("\x00\x00\xff\xff"))
	}
	const text = `[null,"1","phoenix","phx_reply",{"response":{},"status":"ok"}]`
	first, second := next(text), next(text)
	for _, c := range []struct {
		name     string
		takeover bool
		messages [][]byte
		ok       bool
	}{
		{"each for itself", false, [][]byte{first, first}, true},
		{"with context takeover", true, [][]byte{first, second}, true},
		{"with takeover, though none was agreed", false, [][]byte{first, second}, false},
	} {
		i := inflater{takeover: c.takeover}
		var err error
		for _, m := range c.messages {
			var got []byte
			if got, err = i.inflate(m); err == nil && string(got) != text {
				t.Errorf("%s: got %q", c.name, got)
			}
		}
		if (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func FuzzReadFrame(f *testing.F) {
	f.Add([]byte("\x81\x02hi"))
	f.Add([]byte("\x88\x02\x03\xe8"))
	f.Add([]byte("\x82\x7e\x00\x03abc"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if frame, err := readFrame(bufio.NewReader(bytes.NewReader(raw))); err == nil && len(frame.payload) > len(raw) {
			t.Errorf("%d bytes out of %d", len(frame.payload), len(raw))
		}
	})
}
