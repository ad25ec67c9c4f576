package ws_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/roost-dev/roost/internal/ws"
)

func TestAFrameComesBackAsItWasSent(t *testing.T) {
	appends := map[string]func([]byte, byte, []byte) []byte{"client": ws.AppendClient, "server": ws.AppendServer}
	for _, length := range []int{0, 1, 7, 8, 9, 125, 126, 127, 65535, 65536, 70000} {
		for side, appendFrame := range appends {
			t.Run(fmt.Sprint(side, length), func(t *testing.T) {
				payload := bytes.Repeat([]byte("roost"), length/5+1)[:length]
				raw := appendFrame([]byte("before"), ws.Text, payload)[len("before"):]
				f, n, err := ws.Next(append(slices.Clip(raw), "behind"...))
				if err != nil || n != len(raw) {
					t.Fatalf("took %d bytes of %d, %v", n, len(raw), err)
				}
				if f.Op != ws.Text || !f.Fin || !bytes.Equal(f.Payload, payload) {
					t.Errorf("op %d, fin %v, payload %.50q", f.Op, f.Fin, f.Payload)
				}
			})
		}
	}
}

func TestAFrameThatIsNotAllThereTakesNothing(t *testing.T) {
	for _, length := range []int{0, 5, 126, 66000} {
		raw := ws.AppendClient(nil, ws.Binary, make([]byte, length))
		for n := range min(len(raw), 20) {
			if _, took, err := ws.Next(bytes.Clone(raw[:n])); took != 0 || err != nil {
				t.Errorf("%d bytes of a frame of %d: took %d, %v", n, length, took, err)
			}
		}
		if _, took, err := ws.Next(bytes.Clone(raw[:len(raw)-1])); took != 0 || err != nil {
			t.Errorf("a frame of %d without its last byte: took %d, %v", length, took, err)
		}
	}
}

func TestAFrameThatCannotBeSplitIsAnError(t *testing.T) {
	for name, raw := range map[string][]byte{
		"reserved bits": {0xC1, 0x00},
		"too large":     {0x82, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF},
	} {
		if _, _, err := ws.Next(raw); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// FuzzNext looks for input that panics, or takes more than there is.
func FuzzNext(f *testing.F) {
	f.Add(ws.AppendClient(nil, ws.Text, []byte("hello")))
	f.Add(ws.AppendServer(nil, ws.Close, []byte{3, 232}))
	f.Add([]byte{0x82, 0x7F, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 1})
	f.Fuzz(func(t *testing.T, raw []byte) {
		frame, n, err := ws.Next(raw)
		if n < 0 || n > len(raw) || len(frame.Payload) > n || err != nil && n != 0 {
			t.Errorf("took %d of %d bytes with a payload of %d, %v", n, len(raw), len(frame.Payload), err)
		}
	})
}
