package websocket

import (
	"fmt"
	"testing"
)

func TestOutboxKeepsOrderAndForgetsWhatItGave(t *testing.T) {
	var o outbox
	var out []byte
	buf := make([]byte, 0, 10) // two frames
	for i := range 1000 {      // three in, two out
		for j := range 3 {
			o.push(fmt.Appendf(nil, "%04d", 3*i+j))
		}
		out = append(out, o.take(buf)...)
	}
	for b := o.take(buf); len(b) > 0; b = o.take(buf) {
		out = append(out, b...)
	}
	for i := range 3000 {
		if got, want := string(out[4*i:4*i+4]), fmt.Sprintf("%04d", i); got != want {
			t.Fatalf("frame %q, want %q", got, want)
		}
	}
	if o.queued != 0 || o.queue != nil {
		t.Errorf("the empty outbox counts %d bytes and has room for %d frames", o.queued, cap(o.queue))
	}
}

func TestOutboxThatIsNeverEmptyStaysSmall(t *testing.T) {
	var o outbox
	buf := make([]byte, 0, 10)
	o.push(make([]byte, 10))
	for range 10_000 {
		o.push(make([]byte, 10))
		o.take(buf)
	}
	if cap(o.queue) > 16 {
		t.Errorf("room for %d frames, with one waiting", cap(o.queue))
	}
}
