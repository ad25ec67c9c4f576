package websocket

import (
	"fmt"
	"testing"
)

// take returns what is next, and says that all of it has been written.
func take(o *outbox, buf []byte) []byte {
	b := o.peek(buf)
	o.consume(len(b))
	return b
}

func TestOutboxKeepsOrderAndForgetsWhatItGave(t *testing.T) {
	var o outbox
	var out []byte
	buf := make([]byte, 0, 10) // two frames
	for i := range 1000 {      // three in, two out
		for j := range 3 {
			o.push(fmt.Appendf(nil, "%04d", 3*i+j))
		}
		out = append(out, take(&o, buf)...)
	}
	for b := take(&o, buf); len(b) > 0; b = take(&o, buf) {
		out = append(out, b...)
	}
	for i := range 3000 {
		if got, want := string(out[4*i:4*i+4]), fmt.Sprintf("%04d", i); got != want {
			t.Fatalf("frame %q, want %q", got, want)
		}
	}
	if o.queued != 0 {
		t.Errorf("the empty outbox counts %d bytes", o.queued)
	}
}

func TestOutboxThatIsNeverEmptyStaysSmall(t *testing.T) {
	var o outbox
	buf := make([]byte, 0, 10)
	o.push(make([]byte, 10))
	for range 10_000 {
		o.push(make([]byte, 10))
		take(&o, buf)
	}
	if cap(o.queue) > 16 {
		t.Errorf("room for %d frames, with one waiting", cap(o.queue))
	}
}
