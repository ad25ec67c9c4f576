package roost

import (
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/roost-dev/roost/wire"
)

func push(event string, n int) mail {
	return mail{kind: mailPush, event: event, payload: wire.Payload{Data: make([]byte, n)}}
}

func TestMailboxIsBoundedInNumberAndBytes(t *testing.T) {
	var b mailbox
	for i := range 4 {
		if !b.put(push("e", 10), 4, 1<<20) {
			t.Fatalf("mail %d of 4 refused", i+1)
		}
	}
	if b.put(push("e", 10), 4, 1<<20) {
		t.Error("a fifth mail was taken by a mailbox of 4")
	}
	if !b.put(mail{kind: mailLeave}, 4, 1<<20) {
		t.Error("a leave was refused: it ends the conversation, so it must get through")
	}
	b = mailbox{}
	if !b.put(push("e", 5000), 4, 1000) {
		t.Error("an empty mailbox refused a mail larger than its bound")
	}
	if b.put(push("e", 1), 4, 1000) {
		t.Error("a mailbox over its bound in bytes took one more")
	}
}

func TestMailboxIsFirstInFirstOut(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var b mailbox
	next, want := 0, 0
	for range 10_000 {
		if rng.IntN(2) == 0 {
			if b.put(push(strconv.Itoa(next), rng.IntN(50)), 100, 1<<20) {
				next++
			}
			continue
		}
		m, ok := b.take()
		if ok != (want < next) {
			t.Fatalf("take: %v with %d in it", ok, next-want)
		}
		if ok {
			if m.event != strconv.Itoa(want) {
				t.Fatalf("got mail %s, want %d", m.event, want)
			}
			want++
		}
		if want == next {
			if b.bytes != 0 {
				t.Fatalf("an empty mailbox counts %d bytes", b.bytes)
			}
			if b = b.reuse(10); cap(b.items) > 10 {
				t.Fatalf("an empty mailbox keeps room for %d mails", cap(b.items))
			}
		}
	}
}
