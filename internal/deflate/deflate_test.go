package deflate_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/roost-dev/roost/internal/deflate"
)

// The example of RFC 7692 §7.2.3.1.
func TestAMessageOfTheRFC(t *testing.T) {
	var b bytes.Buffer
	if err := deflate.Inflate(&b, []byte{0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00}, 5); err != nil || b.String() != "Hello" {
		t.Errorf("got %q, %v", b.String(), err)
	}
}

func TestMessagesComeBack(t *testing.T) {
	for _, text := range []string{"", "x", strings.Repeat("compressible ", 1000)} {
		deflated := deflate.Append([]byte("head"), []byte(text))
		if !bytes.HasPrefix(deflated, []byte("head")) {
			t.Fatalf("%q was not appended", deflated)
		}
		var b bytes.Buffer
		if err := deflate.Inflate(&b, deflated[len("head"):], len(text)); err != nil || b.String() != text {
			t.Errorf("%d bytes became %d, %v", len(text), b.Len(), err)
		}
		if err := deflate.Inflate(&b, deflated[len("head"):], len(text)-1); len(text) > 0 && !errors.Is(err, deflate.ErrTooBig) {
			t.Errorf("%d bytes over the limit: %v", len(text), err)
		}
	}
}

// FuzzInflate looks for input that panics, or that brings more than the limit.
func FuzzInflate(f *testing.F) {
	f.Add([]byte{0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00})
	f.Add(deflate.Append(nil, make([]byte, 1<<20)))
	f.Fuzz(func(t *testing.T, payload []byte) {
		const limit = 1 << 10
		var b bytes.Buffer
		if err := deflate.Inflate(&b, payload, limit); err == nil && b.Len() > limit {
			t.Errorf("%d bytes came of a limit of %d", b.Len(), limit)
		}
	})
}
