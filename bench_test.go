package roost

import (
	"testing"

	"github.com/roost-dev/roost/wire"
)

func BenchmarkMailbox(b *testing.B) {
	var box mailbox
	m := mail{kind: mailPush, event: "event", payload: wire.Payload{Data: []byte(`{"n":1}`)}}
	b.ReportAllocs()
	for b.Loop() {
		for range 8 {
			box.put(m, 1024, 1<<20)
		}
		for range 8 {
			box.take()
		}
	}
}
