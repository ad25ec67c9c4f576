package websocket

import (
	"encoding/binary"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/roost-dev/roost/transport"
)

// outbox is what waits to be written. The mutex of its connection guards it.
type outbox struct {
	queue    [][]byte // frames, shared with other connections; those before first are gone
	first    int      // the next to be written
	offset   int      // how much of it is written already
	begun    int      // how many from first on are being written
	lead     int      // how many from first on are ahead of a control frame that comes now
	queued   int      // bytes that are not written
	answer   []byte   // the pong to be sent, if any: a ping that was not answered before the next is forgotten
	question bool     // a ping is to be sent

	// Used by the poller's lines.
	moved time.Duration // when the client last took something
	stuck bool          // the kernel took less than it was given
}

// outboxes are those of connections that have nothing to write any more.
var outboxes = sync.Pool{New: func() any { return new(outbox) }}

func newOutbox() *outbox { return outboxes.Get().(*outbox) }

// release gives back an outbox that is empty.
func (o *outbox) release() {
	if cap(o.queue) <= 64 {
		*o = outbox{queue: o.queue[:0], answer: o.answer[:0]}
		outboxes.Put(o)
	}
}

func (o *outbox) push(frame []byte) {
	o.queue = append(o.queue, frame)
	o.queued += len(frame)
}

// drop forgets what nobody has begun to write.
func (o *outbox) drop() {
	keep := o.queue[o.first : o.first+o.begun]
	o.queue, o.first = slices.Clone(keep), 0
	o.queued = -o.offset
	for _, frame := range o.queue {
		o.queued += len(frame)
	}
	o.lead = min(o.lead, o.begun)
	o.answer, o.question = o.answer[:0], false
}

// peek returns what is to be written next, put together in buf if it is more
// than one frame: as many whole frames as buf has room for, or what is left of
// one that is too large for it. It is empty when nothing waits.
func (o *outbox) peek(buf []byte) []byte {
	o.insertControls()
	waiting := o.queue[o.first:]
	if len(waiting) == 0 {
		return nil
	}
	head := waiting[0][o.offset:]
	o.begun = 1
	if len(waiting) == 1 || len(head)+len(waiting[1]) > cap(buf) {
		return head
	}
	b := append(buf[:0], head...)
	for _, frame := range waiting[1:] {
		if len(b)+len(frame) > cap(b) {
			break
		}
		b = append(b, frame...)
		o.begun++
	}
	return b
}

// insertControls puts pong and ping in front, but not into a frame that is
// written in part. While earlier ones are there it leaves them be, so that they
// cannot pile up.
func (o *outbox) insertControls() {
	if o.lead > min(o.offset, 1) {
		return
	}
	if len(o.answer) > 0 {
		o.insert(slices.Clone(o.answer))
		o.answer = o.answer[:0]
	}
	if o.question {
		o.insert(pingFrame)
		o.question = false
	}
}

func (o *outbox) insert(control []byte) {
	o.queue = slices.Insert(o.queue, o.first+o.lead, control)
	o.queued += len(control)
	o.lead++
}

// consume removes n bytes of what peek returned, which have been written.
func (o *outbox) consume(n int) {
	o.queued -= n
	n += o.offset
	done := 0
	for waiting := o.queue[o.first:]; done < len(waiting) && n >= len(waiting[done]); done++ {
		n -= len(waiting[done])
	}
	o.shift(done)
	o.offset = n
	o.begun = min(n, 1)
	o.lead = max(o.lead-done, o.begun)
}

// shift removes the first n frames. It moves the others only when they are
// fewer than those that are gone, so that a long queue costs no more per frame
// than a short one.
func (o *outbox) shift(n int) {
	clear(o.queue[o.first : o.first+n])
	o.first += n
	if left := len(o.queue) - o.first; left <= o.first {
		copy(o.queue, o.queue[o.first:])
		clear(o.queue[left:])
		o.queue, o.first = o.queue[:left], 0
	}
}

// pingFrame is a ping without a payload.
var pingFrame = []byte{0x80 | opPing, 0}

func appendPong(b, payload []byte) []byte {
	return append(append(b, 0x80|opPong, byte(len(payload))), payload...)
}

// closeFrame makes a close frame. A reason that is too long is shortened, and
// made UTF-8, since clients would take it for a violation.
func closeFrame(code transport.CloseCode, reason string) []byte {
	const longest = maxControl - 2
	reason = strings.ToValidUTF8(reason, "\uFFFD")
	if len(reason) > longest {
		n := longest
		for !utf8.RuneStart(reason[n]) {
			n--
		}
		reason = reason[:n]
	}
	b := appendHeader(make([]byte, 0, 4+len(reason)), 0x80|opClose, 2+len(reason))
	b = binary.BigEndian.AppendUint16(b, uint16(code))
	return append(b, reason...)
}
